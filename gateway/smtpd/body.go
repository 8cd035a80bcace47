package smtpd

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"sync"

	"kancelaria/registry"
)

// A body is a letter on the wire. It must be read to its end or drained before
// the library goes on.
type body interface {
	io.Reader
	// drain reads what is left of a letter that was refused, so that the peer
	// reads our answer and may send another one.
	drain()
}

// openBody begins to read a letter. The library has just said 354 and has
// nothing of the letter in its own buffer: it was given the command alone.
func (w *wire) openBody() body {
	if w.filter.verb == "BDAT" {
		w.body = &chunks{w: w}
	} else {
		w.body = openDots(w)
	}
	return w.body
}

// closeBody ends the letter for the library, whose own reader of DATA is still
// waiting: it finds what it waits for. A wire that failed stays as it is.
func (w *wire) closeBody() {
	w.body, w.chunk, w.last = nil, 0, false
	if w.fail == nil {
		w.ready = []byte(".\r\n")
	}
}

// dots is a letter after DATA, read in blocks. Its end is CR LF . CR LF and
// nothing else; a leading dot is taken off a line that follows CR LF; every
// other byte is the letter's, bare CR and bare LF too (RFC 5321 § 4.5.2).
type dots struct {
	w     *wire
	lf    bool  // at the beginning of a line
	cr    bool  // the last byte was CR
	ended error // io.EOF after the last line, or why there is none
	small []byte
}

var blocks = sync.Pool{New: func() any { return new([largeBuffer]byte) }}

// openDots lends the wire a larger buffer for as long as the letter comes.
func openDots(w *wire) *dots {
	b := &dots{w: w, lf: true, small: w.buf}
	large := blocks.Get().(*[largeBuffer]byte)
	w.w = copy(large[:], w.buf[w.r:w.w])
	w.r, w.buf = 0, large[:]
	return b
}

// Read implements io.Reader.
func (b *dots) Read(p []byte) (n int, err error) {
	for n < len(p) && b.ended == nil {
		if b.w.r == b.w.w || b.lf && b.mustSeeMore() {
			if n > 0 {
				return n, nil
			}
			if err := b.w.fill(&b.w.link.pace); err != nil {
				b.close(fmt.Errorf("%w: %w", errCut, lost(err)))
			}
			continue
		}
		n += b.take(p[n:])
	}
	if n == 0 && len(p) > 0 {
		return 0, b.ended
	}
	return n, nil
}

// mustSeeMore: a line begins with what may be the beginning of the end.
func (b *dots) mustSeeMore() bool {
	seen := b.w.buf[b.w.r:b.w.w]
	return len(seen) < 3 && bytes.HasPrefix([]byte(".\r\n"), seen)
}

// take copies what surely belongs to the letter, up to the next leading dot.
func (b *dots) take(p []byte) int {
	seen := b.w.buf[b.w.r:b.w.w]
	if b.lf {
		b.lf = false
		if bytes.HasPrefix(seen, []byte(".\r\n")) {
			b.w.r += 3
			b.close(io.EOF)
			return 0
		}
		if seen[0] == '.' {
			b.w.r++
			return 0
		}
	}
	if b.cr && seen[0] == '\n' {
		seen = seen[:1] // looked at alone, since the CR is not in this block
	} else if i := leadingDot(seen); i >= 0 {
		seen = seen[:i]
	}
	n := copy(p, seen)
	b.w.r += n
	b.lf = bytes.HasSuffix(seen[:n], []byte("\r\n")) || b.cr && n == 1 && seen[0] == '\n'
	b.cr = seen[n-1] == '\r'
	return n
}

// leadingDot finds a dot behind CR LF. It looks for the dot, which attachments
// in base64 never have, and not for the line end, which comes every 76 bytes.
func leadingDot(seen []byte) int {
	for i := 0; ; i++ {
		next := bytes.IndexByte(seen[i:], '.')
		if next < 0 {
			return -1
		}
		if i += next; i >= 2 && seen[i-1] == '\n' && seen[i-2] == '\r' {
			return i
		}
	}
}

// close ends the letter. If it did not come to its end, nothing that follows is
// a command.
func (b *dots) close(why error) {
	b.ended = why
	b.w.giveBack(b.small)
	if !errors.Is(why, io.EOF) {
		b.w.fail, b.w.link.rude = io.EOF, true
	}
	b.w.closeBody()
}

// giveBack puts the large buffer back; what the peer sent in haste is kept.
func (w *wire) giveBack(small []byte) {
	large, rest := w.buf, w.buf[w.r:w.w]
	if len(rest) > len(small) {
		small = make([]byte, len(rest))
	}
	w.r, w.w, w.buf = 0, copy(small, rest), small
	if len(large) == largeBuffer {
		blocks.Put((*[largeBuffer]byte)(large))
	}
}

func (b *dots) drain() {
	if b.ended != nil {
		return
	}
	_, err := io.CopyN(io.Discard, b, 2*b.w.link.s.MaxSize) // not for ever
	if b.ended == nil {
		b.close(cmp.Or(err, registry.ErrTooLarge))
	}
}

// lost keeps the end of a connection apart from the end of a letter.
func lost(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
