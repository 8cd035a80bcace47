package tnef

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// The types of MAPI properties (MS-OXCDATA § 2.11.1).
const (
	typeShort   = 0x0002
	typeLong    = 0x0003
	typeFloat   = 0x0004
	typeDouble  = 0x0005
	typeMoney   = 0x0006
	typeAppTime = 0x0007
	typeError   = 0x000a
	typeBoolean = 0x000b
	typeObject  = 0x000d
	typeInt64   = 0x0014
	typeString8 = 0x001e
	typeUnicode = 0x001f
	typeSysTime = 0x0040
	typeGUID    = 0x0048
	typeBinary  = 0x0102
	multiValued = 0x1000
)

// The properties that matter.
const (
	propSubject   = 0x0037
	propBody      = 0x1000
	propRTF       = 0x1009
	propHTML      = 0x1013
	propCodepage  = 0x3fde // PR_INTERNET_CPID
	propData      = 0x3701
	propShortName = 0x3704
	propLongName  = 0x3707
	propMIMETag   = 0x370e
	propContentID = 0x3712
	propDisplay   = 0x3001
)

// A prop is one value: where it lies.
type prop struct {
	id, kind   uint16
	at, length int64
}

// props walks a list of properties and shows the first value of each to take.
func (d *decoder) props(at, length int64, take func(prop) error) error {
	p := propReader{d: d, at: at, end: at + length}
	count := p.uint32()
	if count > maxProps {
		return fmt.Errorf("%w: %d properties", errFormat, count)
	}
	for range count {
		value, ok := p.next()
		if !ok {
			return p.err
		}
		if err := take(value); err != nil {
			return err
		}
	}
	return p.err
}

// A propReader moves through a list of properties.
type propReader struct {
	d       *decoder
	at, end int64
	err     error
}

func (p *propReader) uint32() uint32 {
	if p.err != nil {
		return 0
	}
	if p.at+4 > p.end {
		p.err = fmt.Errorf("%w: properties end at %d", errFormat, p.end)
		return 0
	}
	b, err := p.d.bytes(p.at, 4)
	if err != nil {
		p.err = err
		return 0
	}
	p.at += 4
	return binary.LittleEndian.Uint32(b)
}

// skip moves over n bytes and the padding to four.
func (p *propReader) skip(n int64) {
	if n < 0 || p.at+n > p.end {
		p.err = fmt.Errorf("%w: a property of %d bytes", errFormat, n)
		return
	}
	p.at += (n + 3) &^ 3
}

func (p *propReader) next() (prop, bool) {
	tag := p.uint32()
	value := prop{id: uint16(tag >> 16), kind: uint16(tag)}
	if value.id >= 0x8000 {
		p.name()
	}
	count := uint32(1)
	sized := isSized(value.kind &^ multiValued)
	if sized || value.kind&multiValued != 0 {
		count = p.uint32()
	}
	value.kind &^= multiValued
	width := width(value.kind)
	if width == 0 && !sized && p.err == nil {
		p.err = fmt.Errorf("%w: type %#x", errFormat, value.kind)
	}
	for i := uint32(0); i < count && p.err == nil; i++ {
		n := width
		if sized {
			n = int64(p.uint32())
		}
		if i == 0 {
			value.at, value.length = p.at, n
		}
		p.skip(n)
	}
	return value, p.err == nil
}

// name moves over the name of a named property.
func (p *propReader) name() {
	p.skip(16)
	if p.uint32() == 0 {
		p.uint32()
		return
	}
	p.skip(int64(p.uint32()))
}

func isSized(kind uint16) bool {
	return kind == typeString8 || kind == typeUnicode || kind == typeBinary || kind == typeObject
}

// width is the room of a value of fixed size.
func width(kind uint16) int64 {
	switch kind {
	case typeShort, typeBoolean, typeLong, typeFloat, typeError:
		return 4
	case typeDouble, typeMoney, typeAppTime, typeInt64, typeSysTime:
		return 8
	case typeGUID:
		return 16
	}
	return 0
}

func (d *decoder) messageProp(p prop) error {
	switch p.id {
	case propSubject:
		return d.propText(&d.msg.Subject, p, maxString)
	case propBody:
		return d.propText(&d.msg.Body, p, maxText)
	case propHTML:
		b, err := d.bytes(p.at, min(p.length, maxText))
		d.msg.HTML = b
		return err
	case propRTF:
		b, err := d.bytes(p.at, min(p.length, maxText))
		if err != nil {
			return err
		}
		d.msg.RTF = decompress(b)
	case propCodepage:
		b, err := d.bytes(p.at, min(p.length, 4))
		if err == nil && len(b) == 4 && d.msg.Codepage == 0 {
			d.msg.Codepage = int(binary.LittleEndian.Uint32(b))
		}
		return err
	}
	return nil
}

func (d *decoder) fileProp(p prop) error {
	f := d.file
	var t Text
	switch p.id {
	case propLongName:
		return d.rename(byLongName, p)
	case propShortName:
		return d.rename(byShortName, p)
	case propDisplay:
		return d.rename(byDisplay, p)
	case propMIMETag:
		err := d.propText(&t, p, 256)
		f.MediaType = strings.ToLower(narrow(t))
		return err
	case propContentID:
		err := d.propText(&t, p, 1024)
		f.ContentID = narrow(t)
		return err
	case propData:
		if p.kind != typeObject && f.Size > 0 {
			return nil
		}
		f.Start, f.Size = p.at, p.length
		if p.kind == typeObject && p.length > 16 {
			f.Start, f.Size, f.Embedded = p.at+16, p.length-16, true // behind the interface's id
		}
	}
	return nil
}

// What names a file, the better the later.
const (
	byDisplay = iota + 1
	byTitle
	byShortName
	byLongName
)

// rename gives the current file a name, if it has no better one.
func (d *decoder) rename(rank int, p prop) error {
	if rank < d.rank {
		return nil
	}
	d.rank = rank
	d.file.Name = Text{}
	return d.propText(&d.file.Name, p, maxString)
}

// propText reads a text property. The wide form is better than the narrow.
func (d *decoder) propText(into *Text, p prop, most int64) error {
	if p.kind != typeString8 && p.kind != typeUnicode || into.Wide {
		return nil
	}
	n := min(p.length, most)
	if p.kind == typeUnicode {
		n &^= 1
	}
	b, err := d.bytes(p.at, n)
	if err != nil {
		return err
	}
	t := Text{Bytes: b, Wide: p.kind == typeUnicode}
	if t.Wide {
		for len(t.Bytes) > 1 && t.Bytes[len(t.Bytes)-1] == 0 && t.Bytes[len(t.Bytes)-2] == 0 {
			t.Bytes = t.Bytes[:len(t.Bytes)-2]
		}
	} else {
		t.Bytes = []byte(strings.TrimRight(string(t.Bytes), "\x00"))
	}
	*into = t
	return nil
}

// narrow gives the ASCII of a text.
func narrow(t Text) string {
	var out strings.Builder
	for _, c := range t.Bytes {
		if c > ' ' && c < 0x7f {
			out.WriteByte(c)
		}
	}
	return strings.Trim(out.String(), "<>")
}
