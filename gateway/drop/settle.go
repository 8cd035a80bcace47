package drop

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// Bounds of what one look takes in.
const (
	maxDepth   = 8
	maxEntries = 200_000
)

// A file is something seen and not yet claimed.
type file struct {
	path  string
	entry Entry
	since time.Time // of our clock: the last change seen
	looks int       // listings in which it was unchanged
	why   string    // it is not taken yet: growing, open, incomplete, empty
	item  registry.ItemID
	part  bool // to be taken though it is not whole
}

func (f file) id() string {
	if f.item.IsZero() {
		return "a file seen"
	}
	return "item " + f.item.String()
}

// look lists the source and renews what is known of each file.
func (w *Watcher) look(ctx context.Context) error {
	found := map[string]Entry{}
	if err := w.walk(ctx, "", 0, found); err != nil {
		return err
	}
	now := w.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for p, e := range found {
		f, ok := w.seen[p]
		if !ok || f.entry.Size != e.Size || !f.entry.ModTime.Equal(e.ModTime) || f.entry.ID != e.ID {
			w.seen[p] = &file{path: p, entry: e, since: now, why: "growing"}
			continue
		}
		f.looks++
	}
	for p := range w.seen {
		if _, there := found[p]; !there {
			delete(w.seen, p) // taken, or removed by whoever put it there
		}
	}
	return nil
}

func (w *Watcher) walk(ctx context.Context, dir string, depth int, found map[string]Entry) error {
	entries, err := w.fs.List(ctx, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		p := path.Join(dir, e.Name)
		switch {
		case !plain(e.Name), w.ours(p), ignored(e.Name), e.Other:
		case e.Dir:
			if depth < maxDepth {
				if err := w.walk(ctx, p, depth+1, found); err != nil {
					return err
				}
			}
		case len(found) < maxEntries:
			found[p] = e
		}
	}
	return nil
}

// plain refuses names that a hostile server may list to lead us elsewhere.
func plain(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\\\x00")
}

// ours reports whether p is a folder that we keep beside the files.
func (w *Watcher) ours(p string) bool {
	return p == room || p == w.Move || p == w.Texts.Errors()
}

// ignored names files that are being written under another name, or litter.
func ignored(name string) bool {
	low := strings.ToLower(name)
	for _, prefix := range []string{".", "~$"} {
		if strings.HasPrefix(low, prefix) {
			return true
		}
	}
	for _, suffix := range []string{".tmp", ".part", ".partial", ".filepart", ".crdownload", ".lck", ".lock", ".writing"} {
		if strings.HasSuffix(low, suffix) {
			return true
		}
	}
	return low == "thumbs.db" || low == "desktop.ini"
}

// settled gives the files that may be taken now, oldest first.
func (w *Watcher) settled(ctx context.Context) []file {
	now := w.Now()
	var ready []file
	for _, f := range w.waiting() {
		age := now.Sub(f.since)
		if age < w.Settle || f.looks < 1 {
			continue
		}
		why := w.lacks(ctx, f)
		if why != "" && age < w.GiveUp {
			w.mark(f.path, why)
			continue
		}
		f.part = why != ""
		ready = append(ready, f)
	}
	slices.SortFunc(ready, func(a, b file) int {
		if c := a.entry.ModTime.Compare(b.entry.ModTime); c != 0 {
			return c
		}
		return strings.Compare(a.path, b.path)
	})
	return ready
}

// lacks says why a file that no longer changes is not whole, or "".
func (w *Watcher) lacks(ctx context.Context, f file) string {
	if f.entry.Size == 0 {
		return "empty"
	}
	if w.MaxSize > 0 && f.entry.Size > w.MaxSize {
		return "" // refused unread when taken
	}
	h, err := w.fs.Open(ctx, f.path)
	if err != nil {
		return "open"
	}
	defer h.Close()
	if h.Writing() {
		return "open"
	}
	if !Whole(h, f.entry.Size, f.entry.Name) {
		return "incomplete"
	}
	return ""
}

func (w *Watcher) waiting() []file {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]file, 0, len(w.seen))
	for _, f := range w.seen {
		all = append(all, *f)
	}
	return all
}

func (w *Watcher) mark(p, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.seen[p]; f != nil {
		f.why = why
	}
}

// next is when the next look is worth while: as soon as something may have
// settled, else after Every.
func (w *Watcher) next() time.Duration {
	now := w.Now()
	wait := w.Every
	for _, f := range w.waiting() {
		due := w.Settle - now.Sub(f.since)
		if due <= 0 { // settled, and lacking something
			due = w.Settle
		}
		wait = min(wait, max(due, 50*time.Millisecond))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.claimed) > 0 {
		wait = min(wait, time.Second)
	}
	return wait
}
