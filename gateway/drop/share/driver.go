package share

import (
	"context"
	"io"
	"io/fs"
	"net"
)

// A driver is one library. Everything in which the two differ is here.
type driver struct {
	dial func(ctx context.Context, conn net.Conn, l login) (tree, error)
	// status gives the server's NTSTATUS in an error of the library, and
	// whether the error is one: anything else means the session is broken.
	status func(error) (code uint32, ok bool)
	// fileID tells a file from another of the same name; 0 if not known.
	fileID func(fs.FileInfo) uint64
	// replaces says that Rename overwrites.
	replaces bool
	// verifies says that signed answers can be relied on. A driver that
	// breaks on them is used where nothing is signed, or all is encrypted.
	verifies bool
}

// drivers by the name in kancelaria.yaml.
func drivers() map[string]driver {
	return map[string]driver{"cloudsoda": cloudsodaDriver(), "hirochachacha": hirochachachaDriver()}
}

// A login is what a session begins with.
type login struct {
	host, unc              string
	user, domain, password string
	sign                   bool
}

// A tree is a mounted share. Paths have backslashes.
type tree interface {
	Open(name string, flag int) (handle, error)
	Stat(name string) (fs.FileInfo, error)
	Rename(from, to string) error
	Remove(name string) error
	Mkdir(name string) error
}

// A handle is an open file or folder. While it is held nobody can rename or
// remove what it stands for.
type handle interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Stat() (fs.FileInfo, error)
	Readdir(n int) ([]fs.FileInfo, error)
}
