package gateway

import (
	"context"
	"sync"
	"time"
)

// hold is how long an item that is not ready holds up those behind it: number
// order should follow arrival, but a slow letter must not stop the office.
const hold = 200 * time.Millisecond

// A line keeps items in order of arrival on their way to the book.
type line struct {
	mu   sync.Mutex
	last *turn
}

// A turn is a place in the line.
type turn struct {
	ahead  *turn // nil once nobody is; guarded by being waited on only once
	passed chan struct{}
	once   sync.Once
}

// join takes the place behind everybody.
func (l *line) join() *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := &turn{ahead: l.last, passed: make(chan struct{})}
	l.last = t
	return t
}

// wait returns when everybody ahead has passed, or has held us up long enough.
func (t *turn) wait(ctx context.Context) {
	ahead := t.ahead
	t.ahead = nil // what passed long ago must not be kept in memory by a chain
	if ahead == nil {
		return
	}
	select {
	case <-ahead.passed:
		return
	default:
	}
	timer := time.NewTimer(hold)
	defer timer.Stop()
	select {
	case <-ahead.passed:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// pass lets those behind go on; it may be called again.
func (t *turn) pass() {
	t.once.Do(func() {
		t.ahead = nil
		close(t.passed)
	})
}
