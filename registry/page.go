package registry

import "slices"

// The rows of a page: as many as asked for within reason, 100 unless told.
const (
	defaultPage = 100
	maxPage     = 10_000
)

// PageSize gives how many rows a page of the query may have.
func (q Query) PageSize() int {
	switch {
	case q.Limit <= 0:
		return defaultPage
	case q.Limit > maxPage:
		return maxPage
	default:
		return q.Limit
	}
}

// Sees reports whether the viewer may know of an entry. Whom a letter is about
// does not see it, whoever he is. Stores ask the same in SQL, so that pages are
// full; nil sees everything.
func (v *Viewer) Sees(w Work) bool {
	if v == nil {
		return true
	}
	if v.Login != "" && slices.Contains(w.HideFrom, v.Login) {
		return false
	}
	if !w.Restricted || v.Unlimited || slices.Contains(v.Registers, w.Number.Register) {
		return true
	}
	return v.Login != "" && (v.Login == w.Clerk || slices.Contains(w.Readers, v.Login))
}
