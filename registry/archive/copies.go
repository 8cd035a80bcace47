package archive

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"time"
)

// A Copy is a file of the archive that a backup takes, up to Length: of a
// segment that is being written, what is whole.
type Copy struct {
	Name    string // below the archive's folder
	Length  int64
	Sealed  bool // it grows no more; only an erasure or a move touches it
	ModTime time.Time
}

// Copies lists what a backup takes, of every node whose segments lie here: the
// segments, the large originals and the notes on damage. What can be made again
// from these is left out. It may be asked beside whoever writes.
func (a *Archive) Copies(ctx context.Context) iter.Seq2[Copy, error] {
	return func(yield func(Copy, error) bool) {
		nodes, err := a.Nodes()
		if err != nil {
			yield(Copy{}, err)
			return
		}
		for _, node := range nodes {
			more, err := a.copiesOf(ctx, node, yield)
			if err != nil {
				yield(Copy{}, err)
				return
			}
			if !more {
				return
			}
		}
	}
}

func (a *Archive) copiesOf(ctx context.Context, node string, yield func(Copy, error) bool) (more bool, err error) {
	segs, err := a.list(node)
	if err != nil {
		return false, err
	}
	for _, sf := range segs {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		c := Copy{Name: sf.name, Length: sf.size, Sealed: sf.sealed}
		if !sf.sealed {
			if c.Length, err = a.written(node, sf.number); err != nil {
				return false, err
			}
			if c.Length <= block {
				continue // prepared, and nothing in it yet
			}
		}
		if c.ModTime, err = a.changedAt(sf.name); err != nil {
			return false, err
		}
		if !yield(c, nil) {
			return false, nil
		}
	}
	for _, dir := range []string{node + "/" + largeDir, node + "/" + damagedDir} {
		if more, err := a.copiesIn(ctx, dir, yield); err != nil || !more {
			return false, err
		}
	}
	return true, nil
}

// written says how far a segment that is not sealed holds records.
func (a *Archive) written(node string, number uint64) (int64, error) {
	s, err := a.openSegment(node, number)
	if errors.Is(err, errNoHeader) || errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer s.Close()
	end := int64(block)
	sc := newScanner(s, block)
	for {
		off, h, err := sc.next()
		if errors.Is(err, io.EOF) {
			return align(end, block), nil
		}
		if err != nil {
			return 0, err
		}
		end = off + h.size()
	}
}

func (a *Archive) changedAt(name string) (time.Time, error) {
	f, err := a.fs.OpenFile(name, 0, 0)
	if err != nil {
		return time.Time{}, err
	}
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// copiesIn walks a folder of finished files.
func (a *Archive) copiesIn(ctx context.Context, dir string, yield func(Copy, error) bool) (more bool, err error) {
	infos, err := a.fs.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	for _, info := range infos {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		name := dir + "/" + info.Name()
		switch {
		case info.IsDir() && info.Name() == "incoming":
			continue // being written
		case info.IsDir():
			if more, err := a.copiesIn(ctx, name, yield); err != nil || !more {
				return false, err
			}
		case info.Mode().IsRegular():
			if !yield(Copy{Name: name, Length: info.Size(), Sealed: true, ModTime: info.ModTime()}, nil) {
				return false, nil
			}
		}
	}
	return true, nil
}
