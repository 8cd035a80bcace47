package drop

import (
	"context"
	"path"
	"strings"
	"time"
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
	why   string    // it is not taken yet
	again time.Time // not tried before
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
		if w.ledger != nil && w.ledger.knows(p, e) {
			delete(found, p)
			continue
		}
		f, ok := w.seen[p]
		if !ok || f.entry.Size != e.Size || !f.entry.ModTime.Equal(e.ModTime) || f.entry.ID != e.ID {
			w.seen[p] = &file{path: p, entry: e, since: now, why: "growing"}
			w.busy = now
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
	w.mu.Lock()
	if now.Sub(w.busy) < time.Minute { // somebody scans: the next page or file is near
		wait = max(w.Every/5, min(w.Every, time.Second))
	}
	w.mu.Unlock()
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
