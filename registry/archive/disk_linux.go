package archive

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// disk is the real file system under one folder.
type disk struct{ dir string }

func (d disk) path(name string) string { return filepath.Join(d.dir, filepath.FromSlash(name)) }

func (d disk) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(d.path(name), flag, perm)
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (d disk) Mkdir(name string) error {
	err := os.Mkdir(d.path(name), 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// Rename fails if the name is taken, which rename(2) does not.
func (d disk) Rename(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, d.path(from), unix.AT_FDCWD, d.path(to), unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // a file system that does not know how
		if err := os.Link(d.path(from), d.path(to)); err != nil {
			return err
		}
		return os.Remove(d.path(from))
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: d.path(from), New: d.path(to), Err: err}
	}
	return nil
}

func (d disk) Remove(name string) error { return os.Remove(d.path(name)) }

func (d disk) ReadDir(name string) ([]fs.FileInfo, error) {
	entries, err := os.ReadDir(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := make([]fs.FileInfo, 0, len(entries))
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since
		}
		if err != nil {
			return nil, err
		}
		out = append(out, info)
	}
	return out, nil
}

func (d disk) SyncDir(name string) error {
	f, err := os.Open(d.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func (d disk) Lock(name string) (io.Closer, error) {
	f, err := os.OpenFile(d.path(name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %s", ErrLocked, d.path(name))
	}
	return f, nil // closing gives the lock back
}

// What statfs(2) calls file systems that lose what was synced, or keep it
// where a power cut of another machine decides.
var untrusted = map[int64]string{
	0x6969:     "NFS",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB",
	0x517b:     "SMB",
	0x01021994: "tmpfs",
	0x858458f6: "ramfs",
	0x794c7630: "overlay",
	0x65735546: "FUSE",
	0x01021997: "9p",
	0x73757245: "Coda",
	0x6b414653: "AFS",
	0x00c36400: "Ceph",
	0x4d44:     "FAT",
	0x2011bab0: "exFAT",
}

func (d disk) Usage() (Usage, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(d.dir, &s); err != nil {
		return Usage{}, fmt.Errorf("asking for room on %s: %w", d.dir, err)
	}
	u := Usage{
		Free:   int64(s.Bavail) * s.Bsize,
		Total:  int64(s.Blocks) * s.Bsize,
		Inodes: int64(s.Ffree),
		Kind:   fmt.Sprintf("%#x", uint32(s.Type)),
	}
	if s.Files == 0 { // btrfs and others make them as they go
		u.Inodes = -1
	}
	if name, ok := untrusted[int64(uint32(s.Type))]; ok {
		u.Kind, u.Untrustworthy = name, name+" does not keep what was synced through a power cut"
	}
	return u, nil
}

type diskFile struct{ *os.File }

func (f diskFile) Datasync() error {
	return f.control(func(fd int) error { return ignoringEINTR(func() error { return unix.Fdatasync(fd) }) })
}

// Punch of a file system that can't make holes writes the zeros.
func (f diskFile) Punch(off, n int64) error {
	err := f.control(func(fd int) error {
		return ignoringEINTR(func() error { return unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE|unix.FALLOC_FL_PUNCH_HOLE, off, n) })
	})
	if !errors.Is(err, unix.EOPNOTSUPP) {
		return err
	}
	return writeZeros(f, off, n)
}

func (f diskFile) Forget() error {
	return f.control(func(fd int) error { return unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED) })
}

func (f diskFile) control(do func(fd int) error) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := c.Control(func(fd uintptr) { inner = do(int(fd)) }); err != nil {
		return err
	}
	if inner != nil {
		return &fs.PathError{Op: "sync", Path: f.Name(), Err: inner}
	}
	return nil
}

func ignoringEINTR(do func() error) error {
	for {
		if err := do(); err != unix.EINTR {
			return err
		}
	}
}
