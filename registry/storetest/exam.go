package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"kancelaria/registry"
)

// An Attempt tries to change or take away what was written, with all that the
// service itself may do to its store. It must fail; Do gives nil if it did not.
type Attempt struct {
	Name string
	Do   func(ctx context.Context, s registry.Store) error
}

// Options of an exam; the zero value is right for stores without any.
type Options struct {
	// Attempts at the immutability of a book in which letters 0 to 9 are
	// registered.
	Attempts []Attempt
	// Short leaves out what takes long.
	Short bool
}

// Run examines a store. open gives an empty book whose ledger is named
// "aleksandrowo.example/ksiega", another one each time; what it opens it closes
// with the test. Its clock is that of the machine.
func Run(t *testing.T, open func(t *testing.T) registry.Store, o Options) {
	for _, part := range []struct {
		name string
		test func(t *testing.T, x *exam)
	}{
		{"a new book is empty and sound", newBook},
		{"letters get numbers once", lettersOnce},
		{"acts change entries and the last one wins", actsInOrder},
		{"an act on what has changed is a conflict", conflicts},
		{"what is refused leaves nothing", refusals},
		{"the same letter again is the same arrival", redeliveries},
		{"a letter that two gateways take at once is one arrival", twins},
		{"quarantine keeps out and a release lets in", quarantine},
		{"folders become cases, join, move and close", cases},
		{"questions are answered as by the model", questions},
		{"restricted entries are invisible", restriction},
		{"words are found", search},
		{"notes are kept by version and term", notes},
		{"leases are held by one", leases},
		{"heads are sealed, and only forward", seals},
		{"the outbox keeps order and survives its workers", outbox},
		{"a failed commit is repeated without a trace", repetitions},
		{"years turn at the office's midnight", years},
		{"a clock that steps back does not turn the book", clocks},
		{"eight writers leave no gap", writers},
		{"handovers and joins do not lock each other", storm},
		{"any sequence of verbs agrees with the model", sequences},
		{"lines replayed into an empty book give the same root", replays},
		{"erased lines are replayed by what stays of them", erasedReplays},
		{"a book is built again from what is known of it", rebuilds},
		{"a book that is older than the committer knows is not written to", olderBooks},
	} {
		t.Run(part.name, func(t *testing.T) {
			x := &exam{Store: open(t), t: t, o: o, open: open}
			part.test(t, x)
			x.sound()
		})
	}
	t.Run("what is written cannot be changed", func(t *testing.T) { immutable(t, open, o) })
}

// An exam is a store under examination.
type exam struct {
	registry.Store
	t    *testing.T
	o    Options
	open func(t *testing.T) registry.Store
}

// commit writes drafts and fails the test if the store fails.
func (x *exam) commit(drafts ...registry.Draft) []registry.Outcome {
	x.t.Helper()
	out, err := x.Commit(x.t.Context(), drafts)
	if err != nil {
		x.t.Fatalf("commit: %v", err)
	}
	if len(out) != len(drafts) {
		x.t.Fatalf("%d outcomes for %d drafts", len(out), len(drafts))
	}
	return out
}

// written writes drafts, each of which must be written.
func (x *exam) written(drafts ...registry.Draft) []registry.Outcome {
	x.t.Helper()
	out := x.commit(drafts...)
	for i, o := range out {
		if o.State != registry.Written {
			x.t.Fatalf("%s is %s: %s", drafts[i].Key, o.State, o.Error)
		}
	}
	return out
}

// find asks a question and fails the test if the store fails.
func (x *exam) find(q registry.Query) registry.Page {
	x.t.Helper()
	page, err := x.Find(x.t.Context(), q)
	if err != nil {
		x.t.Fatalf("find %s: %v", q.Of, err)
	}
	return page
}

// entry reads one entry, which must be there.
func (x *exam) entry(number string) registry.Work {
	x.t.Helper()
	n, err := registry.ParseNumber(number)
	if err != nil {
		x.t.Fatal(err)
	}
	page := x.find(registry.Query{Of: registry.FindEntry, Number: n})
	if len(page.Works) != 1 {
		x.t.Fatalf("%d entries %s", len(page.Works), number)
	}
	return page.Works[0]
}

func (x *exam) size() int64 {
	x.t.Helper()
	head, err := x.Head(x.t.Context())
	if err != nil {
		x.t.Fatal(err)
	}
	return head.Size
}

// sound makes sure that numbers have no gap and no twin, that time goes on
// within a series, and that the book is the fold of its leaves.
func (x *exam) sound() {
	x.t.Helper()
	if err := Sound(context.WithoutCancel(x.t.Context()), x.Store); err != nil {
		x.t.Errorf("the book is not sound: %v", err)
	}
}

// Sound examines a book that nobody writes to: numbers without gap or twin,
// registered_at strictly growing within each series, and everything the fold
// of its leaves.
func Sound(ctx context.Context, s registry.Store) error {
	verified, err := registry.VerifyBook(ctx, s, registry.VerifyOptions{})
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range verified.Findings {
		errs = append(errs, fmt.Errorf("%s %s: %s", f.Code, f.Subject, f.Text))
	}
	lost, err := gaps(ctx, s)
	if err != nil {
		return err
	}
	last := map[registry.Series]registry.Work{}
	q := registry.Query{Of: registry.FindNumbers, Limit: 500}
	for {
		page, err := s.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, w := range page.Works {
			before := last[w.Number.Series()]
			want := before.Number.Seq + 1
			for lost[registry.Number{Register: w.Number.Register, Year: w.Number.Year, Seq: want}] {
				want++
			}
			if w.Number.Seq != want {
				errs = append(errs, fmt.Errorf("%s follows %s", w.Number, before.Number))
			}
			if !before.RegisteredAt.Before(w.RegisteredAt) {
				errs = append(errs, fmt.Errorf("%s is of %s, and %s of %s", w.Number, w.RegisteredAt, before.Number, before.RegisteredAt))
			}
			last[w.Number.Series()] = w
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	series, err := s.Find(ctx, registry.Query{Of: registry.FindSeries})
	if err != nil {
		return err
	}
	for _, row := range series.Series {
		if w, ok := last[row.Series]; ok && w.Number.Seq != row.Taken && !lost[registry.Number{Register: row.Register, Year: row.Year, Seq: row.Taken}] {
			errs = append(errs, fmt.Errorf("series %s stands at %d, its last entry is %s", row.Series, row.Taken, w.Number))
		}
	}
	if findings, err := s.Check(ctx); err != nil || len(findings) > 0 {
		errs = append(errs, fmt.Errorf("check: %+v, %w", findings, err))
	}
	return errors.Join(errs...)
}

// gaps gives the numbers that were entered as lost.
func gaps(ctx context.Context, s registry.Store) (map[registry.Number]bool, error) {
	lost := map[registry.Number]bool{}
	head, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	for from := int64(0); from < head.Size; {
		rows, err := s.Leaves(ctx, from, head.Size)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			return nil, fmt.Errorf("no leaf %d of %d", from, head.Size)
		}
		for _, row := range rows {
			if row.Type != string(registry.ActGap) {
				continue
			}
			line, err := registry.LineOf(row)
			if err != nil {
				return nil, err
			}
			markLost(lost, *line.Draft.Act)
		}
		from += int64(len(rows))
	}
	return lost, nil
}

func markLost(lost map[registry.Number]bool, act registry.Act) {
	series, err := registry.ParseSeries(act.Subject)
	if err != nil {
		return
	}
	var first, last int64
	if _, err := fmt.Sscan(act.Fields["from"]+" "+act.Fields["to"], &first, &last); err != nil {
		return
	}
	for seq := first; seq <= last; seq++ {
		lost[registry.Number{Register: series.Register, Year: series.Year, Seq: seq}] = true
	}
}

// at moves a draft in time; its day is that of UTC.
func at(when time.Time) func(*registry.Draft) {
	return func(d *registry.Draft) {
		d.At, d.On = when, registry.DayOf(when, time.UTC)
		if a := d.Arrival; a != nil {
			a.Item.AcceptedAt, a.ReceivedAt, a.ReceivedOn = when, when, d.On
		}
	}
}
