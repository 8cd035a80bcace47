package parse

import (
	"bytes"
	"encoding/base64"
	"io"
)

// block is how much of an original is read and decoded at a time.
const block = 32 << 10

// decoded gives the body of a part as its transfer encoding means it. What is
// damaged is skipped and told by damaged(); the reader never fails for it.
// raw is room to work in, of block bytes.
func decoded(encoding string, body io.Reader, raw []byte) (r io.Reader, damaged func() bool) {
	switch encoding {
	case "base64":
		d := &base64Reader{src: body, raw: raw}
		return d, func() bool { return d.damaged }
	case "quoted-printable":
		d := &quotedReader{src: body, raw: raw}
		return d, func() bool { return d.damaged }
	case "x-uuencode":
		d := &uuReader{lines: newLines(body, raw)}
		return d, func() bool { return d.damaged }
	default:
		return body, func() bool { return false }
	}
}

// A base64Reader decodes base64 whatever stands between its letters: line
// ends, blanks, signs that do not belong, padding in the middle or missing.
type base64Reader struct {
	src     io.Reader
	raw     []byte
	n       int    // letters waiting in raw, fewer than four
	out     []byte // decoded and not yet taken, part of spill
	spill   [3 << 10]byte
	err     error
	damaged bool
}

func (d *base64Reader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		into := d.spill[:]
		direct := len(p) >= len(into)
		if direct {
			into = p
		}
		n := d.step(into, min(len(d.raw), len(into)/3*4))
		if direct && n > 0 {
			return n, nil
		}
		d.out = into[:n]
		if direct {
			d.out = nil
		}
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// step reads up to room bytes of source and decodes them.
func (d *base64Reader) step(into []byte, room int) int {
	got, err := d.src.Read(d.raw[d.n:room])
	fresh := d.raw[d.n : d.n+got]
	kept := d.n + joinLines(fresh)
	letters := d.raw[:kept]
	whole := kept / 4 * 4
	n, bad := base64.StdEncoding.Decode(into, letters[:whole])
	if bad != nil {
		// Padding may be right: only the very end is, and then nothing follows.
		n, kept = d.careful(into, letters)
	} else {
		kept = copy(d.raw, letters[whole:])
	}
	d.n = kept
	if err != nil {
		n += d.finish(into[n:])
		d.err = err
	}
	return n
}

// careful decodes letter by letter and leaves the rest of a group of four in
// front of raw.
func (d *base64Reader) careful(into, letters []byte) (n, kept int) {
	var group [4]byte
	k := 0
	for _, c := range letters {
		switch {
		case isBase64(c):
			group[k] = c
			if k++; k == 4 {
				m, _ := base64.RawStdEncoding.Decode(into[n:], group[:])
				n, k = n+m, 0
			}
		case c == '=':
			if k == 1 {
				d.damaged = true
			}
			if k > 1 {
				m, _ := base64.RawStdEncoding.Decode(into[n:], group[:k])
				n += m
			}
			k = 0
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			d.damaged = true
		}
	}
	return n, copy(d.raw, group[:k])
}

// finish decodes a last group without padding.
func (d *base64Reader) finish(into []byte) int {
	var group [4]byte
	k := 0
	for _, c := range d.raw[:d.n] {
		if isBase64(c) {
			group[k] = c
			k++
		}
	}
	d.n = 0
	if k > 0 {
		d.damaged = true
	}
	if k < 2 || len(into) < 3 {
		return 0
	}
	n, _ := base64.RawStdEncoding.Decode(into, group[:k])
	return n
}

// joinLines removes line ends in place and gives the new length.
func joinLines(b []byte) int {
	n := 0
	for p := 0; p < len(b); {
		end := bytes.IndexByte(b[p:], '\n')
		next := len(b)
		if end < 0 {
			end = len(b)
		} else {
			end += p
			next = end + 1
		}
		for end > p && b[end-1] == '\r' {
			end--
		}
		if n != p {
			copy(b[n:], b[p:end])
		}
		n += end - p
		p = next
	}
	return n
}

func isBase64(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/'
}

// A quotedReader decodes quoted-printable. What is no escape stays as it is.
// It decodes in place: what comes out is never longer than what went in.
type quotedReader struct {
	src     io.Reader
	raw     []byte
	from, n int // raw[from:n] waits
	eof     error
	out     []byte // decoded and not yet taken, at the front of raw
	damaged bool
}

func (d *quotedReader) Read(p []byte) (int, error) {
	for len(d.out) == 0 {
		if d.eof != nil && d.from == d.n {
			return 0, d.eof
		}
		d.step()
	}
	n := copy(p, d.out)
	d.out = d.out[n:]
	return n, nil
}

// step decodes the whole lines in raw; a line longer than raw in pieces.
func (d *quotedReader) step() {
	d.n = copy(d.raw, d.raw[d.from:d.n])
	d.from = 0
	if d.eof == nil {
		got, err := d.src.Read(d.raw[d.n:])
		d.n += got
		d.eof = err
	}
	d.out = d.raw[:0]
	for d.from < d.n {
		end := bytes.IndexByte(d.raw[d.from:d.n], '\n')
		if end < 0 {
			break
		}
		d.from += end + 1
		d.line(d.raw[d.from-end-1 : d.from])
	}
	rest := d.raw[d.from:d.n]
	switch {
	case len(rest) > 0 && d.eof != nil:
		d.from = d.n
		d.line(rest)
	case len(rest) == len(d.raw):
		d.from = d.n - 2 // an escape at the very end waits for the rest of it
		if i := bytes.IndexByte(d.raw[d.from:d.n], '='); i < 0 {
			d.from = d.n
		} else {
			d.from += i
		}
		d.text(d.raw[:d.from])
	}
}

// line decodes one line, its end included.
func (d *quotedReader) line(line []byte) {
	text := bytes.TrimRight(line, " \t\r\n") // RFC 2045 § 6.7 (3): blanks at the end were added on the way
	end := line[len(text):]
	if i := bytes.IndexByte(end, '\n'); i > 0 && end[i-1] == '\r' {
		end = end[i-1:]
	} else if i >= 0 {
		end = end[i:]
	} else {
		end = nil
	}
	if soft, ok := bytes.CutSuffix(text, []byte("=")); ok {
		text, end = soft, nil
	}
	d.text(text)
	d.out = append(d.out, end...)
}

// text decodes what stands before a line end.
func (d *quotedReader) text(text []byte) {
	for len(text) > 0 {
		i := bytes.IndexByte(text, '=')
		if i < 0 {
			i = len(text)
		}
		d.out = append(d.out, text[:i]...)
		if text = text[i:]; len(text) == 0 {
			return
		}
		if len(text) > 2 {
			if c, ok := unhex(text[1], text[2]); ok {
				d.out = append(d.out, c)
				text = text[3:]
				continue
			}
		}
		d.damaged = true
		d.out = append(d.out, '=')
		text = text[1:]
	}
}

func unhex(a, b byte) (byte, bool) {
	hi, ok1 := hexDigit(a)
	lo, ok2 := hexDigit(b)
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
