package storetest

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"

	"kancelaria/registry"
)

const origin = "aleksandrowo.example/ksiega"

func newBook(t *testing.T, x *exam) {
	head, err := x.Head(t.Context())
	if err != nil || head.Size != 0 || len(head.Edge) != 0 || head.Origin != origin || !head.LastAt.IsZero() {
		t.Errorf("the head is %+v, %v", head, err)
	}
	out, err := x.Commit(t.Context(), nil)
	if err != nil || len(out) != 0 {
		t.Errorf("no drafts give %+v, %v", out, err)
	}
	for _, of := range []registry.QueryKind{
		registry.FindEntries, registry.FindNumbers, registry.FindDue, registry.FindArrivals, registry.FindFolders, registry.FindSeries,
		registry.FindOutbox, registry.FindNotes, registry.FindBalances, registry.FindCheckpoints, registry.FindLeases, registry.FindCounters,
	} {
		page := x.find(registry.Query{Of: of})
		if len(page.Counters) == 0 {
			page.Counters = nil
		}
		if !reflect.DeepEqual(page, registry.Page{}) {
			t.Errorf("%s of a new book: %+v", of, page)
		}
	}
	if _, err := x.Find(t.Context(), registry.Query{Of: "weather"}); err == nil {
		t.Error("the weather is found")
	}
	if leaves, err := x.Leaves(t.Context(), 0, 10); err != nil || len(leaves) != 0 {
		t.Errorf("leaves of a new book: %d, %v", len(leaves), err)
	}
	if _, err := x.Hashes(t.Context(), []int64{0}); err == nil {
		t.Error("a new book has tree hashes")
	}
}

func lettersOnce(t *testing.T, x *exam) {
	first := x.written(Letter(0), Letter(1), Letter(2))
	for i, want := range []string{"RPW-000001-2026", "RPW-000002-2026", "RPW-000003-2026"} {
		if o := first[i]; o.Number.String() != want || o.Leaf != int64(i) || o.Disposition != registry.Registered || o.Folder != "K-"+want {
			t.Errorf("letter %d: %+v", i, o)
		}
	}
	again := x.commit(Letter(1), Letter(3), Letter(3), Letter(0))
	for i, want := range []struct {
		state  registry.OutcomeState
		number string
	}{
		{registry.Repeated, "RPW-000002-2026"},
		{registry.Written, "RPW-000004-2026"},
		{registry.Repeated, "RPW-000004-2026"},
		{registry.Repeated, "RPW-000001-2026"},
	} {
		if o := again[i]; o.State != want.state || o.Number.String() != want.number {
			t.Errorf("again %d: %s %s, want %+v", i, o.State, o.Number, want)
		}
		if len(again[i].Content) == 0 {
			t.Errorf("again %d comes without the content for the copybook", i)
		}
	}
	if o := again[0]; !o.At.Equal(first[1].At) || o.Clerk != first[1].Clerk || o.Leaf != first[1].Leaf {
		t.Errorf("the first outcome was %+v, again it is %+v", first[1], o)
	}
	before := x.size()
	x.commit(Letter(0), Letter(1))
	if x.size() != before {
		t.Error("repeated drafts left leaves")
	}
	w := x.entry("4/2026")
	if w.Item != Item(3) || w.Status != registry.StatusAssigned || w.Sender.Email != sender(3) || w.Size != 1003 || w.Attachments != 1 ||
		w.Digest != digest("original 3") || !w.ReceivedAt.Equal(Letter(3).At) || w.ReceivedOn.String() != "2026-11-23" || w.Place != "n1/1:12288" {
		t.Errorf("the entry is %+v", w)
	}
	x.balanced("os1", 2)
	x.balanced("os2", 2)
}

// balanced checks how much a clerk has in hand.
func (x *exam) balanced(clerk string, open int64) {
	x.t.Helper()
	for _, b := range x.find(registry.Query{Of: registry.FindBalances}).Balances {
		if b.Clerk == clerk && b.Open != open {
			x.t.Errorf("%s has %d in hand, want %d", clerk, b.Open, open)
		}
	}
}

func actsInOrder(t *testing.T, x *exam) {
	x.written(Letter(0), Letter(1))
	out := x.written(
		Act("accept", 1, "os1", registry.Act{Kind: registry.ActAccept, Subject: "1/2026"}),
		Act("note", 2, "os1", registry.Act{Kind: registry.ActNote, Subject: "1/2026", Text: "oddzwoni\u0107"}),
		Act("correct", 3, "os1", registry.Act{Kind: registry.ActCorrect, Subject: "1/2026", Fields: map[string]string{"title": "Wycinka", "sender.name": "\u0141ucja"}}),
		Act("due", 4, "os1", registry.Act{Kind: registry.ActDue, Subject: "1/2026", Deadline: &registry.Deadline{Raw: registry.Day{Year: 2026, Month: 12, Day: 1}, Due: registry.Day{Year: 2026, Month: 12, Day: 1}}}),
		Act("forward", 5, "os1", registry.Act{Kind: registry.ActForward, Subject: "1/2026", Clerk: "os2", Department: "OS"}),
		Act("return", 6, "os2", registry.Act{Kind: registry.ActReturn, Subject: "1/2026", Department: "PK", To: "sekretarz"}),
		Act("annul", 7, "pk1", registry.Act{Kind: registry.ActAnnul, Subject: "2/2026", Text: registry.AnnulTest}),
	)
	if out[0].Case != "OS.6131.1.2026" || out[0].CaseState != registry.FolderOpen || out[0].Clerk != "os1" {
		t.Errorf("accepted as %+v", out[0])
	}
	w := x.entry("1/2026")
	if w.Title != "Wycinka" || w.Sender.Name != "\u0141ucja" || w.Deadline.Due.String() != "2026-12-01" || w.Clerk != "" ||
		w.Department != "PK" || w.Status != registry.StatusRegistered || w.Returns != 1 || w.LastLeaf != 7 {
		t.Errorf("the entry is %+v", w)
	}
	if w := x.entry("2/2026"); w.Status != registry.StatusAnnulled {
		t.Errorf("the annulled entry is %s", w.Status)
	}
	events := x.find(registry.Query{Of: registry.FindEvents, Subject: "RPW-000001-2026"}).Leaves
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Type)
	}
	if want := []string{"registered", "accepted", "noted", "corrected", "due_set", "forwarded", "returned"}; !slices.Equal(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
	line, err := registry.LineOf(events[3])
	if err != nil || line.Draft.Act.Old["title"] != "Wniosek nr 0" {
		t.Errorf("the corrected line does not keep the old title: %+v, %v", line.Draft.Act, err)
	}
	x.balanced("os1", 0)
	x.balanced("os2", 0)
}

func conflicts(t *testing.T, x *exam) {
	x.written(Letter(0))
	seen, stale := int64(0), int64(0)
	accept := Act("accept", 1, "os1", registry.Act{Kind: registry.ActAccept, Subject: "1/2026"})
	accept.After = &seen
	other := Act("other", 1, "os2", registry.Act{Kind: registry.ActForward, Subject: "1/2026", Clerk: "os2"})
	other.After = &stale
	out := x.commit(accept, other)
	if out[0].State != registry.Written || out[1].State != registry.Conflict || !errors.Is(out[1].Err(), registry.ErrConflict) {
		t.Errorf("two acts at once: %+v", out)
	}
	out = x.commit(other)
	if out[0].State != registry.Conflict {
		t.Errorf("the loser, once more: %+v", out[0])
	}
	now := x.entry("1/2026").LastLeaf
	other.After = &now
	x.written(other)
}

func refusals(t *testing.T, x *exam) {
	x.written(Letter(0), Act("annul", 1, "pk1", registry.Act{Kind: registry.ActAnnul, Subject: "1/2026"}))
	before := x.size()
	for _, tt := range []struct {
		draft     registry.Draft
		immutable bool
	}{
		{Act("a", 2, "pk1", registry.Act{Kind: registry.ActAnnul, Subject: "1/2026"}), true},
		{Act("b", 2, "os1", registry.Act{Kind: registry.ActAccept, Subject: "1/2026"}), true},
		{Act("c", 2, "os1", registry.Act{Kind: registry.ActCorrect, Subject: "1/2026", Fields: map[string]string{"title": "x"}}), true},
		{Act("d", 2, "os1", registry.Act{Kind: registry.ActAccept, Subject: "77/2026"}), false},
		{Act("e", 2, "os1", registry.Act{Kind: "burnt", Subject: "1/2026"}), false},
		{registry.Draft{Key: "f"}, false},
		{Act("g", 2, "pk1", registry.Act{Kind: registry.ActErased, Subject: Item(0).String(), Text: registry.ErasedSpam}), true},
	} {
		o := x.commit(tt.draft)[0]
		if o.State != registry.Refused || o.Error == "" || o.Immutable != tt.immutable {
			t.Errorf("%s: %+v", tt.draft.Key, o)
		}
	}
	if x.size() != before {
		t.Error("what was refused left leaves")
	}
	// Refused drafts do not keep others out.
	out := x.commit(Act("h", 3, "os1", registry.Act{Kind: registry.ActAccept, Subject: "1/2026"}), Letter(1))
	if out[0].State != registry.Refused || out[1].State != registry.Written {
		t.Errorf("beside a refused draft: %+v", out)
	}
}

func redeliveries(t *testing.T, x *exam) {
	again := func(n, of int) registry.Draft {
		return Letter(n, func(d *registry.Draft) {
			d.Arrival.Document.MessageID = Letter(of).Arrival.Document.MessageID
			d.Arrival.Document.Redelivery = Letter(of).Arrival.Document.Redelivery
		})
	}
	out := x.written(Letter(0), again(100, 0)) // a twin in the same batch
	if out[1].Disposition != registry.Redelivered || out[1].Number != out[0].Number || out[1].First != Item(0) {
		t.Errorf("the twin is %+v", out[1])
	}
	out = x.written(again(101, 0), Letter(102, func(d *registry.Draft) {
		d.Arrival.Document.MessageID = Letter(0).Arrival.Document.MessageID // other bytes
	}))
	if out[0].Disposition != registry.Redelivered || out[0].Number.Seq != 1 {
		t.Errorf("redelivered later: %+v", out[0])
	}
	if out[1].Number.Seq != 2 || out[1].DuplicateOf != "RPW-000001-2026" || !slices.Contains(out[1].Flags, registry.FlagPossibleDuplicate) {
		t.Errorf("other bytes under the same Message-ID: %+v", out[1])
	}
	first := x.find(registry.Query{Of: registry.FindArrivals, Items: []registry.ItemID{Item(0)}}).Arrivals
	if len(first) != 1 || first[0].Redelivered != 2 {
		t.Errorf("the first arrival: %+v", first)
	}
	if n := len(x.find(registry.Query{Of: registry.FindOutbox}).Outbox); n != 4 {
		t.Errorf("%d rows in the outbox, want two entries' notices and receipts", n)
	}
}

// twins lets two gateways commit the same letter at the same moment, each as an
// item of its own, as a mail server does that tries the other MX while the
// first one is still at it.
func twins(t *testing.T, x *exam) {
	const letters = 12
	numbers := make([][2]registry.Number, letters)
	firsts := make([][2]bool, letters)
	var gateways sync.WaitGroup
	for g, node := range []string{"n1", "n2"} {
		gateways.Go(func() {
			for n := range letters {
				d := Letter(1000*(g+1)+n, func(d *registry.Draft) {
					d.Node = node
					d.Arrival.Item.Node = node
					d.Arrival.Document.MessageID = Letter(n).Arrival.Document.MessageID
					d.Arrival.Document.Redelivery = Letter(n).Arrival.Document.Redelivery
				})
				out, err := patiently(t.Context(), x.Store, []registry.Draft{d})
				if err != nil || out[0].State != registry.Written {
					t.Errorf("gateway %s, letter %d: %+v, %v", node, n, out, err)
					return
				}
				numbers[n][g], firsts[n][g] = out[0].Number, out[0].Disposition == registry.Registered
			}
		})
	}
	gateways.Wait()
	for n := range letters {
		if numbers[n][0] != numbers[n][1] || numbers[n][0].IsZero() || firsts[n][0] == firsts[n][1] {
			t.Errorf("letter %d is %s and %s; registered by the gateways: %v", n, numbers[n][0], numbers[n][1], firsts[n])
		}
	}
	if works := x.find(registry.Query{Of: registry.FindNumbers, Limit: 1000}).Works; len(works) != letters {
		t.Errorf("%d entries for %d letters", len(works), letters)
	}
}

func quarantine(t *testing.T, x *exam) {
	kept := func(n int) registry.Draft {
		return Letter(n, func(d *registry.Draft) { d.Arrival.Disposition, d.Arrival.Reason = registry.Quarantined, "spam" })
	}
	release := func(n int) registry.Draft {
		return Letter(n, func(d *registry.Draft) {
			d.Key, d.Actor, d.Arrival.Late = "release/"+d.Arrival.Item.ID.String(), "pk1", true
			at(Noon.AddDate(0, 2, 0))(&registry.Draft{})
			d.At, d.On = Noon.AddDate(0, 2, 0), registry.Day{Year: 2027, Month: 1, Day: 23}
		})
	}
	out := x.written(kept(0), kept(1), Letter(2))
	if !out[0].Number.IsZero() || out[0].Disposition != registry.Quarantined || out[2].Number.Seq != 1 {
		t.Errorf("quarantined: %+v", out)
	}
	if n := len(x.find(registry.Query{Of: registry.FindArrivals, Disposition: registry.Quarantined}).Arrivals); n != 2 {
		t.Errorf("%d items in quarantine, want 2", n)
	}
	out = x.written(release(0), Act("reject", 5, "pk1", registry.Act{Kind: registry.ActReject, Subject: Item(1).String(), Text: "spam"}))
	if out[0].Number.String() != "RPW-000001-2027" || !slices.Contains(out[0].Flags, registry.FlagReleased) {
		t.Errorf("released: %+v", out[0])
	}
	if w := x.entry("1/2027"); w.ReceivedOn.String() != "2026-11-23" {
		t.Errorf("the release lost the arrival: %s", w.ReceivedOn)
	}
	for _, n := range []int{1, 2} {
		if o := x.commit(release(n))[0]; o.State != registry.Refused {
			t.Errorf("letter %d is released: %+v", n, o)
		}
	}
	if o := x.commit(release(0))[0]; o.State != registry.Repeated || o.Number.String() != "RPW-000001-2027" {
		t.Errorf("released again: %+v", o)
	}
}

func cases(t *testing.T, x *exam) {
	x.written(Letter(0), Letter(1), Letter(2), Letter(3))
	out := x.written(
		Act("open", 1, "os1", registry.Act{Kind: registry.ActOpenCase, Subject: "K-RPW-000001-2026"}),
		Act("join", 2, "os1", registry.Act{Kind: registry.ActJoinCase, Subject: "2/2026", To: "OS.6131.1.2026"}),
		Act("move", 3, "os1", registry.Act{Kind: registry.ActMoveCase, Subject: "OS.6131.1.2026", Class: "6730", Department: "GN"}),
		Act("open2", 4, "os1", registry.Act{Kind: registry.ActOpenCase, Subject: "3/2026"}),
		Act("split", 5, "os1", registry.Act{Kind: registry.ActSplit, Subject: "2/2026"}),
	)
	if out[0].Case != "OS.6131.1.2026" || out[1].Folder != "K-RPW-000001-2026" || out[2].Case != "GN.6730.1.2026" ||
		out[3].Case != "OS.6131.2.2026" || out[4].Folder != "K-RPW-000002-2026" {
		t.Errorf("cases: %+v", out)
	}
	if o := x.commit(Act("open3", 6, "os1", registry.Act{Kind: registry.ActOpenCase, Subject: "3/2026"}))[0]; o.State != registry.Repeated || o.Case != "OS.6131.2.2026" {
		t.Errorf("opened twice: %+v", o)
	}
	moved := x.find(registry.Query{Of: registry.FindFolders, Case: "OS.6131.1.2026"}).Folders
	if len(moved) != 1 || moved[0].MovedTo != "GN.6730.1.2026" || moved[0].State != registry.FolderClosed {
		t.Errorf("what is left of the moved case: %+v", moved)
	}
	x.written(Act("close", 7, "os1", registry.Act{Kind: registry.ActCloseCase, Subject: "GN.6730.1.2026"}))
	if w := x.entry("1/2026"); w.Status != registry.StatusClosed || w.Class != "6730" {
		t.Errorf("the entry of a closed case is %s of class %s", w.Status, w.Class)
	}
	inCase := x.find(registry.Query{Of: registry.FindCaseEntries, Case: "OS.6131.2.2026"}).Works
	if len(inCase) != 1 || inCase[0].Number.Seq != 3 {
		t.Errorf("entries of the case: %+v", inCase)
	}
}
