package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// Terms are for how long what was kept out of the book is kept at all; zero
// means for ever.
type Terms struct {
	Spam, Malware, Beside time.Duration
}

// RetentionOptions of a Retention; all but Log are required.
type RetentionOptions struct {
	Book interface {
		Find(ctx context.Context, q registry.Query) (registry.Page, error)
		Keep(ctx context.Context, notes []registry.Note) error
	}
	// Erase erases an item for one of the daemon's own reasons, by a leaf and a
	// tombstone. It may be repeated.
	Erase func(ctx context.Context, id registry.ItemID, reason string) error
	// Erased reports whether nothing of an item is left to be erased.
	Erased func(ctx context.Context, row registry.ArrivalRow) (bool, error)
	Terms  Terms
	Office func() *registry.Office
	Node   string // whose archive is looked after
	Now    func() time.Time
	Log    *slog.Logger
}

// A Retention erases, once a day, what was quarantined or filed beside the book
// when its term is over. What a person has to decide about is never erased by
// itself: letters to an individual's box, scans to be confirmed, whatever is
// held for another reason than spam and malware.
type Retention struct{ o RetentionOptions }

// NewRetention makes a Retention; Run starts it.
func NewRetention(o RetentionOptions) *Retention {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Retention{o}
}

// retentionEvery is how often it is looked whether a day has begun.
const retentionEvery = 15 * time.Minute

// Run looks again and again until ctx ends.
func (r *Retention) Run(ctx context.Context) error {
	for {
		if err := r.Look(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, registry.ErrUnavailable) {
			r.o.Log.Warn("retention.hindered", "err", err)
		}
		timer := time.NewTimer(retentionEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// A retentionMark says when all was looked through, and up to which arrivals
// it was done with.
type retentionMark struct {
	Day    registry.Day `json:"day"`
	Passed time.Time    `json:"passed"`
}

const retentionNote = "retention"

// slack is how far behind what was done before is looked at once more: an item
// may have been released, rejected, or settled late.
const slack = 60 * 24 * time.Hour

// Look erases what is due, unless that was done today.
func (r *Retention) Look(ctx context.Context) error {
	now := r.o.Now()
	today := registry.DayOf(now, r.o.Office().Zone)
	done, err := r.mark(ctx)
	if err != nil || done.Day == today {
		return err
	}
	longest := max(r.o.Terms.Spam, r.o.Terms.Malware, r.o.Terms.Beside)
	for _, d := range []registry.Disposition{registry.Quarantined, registry.Beside, registry.Rejected} {
		if err := r.walk(ctx, d, now, done.Passed.Add(-slack)); err != nil {
			return err
		}
	}
	value, err := json.Marshal(retentionMark{Day: today, Passed: now.Add(-longest).UTC()})
	if err != nil {
		return err
	}
	return r.o.Book.Keep(ctx, []registry.Note{{Kind: retentionNote, Key: r.o.Node, Value: value}})
}

func (r *Retention) mark(ctx context.Context) (retentionMark, error) {
	var m retentionMark
	found, err := r.o.Book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: retentionNote, Key: r.o.Node, Limit: 1})
	if err != nil || len(found.Notes) == 0 {
		return m, err
	}
	if json.Unmarshal(found.Notes[0].Value, &m) != nil {
		m = retentionMark{} // look through everything: erasing again changes nothing
	}
	return m, nil
}

// walk goes through the arrivals of a disposition, newest first, and stops
// where everything was done with before. Those that were rejected may be of any
// age, and are few.
func (r *Retention) walk(ctx context.Context, d registry.Disposition, now, stop time.Time) error {
	q := registry.Query{Of: registry.FindArrivals, Disposition: d, Limit: 500}
	for {
		page, err := r.o.Book.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("looking for what has expired: %w", err)
		}
		newest := time.Time{}
		for _, row := range page.Arrivals {
			newest = later(newest, row.AcceptedAt)
			if err := r.expire(ctx, row, now); err != nil {
				return err
			}
		}
		if q.After = page.Next; q.After == "" || d != registry.Rejected && newest.Before(stop) {
			return nil
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// expire erases one item if its term is over. What cannot be erased, say since
// somebody released it just now, is left.
func (r *Retention) expire(ctx context.Context, row registry.ArrivalRow, now time.Time) error {
	reason, term := r.o.Terms.of(row)
	if node, _, _ := strings.Cut(string(row.Place), "/"); reason == "" || term <= 0 || now.Sub(row.AcceptedAt) < term || node != r.o.Node {
		return nil
	}
	erased, err := r.o.Erased(ctx, row)
	if err != nil || erased {
		return err
	}
	err = r.o.Erase(ctx, row.Item, reason)
	if errors.Is(err, registry.ErrRefused) || errors.Is(err, registry.ErrImmutable) || errors.Is(err, registry.ErrConflict) {
		r.o.Log.Warn("retention.refused", "item", row.Item, "err", err)
		return nil
	}
	if err == nil {
		r.o.Log.Info("retention.erased", "item", row.Item, "reason", reason)
	}
	return err
}

// Why something was kept out, by what may be done with it.
var (
	ofMalware = []string{"malware", "executable", "rtl_name", "double_extension", "macros"}
	// waits are for a person, however long that takes, or are evidence of what
	// was decided.
	waits = []string{"individual", "private", "to_confirm", "command", "approval"}
)

// of gives the reason to erase an arrival and after how long; "" if there is
// none.
func (t Terms) of(row registry.ArrivalRow) (reason string, term time.Duration) {
	switch {
	case !row.First.IsZero() || !row.Number.IsZero() || slices.Contains(waits, row.Reason) && row.Disposition != registry.Rejected:
		return "", 0
	case slices.Contains(ofMalware, row.Reason):
		return registry.ErasedMalware, t.Malware
	case row.Reason == "spam":
		return registry.ErasedSpam, t.Spam
	case row.Disposition == registry.Beside:
		return registry.ErasedBeside, t.Beside
	case row.Disposition == registry.Rejected && t.Malware > 0 && t.Spam > 0:
		// Why it was held has gone with the rejection: the longer term.
		return registry.ErasedSpam, max(t.Malware, t.Spam, t.Beside)
	default:
		return "", 0
	}
}
