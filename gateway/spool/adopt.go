package spool

import (
	"context"
	"errors"
	"fmt"

	"kancelaria/registry"
)

// A Dead archive is that of a node which will never run again, open for
// reading only.
type Dead interface {
	Archive
	Original(ctx context.Context, p registry.Place, item registry.ItemID) (registry.OpenOriginal, error)
}

// Adopt takes over what another node had accepted and not settled: items keep
// their ids, their node and when they arrived. It reports how many it took. It
// may be repeated; what was adopted and settled before gives the same entries
// again. The caller has made sure that the node's lease is over, and that
// nothing runs under its id any more.
//
// An item that can't be read does not hold up the others: it is named in the
// error.
func (s *Spool) Adopt(ctx context.Context, dead Dead) (int, error) {
	left, err := New(ctx, dead, Options{Now: s.now, Log: s.log})
	if err != nil {
		return 0, fmt.Errorf("adopting node %s: %w", dead.Node(), err)
	}
	taken := 0
	var bad []error
	for _, w := range left.List(false, 0) {
		if s.Waits(w.ID) {
			continue
		}
		err := s.adopt(ctx, dead, left, w)
		switch {
		case err == nil:
			taken++
		case errors.Is(err, registry.ErrDamaged), errors.Is(err, ErrNewer):
			bad = append(bad, fmt.Errorf("item %s: %w", w.ID, err))
		case errors.Is(err, registry.ErrErased):
		default:
			return taken, fmt.Errorf("adopting item %s of node %s: %w", w.ID, dead.Node(), err)
		}
	}
	return taken, errors.Join(bad...)
}

func (s *Spool) adopt(ctx context.Context, dead Dead, left *Spool, w Waiting) error {
	it, err := left.read(ctx, w.Place, w.ID)
	if err != nil {
		return err
	}
	o, err := dead.Original(ctx, w.Place, w.ID)
	if err != nil {
		return err
	}
	defer o.Close()
	items := []registry.Item{it}
	if err := s.expect(items); err != nil {
		return err
	}
	defer s.arrived(items)
	body, err := s.archive.Stage(ctx, it.ID, o, 0)
	if err != nil {
		return err
	}
	defer body.Close()
	if body.Digest() != it.Original.Digest {
		return fmt.Errorf("its original changed while it was read: %w", registry.ErrDamaged)
	}
	s.mu.Lock()
	order := s.order
	s.order++
	s.mu.Unlock()
	if err := s.append(ctx, items, body, order); err != nil {
		return err
	}
	if w.Parked {
		return s.Park(ctx, it.ID, w.Why)
	}
	return nil
}
