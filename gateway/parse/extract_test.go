package parse

import (
	"context"
	"errors"
	"fmt"
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

func (f fakeExtractor) Text(_ context.Context, _ string, file io.Reader, most int64) (text, by string, err error) {
	b, err := io.ReadAll(file)
	if f.fail {
		err = errors.New("not today")
	}
	return cut("text of "+string(b), int(most)), "eyes", err
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
		{"by an extractor", fakeExtractor{}, "text of %PDF-1.7\n\ntext of %PDF-1.4", 0},
		{"by one that fails", fakeExtractor{fail: true}, "text of %PDF-1.7\n\ntext of %PDF-1.4", 2},
		{"by nobody", nil, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New(Options{Extractor: tt.extractor})
			doc := r.Read(t.Context(), it, letter)
			equal(t, "text at once", doc.Text, "text")
			equal(t, "parts to be read late", r.LateParts(doc), tt.extractor != nil)
			text, parts, flaws := r.Late(t.Context(), it, letter, doc)
			equal(t, "late text", text, tt.text)
			for i, p := range parts {
				equal(t, "part read by", p.Path+" "+p.By, []string{"2 eyes", "3 eyes"}[i])
			}
			equal(t, "flaws", len(flaws), tt.flaws)
		})
	}
}

// program writes a shell script that stands for somebody's program.
func program(t *testing.T, script string) child {
	t.Helper()
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return child{program: name, time: 20 * time.Second}
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
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := program(t, tt.script)
			if tt.time > 0 {
				p.time = tt.time
			}
			got, err := p.run(t.Context(), strings.NewReader("input"), tt.most)
			if tt.want != "*" && string(got) != tt.want || (err != nil) != tt.fails {
				t.Errorf("got %.100q, %v", got, err)
			}
		})
	}
}

func TestTheGuardsStandBeforeTheProgram(t *testing.T) {
	c := child{program: "/bin/p", nice: "/bin/nice", limits: "/bin/prlimit", time: time.Second, memory: 1000}
	equal(t, "line", strings.Join(c.line([]string{"-"}), " "), "/bin/nice -n 10 /bin/prlimit --as=1000 --cpu=2 --core=0 --nofile=64 --fsize=1073741824 -- /bin/p -")
	if _, ok := newChild("no-such-program-anywhere", 0, 0); ok {
		t.Error("a program was found that is nowhere")
	}
}

// doubles are programs of the machine as scripts: pdftotext says what is
// given, tesseract reads a picture made by pdftoppm.
func doubles(t *testing.T, says string) *Programs {
	return &Programs{
		pdftotext: program(t, "printf '"+says+"'"),
		pdfinfo:   program(t, "echo Title: x; echo Pages: 3"),
		pdftoppm:  program(t, `echo "picture of page $4"`),
		tesseract: program(t, `echo "seen in $4: $(cat)"`),
		hasPDF:    true, hasOCR: true, languages: "pol", tempDir: t.TempDir(),
	}
}

func TestAPDFThatSaysNothingIsLookedAt(t *testing.T) {
	for _, tt := range []struct{ name, says, by, text string }{
		{"text of its own", "Wniosek o zezwolenie na wycinkę", "pdftotext", "Wniosek o zezwolenie na wycinkę"},
		{"a stamp of the scanner only", "2026-11-23 s. 1", "tesseract", "seen in pol: picture of page 1"},
		{"what is no text becomes text", `Wniosek o zezwolenie na usuniecie \377\000`, "pdftotext", "Wniosek o zezwolenie na usuniecie \ufffd"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := doubles(t, tt.says)
			text, by, err := p.Text(t.Context(), "application/pdf", strings.NewReader("%PDF-"), 1000)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "by", by, tt.by)
			if !strings.HasPrefix(text, tt.text) || tt.by == "tesseract" && strings.Count(text, "picture") != 3 {
				t.Errorf("text %q", text)
			}
		})
	}
	p := doubles(t, "")
	p.hasOCR = false
	if text, _, err := p.Text(t.Context(), "application/pdf", strings.NewReader("%PDF-"), 1000); text != "" || err != nil {
		t.Errorf("without eyes: %q, %v", text, err)
	}
	equal(t, "pictures without eyes", p.Extracts("image/png"), false)
	if says, reads := p.Says(); !reads || !strings.Contains(says, "install tesseract-ocr") {
		t.Errorf("says %q, reads %t", says, reads)
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
	p := FindPrograms(t.Context(), t.TempDir(), false)
	if !p.hasPDF {
		t.Log("pdftotext is not installed: its text is not compared")
		return
	}
	got, _, err := p.Text(t.Context(), "application/pdf", strings.NewReader(smallPDF), 1000)
	if err != nil || !strings.Contains(got, "Wniosek 6131") {
		t.Errorf("got %q, %v", got, err)
	}
	if got, _, err := p.Text(t.Context(), "application/pdf", strings.NewReader("no PDF at all"), 1000); err == nil {
		t.Errorf("no PDF gave %q and no error", got)
	}
}

func TestTesseractReadsAScan(t *testing.T) {
	p := FindPrograms(t.Context(), t.TempDir(), true)
	if !p.hasPDF || !p.hasOCR {
		t.Log("tesseract is not installed: what it sees is not compared")
		return
	}
	// A page as a scanner makes it: the picture of a page, and no letter in it.
	picture, err := p.pdftoppm.run(t.Context(), strings.NewReader(smallPDF), 64<<20, "-q", "-gray", "-scale-to", "1200", "-")
	if err != nil {
		t.Fatal(err)
	}
	got, by, err := p.Text(t.Context(), "application/pdf", strings.NewReader(scanPDF(picture)), 1000)
	if err != nil || by != "tesseract" || !strings.Contains(got, "6131") {
		t.Errorf("by %s: %q, %v", by, got, err)
	}
}

// scanPDF wraps a gray picture (PGM) into a PDF of one page.
func scanPDF(pgm []byte) string {
	var width, height, most int
	if _, err := fmt.Sscanf(string(pgm[:20]), "P5\n%d %d\n%d\n", &width, &height, &most); err != nil {
		panic(err)
	}
	pixels := pgm[len(pgm)-width*height:]
	content := "q 200 0 0 200 0 0 cm /Im Do Q"
	return fmt.Sprintf("%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"+
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R/Resources<</XObject<</Im 5 0 R>>>>>>endobj\n"+
		"4 0 obj<</Length %d>>stream\n%s\nendstream endobj\n"+
		"5 0 obj<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8/Length %d>>stream\n%s\nendstream endobj\n"+
		"trailer<</Root 1 0 R>>\n%%%%EOF\n", len(content), content, width, height, len(pixels), pixels)
}
