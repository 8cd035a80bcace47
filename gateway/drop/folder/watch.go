package folder

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// magic numbers of file systems on which the kernel does not see what others
// do (statfs(2)).
var remote = map[int64]string{
	unix.CIFS_SUPER_MAGIC: "cifs", unix.SMB2_SUPER_MAGIC: "smb2", unix.NFS_SUPER_MAGIC: "nfs", unix.FUSE_SUPER_MAGIC: "fuse",
}

// Mode says whether events can be had for dir: "notify", or "scan" with the
// file system that is why.
func Mode(dir string) (mode, why string) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "scan", "unknown"
	}
	if name, ok := remote[int64(st.Type)]; ok {
		return "scan", name
	}
	return "notify", ""
}

// calm is how long after an event the scan waits for the next: scanners write
// in bursts.
const calm = 200 * time.Millisecond

// A Watch gives hints that something happened in a folder. Hints may be lost,
// late or wrong; the periodic scan is the truth.
type Watch struct {
	dir   string
	log   *slog.Logger
	hints chan struct{}
}

// NewWatch makes a watch of the folder; Run starts it.
func NewWatch(dir string, log *slog.Logger) *Watch {
	return &Watch{dir: dir, log: log, hints: make(chan struct{}, 1)}
}

// Hints is what a watcher of drops listens to.
func (w *Watch) Hints() <-chan struct{} { return w.hints }

// Run listens until ctx ends. When the kernel cannot watch, it says so once
// and leaves everything to the scan.
func (w *Watch) Run(ctx context.Context) error {
	n, err := fsnotify.NewWatcher()
	if err != nil {
		w.log.Warn("drop.nohints", "err", err)
		<-ctx.Done()
		return nil
	}
	defer n.Close()
	w.add(n, w.dir, 0)
	renew := time.NewTicker(time.Minute)
	defer renew.Stop()
	burst := time.NewTimer(0)
	defer burst.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-n.Events:
			if e.Has(fsnotify.Create) {
				w.add(n, e.Name, 1) // files put into a new folder at once are found by the scan
			}
			burst.Reset(calm)
		case <-n.Errors: // overflow: look at everything
			burst.Reset(0)
		case <-renew.C: // a folder removed and made anew has lost its watch
			w.add(n, w.dir, 0)
		case <-burst.C:
			select {
			case w.hints <- struct{}{}:
			default:
			}
		}
	}
}

// add watches a folder and those below it, never ours.
func (w *Watch) add(n *fsnotify.Watcher, dir string, depth int) {
	st, err := os.Lstat(dir)
	if err != nil || !st.IsDir() || depth > 8 || depth > 0 && hidden(dir) {
		return
	}
	if err := n.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.log.Warn("drop.nohints", "err", err)
		return
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			w.add(n, filepath.Join(dir, e.Name()), depth+1)
		}
	}
}

func hidden(dir string) bool {
	base := filepath.Base(dir)
	return base[0] == '.' || base[0] == '_'
}
