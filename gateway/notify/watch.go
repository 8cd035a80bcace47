package notify

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// A Recorder takes drafts into the book: the Registrar.
type Recorder interface {
	Submit(ctx context.Context, d registry.Draft) (registry.Outcome, error)
}

// A Finder reads the book.
type Finder interface {
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
}

// WatchOptions are the rest of what a Watch needs; each zero value works.
type WatchOptions struct {
	// Ladder of a class; nil is the usual one for all.
	Ladder func(class string) Ladder
	// Red lists what is wrong with the house, in sentences, for the daily
	// closing.
	Red func() []string
	// Morning is when the lists of the day go out, after midnight: 7:45.
	Morning time.Duration
	Every   time.Duration // between looks: 5 min
	Now     func() time.Time
	Log     *slog.Logger
}

// A Watch looks at what waits in the office and reminds those it is for: of
// letters nobody accepts, of terms that end, each morning of the day's work,
// and each night of the day that closed. What it says is recorded in the book
// under a key of entry, rung and day, so that any number of watches say it
// once.
type Watch struct {
	book   Finder
	record Recorder
	office func() *registry.Office
	o      WatchOptions

	// Owned by Run.
	said  map[string]registry.Day      // keys that are in the book, by the day they were said
	moved map[registry.Number]movement // of the entries that wait
}

// A movement is when an entry came to whom it is with.
type movement struct {
	leaf int64
	at   time.Time
}

// NewWatch makes a watch.
func NewWatch(book Finder, record Recorder, office func() *registry.Office, o WatchOptions) *Watch {
	if o.Ladder == nil {
		o.Ladder = func(string) Ladder { return Ladder{} }
	}
	if o.Red == nil {
		o.Red = func() []string { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Morning = orDefault(o.Morning, 7*time.Hour+45*time.Minute)
	o.Every = orDefault(o.Every, 5*time.Minute)
	return &Watch{
		book: book, record: record, office: office, o: o,
		said: map[string]registry.Day{}, moved: map[registry.Number]movement{},
	}
}

// Run looks again and again until ctx ends. An error of the book is logged and
// what it hindered is done at the next look.
func (w *Watch) Run(ctx context.Context) error {
	for {
		if err := w.Look(ctx); err != nil && ctx.Err() == nil {
			w.o.Log.Warn("watch.hindered", "err", err)
		}
		timer := time.NewTimer(w.o.Every)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// Look says what is to be said now.
func (w *Watch) Look(ctx context.Context) error {
	now := w.o.Now()
	w.forget(registry.DayOf(now, zone(w.office())))
	if err := w.closing(ctx, now); err != nil {
		return err
	}
	if err := w.morning(ctx, now); err != nil {
		return err
	}
	if err := w.held(ctx, now); err != nil {
		return err
	}
	return w.remind(ctx, now)
}

// keptSaid is for how many days keys are remembered: so long a rung may be
// reached again at each look.
const keptSaid = 14

func (w *Watch) forget(today registry.Day) {
	for key, day := range w.said {
		if day.AddDays(keptSaid).Before(today) {
			delete(w.said, key)
		}
	}
}

// remind climbs the ladders of all entries that wait. Outside office hours only
// what is urgent is said.
func (w *Watch) remind(ctx context.Context, now time.Time) error {
	o := w.office()
	today := registry.DayOf(now, zone(o))
	opens, closes, open := o.Calendar.OfficeHours(today, zone(o))
	quiet := !open || now.Before(opens) || !now.Before(closes)

	waiting := map[registry.Number]bool{}
	look := func(work registry.Work) error {
		if waiting[work.Number] {
			return nil
		}
		waiting[work.Number] = true
		if quiet && work.Priority != "high" {
			return nil
		}
		return w.climb(ctx, o, work, now)
	}
	queries := []registry.Query{{Of: registry.FindDue, Open: true, DueUntil: today.AddDays(farthest)}}
	for _, s := range []registry.Status{registry.StatusRegistered, registry.StatusAssigned, registry.StatusToComplete} {
		queries = append(queries, registry.Query{Of: registry.FindEntries, Status: s})
	}
	for _, q := range queries {
		if err := w.each(ctx, q, look); err != nil {
			return err
		}
	}
	for n := range w.moved {
		if !waiting[n] {
			delete(w.moved, n)
		}
	}
	return nil
}

// farthest is how many days ahead of a term the first reminder can lie, free
// days included.
const farthest = 14

// climb says the rungs that an entry has reached.
func (w *Watch) climb(ctx context.Context, o *registry.Office, work registry.Work, now time.Time) error {
	moved, err := w.movedAt(ctx, work)
	if err != nil {
		return err
	}
	for _, r := range w.o.Ladder(work.Class).reached(o, work, moved, now) {
		key := "remind/" + work.Number.String() + "/" + r.name + "/" + r.mark
		remark := gateway.Remark{Text: r.text, Pairs: []string{
			"clerk", nameOf(o, work.Clerk), "due", work.Deadline.Due.String(), "raw", work.Deadline.Raw.String(), "basis", orText(work.Deadline.Basis, "@nodata"),
		}}
		if err := w.say(ctx, key, remark, work.Number.String(), r.tell...); err != nil {
			return err
		}
	}
	return nil
}

// movedAt is the time of the last thing a person did to an entry, or of its
// registration.
func (w *Watch) movedAt(ctx context.Context, work registry.Work) (time.Time, error) {
	if work.LastLeaf == work.Leaf {
		return work.RegisteredAt, nil
	}
	if m, ok := w.moved[work.Number]; ok && m.leaf == work.LastLeaf {
		return m.at, nil
	}
	page, err := w.book.Find(ctx, registry.Query{Of: registry.FindLine, Leaf: &work.LastLeaf, Limit: 1})
	if err != nil {
		return time.Time{}, fmt.Errorf("reading when %s was moved: %w", work.Number, err)
	}
	m := movement{work.LastLeaf, work.RegisteredAt}
	if len(page.Leaves) > 0 {
		m.at = page.Leaves[0].At
	}
	w.moved[work.Number] = m
	return m.at, nil
}

// each walks the pages of a query.
func (w *Watch) each(ctx context.Context, q registry.Query, visit func(registry.Work) error) error {
	for q.Limit = 500; ; {
		page, err := w.book.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("looking for what waits: %w", err)
		}
		for _, work := range page.Works {
			if err := visit(work); err != nil {
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}

// say records a remark once for its key.
func (w *Watch) say(ctx context.Context, key string, remark gateway.Remark, subject string, tell ...string) error {
	if _, ok := w.said[key]; ok {
		return nil
	}
	act, err := remark.Act(subject, tell...)
	if err != nil {
		return fmt.Errorf("writing a reminder: %w", err)
	}
	out, err := w.record.Submit(ctx, registry.Draft{Key: key, Actor: registry.Daemon, Act: &act})
	if err != nil {
		return fmt.Errorf("recording a reminder: %w", err)
	}
	if err := out.Err(); err != nil {
		// Refused for good, say because the entry was annulled just now.
		w.o.Log.Warn("watch.refused", "subject", subject, "err", err)
	}
	w.said[key] = registry.DayOf(w.o.Now(), zone(w.office()))
	return nil
}

func nameOf(o *registry.Office, login string) string {
	if c, ok := o.Clerks[login]; ok && c.Name != "" {
		return c.Name + " (" + login + ")"
	}
	return orText(login, "@nodata")
}
