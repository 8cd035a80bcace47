package drop

import (
	"bytes"
	"encoding/binary"
	"io"
	"path"
	"strings"
)

// tail is how much of a file's end is looked at.
const tail = 64 << 10

// Whole reports whether a file looks complete for its kind. Kinds without an
// end mark are whole as soon as they no longer change. An error means that the
// file could not be read, which says nothing of it.
func Whole(r io.ReaderAt, size int64, name string) (bool, error) {
	read := &careful{ReaderAt: r}
	whole := whole(read, size, name)
	return whole && read.err == nil, read.err
}

// A careful reader remembers what went wrong but the end of the file.
type careful struct {
	io.ReaderAt
	err error
}

func (c *careful) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	if err != nil && err != io.EOF && c.err == nil {
		c.err = err
	}
	return n, err
}

func whole(r io.ReaderAt, size int64, name string) bool {
	head := make([]byte, min(size, 1024))
	if _, err := r.ReadAt(head, 0); err != nil && err != io.EOF {
		return false
	}
	end := make([]byte, min(size, tail))
	if _, err := r.ReadAt(end, size-int64(len(end))); err != nil && err != io.EOF {
		return false
	}
	switch {
	case bytes.Contains(head, []byte("%PDF-")):
		// A linearised PDF has an early %%EOF too: only the tail counts.
		return bytes.Contains(end[max(0, len(end)-1024):], []byte("%%EOF"))
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return bytes.Contains(end, []byte("\xff\xd9"))
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return bytes.Contains(end, []byte("IEND"))
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return bytes.Contains(end, []byte("PK\x05\x06"))
	case bytes.HasPrefix(head, []byte("II*\x00")):
		return wholeTIFF(r, size, binary.LittleEndian)
	case bytes.HasPrefix(head, []byte("MM\x00*")):
		return wholeTIFF(r, size, binary.BigEndian)
	case wants(name, head):
		return false
	default:
		return true
	}
}

// wants reports whether the name promises a kind whose beginning is not there
// yet, as when a scanner reserves the space first and writes later.
func wants(name string, head []byte) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".pdf", ".tif", ".tiff", ".jpg", ".jpeg", ".png":
		return len(bytes.Trim(head, "\x00")) == 0
	default:
		return false
	}
}

// Bounds of a TIFF's chain of directories.
const (
	maxPages = 10_000
	maxTags  = 4096
)

// wholeTIFF walks the chain of directories (TIFF 6.0 § 2): each must lie in
// the file, and so must every strip or tile it names.
func wholeTIFF(r io.ReaderAt, size int64, order binary.ByteOrder) bool {
	var word [4]byte
	if _, err := r.ReadAt(word[:], 4); err != nil {
		return false
	}
	at := int64(order.Uint32(word[:]))
	if at == 0 {
		return false // some writers fill in the first offset last
	}
	for page := 0; at != 0; page++ {
		if page > maxPages || at < 8 || at+2 > size {
			return false
		}
		var count [2]byte
		if _, err := r.ReadAt(count[:], at); err != nil {
			return false
		}
		n := int64(order.Uint16(count[:]))
		if n > maxTags || at+2+12*n+4 > size {
			return false
		}
		dir := make([]byte, 12*n+4)
		if _, err := r.ReadAt(dir, at+2); err != nil {
			return false
		}
		if !stripsInside(r, dir[:12*n], size, order) {
			return false
		}
		at = int64(order.Uint32(dir[12*n:]))
	}
	return true
}

// Tags of TIFF 6.0 that say where the picture lies.
const (
	stripOffsets, stripByteCounts = 273, 279
	tileOffsets, tileByteCounts   = 324, 325
)

func stripsInside(r io.ReaderAt, dir []byte, size int64, order binary.ByteOrder) bool {
	offsets, counts := []int64(nil), []int64(nil)
	for i := 0; i+12 <= len(dir); i += 12 {
		switch order.Uint16(dir[i:]) {
		case stripOffsets, tileOffsets:
			offsets = numbers(r, dir[i:i+12], size, order)
		case stripByteCounts, tileByteCounts:
			counts = numbers(r, dir[i:i+12], size, order)
		}
	}
	for i := range min(len(offsets), len(counts)) {
		if offsets[i]+counts[i] > size {
			return false
		}
	}
	return true
}

// numbers reads the values of a SHORT or LONG field, bounded.
func numbers(r io.ReaderAt, field []byte, size int64, order binary.ByteOrder) []int64 {
	width := map[uint16]int64{3: 2, 4: 4}[order.Uint16(field[2:])]
	n := int64(order.Uint32(field[4:]))
	if width == 0 || n > 1<<20 {
		return nil
	}
	raw := field[8:12]
	if n*width > 4 {
		at := int64(order.Uint32(field[8:]))
		if at+n*width > size {
			return []int64{size + 1} // points outside: not whole
		}
		raw = make([]byte, n*width)
		if _, err := r.ReadAt(raw, at); err != nil {
			return []int64{size + 1}
		}
	}
	values := make([]int64, n)
	for i := range values {
		if width == 2 {
			values[i] = int64(order.Uint16(raw[2*i:]))
		} else {
			values[i] = int64(order.Uint32(raw[4*i:]))
		}
	}
	return values
}
