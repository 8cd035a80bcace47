package share

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"runtime"

	smb2 "github.com/cloudsoda/go-smb2"
)

// cloudsodaDriver is the maintained fork: it survives corrupted answers and reads
// where signing is demanded, and its Rename overwrites.
func cloudsodaDriver() driver {
	return driver{
		dial: dialCloudsoda,
		status: func(err error) (uint32, bool) {
			var r *smb2.ResponseError
			if errors.As(err, &r) {
				return r.Code, true
			}
			return 0, false
		},
		fileID: func(st fs.FileInfo) uint64 {
			if x, ok := st.Sys().(*smb2.FileStat); ok {
				return x.FileId
			}
			return 0
		},
		replaces: true,
		verifies: true,
	}
}

func dialCloudsoda(ctx context.Context, conn net.Conn, l login) (tree, error) {
	d := &smb2.Dialer{
		Negotiator: smb2.Negotiator{RequireMessageSigning: l.sign},
		Initiator:  &smb2.NTLMInitiator{User: l.user, Password: l.password, Domain: l.domain},
	}
	s, err := d.DialConn(ctx, conn, l.host)
	if err != nil {
		return nil, err
	}
	m, err := s.Mount(l.unc)
	if err != nil {
		return nil, err
	}
	return cloudsodaTree{m}, nil
}

type cloudsodaTree struct{ share *smb2.Share }

// Open implements tree. The library closes forgotten files when they are
// collected, and a server that hangs would then hold up every finalizer of the
// program; ours are closed, or their connection is.
func (t cloudsodaTree) Open(name string, flag int) (handle, error) {
	f, err := t.share.OpenFile(name, flag, 0o666)
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(f, nil)
	return f, nil
}

func (t cloudsodaTree) Stat(name string) (fs.FileInfo, error) { return t.share.Stat(name) }
func (t cloudsodaTree) Rename(from, to string) error          { return t.share.Rename(from, to) }
func (t cloudsodaTree) Remove(name string) error              { return t.share.Remove(name) }
func (t cloudsodaTree) Mkdir(name string) error               { return t.share.Mkdir(name, 0o770) }
