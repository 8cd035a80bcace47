package spool

import (
	"context"
	"encoding/json"
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
	more  <-chan struct{}
	after time.Duration // 0 is for ever
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
	case <-due:
	}
	return nil
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
		return e, pause{}, nil
	}
	p := pause{more: s.more}
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

// Copybook writes lines of the book to this node's disk, one sync for all who
// wait, and returns when they are durable. An item a sheet settles does not
// come back at a start. It is called after the book was written and before
// anybody is told a number.
func (s *Spool) Copybook(ctx context.Context, lines []registry.Sheet) error {
	for len(lines) > 0 {
		n, size := 0, int64(0)
		for n < len(lines) && (n == 0 || size < s.archive.MaxRecord()/4) {
			size += int64(len(lines[n].Bytes))
			n++
		}
		if n > 1 && size >= s.archive.MaxRecord()/4 {
			n-- // the last one made it too large
		}
		if err := s.copyLines(ctx, lines[:n]); err != nil {
			return fmt.Errorf("writing the copybook: %w", err)
		}
		lines = lines[n:]
	}
	return nil
}

func (s *Spool) copyLines(ctx context.Context, lines []registry.Sheet) error {
	f := s.begin()
	defer s.end(f)
	if _, err := s.archive.Append(ctx, registry.RecordOutcomes, lines, nil); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range lines {
		if l.Settles {
			s.settle(l.Item)
		}
	}
	return nil
}

// Done forgets items. The mark it leaves is not waited for: losing it costs a
// repetition, which is harmless. After Copybook there is nothing left to do.
func (s *Spool) Done(ids ...registry.ItemID) {
	var marks []registry.Sheet
	s.mu.Lock()
	for _, id := range ids {
		if s.settle(id) {
			marks = append(marks, registry.Sheet{Item: id, Settles: true})
		}
	}
	s.mu.Unlock()
	if len(marks) == 0 {
		return
	}
	if err := s.archive.Note(registry.RecordMark, marks); err != nil {
		s.log.Warn("spool.done_not_marked", "items", len(marks), "err", err)
	}
}

// settle forgets one item. Callers hold mu.
func (s *Spool) settle(id registry.ItemID) bool {
	e := s.waiting[id]
	if e == nil {
		return false
	}
	s.leave(e)
	s.forget(e)
	delete(s.waiting, id)
	s.bytes -= e.size
	return true
}

// leave takes an entry out of what it is in. Callers hold mu.
func (s *Spool) leave(e *entry) {
	switch e.state {
	case isReady:
		s.ready.remove(e)
	case isLater:
		s.later.remove(e)
	case isParked:
		s.parked--
	case isOut:
		delete(s.out, e.id)
	}
}

// forget drops the item kept with an entry. Callers hold mu.
func (s *Spool) forget(e *entry) {
	if e.item != nil {
		e.item = nil
		s.cached--
	}
}

// set moves an entry to a state it does not leave by itself. Callers hold mu.
func (s *Spool) set(e *entry, to state, why string) {
	s.leave(e)
	s.forget(e)
	e.state, e.why = to, why
	if to == isParked {
		s.parked++
	}
}

// Retry lets an item be given out again after a while. Why is shown to people;
// it is not kept over a start, which tries everything at once.
func (s *Spool) Retry(id registry.ItemID, after time.Duration, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.waiting[id]
	if e == nil {
		return
	}
	s.leave(e)
	e.tries++
	e.why = why
	if after <= 0 {
		s.makeReady(e)
		return
	}
	e.state, e.due = isLater, s.now().Add(after)
	s.later.push(e)
	close(s.more) // whoever waits looks again how long
	s.more = make(chan struct{})
}

// A mark is the spool's note on an item in the archive.
type mark struct {
	State string `json:"state"` // parked, ready
	Why   string `json:"why,omitempty"`
}

// Park sets an item aside until a person has looked, also over a start.
func (s *Spool) Park(ctx context.Context, id registry.ItemID, why string) error {
	return s.mark(ctx, id, mark{State: "parked", Why: why})
}

// Unpark lets a parked item be given out again.
func (s *Spool) Unpark(ctx context.Context, id registry.ItemID) error {
	return s.mark(ctx, id, mark{State: "ready"})
}

func (s *Spool) mark(ctx context.Context, id registry.ItemID, m mark) error {
	const maxWhy = 4 << 10
	if len(m.Why) > maxWhy {
		m.Why = m.Why[:maxWhy]
	}
	if !s.Waits(id) {
		return fmt.Errorf("item %s does not wait: %w", id, registry.ErrNotFound)
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	f := s.begin()
	defer s.end(f)
	if _, err := s.archive.Append(ctx, registry.RecordMark, []registry.Sheet{{Item: id, Bytes: b}}, nil); err != nil {
		return fmt.Errorf("marking item %s as %s: %w", id, m.State, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.waiting[id]; e != nil {
		s.apply(e, m)
	}
	return nil
}

// apply does what a mark says. Callers hold mu.
func (s *Spool) apply(e *entry, m mark) {
	switch {
	case m.State == "parked":
		s.set(e, isParked, m.Why)
	case e.state == isParked:
		s.leave(e)
		e.why = ""
		s.makeReady(e)
	}
}
