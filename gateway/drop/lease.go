package drop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"time"
)

// takeOver is how long a gateway's lease must stand still before others take
// its claims. Only changes of its counter count, on the clock of whoever looks:
// no two clocks are compared.
const takeOver = 10 * time.Minute

// A neighbour is another gateway on the same source.
type neighbour struct {
	counter string
	since   time.Time // the last change seen
}

func leasePath(node string) string { return path.Join(room, "lease", node) }

// renew moves our counter on, a few times within the term.
func (w *Watcher) renew(ctx context.Context) error {
	now := w.Now()
	w.mu.Lock()
	due := w.ledger == nil && now.Sub(w.leased) >= takeOver/10
	w.mu.Unlock()
	if !due {
		return nil
	}
	if err := w.fs.MkdirAll(ctx, path.Dir(leasePath(w.Node))); err != nil {
		return fmt.Errorf("making the folder for leases: %w", err)
	}
	if err := w.fs.Write(ctx, leasePath(w.Node), []byte(strconv.FormatInt(now.UnixNano(), 10)+"\n")); err != nil {
		return fmt.Errorf("renewing our lease: %w", err)
	}
	w.mu.Lock()
	w.leased = now
	w.mu.Unlock()
	return nil
}

// keepLease renews while a long scan goes on.
func (w *Watcher) keepLease(ctx context.Context) {
	tick := time.NewTicker(takeOver / 10)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := w.renew(ctx); err != nil {
				w.Log.Debug("drop.lease", "source", w.Name, "err", err)
			}
		}
	}
}

// inherit takes over the claims of gateways that no longer live, under their
// item ids: what they had registered is found in the book, and what is put
// twice is one item.
func (w *Watcher) inherit(ctx context.Context) error {
	if w.ledger != nil {
		return nil
	}
	entries, err := w.fs.List(ctx, path.Join(room, "claim"))
	if errors.Is(err, ErrGone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for other gateways: %w", err)
	}
	for _, e := range entries {
		if !e.Dir || !plain(e.Name) || e.Name == w.Node || !w.silent(ctx, e.Name) {
			continue
		}
		if err := w.inheritFrom(ctx, e.Name); err != nil {
			return fmt.Errorf("taking over the claims of gateway %.60q: %w", e.Name, err)
		}
	}
	return nil
}

// silent reports whether a gateway's counter has not moved for the whole term.
func (w *Watcher) silent(ctx context.Context, node string) bool {
	counter, err := w.small(ctx, leasePath(node))
	if err != nil && !errors.Is(err, ErrGone) {
		return false
	}
	now := w.Now()
	n, known := w.others[node]
	if !known || n.counter != counter {
		w.others[node] = neighbour{counter, now}
		return false
	}
	return now.Sub(n.since) >= takeOver
}

func (w *Watcher) inheritFrom(ctx context.Context, node string) error {
	left, err := w.lying(ctx, node)
	if err != nil {
		return err
	}
	for _, c := range left {
		if isMarked(c.parts[0].at, '+') {
			if err := w.giveBack(ctx, c.parts); err != nil {
				return err
			}
			continue
		}
		if err := w.adopt(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// adopt moves one claim to our side. Whoever holds it keeps it.
func (w *Watcher) adopt(ctx context.Context, c claim) error {
	ours := claim{item: c.item}
	for i, p := range c.parts {
		ours.parts = append(ours.parts, part{path: p.at, at: w.claimPath(c.item, p.path, i > 0)})
	}
	held, err := w.claim(ctx, ours)
	if held == nil || err != nil {
		return err
	}
	closeAll(held)
	for i := range ours.parts {
		ours.parts[i].path = c.parts[i].path
	}
	w.noteNew(ours)
	w.Log.Warn("drop.inherited", "source", w.Name, "item", c.item)
	return nil
}

// maxSmall bounds a file of ours that is read back whole.
const maxSmall = 256

func (w *Watcher) small(ctx context.Context, p string) (string, error) {
	h, err := w.fs.Open(ctx, p)
	if err != nil {
		return "", err
	}
	defer h.Close()
	text := make([]byte, maxSmall)
	n, err := h.ReadAt(text, 0)
	if err == io.EOF {
		err = nil
	}
	return string(text[:n]), err
}
