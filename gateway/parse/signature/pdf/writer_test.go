package pdf

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A paper writes a PDF revision by revision.
type paper struct {
	b    bytes.Buffer
	at   map[int]int // of this revision
	prev int
	size int
	root int
}

// fakeCMS stands for a signature: this package only looks at where it lies.
const fakeCMS = "3003020105"

const reserve = 64 // hexadecimal digits

// letterhead is a page with text, a picture, a font, a text field and an empty
// signature field; objects 1 to 12.
func letterhead(catalog string) *paper {
	p := &paper{at: map[int]int{}, root: 1}
	p.b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	p.object(1, "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R"+catalog+">>")
	p.object(2, "<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 300 400]>>")
	p.object(3, "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>/XObject<</Im 8 0 R>>>>/Annots[7 0 R 9 0 R 11 0 R]>>")
	p.stream(4, "", "BT /F1 12 Tf 10 10 Td (kwota 100 zl) Tj ET /Im Do")
	p.object(5, "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	p.object(6, "<</Fields[7 0 R 9 0 R]/SigFlags 3/DA(/F1 12 Tf)>>")
	p.object(7, "<</Type/Annot/Subtype/Widget/FT/Tx/T(kwota)/Rect[10 50 90 60]/P 3 0 R/V(100)/AP<</N 10 0 R>>>>")
	p.stream(8, "/Type/XObject/Subtype/Form/BBox[0 0 10 10]", "0 0 10 10 re f")
	p.object(9, "<</Type/Annot/Subtype/Widget/FT/Sig/T(podpis)/Rect[0 0 0 0]/P 3 0 R>>")
	p.stream(10, "/Type/XObject/Subtype/Form/BBox[0 0 80 10]", "BT (100) Tj ET")
	p.object(11, "<</Type/Annot/Subtype/Text/Rect[200 200 210 210]/Contents(uwaga)>>")
	p.stream(12, "/Type/XObject/Subtype/Form/BBox[0 0 10 10]", "1 1 10 10 re f") // not used yet
	return p
}

func (p *paper) object(num int, body string) *paper {
	p.at[num] = p.b.Len()
	p.size = max(p.size, num+1)
	fmt.Fprintf(&p.b, "%d 0 obj\n%s\nendobj\n", num, body)
	return p
}

func (p *paper) stream(num int, dict, body string) *paper {
	return p.object(num, fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(body), body))
}

// save ends the revision with a table.
func (p *paper) save(trailer ...string) *paper {
	start := p.b.Len()
	p.b.WriteString("xref\n")
	if p.prev == 0 {
		p.b.WriteString("0 1\n0000000000 65535 f \n")
	}
	for _, num := range slices.Sorted(maps.Keys(p.at)) {
		fmt.Fprintf(&p.b, "%d 1\n%010d 00000 n \n", num, p.at[num])
	}
	fmt.Fprintf(&p.b, "trailer\n<</Root %d 0 R/Size %d", p.root, p.size)
	if p.prev != 0 {
		fmt.Fprintf(&p.b, "/Prev %d", p.prev)
	}
	fmt.Fprintf(&p.b, "%s>>\nstartxref\n%d\n%%%%EOF\n", strings.Join(trailer, ""), start)
	p.prev, p.at = start, map[int]int{}
	return p
}

// signature writes a signature dictionary as object num; more are further
// keys. It is completed by sign, once the revision is saved.
func (p *paper) signature(num int, more string) *paper {
	return p.object(num, "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached"+more+
		"/ByteRange[0 0000000000 0000000000 0000000000]/Contents<"+strings.Repeat("0", reserve)+">>>")
}

// sign fills in the last signature dictionary.
func (p *paper) sign() *paper { return p.signWith(func([]byte) string { return fakeCMS }) }

func (p *paper) signWith(cms func(covered []byte) string) *paper {
	b := p.b.Bytes()
	at := bytes.LastIndex(b, []byte("/Contents<")) + len("/Contents")
	end := at + bytes.IndexByte(b[at:], '>') + 1
	ranges := fmt.Sprintf("[0 %010d %010d %010d]", at, end, len(b)-end)
	copy(b[bytes.LastIndex(b, []byte("/ByteRange["))+len("/ByteRange"):], ranges)
	copy(b[at+1:], cms(slices.Concat(b[:at], b[end:])))
	return p
}

// signed is the letterhead with its field signed in a second revision.
func signed(catalog, more string) *paper {
	p := letterhead(catalog).save()
	p.object(9, "<</Type/Annot/Subtype/Widget/FT/Sig/T(podpis)/Rect[0 0 0 0]/P 3 0 R/V 20 0 R>>")
	return p.signature(20, more).save().sign()
}

const docMDP = "/Perms<</DocMDP 20 0 R>>"

func mdp(level int) string {
	return fmt.Sprintf("/Reference[<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P %d/V/1.2>>>>]", level)
}

func read(t testing.TB, b []byte) *Document {
	t.Helper()
	doc, err := Read(t.Context(), bytes.NewReader(b), int64(len(b)), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// verdict tells the first signature in one line.
func verdict(doc *Document) string {
	if len(doc.Signatures) == 0 {
		return "none"
	}
	s := doc.Signatures[0]
	if s.Problem != nil {
		return s.Problem.Sub + " " + s.Problem.Code
	}
	out := fmt.Sprintf("%s %s", s.Covers, s.Update.Kind)
	var codes []string
	for _, c := range s.Update.Changes {
		if c.Verdict == s.Update.Kind {
			codes = append(codes, c.Code)
		}
	}
	slices.Sort(codes)
	return strings.TrimSpace(out + " " + strings.Join(slices.Compact(codes), " "))
}
