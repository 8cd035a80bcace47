package registry_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

// A snapshot is what an entry and its case were at some size of the ledger.
type snapshot struct {
	work registry.Work
	num  string // case number
}

func snapshots(t *testing.T, m *storetest.Memory) map[registry.Number]snapshot {
	t.Helper()
	page, err := m.Find(t.Context(), registry.Query{Of: registry.FindNumbers, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	all := map[registry.Number]snapshot{}
	for _, w := range page.Works {
		folder, err := m.Find(t.Context(), registry.Query{Of: registry.FindFolders, Folder: w.Folder})
		if err != nil || len(folder.Folders) != 1 {
			t.Fatalf("%s lies in %s: %v", w.Number, w.Folder, err)
		}
		w.Version = 0
		all[w.Number] = snapshot{w, folder.Folders[0].Case}
	}
	return all
}

// deeds are acts that change entries in every way there is, some by way of
// other entries, folders and clerks.
func deeds(r *rand.Rand, letters int) registry.Act {
	n := fmt.Sprintf("%d/2026", 1+r.IntN(letters))
	folder := fmt.Sprintf("K-RPW-%06d-2026", 1+r.IntN(letters))
	other := fmt.Sprintf("K-RPW-%06d-2026", 1+r.IntN(letters))
	all := []registry.Act{
		{Kind: registry.ActAccept, Subject: n},
		{Kind: registry.ActReturn, Subject: n},
		{Kind: registry.ActForward, Subject: n, Clerk: "or1"},
		{Kind: registry.ActCorrect, Subject: n, Fields: map[string]string{"title": fmt.Sprint("tytuł ", r.IntN(100))}},
		{Kind: registry.ActClassify, Subject: n, Class: "1431", Department: "OR", Clerk: "os1"},
		{Kind: registry.ActClose, Subject: n},
		{Kind: registry.ActFinding, Subject: n, Fields: map[string]string{registry.FieldAddFlags: "urgent"}},
		{Kind: registry.ActSplit, Subject: n},
		{Kind: registry.ActAccess, Subject: n, To: fmt.Sprint("iod", r.IntN(9))},
		{Kind: registry.ActJoinCase, Subject: folder, To: other},
		{Kind: registry.ActJoinCase, Subject: folder, To: other},
		{Kind: registry.ActOpenCase, Subject: folder, Class: "6131", Department: "OS"},
		{Kind: registry.ActMoveCase, Subject: folder, Class: "6220", Department: "OS"},
		{Kind: registry.ActCloseCase, Subject: folder},
		{Kind: registry.ActReopenCase, Subject: folder},
		{Kind: registry.ActHandover, Subject: "os1", To: "or1"},
		{Kind: registry.ActHandover, Subject: "or1", To: "os1"},
		{Kind: registry.ActNote, Subject: n, Text: "uwaga"},
	}
	return all[r.IntN(len(all))]
}

// Whatever was done since, an entry is shown as it stood when the ledger had a
// certain size: exports can be made again, byte for byte.
func TestThePastIsWhatItWas(t *testing.T) {
	const letters = 6
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		m := storetest.NewMemory("aleksandrowo.example/ksiega", nil)
		was := map[int64]map[registry.Number]snapshot{}
		for n := range letters + 60 {
			draft := storetest.Act(fmt.Sprint("deed", n), 10+n, "os1", deeds(r, letters))
			draft.Reason = "powód"
			if n < letters {
				draft = storetest.Letter(n)
			}
			if n == 30 { // a later scan of the first
				draft = storetest.Letter(n, func(d *registry.Draft) {
					d.Arrival.Disposition, d.Arrival.To = registry.Attached, "RPW-000001-2026"
				})
			}
			if _, err := m.Commit(t.Context(), []registry.Draft{draft}); err != nil {
				t.Fatal(err)
			}
			head, err := m.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			was[head.Size] = snapshots(t, m)
		}
		now := snapshots(t, m)
		for size, then := range was {
			past, err := registry.NewPastReader(t.Context(), m, size)
			if err != nil {
				t.Fatal(err)
			}
			for number, want := range then {
				got, err := past.Of(t.Context(), now[number].work)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got.Work, want.work) || got.Case != want.num {
					t.Fatalf("seed %d: %s at %d leaves is\n%+v in %q, was\n%+v in %q", seed, number, size, got.Work, got.Case, want.work, want.num)
				}
			}
		}
	}
}

func TestThePastDoesNotKnowWhatCameLater(t *testing.T) {
	m := storetest.NewMemory("aleksandrowo.example/ksiega", nil)
	for n := range 2 {
		if _, err := m.Commit(t.Context(), []registry.Draft{storetest.Letter(n)}); err != nil {
			t.Fatal(err)
		}
	}
	past, err := registry.NewPastReader(t.Context(), m, 1)
	if err != nil {
		t.Fatal(err)
	}
	for number, s := range snapshots(t, m) {
		if _, err := past.Of(t.Context(), s.work); (err != nil) != (number.Seq == 2) {
			t.Errorf("%s: %v", number, err)
		}
	}
	if _, err := registry.NewPastReader(t.Context(), m, 3); err == nil {
		t.Error("a size that the ledger has not reached is taken")
	}
}
