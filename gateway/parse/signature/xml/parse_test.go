package xml

import (
	"bytes"
	stdxml "encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func canon(t *testing.T, doc string, m method) string {
	t.Helper()
	tree, err := parse([]byte(doc), Limits{}.orDefault())
	if err != nil {
		t.Fatal(err)
	}
	b, err := canonical(set{tops: []*node{tree}, comments: true}, m, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// From the examples of the recommendation (Canonical XML 1.0 § 3).
func TestCanonicalForms(t *testing.T) {
	for _, tt := range []struct {
		name, doc, want string
		m               method
	}{
		{
			"instructions, comments and the outside", "<?xml version=\"1.0\"?>\n\n<?xml-stylesheet   href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n\n<doc>Hello, world!<!-- Comment 1 --></doc>\n\n<?pi-without-data     ?>\n\n<!-- Comment 2 -->\n",
			"<?xml-stylesheet href=\"doc.xsl\"\n   type=\"text/xsl\"   ?>\n<doc>Hello, world!</doc>\n<?pi-without-data?>",
			method{},
		},
		{"the same with comments", "<doc>Hello<!-- 1 --></doc>\n<!-- 2 -->", "<doc>Hello<!-- 1 --></doc>\n<!-- 2 -->", method{comments: true}},
		{
			"tags and attributes", `<doc><e1   /><e3   name = "elem3"   id="elem3"   /><e5 a:attr="out" b:attr="sorted" attr2="all" attr="I'm" xmlns:b="http://www.ietf.org" xmlns:a="http://www.w3.org" xmlns="http://example.org"/></doc>`,
			`<doc><e1></e1><e3 id="elem3" name="elem3"></e3><e5 xmlns="http://example.org" xmlns:a="http://www.w3.org" xmlns:b="http://www.ietf.org" attr="I'm" attr2="all" b:attr="sorted" a:attr="out"></e5></doc>`,
			method{},
		},
		{
			"namespaces undeclared and declared again", `<e5 xmlns="http://example.org"><e6 xmlns="" xmlns:a="http://www.w3.org"><e7 xmlns="http://www.ietf.org"><e8 xmlns="" xmlns:a="http://www.w3.org"/></e7></e6></e5>`,
			`<e5 xmlns="http://example.org"><e6 xmlns="" xmlns:a="http://www.w3.org"><e7 xmlns="http://www.ietf.org"><e8 xmlns=""></e8></e7></e6></e5>`,
			method{},
		},
		{
			"references and line ends", "<doc>\r\n<text>First line&#x0d;&#10;Second line</text><value>&#x32;</value><compute><![CDATA[value>\"0\" && value<\"10\" ?\"valid\":\"error\"]]></compute><n a=' x \r\n\ty&#9;&#xA;&#13; '/></doc>",
			"<doc>\n<text>First line&#xD;\nSecond line</text><value>2</value><compute>value&gt;\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"</compute><n a=\" x   y&#x9;&#xA;&#xD; \"></n></doc>",
			method{},
		},
		{
			"exclusive leaves out what is not used", `<a:x xmlns:a="urn:a" xmlns:b="urn:b" xmlns="urn:d"><y b:z="1"/></a:x>`,
			`<a:x xmlns:a="urn:a"><y xmlns="urn:d" xmlns:b="urn:b" b:z="1"></y></a:x>`,
			method{exclusive: true},
		},
		{"exclusive with a prefix list", `<a:x xmlns:a="urn:a" xmlns:b="urn:b"/>`, `<a:x xmlns:a="urn:a" xmlns:b="urn:b"></a:x>`, method{exclusive: true, inclusive: []string{"b"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := canon(t, tt.doc, tt.m); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestPartsOfADocumentInheritTheXMLAttributes(t *testing.T) {
	tree, err := parse([]byte(`<a xml:lang="pl" xml:id="x" xml:base="http://a.example/b/"><b xml:base="../c/" xml:space="preserve"><d/></b></a>`), Limits{}.orDefault())
	if err != nil {
		t.Fatal(err)
	}
	d := tree.root().kids[0].kids[0]
	for _, tt := range []struct {
		m    method
		want string
	}{
		{method{}, `<d xml:base="../c/" xml:id="x" xml:lang="pl" xml:space="preserve"></d>`},
		{method{v11: true}, `<d xml:base="http://a.example/c/" xml:lang="pl" xml:space="preserve"></d>`},
		{method{exclusive: true}, `<d></d>`},
	} {
		if b, err := canonical(set{tops: []*node{d}}, tt.m, 1000); err != nil || string(b) != tt.want {
			t.Errorf("%+v: %s, %v; want %s", tt.m, b, err, tt.want)
		}
	}
}

func TestWhatIsNoXML(t *testing.T) {
	for _, doc := range []string{
		"", "tekst", "<a>", "<a></b>", "<a/><b/>", "<a/>tekst", "<a b=1/>", `<a b="1"c="2"/>`, `<a b="1" b="2"/>`, `<a x:b="1"/>`, `<x:a/>`,
		`<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>`, `<a xmlns:x=""/>`, `<a xmlns:xml="u"/>`, "<a>&x;</a>", "<a>&#0;</a>", "<a>&#xD800;</a>", "<a>\x01</a>", "<a>\xff</a>",
		"<a>]]></a>", "<a b='<'/>", "<a><!-- -- --></a>", "<a><?xml v?></a>", "<1/>", "<a:b:c xmlns:a='u'/>", "<a><![CDATA[</a>",
	} {
		if _, err := parse([]byte(doc), Limits{}.orDefault()); !errors.Is(err, errMalformed) {
			t.Errorf("%q: %v", doc, err)
		}
	}
}

func TestCharacterSets(t *testing.T) {
	for _, tt := range []struct{ name, doc string }{
		{"UTF-8 with a mark", "\xef\xbb\xbf<a>łó</a>"},
		{"UTF-16, big", "\xfe\xff\x00<\x00a\x00>\x01\x42\x00\xf3\x00<\x00/\x00a\x00>"},
		{"UTF-16, little", "\xff\xfe<\x00a\x00>\x00\x42\x01\xf3\x00<\x00/\x00a\x00>\x00"},
		{"ISO-8859-2", "<?xml version='1.0' encoding='ISO-8859-2'?><a>\xb3\xf3</a>"},
		{"windows-1250", "<?xml version=\"1.0\" encoding=\"windows-1250\" ?><a>\xb3\xf3</a>"},
	} {
		if got := canon(t, tt.doc, method{}); got != "<a>łó</a>" {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}

// What this parser takes, the standard library takes too, and reads the same
// text; and canonical XML is its own canonical form.
func FuzzParse(f *testing.F) {
	f.Add([]byte(letter))
	f.Add([]byte("<?xml version=\"1.0\"?><!-- c --><a xmlns='u' b='&#10;'>x<![CDATA[y]]>&lt;<c:d xmlns:c='v'/></a><?p d?>"))
	f.Add([]byte("<?xml version='1.0' encoding='ISO-8859-2'?><a>\xb3</a>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		limits := Limits{Size: 1 << 16, Elements: 1000, Attributes: 50, Depth: 50}.orDefault()
		tree, err := parse(b, limits)
		if err != nil {
			return
		}
		once, err := canonical(set{tops: []*node{tree}, comments: true}, method{comments: true}, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(once, limits)
		if err != nil {
			t.Fatalf("%v in its own canonical form %q", err, once)
		}
		twice, err := canonical(set{tops: []*node{again}, comments: true}, method{comments: true}, 1<<20)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%q became %q, %v", once, twice, err)
		}
		var text strings.Builder
		dec := stdxml.NewDecoder(bytes.NewReader(once))
		for {
			tok, err := dec.RawToken()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return // the standard library knows fewer letters in names
			}
			if chars, ok := tok.(stdxml.CharData); ok {
				text.Write(chars)
			}
		}
		if got := tree.root().content(); strings.TrimSpace(text.String()) != strings.TrimSpace(got) {
			t.Fatalf("text %q, the standard library reads %q", got, text.String())
		}
	})
}

func FuzzRead(f *testing.F) {
	s := rsaSigner(f)
	good := s.enveloped(f, "")
	f.Add([]byte(good))
	f.Add([]byte(s.enveloping(f, "")))
	f.Add([]byte(`<a><Signature xmlns="` + spaceDS + `"><SignedInfo><Reference URI="#x"/></SignedInfo><SignatureValue>AA==</SignatureValue></Signature></a>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Read(t.Context(), bytes.NewReader(b), nil, Limits{Size: 1 << 16, Elements: 2000, Depth: 50, Digested: 1 << 20, Signatures: 5, References: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, sig := range d.Signatures {
			if sig.Intact && len(sig.Certificate) == 0 && sig.Problem == nil {
				t.Fatal("intact, and by nobody")
			}
			for _, r := range sig.References {
				if sig.Intact && !r.OK && !r.Listed {
					t.Fatalf("intact with a reference that does not fit: %+v", r)
				}
			}
		}
	})
}

// What this room alone makes of the corpus. Counts may rise and never fall.
// Three detached files and one made-up algorithm are not there to be checked.
func TestTheCorpusIsJudged(t *testing.T) {
	root := os.Getenv("KANCELARIA_CORPORA")
	if root == "" {
		t.Log("KANCELARIA_CORPORA is not set: the corpus is not read")
		return
	}
	table, err := os.ReadFile(filepath.Join(root, "signatures", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	type count struct{ files, intact, whole int }
	counts := map[string]count{}
	for line := range strings.Lines(string(table)) {
		row := strings.Split(line, "\t")
		if row[1] != "XML" && row[1] != "XMLDSIG" && row[1] != "XAdES-TL" {
			continue
		}
		name := filepath.Join(root, "signatures", row[0])
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d := check1(t, string(b), func(file string) ([]byte, error) {
			return os.ReadFile(filepath.Join(filepath.Dir(name), filepath.Base(file)))
		})
		intact, whole := len(d.Signatures) > 0, len(d.Signatures) > 0
		for _, s := range d.Signatures {
			intact = intact && s.Intact
			whole = whole && s.Intact && s.Problem == nil && (s.Covers != CoversPart || s.Counters != "")
			if row[1] == "XMLDSIG" && s.Problem == nil && !s.Properties.Bound {
				t.Errorf("%s passes without a signed certificate", row[0])
			}
		}
		n := counts[row[1]+" "+row[2]]
		n.files++
		if intact {
			n.intact++
		}
		if whole {
			n.whole++
		}
		counts[row[1]+" "+row[2]] = n
	}
	for label, least := range map[string]int{"XML valid": 55, "XAdES-TL valid": 6, "XMLDSIG valid": 38} {
		t.Logf("%-16s %+v", label, counts[label])
		if counts[label].intact < least {
			t.Errorf("%s: %d intact, were %d", label, counts[label].intact, least)
		}
	}
	for label, most := range map[string]int{"XML invalid": 3, "XAdES-TL invalid": 0, "XMLDSIG invalid": 0} {
		t.Logf("%-16s %+v", label, counts[label])
		if counts[label].whole > most { // copied time stamps are left, for whoever checks their imprints
			t.Errorf("%s: %d pass, were %d", label, counts[label].whole, most)
		}
	}
}
