package spool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kancelaria/registry"
)

// Next gives the item that arrived first among those nobody has, and waits
// until there is one. The item is then the caller's until Done, Retry or Park.
// It returns ErrClosed after Close.
//
// An item whose manifest can't be read is parked, for a person to see, and does
// not hold up the others.
func (s *Spool) Next(ctx context.Context) (registry.Item, error) {
	for {
		e, wait, err := s.pick()
		if err != nil {
			return registry.Item{}, err
		}
		if e == nil {
			if err := wait.wait(ctx); err != nil {
				s.wake() // what woke us is for another
				return registry.Item{}, err
			}
			continue
		}
		it, err := s.open(ctx, e)
		if err == nil {
			return it, nil
		}
		if ctx.Err() != nil {
			s.giveBack(e)
			return registry.Item{}, ctx.Err()
		}
		s.unreadable(ctx, e, err)
	}
}

// A pause is what Next waits for: more, or a retry that comes due.
type pause struct {
	more, over <-chan struct{}
	after      time.Duration // 0 is for ever
}

func (p pause) wait(ctx context.Context) error {
	var due <-chan time.Time
	if p.after > 0 {
		t := time.NewTimer(p.after)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.more:
	case <-p.over:
	case <-due:
	}
	return nil
}

// wake lets one of those who wait in Next look again. Whoever takes an entry
// wakes the next one while there are more, so that a single letter does not
// stir hundreds of workers.
func (s *Spool) wake() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// pick takes the first ready entry, or says what to wait for.
func (s *Spool) pick() (*entry, pause, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, pause{}, ErrClosed
	}
	now := s.now()
	for e := s.later.first(); e != nil && !e.due.After(now); e = s.later.first() {
		s.later.remove(e)
		e.state = isReady
		s.ready.push(e)
	}
	if e := s.ready.pop(); e != nil {
		e.state = isOut
		s.out[e.id] = e
		if s.ready.len() > 0 || s.later.first() != nil {
			s.wake()
		}
		return e, pause{}, nil
	}
	p := pause{more: s.more, over: s.over}
	if e := s.later.first(); e != nil {
		p.after = max(e.due.Sub(now), time.Millisecond)
	}
	return nil, p, nil
}

// open gives the item of an entry, from memory or from its record.
func (s *Spool) open(ctx context.Context, e *entry) (registry.Item, error) {
	s.mu.Lock()
	it := e.item
	s.mu.Unlock()
	if it != nil {
		return *it, nil
	}
	return s.read(ctx, e.place, e.id)
}

func (s *Spool) read(ctx context.Context, p registry.Place, id registry.ItemID) (registry.Item, error) {
	b, err := s.archive.Sheet(ctx, p, id)
	if err != nil {
		return registry.Item{}, err
	}
	it, err := ParseManifest(b)
	if err != nil {
		return registry.Item{}, err
	}
	if it.ID != id {
		return registry.Item{}, fmt.Errorf("the manifest at %s is that of item %s: %w", p, it.ID, registry.ErrDamaged)
	}
	it.Place = p
	return it, nil
}

func (s *Spool) giveBack(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.state == isOut {
		s.leave(e)
		s.makeReady(e)
	}
}

// unreadable parks an item that can't be given out. One that was lawfully
// erased is done. One that the disk or a newer program keeps from us is parked
// in memory only: the next start tries again.
func (s *Spool) unreadable(ctx context.Context, e *entry, err error) {
	s.log.Error("spool.unreadable", "item", e.id, "place", e.place, "err", err)
	if errors.Is(err, registry.ErrErased) {
		s.Done(e.id)
		return
	}
	if errors.Is(err, registry.ErrDamaged) {
		if err2 := s.Park(ctx, e.id, err.Error()); err2 == nil {
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set(e, isParked, err.Error())
}
