package registry

import (
	"context"
	"iter"
	"slices"
)

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

// AllPages walks all pages of a query, in order. An error comes with the last, which
// is empty.
func AllPages(ctx context.Context, book interface {
	Find(ctx context.Context, q Query) (Page, error)
}, q Query,
) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		for {
			page, err := book.Find(ctx, q)
			if err != nil {
				yield(Page{}, err)
				return
			}
			if !yield(page, nil) || page.Next == "" {
				return
			}
			q.After = page.Next
		}
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
