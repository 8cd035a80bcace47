package spool

import (
	"context"

	"kancelaria/registry"
)

// Item reads an item's manifest back, settled or not.
func (s *Spool) Item(ctx context.Context, p registry.Place, id registry.ItemID) (registry.Item, error) {
	return s.read(ctx, p, id)
}
