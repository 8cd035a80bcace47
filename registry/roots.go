package registry

import (
	"context"
	"fmt"

	"kancelaria/registry/ledger"
)

// RootAt gives the root of the ledger's tree when it had size leaves.
func RootAt(ctx context.Context, store hashed, size int64) (Digest, error) {
	root, err := ledger.Root(size, StoredHashes(ctx, store))
	if err != nil {
		return Digest{}, fmt.Errorf("computing the root of %d leaves: %w", size, err)
	}
	return Digest(root), nil
}

// LeafHashes gives the leaf hashes from ≤ index < to.
func LeafHashes(ctx context.Context, store hashed, from, to int64) ([]Digest, error) {
	places := make([]int64, 0, max(to-from, 0))
	for i := from; i < to; i++ {
		places = append(places, ledger.LeafPlace(i))
	}
	hashes, err := store.Hashes(ctx, places)
	if err != nil {
		return nil, fmt.Errorf("reading the hashes of leaves %d to %d: %w", from, to, err)
	}
	return hashes, nil
}
