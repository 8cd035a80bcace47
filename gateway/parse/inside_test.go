package parse

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"kancelaria/registry"
)

// A packed is a member of a zip for the tests.
type packed struct{ name, content string }

func zipOf(t testing.TB, members ...packed) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		method := zip.Deflate
		if m.name == "mimetype" {
			method = zip.Store
		}
		f, err := w.CreateHeader(&zip.FileHeader{Name: m.name, Method: method, NonUTF8: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, m.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// attach writes a letter with one file in base64.
func attach(name string, content []byte) string {
	return letterTop + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/octet-stream; name=\"" + name + "\"\nContent-Transfer-Encoding: base64\n\n" +
		base64.StdEncoding.EncodeToString(content) + "\n--b--\n"
}

// openAll opens every part of a letter and checks it against its digest.
func openAll(t testing.TB, letter string) {
	t.Helper()
	r := New(Options{})
	doc := r.Read(context.Background(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(letter))
	for _, a := range doc.Attachments {
		if !a.Digest.IsZero() {
			contentOf(t, r, []byte(letter), a)
		}
	}
}

func TestZipsAreListedAndTheirMembersRead(t *testing.T) {
	inner := zipOf(t, packed{"b.pdf", "%PDF-1.7 inner"}, packed{"c.exe", "MZ" + strings.Repeat("\x00", 100)})
	letter := attach("dokumenty.zip", zipOf(t, packed{"a.txt", "Treść pliku"}, packed{"katalog/", ""}, packed{"katalog/b.pdf", "%PDF-1.7"}, packed{"a.txt", "inna"}, packed{"../../x!y.txt", "z"}, packed{"w.zip", string(inner)}))
	doc := read(t, letter)
	equal(t, "parts", paths(doc), "1=body 2=attachment 2!a.txt=embedded 2!katalog/b.pdf=embedded 2!a.txt#2=embedded 2!x_y.txt=embedded 2!w.zip=embedded 2!w.zip!b.pdf=embedded 2!w.zip!c.exe=embedded")
	equal(t, "attachments", doc.CountAttachments(), 1)
	equal(t, "flags", flagsOf(doc), "executable")
	equal(t, "name", part(t, doc, "2!katalog/b.pdf").Name, "b.pdf")
	equal(t, "raw name", part(t, doc, "2!katalog/b.pdf").RawName, "katalog/b.pdf")
	equal(t, "type", part(t, doc, "2!w.zip!b.pdf").MediaType, "application/pdf")
	if !strings.Contains(doc.Text, "Treść pliku") || strings.Contains(doc.Own, "Treść pliku") {
		t.Errorf("text = %q, own = %q: want the file in the one only", doc.Text, doc.Own)
	}
	openAll(t, letter)
}

func TestNamesInZipsAreDecoded(t *testing.T) {
	for name, raw := range map[string]string{
		"UTF-8":                    "zażółć.txt",
		"the code page of DOS":     "za\xbe\xa2\x88\x86.txt",
		"the code page of Windows": "za\xbf\xf3\xb3\xe6 g\xea\x9cl\xb9 ja\x9f\xf1.txt",
	} {
		doc := read(t, attach("a.zip", zipOf(t, packed{raw, "x"})))
		if got := doc.Attachments[2].Name; !strings.HasPrefix(got, "zażółć") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestZipsThatAreNotWhatTheySay(t *testing.T) {
	nested := zipOf(t, packed{"0.txt", "deep"})
	for i := range 12 {
		nested = zipOf(t, packed{fmt.Sprintf("%d.zip", i), string(nested)})
	}
	locked := zipOf(t, packed{"tajne.pdf", "%PDF-1.7"})
	for _, sign := range []string{"PK\x01\x02", "PK\x03\x04"} {
		at := bytes.Index(locked, []byte(sign))
		locked[at+map[string]int{"PK\x01\x02": 8, "PK\x03\x04": 6}[sign]] |= 1
	}
	many := make([]packed, 60)
	for i := range many {
		many[i] = packed{fmt.Sprintf("%d.txt", i), "x"}
	}
	damaged := zipOf(t, packed{"a.txt", strings.Repeat("content ", 100)})
	damaged[40] ^= 0xff
	for _, tt := range []struct {
		name    string
		content []byte
		flags   string
		flaws   string
		members int
	}{
		{"twelve of them in one another", nested, "archive_limit", "limit_reached", 2},
		{"packed too tightly", zipOf(t, packed{"zero", strings.Repeat("\x00", 8<<20)}), "archive_limit", "limit_reached", 1},
		{"too many members", zipOf(t, many...), "archive_limit", "limit_reached", 50},
		{"locked with a password", locked, "encrypted_attachment", "", 1},
		{"a damaged member", damaged, "", "bytes_unavailable", 1},
		{"no zip at all", zipOf(t, packed{"a.txt", "content"})[:40], "", "container_damaged", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := New(Options{Limits: Limits{Entries: 50}})
			doc := r.Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(attach("a.zip", tt.content)))
			equal(t, "flags", flagsOf(doc), tt.flags)
			equal(t, "flaws", flawCodes(doc), tt.flaws)
			equal(t, "members", len(doc.Attachments)-2, tt.members)
			for _, a := range doc.Attachments {
				if a.Digest.IsZero() && a.Size > 0 && len(a.Flags) == 0 {
					t.Errorf("%s was not read and nothing says so", a.Path)
				}
			}
		})
	}
}

func TestLargeContainersGoThroughTheDisk(t *testing.T) {
	noise := make([]byte, 3*inMemory/2) // what cannot be packed
	r8 := rand.NewChaCha8([32]byte{3})
	_, _ = r8.Read(noise) // never fails
	content := string(noise)
	letter := attach("a.zip", zipOf(t, packed{"inner.zip", string(zipOf(t, packed{"noise.bin", content}))}))
	dir := t.TempDir()
	r := New(Options{TempDir: dir})
	doc := r.Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, strings.NewReader(letter))
	equal(t, "content", contentOf(t, r, []byte(letter), part(t, doc, "2!inner.zip!noise.bin")) == content, true)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestOfficeFilesAreSearched(t *testing.T) {
	docx := zipOf(t, packed{"[Content_Types].xml", "<Types/>"}, packed{"word/document.xml", `<?xml version="1.0"?><w:document xmlns:w="x"><w:body><w:p><w:r><w:t>Wniosek o wycinkę</w:t></w:r></w:p><w:p><w:r><w:t>drzewa</w:t><w:tab/><w:t>nr 3</w:t></w:r></w:p></w:body></w:document>`})
	odt := zipOf(t, packed{"mimetype", "application/vnd.oasis.opendocument.text"}, packed{"content.xml", `<office:document-content xmlns:office="o" xmlns:text="t"><text:p>Petycja<text:line-break/>mieszkańców</text:p></office:document-content>`})
	for _, tt := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"wniosek.docx", docx, "Wniosek o wycinkę\ndrzewa nr 3"},
		{"petycja.odt", odt, "Petycja\nmieszkańców"},
	} {
		doc := readFile(t, tt.name, tt.content)
		equal(t, tt.name+" text", doc.Text, tt.want)
		equal(t, tt.name+" parts", len(doc.Attachments), 1)
		equal(t, tt.name+" flags", flagsOf(doc), "")
	}
}

func TestLettersInsideFilesAreOpened(t *testing.T) {
	inner := "From: Ewa <ewa@poczta.example>\r\nTo: x@y.example\r\nSubject: =?utf-8?Q?=C5=BC?=\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\ninner text\r\n--c\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF-1.7\r\n--c--\r\n"
	for _, tt := range []struct{ name, letter, want string }{
		{"in base64", letterTop + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString([]byte(inner)) + "\n--b--\n", "1=container 1!1=embedded 1!2=embedded"},
		{"as a file of a mail program", attach("list.eml", []byte(inner)), "1=body 2=container 2!1=embedded 2!2=embedded"},
		{"in a zip", attach("a.zip", zipOf(t, packed{"list.eml", inner})), "1=body 2=attachment 2!list.eml=embedded 2!list.eml!1=embedded 2!list.eml!2=embedded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := read(t, tt.letter)
			equal(t, "parts", paths(doc), tt.want)
			equal(t, "inner text is searched", strings.Contains(doc.Text, "inner text"), true)
			equal(t, "flags", flagsOf(doc), "inner_message")
			openAll(t, tt.letter)
		})
	}
}

// winmail writes a stream with a text and two files.
func winmail() []byte {
	var b bytes.Buffer
	put := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) } // memory: never fails
	attr := func(level byte, id uint32, data string) {
		b.WriteByte(level)
		put(id)
		put(uint32(len(data)))
		b.WriteString(data)
		put(uint16(0))
	}
	put(uint32(0x223e9f78))
	put(uint16(1))
	attr(1, 0x00069007, "\xe2\x04\x00\x00\x00\x00\x00\x00")
	attr(1, 0x0002800c, "Tre\x9c\xe6 listu\x00")
	for i, content := range []string{"%PDF-1.7", "sprawozdanie"} {
		attr(2, 0x00069002, strings.Repeat("\x00", 14))
		attr(2, 0x00018010, []string{"za\xb3\xb9cznik.pdf\x00", "dane.txt\x00"}[i])
		attr(2, 0x0006800f, content)
	}
	return b.Bytes()
}

func TestWinmailIsWhatWasSent(t *testing.T) {
	for _, name := range []string{"winmail.dat", "whatever.bin"} {
		letter := attach(name, winmail())
		doc := read(t, letter)
		equal(t, "parts", paths(doc), "1=body 2=container 2!załącznik.pdf=attachment 2!dane.txt=attachment")
		equal(t, "attachments", doc.CountAttachments(), 2)
		equal(t, "flags", flagsOf(doc), "tnef")
		equal(t, "text", doc.Text, "text\n\nsprawozdanie\n\nTreść listu")
		equal(t, "own", doc.Own, "text\n\nTreść listu")
		openAll(t, letter)
	}
}

func TestFilesInTheMiddleOfATextAreListed(t *testing.T) {
	letter := letterTop + "\nbefore\nbegin 644 a.txt\n#0V%T\n`\nend\nbetween\nbegin 644 a.txt\n#1&]G\n`\nend\nafter\n"
	doc := read(t, letter)
	equal(t, "parts", paths(doc), "1=body 1!a.txt=attachment 1!a.txt#2=attachment")
	equal(t, "text", doc.Own, "before\nbetween\nafter")
	raw := strings.ReplaceAll(letter, "\n", "\r\n")
	equal(t, "first", contentOf(t, New(Options{}), []byte(raw), part(t, doc, "1!a.txt")), "Cat")
	equal(t, "second", contentOf(t, New(Options{}), []byte(raw), part(t, doc, "1!a.txt#2")), "Dog")
}

// cmsOf wraps content as signed data without signatures.
func cmsOf(t testing.TB, content string) []byte {
	t.Helper()
	wrap := func(class, tag int, parts ...[]byte) []byte {
		b, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: tag != asn1.TagOctetString, Bytes: bytes.Join(parts, nil)})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	oid := func(last ...int) []byte {
		b, err := asn1.Marshal(append(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7}, last...))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	encap := wrap(asn1.ClassUniversal, asn1.TagSequence, oid(1), wrap(asn1.ClassContextSpecific, 0, wrap(asn1.ClassUniversal, asn1.TagOctetString, []byte(content))))
	data := wrap(asn1.ClassUniversal, asn1.TagSequence, []byte{2, 1, 1}, wrap(asn1.ClassUniversal, asn1.TagSet), encap, wrap(asn1.ClassUniversal, asn1.TagSet))
	return wrap(asn1.ClassUniversal, asn1.TagSequence, oid(2), wrap(asn1.ClassContextSpecific, 0, data))
}

func TestWhatIsSignedOpaquelyIsRead(t *testing.T) {
	inner := "Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nsigned text\r\n--c\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF-1.7\r\n--c--\r\n"
	letter := letterTop + "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\nContent-Transfer-Encoding: base64\n\n" + base64.StdEncoding.EncodeToString(cmsOf(t, inner)) + "\n"
	doc := read(t, letter)
	equal(t, "parts", paths(doc), "1=body 1!1=body 1!2=attachment")
	equal(t, "text", doc.Own, "signed text")
	equal(t, "flags", flagsOf(doc), "signed signature_unchecked")
	openAll(t, letter)

	letter = attach("pismo.pdf.p7m", cmsOf(t, "%PDF-1.7"))
	doc = read(t, letter)
	equal(t, "parts", paths(doc), "1=body 2=attachment 2!pismo.pdf=embedded")
	equal(t, "type", part(t, doc, "2!pismo.pdf").MediaType, "application/pdf")
	openAll(t, letter)
}

func TestOctetsInPiecesAreOne(t *testing.T) {
	open := "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x80\x24\x80\x04\x03one\x04\x04 two\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	c := readCMS(strings.NewReader(open), int64(len(open)))
	b, err := io.ReadAll(io.NewSectionReader(splice(strings.NewReader(open), c.pieces), 0, 100))
	if err != nil || string(b) != "one two" {
		t.Errorf("got %q, %v", b, err)
	}
}

func TestRARsAreListedByName(t *testing.T) {
	four := "Rar!\x1a\x07\x00" + "\x00\x00\x73\x00\x00\x0d\x00\x00\x00\x00\x00\x00\x00"
	head := func(name string, flags uint16, size uint32) string {
		b := []byte{0, 0, 0x74}
		b = binary.LittleEndian.AppendUint16(b, 0x8000|flags)
		b = binary.LittleEndian.AppendUint16(b, uint16(32+len(name)))
		b = binary.LittleEndian.AppendUint32(b, 4)
		b = binary.LittleEndian.AppendUint32(b, size)
		b = append(b, make([]byte, 11)...)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(name)))
		return string(append(b, make([]byte, 4)...)) + name + "data"
	}
	vint := func(vs ...uint64) (b []byte) {
		for _, v := range vs {
			b = binary.AppendUvarint(b, v)
		}
		return b
	}
	block := func(body []byte) string { return "\x00\x00\x00\x00" + string(vint(uint64(len(body)))) + string(body) }
	five := "Rar!\x1a\x07\x01\x00" + block(vint(1, 0, 0)) +
		block(append(vint(2, 2, 4, 0, 77, 0, 0, 1, 8), "żółw.pdf"[:8]...)) + "data" + block(vint(5, 0))
	for _, tt := range []struct{ name, content, want, flags string }{
		{"version 4", four + head("a.txt", 0, 9) + head("b.exe", 0, 9), "a.txt b.exe", "archive_limit executable"},
		{"version 4 with a password", four + head("a.txt", 4, 9), "a.txt", "encrypted_attachment"},
		{"version 4 with locked names", "Rar!\x1a\x07\x00" + "\x00\x00\x73\x80\x00\x0d\x00\x00\x00\x00\x00\x00\x00xxxx", "", "encrypted_attachment"},
		{"version 5", five, "żółw.", "archive_limit"},
		{"cut", four + head("a.txt", 0, 9)[:20], "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc := read(t, attach("a.rar", []byte(tt.content)))
			var names []string
			for _, a := range doc.Attachments[2:] {
				names = append(names, a.Name)
			}
			equal(t, "names", strings.Join(names, " "), strings.TrimSuffix(tt.want, "."))
			equal(t, "flags", flagsOf(doc), tt.flags)
			equal(t, "flaws", flawCodes(doc), "container_unopened")
		})
	}
}

func TestPartsThatAreNotThereAreNotOpened(t *testing.T) {
	r := New(Options{})
	letter := strings.NewReader(attach("a.zip", zipOf(t, packed{"a.txt", "x"})))
	for _, path := range []string{"", "0", "3", "2!b.txt", "2!a.txt!c", "1!x", "2!", "!", "../1"} {
		if in, err := r.Open(t.Context(), registry.Item{Door: registry.DoorSMTP}, letter, path); err == nil {
			closing(in)
			t.Errorf("%q was opened", path)
		}
	}
}
