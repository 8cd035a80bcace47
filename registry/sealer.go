package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"kancelaria/registry/ledger"
)

// SealerOptions are what a Sealer works with. Node is required.
type SealerOptions struct {
	Node string
	// Every is how often a head is signed at most (default a second), Look how
	// often the book is looked at unasked (default five).
	Every, Look time.Duration
	Now         func() time.Time
	Log         *slog.Logger
	// Sealed, if set, is called for each head that was signed and stored.
	Sealed func(c Checkpoint)
}

// A Sealer signs what is committed: the head of the ledger, at most once a
// second, on one node at a time. It never signs a head that does not continue
// the last one it knows: then the book was tampered with, or is an older one.
type Sealer struct {
	store Store
	key   *ledger.Signer
	o     SealerOptions
	ring  chan struct{}

	mu      sync.Mutex
	latest  Checkpoint // guarded by mu
	trouble error      // guarded by mu
}

// ErrForked means that the ledger does not continue the head signed before.
var ErrForked = errors.New("the ledger does not continue what was signed before")

// sealerLease is held by the node that seals.
const sealerLease = "sealer"

// NewSealer makes a Sealer; Run starts it.
func NewSealer(store Store, key *ledger.Signer, o SealerOptions) *Sealer {
	o.Every = cmp.Or(o.Every, time.Second)
	o.Look = cmp.Or(o.Look, 5*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Sealer{store: store, key: key, o: o, ring: make(chan struct{}, 1)}
}

// Ring tells the Sealer that something was committed. It does not block.
func (s *Sealer) Ring() {
	select {
	case s.ring <- struct{}{}:
	default:
	}
}

// Latest gives the newest head this node has seen signed; zero if none.
func (s *Sealer) Latest() Checkpoint {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.latest
}

// Trouble says why nothing is signed at the moment; nil when all is well.
func (s *Sealer) Trouble() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trouble
}

// Run signs until ctx ends, and what was committed by then.
func (s *Sealer) Run(ctx context.Context) error {
	look := time.NewTicker(s.o.Look)
	defer look.Stop()
	for {
		s.note(s.Seal(ctx))
		rest := time.NewTimer(s.o.Every)
		select {
		case <-rest.C:
		case <-ctx.Done():
			rest.Stop()
			return s.last(ctx)
		}
		select {
		case <-s.ring:
		case <-look.C:
		case <-ctx.Done():
			return s.last(ctx)
		}
	}
}

// last signs once more when the office closes.
func (s *Sealer) last(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	s.note(s.Seal(ctx))
	_, err := s.store.Lease(ctx, sealerLease, s.o.Node, 0, "")
	if err != nil {
		s.o.Log.Debug("sealer.lease_not_given_back", "err", err)
	}
	return nil
}

func (s *Sealer) note(err error) {
	s.mu.Lock()
	before := s.trouble
	s.trouble = err
	s.mu.Unlock()
	if err != nil && (before == nil || before.Error() != err.Error()) {
		s.o.Log.Error("sealer.held_up", "err", err)
	}
}

// Seal signs the head as it is now, if it is new and this node is the one that
// seals.
func (s *Sealer) Seal(ctx context.Context) error {
	lease, err := s.store.Lease(ctx, sealerLease, s.o.Node, 10*s.o.Look, "")
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	if err := s.catchUp(ctx); err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	if !lease.Held {
		return nil
	}
	head, err := s.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	latest := s.Latest()
	if head.Size == 0 || head.Size == latest.Size {
		return nil
	}
	if head.Size < latest.Size {
		return fmt.Errorf("%w: a head of %d leaves was signed, and there are %d", ErrForked, latest.Size, head.Size)
	}
	edge := head.tree()
	if !edge.Valid() {
		return fmt.Errorf("%w: the edge of the ledger has %d roots for %d leaves", ErrCorrupt, len(edge.Roots), edge.Size)
	}
	if err := s.continues(ctx, latest, edge); err != nil {
		return err
	}
	return s.sign(ctx, head, edge.Root())
}

// catchUp learns the newest head that is stored, by whatever node.
func (s *Sealer) catchUp(ctx context.Context) error {
	page, err := s.store.Find(ctx, Query{Of: FindCheckpoints, Limit: 1})
	if err != nil || len(page.Checkpoints) == 0 {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if newest := page.Checkpoints[0]; newest.Size > s.latest.Size {
		s.latest = newest
	}
	return nil
}

// continues makes sure that the tree begins with the one signed before.
func (s *Sealer) continues(ctx context.Context, latest Checkpoint, edge ledger.Edge) error {
	proof, err := ledger.Consistency(latest.Size, edge.Size, StoredHashes(ctx, s.store))
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	older := ledger.Hash(latest.Root)
	if latest.Size == 0 {
		older = ledger.EmptyRoot()
	}
	if err := ledger.CheckConsistency(proof, latest.Size, older, edge.Size, edge.Root()); err != nil {
		return fmt.Errorf("%w: %w", ErrForked, err)
	}
	return nil
}

func (s *Sealer) sign(ctx context.Context, head Head, root ledger.Hash) error {
	note, err := s.key.Sign(ledger.Checkpoint{Origin: head.Origin, Size: head.Size, Root: root})
	if err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	c := Checkpoint{Size: head.Size, Root: Digest(root), Note: note, SignedAt: s.o.Now().UTC().Truncate(time.Microsecond)}
	FailHeadBeforeStore.Hit()
	if err := s.store.Seal(ctx, c); err != nil {
		return fmt.Errorf("sealing: %w", err)
	}
	FailHeadAfterStore.Hit()
	s.mu.Lock()
	s.latest = c
	s.mu.Unlock()
	if s.o.Sealed != nil {
		s.o.Sealed(c)
	}
	return nil
}

// Root gives the root of the ledger's tree.
func (h Head) Root() Digest { return Digest(h.tree().Root()) }

// tree is the right edge of the ledger's tree, to append to.
func (h Head) tree() ledger.Edge {
	edge := ledger.Edge{Size: h.Size, Roots: make([]ledger.Hash, len(h.Edge), len(h.Edge)+1)}
	for i, root := range h.Edge {
		edge.Roots[i] = ledger.Hash(root)
	}
	return edge
}

// A hashed book gives stored hashes of its tree.
type hashed interface {
	Hashes(ctx context.Context, pos []int64) ([]Digest, error)
}

// StoredHashes reads tree hashes out of a store, for proofs.
func StoredHashes(ctx context.Context, store hashed) ledger.HashReader {
	return func(places []int64) ([]ledger.Hash, error) {
		stored, err := store.Hashes(ctx, places)
		if err != nil {
			return nil, err
		}
		out := make([]ledger.Hash, len(stored))
		for i, h := range stored {
			out[i] = ledger.Hash(h)
		}
		return out, nil
	}
}
