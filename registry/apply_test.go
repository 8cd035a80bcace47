package registry

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)

// A shelfBook is a store of maps: it loads what is wanted and keeps what is written.
type mapBook struct {
	t     testing.TB
	st    *State
	lines []Line
}

func newBook(t testing.TB) *mapBook {
	return &mapBook{t: t, st: NewState(Head{Origin: "aleksandrowo.example/ksiega"})}
}

func (b *mapBook) state(missing func(*State) Wants) *State {
	st := NewState(b.st.Head)
	for round := 0; ; round++ {
		w := missing(st)
		if w.Empty() {
			return st
		}
		if round > 8 {
			b.t.Fatalf("loading does not end: %+v", w)
		}
		b.load(st, w)
		st.Loaded(w)
	}
}

func copyRows[K comparable, V any](to, from map[K]V, keys []K) {
	for _, k := range keys {
		if v, ok := from[k]; ok {
			to[k] = v
		}
	}
}

func (b *mapBook) load(st *State, w Wants) {
	copyRows(st.Known, b.st.Known, w.Keys)
	copyRows(st.Arrivals, b.st.Arrivals, w.Items)
	copyRows(st.Series, b.st.Series, w.Series)
	copyRows(st.Traces, b.st.Traces, w.Traces)
	copyRows(st.Entries, b.st.Entries, w.Entries)
	copyRows(st.Folders, b.st.Folders, w.Folders)
	copyRows(st.Cases, b.st.Cases, w.Cases)
	copyRows(st.Counters, b.st.Counters, w.Counters)
	copyRows(st.Balances, b.st.Balances, w.Balances)
	copyRows(st.Subjects, b.st.Subjects, w.Subjects)
	for _, n := range b.numbers() {
		work := b.st.Entries[n]
		if slices.Contains(w.OpenOf, work.Clerk) && work.inHand() {
			st.Open[work.Clerk] = append(st.Open[work.Clerk], n)
			st.Entries[n] = work
		}
		if slices.Contains(w.Within, work.Folder) {
			st.Within[work.Folder] = append(st.Within[work.Folder], n)
			st.Entries[n] = work
		}
	}
}

func (b *mapBook) numbers() []Number { return sortedKeys(b.st.Entries, compareNumbers) }

func (b *mapBook) write(w Writes) {
	b.st.Head = w.Head
	for _, l := range w.Leaves {
		line, err := ParseLine(l.Content)
		if err != nil {
			b.t.Fatal(err)
		}
		b.st.Known[l.Key] = line
		b.lines = append(b.lines, line)
		b.st.Subjects[l.Subject] = l.Index
	}
	for _, r := range w.Series {
		b.st.Series[r.Series] = r
	}
	for _, r := range w.Arrivals {
		b.st.Arrivals[r.Item] = r
	}
	for _, r := range w.Works {
		b.st.Entries[r.Number] = r
	}
	for _, r := range w.Folders {
		b.st.Folders[r.ID] = r
		if r.Case != "" {
			b.st.Cases[r.Case] = r.ID
		}
	}
	for k, v := range w.Counters {
		b.st.Counters[k] = v
	}
	for _, r := range w.Balances {
		b.st.Balances[r.Clerk] = r
	}
	for _, r := range w.Traces {
		b.st.Traces[r.TraceKey] = append(b.st.Traces[r.TraceKey], r)
	}
}

func (b *mapBook) commit(drafts ...Draft) (Writes, []Outcome) {
	b.t.Helper()
	st := b.state(func(st *State) Wants { return st.Missing(drafts) })
	w, outcomes, err := Apply(st, drafts)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(w)
	return w, outcomes
}

func salt(s string) (out Salt) { copy(out[:], s+"-salt"); return out }

func itemID(n int) ItemID {
	var id ItemID
	id[6], id[8] = 0x70, 0x80
	id[14], id[15] = byte(n>>8), byte(n)
	return id
}

func digestOf(s string) (d Digest) { copy(d[:], s); return d }

// letter drafts the arrival of a letter; change what the test is about.
func letter(n int, change ...func(*Draft, *Arrival)) Draft {
	id := itemID(n)
	at := noon.Add(time.Duration(n) * time.Second)
	a := &Arrival{
		Item: Item{
			ID: id, Delivery: id, Door: DoorSMTP, Register: "RPW", Node: "n1", AcceptedAt: at,
			Envelope: &Envelope{MailFrom: "resident@poczta.example"},
			Original: Original{Digest: digestOf(fmt.Sprint("raw", n)), Size: 100, MediaType: "message/rfc822"},
		},
		Place: "n1/1:0",
		Document: Document{
			Subject: "Wniosek", MessageID: fmt.Sprintf("m%d@poczta.example", n), Redelivery: digestOf(fmt.Sprint("red", n)),
			Attachments: []Attachment{{Path: "2", Role: RoleAttachment, Size: 7, Digest: digestOf("pdf")}},
		},
		Decision: Decision{
			Class: "6131", Department: "OS", CasePolicy: CaseOnAccept, Candidates: []string{"os1", "os2"}, Balance: BalanceLeastOpen,
			Rules: []string{"drzewa"},
		},
		Disposition: Registered, Title: "Wniosek", BodyDigest: digestOf(fmt.Sprint("body", n)),
		ReceivedAt: at, ReceivedOn: DayOf(at, time.UTC),
	}
	d := Draft{Key: "item/" + id.String(), At: at, On: DayOf(at, time.UTC), Salt: salt(fmt.Sprint(n)), Node: "n1", Actor: "kancelaria", Arrival: a}
	for _, c := range change {
		c(&d, a)
	}
	return d
}

func TestNumbersAreGaplessAndAKeyIsWrittenOnce(t *testing.T) {
	b := newBook(t)
	_, out := b.commit(letter(1), letter(1), letter(2))
	for i, want := range []struct {
		number string
		state  OutcomeState
	}{{"RPW-000001-2026", Written}, {"RPW-000001-2026", Repeated}, {"RPW-000002-2026", Written}} {
		if out[i].Number.String() != want.number || out[i].State != want.state {
			t.Errorf("draft %d: %s %s, want %+v", i, out[i].State, out[i].Number, want)
		}
	}
	w, again := b.commit(letter(2))
	if len(w.Leaves) != 0 || again[0].State != Repeated || again[0].Number != out[2].Number || again[0].Leaf != 1 {
		t.Errorf("offered again: %+v with %d leaves", again[0], len(w.Leaves))
	}
}

// Replaying all lines into an empty book gives the same book.
func (b *mapBook) checkReplay() {
	b.t.Helper()
	fresh := newBook(b.t)
	if len(b.lines) == 0 {
		return
	}
	st := fresh.state(func(st *State) Wants { return st.MissingForReplay(b.lines) })
	w, err := Replay(st, b.lines)
	if err != nil {
		b.t.Fatal(err)
	}
	fresh.write(w)
	if !reflect.DeepEqual(fresh.st.Head, b.st.Head) {
		b.t.Errorf("replayed head is %+v, want %+v", fresh.st.Head, b.st.Head)
	}
	for n, want := range b.st.Entries {
		if got := fresh.st.Entries[n]; !reflect.DeepEqual(got, want) {
			b.t.Errorf("replayed %s is\n%+v, want\n%+v", n, got, want)
		}
	}
	for id, want := range b.st.Folders {
		if got := fresh.st.Folders[id]; !reflect.DeepEqual(got, want) {
			b.t.Errorf("replayed folder %s is\n%+v, want\n%+v", id, got, want)
		}
	}
	if !reflect.DeepEqual(fresh.st.Balances, b.st.Balances) || !reflect.DeepEqual(fresh.st.Counters, b.st.Counters) || !reflect.DeepEqual(fresh.st.Arrivals, b.st.Arrivals) {
		b.t.Error("replayed balances, counters or arrivals differ")
	}
}

func TestReplayGivesTheSameBook(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1), letter(2))
	act := func(key, actor string, a Act) Draft {
		return Draft{Key: key, At: noon.Add(time.Hour), On: Day{2026, 11, 23}, Salt: salt(key), Actor: actor, Reason: "powód", Act: &a}
	}
	_, out := b.commit(
		act("a1", "os1", Act{Kind: ActAccept, Subject: "RPW-000001-2026"}),
		act("a2", "os1", Act{Kind: ActForward, Subject: "2/2026", To: "os1"}),
		act("a3", "os2", Act{Kind: ActHandover, Subject: "os1", To: "os2"}),
		act("a4", "os2", Act{Kind: ActJoinCase, Subject: "K-RPW-000002-2026", To: "OS.6131.1.2026"}),
	)
	for _, o := range out {
		if o.State != Written {
			t.Errorf("%s: %s %s", o.Key, o.State, o.Error)
		}
	}
	if out[0].Case != "OS.6131.1.2026" || out[3].Folder != "K-RPW-000001-2026" {
		t.Errorf("accepted into %q, joined to %q", out[0].Case, out[3].Folder)
	}
	b.checkReplay()
}

// act commits one act, an hour after noon, and gives its outcome.
func (b *mapBook) act(key string, a Act, change ...func(*Draft)) Outcome {
	b.t.Helper()
	d := Draft{
		Key: "act/" + key, At: noon.Add(time.Hour), On: Day{2026, 11, 23}, Salt: salt(key), Node: "n1", Actor: "os1", Reason: "powód", Act: &a,
	}
	for _, c := range change {
		c(&d)
	}
	_, out := b.commit(d)
	return out[0]
}
