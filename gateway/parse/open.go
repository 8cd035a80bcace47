package parse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"kancelaria/registry"
)

// ErrNoPart says that an original has no part of the path asked for.
var ErrNoPart = errors.New("the original has no such part")

// Open gives the decoded bytes of one part, as Read listed and digested them.
// The caller closes what it gets, and keeps src open until then.
func (r *Reader) Open(ctx context.Context, it registry.Item, src Source, path string) (io.ReadCloser, error) {
	run := r.newReading(ctx, it, src)
	run.seek = &seek{path: path}
	if isLetter(it, src) {
		run.letter()
	} else {
		run.lone()
	}
	found := run.seek.found
	if found == nil {
		run.seek.release()
		return nil, fmt.Errorf("part %.80q: %w", path, ErrNoPart)
	}
	body, err := found.open()
	if err != nil {
		run.seek.release()
		return nil, fmt.Errorf("opening part %.80q: %w", path, err)
	}
	return &openPart{Reader: body, body: body, seek: run.seek}, nil
}

// A seek is a reading that looks for one part and lists nothing.
type seek struct {
	path    string
	found   *file
	holding []io.Closer // containers unpacked on the way
}

// passes reports whether the part sought may lie inside the one at path.
func (s *seek) passes(path string) bool { return strings.HasPrefix(s.path, path+"!") }

func (s *seek) release() {
	for i := len(s.holding) - 1; i >= 0; i-- {
		closing(s.holding[i])
	}
	s.holding = nil
}

// done reports whether the reading has what it looks for.
func (run *reading) done() bool { return run.seek != nil && run.seek.found != nil }

type openPart struct {
	io.Reader
	body io.Closer
	seek *seek
}

// Close implements io.Closer.
func (p *openPart) Close() error {
	err := p.body.Close()
	p.seek.release()
	return err
}
