package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"kancelaria/registry"
)

// erasedReplays builds a book again in which a quarantined and a registered
// letter were erased, from stubs and from bodies alone.
func erasedReplays(t *testing.T, x *exam) {
	held := Letter(1, func(d *registry.Draft) {
		d.Arrival.Disposition, d.Arrival.Reason = registry.Quarantined, "spam"
	})
	x.written(Letter(0), held, Letter(2), Letter(3))
	x.written(
		Act("take", 5, "os1", registry.Act{Kind: registry.ActAccept, Subject: "RPW-000002-2026"}),
		Act("due", 6, "os1", registry.Act{Kind: registry.ActNote, Subject: "K-RPW-000002-2026", Text: "uwaga"}),
		Act("reject", 7, "pk1", registry.Act{Kind: registry.ActReject, Subject: Item(1).String()}),
	)
	stubs := map[int64]registry.Stub{}
	erase := func(key string, item registry.ItemID, reason string, leaf int64) {
		rows, err := x.Leaves(t.Context(), leaf, leaf+1)
		if err != nil || len(rows) != 1 {
			t.Fatalf("leaf %d: %v", leaf, err)
		}
		stub, err := registry.StubOf(rows[0])
		if err != nil {
			t.Fatal(err)
		}
		content, err := json.Marshal([]registry.Stub{stub})
		if err != nil {
			t.Fatal(err)
		}
		x.written(Act(key, 8, registry.Daemon, registry.Act{Kind: registry.ActErased, Subject: item.String(), Text: reason, Content: content}))
		stubs[leaf] = stub
	}
	erase("erase/1", Item(1), registry.ErasedSpam, 1)
	erase("erase/2", Item(2), registry.ErasedCourt, 2)
	x.written(Act("close", 9, "os1", registry.Act{Kind: registry.ActClose, Subject: "RPW-000002-2026"}), Letter(4))

	head, err := x.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := x.Leaves(t.Context(), 0, head.Size)
	if err != nil {
		t.Fatal(err)
	}
	for _, withStubs := range []bool{true, false} {
		var lines []registry.Line
		for _, row := range rows {
			if row.Index == 1 || row.Index == 2 {
				if len(row.Content) != 0 {
					t.Fatalf("leaf %d was not erased", row.Index)
				}
			}
			var stub *registry.Stub
			if s, ok := stubs[row.Index]; ok && withStubs {
				stub = &s
			}
			line, err := registry.RestoredLine(row, stub)
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, line)
		}
		again := &exam{Store: x.open(t), t: t, o: x.o, open: x.open}
		for _, part := range [][]registry.Line{lines[:3], lines, lines} {
			if err := again.Replay(t.Context(), part); err != nil {
				t.Fatalf("stubs %t: %v", withStubs, err)
			}
		}
		got, err := again.Head(t.Context())
		if err != nil || got.Size != head.Size || !slices.Equal(got.Edge, head.Edge) {
			t.Errorf("stubs %t: the head is %+v, %v; want %+v", withStubs, got, err, head)
		}
		if w := again.entry("RPW-000002-2026"); w.Status != registry.StatusClosed || w.Digest != Letter(2).Arrival.Item.Original.Digest {
			t.Errorf("stubs %t: the erased entry is %+v", withStubs, w)
		}
		if out := again.commit(held); out[0].State != registry.Repeated {
			t.Errorf("stubs %t: the erased letter again is %s", withStubs, out[0].State)
		}
		again.written(Letter(5))
		again.sound()
		forged := lines[2]
		row := *forged.Bare
		row.Body = slices.Clone(row.Body)
		row.Body[len(row.Body)-1] ^= 1
		forged.Bare = &row
		if err := (&exam{Store: x.open(t), t: t}).Replay(t.Context(), append(slices.Clone(lines[:2]), forged)); !errors.Is(err, registry.ErrCorrupt) {
			t.Errorf("a stub that was changed is replayed: %v", err)
		}
	}
}

// olderBooks offers drafts of somebody who knows more leaves than there are.
func olderBooks(t *testing.T, x *exam) {
	x.written(Letter(0), Letter(1))
	late := Letter(2, func(d *registry.Draft) { d.Beyond = 3 })
	if _, err := x.Commit(t.Context(), []registry.Draft{late}); !errors.Is(err, registry.ErrBehind) {
		t.Errorf("an older book is written to: %v", err)
	}
	late.Beyond = 2
	x.written(late)
}

// A memo is what is known of a book: its lines, but for some.
type memo struct {
	lines   []registry.Line
	without map[int64]bool
}

func (m memo) Last() int64 { return int64(len(m.lines)) - 1 }

func (m memo) Gives(leaf int64) (registry.Gap, bool) {
	if leaf < 0 || leaf > m.Last() || m.without[leaf] {
		return registry.Gap{}, false
	}
	return registry.GivenBy(m.lines[leaf]), true
}

func (m memo) Line(_ context.Context, leaf int64) (registry.Line, error) {
	if _, ok := m.Gives(leaf); !ok {
		return registry.Line{}, fmt.Errorf("leaf %d: %w", leaf, registry.ErrNotFound)
	}
	return m.lines[leaf], nil
}

// rebuilds builds a book again: from nothing, from an older one, with leaves
// lacking, and not over another book.
func rebuilds(t *testing.T, x *exam) {
	ctx := t.Context()
	town(t, x)
	gap := Act("gap", 200, "sekretarz", registry.Act{Kind: registry.ActGap, Subject: "RPW-2026", Fields: map[string]string{"to": "60"}})
	x.written(gap)
	x.written(Letter(300))
	head, err := x.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := x.Leaves(ctx, 0, head.Size)
	if err != nil {
		t.Fatal(err)
	}
	known := memo{lines: make([]registry.Line, len(rows))}
	registration := int64(-1) // of an entry that something was done to
	for i, row := range rows {
		if known.lines[i], err = registry.LineOf(row); err != nil {
			t.Fatal(err)
		}
		if row.Type == string(registry.ActAccept) && registration < 0 {
			n, _ := registry.ParseNumber(row.Subject)
			registration = x.entry(n.String()).Leaf
		}
	}
	o := registry.RebuildOptions{Actor: "sekretarz", Reason: "awaria dysku", Zone: time.UTC, Now: func() time.Time { return Noon.AddDate(0, 0, 2) }, NewOrigin: origin + "/2"}

	// From nothing, and from an older copy of itself.
	for _, had := range []int{0, 9} {
		again := &exam{Store: x.open(t), t: t, o: x.o, open: x.open}
		if err := again.Replay(ctx, known.lines[:had]); err != nil {
			t.Fatal(err)
		}
		done, err := registry.Rebuild(ctx, again.Store, known, o)
		if err != nil || done.From != int64(had) || done.Size != head.Size || done.Origin != "" {
			t.Fatalf("from %d leaves: %+v, %v", had, done, err)
		}
		got, err := again.Head(ctx)
		if err != nil || !slices.Equal(got.Edge, head.Edge) || got.Origin != head.Origin {
			t.Errorf("from %d leaves the head is %+v, %v; want %+v", had, got, err, head)
		}
		again.sound()
	}

	// Where leaves are lacking it does nothing, until told to go on.
	again := &exam{Store: x.open(t), t: t, o: x.o, open: x.open}
	known.without = map[int64]bool{registration: true, 12: true}
	done, err := registry.Rebuild(ctx, again.Store, known, o)
	if !errors.Is(err, registry.ErrLacking) || len(done.Lacking) != 2 || again.size() != 0 {
		t.Fatalf("lacking leaves: %+v, %v, %d leaves were written", done, err, again.size())
	}
	o.Lacking = true
	done, err = registry.Rebuild(ctx, again.Store, known, o)
	if err != nil || done.Size != head.Size || done.Origin != o.NewOrigin || len(done.Lost) == 0 || len(done.Set) == 0 {
		t.Fatalf("with leaves lacking: %+v, %v", done, err)
	}
	got, err := again.Head(ctx)
	if err != nil || got.Origin != o.NewOrigin || got.Size != head.Size+1 {
		t.Errorf("the head is %+v, %v", got, err)
	}
	again.sound()
	if w := again.find(registry.Query{Of: registry.FindNumbers, Limit: 1000}); len(w.Works) != len(x.find(registry.Query{Of: registry.FindNumbers, Limit: 1000}).Works)-2 {
		t.Errorf("%d entries", len(w.Works))
	}
	if p := again.find(registry.Query{Of: registry.FindEvents, Subject: "RPW-2026", Limit: 100}); !slices.ContainsFunc(p.Leaves, func(r registry.LeafRow) bool {
		return r.Index == registration && r.Type == string(registry.ActGap)
	}) {
		t.Errorf("the lost number is no gap at its place: %+v", done.Lost)
	}
	if again.written(Letter(301))[0].Number.Seq != 62 {
		t.Error("the numbers do not go on where they stopped")
	}

	// Another book is left alone.
	other := &exam{Store: x.open(t), t: t, o: x.o, open: x.open}
	other.written(Letter(50), Letter(51))
	if _, err := registry.Rebuild(ctx, other.Store, memo{lines: known.lines}, o); !errors.Is(err, registry.ErrForeign) || other.size() != 2 {
		t.Errorf("over another book: %v, %d leaves", err, other.size())
	}
}
