package smtpd

import (
	"net/netip"
	"sync"
	"time"
)

// A gate counts who is here and who comes too often. Addresses of IPv6 count
// by their /64: whoever has one has all of them.
type gate struct {
	limits Limits
	now    func() time.Time

	mu       sync.Mutex
	all      int
	peers    map[netip.Addr]int
	networks map[netip.Prefix]int
	minute   int64 // the counts below are of this minute
	arrivals map[netip.Addr]int
	letters  map[netip.Addr]int
	bad      map[netip.Addr]int // refused recipients and logins
	refusals map[string]int
	refused  int // all refusals
	omitted  int // since the last line that was written down
}

// How many refusals of a minute are written down, of one peer and of all.
const peerRefusals, allRefusals = 60, 600

func newGate(limits Limits, now func() time.Time) *gate {
	return &gate{
		limits: limits, now: now,
		peers: map[netip.Addr]int{}, networks: map[netip.Prefix]int{},
		arrivals: map[netip.Addr]int{}, letters: map[netip.Addr]int{}, bad: map[netip.Addr]int{}, refusals: map[string]int{},
	}
}

// enter lets a connection in; who is let in must leave. One that is free of the
// limits for strangers is bound by twice the number of all.
func (g *gate) enter(peer netip.Addr, free bool) bool {
	who, where := household(peer), network(peer)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn()
	if free {
		if over(g.all+1, 2*g.limits.Connections) {
			return false
		}
	} else {
		g.arrivals[who]++
		if over(g.all+1, g.limits.Connections) || over(g.peers[who]+1, g.limits.PerPeer) ||
			over(g.networks[where]+1, g.limits.PerNetwork) || over(g.arrivals[who], g.limits.NewPerMinute) ||
			over(g.bad[who], g.limits.BadPerMinute) {
			return false
		}
	}
	g.all++
	g.peers[who]++
	g.networks[where]++
	return true
}

func (g *gate) leave(peer netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	less(g.peers, household(peer))
	less(g.networks, network(peer))
}

// less counts one down and forgets who is at none.
func less[K comparable](m map[K]int, k K) {
	if m[k]--; m[k] <= 0 {
		delete(m, k)
	}
}

func (g *gate) here() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all
}

// letter counts a letter of a stranger and reports whether he may send it.
func (g *gate) letter(peer netip.Addr) bool {
	who := household(peer)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn()
	g.letters[who]++
	return !over(g.letters[who], g.limits.LettersPerMinute)
}

// mischief counts a refused recipient or login: whoever guesses finds the door
// closed for the rest of the minute.
func (g *gate) mischief(peer netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn()
	g.bad[household(peer)]++
}

// note reports whether an attempt is to be written down, and how many before it
// were not.
func (g *gate) note(peer string, refusal bool) (write bool, omitted int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn()
	if refusal {
		g.refusals[peer]++
		g.refused++
		if g.refusals[peer] > peerRefusals || g.refused > allRefusals {
			g.omitted++
			return false, 0
		}
	}
	omitted, g.omitted = g.omitted, 0
	return true, omitted
}

// turn forgets the minute before.
func (g *gate) turn() {
	if m := g.now().Unix() / 60; m != g.minute {
		g.minute = m
		clear(g.arrivals)
		clear(g.letters)
		clear(g.bad)
		clear(g.refusals)
		g.refused = 0
	}
}

// household is what one subscriber can have: an IPv4 address, an IPv6 /64.
func household(a netip.Addr) netip.Addr {
	if a.Is6() {
		return prefix(a, 64).Addr()
	}
	return a
}

func network(a netip.Addr) netip.Prefix {
	if a.Is6() {
		return prefix(a, 56)
	}
	return prefix(a, 24)
}

// prefix of an address that may be none: a Unix peer has the zero one.
func prefix(a netip.Addr, bits int) netip.Prefix {
	p, _ := a.WithZone("").Prefix(bits) // fails for no address only, and gives the zero prefix
	return p
}
