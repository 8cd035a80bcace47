package parse

import (
	"bytes"
	"encoding/binary"
	"io"

	"kancelaria/gateway/parse/charset"
	"kancelaria/registry"
)

// rar lists what the headers of a RAR name. Its members are not unpacked.
func (b *box) rar() {
	run := b.run
	run.flaw(flawUnopened, b.file.path, "")
	r := rarReader{box: b}
	var magic [8]byte
	n, _ := b.src.ReadAt(magic[:], 0)
	switch {
	case bytes.HasPrefix(magic[:n], []byte("Rar!\x1a\x07\x01\x00")):
		r.five(8)
	case bytes.HasPrefix(magic[:n], []byte("Rar!\x1a\x07\x00")):
		r.four(7)
	}
	if r.locked {
		run.encrypted(b.index)
	}
}

// sevenZip only says that the container stays closed: its list of names is
// itself compressed.
func (b *box) sevenZip() { b.run.flaw(flawUnopened, b.file.path, "") }

// A rarReader walks the headers of a RAR.
type rarReader struct {
	*box
	locked bool
	listed int
}

const maxRARHeader = 64 << 10

func (r *rarReader) header(at, n int64) []byte {
	if n < 0 || n > maxRARHeader || at+n > r.size {
		return nil
	}
	b := make([]byte, n)
	if _, err := r.src.ReadAt(b, at); err != nil && err != io.EOF {
		return nil
	}
	return b
}

func (r *rarReader) member(name string, size uint64, locked bool) bool {
	r.locked = r.locked || locked
	if r.listed++; r.listed > r.run.r.Limits.Entries {
		r.run.overArchive(r.index, r.file.path, "too many members")
		return false
	}
	flag := registry.FlagArchiveLimit
	if locked {
		flag = registry.FlagEncryptedAttachment
	}
	if r.run.done() || r.run.full(r.file.path) {
		return false
	}
	name = charset.Clean(name)
	m := file{path: r.key(name), raw: name, role: r.memberRole()}
	r.box.unopened(m, int64(min(size, 1<<62)), flag)
	return true
}

// four reads the headers of version 4.
func (r *rarReader) four(at int64) {
	for at < r.size {
		h := r.header(at, min(7, r.size-at))
		if len(h) < 7 {
			return
		}
		kind, flags, length := h[2], binary.LittleEndian.Uint16(h[3:]), int64(binary.LittleEndian.Uint16(h[5:]))
		h = r.header(at, length)
		if len(h) < 7 {
			return
		}
		added := int64(0)
		if flags&0x8000 != 0 && len(h) >= 11 {
			added = int64(binary.LittleEndian.Uint32(h[7:]))
		}
		switch kind {
		case 0x73:
			if flags&0x80 != 0 { // the headers themselves are locked
				r.locked = true
				return
			}
		case 0x74:
			if !r.fileFour(h, flags, &added) {
				return
			}
		case 0x7b:
			return
		}
		at += length + added
	}
}

func (r *rarReader) fileFour(h []byte, flags uint16, added *int64) bool {
	if len(h) < 32 {
		return false
	}
	size, nameLength := uint64(binary.LittleEndian.Uint32(h[11:])), int(binary.LittleEndian.Uint16(h[26:]))
	at := 32
	if flags&0x100 != 0 {
		if len(h) < 40 {
			return false
		}
		*added += int64(binary.LittleEndian.Uint32(h[32:])) << 32
		size |= uint64(binary.LittleEndian.Uint32(h[36:])) << 32
		at = 40
	}
	if at+nameLength > len(h) || *added < 0 {
		return false
	}
	if flags&0xe0 == 0xe0 {
		return true // a folder
	}
	name, _, _ := bytes.Cut(h[at:at+nameLength], []byte{0})
	set := &charset.Decoder{Order: []string{"ibm852", "windows-1250"}}
	return r.member(set.Text("", name), size, flags&4 != 0)
}

// five reads the headers of version 5.
func (r *rarReader) five(at int64) {
	for at < r.size {
		h := r.header(at, min(16, r.size-at))
		if len(h) < 7 {
			return
		}
		length, n := binary.Uvarint(h[4:])
		if n <= 0 || length == 0 || length > maxRARHeader {
			return
		}
		start := at + 4 + int64(n)
		v := vints{b: r.header(start, int64(length))}
		kind, flags := v.next(), v.next()
		extra, added := uint64(0), uint64(0)
		if flags&1 != 0 {
			extra = v.next()
		}
		if flags&2 != 0 {
			added = v.next()
		}
		if v.bad || added > 1<<62 {
			return
		}
		switch kind {
		case 2:
			if !r.fileFive(&v, extra) {
				return
			}
		case 4:
			r.locked = true
			return
		case 5:
			return
		}
		at = start + int64(length) + int64(added)
	}
}

func (r *rarReader) fileFive(v *vints, extra uint64) bool {
	flags, size := v.next(), v.next()
	v.next() // attributes
	if flags&2 != 0 {
		v.skip(4)
	}
	if flags&4 != 0 {
		v.skip(4)
	}
	v.next() // compression
	v.next() // system
	name := v.take(v.next())
	if v.bad {
		return false
	}
	if flags&1 != 0 {
		return true // a folder
	}
	locked := false
	for rest := (vints{b: v.b[max(0, len(v.b)-int(min(extra, maxRARHeader))):]}); len(rest.b) > 0 && !rest.bad; {
		record := vints{b: rest.take(rest.next())}
		locked = locked || record.next() == 1
	}
	return r.member(string(name), size, locked)
}

// vints takes numbers of variable length from the front of b.
type vints struct {
	b   []byte
	bad bool
}

func (v *vints) next() uint64 {
	x, n := binary.Uvarint(v.b)
	if n <= 0 {
		v.bad, v.b = true, nil
		return 0
	}
	v.b = v.b[n:]
	return x
}

func (v *vints) skip(n int) { v.take(uint64(n)) }

func (v *vints) take(n uint64) []byte {
	if n > uint64(len(v.b)) {
		v.bad, v.b = true, nil
		return nil
	}
	out := v.b[:n]
	v.b = v.b[n:]
	return out
}
