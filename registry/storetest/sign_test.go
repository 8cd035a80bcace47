package storetest

import (
	"context"
	"crypto/rand"
	"testing"

	"kancelaria/registry"
	"kancelaria/registry/ledger"
)

// A signer signs heads of the book under examination.
type signer struct {
	key    *ledger.Signer
	public string
}

func newSigner(t *testing.T) signer {
	t.Helper()
	secret, public, err := ledger.GenerateKey(rand.Reader, origin)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ledger.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, public}
}

// head signs the head of the first size leaves.
func (s signer) head(ctx context.Context, store registry.Store, size int64) (registry.Checkpoint, error) {
	root, err := ledger.Root(size, func(places []int64) ([]ledger.Hash, error) {
		stored, err := store.Hashes(ctx, places)
		out := make([]ledger.Hash, len(stored))
		for i, h := range stored {
			out[i] = ledger.Hash(h)
		}
		return out, err
	})
	if err != nil {
		return registry.Checkpoint{}, err
	}
	note, err := s.key.Sign(ledger.Checkpoint{Origin: origin, Size: size, Root: root})
	return registry.Checkpoint{Size: size, Root: registry.Digest(root), Note: note, SignedAt: Noon}, err
}
