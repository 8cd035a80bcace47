package main

import (
	"context"
	"fmt"

	"kancelaria/registry"
)

// rowsAtOnce is how many leaves lie in a page, and in a file of a backup.
const rowsAtOnce = 4096

// pagedRows are the leaves of a whole book, read in pages: those of a store, or
// of a backup. It implements registry.Known.
type pagedRows struct {
	size  int64
	read  func(ctx context.Context, page int64) ([]registry.LeafRow, error)
	gives []registry.Gap // of each leaf
	stubs map[int64]registry.Stub

	at   int64 // the page held; -1: none
	rows []registry.LeafRow
}

// readRows walks the leaves once: which numbers they gave, and what stays of
// those that were erased.
func readRows(ctx context.Context, size int64, read func(ctx context.Context, page int64) ([]registry.LeafRow, error)) (*pagedRows, error) {
	p := &pagedRows{size: size, read: read, stubs: map[int64]registry.Stub{}, at: -1, gives: make([]registry.Gap, size)}
	for leaf := range size {
		row, err := p.row(ctx, leaf)
		if err != nil {
			return nil, err
		}
		l, err := registry.RestoredLine(row, nil)
		if err != nil {
			return nil, fmt.Errorf("reading leaf %d: %w", leaf, err)
		}
		p.gives[leaf] = registry.GivenBy(l)
		for _, stub := range l.Stubs() {
			p.stubs[stub.Index] = stub
		}
	}
	return p, nil
}

func (p *pagedRows) row(ctx context.Context, leaf int64) (registry.LeafRow, error) {
	if page := leaf / rowsAtOnce; page != p.at {
		rows, err := p.read(ctx, page)
		if err != nil {
			return registry.LeafRow{}, err
		}
		p.at, p.rows = page, rows
	}
	i := leaf % rowsAtOnce
	if i >= int64(len(p.rows)) || p.rows[i].Index != leaf {
		return registry.LeafRow{}, fmt.Errorf("%w: leaf %d is missing", registry.ErrCorrupt, leaf)
	}
	return p.rows[i], nil
}

// Last implements registry.Known.
func (p *pagedRows) Last() int64 { return p.size - 1 }

// Gives implements registry.Known.
func (p *pagedRows) Gives(leaf int64) (registry.Gap, bool) {
	if leaf < 0 || leaf >= p.size {
		return registry.Gap{}, false
	}
	return p.gives[leaf], true
}

// Line implements registry.Known.
func (p *pagedRows) Line(ctx context.Context, leaf int64) (registry.Line, error) {
	row, err := p.row(ctx, leaf)
	if err != nil {
		return registry.Line{}, err
	}
	var stub *registry.Stub
	if s, ok := p.stubs[leaf]; ok {
		stub = &s
	}
	return registry.RestoredLine(row, stub)
}

// rowsOf reads pages out of a store, up to a size.
func rowsOf(store registry.Store, size int64) func(ctx context.Context, page int64) ([]registry.LeafRow, error) {
	return func(ctx context.Context, page int64) ([]registry.LeafRow, error) {
		var all []registry.LeafRow
		from, to := page*rowsAtOnce, min((page+1)*rowsAtOnce, size)
		for from < to {
			rows, err := store.Leaves(ctx, from, to)
			if err != nil {
				return nil, err
			}
			if len(rows) == 0 {
				return nil, fmt.Errorf("%w: leaf %d is missing", registry.ErrCorrupt, from)
			}
			all = append(all, rows...)
			from = rows[len(rows)-1].Index + 1
		}
		return all, nil
	}
}
