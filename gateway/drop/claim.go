package drop

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"kancelaria/registry"
)

// room is the folder of our own on the source. A claimed file lies at
// room/claim/<node>/<its folder>/<item id>_<its name>: whoever finds it knows
// whose it is, which item it became and where it lay. A + in place of the _
// marks one that came with the document.
const room = ".kancelaria"

// A claim is an item of ours whose files have not got their final names.
type claim struct {
	item  registry.ItemID
	parts []part // the document first
	part  bool   // given up on: taken though not whole
	since time.Time
	again time.Time // not read before: it changed under our hands
	begun time.Time // Leave: the change of the document that was meant
}

// A part is one file of a claim.
type part struct {
	path string // where it lay
	at   string // where it is
}

func (w *Watcher) claims(node string) string { return path.Join(room, "claim", node) }

func (w *Watcher) claimPath(id registry.ItemID, lay string, companion bool) string {
	mark := "_"
	if companion {
		mark = "+"
	}
	return path.Join(w.claims(w.Node), path.Dir(lay), id.String()+mark+shorten(path.Base(lay), 200))
}

// take claims what has settled and puts it into the archive.
func (w *Watcher) take(ctx context.Context, b bundle) error {
	c := claim{item: registry.NewItemID(w.Now()), part: b.part, since: w.Now()}
	for i, f := range b.files {
		c.parts = append(c.parts, part{path: f.path, at: w.claimPath(c.item, f.path, i > 0)})
	}
	if w.ledger != nil {
		return w.takeLeft(ctx, c, b)
	}
	registry.FailDropBeforeClaim.Hit()
	held, err := w.claim(ctx, c)
	if held == nil || err != nil {
		return err
	}
	registry.FailDropClaimed.Hit()
	w.note(c)
	return w.spool(ctx, c, held)
}

// claim makes the files of an item ours, the document last: a claim with a
// document is whole. It gives no handles when somebody was first, or still
// writes, or we may not; what was claimed until then goes back.
func (w *Watcher) claim(ctx context.Context, c claim) ([]File, error) {
	held := make([]File, len(c.parts))
	for i, p := range slices.Backward(c.parts) {
		err := w.fs.MkdirAll(ctx, path.Dir(p.at))
		if err == nil {
			held[i], err = w.fs.Claim(ctx, p.path, p.at)
		}
		if err == nil {
			w.unsee(p.path)
			continue
		}
		closeAll(held)
		back := w.giveBack(ctx, c.parts[i+1:])
		switch {
		case errors.Is(err, ErrGone):
			return nil, back // another gateway was first, or the person took it back
		case errors.Is(err, ErrBusy):
			w.mark(p.path, "open")
			return nil, back
		case errors.Is(err, ErrPerm):
			w.forbid(p.path)
			return nil, back
		default:
			return nil, errors.Join(fmt.Errorf("claiming: %w", err), back)
		}
	}
	return held, nil
}

func closeAll(held []File) {
	for _, h := range held {
		if h != nil {
			_ = h.Close()
		}
	}
}

// giveBack lays files where they were.
func (w *Watcher) giveBack(ctx context.Context, parts []part) error {
	var all []error
	for _, p := range parts {
		if err := w.fs.Rename(ctx, p.at, p.path); err != nil {
			all = append(all, fmt.Errorf("giving a file back: %w", err))
		}
	}
	return errors.Join(all...)
}

// recover finds what an earlier life of this node had claimed, and what an
// answer that was lost may have left claimed.
func (w *Watcher) recover(ctx context.Context) error {
	if w.ledger != nil {
		for _, c := range w.ledger.begun() {
			w.noteNew(c)
		}
		return nil
	}
	found, err := w.lying(ctx, w.Node)
	if err != nil {
		return fmt.Errorf("looking for files claimed earlier: %w", err)
	}
	var all []error
	for _, c := range found {
		if isMarked(c.parts[0].at, '+') {
			all = append(all, w.giveBack(ctx, c.parts)) // stopped before the document was claimed
			continue
		}
		w.noteNew(c)
	}
	return errors.Join(all...)
}

// isMarked reports the mark behind the item id of a claimed file.
func isMarked(at string, mark byte) bool {
	base := path.Base(at)
	return len(base) > idLength && base[idLength] == mark
}

// idLength is that of an item id as written.
const idLength = 36

// lying lists the claims of a node as they lie on the source.
func (w *Watcher) lying(ctx context.Context, node string) ([]claim, error) {
	byItem := map[registry.ItemID]*claim{}
	err := w.reclaim(ctx, w.claims(node), "", 0, byItem)
	if err != nil && !errors.Is(err, ErrGone) {
		return nil, err
	}
	found := make([]claim, 0, len(byItem))
	for _, c := range byItem {
		slices.SortFunc(c.parts, func(a, b part) int {
			if x, y := isMarked(a.at, '+'), isMarked(b.at, '+'); x != y {
				if x {
					return 1
				}
				return -1
			}
			return strings.Compare(a.path, b.path)
		})
		found = append(found, *c)
	}
	return found, nil
}

func (w *Watcher) reclaim(ctx context.Context, dir, lay string, depth int, byItem map[registry.ItemID]*claim) error {
	entries, err := w.fs.List(ctx, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		switch {
		case !plain(e.Name) || e.Other:
		case e.Dir && depth < maxDepth:
			err := w.reclaim(ctx, path.Join(dir, e.Name), path.Join(lay, e.Name), depth+1, byItem)
			if err != nil && !errors.Is(err, ErrGone) {
				return err
			}
		case e.Dir:
		case !isMarked(e.Name, '_') && !isMarked(e.Name, '+'):
			w.Log.Warn("drop.stranger", "source", w.Name, "size", e.Size)
		default:
			item, err := registry.ParseItemID(e.Name[:idLength])
			if err != nil {
				w.Log.Warn("drop.stranger", "source", w.Name, "size", e.Size)
				continue
			}
			c := byItem[item]
			if c == nil {
				c = &claim{item: item}
				byItem[item] = c
			}
			c.parts = append(c.parts, part{path: path.Join(lay, e.Name[idLength+1:]), at: path.Join(dir, e.Name)})
		}
	}
	return nil
}

func (w *Watcher) note(c claim) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.claimed[c.item] = c
}

// noteNew notes a claim that is not known yet.
func (w *Watcher) noteNew(c claim) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.claimed[c.item]; !known {
		w.claimed[c.item] = c
	}
}

func (w *Watcher) forget(id registry.ItemID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.claimed, id)
}

func (w *Watcher) unsee(p string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.seen, p)
}

// forbidden is how long a file that we may not touch is left alone.
const forbidden = 5 * time.Minute

func (w *Watcher) forbid(p string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if f := w.seen[p]; f != nil {
		f.why, f.again = "forbidden", w.Now().Add(forbidden)
	}
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
