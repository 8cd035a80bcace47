package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"kancelaria/registry"
)

// sequences offers the same random drafts to the store and to the model and
// compares outcomes and books.
func sequences(t *testing.T, x *exam) {
	rounds := 60
	if x.o.Short {
		rounds = 15
	}
	model := NewMemory(origin, nil)
	rng := rand.New(rand.NewPCG(2026, 11))
	for round := range rounds {
		var batch []registry.Draft
		for i := range rng.IntN(6) + 1 {
			batch = append(batch, randomDraft(rng, round, i))
		}
		want, err := model.Commit(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		have := x.commit(batch...)
		for i := range batch {
			if fmt.Sprintf("%+v", plain(have[i])) != fmt.Sprintf("%+v", plain(want[i])) {
				t.Fatalf("round %d, %s:\ngot  %+v\nwant %+v", round, batch[i].Key, plain(have[i]), plain(want[i]))
			}
		}
	}
	for _, q := range []registry.Query{
		{Of: registry.FindNumbers},
		{Of: registry.FindFolders},
		{Of: registry.FindArrivals},
		{Of: registry.FindOutbox},
		{Of: registry.FindBalances},
		{Of: registry.FindSeries},
		{Of: registry.FindCounters},
		{Of: registry.FindDue},
	} {
		compare(t, x.Store, model, q)
	}
	have, _ := x.Head(t.Context())
	want, _ := model.Head(t.Context())
	if !slices.Equal(have.Edge, want.Edge) || have.Size != want.Size || !have.LastAt.Equal(want.LastAt) {
		t.Errorf("the head is %+v, want %+v", have, want)
	}
}

// plain is an outcome in the form in which it can be compared.
func plain(o registry.Outcome) registry.Outcome {
	o.At = o.At.UTC()
	o.Content = nil
	if len(o.Flags) == 0 {
		o.Flags = nil
	}
	if len(o.Loads) == 0 {
		o.Loads = nil
	}
	return o
}

// randomDraft makes a letter or an act on what may be there.
func randomDraft(rng *rand.Rand, round, i int) registry.Draft {
	now := Noon.Add(time.Duration(round) * 7 * time.Hour)
	if rng.IntN(2) == 0 {
		return randomLetter(rng, now)
	}
	number := fmt.Sprintf("%d/2026", rng.IntN(round+2)+1)
	clerks := []string{"os1", "os2", "or1", "gn1"}
	clerk := clerks[rng.IntN(4)]
	acts := []registry.Act{
		{Kind: registry.ActAccept, Subject: number},
		{Kind: registry.ActReturn, Subject: number, Department: "PK", To: "sekretarz", Tell: []string{"pk1"}},
		{Kind: registry.ActForward, Subject: number, Clerk: clerks[rng.IntN(4)]},
		{Kind: registry.ActForward, Subject: number, To: "Starosta", Outside: true},
		{Kind: registry.ActNote, Subject: number, Text: "uwaga"},
		{Kind: registry.ActDue, Subject: number, Deadline: &registry.Deadline{Raw: registry.Day{Year: 2026, Month: 12, Day: rng.IntN(28) + 1}}},
		{Kind: registry.ActCorrect, Subject: number, Fields: map[string]string{"title": fmt.Sprint("Tytu\u0142 ", rng.IntN(5)), "received_on": "2026-11-20"}},
		{Kind: registry.ActComplete, Subject: number, Fields: map[string]string{"sender.name": "Sp\u00f3\u0142ka"}},
		{Kind: registry.ActClassify, Subject: number, Class: "6730", Department: "GN", CasePolicy: registry.CaseOnAccept},
		{Kind: registry.ActClose, Subject: number},
		{Kind: registry.ActAnnul, Subject: number, Text: registry.AnnulDuplicate},
		{Kind: registry.ActFinding, Subject: number, Fields: map[string]string{"add_flags": "malware", "drop_flags": "not_scanned"}},
		{Kind: registry.ActAccess, Subject: number, To: clerks[rng.IntN(4)]},
		{Kind: registry.ActOpenCase, Subject: number},
		{Kind: registry.ActJoinCase, Subject: number, To: fmt.Sprintf("%d/2026", rng.IntN(round+2)+1)},
		{Kind: registry.ActMoveCase, Subject: number, Class: "6845"},
		{Kind: registry.ActCloseCase, Subject: number},
		{Kind: registry.ActReopenCase, Subject: number},
		{Kind: registry.ActSplit, Subject: number},
		{Kind: registry.ActHandover, Subject: clerk, To: clerks[rng.IntN(4)]},
		{Kind: registry.ActGap, Subject: "RPW-2026", Fields: map[string]string{"to": fmt.Sprint(rng.IntN(200))}},
		{Kind: registry.ActReject, Subject: Item(rng.IntN(60)).String()},
		{Kind: registry.ActGeneric, Subject: "office", Content: []byte("x")},
		{Kind: registry.ActAbsence, Subject: clerk, Content: []byte("{}"), Tell: []string{clerk}},
	}
	d := Act(fmt.Sprintf("%d.%d", round, i), 0, clerk, acts[rng.IntN(len(acts))])
	d.At, d.On = now, registry.DayOf(now, time.UTC)
	if rng.IntN(8) == 0 {
		seen := int64(rng.IntN(round + 1))
		d.After = &seen
	}
	return d
}

func randomLetter(rng *rand.Rand, now time.Time) registry.Draft {
	n := rng.IntN(60)
	return Letter(n, func(d *registry.Draft) {
		d.At, d.On = now, registry.DayOf(now, time.UTC)
		a := d.Arrival
		a.Decision.CasePolicy = []string{registry.CaseAtOnce, registry.CaseOnAccept, registry.CaseNone}[n%3]
		a.Decision.Balance = []string{"", registry.BalanceLeastOpen, registry.BalanceRoundRobin}[n/3%3]
		a.Decision.Candidates = [][]string{{"os1", "os2"}, {"or1"}, nil, {"os2", "gn1", "os1"}}[n%4]
		switch {
		case n%10 == 7:
			a.Disposition, a.Reason = registry.Quarantined, "spam"
		case n%10 == 8:
			a.Item.Register = "ZS"
		case n%10 == 9: // the same letter as another
			a.Document.MessageID = Letter(n - 9).Arrival.Document.MessageID
			a.Document.Redelivery = Letter(n - 9).Arrival.Document.Redelivery
		case n%10 == 5:
			a.Item.Envelope, a.Item.Door, a.ToComplete = nil, registry.DoorFolder, true
			a.Item.Original.Digest = digest(fmt.Sprint("scan ", n%20))
		case n%10 == 4:
			a.Decision.JoinFolder = "K-RPW-000002-2026"
		case n%10 == 7 && rng.IntN(2) == 0:
			d.Key, a.Late = "release/"+a.Item.ID.String(), true
		}
	})
}

// replays copies a book line by line into an empty one and asks for the same
// root; also again, and in pieces.
func replays(t *testing.T, x *exam) {
	town(t, x)
	head, err := x.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows, err := x.Leaves(t.Context(), 0, head.Size)
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]registry.Line, len(rows))
	for i, row := range rows {
		if lines[i], err = registry.LineOf(row); err != nil {
			t.Fatal(err)
		}
	}
	empty := &exam{Store: x.open(t), t: t, o: x.o, open: x.open}
	replay := func(lines []registry.Line) error { return empty.Replay(t.Context(), lines) }
	if err := replay(lines[3:]); !errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("lines with a gap before them are replayed: %v", err)
	}
	for _, part := range [][]registry.Line{lines[:5], lines[:9], lines[4:], lines, nil} {
		if err := replay(part); err != nil {
			t.Fatal(err)
		}
	}
	again, err := empty.Head(t.Context())
	if err != nil || again.Size != head.Size || !slices.Equal(again.Edge, head.Edge) || !again.LastAt.Equal(head.LastAt) {
		t.Errorf("the head is %+v, %v; want %+v", again, err, head)
	}
	for _, q := range []registry.Query{
		{Of: registry.FindNumbers},
		{Of: registry.FindFolders},
		{Of: registry.FindArrivals},
		{Of: registry.FindBalances},
		{Of: registry.FindSeries},
		{Of: registry.FindCounters},
		{Of: registry.FindEvents, Subject: "RPW-000001-2026"},
	} {
		compare(t, empty.Store, x.Store, q)
	}
	for _, o := range empty.find(registry.Query{Of: registry.FindOutbox}).Outbox {
		if o.State != registry.OutboxReplayed {
			t.Errorf("the replayed notice %s is %s", o.ID, o.State)
		}
	}
	if rows, err := empty.Claim(t.Context(), registry.Claim{Node: "n1", UpTo: 1000, Limit: 10, Now: Noon.AddDate(1, 0, 0), For: time.Minute}); err != nil || len(rows) != 0 {
		t.Errorf("replayed rows are sent: %+v, %v", rows, err)
	}
	forged := lines[2]
	forged.Content = nil
	forged.Draft.Reason = "inny"
	if err := replay([]registry.Line{forged}); !errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("another line in the place of one that is there: %v", err)
	}
	// The replayed book goes on where it stopped.
	if out := empty.written(Letter(500)); out[0].Leaf != head.Size {
		t.Errorf("the next leaf is %d, want %d", out[0].Leaf, head.Size)
	}
	empty.sound()
}

// immutable lets the store's own attempts loose on a book.
func immutable(t *testing.T, open func(t *testing.T) registry.Store, o Options) {
	for _, attempt := range o.Attempts {
		t.Run(attempt.Name, func(t *testing.T) {
			x := &exam{Store: open(t), t: t, o: o, open: open}
			var drafts []registry.Draft
			for n := range 10 {
				drafts = append(drafts, Letter(n))
			}
			x.written(drafts...)
			before, err := x.Leaves(t.Context(), 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			if err := attempt.Do(context.WithoutCancel(t.Context()), x.Store); err == nil {
				t.Error("the attempt succeeded")
			}
			after, err := x.Leaves(t.Context(), 0, 100)
			if err != nil || len(after) != len(before) {
				t.Errorf("%d leaves, %v; there were %d", len(after), err, len(before))
			}
			x.sound()
		})
	}
}
