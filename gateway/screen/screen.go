// Package screen finds out what can be known of a letter before it is decided
// about: who sent it (SPF, DKIM, DMARC) and whether a scanner knows malware in
// it.
//
// Everything here asks somebody else, so everything is bounded and may be
// missing: "not checked" is an answer of its own and never means "fail". What
// becomes of the letter is for the rules.
package screen

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"kancelaria/registry"
)

// Originals opens the bytes of an item for signatures and scanners.
type Originals interface {
	Open(ctx context.Context, it registry.Item) (registry.OpenOriginal, error)
}

// A Resolver answers what DNS is asked; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// Options of a Screen. Originals is required.
type Options struct {
	Originals  Originals
	AuthservID string        // whose Authentication-Results are believed; "" nobody's
	Resolver   Resolver      // nil: DNS is not asked
	Timeout    time.Duration // for all that DNS is asked about one letter (1.5 s)
	Clamd      string        // unix:PATH or host:port; "" no scanner
	ScanTime   time.Duration // for one letter (60 s)
	Now        func() time.Time
	Log        *slog.Logger
}

// A Screen asks about letters. It may be used by many at once.
type Screen struct {
	Options
	dns      patience
	scanner  patience
	expected expected
}

// New makes a Screen.
func New(o Options) *Screen {
	if o.Timeout == 0 {
		o.Timeout = 1500 * time.Millisecond
	}
	if o.ScanTime == 0 {
		o.ScanTime = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Screen{Options: o, dns: patience{now: o.Now}, scanner: patience{now: o.Now}}
}

// Screen gives the document with what was found out. Both questions are asked
// side by side.
func (s *Screen) Screen(ctx context.Context, it registry.Item, doc registry.Document) registry.Document {
	var auth registry.Authentication
	var malware registry.Malware
	var asking sync.WaitGroup
	asking.Go(func() { auth = s.authenticate(ctx, it, doc, s.Timeout) })
	asking.Go(func() { malware = s.scan(ctx, it) })
	asking.Wait()
	doc.Auth, doc.Malware = auth, malware
	switch malware.State {
	case registry.ScanFound:
		doc.Flags = registry.AddFlags(doc.Flags, registry.FlagMalware)
	case registry.ScanNot:
		doc.Flags = registry.AddFlags(doc.Flags, registry.FlagNotScanned)
	}
	if auth.Verdict == registry.Forged {
		doc.Flags = registry.AddFlags(doc.Flags, registry.FlagForgedSender)
	}
	return doc
}

// Scan asks the scanner about an item alone.
func (s *Screen) Scan(ctx context.Context, it registry.Item) registry.Malware { return s.scan(ctx, it) }

// Authenticate asks DNS about an item alone, and takes its time: nobody waits.
func (s *Screen) Authenticate(ctx context.Context, it registry.Item, doc registry.Document) registry.Authentication {
	return s.authenticate(ctx, it, doc, patientTimeout)
}

// patientTimeout is for all that DNS is asked about one letter afterwards.
const patientTimeout = 20 * time.Second

// open reads an item's original from its beginning.
func (s *Screen) open(ctx context.Context, it registry.Item) (io.ReadCloser, error) {
	return s.Originals.Open(ctx, it)
}

// How often in a row a neighbour may keep us waiting, and for how long it is
// then left in peace: a resolver that is down must not cost every letter its
// whole bound.
const (
	patienceTimes = 3
	patienceRest  = 30 * time.Second
)

// A patience remembers whether a neighbour answers.
type patience struct {
	now func() time.Time

	mu    sync.Mutex
	late  int
	until time.Time
}

// asks reports whether the neighbour is worth asking.
func (p *patience) asks() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.now().Before(p.until)
}

// note remembers whether an answer came.
func (p *patience) note(answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if answered {
		p.late = 0
		return
	}
	if p.late++; p.late >= patienceTimes {
		p.late, p.until = 0, p.now().Add(patienceRest)
	}
}

// Down reports whether DNS or the scanner are being left in peace.
func (s *Screen) Down() (dns, scanner bool) { return !s.dns.asks(), !s.scanner.asks() }
