package drop

import (
	"context"
	"errors"
	"fmt"
	"path"
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
	accepted, out, err := w.intake.Look(ctx, c.item)
	switch {
	case err != nil:
		w.Log.Debug("drop.look", "item", c.item, "err", err)
		return nil // the book is down: the file stays claimed, and safe
	case out != nil:
		return w.name(ctx, c, *out)
	case accepted:
		return nil // waits for its number
	default:
		return w.spool(ctx, c, w.hopeless(ctx, c))
	}
}

// hopeless reports whether a claimed file will never be whole.
func (w *Watcher) hopeless(ctx context.Context, c claim) bool {
	h, err := w.fs.Open(ctx, c.at)
	if err != nil {
		return false
	}
	defer h.Close()
	e, err := h.Stat()
	return err == nil && (e.Size == 0 || !Whole(h, e.Size, path.Base(c.path)))
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
	if out.Disposition == registry.Quarantined || out.Disposition == registry.Rejected {
		if err := w.setAside(ctx, c.at, path.Base(c.path), "quarantined"); err != nil {
			return err
		}
		w.forget(c.item)
		return nil
	}
	if err := w.away(ctx, c, out); err != nil && !errors.Is(err, ErrGone) {
		return fmt.Errorf("giving the file its final name: %w", err)
	}
	w.forget(c.item)
	w.counted()
	return nil
}

func (w *Watcher) away(ctx context.Context, c claim, out registry.Outcome) error {
	if w.Delete {
		return w.fs.Remove(ctx, c.at)
	}
	now := w.Now().In(w.Zone)
	dir := path.Join(w.Move, now.Format("2006-01"))
	name := safe(w.Texts.Registered(out, path.Base(c.path)))
	if err := w.moveInto(ctx, c.at, dir, name); err != nil {
		return err
	}
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

// refuse lays a file that cannot be taken among the errors, unread.
func (w *Watcher) refuse(ctx context.Context, p, code string) error {
	w.mu.Lock()
	delete(w.seen, p)
	w.mu.Unlock()
	return w.setAside(ctx, p, path.Base(p), code)
}

// setAside moves a file to the folder of errors with a text beside it that the
// person at the scanner understands.
func (w *Watcher) setAside(ctx context.Context, from, name, code string) error {
	now := w.Now().In(w.Zone)
	dir := path.Join(w.Texts.Errors(), now.Format(time.DateOnly))
	name = now.Format("150405") + " " + safe(name)
	switch err := w.moveInto(ctx, from, dir, name); {
	case errors.Is(err, ErrGone), errors.Is(err, ErrBusy):
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
