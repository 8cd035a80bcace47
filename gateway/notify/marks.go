package notify

import (
	"sync"
	"time"
)

// marks remembers names for a day. What a restart forgets is marked again by
// the next mail that comes back.
type marks struct {
	mu    sync.Mutex
	until map[string]time.Time // guarded by mu
}

const (
	markedFor = 24 * time.Hour
	maxMarks  = 10_000
)

func (m *marks) mark(name string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.until) >= maxMarks {
		for k, until := range m.until {
			if !now.Before(until) {
				delete(m.until, k)
			}
		}
	}
	if len(m.until) < maxMarks {
		m.until[name] = now.Add(markedFor)
	}
}

func (m *marks) marked(name string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return now.Before(m.until[name])
}
