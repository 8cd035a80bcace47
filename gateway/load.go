package gateway

import (
	"context"
	"sync"
)

// A load bounds what is between spool and book, by count and by bytes.
type load struct {
	mu      sync.Mutex
	items   int   // still allowed
	bytes   int64 // still allowed; may go below zero by one item
	held    int
	changed chan struct{} // closed and renewed when something is given back
}

// room waits until one more item may be taken.
func (l *load) room(ctx context.Context) error {
	for {
		l.mu.Lock()
		free, changed := l.items > 0 && l.bytes > 0, l.changed
		l.mu.Unlock()
		if free {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (l *load) take(size int64) { l.move(-1, -size) }

func (l *load) give(size int64) { l.move(1, size) }

func (l *load) move(items int, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.items += items
	l.bytes += bytes
	l.held -= items
	if items > 0 {
		close(l.changed)
		l.changed = make(chan struct{})
	}
}

// light reports whether at least half of what is allowed is still free.
func (l *load) light() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held <= l.items && l.bytes > 0
}
