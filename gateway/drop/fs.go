package drop

import (
	"context"
	"errors"
	"io"
	"time"
)

// What a source's error means for the protocol. Everything else is taken as
// "the source cannot be reached": try again later.
var (
	ErrExist = errors.New("a file of that name is there")
	ErrBusy  = errors.New("somebody has the file open")
	ErrGone  = errors.New("the file is no longer there")
	ErrPerm  = errors.New("no right to do that")
	ErrFull  = errors.New("the disk is full")
)

// An Entry is one line of a listing.
type Entry struct {
	Name    string // within its folder, as listed
	Size    int64
	ModTime time.Time // the source's clock; compared only with itself
	ID      uint64    // file id, 0 when unknown: the same file under another name
	Dir     bool
	Other   bool // neither file nor folder: links, devices; never opened
}

// An FS is what the protocol needs of a folder or a share. Paths are relative
// to its root, slash separated; implementations never leave the root and never
// follow links.
type FS interface {
	List(ctx context.Context, dir string) ([]Entry, error)
	// Open reads a file. It refuses anything that is not a regular file.
	Open(ctx context.Context, path string) (File, error)
	// Claim moves a file to a name that nobody else uses and holds it there.
	// ErrGone: somebody else has it. ErrBusy: somebody writes. After any other
	// error the file may lie under either name.
	Claim(ctx context.Context, from, to string) (File, error)
	// Hold opens a file that was claimed. While it is open nobody can move it;
	// ErrGone: it is somebody else's after all.
	Hold(ctx context.Context, path string) (File, error)
	// Rename fails with ErrExist rather than overwrite, with ErrBusy while the
	// source knows of a writer.
	Rename(ctx context.Context, from, to string) error
	Remove(ctx context.Context, path string) error
	MkdirAll(ctx context.Context, dir string) error
	// Write makes a small file or replaces one of our own.
	Write(ctx context.Context, path string, data []byte) error
	// Append adds a line to a small file of ours.
	Append(ctx context.Context, path string, data []byte) error
}

// A File is an open drop.
type File interface {
	io.ReaderAt
	io.Closer
	// Stat gives size and time as they are now.
	Stat() (Entry, error)
	// Writing reports whether the source can tell that somebody still writes.
	Writing() bool
}
