package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/archive"
)

// A Book is what the mover asks of the register.
type Book interface {
	Leaves(ctx context.Context, from, to int64) ([]registry.LeafRow, error)
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
	Keep(ctx context.Context, notes []registry.Note) error
}

// Originals is what it asks of the archive.
type Originals interface {
	Original(ctx context.Context, p registry.Place, item registry.ItemID) (registry.OpenOriginal, error)
	Sheet(ctx context.Context, p registry.Place, item registry.ItemID) ([]byte, error)
	Punch(ctx context.Context, moves []archive.Move) error
}

// A Store is the Bucket; tests put another in its place.
type Store interface {
	Put(ctx context.Context, name string, o registry.OpenOriginal, until time.Time) (locator string, err error)
	Returns(ctx context.Context, locator string, want registry.Digest, size int64) error
	Extend(ctx context.Context, locator string, until time.Time) error
	Remove(ctx context.Context, locator string, now time.Time) error
}

// MoverOptions of a Mover; all but Log are required.
type MoverOptions struct {
	Book      Book
	Originals Originals
	Store     Store
	Node      string // whose originals
	Office    func() *registry.Office
	// Lock is how far ahead originals are locked: short, so that a court's order
	// can be followed, and renewed at half its length.
	Lock time.Duration
	// KeepLocal is how long bodies stay in the segments too; 0 is for ever.
	KeepLocal time.Duration
	Now       func() time.Time
	Log       *slog.Logger
}

// A Mover brings registered originals to the second home.
type Mover struct {
	MoverOptions

	mu      sync.Mutex
	stored  int64  // guarded by mu: since the start
	upTo    int64  // guarded by mu: leaves dealt with
	trouble string // guarded by mu: why nothing is stored now
}

// NewMover makes a Mover; Run starts it.
func NewMover(o MoverOptions) *Mover {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Mover{MoverOptions: o}
}

// A Progress says how far a Mover is.
type Progress struct {
	Stored  int64  // originals stored since the start
	UpTo    int64  // leaves of the ledger that were dealt with
	Trouble string // why nothing is stored now, or empty
}

// Progress reports how far the mover is.
func (m *Mover) Progress() Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	return Progress{m.stored, m.upTo, m.trouble}
}

// A Copy is what the book keeps of an original in the second home.
type Copy struct {
	Number  string          `json:"number"`
	Node    string          `json:"node"`
	Place   registry.Place  `json:"place"`
	Digest  registry.Digest `json:"digest"`
	Size    int64           `json:"size"`
	Locator string          `json:"locator"`
	Stored  time.Time       `json:"stored"`
	Until   time.Time       `json:"until"`           // of its lock
	Moved   bool            `json:"moved,omitempty"` // the local body was given back
	Gone    bool            `json:"gone,omitempty"`  // removed after a lawful erasure
}

// The notes of the second home in the book.
const (
	noteKind   = "s3"
	noteCopies = "original/"
	noteUpTo   = "upto/"
)

// How many leaves a step deals with, and how often the mover looks.
const (
	step       = 100
	pause      = 5 * time.Second
	pauseMost  = 5 * time.Minute
	renewEvery = 6 * time.Hour
)

// Run stores, renews and moves until ctx ends.
func (m *Mover) Run(ctx context.Context) error {
	wait, renewed := pause, time.Time{}
	for ctx.Err() == nil {
		more, err := m.Fill(ctx)
		if err == nil && !more && m.Now().Sub(renewed) >= renewEvery {
			if err = m.Renew(ctx); err == nil {
				renewed = m.Now()
			}
		}
		m.note(ctx, err)
		switch {
		case err != nil:
			wait = min(2*wait, pauseMost)
		case more:
			continue
		default:
			wait = pause
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return nil
}

func (m *Mover) note(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	m.mu.Lock()
	before := m.trouble
	m.trouble = text
	m.mu.Unlock()
	if text != "" && text != before {
		m.Log.Warn("archive.second_home", "err", err)
	}
}

// Fill stores what the next leaves have registered and reports whether there
// are more. It goes on where it stopped, also over a restart; on the day the
// second home is switched on that is the first leaf of the book.
func (m *Mover) Fill(ctx context.Context) (more bool, err error) {
	from, err := m.filledUpTo(ctx)
	if err != nil {
		return false, err
	}
	leaves, err := m.Book.Leaves(ctx, from, from+step)
	if err != nil || len(leaves) == 0 {
		return false, err
	}
	var notes []registry.Note
	for _, leaf := range leaves {
		c, item, ok, err := m.store(ctx, leaf)
		if err != nil {
			// What was stored before is found again by its name.
			return false, err
		}
		if !ok {
			continue
		}
		n, err := c.note(item)
		if err != nil {
			return false, err
		}
		notes = append(notes, n)
	}
	upTo := leaves[len(leaves)-1].Index + 1
	notes = append(notes, registry.Note{Kind: noteKind, Key: noteUpTo + m.Node, Value: strconv.AppendInt(nil, upTo, 10)})
	if err := m.Book.Keep(ctx, notes); err != nil {
		return false, fmt.Errorf("noting what the second home holds: %w", err)
	}
	m.mu.Lock()
	m.upTo, m.stored = upTo, m.stored+int64(len(notes)-1)
	m.mu.Unlock()
	return len(leaves) == step, nil
}

func (m *Mover) filledUpTo(ctx context.Context) (int64, error) {
	found, err := m.Book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: noteKind, Key: noteUpTo + m.Node, Limit: 1})
	if err != nil || len(found.Notes) == 0 {
		return 0, err
	}
	n, err := strconv.ParseInt(string(found.Notes[0].Value), 10, 64)
	if err != nil {
		return 0, nil // begin anew: what is there already is found by its name
	}
	return n, nil
}

// store brings the original of one leaf over, if the leaf registered one of
// this node's.
func (m *Mover) store(ctx context.Context, leaf registry.LeafRow) (c Copy, item registry.ItemID, ok bool, err error) {
	if leaf.Type != string(registry.Registered) || len(leaf.Content) == 0 {
		return c, item, false, nil
	}
	line, err := registry.ParseLine(leaf.Content)
	if err != nil || line.Draft.Arrival == nil || line.Draft.Arrival.Item.Node != m.Node {
		return c, item, false, nil // a line that can't be read is verify's to name
	}
	a := line.Draft.Arrival
	item = a.Item.ID
	o, err := m.Originals.Original(ctx, a.Place, item)
	if errors.Is(err, registry.ErrErased) || errors.Is(err, registry.ErrDamaged) {
		m.Log.Warn("archive.second_home_skipped", "item", item, "err", err)
		return c, item, false, nil
	}
	if err != nil {
		return c, item, false, fmt.Errorf("reading the original of %s: %w", line.Outcome.Number, err)
	}
	defer o.Close()
	c = Copy{
		Number: line.Outcome.Number.String(), Node: m.Node, Place: a.Place, Digest: o.Digest(), Size: o.Size(),
		Stored: m.Now().UTC(), Until: m.Now().Add(m.Lock).UTC(),
	}
	if c.Locator, err = m.Store.Put(ctx, string(a.Place), o, c.Until); err != nil {
		return c, item, false, err
	}
	if err := m.Store.Returns(ctx, c.Locator, c.Digest, c.Size); err != nil {
		return c, item, false, fmt.Errorf("reading back what was stored: %w", err)
	}
	return c, item, true, nil
}

func (c Copy) note(item registry.ItemID) (registry.Note, error) {
	value, err := json.Marshal(c)
	return registry.Note{Kind: noteKind, Key: noteCopies + item.String(), Value: value}, err
}

// Find gives what the book keeps of an item's original in the second home.
func Find(ctx context.Context, book interface {
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
}, item registry.ItemID,
) (c Copy, ok bool, err error) {
	found, err := book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: noteKind, Key: noteCopies + item.String(), Limit: 1})
	if err != nil || len(found.Notes) == 0 {
		return c, false, err
	}
	if err := json.Unmarshal(found.Notes[0].Value, &c); err != nil {
		return c, false, fmt.Errorf("the note on item %s in the second home: %w", item, err)
	}
	return c, !c.Gone, nil
}
