package spool

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kancelaria/registry"
)

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
	s.wake() // to look again how long to wait
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
