package smtpd

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"kancelaria/registry"
)

// A letter is the bytes of one on their way into the spool: bounded, watched
// for room on the disk, and stopped when it has passed too many servers.
type letter struct {
	r     io.Reader
	limit int64
	disk  func() error
	trace trace

	size  int64
	asked int64 // size when the disk was asked last
	whole bool  // the end was seen
	err   error // why it was stopped; for ever
}

// askDisk is after how many bytes the disk is asked again.
const askDisk = 1 << 20

// Read implements io.Reader.
func (l *letter) Read(p []byte) (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	if over := l.size + int64(len(p)) - l.limit; over > 1 {
		p = p[:int64(len(p))-over+1] // one byte more than we take shows that it goes on
	}
	n, err := l.r.Read(p)
	l.size += int64(n)
	if n > 0 {
		if stop := l.check(p[:n]); stop != nil {
			l.err = stop
			return 0, stop
		}
	}
	if errors.Is(err, io.EOF) {
		l.whole, l.err = true, io.EOF
		return n, io.EOF
	}
	l.err = err
	return n, err
}

func (l *letter) check(p []byte) error {
	if l.size > l.limit {
		return fmt.Errorf("a letter beyond %d bytes: %w", l.limit, registry.ErrTooLarge)
	}
	if l.trace.see(p) {
		return errCircles
	}
	if l.size-l.asked >= askDisk {
		l.asked = l.size
		return l.disk()
	}
	return nil
}

// A trace counts the Received fields of a header as it goes by (RFC 5321
// § 6.3).
type trace struct {
	most  int
	found int
	begun []byte // of the current line, at most as long as the field's name
	past  bool   // the header is over
}

var received = []byte("received:")

// see reports whether the letter has passed too many servers.
func (t *trace) see(p []byte) bool {
	for !t.past && t.most >= 0 && len(p) > 0 {
		line, rest, ended := bytes.Cut(p, []byte("\n"))
		t.begun = append(t.begun, line[:min(len(line), len(received)-len(t.begun))]...)
		p = rest
		if !ended {
			break
		}
		if bytes.EqualFold(t.begun, received) {
			t.found++
		}
		t.past = len(bytes.TrimRight(t.begun, "\r")) == 0
		t.begun = t.begun[:0]
	}
	return t.found > t.most && t.most >= 0
}
