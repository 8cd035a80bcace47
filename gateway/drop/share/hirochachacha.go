package share

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"runtime"

	smb2 "github.com/hirochachacha/go-smb2"
)

// hirochachachaDriver is the original, version 1.1.0: it takes unsigned interim
// answers for forgeries, so large reads fail where answers are signed.
func hirochachachaDriver() driver {
	return driver{
		dial: dialHirochachacha,
		status: func(err error) (uint32, bool) {
			var r *smb2.ResponseError
			if errors.As(err, &r) {
				return r.Code, true
			}
			return 0, false
		},
		fileID: func(fs.FileInfo) uint64 { return 0 },
	}
}

func dialHirochachacha(ctx context.Context, conn net.Conn, l login) (tree, error) {
	d := &smb2.Dialer{
		Negotiator: smb2.Negotiator{RequireMessageSigning: l.sign},
		Initiator:  &smb2.NTLMInitiator{User: l.user, Password: l.password, Domain: l.domain},
	}
	s, err := d.DialContext(ctx, conn)
	if err != nil {
		return nil, err
	}
	m, err := s.Mount(l.unc)
	if err != nil {
		return nil, err
	}
	return hirochachachaTree{m}, nil
}

type hirochachachaTree struct{ share *smb2.Share }

// Open implements tree. The library closes forgotten files when they are
// collected, and a server that hangs would then hold up every finalizer of the
// program; ours are closed, or their connection is.
func (t hirochachachaTree) Open(name string, flag int) (handle, error) {
	f, err := t.share.OpenFile(name, flag, 0o666)
	if err != nil {
		return nil, err
	}
	runtime.SetFinalizer(f, nil)
	return f, nil
}

func (t hirochachachaTree) Stat(name string) (fs.FileInfo, error) { return t.share.Stat(name) }
func (t hirochachachaTree) Rename(from, to string) error          { return t.share.Rename(from, to) }
func (t hirochachachaTree) Remove(name string) error              { return t.share.Remove(name) }
func (t hirochachachaTree) Mkdir(name string) error               { return t.share.Mkdir(name, 0o770) }
