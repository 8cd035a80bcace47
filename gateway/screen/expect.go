package screen

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"kancelaria/registry"
)

// How long an answer that was asked for early is believed, and how many are
// remembered or asked for at once: peers choose what they name.
const (
	expectedFor = 5 * time.Minute
	mostExpect  = 512
)

// Expect asks DNS about a sender who has just named himself, while his letter
// is still on its way: SPF needs nothing of the letter. It takes at most the
// screen's bound. Whoever screens the letter then finds the answer, or waits
// for it.
func (s *Screen) Expect(ctx context.Context, peer netip.Addr, helo, from string) {
	if peer = peer.Unmap(); s.Resolver == nil || !outside(peer) || !s.dns.asks() {
		return
	}
	q := question{peer, helo, from}
	a := s.expected.begin(q, s.Now())
	if a == nil {
		return
	}
	defer close(a.done)
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	a.result = s.askSPF(ctx, peer, &registry.Envelope{Helo: helo, MailFrom: from})
}

// outside reports whether an address can be a sender's own.
func outside(ip netip.Addr) bool {
	return ip.IsValid() && !ip.IsLoopback() && !ip.IsPrivate() && !ip.IsLinkLocalUnicast()
}

// A question is what SPF is asked about.
type question struct {
	peer       netip.Addr
	helo, from string
}

// An early answer is there once done is closed.
type early struct {
	done   chan struct{}
	result string
	asked  time.Time
}

// expected remembers what was asked early. Its zero value works.
type expected struct {
	mu  sync.Mutex
	all map[question]*early
}

// begin notes a question that somebody is about to ask; nil if it was asked
// already, or too many are.
func (e *expected) begin(q question, now time.Time) *early {
	e.mu.Lock()
	defer e.mu.Unlock()
	if before := e.all[q]; before != nil && now.Sub(before.asked) < expectedFor {
		return nil
	}
	if len(e.all) >= mostExpect {
		for old, a := range e.all {
			if now.Sub(a.asked) >= expectedFor {
				delete(e.all, old)
			}
		}
	}
	if len(e.all) >= mostExpect {
		return nil
	}
	if e.all == nil {
		e.all = map[question]*early{}
	}
	a := &early{done: make(chan struct{}), asked: now}
	e.all[q] = a
	return a
}

// answer gives what was asked early, waiting for it if need be; false if
// nothing was, or it brought nothing.
func (e *expected) answer(ctx context.Context, q question, now time.Time) (string, bool) {
	e.mu.Lock()
	a := e.all[q]
	e.mu.Unlock()
	if a == nil || now.Sub(a.asked) >= expectedFor {
		return "", false
	}
	select {
	case <-a.done:
		return a.result, a.result != notChecked && a.result != resultTemp
	case <-ctx.Done():
		return "", false
	}
}
