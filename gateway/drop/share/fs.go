package share

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"kancelaria/gateway/drop"
)

func isLogon(err error) bool { return errors.Is(err, ErrLogon) }

// do makes one call on the session.
func (s *Share) do(ctx context.Context, limit time.Duration, call func(*session) error) error {
	live, err := s.session(ctx)
	if err != nil {
		return err
	}
	return live.run(ctx, limit, func() error { return call(live) })
}

// Bounds of a listing.
const (
	listPage   = 2000
	maxEntries = 200_000
)

// List implements drop.FS.
func (s *Share) List(ctx context.Context, dir string) ([]drop.Entry, error) {
	at, err := s.place.within(dir)
	if err != nil {
		return nil, err
	}
	live, err := s.session(ctx)
	if err != nil {
		return nil, err
	}
	h, err := open(ctx, live, at, s.o.ListTimeout)
	if err != nil {
		return nil, err
	}
	defer func() { _ = live.run(ctx, s.o.OpTimeout, h.Close) }()
	var entries []drop.Entry
	strange := 0
	for len(entries) < maxEntries {
		var page []fs.FileInfo
		err := live.run(ctx, s.o.ListTimeout, func() (err error) { page, err = h.Readdir(listPage); return err })
		if err != nil && err != io.EOF {
			return nil, err
		}
		for _, st := range page {
			if !plain(st.Name()) {
				strange++
				continue
			}
			entries = append(entries, live.entry(st))
		}
		if err == io.EOF || len(page) == 0 {
			break
		}
	}
	if strange > 0 {
		s.o.Log.Warn("drop.strange", "names", strange) // no server of good will lists such
	}
	return entries, nil
}

func open(ctx context.Context, live *session, at string, limit time.Duration) (h handle, err error) {
	err = live.run(ctx, limit, func() (err error) { h, err = live.tree.Open(at, os.O_RDONLY); return err })
	return h, err
}

// plain refuses names that cannot be those of files, with which a hostile
// server would lead us to other folders or streams.
func plain(name string) bool {
	if name == "" || name == "." || name == ".." {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || strings.ContainsRune(`/\:*?"<>|`, r) })
}

func (s *session) entry(st fs.FileInfo) drop.Entry {
	return drop.Entry{
		Name: st.Name(), Size: st.Size(), ModTime: st.ModTime(), Dir: st.IsDir() && st.Mode()&fs.ModeSymlink == 0,
		Other: st.Mode()&fs.ModeSymlink != 0, ID: s.driver.fileID(st),
	}
}

// Open implements drop.FS.
func (s *Share) Open(ctx context.Context, p string) (drop.File, error) {
	at, err := s.place.within(p)
	if err != nil {
		return nil, err
	}
	live, err := s.session(ctx)
	if err != nil {
		return nil, err
	}
	h, err := open(ctx, live, at, s.o.OpTimeout)
	if err != nil {
		return nil, err
	}
	f := &file{ctx: ctx, live: live, h: h, limit: s.o.OpTimeout}
	st, err := f.Stat()
	if err == nil && (st.Dir || st.Other) {
		err = fmt.Errorf("%w: it is no file", drop.ErrGone)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// Claim implements drop.FS. A rename alone is no claim: two sessions that have
// opened one file may both rename it, and the second moves it away from the
// first. So the file is opened under its new name, which keeps everybody from
// moving it, and only if it still has that name it is ours.
func (s *Share) Claim(ctx context.Context, from, to string) (drop.File, error) {
	err := s.rename(ctx, from, to)
	if errors.Is(err, drop.ErrGone) {
		// The library says the same of a folder that is missing.
		if err := s.do(ctx, s.o.OpTimeout, func(live *session) error {
			at, err := s.place.within(path.Dir(to))
			if err == nil {
				_, err = live.tree.Stat(at)
			}
			return err
		}); !errors.Is(err, drop.ErrGone) {
			return nil, errors.Join(err, drop.ErrGone)
		}
		s.forgetFolders()
		if err := s.MkdirAll(ctx, path.Dir(to)); err != nil {
			return nil, err
		}
		err = s.rename(ctx, from, to)
	}
	if err != nil {
		return nil, err
	}
	h, err := s.Hold(ctx, to)
	if errors.Is(err, drop.ErrBusy) {
		return nil, fmt.Errorf("claimed, and cannot be opened yet: %v", err) //nolint:errorlint // ErrBusy means: not claimed
	}
	return h, err
}

// heldFor is how long others that tried to claim the same file may hold it.
const heldFor = time.Second

// Hold implements drop.FS.
func (s *Share) Hold(ctx context.Context, p string) (drop.File, error) {
	at, err := s.place.within(p)
	if err != nil {
		return nil, err
	}
	tired := time.NewTimer(heldFor)
	defer tired.Stop()
	for {
		h, err := s.Open(ctx, p)
		if errors.Is(err, drop.ErrBusy) {
			select {
			case <-time.After(5 * time.Millisecond):
				continue
			case <-tired.C:
				return nil, err
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if err != nil {
			return nil, err
		}
		// It may have been moved between the rename and the open.
		if err := s.do(ctx, s.o.OpTimeout, func(live *session) error { _, err := live.tree.Stat(at); return err }); err != nil {
			return nil, errors.Join(err, h.Close())
		}
		return h, nil
	}
}

func (s *Share) rename(ctx context.Context, from, to string) error {
	a, err := s.place.within(from)
	if err != nil {
		return err
	}
	b, err := s.place.within(to)
	if err != nil {
		return err
	}
	return s.do(ctx, s.o.OpTimeout, func(live *session) error { return live.tree.Rename(a, b) })
}

// Rename implements drop.FS. A driver whose rename overwrites gets the name
// reserved first by an empty file that only one can create.
func (s *Share) Rename(ctx context.Context, from, to string) error {
	if !s.driver.replaces {
		return s.rename(ctx, from, to)
	}
	if err := s.write(ctx, to, os.O_CREATE|os.O_EXCL, nil); err != nil {
		if errors.Is(err, drop.ErrGone) {
			return fmt.Errorf("the folder to move into is missing: %v", err) //nolint:errorlint // never ErrGone: the source is there
		}
		return err
	}
	err := s.rename(ctx, from, to)
	if err != nil {
		_ = s.Remove(ctx, to) // at worst an empty file stays, and the name is counted on
	}
	return err
}

// Remove implements drop.FS.
func (s *Share) Remove(ctx context.Context, p string) error {
	at, err := s.place.within(p)
	if err != nil {
		return err
	}
	return s.do(ctx, s.o.OpTimeout, func(live *session) error { return live.tree.Remove(at) })
}

// MkdirAll implements drop.FS.
func (s *Share) MkdirAll(ctx context.Context, dir string) error {
	for i := range len(dir) + 1 {
		if i < len(dir) && dir[i] != '/' {
			continue
		}
		at, err := s.place.within(dir[:i])
		if err != nil {
			return err
		}
		err = s.do(ctx, s.o.OpTimeout, func(live *session) error {
			if live.knows(at) {
				return nil
			}
			err := live.tree.Mkdir(at)
			if err == nil || errors.Is(err, fs.ErrExist) {
				live.learn(at)
				return nil
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *session) knows(dir string) bool { s.mu.Lock(); defer s.mu.Unlock(); return s.made[dir] }
func (s *session) learn(dir string)      { s.mu.Lock(); defer s.mu.Unlock(); s.made[dir] = true }

func (s *Share) forgetFolders() {
	s.mu.Lock()
	live := s.live
	s.mu.Unlock()
	if live != nil {
		live.mu.Lock()
		clear(live.made)
		live.mu.Unlock()
	}
}

// Write implements drop.FS.
func (s *Share) Write(ctx context.Context, p string, data []byte) error {
	return s.write(ctx, p, os.O_CREATE|os.O_TRUNC, data)
}

// Append implements drop.FS. Lines of one gateway never overwrite each other;
// those of another that come in the same instant may.
func (s *Share) Append(ctx context.Context, p string, data []byte) error {
	s.append.Lock()
	defer s.append.Unlock()
	return s.write(ctx, p, os.O_CREATE, data)
}

// write puts data at the end of what a file has when it is opened so.
func (s *Share) write(ctx context.Context, p string, how int, data []byte) error {
	at, err := s.place.within(p)
	if err != nil {
		return err
	}
	return s.do(ctx, s.o.OpTimeout, func(live *session) error {
		h, err := live.tree.Open(at, os.O_RDWR|how) // the right to write does not give that to ask for the size
		if err != nil {
			return err
		}
		if len(data) > 0 {
			st, statErr := h.Stat()
			if err = statErr; err == nil {
				_, err = h.WriteAt(data, st.Size())
			}
		}
		return errors.Join(err, h.Close())
	})
}

// A file is an open drop. Its calls are bound by the context it was opened
// with: io.ReaderAt has none.
type file struct {
	ctx   context.Context //nolint:containedctx // see above
	live  *session
	h     handle
	limit time.Duration
	shut  bool
}

// block is what one read asks for: smaller ones cost four times as much.
const block = 1 << 20

// ReadAt implements io.ReaderAt: it fills p or says why not.
func (f *file) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n := 0
		part := p[done:min(len(p), done+block)]
		err := f.live.run(f.ctx, f.limit, func() (err error) { n, err = f.h.ReadAt(part, off+int64(done)); return err })
		done += n
		if err != nil {
			return done, err
		}
		if n == 0 {
			return done, io.EOF
		}
	}
	return done, nil
}

// Stat implements drop.File.
func (f *file) Stat() (drop.Entry, error) {
	var st fs.FileInfo
	err := f.live.run(f.ctx, f.limit, func() (err error) { st, err = f.h.Stat(); return err })
	if err != nil {
		return drop.Entry{}, err
	}
	return f.live.entry(st), nil
}

// Writing implements drop.File. A share does not tell; that nobody writes is
// proven by the claim, which a writer's handle makes fail.
func (f *file) Writing() bool { return false }

// Close implements io.Closer; a second call does nothing. It ends even when
// the caller's time is over, or the file could not be moved on.
func (f *file) Close() error {
	if f.shut {
		return nil
	}
	f.shut = true
	if f.live.dead() != nil {
		return nil // the server closes what a lost connection had open
	}
	return f.live.run(context.WithoutCancel(f.ctx), f.limit, f.h.Close)
}
