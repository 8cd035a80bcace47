package parse

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tree"
	"kancelaria/registry"
)

// checkDocument promises what the house relies on of any document.
func checkDocument(t *testing.T, doc registry.Document, size int64) {
	t.Helper()
	j, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append([]string{string(j), doc.Text, doc.Own}, flat(doc.Headers.All)...) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || strings.Contains(s, `\u0000`) {
			t.Errorf("%q is no clean text", s)
		}
	}
	seen := map[string]bool{}
	for _, a := range doc.Attachments {
		if a.Start < 0 || a.End < a.Start || a.End > size {
			t.Errorf("part %s at %d-%d, outside %d", a.Path, a.Start, a.End, size)
		}
		if seen[a.Path] {
			t.Errorf("two parts are called %s", a.Path)
		}
		seen[a.Path] = true
		if a.Name != "" && (a.Name != filepath.Base(a.Name) || len(a.Name) > maxName+20) {
			t.Errorf("%q is no safe name", a.Name)
		}
	}
	for _, f := range doc.Flaws {
		if f.Code == flawBroken {
			t.Error("the reader failed")
		}
	}
}

func flat(m map[string][]string) (all []string) {
	for k, vs := range m {
		all = append(append(all, k), vs...)
	}
	return all
}

func FuzzRead(f *testing.F) {
	letters, err := filepath.Glob("testdata/letters/*.eml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range letters[:4] {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(attach("winmail.dat", winmail())))
	f.Add([]byte(attach("a.zip", zipOf(f, packed{"a.eml", letterTop + "\ntext"}, packed{"b.rtf", `{\rtf1 a}`}))))
	f.Add([]byte(attach("a.p7m", cmsOf(f, "Content-Type: text/html\r\n\r\n<p>a"))))
	f.Add([]byte(letterTop + "\nbegin 644 a.txt\n#0V%T\n`\nend\n"))
	f.Add([]byte(letterTop + "Content-Type: multipart/alternative; boundary=b\n\n--b\n\na\n--b\nContent-Type: text/html\n\n<img src=cid:x>\n--b\nContent-Type: message/rfc822\n\nFrom: a@b\n\nx\n--b--"))
	r := New(Options{Limits: Limits{Decoded: 1 << 20, Entries: 20, Tree: tree.Limits{Parts: 100}}, TempDir: f.TempDir()})
	f.Fuzz(func(t *testing.T, letter []byte) {
		it := registry.Item{Door: registry.DoorSMTP}
		doc := r.Read(context.Background(), it, bytes.NewReader(letter))
		checkDocument(t, doc, int64(len(letter)))
		for _, a := range doc.Attachments[:min(len(doc.Attachments), 5)] {
			if in, err := r.Open(context.Background(), it, bytes.NewReader(letter), a.Path); err == nil {
				b, err := io.ReadAll(in)
				closing(in)
				if err == nil && !a.Digest.IsZero() && len(doc.Flaws) == 0 && digestOf(b) != a.Digest.String() {
					t.Errorf("part %s opens as other bytes than were listed", a.Path)
				}
			}
		}
	})
}

// FuzzFile reads what was dropped: here the bytes of containers lie open.
func FuzzFile(f *testing.F) {
	f.Add([]byte(zipOf(f, packed{"a.txt", "x"}, packed{"b.zip", string(zipOf(f, packed{"c.txt", "y"}))})))
	f.Add([]byte(zipOf(f, packed{"mimetype", "application/vnd.oasis.opendocument.text"}, packed{"content.xml", "<text:p>a</text:p>"})))
	f.Add([]byte(zipOf(f, packed{"[Content_Types].xml", ""}, packed{"word/document.xml", "<w:p><w:t>a</w:t></w:p>"}, packed{"word/vbaProject.bin", ""})))
	f.Add(winmail())
	f.Add(cmsOf(f, "Content-Type: text/plain\r\n\r\na"))
	f.Add([]byte("Rar!\x1a\x07\x00\x00\x00\x73\x00\x00\x0d\x00\x00\x00\x00\x00\x00\x00\x00\x00\x74\x00\x80\x21\x00\x00\x00\x00\x00"))
	f.Add([]byte("Rar!\x1a\x07\x01\x00\x00\x00\x00\x00\x0b\x02\x03\x02\x04\x00\x01\x00\x00\x01\x01a\x01\x01"))
	f.Add([]byte("7z\xbc\xaf\x27\x1c\x00\x04"))
	f.Add([]byte(smallPDF))
	f.Add([]byte(`{\rtf1\ansi a\par b}`))
	f.Add([]byte("<html><body>a<a href=https://we.tl/x>"))
	r := New(Options{Limits: Limits{Decoded: 1 << 20, Entries: 20}, TempDir: f.TempDir()})
	it := registry.Item{Door: registry.DoorFolder, Original: registry.Original{Name: "plik.bin"}}
	f.Fuzz(func(t *testing.T, content []byte) {
		doc := r.Read(context.Background(), it, bytes.NewReader(content))
		checkDocument(t, doc, int64(len(content)))
		for _, a := range doc.Attachments[:min(len(doc.Attachments), 5)] {
			if in, err := r.Open(context.Background(), it, bytes.NewReader(content), a.Path); err == nil {
				b, err := io.ReadAll(in)
				closing(in)
				if err == nil && !a.Digest.IsZero() && len(doc.Flaws) == 0 && digestOf(b) != a.Digest.String() {
					t.Errorf("part %s opens as other bytes than were listed", a.Path)
				}
			} else if !a.Digest.IsZero() && len(doc.Flaws) == 0 {
				t.Errorf("part %s does not open: %v", a.Path, err)
			}
		}
	})
}

func FuzzAddresses(f *testing.F) {
	for _, s := range []string{`"a, b" <c@d>, e`, "=?utf-8?Q?=C5=BC?= <a@b>", "a (b (c) d) <e@f", "g: a@b;", `\"<>@`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		for _, a := range lenientAddresses(value, &charset.Decoder{}) {
			if !utf8.ValidString(a.Name+a.Email+a.Raw) || strings.ContainsRune(a.Name+a.Email, 0) || a.Name == "" && a.Email == "" {
				t.Errorf("%q gives %+v", value, a)
			}
		}
		for _, id := range messageIDs(nil, value) {
			if id == "" || strings.ContainsAny(id, " \t\r\n") || !utf8.ValidString(id) {
				t.Errorf("%q gives the id %q", value, id)
			}
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"Mon, 23 Nov 2026 10:11:12 +0100", "23.11.26", "2026-11-23T10:11:12Z", "lis 23 10:11 PM 2026", "1 Jan 99999 25:61"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if at, ok := parseDate(s); ok {
			if at.Year() < 1900 || at.Year() > 9999 {
				t.Errorf("%q gives the year %d", s, at.Year())
			}
			if _, err := at.MarshalJSON(); err != nil {
				t.Errorf("%q: %v", s, err)
			}
		}
	})
}

func FuzzName(f *testing.F) {
	for _, s := range []string{"a.pdf", `..\..\x`, "con", "a\u202eb.exe", strings.Repeat("ż", 200), ".", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name := safeName(charset.Clean(s), ".pdf", "zalacznik", 1)
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\:<>"|?*`) || strings.ContainsFunc(name, isBidi) || len(name) > maxName+20 || !utf8.ValidString(name) || strings.HasSuffix(name, ".") {
			t.Errorf("%q became %q", s, name)
		}
	})
}

func FuzzBodies(f *testing.F) {
	for _, s := range []string{"WmE=", "=C5=BC=\r\n", "begin 644 a\n#0V%T\n`\nend\n", "====", "=\n=", "M"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, encoding := range []string{"base64", "quoted-printable", "x-uuencode"} {
			if got, _ := decodeAll(t, encoding, strings.NewReader(s)); len(got) > len(s) {
				t.Errorf("%s: %d bytes became %d", encoding, len(s), len(got))
			}
		}
		if got := withoutUU([]byte(s)); len(got) > len(s)+1 {
			t.Errorf("text of %d bytes became %d", len(s), len(got))
		}
	})
}

func FuzzRTF(f *testing.F) {
	f.Add([]byte(`{\rtf1\ansicpg1250 a\'b9\u380?{\*\x y}\bin3 abc\uc2\u-10179?\u-8704?}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s := rtfText(b); !utf8.ValidString(s) || len(s) > 8*len(b)+16 {
			t.Errorf("%d bytes became %q", len(b), s)
		}
	})
}

func FuzzCMS(f *testing.F) {
	f.Add(cmsOf(f, "content"))
	f.Add([]byte("\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var all int64
		for _, p := range readCMS(bytes.NewReader(b), int64(len(b))).pieces {
			if p.start < 0 || p.size < 0 || p.start+p.size > int64(len(b)) {
				t.Errorf("a piece at %d of %d bytes lies outside %d", p.start, p.size, len(b))
			}
			all += p.size
		}
		if all > int64(len(b)) {
			t.Errorf("pieces of %d bytes in %d", all, len(b))
		}
	})
}
