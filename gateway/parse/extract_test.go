package parse

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

// A fakeExtractor reads PDFs by looking at them.
type fakeExtractor struct{ fail bool }

func (fakeExtractor) Extracts(mediaType string) bool { return mediaType == "application/pdf" }

func (f fakeExtractor) Text(_ context.Context, file io.Reader, most int64) (string, error) {
	b, err := io.ReadAll(file)
	if f.fail {
		err = errors.New("not today")
	}
	return cut("text of "+string(b), int(most)), err
}

func TestTextOfPDFsComesLate(t *testing.T) {
	letter := strings.NewReader(letterTop + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0xLjcK\n--b\nContent-Type: application/pdf; name=b.pdf\n\n%PDF-1.4\n--b--\n")
	it := registry.Item{Door: registry.DoorSMTP}
	for _, tt := range []struct {
		name      string
		extractor Extractor
		text      string
		flaws     int
	}{
		{"by an extractor", fakeExtractor{}, "text of %PDF-1.7\n\n\ntext of %PDF-1.4", 0},
		{"by one that fails", fakeExtractor{fail: true}, "text of %PDF-1.7\n\n\ntext of %PDF-1.4", 2},
		{"by nobody", nil, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New(Options{Extractor: tt.extractor})
			doc := r.Read(t.Context(), it, letter)
			equal(t, "text at once", doc.Text, "text")
			text, flaws := r.Late(t.Context(), it, letter, doc)
			equal(t, "late text", text, tt.text)
			equal(t, "flaws", len(flaws), tt.flaws)
		})
	}
}

// program writes a shell script that stands for pdftotext.
func program(t *testing.T, script string) *PDFText {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pdftotext")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &PDFText{program: name, Time: 20 * time.Second}
}

func TestTheChildIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		most         int64
		time         time.Duration
		want         string
		fails        bool
	}{
		{"what it writes is read", "cat", 100, 0, "input", false},
		{"it may say nothing", "cat >/dev/null", 100, 0, "", false},
		{"it is stopped when there is enough", "while :; do echo aaaa; done", 10, 0, "aaaa\naaaa\n", false},
		{"it is stopped when its time is over", "echo begin; exec sleep 600", 100, 200 * time.Millisecond, "*", true},
		{"its failure is told", "echo half; exit 3", 100, 0, "half\n", true},
		{"what is no text becomes text", `printf 'a\377\000b'`, 100, 0, "a\ufffdb", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := program(t, tt.script)
			if tt.time > 0 {
				p.Time = tt.time
			}
			got, err := p.Text(t.Context(), strings.NewReader("input"), tt.most)
			if tt.want != "*" && got != tt.want || (err != nil) != tt.fails {
				t.Errorf("got %.100q, %v", got, err)
			}
		})
	}
}

// The smallest PDF with a word in it.
const smallPDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj
4 0 obj<</Length 44>>stream
BT /F1 18 Tf 10 100 Td (Wniosek 6131) Tj ET 
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
%%EOF
`

func TestPopplerReadsAPDF(t *testing.T) {
	p, ok := NewPDFText()
	if !ok {
		t.Log("pdftotext is not installed: its text is not compared")
		return
	}
	got, err := p.Text(t.Context(), strings.NewReader(smallPDF), 1000)
	if err != nil || !strings.Contains(got, "Wniosek 6131") {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := p.Text(t.Context(), strings.NewReader("no PDF at all"), 1000); err == nil {
		t.Errorf("no PDF gave %q and no error", got)
	}
}
