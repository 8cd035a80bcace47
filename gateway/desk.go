// Package gateway is the hall of the house: the Desk, the one loop that takes
// an item from the spool to the book, and the words the rooms around it share.
//
// Doors put items into the spool; the Desk reads, screens, decides and
// registers each of them once; the bell rings. Rooms do not know each other:
// they meet here, through the small interfaces below.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"kancelaria/registry"
)

// A Spool hands out what was accepted and not yet settled, in order of
// arrival, each item to one caller.
type Spool interface {
	Next(ctx context.Context) (registry.Item, error)
	// Done forgets a settled item. The mark is not synced: losing it costs a
	// harmless repetition.
	Done(ids ...registry.ItemID)
	// Retry offers the item again after a while.
	Retry(id registry.ItemID, after time.Duration, why string)
	// Park sets the item aside for a person and remembers why.
	Park(ctx context.Context, id registry.ItemID, why string) error
}

// A Reader opens the original of an item. It returns a document whatever the
// bytes are; an error means the bytes themselves could not be had.
type Reader interface {
	Read(ctx context.Context, it registry.Item) (registry.Document, error)
}

// A Screen adds what can be known of the sender and of malware. It is bounded
// in time and never fails: what it could not ask is said to be unchecked.
type Screen interface {
	Screen(ctx context.Context, it registry.Item, doc registry.Document) registry.Document
}

// A FactFinder reads from the book what a decision needs beside the letter.
type FactFinder interface {
	Facts(ctx context.Context, it registry.Item, doc registry.Document) (registry.Facts, error)
}

// A Decider is a set of rules.
type Decider interface {
	Decide(it registry.Item, doc registry.Document, facts registry.Facts) registry.Decision
}

// A Drafting writes what was found out into a draft for the book.
type Drafting interface {
	Arrival(it registry.Item, doc registry.Document, facts registry.Facts, dec registry.Decision) registry.Draft
}

// A Book takes drafts. Offer queues in the order of its calls; the function it
// returns waits until the draft is in the book and in this node's copybook.
type Book interface {
	Offer(ctx context.Context, d registry.Draft) func(context.Context) (registry.Outcome, error)
	// Prompt reports whether a draft offered now would be written at once.
	Prompt() bool
	// Hurry says that somebody waits for the outcome of a draft.
	Hurry()
}

// A Journal is told what the office did, one method an event.
type Journal interface {
	Settled(it registry.Item, out registry.Outcome, took time.Duration)
	Parked(it registry.Item, why string)
	Delayed(it registry.Item, err error)
}

// Options of a Desk. All fields but Log and the bounds are required.
type Options struct {
	Spool   Spool
	Reader  Reader
	Screen  Screen
	Facts   FactFinder
	Rules   func() Decider // the set in force; asked once an item
	Draft   Drafting
	Book    Book
	Journal Journal
	Ring    func() // wakes the bell; must not block
	Now     func() time.Time
	Log     *slog.Logger
	// InFlight bounds items between spool and book (default 256), Bytes their
	// originals together (default 256 MB, but one item is always let in),
	// Readers how many are read at once (default 2).
	InFlight int
	Bytes    int64
	Readers  int
}

// A Desk is the one loop from spool to book.
type Desk struct {
	Options
	answers answers
	line    line
	load    load
	reading chan struct{} // a slot for each item being read
}

// New makes a Desk; Run starts it.
func New(o Options) *Desk {
	if o.InFlight == 0 {
		o.InFlight = 256
	}
	if o.Bytes == 0 {
		o.Bytes = 256 << 20
	}
	if o.Readers == 0 {
		o.Readers = 2
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Desk{
		Options: o,
		answers: answers{waiting: map[registry.ItemID][]chan answer{}, told: map[registry.ItemID]answer{}},
		load:    load{items: o.InFlight, bytes: o.Bytes, changed: make(chan struct{})},
		reading: make(chan struct{}, o.Readers),
	}
}

// Run settles items until ctx ends, then waits for those in hand.
func (d *Desk) Run(ctx context.Context) error {
	var inHand sync.WaitGroup
	defer inHand.Wait()
	for {
		if err := d.load.room(ctx); err != nil {
			return nil
		}
		it, err := d.Spool.Next(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("taking the next item from the spool: %w", err)
		}
		d.load.take(it.Original.Size)
		turn := d.line.join()
		inHand.Go(func() {
			defer d.load.give(it.Original.Size)
			defer turn.pass()
			d.settle(ctx, it, turn)
		})
	}
}

// settle handles an item and tells the spool what became of it.
func (d *Desk) settle(ctx context.Context, it registry.Item, turn *turn) {
	began := d.Now()
	out, err := d.handle(ctx, it, turn)
	switch {
	case err == nil:
		d.Journal.Settled(it, out, d.Now().Sub(began))
	case ctx.Err() != nil:
		// The office closes; the item lies in the spool and is taken up again.
	case errors.Is(err, registry.ErrPoison), errors.Is(err, registry.ErrRefused), errors.Is(err, registry.ErrConflict), errors.Is(err, registry.ErrImmutable):
		d.Journal.Parked(it, err.Error())
		if err := d.Spool.Park(ctx, it.ID, err.Error()); err != nil {
			d.Log.Error("desk.park", "item", it.ID, "err", err)
		}
	default:
		d.Journal.Delayed(it, err)
		d.Spool.Retry(it.ID, 5*time.Second, err.Error())
	}
}

// handle is the one way of a document (DESIGN § 3). A crash between any two
// lines repeats it from the top; the book makes the repetition harmless.
func (d *Desk) handle(ctx context.Context, it registry.Item, turn *turn) (registry.Outcome, error) {
	registry.FailDeskTaken.Hit()
	doc, err := d.read(ctx, it)
	if err != nil {
		return registry.Outcome{}, err
	}
	registry.FailDeskRead.Hit()
	doc = d.Screen.Screen(ctx, it, doc)
	facts, err := d.Facts.Facts(ctx, it, doc)
	if err != nil {
		return registry.Outcome{}, fmt.Errorf("looking up what is known: %w", err)
	}
	decision := d.Rules().Decide(it, doc, facts)
	draft := d.Draft.Arrival(it, doc, facts, decision)
	registry.FailDeskDecided.Hit()
	turn.wait(ctx)
	written := d.Book.Offer(ctx, draft)
	turn.pass()
	if d.answers.awaited(it.ID) {
		d.Book.Hurry()
	}
	out, err := written(ctx)
	if err == nil {
		err = out.Err()
	}
	if err != nil {
		return out, err
	}
	d.answers.tell(it.ID, answer{out, out.Disposition == registry.Quarantined || draft.Arrival.Decision.Restricted})
	d.Ring()
	registry.FailDeskBeforeDone.Hit()
	d.Spool.Done(it.ID)
	registry.FailDeskAfterDone.Hit()
	return out, nil
}

// read opens an original on one of the few places for readers. What cannot be
// opened at all becomes a document that says so: the item was accepted and is
// registered whatever it is.
func (d *Desk) read(ctx context.Context, it registry.Item) (registry.Document, error) {
	select {
	case d.reading <- struct{}{}:
		defer func() { <-d.reading }()
	case <-ctx.Done():
		return registry.Document{}, ctx.Err()
	}
	doc, err := d.Reader.Read(ctx, it)
	if ctx.Err() != nil {
		return doc, ctx.Err()
	}
	if err != nil {
		d.Log.Error("desk.unreadable", "item", it.ID, "err", err)
		doc.Flags = registry.AddFlags(doc.Flags, registry.FlagUnreadable)
		doc.Flaws = append(doc.Flaws, registry.Flaw{Code: "unreadable", Note: err.Error()})
	}
	return doc, nil
}

// glance is how often somebody who waits looks whether the book still writes.
const glance = 100 * time.Millisecond

// Wait gives the outcome of an item that a door has put into the spool, once
// it is in the book and the copybook, or the error of ctx. It ends as soon as
// the book no longer writes: the number cannot come in time then. Whoever waits
// for a secret one waits out the bound, so that nobody outside learns from the
// answer what it is.
func (d *Desk) Wait(ctx context.Context, id registry.ItemID) (registry.Outcome, error) {
	answered := d.answers.ask(id)
	defer d.answers.forget(id, answered)
	d.Book.Hurry() // the draft may have been offered before
	look := time.NewTicker(glance)
	defer look.Stop()
	for {
		select {
		case a := <-answered:
			if !a.secret {
				return a.Outcome, nil
			}
			<-ctx.Done()
			return registry.Outcome{}, ctx.Err()
		case <-look.C:
			if !d.Book.Prompt() {
				return registry.Outcome{}, fmt.Errorf("%w: the number of item %s follows", registry.ErrUnavailable, id)
			}
		case <-ctx.Done():
			return registry.Outcome{}, ctx.Err()
		}
	}
}

// WorthWaiting reports whether a number can be expected soon: the book writes
// and what is ahead leaves room.
func (d *Desk) WorthWaiting() bool { return d.Book.Prompt() && d.load.light() }
