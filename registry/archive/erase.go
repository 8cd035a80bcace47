package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"kancelaria/registry"
)

// A Reason is why something may be erased. The list is closed.
type Reason string

// The reasons. The first three are the daemon's own, after their term.
const (
	SpamExpired     Reason = "spam_expired"
	MalwareExpired  Reason = "malware_expired"
	BesideExpired   Reason = "beside_expired"
	CategoryExpired Reason = "category_expired"
	CourtOrder      Reason = "court_order"
	Classified      Reason = "classified" // two persons
)

// Reasons is the closed list.
func Reasons() []Reason {
	return []Reason{SpamExpired, MalwareExpired, BesideExpired, CategoryExpired, CourtOrder, Classified}
}

// An Erasure orders that an item be erased. The event that orders it is in the
// book already: its leaf is named by the tombstone.
type Erasure struct {
	Item   registry.ItemID
	Place  registry.Place // of its record; nothing about it lies before
	Reason Reason
	Event  string // key of the draft
	Leaf   int64
}

// Erase erases items: their manifests, every line of the copybook about them,
// and their originals. An original that several items share goes with the last
// of them. A tombstone is durable before the first byte goes; when Erase
// returns the bytes are gone from the disk. It may be repeated. Headers and
// digests stay, and with them the seal.
func (a *Archive) Erase(ctx context.Context, orders []Erasure) error {
	if len(orders) == 0 {
		return nil
	}
	stones, err := a.tombstones(ctx, orders)
	if err != nil {
		return fmt.Errorf("erasing: %w", err)
	}
	for batch := range slices.Chunk(stones, 256) {
		sheets := make([]registry.Sheet, len(batch))
		for i, t := range batch {
			b, err := json.Marshal(t)
			if err != nil {
				return err
			}
			sheets[i] = registry.Sheet{Item: t.Item, Bytes: b}
		}
		if _, err := a.append(ctx, registry.RecordTombstone, sheets, nil, 0); err != nil {
			return fmt.Errorf("erasing: writing tombstones: %w", err)
		}
		registry.FailEraseStone.Hit()
		for _, t := range batch {
			if err := a.bury(ctx, t); err != nil {
				return fmt.Errorf("erasing item %s: %w", t.Item, err)
			}
		}
	}
	return nil
}

// FinishErasures erases what tombstones name and is still there: in a copy of
// the archive that is older than they are, or where fsck found it.
func (a *Archive) FinishErasures(ctx context.Context) error {
	for t, err := range a.Tombstones(ctx) {
		if err == nil {
			err = a.bury(ctx, t)
		}
		if err != nil && !errors.Is(err, registry.ErrDamaged) && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("finishing erasures: %w", err)
		}
	}
	return nil
}

// tombstones walks the records once and finds all there is of the items.
func (a *Archive) tombstones(ctx context.Context, orders []Erasure) ([]Tombstone, error) {
	stones := make(map[registry.ItemID]*Tombstone, len(orders))
	start := place{}
	for _, o := range orders {
		p, err := parsePlace(o.Place)
		if err != nil {
			return nil, err
		}
		switch {
		case !slices.Contains(Reasons(), o.Reason):
			return nil, fmt.Errorf("%.40q is no reason to erase", string(o.Reason))
		case o.Event == "" || o.Leaf < 0 || o.Item.IsZero():
			return nil, fmt.Errorf("item %s: no event orders it", o.Item)
		case start.node != "" && p.node != start.node:
			return nil, errors.New("items of several nodes: erase them node by node")
		}
		if start.node == "" || p.segment < start.segment || p.segment == start.segment && p.offset < start.offset {
			start = p
		}
		stones[o.Item] = &Tombstone{Item: o.Item, Reason: o.Reason, Event: o.Event, Leaf: o.Leaf}
	}
	for r, err := range a.Records(ctx, start.public()) {
		if err != nil {
			return nil, err
		}
		if err := a.inscribe(ctx, r, stones); err != nil {
			return nil, err
		}
	}
	out := make([]Tombstone, 0, len(stones))
	for _, o := range orders {
		if t := stones[o.Item]; t != nil {
			if len(t.Places) == 0 {
				return nil, fmt.Errorf("item %s from %s on: %w", o.Item, o.Place, ErrNotFound)
			}
			out = append(out, *t)
			delete(stones, o.Item)
		}
	}
	return out, nil
}

// inscribe adds to the tombstones what record r holds of their items.
func (a *Archive) inscribe(ctx context.Context, r registry.Record, stones map[registry.ItemID]*Tombstone) error {
	if r.Kind == registry.RecordTombstone || r.Kind == registry.RecordMoved {
		return nil // they stay
	}
	var last *Tombstone
	left := 0
	for _, s := range r.Sheets {
		if t := stones[s.Item]; t != nil {
			t.Places = append(t.Places, r.Place)
			last = t
			continue
		}
		p, err := parsePlace(r.Place)
		if err != nil {
			return err
		}
		gone, err := a.marks.gone(ctx, p, s.Item)
		if err != nil {
			return err
		}
		if !gone {
			left++
		}
	}
	if last != nil && left == 0 && r.Kind == registry.RecordItems {
		last.Bodies = append(last.Bodies, r.Place)
	}
	return nil
}

// bury erases what a tombstone names.
func (a *Archive) bury(ctx context.Context, t Tombstone) error {
	for _, p := range t.Places {
		if err := a.punch(ctx, p, t.Item, slices.Contains(t.Bodies, p)); err != nil {
			return err
		}
	}
	return nil
}
