package sqlite

import (
	"fmt"
	"syscall"

	"kancelaria/registry"
)

// File systems whose locks or memory maps do not hold between machines, by the
// number statfs gives (linux/magic.h).
var remote = map[uint32]string{
	0x6969:     "NFS",
	0x517B:     "SMB",
	0xFF534D42: "CIFS",
	0xFE534D42: "SMB",
	0x65735546: "FUSE",
	0x01021997: "9P",
	0x5346414F: "AFS",
	0x73757245: "Coda",
	0x00C36400: "Ceph",
	0x0BD00BD0: "Lustre",
	0x7461636F: "OCFS2",
	0x01161970: "GFS2",
	0x47504653: "GPFS",
}

// localDisk refuses folders on network file systems: WAL needs shared memory,
// and a lock that is not kept costs the book.
func localDisk(dir string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return fmt.Errorf("%w: looking at %s: %w", registry.ErrUnavailable, dir, err)
	}
	return localKind(dir, uint32(st.Type))
}

func localKind(dir string, magic uint32) error {
	if name, ok := remote[magic]; ok {
		return fmt.Errorf("%w: %s lies on a network file system (%s); a SQLite book must lie on a local disk, or use PostgreSQL",
			registry.ErrUnavailable, dir, name)
	}
	return nil
}
