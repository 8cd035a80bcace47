package pdf

import (
	"bytes"
	"strings"
	"testing"
)

// What came after a signature, from a harmless time stamp to the known
// attacks.
func TestUpdatesAfterASignature(t *testing.T) {
	const page = "<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>/XObject<</Im 8 0 R>>>>/Annots[7 0 R 9 0 R 11 0 R"
	const form = "<</Fields[7 0 R 9 0 R 30 0 R]/SigFlags 3/DA(/F1 12 Tf)>>"
	const field = "<</Type/Annot/Subtype/Widget/FT/Tx/T(kwota)/Rect[10 50 90 60]/P 3 0 R"
	second := func(p *paper, rect, ap string) *paper {
		p.object(3, page+" 30 0 R]>>").object(6, form)
		p.object(30, "<</Type/Annot/Subtype/Widget/FT/Sig/T(drugi)/F 4/P 3 0 R/V 31 0 R/Rect["+rect+"]"+ap+">>")
		return p
	}
	for _, tt := range []struct {
		name   string
		before *paper
		update func(p *paper)
		want   string
	}{
		{"nothing", signed("", ""), func(*paper) {}, "whole none"},
		{"a line end", signed("", ""), func(p *paper) { p.b.WriteString("\r\n") }, "whole none"},
		{"evidence", signed("", ""), func(p *paper) {
			p.object(1, "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/DSS<</Certs[40 0 R]>>>>").stream(40, "", "cert").save()
		}, "whole harmless evidence"},
		{"another signature", signed("", ""), func(p *paper) {
			second(p, "0 0 0 0", "").signature(31, "").save().sign()
		}, "whole harmless signature"},
		{"another signature, visible", signed("", ""), func(p *paper) {
			second(p, "10 100 90 130", "/AP<</N 32 0 R>>").stream(32, "/Subtype/Form/BBox[0 0 80 30]", "BT (podpisano) Tj ET").signature(31, "").save().sign()
		}, "whole harmless signature"},
		{"another signature after a certification that forbids everything", signed(docMDP, mdp(1)), func(p *paper) {
			second(p, "0 0 0 0", "").signature(31, "").save().sign()
		}, "older_revision changed signature"},
		{"metadata", signed("", ""), func(p *paper) {
			p.object(1, "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/Metadata 40 0 R>>").stream(40, "/Type/Metadata", "<x/>").save()
		}, "whole harmless metadata"},
		{"the same page written again", signed("", ""), func(p *paper) { p.object(3, page+"]>>").save() }, "whole harmless"},

		{"form filled without leave", signed("", ""), func(p *paper) {
			p.object(7, field+"/V(900)/AP<</N 40 0 R>>>>").stream(40, "/Subtype/Form/BBox[0 0 80 10]", "BT (900) Tj ET").save()
		}, "older_revision changed form_fill"},
		{"form filled where the certification permits it", signed(docMDP, mdp(2)), func(p *paper) {
			p.object(7, field+"/V(900)/AP<</N 40 0 R>>>>").stream(40, "/Subtype/Form/BBox[0 0 80 10]", "BT (900) Tj ET").save()
		}, "older_revision permitted form_fill"},
		{"form filled where nothing is permitted", signed(docMDP, mdp(1)), func(p *paper) {
			p.object(7, field+"/V(900)>>").save()
		}, "older_revision changed form_fill"},
		{"form filled where the field is locked", signed(docMDP, "/Reference[<</TransformMethod/DocMDP/TransformParams<</P 2>>>><</TransformMethod/FieldMDP/TransformParams<</Action/Include/Fields[(kwota)]>>>>]"), func(p *paper) {
			p.object(7, field+"/V(900)>>").save()
		}, "older_revision changed form_fill"},
		{"form filled beside the lock of an approval", signed("", "/Reference[<</TransformMethod/FieldMDP/TransformParams<</Action/Exclude/Fields[(kwota)]>>>>]"), func(p *paper) {
			p.object(7, field+"/V(900)/AP<</N 10 0 R>>>>").save()
		}, "older_revision permitted form_fill"},
		{"sneaky form: another look, the same value", signed(docMDP, mdp(2)), func(p *paper) {
			p.stream(10, "/Type/XObject/Subtype/Form/BBox[0 0 80 10]", "BT (900) Tj ET").save()
		}, "older_revision changed appearance"},
		{"sneaky form: the field moves over the text", signed(docMDP, mdp(2)), func(p *paper) {
			p.object(7, strings.Replace(field, "10 50 90 60", "0 0 300 400", 1)+"/V(900)/AP<</N 10 0 R>>>>").save()
		}, "older_revision changed form"},
		{"sneaky form: a new text field", signed(docMDP, mdp(2)), func(p *paper) {
			p.object(3, page+" 30 0 R]>>").object(6, form)
			p.object(30, strings.Replace(field, "(kwota)", "(nowe)", 1)+"/V(900)>>").save()
		}, "older_revision changed annotation form"},
		{"default resources replaced under a field", signed(docMDP, mdp(2)), func(p *paper) {
			p.object(6, "<</Fields[7 0 R 9 0 R]/SigFlags 3/DA(/F2 12 Tf)>>").save()
		}, "older_revision changed form"},

		{"shadow hide: the picture is taken away", signed("", ""), func(p *paper) { p.object(8, "null").save() }, "older_revision changed page"},
		{"shadow hide: the picture calls itself metadata", signed("", ""), func(p *paper) {
			p.stream(8, "/Type/Metadata/Subtype/XML", "<x/>").save()
		}, "older_revision changed page"},
		{"shadow replace: the font is another one", signed("", ""), func(p *paper) {
			p.object(5, "<</Type/Font/Subtype/Type1/BaseFont/Courier>>").save()
		}, "older_revision changed page"},
		{"shadow replace: the text is another one", signed("", ""), func(p *paper) {
			p.stream(4, "", "BT (kwota 900 zl) Tj ET").save()
		}, "older_revision changed page"},
		{"shadow hide and replace: what lay unused is activated", signed("", ""), func(p *paper) {
			at := bytes.Index(p.b.Bytes(), []byte("12 0 obj"))
			p.at[8] = at // the number in the table and the one at the place differ
			p.at[3] = 0
			delete(p.at, 3)
			p.save()
		}, "older_revision changed page"},
		{"shadow hide and replace: the pages are others", signed("", ""), func(p *paper) {
			p.object(1, "<</Type/Catalog/Pages 40 0 R/AcroForm 6 0 R>>").object(40, "<</Type/Pages/Kids[41 0 R]/Count 1/MediaBox[0 0 300 400]>>")
			p.object(41, "<</Type/Page/Parent 40 0 R/Contents 42 0 R>>").stream(42, "", "BT (900) Tj ET").save()
		}, "older_revision changed page"},
		{"the root is another object", signed("", ""), func(p *paper) {
			p.root = 40
			p.object(40, "<</Type/Catalog/Pages 41 0 R/AcroForm 6 0 R>>").object(41, "<</Type/Pages/Kids[]/Count 0>>").save()
		}, "older_revision changed page"},
		{"incremental saving: a page is added", signed("", ""), func(p *paper) {
			p.object(2, "<</Type/Pages/Kids[3 0 R 40 0 R]/Count 2/MediaBox[0 0 300 400]>>").object(40, "<</Type/Page/Parent 2 0 R>>").save()
		}, "older_revision changed page"},
		{"incremental saving: a page is removed", signed("", ""), func(p *paper) {
			p.object(2, "<</Type/Pages/Kids[]/Count 0/MediaBox[0 0 300 400]>>").save()
		}, "older_revision changed page"},
		{"incremental saving: an action on opening", signed("", ""), func(p *paper) {
			p.object(1, "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/OpenAction<</S/JavaScript/JS(x)>>>>").save()
		}, "older_revision changed document"},
		{"incremental saving without table and trailer", signed("", ""), func(p *paper) {
			p.stream(4, "", "BT (kwota 900 zl) Tj ET")
		}, "older_revision changed tail"},
		{"incremental saving behind a faked end", signed("", ""), func(p *paper) {
			p.stream(4, "", "BT (kwota 900 zl) Tj ET")
			p.b.WriteString("startxref\n" + itoa(p.prev) + "\n%%EOF\n")
		}, "older_revision changed tail"},
		{"incremental saving behind a comment", signed("", ""), func(p *paper) {
			p.b.WriteString("%comment\n")
		}, "older_revision changed tail"},
		{"an update that does not continue the signed revision", signed("", ""), func(p *paper) {
			p.prev = bytes.Index(p.b.Bytes(), []byte("xref\n"))
			p.object(9, "<</Type/Annot/Subtype/Widget/FT/Sig/T(podpis)/Rect[0 0 0 0]/P 3 0 R/V 20 0 R>>")
			p.at[20] = bytes.Index(p.b.Bytes(), []byte("20 0 obj"))
			p.save()
		}, "older_revision changed tail"},

		{"evil annotation under a certification for forms", signed(docMDP, mdp(2)), func(p *paper) {
			p.object(3, page+" 40 0 R]>>").object(40, "<</Type/Annot/Subtype/FreeText/Rect[0 0 300 400]/Contents(900)>>").save()
		}, "older_revision changed annotation"},
		{"evil annotation under a certification for notes", signed(docMDP, mdp(3)), func(p *paper) {
			p.object(3, page+" 40 0 R]>>").object(40, "<</Type/Annot/Subtype/FreeText/Rect[0 0 300 400]/Contents(900)>>").save()
		}, "older_revision permitted annotation"},
		{"a note is changed without leave", signed("", ""), func(p *paper) {
			p.object(11, "<</Type/Annot/Subtype/Text/Rect[0 0 300 400]/Contents(900)>>").save()
		}, "older_revision changed annotation"},
		{"evil signature: it covers the page", signed(docMDP, mdp(2)), func(p *paper) {
			second(p, "0 0 300 400", "/AP<</N 32 0 R>>").stream(32, "/Subtype/Form/BBox[0 0 300 400]", "BT (900) Tj ET").signature(31, "").save().sign()
		}, "older_revision changed appearance"},
		{"evil signature: it is shown but signs nothing", signed(docMDP, mdp(2)), func(p *paper) {
			second(p, "10 100 90 130", "/AP<</N 32 0 R>>").stream(32, "/Subtype/Form/BBox[0 0 80 30]", "BT (900) Tj ET").signature(31, "").save()
		}, "older_revision changed signature"},
		{"evil signature: an old object becomes a field", signed("", ""), func(p *paper) {
			p.object(6, "<</Fields[7 0 R 9 0 R 12 0 R]/SigFlags 3/DA(/F1 12 Tf)>>").object(12, "<</FT/Sig/T(x)>>").save()
		}, "older_revision changed form"},
		{"permissions are taken away", signed(docMDP, mdp(1)), func(p *paper) {
			p.object(1, "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R>>").save()
		}, "older_revision changed rights"},
		{"permissions are loosened", signed(docMDP, mdp(1)), func(p *paper) {
			p.object(1, "<</Type/Catalog/Pages 2 0 R/AcroForm 6 0 R/Perms<</DocMDP 40 0 R>>>>").object(40, "<</Type/Sig"+mdp(3)+">>").save()
		}, "older_revision changed rights"},
		{"the signature's field is gone", signed("", ""), func(p *paper) {
			p.object(6, "<</Fields[7 0 R]/SigFlags 3/DA(/F1 12 Tf)>>").save()
		}, "older_revision changed form removed"},
		{"the signature's reason is another one", signed("", "/Reason(zgoda)"), func(p *paper) {
			p.object(20, strings.Replace(string(between(p.b.Bytes(), "20 0 obj\n", "\nendobj")), "zgoda", "sprzeciw", 1)).save()
		}, "older_revision changed appearance removed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.update(tt.before)
			doc := read(t, tt.before.b.Bytes())
			if got := verdict(doc); got != tt.want {
				t.Errorf("verdict = %q, want %q\n%+v", got, tt.want, doc.Signatures)
			}
		})
	}
}

func between(b []byte, from, to string) []byte {
	b = b[bytes.LastIndex(b, []byte(from))+len(from):]
	return b[:bytes.Index(b, []byte(to))]
}

// Two signatures in two revisions: the second one speaks for all of it.
func TestEachSignatureKnowsItsRevision(t *testing.T) {
	p := signed("", "/Name(pierwszy)/M(D:20261124101500+01'00')")
	p.object(6, "<</Fields[7 0 R 9 0 R 30 0 R]/SigFlags 3/DA(/F1 12 Tf)>>")
	p.object(30, "<</FT/Sig/T(drugi)/Kids[33 0 R]/V 31 0 R>>").object(33, "<</Subtype/Widget/Parent 30 0 R/Rect[0 0 0 0]>>")
	p.signature(31, "/Name<FEFF0064007200750067>").save().sign()
	doc := read(t, p.b.Bytes())
	if len(doc.Signatures) != 2 || doc.Revisions != 3 {
		t.Fatalf("%d signatures in %d revisions, want 2 in 3", len(doc.Signatures), doc.Revisions)
	}
	first, second := doc.Signatures[0], doc.Signatures[1]
	if first.Revision != 2 || first.Covers != CoversWhole || first.Name != "pierwszy" || first.ClaimedAt.Format("15:04Z07:00") != "10:15+01:00" {
		t.Errorf("first = %+v", first)
	}
	if second.Revision != 3 || second.Covers != CoversWhole || second.Update.Kind != UpdateNone || second.Name != "drug" || second.Field != "drugi" {
		t.Errorf("second = %+v", second)
	}
}
