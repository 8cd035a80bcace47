package pdf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// packedPaper is the letterhead's catalogue in an object stream under a
// cross-reference stream.
func packedPaper() []byte {
	p := &paper{at: map[int]int{}}
	p.b.WriteString("%PDF-1.5\n")
	body := "<</Type/Catalog/Pages 2 0 R/AcroForm<</Fields[3 0 R]>>>> <</Type/Pages/Kids[]/Count 0>> <</FT/Sig/T(podpis)>>"
	second, third := bytes.Index([]byte(body), []byte(" <</Type/Pages"))+1, bytes.Index([]byte(body), []byte(" <</FT"))+1
	head := fmt.Sprintf("1 0 2 %d 3 %d ", second, third)
	p.stream(4, fmt.Sprintf("/Type/ObjStm/N 3/First %d", len(head)), head+body)
	var rows bytes.Buffer
	row := func(kind byte, at uint32, gen byte) {
		rows.WriteByte(kind)
		rows.Write(binary.BigEndian.AppendUint32(nil, at))
		rows.WriteByte(gen)
	}
	start := p.b.Len()
	row(0, 0, 255)
	row(2, 4, 0)
	row(2, 4, 1)
	row(2, 4, 2)
	row(1, uint32(p.at[4]), 0)
	row(1, uint32(start), 0)
	p.stream(5, "/Type/XRef/Size 6/W[1 4 1]/Root 1 0 R", rows.String())
	fmt.Fprintf(&p.b, "startxref\n%d\n%%%%EOF\n", start)
	return p.b.Bytes()
}

func TestFormsOfFiles(t *testing.T) {
	plain := letterhead("").save()
	hybrid := func() []byte {
		// The table hides the form; the stream beside it shows it.
		p := letterhead("")
		stream := p.b.Len()
		p.at[30] = stream
		rows := []byte{1, 0, 0, 0, 0, 0}
		binary.BigEndian.PutUint32(rows[1:], uint32(p.at[6]))
		p.stream(30, "/Type/XRef/Size 31/Index[6 1]/W[1 4 1]/Root 1 0 R", string(rows))
		delete(p.at, 6)
		return p.save(fmt.Sprintf("/XRefStm %d", stream)).b.Bytes()
	}
	for _, tt := range []struct {
		name     string
		file     []byte
		empty    int
		repaired bool
	}{
		{"a table", plain.b.Bytes(), 1, false},
		{"a cross-reference stream and an object stream", packedPaper(), 1, false},
		{"a hybrid file", hybrid(), 1, false},
		{"startxref is off", bytes.Replace(plain.b.Bytes(), []byte("startxref\n"), []byte("startxref\n9"), 1), 1, true},
		{"startxref is missing", bytes.Replace(plain.b.Bytes(), []byte("startxref\n"), []byte("startpage\n"), 1), 1, true},
		{"the trailer is missing too", bytes.Replace(bytes.Replace(plain.b.Bytes(), []byte("startxref\n"), []byte("startpage\n"), 1), []byte("trailer"), []byte("trader."), 1), 1, true},
		{"a damaged file with object streams", bytes.Replace(packedPaper(), []byte("startxref\n"), []byte("startpage\n"), 1), 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := read(t, tt.file)
			if doc.EmptyFields != tt.empty || doc.Repaired != tt.repaired {
				t.Errorf("empty fields = %d, repaired = %t; want %d, %t", doc.EmptyFields, doc.Repaired, tt.empty, tt.repaired)
			}
		})
	}
}

// In a damaged file nobody can tell what was signed from what came later.
func TestASignatureInADamagedFileDoesNotPass(t *testing.T) {
	p := signed("", "")
	p.b.WriteString("4 0 obj\n<</Length 0>>\nstream\n\nendstream\nendobj\nstartxref\n7\n%%EOF\n")
	doc := read(t, p.b.Bytes())
	if !doc.Repaired {
		t.Fatal("the file is not damaged")
	}
	if got := verdict(doc); got != "FORMAT_FAILURE revision" {
		t.Errorf("verdict = %q", got)
	}
}

func TestDates(t *testing.T) {
	for in, want := range map[string]string{
		"D:20261124101500+01'00'": "2026-11-24T10:15:00+01:00",
		"D:20261124101500Z":       "2026-11-24T10:15:00Z",
		"20261124":                "2026-11-24T00:00:00Z",
		"D:20261124101500-05'30":  "2026-11-24T10:15:00-05:30",
		"D:2026x":                 "2026-01-01T00:00:00Z",
		"D:20261":                 "",
		"D:20261399":              "",
		"wczoraj":                 "",
	} {
		got := ""
		if d := date(in); !d.IsZero() {
			got = d.Format("2006-01-02T15:04:05Z07:00")
		}
		if got != want {
			t.Errorf("date(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	v := &view{}
	for in, want := range map[string]string{
		"\xfe\xff\x01\x42\x00\xf3":               "łó",
		"\xef\xbb\xbfza\xc5\xbc\xc3\xb3\xc5\x82": "zażół",
		"\x9b\xf3d\x00\x07":                      "łód",
	} {
		if got := v.text(&str{b: []byte(in)}, ref{}); got != want {
			t.Errorf("text(%q) = %q, want %q", in, got, want)
		}
	}
}
