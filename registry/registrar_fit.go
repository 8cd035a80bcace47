package registry

import (
	"context"
	"fmt"
	"time"
)

// When the clock is not to be trusted (DESIGN § 4, clock), and how often what
// cannot be seen from here is asked for.
const (
	clockJump    = time.Minute
	clockApart   = 5 * time.Second
	fitnessEvery = 30 * time.Second
)

// A clock is what the Registrar's clocks showed when they were last trusted.
type clock struct {
	wall    time.Time
	steady  time.Duration
	jumped  bool
	checked time.Duration // steady, when the store was last asked
}

// A timekeeper is a store that knows what time it is by itself.
type timekeeper interface {
	Clock(ctx context.Context) (time.Time, error)
}

// A memory is the newest line this node knows to be in the book.
type memory struct {
	asked   bool // the copybook was asked
	known   bool
	leaf    int64
	key     string
	checked bool // the book was found to hold it
}

func (m *memory) remember(leaf int64, key string) {
	if !m.known || leaf > m.leaf {
		m.known, m.leaf, m.key = true, leaf, key
	}
}

// fit says why nothing may be registered now: a clock that cannot be trusted
// would poison an append-only book for ever, and a book that is older than
// what was told gives numbers twice.
func (r *Registrar) fit(ctx context.Context) error {
	now, steady := r.o.Now().Round(0), r.o.Steady()
	jump := now.Sub(r.clock.wall) - (steady - r.clock.steady)
	r.clock.jumped = !r.clock.wall.IsZero() && jump.Abs() > clockJump
	if !r.clock.jumped {
		r.clock.wall, r.clock.steady = now, steady
	}
	due := r.clock.jumped || !r.seen.checked || steady-r.clock.checked >= fitnessEvery
	if !due {
		return nil
	}
	if r.o.Hold != nil {
		if err := r.o.Hold(); err != nil {
			return err
		}
	}
	head, err := r.store.Head(ctx)
	if err != nil {
		return fmt.Errorf("reading the head of the book: %w", err)
	}
	if err := r.clockFits(ctx, head, now); err != nil {
		return err
	}
	if err := r.bookFits(ctx, head); err != nil {
		return err
	}
	r.clock.checked, r.seen.checked = steady, true
	return nil
}

// clockFits compares the clock with the store's, if it has one, and with the
// last leaf. A store's clock that agrees clears a jump: a machine that slept
// was right to jump.
func (r *Registrar) clockFits(ctx context.Context, head Head, now time.Time) error {
	if keeper, ok := r.store.(timekeeper); ok {
		before := r.o.Steady()
		theirs, err := keeper.Clock(ctx)
		if err != nil {
			return fmt.Errorf("asking the database for the time: %w", err)
		}
		took := r.o.Steady() - before
		if apart := theirs.Sub(now); !theirs.IsZero() {
			if apart < -clockApart || apart > clockApart+took {
				return fmt.Errorf("the clock differs from the database's by %s; nothing is registered until they agree", apart.Abs().Round(time.Millisecond))
			}
			r.clock.jumped, r.clock.wall, r.clock.steady = false, now, r.o.Steady()
		}
	}
	if r.clock.jumped {
		return fmt.Errorf("the clock jumped by more than %s; set it right and restart, nothing is registered before", clockJump)
	}
	if behind := head.LastAt.Sub(now); behind > clockJump {
		return fmt.Errorf("the clock is %s behind the last entry of the book; set it right, nothing is registered before", behind.Round(time.Second))
	}
	return nil
}

// recall asks the copybook once for the newest line it holds.
func (r *Registrar) recall(ctx context.Context) error {
	if r.seen.asked || r.o.Newest == nil {
		return nil
	}
	line, found, err := r.o.Newest(ctx)
	if err != nil {
		return fmt.Errorf("reading the copybook: %w", err)
	}
	r.seen.asked = true
	if found {
		r.seen.remember(line.Outcome.Leaf, line.Draft.Key)
		r.holds(line.Outcome.Leaf)
	}
	return nil
}

// bookFits makes sure that the book holds the newest line this node knows.
func (r *Registrar) bookFits(ctx context.Context, head Head) error {
	if err := r.recall(ctx); err != nil {
		return err
	}
	if !r.seen.known {
		return nil
	}
	if head.Size <= r.seen.leaf {
		return fmt.Errorf("%w: it has %d leaves and lacks leaf %d; see \"kancelaria help recover\"", ErrBehind, head.Size, r.seen.leaf)
	}
	leaves, err := r.store.Leaves(ctx, r.seen.leaf, r.seen.leaf+1)
	if err != nil {
		return fmt.Errorf("reading leaf %d: %w", r.seen.leaf, err)
	}
	if len(leaves) != 1 || leaves[0].Key != r.seen.key {
		return fmt.Errorf("%w: leaf %d is not the one this node has written; see \"kancelaria help recover\"", ErrBehind, r.seen.leaf)
	}
	return nil
}
