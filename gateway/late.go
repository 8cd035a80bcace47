package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"kancelaria/registry"
)

// A LateReader reads what registering did not wait for.
type LateReader interface {
	// LateParts reports whether a document has parts that are read late.
	LateParts(doc registry.Document) bool
	// Late reads an item once more, and those parts.
	Late(ctx context.Context, it registry.Item) (LateText, error)
}

// A LateText is a document with the text that came late.
type LateText struct {
	Document registry.Document
	Text     string
	Parts    []registry.TextFound
	Flaws    []registry.Flaw
}

// A LateScreen asks neighbours again that did not answer in time.
type LateScreen interface {
	Scan(ctx context.Context, it registry.Item) registry.Malware
	// Authenticate takes its time; what still has no answer is Late again.
	Authenticate(ctx context.Context, it registry.Item, doc registry.Document) registry.Authentication
}

// A LateChecker looks at signatures once more, with time to ask.
type LateChecker interface {
	// Signed reads an item once more; the reports are all that can be found out.
	Signed(ctx context.Context, it registry.Item) (registry.Document, error)
}

// A LateBook is what is read and kept of the book.
type LateBook interface {
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
	Leaves(ctx context.Context, from, to int64) ([]registry.LeafRow, error)
	Keep(ctx context.Context, notes []registry.Note) error
	Lease(ctx context.Context, name, node string, ttl time.Duration, note string) (registry.Lease, error)
}

// An Admitting set of rules decides about letters that are in the book.
type Admitting interface {
	DecideAdmitted(it registry.Item, doc registry.Document, facts registry.Facts) registry.Decision
}

// LateOptions of a Late; all but Every and Log are required. A nil Reader,
// Screen or Checker switches off what it would do.
type LateOptions struct {
	Book    LateBook
	Record  func(ctx context.Context, d registry.Draft) (registry.Outcome, error) // the Registrar's Submit
	Reader  LateReader
	Screen  LateScreen
	Checker LateChecker
	Rules   func() Admitting
	Office  func() *registry.Office
	Node    string
	Now     func() time.Time
	Log     *slog.Logger
	Every   time.Duration // between looks: 5 s
}

// A Late finds out what registering does not wait for: the text of PDFs and
// scans, what DNS and the malware scanner say that did not answer in time. It
// walks the book behind the desk, one entry at a time, and appends findings;
// how far it came is a note in the book, so that a start goes on where the last
// one stopped. A finding may let the rules run again and yields a proposal,
// never another number. The original is not touched.
type Late struct {
	o LateOptions

	// Owned by Run.
	senders time.Time // when senders are asked about again
}

// NewLate makes a Late; Run starts it.
func NewLate(o LateOptions) *Late {
	if o.Every == 0 {
		o.Every = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Late{o: o}
}

// Run looks again and again until ctx ends. What the book hinders is done at
// the next look.
func (l *Late) Run(ctx context.Context) error {
	for {
		if err := l.Look(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, registry.ErrUnavailable) {
			l.o.Log.Warn("late.hindered", "err", err)
		}
		timer := time.NewTimer(l.o.Every)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// Several gateways on one book take turns: who holds the lease looks.
const (
	lateLease = "late"
	lateFor   = 10 * time.Minute
	// sendersEvery is how often a resolver that was silent is asked again, and
	// sendersFor for how long: then the verdict stays as it is.
	sendersEvery = 5 * time.Minute
	sendersFor   = 24 * time.Hour
)

// Look does what can be done now.
func (l *Late) Look(ctx context.Context) error {
	lease, err := l.o.Book.Lease(ctx, lateLease, l.o.Node, lateFor, "")
	if err != nil || !lease.Held {
		return err
	}
	if l.o.Screen != nil {
		if err := l.unscanned(ctx); err != nil {
			return err
		}
		if now := l.o.Now(); !now.Before(l.senders) {
			l.senders = now.Add(sendersEvery)
			if err := l.walk(ctx, "sender", l.wantsSender, l.sender); err != nil {
				return err
			}
		}
	}
	if l.o.Checker != nil {
		if err := l.walk(ctx, "signatures", wantsChecker, l.signatures); err != nil {
			return err
		}
	}
	if l.o.Reader == nil {
		return nil
	}
	return l.walk(ctx, "text", func(a *registry.Arrival) bool { return l.o.Reader.LateParts(a.Document) }, l.text)
}

// Notes of how far each walk came.
const (
	lateNote  = "late"
	lateBatch = 200
	// lateTries is how often one entry is tried: what kills its reader must not
	// keep it from all others.
	lateTries = 3
)

// A mark is how far a walk came.
type mark struct {
	Leaf  int64 `json:"leaf"`
	Tries int   `json:"tries,omitempty"`
}

// walk goes through the registrations behind its mark and does each that is
// wanted.
func (l *Late) walk(ctx context.Context, name string, wants func(*registry.Arrival) bool, do func(context.Context, registry.Line) error) error {
	at, err := l.mark(ctx, name)
	if err != nil {
		return err
	}
	for {
		leaves, err := l.o.Book.Leaves(ctx, at.Leaf, at.Leaf+lateBatch)
		if err != nil || len(leaves) == 0 {
			return err
		}
		for _, leaf := range leaves {
			line, ok := registration(leaf)
			if !ok || !wants(line.Draft.Arrival) {
				continue
			}
			if err := l.one(ctx, name, leaf.Index, &at, line, do); err != nil {
				return err
			}
		}
		at = mark{Leaf: leaves[len(leaves)-1].Index + 1}
		if err := l.keep(ctx, name, at); err != nil {
			return err
		}
	}
}

// one does one entry, counted before it is tried.
func (l *Late) one(ctx context.Context, name string, leaf int64, at *mark, line registry.Line, do func(context.Context, registry.Line) error) error {
	if at.Leaf != leaf {
		*at = mark{Leaf: leaf}
	}
	if at.Tries >= lateTries {
		l.o.Log.Warn("late.given_up", "what", name, "number", line.Outcome.Number)
		*at = mark{Leaf: leaf + 1}
		return nil
	}
	at.Tries++
	if err := l.keep(ctx, name, *at); err != nil {
		return err
	}
	if _, err := l.o.Book.Lease(ctx, lateLease, l.o.Node, lateFor, ""); err != nil {
		return err
	}
	if err := do(ctx, line); err != nil {
		return fmt.Errorf("looking once more at %s: %w", line.Outcome.Number, err)
	}
	*at = mark{Leaf: leaf + 1}
	return l.keep(ctx, name, *at)
}

func (l *Late) mark(ctx context.Context, name string) (mark, error) {
	var at mark
	found, err := l.o.Book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: lateNote, Key: name, Limit: 1})
	if err != nil || len(found.Notes) == 0 {
		return at, err
	}
	if json.Unmarshal(found.Notes[0].Value, &at) != nil || at.Leaf < 0 {
		at = mark{} // begin anew: a finding is written once, whoever finds it again
	}
	return at, nil
}

func (l *Late) keep(ctx context.Context, name string, at mark) error {
	value, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return l.o.Book.Keep(ctx, []registry.Note{{Kind: lateNote, Key: name, Value: value}})
}

// registration gives the line of an entry that came in, if the leaf is one.
func registration(leaf registry.LeafRow) (registry.Line, bool) {
	if leaf.Type != string(registry.Registered) || len(leaf.Content) == 0 {
		return registry.Line{}, false
	}
	line, err := registry.ParseLine(leaf.Content)
	if err != nil || line.Draft.Arrival == nil {
		return registry.Line{}, false
	}
	line.Draft.Arrival.Item.Place = line.Draft.Arrival.Place
	return line, true
}

// submit records an act of the daemon. What the law of the book refuses, say
// since the entry was annulled, is not worth another attempt.
func (l *Late) submit(ctx context.Context, key, reason string, act registry.Act) error {
	out, err := l.o.Record(ctx, registry.Draft{Key: key, Actor: registry.Daemon, Reason: reason, Act: &act})
	if err == nil {
		err = out.Err()
	}
	if errors.Is(err, registry.ErrRefused) || errors.Is(err, registry.ErrImmutable) || errors.Is(err, registry.ErrConflict) {
		l.o.Log.Warn("late.refused", "subject", act.Subject, "err", err)
		return nil
	}
	return err
}

func (l *Late) entry(ctx context.Context, n registry.Number) (registry.Work, bool, error) {
	found, err := l.o.Book.Find(ctx, registry.Query{Of: registry.FindEntry, Number: n, Limit: 1})
	if err != nil || len(found.Works) == 0 {
		return registry.Work{}, false, err
	}
	return found.Works[0], true, nil
}
