package spool

import (
	"cmp"
	"slices"
	"time"

	"kancelaria/registry"
)

// A Waiting is one item that is not settled, as people see it.
type Waiting struct {
	ID     registry.ItemID
	Place  registry.Place
	Size   int64
	At     time.Time
	Parked bool
	Out    bool      // with a worker
	Due    time.Time // of the next attempt
	Tries  int
	Why    string
}

// List gives up to limit items in order of arrival; only parked ones if asked.
func (s *Spool) List(parked bool, limit int) []Waiting {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*entry
	for _, e := range s.waiting {
		if !parked || e.state == isParked {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *entry) int { return cmp.Compare(a.order, b.order) })
	if limit > 0 && len(all) > limit {
		all = all[:limit]
	}
	out := make([]Waiting, len(all))
	for i, e := range all {
		out[i] = Waiting{
			ID: e.id, Place: e.place, Size: e.size, At: e.at, Parked: e.state == isParked,
			Out: e.state == isOut, Tries: e.tries, Why: e.why,
		}
		if e.state == isLater {
			out[i].Due = e.due
		}
	}
	return out
}

// Stats are figures for metrics and for doors that ask whether a number can
// come in time.
type Stats struct {
	Waiting int
	Ready   int // nobody has them
	Out     int
	Parked  int
	Bytes   int64
	Oldest  time.Time // arrival of the oldest that is not parked; zero if none
}

// Stats counts; it is cheap unless much is waiting for a retry.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Waiting: len(s.waiting), Ready: s.ready.len(), Out: len(s.out), Parked: s.parked, Bytes: s.bytes}
	oldest := func(e *entry) {
		if st.Oldest.IsZero() || e.at.Before(st.Oldest) {
			st.Oldest = e.at
		}
	}
	if st.Ready > 0 {
		oldest(s.ready.list[0])
	}
	for _, e := range s.later.list {
		oldest(e)
	}
	for _, e := range s.out {
		oldest(e)
	}
	return st
}
