package drop

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// finish goes on with what is claimed: takes what never reached the archive,
// names what has got its number since.
func (w *Watcher) finish(ctx context.Context) error {
	var all []error
	for _, c := range w.open() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := w.settleClaim(ctx, c); err != nil {
			all = append(all, fmt.Errorf("item %s: %w", c.item, err))
		}
	}
	if err := w.purge(ctx); err != nil {
		all = append(all, fmt.Errorf("clearing old files: %w", err))
	}
	return errors.Join(all...)
}

func (w *Watcher) settleClaim(ctx context.Context, c claim) error {
	if w.Now().Before(c.again) {
		return nil
	}
	accepted, out, err := w.intake.Look(ctx, c.item)
	switch {
	case err != nil:
		w.Log.Debug("drop.look", "item", c.item, "err", err)
		return nil // the book is down: the file stays claimed, and safe
	case w.ledger != nil && (accepted || out != nil):
		return w.doneLeft(c, nil)
	case out != nil:
		return w.name(ctx, c, *out)
	case accepted:
		return nil // waits for its number
	default:
		return w.spoolAgain(ctx, c)
	}
}

// spoolAgain goes on with a claim whose bytes are not in the archive.
func (w *Watcher) spoolAgain(ctx context.Context, c claim) error {
	held, err := w.hold(ctx, c)
	if errors.Is(err, ErrGone) {
		if w.ledger != nil {
			w.dropLeft(c)
			return nil
		}
		w.forget(c.item) // somebody else has it
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the claimed file: %w", err)
	}
	if c.since.IsZero() {
		c.since = w.Now()
	}
	if !c.part {
		whole, err := w.whole(c, held)
		if err != nil {
			closeAll(held)
			return err
		}
		if !whole && w.Now().Sub(c.since) < w.GiveUp {
			closeAll(held)
			return w.later(c) // a writer that the source cannot see is at it
		}
		c.part = !whole
	}
	return w.spool(ctx, c, held)
}

func (w *Watcher) whole(c claim, held []File) (bool, error) {
	for i, h := range held {
		e, err := h.Stat()
		if err != nil {
			return false, fmt.Errorf("looking at the claimed file: %w", err)
		}
		whole, err := Whole(h, e.Size, path.Base(c.parts[i].path))
		if err != nil {
			return false, fmt.Errorf("looking at the claimed file: %w", err)
		}
		if e.Size == 0 || !whole {
			return false, nil
		}
	}
	return true, nil
}

func (w *Watcher) open() []claim {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]claim, 0, len(w.claimed))
	for _, c := range w.claimed {
		all = append(all, c)
	}
	return all
}

// name gives a registered file its final name, or lays it among the errors
// when it was kept out of the book. Failing here never un-registers: it is
// tried again at the next scan.
func (w *Watcher) name(ctx context.Context, c claim, out registry.Outcome) error {
	if out.Disposition == registry.Quarantined && !w.OnConfirm || out.Disposition == registry.Rejected {
		return w.aside(ctx, c, "quarantined")
	}
	for _, p := range slices.Backward(c.parts) { // the document last: what comes with it is known by it
		if err := w.away(ctx, p, out); err != nil && !errors.Is(err, ErrGone) {
			return fmt.Errorf("giving the file its final name: %w", err)
		}
	}
	w.tidy(ctx, c)
	w.forget(c.item)
	w.counted()
	return nil
}

// tidy removes the folder of a scan or delivery that is empty now.
func (w *Watcher) tidy(ctx context.Context, c claim) {
	if w.Group != GroupFolder && w.Group != GroupPackage {
		return
	}
	for _, p := range slices.Backward(c.parts) {
		for _, dir := range []string{path.Dir(p.at), path.Dir(p.path)} {
			if dir != "." && dir != w.claims(w.Node) {
				_ = w.fs.Remove(ctx, dir) // there is something in it: it stays
			}
		}
	}
}

func (w *Watcher) away(ctx context.Context, c part, out registry.Outcome) error {
	if w.Delete {
		return w.fs.Remove(ctx, c.at)
	}
	now := w.Now().In(w.Zone)
	dir := path.Join(w.Move, now.Format("2006-01"))
	name := safe(w.Texts.Registered(out, path.Base(c.path)))
	registry.FailDropBeforeRename.Hit()
	if err := w.moveInto(ctx, c.at, dir, name); err != nil {
		return err
	}
	registry.FailDropRenamed.Hit()
	line := now.Format(time.DateTime) + "\t" + c.path + "\t" + name + "\r\n"
	return w.fs.Append(ctx, path.Join(dir, w.Texts.List(now.Format(time.DateOnly))), []byte(line))
}

// moveInto renames into a folder, under a counted name if the name is taken.
func (w *Watcher) moveInto(ctx context.Context, from, dir, name string) error {
	if err := w.fs.MkdirAll(ctx, dir); err != nil {
		return err
	}
	ext := path.Ext(name)
	for n := 1; n < 1000; n++ {
		to := name
		if n > 1 {
			to = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n, ext)
		}
		if err := w.fs.Rename(ctx, from, path.Join(dir, to)); !errors.Is(err, ErrExist) {
			return err
		}
	}
	return fmt.Errorf("%w: a thousand times", ErrExist)
}

// aside lays an item that was not registered among the errors.
func (w *Watcher) aside(ctx context.Context, c claim, code string) error {
	if w.ledger != nil {
		w.Log.Warn("drop.refused", "source", w.Name, "item", c.item, "reason", code)
		w.forget(c.item)
		return w.ledger.add(ledgerLine{Item: c.item, State: code})
	}
	for _, p := range slices.Backward(c.parts) {
		if err := w.setAside(ctx, p.at, path.Base(p.path), code); err != nil {
			return err
		}
	}
	w.tidy(ctx, c)
	w.forget(c.item)
	return nil
}

// setAside moves a file to the folder of errors with a text beside it that the
// person at the scanner understands.
func (w *Watcher) setAside(ctx context.Context, from, name, code string) error {
	now := w.Now().In(w.Zone)
	dir := path.Join(w.Texts.Errors(), now.Format(time.DateOnly))
	name = now.Format("150405") + " " + safe(name)
	switch err := w.moveInto(ctx, from, dir, name); {
	case errors.Is(err, ErrGone):
		return nil
	case err != nil:
		return fmt.Errorf("laying the file among the errors: %w", err)
	}
	// Notepad wants the mark and CR LF.
	text := "\ufeff" + strings.ReplaceAll(w.Texts.Reason(code, name, now), "\n", "\r\n")
	return w.fs.Write(ctx, path.Join(dir, name+".txt"), []byte(text))
}

// safe makes a name that every file system and Windows take.
func safe(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r < 0x20, r == 0x7f, strings.ContainsRune(`<>:"/\|?*`, r):
			return '_'
		case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200b, r == 0xfeff:
			return -1 // would show the name other than it is
		default:
			return r
		}
	}, strings.ToValidUTF8(name, "_"))
	name = strings.TrimRight(shorten(name, 200), ". ")
	if name == "" {
		return "_"
	}
	return name
}
