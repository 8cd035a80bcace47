package web

import (
	"net/netip"
	"sync"
	"time"
)

// How many wrong passwords in guardWindow are let pass: of one login from one
// address, of one address, of one login from anywhere.
const (
	guardWindow  = 15 * time.Minute
	mostBoth     = 5
	mostAddress  = 30
	mostLogin    = 50
	mostWatched  = 20_000
	guardSubnet6 = 64 // who has one IPv6 address has them all
)

// A guard slows those who guess passwords. It forgets with a restart, and when
// there are too many to remember.
type guard struct {
	now func() time.Time

	mu     sync.Mutex
	failed map[string][]time.Time // guarded by mu
}

func newGuard(now func() time.Time) *guard {
	return &guard{now: now, failed: map[string][]time.Time{}}
}

func watched(login string, from netip.Addr) map[string]int {
	net := from.String()
	if p, err := from.Prefix(guardSubnet6); err == nil && from.Is6() {
		net = p.String()
	}
	return map[string]int{"both " + login + " " + net: mostBoth, "from " + net: mostAddress, "login " + login: mostLogin}
}

// wait says how long whoever tries this login from this address has to wait;
// zero if not at all.
func (g *guard) wait(login string, from netip.Addr) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	now, longest := g.now(), time.Duration(0)
	for key, most := range watched(login, from) {
		times := g.recent(key, now)
		if len(times) >= most {
			longest = max(longest, times[len(times)-most].Add(guardWindow).Sub(now))
		}
	}
	return longest
}

// recent forgets what is older than the window.
func (g *guard) recent(key string, now time.Time) []time.Time {
	times := g.failed[key]
	for len(times) > 0 && now.Sub(times[0]) >= guardWindow {
		times = times[1:]
	}
	if len(times) == 0 {
		delete(g.failed, key)
		return nil
	}
	g.failed[key] = times
	return times
}

// try counts an attempt before its password is looked at, so that many at once
// gain nothing.
func (g *guard) try(login string, from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if len(g.failed) > mostWatched {
		clear(g.failed)
	}
	for key := range watched(login, from) {
		g.failed[key] = append(g.recent(key, now), now)
	}
}

// right takes back the attempt of somebody who knew the password, and forgives
// them those before.
func (g *guard) right(login string, from netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for key, most := range watched(login, from) {
		if times := g.failed[key]; most == mostBoth || len(times) < 2 {
			delete(g.failed, key)
		} else {
			g.failed[key] = times[:len(times)-1]
		}
	}
}
