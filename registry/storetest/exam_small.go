package storetest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"kancelaria/registry"
)

func notes(t *testing.T, x *exam) {
	keep := func(n ...registry.Note) error { return x.Keep(t.Context(), n) }
	read := func(kind, key string) []registry.Note {
		return x.find(registry.Query{Of: registry.FindNotes, NoteKind: kind, Key: key}).Notes
	}
	version := func(v int64) *int64 { return &v }
	if err := keep(registry.Note{Kind: "token", Key: "a", Value: []byte("1"), IfVersion: version(0)}); err != nil {
		t.Fatal(err)
	}
	first := read("token", "a")
	if len(first) != 1 || string(first[0].Value) != "1" || first[0].Version == 0 {
		t.Fatalf("kept %+v", first)
	}
	if err := keep(registry.Note{Kind: "token", Key: "a", Value: []byte("x"), IfVersion: version(0)}); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("made twice: %v", err)
	}
	if err := keep(registry.Note{Kind: "token", Key: "a", Value: []byte("2"), IfVersion: &first[0].Version}); err != nil {
		t.Error(err)
	}
	if err := keep(registry.Note{Kind: "token", Key: "a", Value: []byte("3"), IfVersion: &first[0].Version}); !errors.Is(err, registry.ErrConflict) {
		t.Errorf("two writers both win: %v", err)
	}
	// All or none.
	err := keep(registry.Note{Kind: "token", Key: "b", Value: []byte("b")}, registry.Note{Kind: "token", Key: "a", Value: []byte("4"), IfVersion: version(1)})
	if !errors.Is(err, registry.ErrConflict) || len(read("token", "b")) != 0 {
		t.Errorf("half of a refused bundle is kept: %v", err)
	}
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if err := keep(
		registry.Note{Kind: "session", Key: "old", Value: []byte("x"), Expires: past},
		registry.Note{Kind: "session", Key: "new", Value: []byte{0, 1, 255}, Expires: future},
	); err != nil {
		t.Fatal(err)
	}
	if got := read("session", ""); len(got) != 1 || got[0].Key != "new" || !slices.Equal(got[0].Value, []byte{0, 1, 255}) {
		t.Errorf("sessions: %+v", got)
	}
	if err := keep(registry.Note{Kind: "session", Key: "new"}, registry.Note{Kind: "session", Key: "never was"}); err != nil {
		t.Error(err)
	}
	if got := read("session", ""); len(got) != 0 {
		t.Errorf("after deleting: %+v", got)
	}
	looked := registry.Note{Kind: registry.NoteAccess, Key: "os1/RPW-000001-2026", Value: []byte("original"), Expires: future}
	if err := keep(looked, looked); err != nil || len(read(registry.NoteAccess, looked.Key)) != 1 {
		t.Errorf("access events: %v", err)
	}
	if err := keep(registry.Note{Kind: registry.NoteAccess, Key: looked.Key}); !errors.Is(err, registry.ErrImmutable) {
		t.Errorf("an access event is deleted: %v", err)
	}
}

func leases(t *testing.T, x *exam) {
	take := func(name, node string, ttl time.Duration) registry.Lease {
		l, err := x.Lease(t.Context(), name, node, ttl, "note of "+node)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	if l := take("sealer", "n1", time.Hour); !l.Held || l.Node != "n1" {
		t.Errorf("taken: %+v", l)
	}
	if l := take("sealer", "n2", time.Hour); l.Held || l.Node != "n1" || l.Note != "note of n1" {
		t.Errorf("taken by two: %+v", l)
	}
	if l := take("sealer", "n1", -time.Minute); l.Held {
		t.Errorf("given back, and held: %+v", l)
	}
	if l := take("sealer", "n2", time.Hour); !l.Held {
		t.Errorf("not taken over: %+v", l)
	}
	if got := x.find(registry.Query{Of: registry.FindLeases}).Leases; len(got) != 1 || got[0].Node != "n2" {
		t.Errorf("leases: %+v", got)
	}
}

func seals(t *testing.T, x *exam) {
	var heads []registry.Checkpoint
	for n := range 3 {
		x.written(Letter(n))
		head, err := x.Head(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		root := head.Root()
		note := fmt.Sprintf("%s\n%d\n%s\n\n\u2014 unsigned\n", origin, head.Size, base64.StdEncoding.EncodeToString(root[:]))
		heads = append(heads, registry.Checkpoint{Size: head.Size, Root: root, Note: []byte(note), SignedAt: Noon})
	}
	for _, n := range []int{1, 2, 0, 1} {
		if err := x.Seal(t.Context(), heads[n]); err != nil {
			t.Errorf("sealing %d: %v", n+1, err)
		}
	}
	got := x.find(registry.Query{Of: registry.FindCheckpoints}).Checkpoints
	if len(got) != 2 || got[0].Size != 3 || got[1].Size != 2 || got[0].Root != heads[2].Root || string(got[0].Note) != string(heads[2].Note) {
		t.Errorf("heads: %+v", got)
	}
	if err := x.Seal(t.Context(), registry.Checkpoint{Size: 4, Note: []byte("x"), SignedAt: Noon}); err == nil {
		t.Error("a head of more leaves than there are is stored")
	}
}

func outbox(t *testing.T, x *exam) {
	for n := range 12 {
		x.written(Letter(n, func(d *registry.Draft) { d.Arrival.Receipt.Send = n < 2 }))
	}
	claim := func(node string, upTo int64, now time.Time) []registry.OutboxRow {
		rows, err := x.Claim(t.Context(), registry.Claim{Node: node, UpTo: upTo, Limit: 100, Now: now, For: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	finish := func(rows ...registry.OutboxRow) {
		if err := x.Finish(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	now := Noon.Add(time.Hour)
	if got := claim("n1", -1, now); len(got) != 0 {
		t.Errorf("rows of leaves beyond what is synced: %+v", got)
	}
	if got := claim("n1", 100, Noon.Add(-time.Hour)); len(got) != 0 {
		t.Errorf("rows before their time: %+v", got)
	}
	first := claim("n1", 100, now)
	recipients := map[string]bool{}
	for i, o := range first {
		if recipients[o.Recipient] || o.State != registry.OutboxLeased || o.Attempts != 1 || o.LeaseBy != "n1" || i > 0 && o.Leaf < first[i-1].Leaf {
			t.Errorf("claimed %+v", o)
		}
		recipients[o.Recipient] = true
	}
	if len(first) != 4 { // os1, os2 and two senders
		t.Fatalf("%d rows claimed, want the first of each of four recipients", len(first))
	}
	if got := claim("n1", 100, now); len(got) != 0 {
		t.Errorf("claimed twice: %+v", got)
	}
	// The worker stores what it rendered, dies, and another takes over the very
	// same bytes.
	first[0].Rendered, first[0].MessageID, first[0].Variant = []byte("Subject: x\r\n\r\n"), "0.0@aleksandrowo.example", "notice/standard/1"
	finish(first[0])
	later := now.Add(2 * time.Minute)
	second := claim("n1", 100, later)
	if len(second) != 4 || second[0].Attempts != 2 || string(second[0].Rendered) != "Subject: x\r\n\r\n" || second[0].Variant != "notice/standard/1" {
		t.Fatalf("after the lease: %+v", second)
	}
	late := first[0]
	late.State = registry.OutboxSent
	finish(late) // the dead one comes back: too late
	if got := x.find(registry.Query{Of: registry.FindOutbox, State: registry.OutboxSent}).Outbox; len(got) != 0 {
		t.Errorf("a late worker closed another's row: %+v", got)
	}
	second[0].State, second[0].DoneAt = registry.OutboxSent, later
	second[1].State, second[1].LastError = registry.OutboxDead, "550"
	second[2].State, second[2].NotBefore = registry.OutboxReady, later.Add(time.Hour)
	finish(second[:3]...)
	third := claim("n1", 100, later)
	for _, o := range third {
		if o.Recipient == second[2].Recipient || o.Recipient == second[3].Recipient {
			t.Errorf("%s is told of a later thing first", o.Recipient)
		}
	}
	if !slices.ContainsFunc(third, func(o registry.OutboxRow) bool { return o.Recipient == second[0].Recipient && o.Leaf > second[0].Leaf }) {
		t.Errorf("the next row of %s is not claimed: %+v", second[0].Recipient, third)
	}
	takeover(t, x, claim)
}

// takeover makes sure that what a node committed is sent by another one only
// once its own lease is over.
func takeover(t *testing.T, x *exam, claim func(string, int64, time.Time) []registry.OutboxRow) {
	if _, err := x.Lease(t.Context(), registry.NodeLease("n7"), "n7", time.Hour, ""); err != nil {
		t.Fatal(err)
	}
	x.written(Letter(50, func(d *registry.Draft) {
		d.Node, d.Arrival.Item.Node, d.Arrival.Decision.Candidates = "n7", "n7", []string{"gn1"}
	}))
	mine := func(rows []registry.OutboxRow) bool {
		return slices.ContainsFunc(rows, func(o registry.OutboxRow) bool { return o.Node == "n7" })
	}
	now := time.Now()
	if mine(claim("n1", 1000, now)) {
		t.Error("the rows of a node that lives are taken")
	}
	if rows := claim("n1", 1000, now.Add(2*time.Hour)); !mine(rows) {
		t.Errorf("the rows of a dead node are left: %s", fmt.Sprint(len(rows)))
	}
}
