package screen

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"kancelaria/registry"
)

// A counting zone says how often it was asked for a name, and keeps those who
// ask waiting until it is opened.
type counting struct {
	zone
	open chan struct{} // nil: it answers at once
	came chan struct{} // a question is out

	mu    *sync.Mutex
	asked map[string]int
}

func (c counting) LookupTXT(ctx context.Context, name string) ([]string, error) {
	c.mu.Lock()
	c.asked[name]++
	c.mu.Unlock()
	if c.open != nil {
		select {
		case c.came <- struct{}{}:
		default:
		}
		select {
		case <-c.open:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return c.zone.LookupTXT(ctx, name)
}

func newCounting(open chan struct{}) counting {
	return counting{
		zone: zone{txt: map[string]string{"sender.example": "v=spf1 ip4:203.0.113.7 -all", "_dmarc.sender.example": "v=DMARC1; p=reject"}},
		open: open, came: make(chan struct{}, 1), mu: &sync.Mutex{}, asked: map[string]int{},
	}
}

func (c counting) times(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[name]
}

var outsider = netip.MustParseAddr("203.0.113.7")

func TestWhatWasAskedAtMailIsNotAskedAgain(t *testing.T) {
	dns := newCounting(nil)
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	s := New(Options{Originals: letters(nil), Resolver: dns, Now: func() time.Time { return now }})
	for range 3 { // letters of one session
		s.Expect(t.Context(), outsider, "mx.sender.example", "a@sender.example")
	}
	for _, tt := range []struct {
		name  string
		after time.Duration
		from  string
		want  int // questions about the sender's domain until now
	}{
		{"the letter that was announced", time.Second, "a@sender.example", 1},
		{"another sender", 0, "b@sender.example", 2},
		{"an answer that is old", expectedFor, "a@sender.example", 3},
	} {
		now = now.Add(tt.after)
		doc := s.Screen(t.Context(), mail("203.0.113.7:4000", tt.from, false), by(tt.from))
		if got := dns.times("sender.example"); got != tt.want || doc.Auth.SPF != resultPass {
			t.Errorf("%s: asked %d times, want %d; SPF %s", tt.name, got, tt.want, doc.Auth.SPF)
		}
	}
}

func TestAnAnswerOnItsWayIsWaitedFor(t *testing.T) {
	dns := newCounting(make(chan struct{}))
	s := New(Options{Originals: letters(nil), Resolver: dns, Timeout: time.Minute})
	var asking sync.WaitGroup
	asking.Go(func() { s.Expect(t.Context(), outsider, "mx.sender.example", "a@sender.example") })
	<-dns.came
	var doc registry.Document
	asking.Go(func() {
		doc = s.Screen(t.Context(), mail("203.0.113.7:4000", "a@sender.example", false), by("a@sender.example"))
	})
	close(dns.open)
	asking.Wait()
	if doc.Auth.SPF != resultPass || dns.times("sender.example") != 1 {
		t.Errorf("SPF %s, asked %d times", doc.Auth.SPF, dns.times("sender.example"))
	}
}

func TestNobodyInTheHouseIsAskedAbout(t *testing.T) {
	dns := newCounting(nil)
	s := New(Options{Originals: letters(nil), Resolver: dns})
	for _, peer := range []string{"127.0.0.1", "10.0.0.5", "fe80::1", "::ffff:192.168.1.7"} {
		s.Expect(t.Context(), netip.MustParseAddr(peer), "mx.sender.example", "a@sender.example")
	}
	s.Expect(t.Context(), netip.Addr{}, "mx.sender.example", "a@sender.example")
	if n := dns.times("sender.example"); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestWhatIsExpectedIsBounded(t *testing.T) {
	var e expected
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	begun := 0
	for i := range 2 * mostExpect {
		if e.begin(question{outsider, "", string(rune(i))}, now) != nil {
			begun++
		}
	}
	if begun != mostExpect {
		t.Errorf("%d questions at once", begun)
	}
	if e.begin(question{from: "later"}, now.Add(expectedFor)) == nil || len(e.all) != 1 {
		t.Errorf("%d old questions are kept", len(e.all))
	}
}
