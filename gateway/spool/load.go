package spool

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"kancelaria/registry"
)

// The cursor is kept when so many records were appended since the last time,
// and at Close: a start then walks only what came after.
const keepEvery = 4096

// cursorName is the small file the archive keeps for us.
const cursorName = "cursor"

// A cursor says what waited when everything up to a record was known. It can be
// lost: then a start walks all records.
type cursor struct {
	Version  int            `json:"version"`
	UpTo     registry.Place `json:"up_to"`
	Sequence uint64         `json:"sequence"` // of the record there: is it still the same?
	Waiting  []cursorEntry  `json:"waiting"`
}

type cursorEntry struct {
	ID     registry.ItemID `json:"id"`
	Place  registry.Place  `json:"place"`
	Size   int64           `json:"size"`
	At     time.Time       `json:"at"`
	Parked bool            `json:"parked,omitempty"`
	Why    string          `json:"why,omitempty"`
}

// load reads the cursor and walks what came after it.
func (s *Spool) load(ctx context.Context) error {
	c, err := s.readCursor(ctx)
	if err != nil {
		return err
	}
	for _, ce := range c.Waiting {
		e := &entry{id: ce.ID, place: ce.Place, size: ce.Size, at: ce.At, order: s.order}
		s.order++
		s.add(e)
		if ce.Parked {
			s.set(e, isParked, ce.Why)
		}
	}
	for r, err := range s.archive.Records(ctx, c.UpTo) {
		if err != nil {
			return err
		}
		if r.Sequence > c.Sequence {
			s.replay(ctx, r)
		}
	}
	s.log.Info("spool.loaded", "items", len(s.waiting), "parked", s.parked, "bytes", s.bytes)
	return nil
}

// readCursor gives the cursor if it fits the archive: its record must be there,
// or the archive is another one or an older copy.
func (s *Spool) readCursor(ctx context.Context) (cursor, error) {
	b, err := s.archive.Kept(cursorName)
	if err != nil || b == nil {
		return cursor{}, err
	}
	var c cursor
	if err := json.Unmarshal(b, &c); err != nil || c.Version != 1 || c.UpTo == "" {
		s.log.Warn("spool.cursor_unreadable", "err", err)
		return cursor{}, nil
	}
	for r, err := range s.archive.Records(ctx, c.UpTo) {
		if err != nil {
			return cursor{}, err
		}
		if r.Place == c.UpTo && r.Sequence == c.Sequence {
			return c, nil
		}
		break
	}
	s.log.Warn("spool.cursor_does_not_fit", "place", c.UpTo)
	return cursor{}, nil
}

// replay takes in one record of an earlier life. Nobody else is there yet.
func (s *Spool) replay(ctx context.Context, r registry.Record) {
	switch r.Kind {
	case registry.RecordItems:
		for _, sh := range r.Sheets {
			s.replayItem(r, sh.Item)
		}
	case registry.RecordOutcomes:
		for _, sh := range r.Sheets {
			if sh.Settles {
				s.settle(sh.Item)
			}
		}
	case registry.RecordMark:
		for _, sh := range r.Sheets {
			s.replayMark(ctx, r, sh)
		}
	case registry.RecordOpened, registry.RecordClosed, registry.RecordTombstone, registry.RecordMoved:
	}
}

// replayItem lets an item wait. One that waits already was written once more
// since the disk failed under the first record: this one counts.
func (s *Spool) replayItem(r registry.Record, id registry.ItemID) {
	if e := s.waiting[id]; e != nil {
		e.place = r.Place
		return
	}
	s.add(&entry{id: id, place: r.Place, size: r.Size, at: r.At, order: s.order})
	s.order++
}

func (s *Spool) replayMark(ctx context.Context, r registry.Record, sh registry.Sheet) {
	if sh.Settles {
		s.settle(sh.Item)
		return
	}
	e := s.waiting[sh.Item]
	if e == nil {
		return
	}
	var m mark
	b, err := s.archive.Sheet(ctx, r.Place, sh.Item)
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil { // tried again instead of parked: harmless
		s.log.Warn("spool.mark_unreadable", "item", sh.Item, "place", r.Place, "err", err)
		return
	}
	s.apply(e, m)
}

// A flight is an append that has begun and whose effect may not be in memory
// yet. What was durable when the oldest one began is.
type flight struct {
	from registry.Record
	over bool
}

// begin is called before an append and end once its effect is in memory.
func (s *Spool) begin() *flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &flight{from: s.archive.Last()}
	s.flights = append(s.flights, f)
	return f
}

func (s *Spool) end(f *flight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.over = true
	n := 0
	for n < len(s.flights) && s.flights[n].over {
		n++
	}
	s.flights = slices.Delete(s.flights, 0, n)
	if s.since++; s.since >= keepEvery {
		s.since = 0
		select {
		case s.full <- struct{}{}:
		default:
		}
	}
}

// cursor takes down what waits. The record it goes up to is one whose effect,
// like that of all before it, is in memory; what is in memory beyond it does no
// harm, for the records are walked in the same order again.
func (s *Spool) cursor() cursor {
	s.mu.Lock()
	defer s.mu.Unlock()
	last := s.archive.Last()
	if len(s.flights) > 0 {
		last = s.flights[0].from
	}
	c := cursor{Version: 1, UpTo: last.Place, Sequence: last.Sequence, Waiting: make([]cursorEntry, 0, len(s.waiting))}
	all := make([]*entry, 0, len(s.waiting))
	for _, e := range s.waiting {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *entry) int { return cmp.Compare(a.order, b.order) })
	for _, e := range all {
		ce := cursorEntry{ID: e.id, Place: e.place, Size: e.size, At: e.at, Parked: e.state == isParked}
		if ce.Parked {
			ce.Why = e.why
		}
		c.Waiting = append(c.Waiting, ce)
	}
	return c
}

// keep writes the cursor.
func (s *Spool) keep() error {
	c := s.cursor()
	if c.UpTo == "" {
		return nil // nothing was ever appended
	}
	b, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("keeping the cursor: %w", err)
	}
	return s.archive.Keep(cursorName, b)
}
