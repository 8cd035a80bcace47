package rules

import (
	"time"

	"kancelaria/registry"
)

// The bounds of a ladder: beyond them a letter would lie for a season.
const (
	mostWaiting = 200 * time.Hour // of office hours
	mostAhead   = 14              // days
)

// ladder reads who is told when that a letter of the class waits: {deputy: 4h,
// head: 8h, clerk: 3, superior: 1}.
func (r *officeReader) ladder(n *node) registry.Ladder {
	m := r.mapping(n, "the ladder", "deputy", "head", "clerk", "superior")
	l := registry.Ladder{Deputy: r.waiting(m["deputy"], "deputy"), Head: r.waiting(m["head"], "head")}
	if m["clerk"] != nil {
		l.Clerk = int(r.integer(m["clerk"], "clerk", 1, mostAhead))
	}
	if m["superior"] != nil {
		l.Superior = int(r.integer(m["superior"], "superior", 1, mostAhead))
	}
	if l.Deputy > 0 && l.Head > 0 && l.Head < l.Deputy {
		r.errorf(m["head"], "E103", "give the head more time than the deputy", "the head would be told before the deputy")
	}
	return l
}

// waiting reads a time in office hours.
func (r *officeReader) waiting(n *node, what string) time.Duration {
	if n == nil {
		return 0
	}
	d, err := time.ParseDuration(n.text)
	if err != nil || d < time.Minute || d > mostWaiting {
		r.errorf(n, "E103", "write 4h or 30m, of office hours", "%s cannot be %s", what, n.what())
		return 0
	}
	return d
}
