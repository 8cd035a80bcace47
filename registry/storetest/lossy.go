package storetest

import (
	"context"
	"sync"

	"kancelaria/registry"
)

// A Lossy store fails as told: before a verb took effect, or after, when only
// the answer is lost. It counts the calls of each verb from 0.
type Lossy struct {
	registry.Store
	Before, After func(verb string, call int) error

	mu    sync.Mutex
	calls map[string]int
}

// around runs a verb between the two failures.
func (l *Lossy) around(verb string, do func() error) error {
	l.mu.Lock()
	if l.calls == nil {
		l.calls = map[string]int{}
	}
	call := l.calls[verb]
	l.calls[verb]++
	l.mu.Unlock()
	if l.Before != nil {
		if err := l.Before(verb, call); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if l.After != nil {
		return l.After(verb, call)
	}
	return nil
}

// Commit implements registry.Store.
func (l *Lossy) Commit(ctx context.Context, drafts []registry.Draft) (out []registry.Outcome, err error) {
	err = l.around("commit", func() (err error) {
		out, err = l.Store.Commit(ctx, drafts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Head implements registry.Store.
func (l *Lossy) Head(ctx context.Context) (h registry.Head, err error) {
	err = l.around("head", func() (err error) {
		h, err = l.Store.Head(ctx)
		return err
	})
	return h, err
}

// Find implements registry.Store.
func (l *Lossy) Find(ctx context.Context, q registry.Query) (p registry.Page, err error) {
	err = l.around("find", func() (err error) {
		p, err = l.Store.Find(ctx, q)
		return err
	})
	return p, err
}

// Leaves implements registry.Store.
func (l *Lossy) Leaves(ctx context.Context, from, to int64) (rows []registry.LeafRow, err error) {
	err = l.around("leaves", func() (err error) {
		rows, err = l.Store.Leaves(ctx, from, to)
		return err
	})
	return rows, err
}

// Seal implements registry.Store.
func (l *Lossy) Seal(ctx context.Context, c registry.Checkpoint) error {
	return l.around("seal", func() error { return l.Store.Seal(ctx, c) })
}
