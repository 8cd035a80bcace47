package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"kancelaria/registry"
)

// A Home is a second home of originals, object storage with a lock.
type Home interface {
	// Open reads the original that a moved record locates. The archive checks
	// its digest.
	Open(ctx context.Context, locator string) (io.ReadCloser, error)
}

// FromHome opens an original that the second home holds for another node's
// archive, checked like those of this one.
func (a *Archive) FromHome(ctx context.Context, want registry.Digest, size int64, locator string) (registry.OpenOriginal, error) {
	return a.fromHome(ctx, want, size, locator)
}

// fromHome reads a moved original back, checked, through a file nobody else
// sees: it may be large, and no byte of it is handed out before the last one
// was checked.
func (a *Archive) fromHome(ctx context.Context, want registry.Digest, size int64, locator string) (registry.OpenOriginal, error) {
	if a.opt.Home == nil {
		return nil, fmt.Errorf("the original lies in the second home, and none is configured (archive.s3)")
	}
	rd, err := a.opt.Home.Open(ctx, locator)
	if err != nil {
		return nil, fmt.Errorf("reading the second home: %w", err)
	}
	defer rd.Close()
	b := &body{a: a}
	if err := b.read(ctx, rd, size); errors.Is(err, registry.ErrTooLarge) {
		return nil, errors.Join(fmt.Errorf("the second home gave more bytes: %w", registry.ErrDamaged), b.Close())
	} else if err != nil {
		return nil, fmt.Errorf("reading the second home: %w", firstOf(err, b.Close()))
	}
	if b.digest != want {
		_ = b.Close()
		return nil, fmt.Errorf("the second home gave other bytes: %w", registry.ErrDamaged)
	}
	o := &original{digest: want, Closer: b}
	if b.mem != nil {
		o.SectionReader = io.NewSectionReader(byteReader(*b.mem), 0, size)
	} else {
		o.SectionReader = io.NewSectionReader(b.file, 0, size)
	}
	return o, nil
}

// byteReader reads from memory.
type byteReader []byte

func (b byteReader) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
