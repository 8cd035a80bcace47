package main

import (
	"context"
	"fmt"
	"strings"

	"kancelaria/registry"
	"kancelaria/registry/archive"
)

// What verify finds about erasures.
const (
	foundStoneUnnamed = "tombstone_without_leaf"
	foundUnfinished   = "erasure_unfinished"
)

// graves compares the archive's tombstones with the leaves that order erasures:
// zeros are lawful only where both say so.
type graves struct {
	store   registry.Store
	archive *archive.Archive
	ordered []registry.ErasureLeaf
	all     bool // ordered are all there are
	report  func(registry.Finding) error
}

func (g graves) compare(ctx context.Context) error {
	buried := map[int64]registry.ItemID{} // by leaf
	for stone, err := range g.archive.Tombstones(ctx) {
		if err != nil {
			return fmt.Errorf("reading tombstones: %w", err)
		}
		buried[stone.Leaf] = stone.Item
		text, err := g.unnamed(ctx, stone)
		if err != nil {
			return err
		}
		if text != "" {
			if err := g.report(registry.Finding{Code: foundStoneUnnamed, Subject: "item " + stone.Item.String(), Text: text}); err != nil {
				return err
			}
		}
	}
	for _, o := range g.ordered {
		if buried[o.Leaf] == o.Item {
			continue
		}
		if err := g.unfinished(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// unnamed says why the leaf of a tombstone does not order what it says; "" if
// it does.
func (g graves) unnamed(ctx context.Context, stone archive.Tombstone) (string, error) {
	rows, err := g.store.Leaves(ctx, stone.Leaf, stone.Leaf+1)
	if err != nil {
		return "", err
	}
	var l registry.Line
	if len(rows) == 1 {
		if l, err = registry.ParseLine(rows[0].Content); err != nil {
			return fmt.Sprintf("its tombstone names leaf %d, whose content cannot be read", stone.Leaf), nil
		}
	}
	switch act := l.Draft.Act; {
	case act == nil || act.Kind != registry.ActErased:
		return fmt.Sprintf("its tombstone names leaf %d, which orders no erasure", stone.Leaf), nil
	case act.Subject != stone.Item.String() || l.Draft.Key != stone.Event || act.Text != string(stone.Reason):
		return fmt.Sprintf("its tombstone names leaf %d for %s (%s), and that leaf orders the erasure of %s for %s (%s)",
			stone.Leaf, stone.Reason, stone.Event, act.Subject, act.Text, l.Draft.Key), nil
	}
	return "", nil
}

// unfinished reports an order that was not carried out, unless it is about to
// be, or another gateway's archive holds the item.
func (g graves) unfinished(ctx context.Context, o registry.ErasureLeaf) error {
	arrived, err := g.store.Find(ctx, registry.Query{Of: registry.FindArrivals, Items: []registry.ItemID{o.Item}, Limit: 1})
	if err != nil {
		return err
	}
	noted, err := g.store.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: eraseNote, Limit: 1000})
	if err != nil {
		return err
	}
	for _, row := range arrived.Arrivals {
		if node, _, _ := strings.Cut(string(row.Place), "/"); node != g.archive.Node() {
			return nil
		}
		for _, n := range noted.Notes {
			if n.Key == o.Item.String() || n.Key == row.First.String() {
				return nil // the daemon is at it, or its next start goes on with it
			}
		}
	}
	return g.report(registry.Finding{
		Code: foundUnfinished, Subject: "item " + o.Item.String(),
		Text: fmt.Sprintf("leaf %d orders its erasure, and no tombstone says that it was done; give the order once more", o.Leaf),
	})
}
