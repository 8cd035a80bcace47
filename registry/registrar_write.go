package registry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// How long a verb may take, also when the office closes meanwhile: a commit
// that is cut off is one of unknown outcome.
const commitWithin = time.Minute

// write brings a group into the book, whatever it takes, and hands it on to
// the copybook. Only a stop or a draft that cannot be written ends it before.
func (r *Registrar) write(ctx context.Context, group []*offered, copies chan<- []*offered) {
	for attempt := 0; ; attempt++ {
		outcomes, err := r.attempt(ctx, group)
		switch {
		case err == nil:
			r.troubled(atBook, nil)
			for i, o := range group {
				o.out = outcomes[i]
			}
			copies <- group
			return
		case refusedByBook(err):
			r.divide(ctx, group, err, copies)
			return
		case errors.Is(err, ErrUnknownOutcome), errors.Is(err, ErrRetry):
			// The only answer is to ask the same again; a database that goes
			// on being busy is one that cannot be reached.
			if attempt >= 5 {
				r.troubled(atBook, err)
			}
			r.seen.checked = false
		default:
			r.troubled(atBook, err)
			r.seen.checked = false
		}
		if !pause(ctx, attempt) {
			giveUp(group)
			return
		}
	}
}

// refusedByBook reports whether the book would not have some draft of a group,
// today or tomorrow. What its defences refuse is a fault of ours: it must not
// hold up everybody else.
func refusedByBook(err error) bool {
	return errors.Is(err, ErrData) || errors.Is(err, ErrImmutable) || errors.Is(err, ErrRefused) || errors.Is(err, ErrConflict)
}

// attempt offers a group to the store, once clock and book are fit for it.
func (r *Registrar) attempt(ctx context.Context, group []*offered) ([]Outcome, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWithin)
	defer cancel()
	if err := r.fit(ctx); err != nil {
		return nil, err
	}
	began := r.o.Now().UTC()
	day := DayOf(began, r.o.Office().Zone)
	drafts := make([]Draft, len(group))
	for i, o := range group {
		o.draft.At, o.draft.On = began, day
		if drafts[i] = o.draft; r.seen.known {
			drafts[i].Beyond = r.seen.leaf + 1
		}
	}
	if err := r.keepStubs(ctx, drafts); err != nil {
		return nil, err
	}
	FailBookBeforeCommit.Hit()
	outcomes, err := r.store.Commit(ctx, drafts)
	if err != nil {
		return nil, err
	}
	if len(outcomes) != len(drafts) {
		return nil, fmt.Errorf("%w: %d outcomes for %d drafts", ErrCorrupt, len(outcomes), len(drafts))
	}
	FailBookAfterCommit.Hit()
	r.note(outcomes, r.o.Now().Sub(began))
	return outcomes, nil
}

// note remembers the newest line and counts.
func (r *Registrar) note(outcomes []Outcome, took time.Duration) {
	written, repeated := 0, 0
	for _, out := range outcomes {
		switch out.State {
		case Written:
			written++
			r.seen.remember(out.Leaf, out.Key)
		case Repeated:
			repeated++
		}
	}
	if r.o.Written != nil {
		r.o.Written(written, repeated, took)
	}
}

// divide halves a group that the database refuses until the draft it refuses
// is found. That one is offered once more with nothing in it that could fail;
// what then is refused still is the desk's to set aside.
func (r *Registrar) divide(ctx context.Context, group []*offered, why error, copies chan<- []*offered) {
	if half := len(group) / 2; half > 0 {
		r.write(ctx, group[:half], copies)
		r.write(ctx, group[half:], copies)
		return
	}
	o := group[0]
	r.o.Log.Error("registrar.refused_by_book", "key", o.draft.Key, "bare", o.draft.Arrival != nil && o.draft.Arrival.Bare, "err", why)
	if o.draft.Arrival == nil || o.draft.Arrival.Bare {
		o.answer(Outcome{}, fmt.Errorf("%w: %w", ErrPoison, why))
		return
	}
	o.draft = bareDraft(o.draft, r.o.Office())
	r.write(ctx, group, copies)
}

// bareDraft makes a draft of which nothing can fail: item, arrival, digest, the
// desk's queue, and a flag that says what happened.
func bareDraft(d Draft, office *Office) Draft {
	a := *d.Arrival
	it := a.Item
	stripped := Item{
		ID: it.ID, Delivery: it.Delivery, Door: it.Door, Register: it.Register, Original: Original{Digest: it.Original.Digest, Size: it.Original.Size},
		AcceptedAt: it.AcceptedAt, Node: it.Node,
	}
	told := office.holders(RoleDesk)
	if office.Registers[it.Register].Restricted || a.Decision.Restricted {
		told = office.Registers[it.Register].Readers
	}
	if it.Envelope != nil {
		stripped.Envelope = &Envelope{}
	}
	d.Arrival = &Arrival{
		Item: stripped, Place: a.Place, Disposition: a.Disposition, To: a.To, Bare: true, Late: a.Late,
		ReceivedAt: a.ReceivedAt, ReceivedOn: a.ReceivedOn,
		Document: Document{Redelivery: a.Document.Redelivery, Flaws: []Flaw{{Code: "unreadable"}}},
		Decision: Decision{
			RulesDigest: a.Decision.RulesDigest, OfficeDigest: a.Decision.OfficeDigest, Department: office.Desk.Department, Queue: office.Desk.Name,
			Flags: []Flag{FlagUnreadable, FlagNeedsRouting}, Restricted: a.Decision.Restricted || office.Registers[it.Register].Restricted,
			Readers: office.Registers[it.Register].Readers, Notify: told,
		},
		Receipt: ReceiptPlan{Reason: NoReceiptRule},
	}
	if a.Disposition != Registered {
		d.Arrival.Reason = string(FlagUnreadable)
	}
	return d
}

// copy writes a group into the copybook, whatever it takes, and tells the
// outcomes. Nobody is told a number that is not on this node's disk too.
func (r *Registrar) copy(ctx context.Context, group []*offered) {
	var sheets []Sheet
	for _, o := range group {
		if len(o.out.Content) > 0 {
			sheets = append(sheets, Sheet{Item: copiedFor(o), Settles: o.draft.Arrival != nil, Bytes: o.out.Content})
		}
	}
	for attempt := 0; r.o.Copybook != nil && len(sheets) > 0; attempt++ {
		FailBeforeCopybook.Hit()
		err := r.copyOnce(ctx, sheets)
		if err == nil {
			FailAfterCopybook.Hit()
			break
		}
		r.troubled(atCopybook, fmt.Errorf("writing the copybook: %w", err))
		if !pause(ctx, attempt) {
			giveUp(group)
			return
		}
	}
	r.troubled(atCopybook, nil)
	for _, o := range group {
		r.holds(o.out.Leaf)
		o.answer(o.out, nil)
	}
}

// copiedFor gives the item that a line of the copybook concerns, with which it
// goes when that is erased. The line that orders an erasure stays.
func copiedFor(o *offered) ItemID {
	if o.draft.Act != nil && o.draft.Act.Kind == ActErased {
		return ItemID{}
	}
	return o.out.Item
}

// holds notes a leaf that is in the copybook.
func (r *Registrar) holds(leaf int64) {
	for {
		before := r.copied.Load()
		if leaf <= before || r.copied.CompareAndSwap(before, leaf) {
			return
		}
	}
}

func (r *Registrar) copyOnce(ctx context.Context, sheets []Sheet) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitWithin)
	defer cancel()
	return r.o.Copybook.Copybook(ctx, sheets)
}

// pause waits before the next attempt, longer each time up to five seconds,
// and never as long as somebody else; false when ctx ends first.
func pause(ctx context.Context, attempt int) bool {
	most := min(10*time.Millisecond<<min(attempt, 10), 5*time.Second)
	timer := time.NewTimer(most/2 + rand.N(most/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
