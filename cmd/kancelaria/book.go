package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry"
	"kancelaria/registry/postgres"
	"kancelaria/registry/sqlite"
)

// A book opens its store when it is first asked and again after a failure, so
// that the doors stand open while the database is down.
type book struct {
	open func(context.Context) (registry.Store, error)

	mu     sync.Mutex
	store  registry.Store // nil until opened
	closed bool
	trying *attempt // nil when nobody is opening
}

// An attempt to open the store, shared by all who ask meanwhile.
type attempt struct {
	done  chan struct{}
	store registry.Store
	err   error
}

var _ registry.Store = (*book)(nil)

// newBook prepares the store that the configuration names.
func newBook(cfg *config.Config, origin string, readOnly bool, now func() time.Time) *book {
	return &book{open: func(ctx context.Context) (registry.Store, error) {
		if cfg.Store.DSN == "" {
			return sqlite.Open(ctx, string(cfg.Store.SQLite), sqlite.Options{Now: now, Origin: origin, ReadOnly: readOnly})
		}
		o, err := postgresOptions(cfg, now)
		if err != nil {
			return nil, err
		}
		o.Origin = origin
		return postgres.Open(ctx, cfg.Store.DSN, o)
	}}
}

// get gives the store, opening it if need be. Whoever asks while somebody is
// opening gets the same answer: a server that does not answer is not stormed.
func (b *book) get(ctx context.Context) (registry.Store, error) {
	b.mu.Lock()
	if b.store != nil || b.closed {
		defer b.mu.Unlock()
		return b.store, b.shut()
	}
	try := b.trying
	if try == nil {
		try = &attempt{done: make(chan struct{})}
		b.trying = try
		go b.try(context.WithoutCancel(ctx), try) // bounded by the store's own connect time
	}
	b.mu.Unlock()
	select {
	case <-try.done:
		return try.store, try.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *book) shut() error {
	if b.closed {
		return fmt.Errorf("%w: the office is closing", registry.ErrUnavailable)
	}
	return nil
}

func (b *book) try(ctx context.Context, try *attempt) {
	defer close(try.done)
	store, err := b.open(ctx)
	if err != nil && !errors.Is(err, registry.ErrSchema) && !errors.Is(err, registry.ErrCorrupt) && !errors.Is(err, registry.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = nil
	if err == nil && b.closed {
		err = errors.Join(b.shut(), store.Close())
	}
	if try.err = err; err == nil {
		b.store, try.store = store, store
	}
}

// with runs a verb on the open store.
func with[T any](ctx context.Context, b *book, verb func(registry.Store) (T, error)) (T, error) {
	s, err := b.get(ctx)
	if err != nil {
		var none T
		return none, err
	}
	return verb(s)
}

// do is with for verbs that answer only with an error.
func (b *book) do(ctx context.Context, verb func(registry.Store) error) error {
	s, err := b.get(ctx)
	if err != nil {
		return err
	}
	return verb(s)
}

func (b *book) Commit(ctx context.Context, drafts []registry.Draft) ([]registry.Outcome, error) {
	return with(ctx, b, func(s registry.Store) ([]registry.Outcome, error) { return s.Commit(ctx, drafts) })
}

func (b *book) Replay(ctx context.Context, lines []registry.Line) error {
	return b.do(ctx, func(s registry.Store) error { return s.Replay(ctx, lines) })
}

func (b *book) Keep(ctx context.Context, notes []registry.Note) error {
	return b.do(ctx, func(s registry.Store) error { return s.Keep(ctx, notes) })
}

func (b *book) Head(ctx context.Context) (registry.Head, error) {
	return with(ctx, b, func(s registry.Store) (registry.Head, error) { return s.Head(ctx) })
}

func (b *book) Seal(ctx context.Context, c registry.Checkpoint) error {
	return b.do(ctx, func(s registry.Store) error { return s.Seal(ctx, c) })
}

func (b *book) Hashes(ctx context.Context, pos []int64) ([]registry.Digest, error) {
	return with(ctx, b, func(s registry.Store) ([]registry.Digest, error) { return s.Hashes(ctx, pos) })
}

func (b *book) Leaves(ctx context.Context, from, to int64) ([]registry.LeafRow, error) {
	return with(ctx, b, func(s registry.Store) ([]registry.LeafRow, error) { return s.Leaves(ctx, from, to) })
}

func (b *book) Find(ctx context.Context, q registry.Query) (registry.Page, error) {
	return with(ctx, b, func(s registry.Store) (registry.Page, error) { return s.Find(ctx, q) })
}

func (b *book) Claim(ctx context.Context, c registry.Claim) ([]registry.OutboxRow, error) {
	return with(ctx, b, func(s registry.Store) ([]registry.OutboxRow, error) { return s.Claim(ctx, c) })
}

func (b *book) Finish(ctx context.Context, rows []registry.OutboxRow) error {
	return b.do(ctx, func(s registry.Store) error { return s.Finish(ctx, rows) })
}

func (b *book) Lease(ctx context.Context, name, node string, ttl time.Duration, note string) (registry.Lease, error) {
	return with(ctx, b, func(s registry.Store) (registry.Lease, error) { return s.Lease(ctx, name, node, ttl, note) })
}

func (b *book) Index(ctx context.Context, texts []registry.Text) error {
	return b.do(ctx, func(s registry.Store) error { return s.Index(ctx, texts) })
}

func (b *book) Check(ctx context.Context) ([]registry.Finding, error) {
	return with(ctx, b, func(s registry.Store) ([]registry.Finding, error) { return s.Check(ctx) })
}

// Clock asks the store what time it is; a book in a file has no clock of its
// own and gives none.
func (b *book) Clock(ctx context.Context) (time.Time, error) {
	return with(ctx, b, func(s registry.Store) (time.Time, error) {
		if keeper, ok := s.(interface {
			Clock(ctx context.Context) (time.Time, error)
		}); ok {
			return keeper.Clock(ctx)
		}
		return time.Time{}, nil
	})
}

// Close closes what is open.
func (b *book) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.store == nil {
		return nil
	}
	err := b.store.Close()
	b.store = nil
	return err
}
