// Package folder runs the drop protocol on a local folder.
//
// Everything goes through os.Root: a link, or a name from a listing, never
// leads outside. The kernel tells whether anybody has a file open for writing
// (a read lease is refused then, also while smbd writes for a scanner), which
// stands for the missing event "closed".
package folder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"golang.org/x/sys/unix"

	"kancelaria/gateway/drop"
)

// A Folder is a local folder as a source.
type Folder struct {
	dir  string
	root *os.Root
}

// Open opens a folder, which must exist.
func Open(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	return &Folder{dir: dir, root: root}, nil
}

// Close lets go of the folder.
func (f *Folder) Close() error { return f.root.Close() }

var _ drop.FS = (*Folder)(nil)

func local(p string) string {
	if p == "" {
		return "."
	}
	return p
}

// List implements drop.FS.
func (f *Folder) List(_ context.Context, dir string) ([]drop.Entry, error) {
	d, err := f.root.Open(local(dir))
	if err != nil {
		return nil, mapped(err)
	}
	defer d.Close()
	found, err := d.ReadDir(-1)
	if err != nil {
		return nil, mapped(err)
	}
	entries := make([]drop.Entry, 0, len(found))
	for _, e := range found {
		st, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since it was listed
		}
		if err != nil {
			return nil, mapped(err)
		}
		entries = append(entries, entry(st))
	}
	return entries, nil
}

func entry(st fs.FileInfo) drop.Entry {
	e := drop.Entry{Name: st.Name(), Size: st.Size(), ModTime: st.ModTime(), Dir: st.IsDir()}
	e.Other = !st.Mode().IsRegular() && !st.IsDir()
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		e.ID = sys.Ino
	}
	return e
}

// Open implements drop.FS. A FIFO or device in the folder must not block us,
// hence O_NONBLOCK.
func (f *Folder) Open(_ context.Context, p string) (drop.File, error) {
	h, err := f.root.OpenFile(p, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, mapped(err)
	}
	st, err := h.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = drop.ErrGone
	}
	if err != nil {
		_ = h.Close()
		return nil, mapped(err)
	}
	return file{h}, nil
}

// A file is an open drop.
type file struct{ *os.File }

// Stat implements drop.File.
func (f file) Stat() (drop.Entry, error) {
	st, err := f.File.Stat()
	if err != nil {
		return drop.Entry{}, mapped(err)
	}
	return entry(st), nil
}

// Writing asks for a read lease, which the kernel refuses while anybody has
// the file open for writing, and gives it back at once: a writer that came
// later would wait for it. File systems without leases say nothing.
func (f file) Writing() bool {
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if err == nil {
		_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return errors.Is(err, unix.EAGAIN)
}

// Rename implements drop.FS with renameat2(RENAME_NOREPLACE) between folders
// opened beneath the root.
func (f *Folder) Rename(_ context.Context, from, to string) error {
	a, err := f.root.Open(path.Dir(from))
	if err != nil {
		return mapped(err)
	}
	defer a.Close()
	b, err := f.root.Open(path.Dir(to))
	if err != nil {
		return fmt.Errorf("opening the folder to move into: %w", err) // never ErrGone: the source is there
	}
	defer b.Close()
	err = unix.Renameat2(int(a.Fd()), path.Base(from), int(b.Fd()), path.Base(to), unix.RENAME_NOREPLACE)
	return mapped(err)
}

// Claim implements drop.FS: on a local file system one rename wins.
func (f *Folder) Claim(ctx context.Context, from, to string) (drop.File, error) {
	if err := f.Rename(ctx, from, to); err != nil {
		return nil, err
	}
	return f.Open(ctx, to)
}

// Hold implements drop.FS.
func (f *Folder) Hold(ctx context.Context, p string) (drop.File, error) { return f.Open(ctx, p) }

// Remove implements drop.FS.
func (f *Folder) Remove(_ context.Context, p string) error { return mapped(f.root.Remove(p)) }

// MkdirAll implements drop.FS.
func (f *Folder) MkdirAll(_ context.Context, dir string) error {
	return mapped(f.root.MkdirAll(local(dir), 0o770))
}

// Write implements drop.FS.
func (f *Folder) Write(_ context.Context, p string, data []byte) error {
	return f.put(p, os.O_TRUNC, data)
}

// Append implements drop.FS.
func (f *Folder) Append(_ context.Context, p string, data []byte) error {
	return f.put(p, os.O_APPEND, data)
}

func (f *Folder) put(p string, how int, data []byte) error {
	h, err := f.root.OpenFile(p, os.O_WRONLY|os.O_CREATE|unix.O_NOFOLLOW|how, 0o660)
	if err != nil {
		return mapped(err)
	}
	_, err = h.Write(data)
	return mapped(errors.Join(err, h.Close()))
}

// mapped turns what the kernel says into what the protocol acts on.
func mapped(err error) error {
	switch {
	case err == nil || err == io.EOF:
		return err
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%w (%w)", drop.ErrExist, err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ELOOP), errors.Is(err, unix.ENXIO):
		return fmt.Errorf("%w (%w)", drop.ErrGone, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w (%w)", drop.ErrPerm, err)
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return fmt.Errorf("%w (%w)", drop.ErrFull, err)
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.ETXTBSY):
		return fmt.Errorf("%w (%w)", drop.ErrBusy, err)
	default:
		return err
	}
}
