package drop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"kancelaria/registry"
)

// room is the folder of our own on the source. A claimed file lies at
// room/claim/<node>/<its folder>/<item id>_<its name>: whoever finds it knows
// whose it is, which item it became and where it lay.
const room = ".kancelaria"

// A claim is a file that is ours and has not got its final name.
type claim struct {
	item  registry.ItemID
	path  string // where it lay
	at    string // where it is
	out   *registry.Outcome
	taken bool // its bytes are in the archive
}

func (w *Watcher) claims() string { return path.Join(room, "claim", w.Node) }

func (w *Watcher) claimPath(id registry.ItemID, lay string) string {
	return path.Join(w.claims(), path.Dir(lay), id.String()+"_"+shorten(path.Base(lay), 200))
}

// take claims a settled file and puts it into the archive.
func (w *Watcher) take(ctx context.Context, f file) error {
	if w.MaxSize > 0 && f.entry.Size > w.MaxSize {
		return w.refuse(ctx, f.path, "too_large")
	}
	f.item = registry.NewItemID(w.Now())
	c := claim{item: f.item, path: f.path, at: w.claimPath(f.item, f.path)}
	if err := w.fs.MkdirAll(ctx, path.Dir(c.at)); err != nil {
		return fmt.Errorf("making the folder for claimed files: %w", err)
	}
	switch err := w.fs.Rename(ctx, f.path, c.at); {
	case errors.Is(err, ErrGone):
		return nil // another gateway was first, or the person took it back
	case errors.Is(err, ErrBusy):
		w.mark(f.path, "open")
		return nil
	case err != nil:
		return fmt.Errorf("claiming: %w", err)
	}
	w.mu.Lock()
	delete(w.seen, f.path)
	w.claimed[c.item] = c
	w.mu.Unlock()
	return w.spool(ctx, c, f.part)
}

// errMoving says that a claimed file still changes under our hands: a writer
// that the source cannot see had it open.
var errMoving = errors.New("the file changed while it was read; it is read again")

// spool puts the bytes of a claimed file into the archive and waits a little
// for its number.
func (w *Watcher) spool(ctx context.Context, c claim, part bool) error {
	h, err := w.fs.Open(ctx, c.at)
	if errors.Is(err, ErrGone) {
		w.forget(c.item) // our claim was not exclusive after all: somebody else has it
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the claimed file: %w", err)
	}
	defer h.Close()
	before, err := h.Stat()
	if err != nil {
		return fmt.Errorf("looking at the claimed file: %w", err)
	}
	if h.Writing() && !part {
		return errMoving
	}
	it := registry.Item{
		ID: c.item, Door: w.Door, Source: w.Name, Register: w.Register, Node: w.Node,
		Original: registry.Original{Name: path.Base(c.path)},
		File:     &registry.File{Path: c.path, Modified: before.ModTime.UTC(), Incomplete: part},
	}
	steady := &steadyReader{h: h, r: io.NewSectionReader(h, 0, before.Size), before: before}
	if _, err := w.intake.Put(ctx, []registry.Item{it}, steady); err != nil {
		return fmt.Errorf("putting the file into the archive: %w", err)
	}
	c.taken = true
	w.note(c)
	wait, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if out, err := w.intake.Wait(wait, c.item); err == nil {
		_ = h.Close() // an open handle holds the name on a share
		return w.name(ctx, c, out)
	}
	return nil
}

// A steadyReader fails at the end if the file did not stay as it was: the
// archive then keeps nothing of it.
type steadyReader struct {
	h      File
	r      io.Reader
	before Entry
}

func (s *steadyReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != io.EOF {
		return n, err
	}
	after, statErr := s.h.Stat()
	if statErr != nil {
		return n, statErr
	}
	if after.Size != s.before.Size || !after.ModTime.Equal(s.before.ModTime) {
		return n, errMoving
	}
	return n, io.EOF
}

// recover finds what an earlier life of this node had claimed.
func (w *Watcher) recover(ctx context.Context) error {
	err := w.reclaim(ctx, w.claims(), "", 0)
	if err != nil && !errors.Is(err, ErrGone) {
		return fmt.Errorf("looking for files claimed earlier: %w", err)
	}
	return nil
}

func (w *Watcher) reclaim(ctx context.Context, dir, lay string, depth int) error {
	entries, err := w.fs.List(ctx, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !plain(e.Name) || e.Other {
			continue
		}
		if e.Dir {
			if depth < maxDepth {
				if err := w.reclaim(ctx, path.Join(dir, e.Name), path.Join(lay, e.Name), depth+1); err != nil {
					return err
				}
			}
			continue
		}
		id, name, _ := strings.Cut(e.Name, "_")
		item, err := registry.ParseItemID(id)
		if err != nil {
			w.Log.Warn("drop.stranger", "source", w.Name, "size", e.Size)
			continue
		}
		w.note(claim{item: item, path: path.Join(lay, name), at: path.Join(dir, e.Name)})
	}
	return nil
}

func (w *Watcher) note(c claim) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.claimed[c.item] = c
}

func (w *Watcher) forget(id registry.ItemID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.claimed, id)
}

// shorten cuts a name to so many bytes, at a character, keeping its ending.
func shorten(name string, most int) string {
	if len(name) <= most {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	cut := most - len(ext)
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + ext
}
