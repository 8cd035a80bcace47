// Package tnef opens winmail.dat, the container that Outlook makes of letters
// to people it takes for its own kind (MS-OXTNEF).
//
// Decode never gives up on what lies before a damage. It copies no file: it
// says where in the stream each lies. All counts, lengths and depths are
// bounded.
package tnef

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Signature begins every stream.
const Signature = 0x223e9f78

const (
	maxText   = 4 << 20  // bytes of one body
	maxString = 64 << 10 // of a name, a subject
	maxProps  = 10_000
	maxFiles  = 5_000
	maxAttrs  = 100_000
)

// A Message is what a stream holds.
type Message struct {
	Subject  Text
	Body     Text   // plain
	HTML     []byte // in the set of Codepage
	RTF      []byte // decompressed
	Codepage int    // of 8-bit texts, 0 if the stream does not say
	Class    string // IPM.Note, IPM.Schedule.Meeting.Request …
	Files    []File
	// Err says why reading stopped early; what stands above is what was read.
	Err error
}

// A Text is as stored: 8 bits in the stream's code page, or UTF-16.
type Text struct {
	Bytes []byte
	Wide  bool // UTF-16, little endian
}

// A File is an attachment. Its bytes lie at Start in the stream.
type File struct {
	Name      Text
	MediaType string
	ContentID string
	Start     int64
	Size      int64
	Embedded  bool // a message of its own: the bytes are a stream
}

var errFormat = errors.New("the stream is not as TNEF should be")

// Decode reads a stream of size bytes.
func Decode(src io.ReaderAt, size int64) *Message {
	d := &decoder{src: src, size: size, msg: &Message{}}
	if err := d.stream(); err != nil {
		d.msg.Err = err
	}
	d.close()
	return d.msg
}

// The attributes that matter (MS-OXTNEF § 2.1.3.2).
const (
	attSubject      = 0x00018004
	attBody         = 0x0002800c
	attMessageClass = 0x00078008
	attProps        = 0x00069003
	attRendData     = 0x00069002
	attAttachProps  = 0x00069005
	attAttachTitle  = 0x00018010
	attAttachData   = 0x0006800f
	attOEMCodepage  = 0x00069007
)

type decoder struct {
	src  io.ReaderAt
	size int64
	msg  *Message
	file *File // being described, nil before the first
	rank int   // how good its name is
}

func (d *decoder) stream() error {
	head, err := d.bytes(0, 6)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(head) != Signature {
		return fmt.Errorf("%w: no signature", errFormat)
	}
	at := int64(6)
	for range maxAttrs {
		if at >= d.size {
			return nil
		}
		h, err := d.bytes(at, 9)
		if err != nil {
			return err
		}
		id, length := binary.LittleEndian.Uint32(h[1:]), int64(binary.LittleEndian.Uint32(h[5:]))
		if h[0] != 1 && h[0] != 2 {
			return fmt.Errorf("%w: level %d at %d", errFormat, h[0], at)
		}
		at += 9
		if length > d.size-at {
			length = d.size - at // cut short: take what is there
		}
		if err := d.attribute(id, at, length); err != nil {
			return err
		}
		at += length + 2 // a checksum that nobody needs
	}
	return fmt.Errorf("%w: too many attributes", errFormat)
}

func (d *decoder) attribute(id uint32, at, length int64) error {
	switch id {
	case attSubject:
		return d.text(&d.msg.Subject, at, length, maxString)
	case attBody:
		return d.text(&d.msg.Body, at, length, maxText)
	case attMessageClass:
		var t Text
		err := d.text(&t, at, length, 256)
		d.msg.Class = string(t.Bytes)
		return err
	case attOEMCodepage:
		b, err := d.bytes(at, min(length, 4))
		if err == nil && len(b) == 4 {
			d.msg.Codepage = int(binary.LittleEndian.Uint32(b))
		}
		return err
	case attProps:
		return d.props(at, length, d.messageProp)
	case attRendData:
		d.close()
		d.file = &File{Start: at}
		return nil
	case attAttachTitle:
		f := d.current()
		if d.rank > byTitle {
			return nil
		}
		d.rank = byTitle
		return d.text(&f.Name, at, length, maxString)
	case attAttachData:
		f := d.current()
		f.Start, f.Size = at, length
		return nil
	case attAttachProps:
		d.current()
		return d.props(at, length, d.fileProp)
	}
	return nil
}

// current gives the file being described, for streams without attRendData.
func (d *decoder) current() *File {
	if d.file == nil {
		d.file = &File{}
	}
	return d.file
}

// close ends the file being described.
func (d *decoder) close() {
	if d.file != nil && len(d.msg.Files) < maxFiles {
		d.msg.Files = append(d.msg.Files, *d.file)
	}
	d.file, d.rank = nil, 0
}

// text reads an 8-bit text that ends with a zero.
func (d *decoder) text(into *Text, at, length, most int64) error {
	b, err := d.bytes(at, min(length, most))
	if err != nil {
		return err
	}
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	if !into.Wide {
		*into = Text{Bytes: b}
	}
	return nil
}

func (d *decoder) bytes(at, n int64) ([]byte, error) {
	if at < 0 || n < 0 || at+n > d.size {
		return nil, fmt.Errorf("%w: ends at %d", errFormat, d.size)
	}
	b := make([]byte, n)
	if _, err := d.src.ReadAt(b, at); err != nil && err != io.EOF {
		return nil, fmt.Errorf("reading winmail.dat: %w", err)
	}
	return b, nil
}
