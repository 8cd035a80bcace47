package archive

import (
	"io"
	"io/fs"
)

// An FS is the little the archive asks of a file system. Names are relative to
// the archive's folder and made by the archive alone. Tests put one in its
// place that forgets what was not synced, or fails at the n-th call.
type FS interface {
	// OpenFile opens for reading, or with os.O_CREATE|os.O_EXCL|os.O_RDWR makes.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Mkdir makes a folder; one that is there is no error.
	Mkdir(name string) error
	// Rename never replaces: a new name that is taken is fs.ErrExist.
	Rename(from, to string) error
	Remove(name string) error
	// ReadDir lists a folder sorted by name, with sizes and modes. A folder
	// that is not there is empty.
	ReadDir(name string) ([]fs.FileInfo, error)
	// SyncDir makes names in a folder durable.
	SyncDir(name string) error
	// Usage says what room there is, and on what kind of file system.
	Usage() (Usage, error)
	// Lock takes the folder for this process until it is closed.
	Lock(name string) (io.Closer, error)
}

// A File is open in an FS.
type File interface {
	io.Reader
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Truncate(size int64) error
	Chmod(mode fs.FileMode) error
	Sync() error
	// Datasync makes content and size durable, and need not do more.
	Datasync() error
	// Punch makes a range read as zeros and gives its space back if it can.
	Punch(off, n int64) error
	// Forget drops what is cached, so that the next read asks the disk.
	Forget() error
}

// A Usage is what a file system says of itself.
type Usage struct {
	Free, Total   int64 // bytes, free for us
	Inodes        int64 // free; negative if it does not count them
	Kind          string
	Untrustworthy string // why durability can't be relied on; empty if it can
}
