package drop

import (
	"cmp"
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"
)

// How files make one item.
const (
	GroupFile    = "file"    // each is one
	GroupStem    = "stem"    // those of one name with different endings
	GroupFolder  = "folder"  // those of one folder below the source
	GroupPackage = "package" // a delivery: a folder below the source, with all in it
)

// maxBundle bounds the files of one item.
const maxBundle = 500

// A bundle is the files that make one item, the document first.
type bundle struct {
	files []file
	part  bool // to be taken though it is not whole
}

// companions are endings of files that describe the document beside them.
var companions = map[string]bool{".xml": true, ".ctl": true, ".csv": true, ".json": true, ".met": true, ".txt": true, ".idx": true}

func isCompanion(name string) bool { return companions[strings.ToLower(path.Ext(name))] }

// key says which files belong together.
func (w *Watcher) key(p string) string {
	dir, name := path.Split(p)
	switch {
	case w.Group == GroupStem:
		for isCompanion(name) && strings.Contains(strings.TrimSuffix(name, path.Ext(name)), ".") {
			name = strings.TrimSuffix(name, path.Ext(name)) // scan.pdf.xml is beside scan.pdf
		}
		return dir + strings.TrimSuffix(name, path.Ext(name)) + "\x00stem"
	case w.Group == GroupFolder && dir != "":
		return dir
	case w.Group == GroupPackage && dir != "":
		top, _, _ := strings.Cut(p, "/")
		return top + "/"
	default:
		return p
	}
}

// bundles sorts what waits into items.
func (w *Watcher) bundles() []bundle {
	byKey := map[string]*bundle{}
	var all []*bundle
	for _, f := range w.waiting() {
		key := w.key(f.path)
		b := byKey[key]
		if b == nil || len(b.files) >= maxBundle {
			b = &bundle{}
			byKey[key], all = b, append(all, b)
		}
		b.files = append(b.files, f)
	}
	out := make([]bundle, 0, len(all))
	for _, b := range all {
		slices.SortFunc(b.files, func(x, y file) int {
			if a, b := isCompanion(x.path), isCompanion(y.path); a != b {
				if a {
					return 1
				}
				return -1
			}
			return cmp.Compare(x.path, y.path)
		})
		out = append(out, *b)
	}
	return out
}

// settled gives what may be taken now, oldest first.
func (w *Watcher) settled(ctx context.Context) []bundle {
	now := w.Now()
	var ready []bundle
	for _, b := range w.bundles() {
		if w.ripe(ctx, &b, now) {
			ready = append(ready, b)
		}
	}
	slices.SortFunc(ready, func(a, b bundle) int {
		x, y := a.files[0], b.files[0]
		return cmp.Or(x.entry.ModTime.Compare(y.entry.ModTime), cmp.Compare(x.path, y.path))
	})
	return ready
}

// ripe reports whether all of a bundle is there and whole, or never will be.
func (w *Watcher) ripe(ctx context.Context, b *bundle, now time.Time) bool {
	youngest := now.Sub(b.files[0].since)
	for _, f := range b.files {
		youngest = min(youngest, now.Sub(f.since))
		if f.looks < 1 || now.Before(f.again) {
			return false
		}
	}
	if youngest < w.Settle {
		return false
	}
	for _, f := range b.files {
		why := w.lacks(ctx, f)
		if why != "" {
			w.mark(f.path, why)
		}
		switch {
		case why == "":
		case why == "forbidden", why == "unreachable", youngest < w.GiveUp:
			return false
		default:
			b.part = true
		}
	}
	if !w.together(*b, youngest) {
		w.mark(b.files[0].path, "companion")
		return false
	}
	return true
}

// together reports whether a lone member of a pair has waited long enough for
// the other. A description without its document waits as for a torn file.
func (w *Watcher) together(b bundle, age time.Duration) bool {
	if w.Group != GroupStem || len(b.files) > 1 {
		return true
	}
	if isCompanion(b.files[0].path) {
		return age >= w.GiveUp
	}
	return age >= 3*w.Settle
}

// lacks says why a file that no longer changes cannot be taken, or "".
func (w *Watcher) lacks(ctx context.Context, f file) string {
	if f.entry.Size == 0 {
		return "empty"
	}
	if w.MaxSize > 0 && f.entry.Size > w.MaxSize {
		return "" // refused unread when taken
	}
	h, err := w.fs.Open(ctx, f.path)
	switch {
	case errors.Is(err, ErrPerm):
		return "forbidden"
	case errors.Is(err, ErrBusy):
		return "open"
	case err != nil:
		return "unreachable"
	}
	defer h.Close()
	if h.Writing() {
		return "open"
	}
	whole, err := Whole(h, f.entry.Size, f.entry.Name)
	switch {
	case err != nil:
		return "unreachable"
	case !whole:
		return "incomplete"
	}
	return ""
}
