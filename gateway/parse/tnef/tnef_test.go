package tnef

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

// A builder writes streams for the tests.
type builder struct{ bytes.Buffer }

func newStream() *builder {
	b := &builder{}
	b.u32(Signature)
	b.u16(1)
	return b
}

func (b *builder) u16(v uint16) { _ = binary.Write(b, binary.LittleEndian, v) }
func (b *builder) u32(v uint32) { _ = binary.Write(b, binary.LittleEndian, v) }

func (b *builder) attr(level byte, id uint32, data []byte) *builder {
	b.WriteByte(level)
	b.u32(id)
	b.u32(uint32(len(data)))
	b.Write(data)
	b.u16(0)
	return b
}

// A value is one property.
type value struct {
	id, kind uint16
	data     []byte
	named    bool
}

func props(values ...value) []byte {
	b := &builder{}
	b.u32(uint32(len(values)))
	for _, v := range values {
		b.u16(v.kind)
		b.u16(v.id)
		if v.named {
			b.Write(make([]byte, 16))
			b.u32(1)
			b.u32(6)
			b.WriteString("a\x00b\x00\x00\x00\x00\x00")
		}
		if !isSized(v.kind) {
			b.Write(v.data)
			continue
		}
		b.u32(1)
		b.u32(uint32(len(v.data)))
		b.Write(v.data)
		b.Write(make([]byte, -len(v.data)&3))
	}
	return b.Bytes()
}

func wide(s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s + "\x00")) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func decode(b []byte) *Message { return Decode(bytes.NewReader(b), int64(len(b))) }

func TestStreamsAreRead(t *testing.T) {
	stream := newStream().
		attr(1, attOEMCodepage, []byte{0xe2, 4, 0, 0, 0, 0, 0, 0}).
		attr(1, attSubject, []byte("subject\x00")).
		attr(1, attProps, props(
			value{id: 0x8001, kind: typeLong, data: []byte{1, 0, 0, 0}, named: true},
			value{id: propBody, kind: typeUnicode, data: wide("Zażółć")},
			value{id: 0x0017, kind: typeBoolean, data: []byte{1, 0, 0, 0}},
		)).
		attr(2, attRendData, make([]byte, 14)).
		attr(2, attAttachTitle, []byte("SHORT~1.PDF\x00")).
		attr(2, attAttachData, []byte("first file")).
		attr(2, attAttachProps, props(
			value{id: propLongName, kind: typeUnicode, data: wide("Długa nazwa.pdf")},
			value{id: propShortName, kind: typeString8, data: []byte("SHORT~1.PDF\x00")},
			value{id: propMIMETag, kind: typeString8, data: []byte("Application/PDF\x00")},
			value{id: propContentID, kind: typeString8, data: []byte("<id@x>\x00")},
		)).
		attr(2, attRendData, make([]byte, 14)).
		attr(2, attAttachTitle, []byte("second.txt\x00")).
		attr(2, attAttachProps, props(value{id: propData, kind: typeBinary, data: []byte("second file")})).
		Bytes()
	msg := decode(stream)
	if msg.Err != nil {
		t.Fatal(msg.Err)
	}
	if msg.Codepage != 1250 || string(msg.Subject.Bytes) != "subject" || !msg.Body.Wide || !bytes.Equal(msg.Body.Bytes, wide("Zażółć")[:12]) {
		t.Errorf("message = %+v", msg)
	}
	if len(msg.Files) != 2 {
		t.Fatalf("%d files, want 2", len(msg.Files))
	}
	for i, want := range []struct {
		name, content, media, cid string
	}{
		{string(wide("Długa nazwa.pdf")[:30]), "first file", "application/pdf", "id@x"},
		{"second.txt", "second file", "", ""},
	} {
		f := msg.Files[i]
		if string(f.Name.Bytes) != want.name || f.MediaType != want.media || f.ContentID != want.cid {
			t.Errorf("file %d = %+v, want %+v", i, f, want)
		}
		if got := string(stream[f.Start : f.Start+f.Size]); got != want.content {
			t.Errorf("file %d holds %q, want %q", i, got, want.content)
		}
	}
}

func TestAMessageInsideIsAStream(t *testing.T) {
	inner := newStream().attr(1, attSubject, []byte("inner\x00")).Bytes()
	object := append(make([]byte, 16), inner...)
	stream := newStream().attr(2, attRendData, make([]byte, 14)).
		attr(2, attAttachProps, props(value{id: propData, kind: typeObject, data: object}, value{id: propDisplay, kind: typeString8, data: []byte("letter\x00")})).Bytes()
	msg := decode(stream)
	if len(msg.Files) != 1 || !msg.Files[0].Embedded {
		t.Fatalf("files = %+v, %v", msg.Files, msg.Err)
	}
	f := msg.Files[0]
	again := Decode(bytes.NewReader(stream[f.Start:f.Start+f.Size]), f.Size)
	if string(again.Subject.Bytes) != "inner" {
		t.Errorf("inner subject = %q, %v", again.Subject.Bytes, again.Err)
	}
}

func TestWhatLiesBeforeADamageIsKept(t *testing.T) {
	whole := newStream().attr(2, attRendData, make([]byte, 14)).attr(2, attAttachTitle, []byte("a.txt\x00")).attr(2, attAttachData, []byte("content")).Bytes()
	for name, stream := range map[string][]byte{
		"cut in the last attribute": whole[:len(whole)-6],
		"junk behind":               append(bytes.Clone(whole), "junkjunkjunk"...),
	} {
		msg := decode(stream)
		if len(msg.Files) != 1 || string(msg.Files[0].Name.Bytes) != "a.txt" {
			t.Errorf("%s: files = %+v", name, msg.Files)
		}
	}
	if msg := decode([]byte("no stream at all")); msg.Err == nil {
		t.Error("no stream, and no error")
	}
}

func TestCompressedRTF(t *testing.T) {
	// The example of MS-OXRTFCP § 4.1.1.
	compressed := []byte{
		0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42,
		0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
	}
	if got, want := string(decompress(compressed)), "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	stored := append([]byte{20, 0, 0, 0, 5, 0, 0, 0, 'M', 'E', 'L', 'A', 0, 0, 0, 0}, "{rtf}"...)
	if got := string(decompress(stored)); got != "{rtf}" {
		t.Errorf("stored: got %q", got)
	}
	if got := decompress([]byte("short")); got != nil {
		t.Errorf("too short: got %q", got)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add(newStream().attr(1, attSubject, []byte("a\x00")).Bytes())
	f.Add(newStream().attr(2, attRendData, nil).attr(2, attAttachProps, props(value{id: propLongName, kind: typeUnicode, data: wide("a")}, value{id: propData, kind: typeObject, data: make([]byte, 40)})).Bytes())
	f.Add(newStream().attr(1, attProps, props(value{id: 0x8001, kind: typeString8, data: []byte("x"), named: true}, value{id: propRTF, kind: typeBinary, data: append([]byte(strings.Repeat("a", 8)), "LZFu    abc"...)})).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		msg := decode(b)
		for _, file := range msg.Files {
			if file.Start < 0 || file.Size < 0 || file.Start+file.Size > int64(len(b)) {
				t.Errorf("a file at %d of %d bytes lies outside %d", file.Start, file.Size, len(b))
			}
		}
		if len(msg.RTF) > maxText || len(msg.Body.Bytes) > maxText {
			t.Error("a body larger than allowed")
		}
	})
}
