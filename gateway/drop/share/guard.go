package share

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"time"
)

// Refused logons before a pause, and the pause: fewer and longer than any
// domain's rule for locking an account.
const (
	maxRefused = 2
	pause      = 15 * time.Minute
)

// A Guard keeps accounts from being locked. Shares that log on by the same
// account must have the same guard.
type Guard struct {
	now func() time.Time

	mu      sync.Mutex
	refused map[string]*refusals // by account; guarded by mu
}

// refusals are those of one account with one password.
type refusals struct {
	password [sha256.Size]byte
	count    int
	last     time.Time
	why      error
}

// An account as one server knows it.
type account struct {
	server, domain, user string
	password             [sha256.Size]byte
}

func (a account) key() string { return a.server + "\x00" + a.domain + "\x00" + a.user }

// NewGuard makes a guard with its clock.
func NewGuard(now func() time.Time) *Guard {
	return &Guard{now: now, refused: map[string]*refusals{}}
}

// allow says whether a logon may be tried; a changed password always may.
func (g *Guard) allow(a account) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := g.refused[a.key()]
	if r == nil || r.password != a.password || r.count < maxRefused {
		return nil
	}
	if next := r.last.Add(pause); g.now().Before(next) {
		return fmt.Errorf("%w; not tried again before %s, so that the account is not locked", r.why, next.Format("15:04"))
	}
	return nil
}

// told hears how a logon went.
func (g *Guard) told(a account, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !isLogon(err) {
		if err == nil {
			delete(g.refused, a.key())
		}
		return
	}
	r := g.refused[a.key()]
	if r == nil || r.password != a.password {
		r = &refusals{password: a.password}
		g.refused[a.key()] = r
	}
	r.count, r.last, r.why = r.count+1, g.now(), err
}
