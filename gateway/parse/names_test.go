package parse

import (
	"strings"
	"testing"
	"unicode/utf8"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tree"
	"kancelaria/registry"
)

func TestNamesAreMadeSafe(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "pismo.pdf", "pismo.pdf"},
		{"a path of Unix", "/home/x/pismo.pdf", "pismo.pdf"},
		{"a path of Windows", `C:\Users\x\pismo.pdf`, "pismo.pdf"},
		{"a path upwards", `..\..\pismo.pdf`, "pismo.pdf"},
		{"only a path upwards", "../..", "zalacznik-3.pdf"},
		{"nothing", "", "zalacznik-3.pdf"},
		{"dots only", "...", "zalacznik-3.pdf"},
		{"what Windows forbids", `a<b>c:d"e|f?g*h.pdf`, "a_b_c_d_e_f_g_h.pdf"},
		{"dots and blanks at the end", "pismo.pdf. . ", "pismo.pdf"},
		{"blanks", "  moje\t\npismo  .pdf", "moje pismo .pdf"},
		{"controls", "a\x01b\x7fc.pdf", "abc.pdf"},
		{"a turned direction", "pismo\u202efdp.exe", "pismofdp.exe"},
		{"letters without width", "pi\u200bsmo\ufeff.pdf", "pismo.pdf"},
		{"a device", "con.pdf", "_con.pdf"},
		{"a device with a number", "LPT1", "_LPT1"},
		{"no device", "console.pdf", "console.pdf"},
		{"a leading dot", ".htaccess", ".htaccess"},
		{"Polish", "zażółć.pdf", "zażółć.pdf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := safeName(tt.in, ".pdf", "zalacznik", 3); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	long := safeName(strings.Repeat("ż", 300)+".pdf", "", "zalacznik", 1)
	if len(long) > maxName || !strings.HasSuffix(long, "ż.pdf") || !utf8.ValidString(long) {
		t.Errorf("a long name became %q of %d bytes", long, len(long))
	}
}

func TestNamesAreFoundWhereverTheyStand(t *testing.T) {
	for _, tt := range []struct{ name, disposition, contentType, want string }{
		{"in the disposition", `attachment; filename=a.pdf`, ``, "a.pdf"},
		{"in the type", `attachment`, `application/pdf; name=a.pdf`, "a.pdf"},
		{"the disposition is better", `attachment; filename=a.pdf`, `application/pdf; name=b.pdf`, "a.pdf"},
		{"the extended form is better", `attachment; filename=a.pdf; filename*=utf-8''b.pdf`, ``, "b.pdf"},
		{"name in the disposition", `attachment; name=a.pdf`, ``, "a.pdf"},
		{"an encoded word", `attachment; filename="=?utf-8?Q?=C5=BC.pdf?="`, ``, "ż.pdf"},
		{"an encoded word without quotes", `attachment; filename==?utf-8?Q?=C5=BC.pdf?=`, ``, "ż.pdf"},
		{"extended without a set", `attachment; filename*=%C5%BC.pdf`, ``, "ż.pdf"},
		{"extended with a set only", `attachment; filename*=utf-8'%C5%BC.pdf`, ``, "ż.pdf"},
		{"pieces", `attachment; filename*0="a"; filename*1="b.pdf"`, ``, "ab.pdf"},
		{"pieces, some encoded", `attachment; filename*0*=utf-8''%C5%BC; filename*1=b.pdf`, ``, "żb.pdf"},
		{"pieces with a gap", `attachment; filename*0="a"; filename*2="c.pdf"`, ``, "ac.pdf"},
		{"encoded words in pieces", `attachment; filename*0="=?utf-8?Q?=C5"; filename*1="=BC.pdf?="`, ``, "ż.pdf"},
		{"a piece number beyond reason", `attachment; filename*99999999999="a"; filename=b.pdf`, ``, "b.pdf"},
		{"percent signs that mean nothing", `attachment; filename="100%.pdf"`, ``, "100%.pdf"},
		{"none", `attachment`, `application/pdf`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := &tree.Node{Fields: []tree.Field{{Name: "content-disposition", Value: []byte(tt.disposition)}}}
			_, n.Params = tree.ParseValue([]byte(tt.contentType))
			run := New(Options{}).newReading(t.Context(), registry.Item{}, nil)
			if got := run.rawFileName(n, &charset.Decoder{}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDangerousFilesAreFlagged(t *testing.T) {
	pdf, exe, zip := []byte("%PDF-1.7\n"), append([]byte("MZ"), make([]byte, 200)...), []byte("PK\x05\x06"+strings.Repeat("\x00", 18))
	for _, tt := range []struct {
		name, file, declared string
		content              []byte
		want                 string
	}{
		{"a program", "a.exe", "", exe, "executable"},
		{"a program called a document", "a.pdf", "application/pdf", exe, "executable type_mismatch"},
		{"a document called a program", "a.exe", "", pdf, "executable type_mismatch"},
		{"two extensions", "umowa.pdf.exe", "", exe, "executable double_extension"},
		{"two extensions with blanks between", "umowa.pdf      .exe", "", exe, "executable double_extension"},
		{"two harmless extensions", "umowa.2026.pdf", "", pdf, ""},
		{"a version in the name", "program.1.0.zip", "", zip, ""},
		{"an archive of a document", "umowa.pdf.zip", "", zip, ""},
		{"a script", "a.vbs", "", []byte("x = 1"), "executable"},
		{"an extension behind dots", "a.exe. .", "", exe, "executable"},
		{"a turned name", "a\u202efdp.exe", "", exe, "executable rtl_name"},
		{"a document with macros", "a.docm", "", zip, "macros"},
		{"the wrong document", "a.docx", "application/pdf", pdf, "type_mismatch"},
		{"a document declared loosely", "a.pdf", "application/octet-stream", pdf, ""},
		{"a document of a wrong type but right name", "a.pdf", "image/jpeg", pdf, ""},
		{"a locked document", "a.pdf", "", []byte("%PDF-1.7\ntrailer<</Encrypt 5 0 R>>"), "encrypted_attachment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := kindOf(tt.content, tt.file, tt.declared)
			m := k.marks()
			m.look(tt.content)
			k.found(m)
			var got []string
			for _, f := range fileFlags(tt.file, tt.declared, k) {
				got = append(got, string(f))
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %q (%s), want %q", s, k.media, tt.want)
			}
		})
	}
}

func TestMarksAreFoundAcrossBlocks(t *testing.T) {
	k := kind{media: "application/pdf"}
	for cut := range 10 {
		m := k.marks()
		content := "%PDF-1.7 /ByteRange [0 1 2 3]"
		m.look([]byte(content[:9+cut]))
		m.look([]byte(content[9+cut:]))
		if !m.has("signed") {
			t.Errorf("cut at %d: not found", cut)
		}
	}
}
