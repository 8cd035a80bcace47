// Package paper makes what leaves the office on paper or disc: the register
// book with all that belongs to it, reports, labels and slips.
//
// An Export is made from the ledger as it was at one size and from the archive;
// made again for the same size it has the same bytes. Nothing here writes to
// the book. What people read comes from the catalogue; letters of residents are
// hostile in a table too, so that no cell of theirs becomes a formula and no
// line of theirs leaves its column.
package paper

import (
	"context"

	"kancelaria/registry"
)

// A Book is what is read of the book: beside whoever writes to it, in pages,
// and never in one long look.
type Book interface {
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
	Leaves(ctx context.Context, from, to int64) ([]registry.LeafRow, error)
	Hashes(ctx context.Context, pos []int64) ([]registry.Digest, error)
	Head(ctx context.Context) (registry.Head, error)
}

// Originals opens bytes as they arrived, checked against the archive's digest.
type Originals interface {
	Original(ctx context.Context, place registry.Place, item registry.ItemID) (registry.OpenOriginal, error)
}
