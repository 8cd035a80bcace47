package drop

import (
	"context"
	"errors"
	"path"
	"time"
)

// purge removes moved files whose time is over: everybody at the scanner can
// read them, and the archive has them. The daily lists stay. It looks once an
// hour.
func (w *Watcher) purge(ctx context.Context) error {
	now := w.Now()
	w.mu.Lock()
	due := w.Move != "" && w.Keep > 0 && now.Sub(w.health.purged) >= time.Hour
	if due {
		w.health.purged = now
	}
	w.mu.Unlock()
	if !due {
		return nil
	}
	months, err := w.fs.List(ctx, w.Move)
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, month := range months {
		if !month.Dir || !plain(month.Name) {
			continue
		}
		if err := w.purgeMonth(ctx, path.Join(w.Move, month.Name), now); err != nil {
			return err
		}
	}
	return nil
}

// purgeMonth goes by the day that the daily list of a file's naming bears, as
// the time of a file is when it was scanned, which may be long before.
func (w *Watcher) purgeMonth(ctx context.Context, dir string, now time.Time) error {
	entries, err := w.fs.List(ctx, dir)
	if err != nil {
		return err
	}
	lists := map[string]bool{}
	for _, e := range entries {
		lists[e.Name] = true
	}
	last := now.Add(-w.Keep).In(w.Zone)
	for day := range 62 {
		d := last.AddDate(0, 0, -day).Format(time.DateOnly)
		list := w.Texts.List(d)
		if !lists[list] {
			continue
		}
		names, err := w.listed(ctx, path.Join(dir, list))
		if err != nil {
			return err
		}
		for _, name := range names {
			if !lists[name] {
				continue
			}
			if err := w.fs.Remove(ctx, path.Join(dir, name)); err != nil && !errors.Is(err, ErrGone) {
				return err
			}
		}
	}
	return nil
}
