package tree

import (
	"bytes"
	"io"
)

const (
	window  = 32 << 10 // what the cursor holds of the letter
	history = 2        // bytes kept behind the cursor: the last line end
)

// A cursor moves forward over the original and holds one window of it. Lines
// longer than the window come in pieces.
type cursor struct {
	src    io.ReaderAt
	tee    io.Writer
	off    int64 // of buf[0] in the original
	limit  int64 // end of what may be read
	buf    []byte
	pos, n int  // buf[pos:n] is unread
	end    byte // what ends a line
	failed bool // the source gave less than it promised
}

func newCursor(src io.ReaderAt, start, end int64, room []byte) *cursor {
	if len(room) < window {
		room = make([]byte, min(end-start+history, window))
	}
	return &cursor{src: src, off: start, limit: end, buf: room, end: '\n'}
}

// at is the offset of the cursor in the original.
func (c *cursor) at() int64 { return c.off + int64(c.pos) }

// done reports whether nothing is left.
func (c *cursor) done() bool { return c.pos == c.n && !c.fill() }

// fill slides the window and reads on; false at the end or when the window is
// full of unread bytes.
func (c *cursor) fill() bool {
	if keep := max(c.pos-history, 0); keep > 0 {
		copy(c.buf, c.buf[keep:c.n])
		c.off += int64(keep)
		c.pos -= keep
		c.n -= keep
	}
	from := c.off + int64(c.n)
	room := min(int64(len(c.buf)-c.n), c.limit-from)
	if room <= 0 {
		return false
	}
	got, err := c.src.ReadAt(c.buf[c.n:c.n+int(room)], from)
	if c.tee != nil && got > 0 {
		_, _ = c.tee.Write(c.buf[c.n : c.n+got]) // a digest: never fails
	}
	c.n += got
	if int64(got) < room && err != nil {
		c.failed = true
		c.limit = from + int64(got)
	}
	return got > 0
}

// drain reads what is left, for the tee's sake.
func (c *cursor) drain() {
	for c.tee != nil {
		c.pos = c.n
		if !c.fill() {
			return
		}
	}
}

// detectLineEnd looks whether lines end in CR alone, as on very old Macs.
func (c *cursor) detectLineEnd() {
	c.fill()
	head := c.buf[c.pos:c.n]
	if bytes.IndexByte(head, '\n') < 0 && bytes.Count(head, []byte{'\r'}) > 1 {
		c.end = '\r'
	}
}

// peek gives the line at the cursor without moving, with its end unless it is
// longer than the window.
func (c *cursor) peek() (line []byte, whole bool) {
	i := bytes.IndexByte(c.buf[c.pos:c.n], c.end)
	if i < 0 && c.fill() {
		i = bytes.IndexByte(c.buf[c.pos:c.n], c.end)
		for i < 0 && c.fill() {
			i = bytes.IndexByte(c.buf[c.pos:c.n], c.end)
		}
	}
	if i < 0 {
		return c.buf[c.pos:c.n], c.off+int64(c.n) >= c.limit
	}
	return c.buf[c.pos : c.pos+i+1], true
}

// skipLine moves behind the end of the line at the cursor.
func (c *cursor) skipLine() {
	for {
		i := bytes.IndexByte(c.buf[c.pos:c.n], c.end)
		if i >= 0 {
			c.pos += i + 1
			return
		}
		c.pos = c.n
		if !c.fill() {
			return
		}
	}
}

// toDashes moves from the start of a line to the next line that starts with
// "--"; false at the end of the original.
func (c *cursor) toDashes() bool {
	for c.n-c.pos < 2 && c.fill() {
	}
	if bytes.HasPrefix(c.buf[c.pos:c.n], []byte("--")) {
		return true
	}
	sep := []byte{c.end, '-', '-'}
	for {
		if i := bytes.Index(c.buf[c.pos:c.n], sep); i >= 0 {
			c.pos += i + 1
			return true
		}
		c.pos = max(c.pos, c.n-history)
		if !c.fill() {
			c.pos = c.n
			return false
		}
	}
}

// beforeLineEnd gives the offset of the line end just before the cursor, or
// the cursor itself if none is there; never less than from.
func (c *cursor) beforeLineEnd(from int64) int64 {
	at, p := c.at(), c.pos
	if at > from && p > 0 && c.buf[p-1] == c.end {
		at, p = at-1, p-1
		if c.end == '\n' && at > from && p > 0 && c.buf[p-1] == '\r' {
			at--
		}
	}
	return at
}

// lineAhead gives the line after the one at p, if the window holds it.
func (c *cursor) lineAhead(p int) (line []byte, next int) {
	if p >= c.n {
		return nil, p
	}
	i := bytes.IndexByte(c.buf[p:c.n], c.end)
	if i < 0 {
		return c.buf[p:c.n], c.n
	}
	return c.buf[p : p+i+1], p + i + 1
}
