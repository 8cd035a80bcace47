package parse

import (
	"bytes"
	"io"
)

// A lineReader gives the lines of a source without their ends. A line longer
// than its room comes in pieces.
type lineReader struct {
	src  io.Reader
	buf  []byte
	p, n int
	eof  error
}

func newLines(src io.Reader, buf []byte) *lineReader { return &lineReader{src: src, buf: buf} }

// next gives the next line; it is good until the call after.
func (l *lineReader) next() (line []byte, err error) {
	for {
		if i := bytes.IndexByte(l.buf[l.p:l.n], '\n'); i >= 0 {
			line = l.buf[l.p : l.p+i]
			l.p += i + 1
			return bytes.TrimRight(line, "\r"), nil
		}
		if l.eof != nil || l.p == 0 && l.n == len(l.buf) { // the last line, or one longer than the room
			line = l.buf[l.p:l.n]
			l.p = l.n
			if len(line) == 0 && l.eof != nil {
				return nil, l.eof
			}
			if l.n == len(l.buf) {
				l.p, l.n = 0, 0
			}
			return bytes.TrimRight(line, "\r"), nil
		}
		l.n = copy(l.buf, l.buf[l.p:l.n])
		l.p = 0
		got, err := l.src.Read(l.buf[l.n:])
		l.n += got
		l.eof = err
	}
}

// A uuReader decodes one file of a uuencoded text.
type uuReader struct {
	lines   *lineReader
	skip    int // files to pass over
	scan    uuScan
	begun   bool
	ended   bool
	out     []byte
	buf     [64]byte
	damaged bool
}

func (d *uuReader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.ended {
			return 0, io.EOF
		}
		line, err := d.lines.next()
		if err != nil {
			d.damaged = true // no "end"
			d.ended = true
			return 0, err
		}
		d.line(line)
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

func (d *uuReader) line(line []byte) {
	what, _ := d.scan.take(line)
	if d.begun && what != uuBody {
		d.ended, d.damaged = true, what != uuEnd
		return
	}
	if what == uuStart {
		d.begun = d.skip == 0
		d.skip--
	}
	if d.begun {
		d.out = uuLine(d.buf[:0], line)
	}
}

// A uuScan finds files among the lines of a text. A file begins with a line
// that says so and one that can be its first: "begin 100 new lives" is prose.
type uuScan struct {
	name   []byte // of a file that may begin
	header []byte // its line
	inside bool
}

// A uuPart is what a line is.
type uuPart int

const (
	uuText  uuPart = iota
	uuMaybe        // the line before a file, if one follows
	uuStart        // the first line of a file, which the line before began
	uuBody
	uuEnd
)

// take says what a line is, and gives the name with the first line of a file.
func (s *uuScan) take(line []byte) (what uuPart, name []byte) {
	switch {
	case s.inside && bytes.Equal(bytes.TrimRight(line, " \t"), []byte("end")):
		s.inside = false
		return uuEnd, nil
	case s.inside && (isUULine(line) || len(line) == 0):
		return uuBody, nil
	case s.name != nil && isUULine(line):
		name, s.name, s.inside = s.name, nil, true
		return uuStart, name
	}
	s.inside, s.name = false, nil
	if name, ok := uuBegin(line); ok {
		s.name, s.header = bytes.Clone(name), bytes.Clone(line)
		return uuMaybe, nil
	}
	return uuText, nil
}

// uuBegin reads "begin 644 name".
func uuBegin(line []byte) (name []byte, ok bool) {
	rest, ok := bytes.CutPrefix(line, []byte("begin "))
	if !ok {
		return nil, false
	}
	i := bytes.IndexByte(rest, ' ')
	if i < 3 || i > 6 || len(bytes.TrimSpace(rest[i:])) == 0 {
		return nil, false
	}
	for _, c := range rest[:i] {
		if c < '0' || c > '7' {
			return nil, false
		}
	}
	return bytes.TrimSpace(rest[i:]), true
}

// uuLine appends what one line stands for. The first sign says how many bytes;
// blanks lost at the end of a line are read as zeros.
func uuLine(dst, line []byte) []byte {
	if len(line) == 0 || line[0] < ' ' || line[0] > '`' {
		return dst
	}
	want := int(line[0]-' ') & 63
	line = line[1:]
	for want > 0 {
		var q [4]byte
		for i := range q {
			if i < len(line) && line[i] >= ' ' && line[i] <= '`' {
				q[i] = (line[i] - ' ') & 63
			}
		}
		three := [3]byte{q[0]<<2 | q[1]>>4, q[1]<<4 | q[2]>>2, q[2]<<6 | q[3]}
		n := min(want, 3)
		dst = append(dst, three[:n]...)
		want -= n
		line = line[min(4, len(line)):]
	}
	return dst
}

// isUULine reports whether a line can be one of a uuencoded file: its length
// fits its first sign.
func isUULine(line []byte) bool {
	if len(line) == 0 || line[0] < ' ' || line[0] > '`' {
		return false
	}
	want := int(line[0]-' ') & 63
	chars := (want + 2) / 3 * 4
	if n := len(line) - 1; n > chars+2 || n < chars-3 && n*4/3 < want {
		return false
	}
	for _, c := range line {
		if c < ' ' || c > '`' {
			return false
		}
	}
	return true
}
