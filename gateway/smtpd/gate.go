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
	refused  map[netip.Addr]int
}

func newGate(limits Limits, now func() time.Time) *gate {
	return &gate{
		limits: limits, now: now,
		peers: map[netip.Addr]int{}, networks: map[netip.Prefix]int{},
		arrivals: map[netip.Addr]int{}, letters: map[netip.Addr]int{}, refused: map[netip.Addr]int{},
	}
}

// enter lets a connection in; who is let in must leave. first tells whether a
// refusal is the first of this peer in this minute: further ones are not worth
// a line in the log.
func (g *gate) enter(peer netip.Addr, trusted bool) (in, first bool) {
	who := household(peer)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn()
	most := g.limits.Connections
	if trusted {
		most *= 2
	}
	g.arrivals[who]++
	refuse := over(g.all+1, most)
	if !trusted {
		refuse = refuse || over(g.peers[who]+1, g.limits.PerPeer) ||
			over(g.networks[network(peer)]+1, g.limits.PerNetwork) ||
			over(g.arrivals[who], g.limits.NewPerMinute)
	}
	if refuse {
		g.refused[who]++
		return false, g.refused[who] == 1
	}
	g.all++
	g.peers[who]++
	g.networks[network(peer)]++
	return true, false
}

func (g *gate) leave(peer netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if who := household(peer); g.peers[who] > 1 {
		g.peers[who]--
	} else {
		delete(g.peers, who)
	}
	if where := network(peer); g.networks[where] > 1 {
		g.networks[where]--
	} else {
		delete(g.networks, where)
	}
}

// letter counts a letter of a stranger and reports whether he may send it.
func (g *gate) letter(peer netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn()
	who := household(peer)
	g.letters[who]++
	return !over(g.letters[who], g.limits.LettersPerMinute)
}

// turn forgets the minute before.
func (g *gate) turn() {
	if m := g.now().Unix() / 60; m != g.minute {
		g.minute = m
		clear(g.arrivals)
		clear(g.letters)
		clear(g.refused)
	}
}

// household is what one subscriber can have: an IPv4 address, an IPv6 /64.
func household(a netip.Addr) netip.Addr {
	if a.Is6() {
		p, _ := a.WithZone("").Prefix(64) // 64 fits every IPv6 address
		return p.Addr()
	}
	return a
}

func network(a netip.Addr) netip.Prefix {
	bits := 24
	if a.Is6() {
		bits = 56
	}
	p, _ := a.WithZone("").Prefix(bits) // fits; the zero address gives the zero prefix
	return p
}
