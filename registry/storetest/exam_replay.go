package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

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
		Act("due", 6, "os1", registry.Act{Kind: registry.ActNote, Subject: "K-RPW-000002-2026", Text: "zadzwonić"}),
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
