package registry

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A Copybook writes lines of the book to this node's own disk, one sync for
// all of them. After it returns, nobody needs the database to know them.
type Copybook interface {
	Copybook(ctx context.Context, lines []Sheet) error
}

// ErrBehind means that the book is older than what this node remembers of it:
// numbers that were told to people are missing. Nothing is registered until
// they have been recovered.
var ErrBehind = errors.New("the book is older than what this node remembers")

// RegistrarOptions are what a Registrar works with. Office and Node are
// required; the zero value of the others works.
type RegistrarOptions struct {
	Office   func() *Office
	Node     string
	Copybook Copybook // nil: none is kept
	// Newest gives the newest line that this node's copybook holds, if any. A
	// book without that line is older than it was (see ErrBehind).
	Newest func(ctx context.Context) (Line, bool, error)
	// Hold, if set, says why nothing may be numbered yet: an office that was
	// restored waits for somebody who knows its last number.
	Hold func() error
	// Receipts says whether the office sends receipts (for releases).
	Receipts bool
	Now      func() time.Time
	// Steady is a clock that is never set, for noticing when Now's is.
	Steady func() time.Duration
	Rand   io.Reader // salts and keys; nil: crypto/rand
	Log    *slog.Logger
	// Group bounds how many drafts are written at once (default 256), Queue
	// how many may wait (default 8,192).
	Group, Queue int
	// Rhythm is how soon after a group the next is written while nobody waits
	// for a number (see Hurry); 0 is at once.
	Rhythm time.Duration
	// Written, if set, is called after each group with how many of its drafts
	// were written, how many were known, and how long it took.
	Written func(written, repeated int, took time.Duration)
}

// A Registrar is the only writer of the book on a node. Drafts queue up in
// the order they are offered; Run writes them in groups, first into the book,
// then into this node's copybook, and only then tells whoever waits.
type Registrar struct {
	store Store
	o     RegistrarOptions

	mu      sync.Mutex
	queue   []*offered // guarded by mu
	closed  bool       // guarded by mu: Run has ended
	trouble [2]error   // guarded by mu: why nothing is written, or copied

	copied atomic.Int64 // the highest leaf in the copybook; it only grows
	wake   chan struct{}
	hurry  chan struct{} // holds one when somebody waits for a number
	wrote  time.Duration // steady, when the last group was begun; owned by Run
	clock  clock         // owned by Run
	seen   memory        // owned by Run
}

// The two places where writing can be held up.
const (
	atBook = iota
	atCopybook
)

// An offered draft waits for its outcome.
type offered struct {
	draft Draft
	done  chan struct{} // closed when out and err are set
	out   Outcome
	err   error
}

func (o *offered) answer(out Outcome, err error) {
	o.out, o.err = out, err
	close(o.done)
}

// NewRegistrar makes a Registrar; Run starts it.
func NewRegistrar(store Store, o RegistrarOptions) *Registrar {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Steady == nil {
		began := time.Now()
		o.Steady = func() time.Duration { return time.Since(began) }
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Group = cmp.Or(o.Group, 256)
	o.Queue = cmp.Or(o.Queue, 8192)
	r := &Registrar{store: store, o: o, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1)}
	r.copied.Store(-1)
	if o.Copybook == nil {
		r.copied.Store(math.MaxInt64)
	}
	return r
}

// Offer queues a draft, in the order of the calls, and gives a function that
// waits until it is in the book and the copybook. A conflict or a refusal is
// an outcome (see Outcome.Err); an error means that the draft was not written,
// or that it is not known whether it was: offering the same key again is safe.
func (r *Registrar) Offer(ctx context.Context, d Draft) func(context.Context) (Outcome, error) {
	o := &offered{draft: d, done: make(chan struct{})}
	if err := r.complete(&o.draft); err != nil {
		return failed(err)
	}
	r.mu.Lock()
	switch {
	case ctx.Err() != nil:
		r.mu.Unlock()
		return failed(ctx.Err())
	case r.closed:
		r.mu.Unlock()
		return failed(fmt.Errorf("%w: the office is closing", ErrUnavailable))
	case len(r.queue) >= r.o.Queue:
		r.mu.Unlock()
		return failed(fmt.Errorf("%w: %d drafts are waiting already", ErrUnavailable, r.o.Queue))
	}
	r.queue = append(r.queue, o)
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // Run has been called already
	}
	return func(ctx context.Context) (Outcome, error) {
		select {
		case <-o.done:
			return o.out, o.err
		case <-ctx.Done():
			return Outcome{}, ctx.Err()
		}
	}
}

func failed(err error) func(context.Context) (Outcome, error) {
	return func(context.Context) (Outcome, error) { return Outcome{}, err }
}

// Submit offers a draft and waits for its outcome, as somebody who stands at
// the counter does.
func (r *Registrar) Submit(ctx context.Context, d Draft) (Outcome, error) {
	written := r.Offer(ctx, d)
	r.Hurry()
	return written(ctx)
}

// Hurry says that somebody waits for the outcome of a draft offered already:
// it is written without regard to the rhythm.
func (r *Registrar) Hurry() {
	select {
	case r.hurry <- struct{}{}:
	default: // asked for already
	}
}

// complete fills in what only the office knows of a draft.
func (r *Registrar) complete(d *Draft) error {
	d.Node = cmp.Or(d.Node, r.o.Node)
	if d.Actor == "" {
		d.Actor = Daemon
	}
	if (d.Salt != Salt{}) {
		return nil
	}
	if _, err := io.ReadFull(r.o.Rand, d.Salt[:]); err != nil {
		return fmt.Errorf("salting draft %s: %w", d.Key, err)
	}
	return nil
}

// Daemon is the actor of what nobody in particular does.
const Daemon = "kancelaria"

// Prompt reports whether a draft offered now would be written at once.
func (r *Registrar) Prompt() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.closed && r.trouble == [2]error{} && len(r.queue) < 2*r.o.Group
}

// Trouble says why nothing is registered at the moment; nil when all is well.
func (r *Registrar) Trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return cmp.Or(r.trouble[atBook], r.trouble[atCopybook])
}

// Copied is the highest leaf that this node's copybook holds: nobody may be
// told of a later one that this node wrote. Without a copybook there is no
// bound.
func (r *Registrar) Copied() int64 { return r.copied.Load() }

// Waiting counts the drafts that are not in the book yet.
func (r *Registrar) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.queue)
}

// troubled notes and logs why writing is held up; nil when it is not any more.
func (r *Registrar) troubled(where int, err error) {
	r.mu.Lock()
	before := r.trouble[where]
	r.trouble[where] = err
	r.mu.Unlock()
	switch {
	case err != nil && (before == nil || before.Error() != err.Error()):
		r.o.Log.Error("registrar.held_up", "err", err)
	case err == nil && before != nil:
		r.o.Log.Info("registrar.goes_on")
	}
}

// Run writes what is offered until ctx ends, then finishes the group in hand.
// What still waits then is told that the book cannot be reached; it was not
// lost, since whoever offered it offers it again.
func (r *Registrar) Run(ctx context.Context) error {
	if err := r.recall(ctx); err != nil {
		r.troubled(atBook, err) // asked again before anything is written
	} else if err := r.fit(ctx); errors.Is(err, ErrBehind) {
		r.troubled(atBook, err) // told before the first letter comes
	}
	copies := make(chan []*offered, 1)
	var copier sync.WaitGroup
	copier.Go(func() {
		for group := range copies {
			r.copy(ctx, group)
		}
	})
	for {
		group := r.take(ctx)
		if group == nil {
			break
		}
		r.write(ctx, group, copies)
	}
	close(copies)
	copier.Wait()

	r.mu.Lock()
	left := r.queue
	r.queue, r.closed = nil, true
	r.mu.Unlock()
	giveUp(left)
	return nil
}

func giveUp(group []*offered) {
	for _, o := range group {
		o.answer(Outcome{}, fmt.Errorf("%w: the office is closing", ErrUnavailable))
	}
}

// take waits for drafts and takes up to a group of them; nil when ctx ends.
func (r *Registrar) take(ctx context.Context) []*offered {
	for {
		if ctx.Err() != nil {
			return nil
		}
		if r.Waiting() > 0 && r.gather(ctx) {
			return r.next()
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// next takes a group off the queue.
func (r *Registrar) next() []*offered {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(len(r.queue), r.o.Group)
	group := r.queue[:n:n]
	r.queue = r.queue[n:]
	r.wrote = r.o.Steady()
	return group
}

// gather lets drafts come together for which nobody waits: each group costs the
// disk its syncs, and what it costs the door cannot use. The first draft after
// a while is not held up. False when ctx ends.
func (r *Registrar) gather(ctx context.Context) bool {
	rest := r.o.Rhythm - (r.o.Steady() - r.wrote)
	if rest <= 0 {
		return true
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	for r.Waiting() < r.o.Group/2 {
		select {
		case <-timer.C:
			return true
		case <-r.hurry:
			return true
		case <-r.wake:
		case <-ctx.Done():
			return false
		}
	}
	return true
}
