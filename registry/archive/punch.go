package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"kancelaria/registry"
)

// Punch gives back the space of originals that lie in the second home, after a
// record that says where. The caller has read each one back from there and
// compared its digest.
func (a *Archive) Punch(ctx context.Context, moves []Move) error {
	for batch := range slices.Chunk(moves, 256) {
		sheets := make([]registry.Sheet, len(batch))
		for i, m := range batch {
			if m.Locator == "" {
				return fmt.Errorf("the original at %s: no locator", m.Place)
			}
			b, err := json.Marshal(m)
			if err != nil {
				return err
			}
			sheets[i] = registry.Sheet{Bytes: b}
		}
		if _, err := a.append(ctx, registry.RecordMoved, sheets, nil, 0); err != nil {
			return fmt.Errorf("moving originals: %w", err)
		}
		for _, m := range batch {
			if err := a.punch(ctx, m.Place, registry.ItemID{}, true); err != nil {
				return fmt.Errorf("moving the original at %s: %w", m.Place, err)
			}
		}
	}
	return nil
}

// punch makes holes of an item's sheets in the record at p (none if item is
// zero) and of the original, and waits until they are on the disk.
func (a *Archive) punch(ctx context.Context, p registry.Place, item registry.ItemID, original bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	a.hole.Lock()
	defer a.hole.Unlock()
	r, err := a.openRecord(p)
	if err != nil {
		return err
	}
	defer r.Close()
	var spans []span
	if !item.IsZero() {
		for i, l := range r.lines {
			if l.item == item {
				at, n := sheetSpan(r.at.offset, r.lines, i)
				spans = append(spans, span{at, n})
			}
		}
	}
	if original && r.h.isLarge() {
		if err := a.empty(largePath(r.node, r.h.large)); err != nil {
			return err
		}
	} else if original {
		spans = append(spans, span{r.h.bodyOffset(r.at.offset), r.h.bodyLen})
	}
	return a.zero(r, spans)
}

// A span is n bytes of a segment.
type span struct{ at, n int64 }

// finishErasures does once more what the last segment's tombstones and moves
// order: the power may have gone after the record and before the holes.
func (a *Archive) finishErasures(ctx context.Context, orders []registry.Place) error {
	for _, p := range orders {
		r, err := a.openRecord(p)
		if err != nil {
			return err
		}
		for i := range r.lines {
			b, err := r.sheet(r.at.offset, &r.h, r.lines, i)
			if err == nil {
				err = a.finish(ctx, r.h.kind, b)
			}
			if err != nil && !isBadContent(err) {
				_ = r.Close()
				return fmt.Errorf("finishing what %s orders: %w", p, err)
			}
		}
		_ = r.Close()
	}
	return nil
}

func (a *Archive) finish(ctx context.Context, kind registry.RecordKind, order []byte) error {
	if kind == registry.RecordMoved {
		var m Move
		if err := json.Unmarshal(order, &m); err != nil {
			return err
		}
		return a.punch(ctx, m.Place, registry.ItemID{}, true)
	}
	var t Tombstone
	if err := json.Unmarshal(order, &t); err != nil {
		return err
	}
	return a.bury(ctx, t)
}

// zero punches spans of a segment, which may be read-only.
func (a *Archive) zero(r *record, spans []span) error {
	var full []span
	for _, s := range spans {
		end, err := lastByte(r.file, s.at, s.at+s.n)
		if err != nil {
			return err
		}
		if end > s.at {
			full = append(full, s)
		}
	}
	if len(full) == 0 {
		return nil
	}
	if err := a.keepImages(r, full); err != nil {
		return err
	}
	registry.FailErasePictured.Hit()
	err := a.unlocked(r.name, r.file, func(f File) error {
		for _, s := range full {
			if err := f.Punch(s.at, s.n); err != nil {
				return err
			}
		}
		registry.FailErasePunched.Hit()
		return nil
	})
	if err != nil {
		return err
	}
	return a.Keep(imagesName, nil)
}

// An image is a block as it is to be when the holes are made. Where a hole ends
// within a block, that block also holds bytes of others; should the power go
// while it is written, a start writes it once more.
type image struct {
	Name string `json:"name"`
	At   int64  `json:"at"`
	Data []byte `json:"data"`
}

const imagesName = "holes"

// keepImages makes the blocks at the edges of holes durable elsewhere, before
// they are touched.
func (a *Archive) keepImages(r *record, spans []span) error {
	edges := map[int64]bool{}
	for _, s := range spans {
		edges[s.at&^(block-1)] = true
		edges[(s.at+s.n-1)&^(block-1)] = true
	}
	var images []image
	for at := range edges {
		b := make([]byte, block)
		n, err := readFull(r.file, b, at)
		if err != nil {
			return err
		}
		b = b[:n]
		for _, s := range spans {
			from, to := max(s.at, at), min(s.at+s.n, at+int64(n))
			if from < to {
				clear(b[from-at : to-at])
			}
		}
		images = append(images, image{r.name, at, b})
	}
	b, err := json.Marshal(images)
	if err != nil {
		return err
	}
	return a.Keep(imagesName, b)
}

// finishHoles writes the images that a power cut left behind.
func (a *Archive) finishHoles() error {
	b, err := a.Kept(imagesName)
	if err != nil || len(b) == 0 {
		return err
	}
	var images []image
	if err := json.Unmarshal(b, &images); err != nil {
		return fmt.Errorf("finishing holes: %w", err)
	}
	for _, im := range images {
		f, err := a.fs.OpenFile(im.Name, os.O_RDONLY, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue // a missing segment is noted as such
		}
		if err != nil {
			return fmt.Errorf("finishing holes: %w", err)
		}
		err = a.unlocked(im.Name, f, func(w File) error {
			_, err := w.WriteAt(im.Data, im.At)
			return err
		})
		if err := errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("finishing holes in %s: %w", im.Name, err)
		}
	}
	return a.Keep(imagesName, nil)
}

// empty takes all bytes from a large file; the name stays, with nothing in it.
func (a *Archive) empty(name string) error {
	f, err := a.fs.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	return a.unlocked(name, f, func(f File) error { return f.Truncate(0) })
}

// unlocked lets do change a file that is read-only, makes that durable and the
// file read-only again. If the power goes in between, a start seals it anew.
func (a *Archive) unlocked(name string, f File, do func(File) error) (err error) {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	mode := info.Mode().Perm()
	if mode&0o200 == 0 {
		if err := f.Chmod(mode | 0o200); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Chmod(mode), f.Sync()) }()
	}
	w, err := a.fs.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer w.Close()
	if err := do(w); err != nil {
		return err
	}
	return w.Sync()
}
