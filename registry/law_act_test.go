package registry

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// standing brings entry 1 of a new book into a state.
func standingAt(t *testing.T, s Status) *mapBook {
	t.Helper()
	b := newBook(t)
	change := func(_ *Draft, a *Arrival) {
		a.Decision.Candidates = []string{"os1"}
		switch s {
		case StatusRegistered:
			a.Decision.Candidates = nil
		case StatusToComplete:
			a.ToComplete = true
		}
	}
	b.commit(letter(1, change))
	for _, a := range map[Status][]Act{
		StatusAccepted:  {{Kind: ActAccept}},
		StatusForwarded: {{Kind: ActForward, To: "Starosta", Outside: true}},
		StatusClosed:    {{Kind: ActClose}},
		StatusAnnulled:  {{Kind: ActAnnul}},
	}[s] {
		a.Subject = "RPW-000001-2026"
		if o := b.act("before", a); o.State != Written {
			t.Fatalf("%s: %s", a.Kind, o.Error)
		}
	}
	if got := b.st.Entries[Number{"RPW", 2026, 1}].Status; got != s {
		t.Fatalf("the entry is %s, want %s", got, s)
	}
	return b
}

var allStates = []Status{StatusRegistered, StatusAssigned, StatusAccepted, StatusToComplete, StatusForwarded, StatusClosed, StatusAnnulled}

// The table of states: what becomes of an entry by an act, "-" where it is
// refused and "!" where it would break what must not change.
func TestWhatAnActMakesOfAnEntry(t *testing.T) {
	scan := Act{Kind: ActComplete, Fields: map[string]string{"sender.name": "Spółka"}}
	due := Act{Kind: ActDue, Deadline: &Deadline{Raw: Day{2026, 12, 1}}}
	for _, tt := range []struct {
		act  Act
		want string // registered assigned accepted to_complete forwarded closed annulled
	}{
		{Act{Kind: ActAccept}, "accepted accepted accepted accepted - accepted !"},
		{Act{Kind: ActReturn, Department: "OR"}, "registered registered registered to_complete - ! !"},
		{Act{Kind: ActForward, Clerk: "os2"}, "assigned assigned assigned to_complete - ! !"},
		{Act{Kind: ActForward, Department: "GN"}, "registered registered registered to_complete - ! !"},
		{Act{Kind: ActForward, To: "Starosta", Outside: true}, "forwarded forwarded forwarded forwarded - ! !"},
		{Act{Kind: ActNote, Text: "uwaga"}, "registered assigned accepted to_complete forwarded closed annulled"},
		{due, "registered assigned accepted to_complete - ! !"},
		{Act{Kind: ActCorrect, Fields: map[string]string{"title": "x"}}, "registered assigned accepted to_complete forwarded ! !"},
		{scan, "- - - assigned - ! !"},
		{Act{Kind: ActClassify, Class: "6730", Department: "GN"}, "registered assigned - to_complete - ! !"},
		{Act{Kind: ActClose}, "closed closed closed closed closed ! !"},
		{Act{Kind: ActAnnul, Text: AnnulTest}, "annulled annulled annulled annulled annulled annulled !"},
		{Act{Kind: ActFinding, Fields: map[string]string{"add_flags": "malware"}}, "registered assigned accepted to_complete forwarded closed annulled"},
		{Act{Kind: ActSent, Content: []byte("{}")}, "registered assigned accepted to_complete forwarded closed annulled"},
		{Act{Kind: ActAccess, To: "or1"}, "registered assigned accepted to_complete forwarded closed annulled"},
		{Act{Kind: ActSplit}, "- - - - - - !"}, // it lies in its own folder
	} {
		for i, want := range strings.Fields(tt.want) {
			t.Run(fmt.Sprintf("%s %s", allStates[i], tt.act.Kind), func(t *testing.T) {
				b := standingAt(t, allStates[i])
				a := tt.act
				a.Subject = "1/2026"
				o := b.act("now", a)
				got := string(b.st.Entries[Number{"RPW", 2026, 1}].Status)
				switch {
				case o.State == Refused && o.Immutable:
					got = "!"
				case o.State == Refused:
					got = "-"
				}
				if got != want {
					t.Errorf("becomes %s (%s), want %s", got, o.Error, want)
				}
				if o.State == Refused && o.Error == "" {
					t.Error("refused without a word")
				}
				b.checkReplay()
			})
		}
	}
}

func TestAReasonIsNeeded(t *testing.T) {
	for _, a := range []Act{
		{Kind: ActReturn, Subject: "1/2026"},
		{Kind: ActDue, Subject: "1/2026", Deadline: &Deadline{Raw: Day{2026, 12, 1}}},
		{Kind: ActCorrect, Subject: "1/2026", Fields: map[string]string{"title": "x"}},
		{Kind: ActAnnul, Subject: "1/2026"},
		{Kind: ActMoveCase, Subject: "1/2026", Class: "6730"},
		{Kind: ActHandover, Subject: "os1", To: "os2"},
		{Kind: ActGap, Subject: "RPW-2026", Fields: map[string]string{"to": "9"}},
	} {
		b := standingAt(t, StatusAccepted)
		if o := b.act("x", a, func(d *Draft) { d.Reason = " " }); o.State != Refused && a.Kind != ActHandover && a.Kind != ActGap {
			t.Errorf("%s without a reason: %+v", a.Kind, o)
		}
		if o := b.act("y", a, func(d *Draft) { d.Reason = "" }); o.State != Refused {
			t.Errorf("%s without a reason: %+v", a.Kind, o)
		}
	}
}

func TestTwoActsAtOnceCannotBothWin(t *testing.T) {
	b := standingAt(t, StatusAssigned)
	seen := func(leaf int64) func(*Draft) { return func(d *Draft) { d.After = &leaf } }
	if o := b.act("a", Act{Kind: ActAccept, Subject: "1/2026"}, seen(0)); o.State != Written {
		t.Fatalf("%+v", o)
	}
	o := b.act("b", Act{Kind: ActForward, Subject: "1/2026", Clerk: "os2"}, seen(0))
	if o.State != Conflict || !errors.Is(o.Err(), ErrConflict) || !strings.Contains(o.Error, "leaf 1 came after leaf 0") {
		t.Errorf("%+v", o)
	}
	// What was only noted meanwhile is no reason for a conflict.
	b.act("c", Act{Kind: ActNote, Subject: "1/2026", Text: "uwaga"})
	b.act("d", Act{Kind: ActSent, Subject: "1/2026"})
	b.act("e", Act{Kind: ActFinding, Subject: "1/2026", Fields: map[string]string{"add_flags": "malware"}})
	b.commit(letter(2, like(1)))
	if o := b.act("f", Act{Kind: ActClose, Subject: "1/2026"}, seen(1)); o.State != Written {
		t.Errorf("after a note: %+v", o)
	}
	b.checkReplay()
}

func TestAnEntryReturnedTwiceGoesToTheSecretary(t *testing.T) {
	b := standingAt(t, StatusAssigned)
	back := func(key, actor string) (Writes, Outcome) {
		w, out := b.commit(Draft{
			Key: key, At: noon.Add(time.Hour), On: Day{2026, 11, 23}, Salt: salt(key), Node: "n1", Actor: actor, Reason: "nie moje",
			Act: &Act{Kind: ActReturn, Subject: "1/2026", Department: "OR", To: "sekretarz", Tell: []string{"pk1"}},
		})
		return w, out[0]
	}
	w, o := back("r1", "os1")
	if e := b.st.Entries[o.Number]; o.Clerk != "" || e.Status != StatusRegistered || e.Department != "OR" || e.Returns != 1 {
		t.Errorf("returned once: %+v", e)
	}
	if len(w.Outbox) != 1 || w.Outbox[0].Recipient != "pk1" || w.Outbox[0].Variant != string(ActReturn) || w.Outbox[0].Node != "n1" {
		t.Errorf("told %+v", w.Outbox)
	}
	b.act("f", Act{Kind: ActForward, Subject: "1/2026", Clerk: "os2"})
	w, o = back("r2", "os2")
	if e := b.st.Entries[o.Number]; o.Clerk != "sekretarz" || e.Status != StatusAssigned || e.Returns != 2 {
		t.Errorf("returned twice: %+v", e)
	}
	if len(w.Outbox) != 2 || w.Outbox[0].Recipient != "sekretarz" {
		t.Errorf("told %+v", w.Outbox)
	}
	for clerk, open := range map[string]int64{"os1": 0, "os2": 0, "sekretarz": 1} {
		if b.st.Balances[clerk].Open != open {
			t.Errorf("%s has %d in hand, want %d", clerk, b.st.Balances[clerk].Open, open)
		}
	}
	b.checkReplay()
}

func TestAcceptingForSomebody(t *testing.T) {
	b := standingAt(t, StatusAssigned)
	o := b.act("a", Act{Kind: ActAccept, Subject: "1/2026"}, func(d *Draft) { d.Actor, d.OnBehalfOf = "root", "os1" })
	if o.Clerk != "os1" || o.Case != "OS.6131.1.2026" {
		t.Errorf("accepted: %+v", o)
	}
	if o := b.act("b", Act{Kind: ActAccept, Subject: "1/2026"}); o.State != Repeated || o.Case != "OS.6131.1.2026" || o.Leaf != 1 {
		t.Errorf("accepted again by the same: %+v", o)
	}
	if o := b.act("c", Act{Kind: ActAccept, Subject: "1/2026"}, func(d *Draft) { d.Actor = "os2" }); o.State != Refused {
		t.Errorf("accepted by another: %+v", o)
	}
	b.act("d", Act{Kind: ActClose, Subject: "1/2026"})
	if o := b.act("e", Act{Kind: ActAccept, Subject: "1/2026"}, func(d *Draft) { d.Reason = "" }); o.State != Refused {
		t.Errorf("taken up again without a reason: %+v", o)
	}
	if o := b.act("f", Act{Kind: ActAccept, Subject: "1/2026"}); o.State != Written || o.Case != "OS.6131.1.2026" {
		t.Errorf("taken up again: %+v", o)
	}
	b.checkReplay()
}

func TestWhatCanBeCorrected(t *testing.T) {
	fields := func(pairs ...string) Act {
		a := Act{Kind: ActCorrect, Subject: "1/2026", Fields: map[string]string{}}
		for i := 0; i < len(pairs); i += 2 {
			a.Fields[pairs[i]] = pairs[i+1]
		}
		return a
	}
	for _, tt := range []struct {
		name string
		act  Act
		want string // "" written, else part of the refusal
	}{
		{"every field", fields(
			"title", "Wycinka lipy", "sender.name", "Spółka", "sender.email", "a@b.example", "sender.postal", "ul. Lipowa 1", "letter_date", "2026-11",
			"sender_ref", "ABC/1", "posted_on", "2026-11-19", "remarks", "skan 1 strony", "access", "partial",
			"received_at", "2026-11-20T09:00:00Z", "received_on", "2026-11-20"), ""},
		{"an empty title", fields("title", "  "), "empty"},
		{"an unknown access", fields("access", "secret"), "public, partial or closed"},
		{"a day that is none", fields("letter_date", "2026-13"), "no date"},
		{"a day in the future", fields("received_on", "2026-11-24"), "future"},
		{"an instant in the future", fields("received_at", "2026-11-23T12:00:01Z"), "future"},
		{"the number", fields("number", "RPW-000009-2026"), "cannot be corrected"},
		{"nothing", fields(), "what is to be corrected"},
		{"a novel", fields("remarks", strings.Repeat("x", mostFieldText+1)), "at most"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := standingAt(t, StatusAssigned)
			before := b.st.Entries[Number{"RPW", 2026, 1}]
			o := b.act("c", tt.act)
			switch {
			case tt.want != "" && (o.State != Refused || !strings.Contains(o.Error, tt.want)):
				t.Errorf("%s %q, want %q", o.State, o.Error, tt.want)
			case tt.want != "":
				return
			case o.State != Written:
				t.Fatal(o.Error)
			}
			after := b.st.Entries[o.Number]
			old := b.lines[len(b.lines)-1].Draft.Act.Old
			for name, value := range tt.act.Fields {
				if got := correctable[name].get(after); got != value {
					t.Errorf("%s is %q, want %q", name, got, value)
				}
				if old[name] != correctable[name].get(before) {
					t.Errorf("the old %s was kept as %q", name, old[name])
				}
			}
			if after.Number != before.Number || after.AcceptedAt != before.AcceptedAt {
				t.Error("more was changed than was to be")
			}
			if b.st.Folders[after.Folder].Title != "Wycinka lipy" {
				t.Error("the folder kept its title")
			}
			if o := b.act("again", tt.act); o.State != Repeated {
				t.Errorf("corrected to the same again: %+v", o)
			}
			b.checkReplay()
		})
	}
}

func TestAScanIsCompleted(t *testing.T) {
	b := standingAt(t, StatusToComplete)
	o := b.act("c", Act{Kind: ActComplete, Subject: "1/2026", Fields: map[string]string{"sender.name": "Spółka", "title": "Oferta"}})
	if w := b.st.Entries[o.Number]; w.Status != StatusAssigned || w.Sender.Name != "Spółka" || slices.Contains(w.Flags, FlagToComplete) {
		t.Errorf("completed: %+v", w)
	}
	// Accepted before it was completed, it stays accepted.
	b = standingAt(t, StatusToComplete)
	b.act("a", Act{Kind: ActAccept, Subject: "1/2026"})
	o = b.act("c", Act{Kind: ActComplete, Subject: "1/2026"})
	if w := b.st.Entries[o.Number]; w.Status != StatusAccepted || slices.Contains(w.Flags, FlagToComplete) {
		t.Errorf("completed after accepting: %+v", w)
	}
	b.checkReplay()
}

func TestAnnullingKeepsTheNumberAndClosesWhatIsEmpty(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1), letter(2))
	b.act("j", Act{Kind: ActJoinCase, Subject: "2/2026", To: "1/2026"})
	if o := b.act("wrong", Act{Kind: ActAnnul, Subject: "2/2026", Text: "bo tak"}); o.State != Refused {
		t.Errorf("a reason of no dictionary: %+v", o)
	}
	o := b.act("a", Act{Kind: ActAnnul, Subject: "2/2026", Text: AnnulDuplicate, To: "1/2026"})
	if w := b.st.Entries[o.Number]; w.Status != StatusAnnulled || w.DuplicateOf != "RPW-000001-2026" {
		t.Errorf("annulled: %+v", w)
	}
	if f := b.st.Folders["K-RPW-000001-2026"]; f.State != FolderWorking || f.Entries != 1 {
		t.Errorf("the folder of another entry: %+v", f)
	}
	b.act("b", Act{Kind: ActAnnul, Subject: "1/2026"})
	if f := b.st.Folders["K-RPW-000001-2026"]; f.State != FolderClosed || f.Entries != 0 {
		t.Errorf("the empty folder: %+v", f)
	}
	if o := b.act("c", Act{Kind: ActAnnul, Subject: "1/2026"}); !o.Immutable || !errors.Is(o.Err(), ErrImmutable) {
		t.Errorf("annulled twice: %+v", o)
	}
	_, out := b.commit(letter(3))
	if out[0].Number.Seq != 3 {
		t.Errorf("an annulled number was given again: %s", out[0].Number)
	}
	b.checkReplay()
}

func TestALeavingClerkHandsOver(t *testing.T) {
	b := newBook(t)
	only := func(clerk string) func(*Draft, *Arrival) {
		return func(_ *Draft, a *Arrival) { a.Decision.Candidates = []string{clerk} }
	}
	b.commit(letter(1, only("os1")), letter(2, only("os1")), letter(3, only("os2")), letter(4, only("os1")))
	b.act("close", Act{Kind: ActClose, Subject: "2/2026"})
	w, out := b.commit(
		letter(5, only("os1")), // in the same batch
		Draft{
			Key: "h", At: noon.Add(time.Hour), On: Day{2026, 11, 23}, Salt: salt("h"), Actor: "sekretarz", Reason: "odchodzi",
			Act: &Act{Kind: ActHandover, Subject: "os1", To: "os3"},
		},
	)
	if out[1].State != Written {
		t.Fatal(out[1].Error)
	}
	clerks := map[int64]string{}
	for n, e := range b.st.Entries {
		clerks[n.Seq] = e.Clerk
	}
	if want := map[int64]string{1: "os3", 2: "os1", 3: "os2", 4: "os3", 5: "os3"}; !maps.Equal(clerks, want) {
		t.Errorf("the entries are with %v, want %v", clerks, want)
	}
	if b.st.Balances["os1"].Open != 0 || b.st.Balances["os3"].Open != 3 || b.st.Folders["K-RPW-000001-2026"].Clerk != "os3" {
		t.Errorf("balances %+v", b.st.Balances)
	}
	if last := w.Outbox[len(w.Outbox)-1]; last.Recipient != "os3" || last.Variant != string(ActHandover) {
		t.Errorf("told %+v", w.Outbox)
	}
	if o := b.act("self", Act{Kind: ActHandover, Subject: "os3", To: "os3"}); o.State != Refused {
		t.Errorf("handed over to oneself: %+v", o)
	}
	b.checkReplay()
}

func TestWhomALetterIsAboutNeverGetsIt(t *testing.T) {
	b := newBook(t)
	about := func(_ *Draft, a *Arrival) {
		a.Decision.Candidates, a.Decision.Balance, a.Decision.HideFrom = []string{"os2", "os1"}, "", []string{"os2", "sekretarz"}
	}
	_, out := b.commit(letter(1, about), letter(2, func(_ *Draft, a *Arrival) { a.Decision.Candidates = []string{"os1"} }))
	if out[0].Clerk != "os1" {
		t.Errorf("a complaint about os2 went to %s", out[0].Clerk)
	}
	for _, a := range []Act{
		{Kind: ActForward, Clerk: "os2"}, {Kind: ActClassify, Clerk: "os2"}, {Kind: ActAccess, To: "os2"},
	} {
		a.Subject = "1/2026"
		if o := b.act(string(a.Kind), a); o.State != Refused {
			t.Errorf("%s: %+v", a.Kind, o)
		}
	}
	if o := b.act("accept", Act{Kind: ActAccept, Subject: "1/2026"}, func(d *Draft) { d.Actor = "os2" }); o.State != Refused {
		t.Errorf("accepted: %+v", o)
	}
	for _, key := range []string{"r1", "r2"} {
		if o := b.act(key, Act{Kind: ActReturn, Subject: "1/2026", Department: "OR", To: "sekretarz"}); o.Clerk != "" {
			t.Errorf("returned to %s", o.Clerk)
		}
	}
	b.act("f", Act{Kind: ActForward, Subject: "1/2026", Clerk: "os1"})
	b.act("h", Act{Kind: ActHandover, Subject: "os1", To: "os2"})
	if one, two := b.st.Entries[Number{"RPW", 2026, 1}], b.st.Entries[Number{"RPW", 2026, 2}]; one.Clerk != "os1" || two.Clerk != "os2" {
		t.Errorf("handed over: the complaint is with %s, the other letter with %s", one.Clerk, two.Clerk)
	}
	b.checkReplay()
}

func TestItemsOutsideTheBook(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1), letter(2, func(_ *Draft, a *Arrival) { a.Disposition = Quarantined }))
	kept, inBook := itemID(2).String(), itemID(1).String()
	for _, tt := range []struct {
		name      string
		act       Act
		state     OutcomeState
		immutable bool
	}{
		{"reject what is in the book", Act{Kind: ActReject, Subject: inBook}, Refused, true},
		{"reject what never came", Act{Kind: ActReject, Subject: itemID(9).String()}, Refused, false},
		{"erase a registered letter as spam", Act{Kind: ActErased, Subject: inBook, Text: ErasedSpam}, Refused, true},
		{"erase for no reason of the list", Act{Kind: ActErased, Subject: kept, Text: "miejsce"}, Refused, true},
		{"erase as classified, alone", Act{Kind: ActErased, Subject: inBook, Text: ErasedClassified}, Refused, false},
		{"erase as classified, confirmed by who ordered it", Act{Kind: ActErased, Subject: inBook, Text: ErasedClassified, Fields: map[string]string{OrderedBy: "os1"}}, Refused, false},
		{"erase as classified, by two", Act{Kind: ActErased, Subject: inBook, Text: ErasedClassified, Fields: map[string]string{OrderedBy: "sek"}}, Written, false},
		{"erase by court order", Act{Kind: ActErased, Subject: inBook, Text: ErasedCourt}, Written, false},
		{"reject", Act{Kind: ActReject, Subject: kept, Text: "spam"}, Written, false},
		{"reject again", Act{Kind: ActReject, Subject: kept}, Repeated, false},
		{"erase expired spam", Act{Kind: ActErased, Subject: kept, Text: ErasedSpam}, Written, false},
	} {
		if o := b.act(tt.name, tt.act); o.State != tt.state || o.Immutable != tt.immutable {
			t.Errorf("%s: %+v", tt.name, o)
		}
	}
	if row := b.st.Arrivals[itemID(2)]; row.Disposition != Rejected || row.Reason != "spam" {
		t.Errorf("rejected: %+v", row)
	}
	b.checkReplay()
}

func TestSeriesAreClosedOnceAndGapsSaySo(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1))
	next := func(d *Draft) { d.At, d.On = noon.AddDate(0, 2, 0), Day{2027, 1, 23} }
	for _, tt := range []struct {
		name   string
		act    Act
		change func(*Draft)
		want   string // state, "!" for immutable
	}{
		{"close before the year is over", Act{Kind: ActClosed, Subject: "RPW-2026"}, nil, "refused"},
		{"close what never was", Act{Kind: ActClosed, Subject: "ZS-2026"}, next, "refused"},
		{"a gap that is none", Act{Kind: ActGap, Subject: "RPW-2026", Fields: map[string]string{"to": "1"}}, nil, "refused"},
		{"a gap of a million", Act{Kind: ActGap, Subject: "RPW-2026", Fields: map[string]string{"to": "1000000"}}, nil, "refused"},
		{"a gap to nowhere", Act{Kind: ActGap, Subject: "RPW-2026"}, nil, "refused"},
		{"a gap", Act{Kind: ActGap, Subject: "rpw-2026", Fields: map[string]string{"to": "7"}}, nil, "written"},
		{"open what is open", Act{Kind: ActOpened, Subject: "RPW-2026"}, nil, "repeated"},
		{"open the year after next", Act{Kind: ActOpened, Subject: "RPW-2028"}, nil, "refused"},
		{"close", Act{Kind: ActClosed, Subject: "RPW-2026"}, next, "written"},
		{"close again", Act{Kind: ActClosed, Subject: "RPW-2026"}, next, "repeated"},
		{"open again", Act{Kind: ActOpened, Subject: "RPW-2026"}, next, "!"},
		{"a gap in what is closed", Act{Kind: ActGap, Subject: "RPW-2026", Fields: map[string]string{"to": "9"}}, next, "!"},
		{"no series at all", Act{Kind: ActClosed, Subject: "pies"}, next, "refused"},
	} {
		o := b.act(tt.name, tt.act, func(d *Draft) {
			if tt.change != nil {
				tt.change(d)
			}
		})
		got := string(o.State)
		if o.Immutable {
			got = "!"
		}
		if got != tt.want {
			t.Errorf("%s: %s (%s), want %s", tt.name, got, o.Error, tt.want)
		}
		if tt.name == "a gap" {
			if _, out := b.commit(letter(2)); out[0].Number.Seq != 8 {
				t.Errorf("after the gap: %s", out[0].Number)
			}
			if fields := b.lines[len(b.lines)-2].Draft.Act.Fields; fields["from"] != "2" || fields["to"] != "7" {
				t.Errorf("the gap is %v", fields)
			}
		}
		if tt.name == "close" {
			if fields := b.lines[len(b.lines)-1].Draft.Act.Fields; fields["count"] != "8" || fields["last"] != "RPW-000008-2026" {
				t.Errorf("the closing says %v", fields)
			}
		}
	}
	b.checkReplay()
}

func TestWhatIsOnlyRecordedChainsByItsSubject(t *testing.T) {
	b := newBook(t)
	first := b.act("1", Act{Kind: ActRules, Subject: "office", Content: []byte("version: 1")})
	w, out := b.commit(Draft{
		Key: "2", At: noon, On: Day{2026, 11, 23}, Salt: salt("2"), Actor: "root", After: &first.Leaf,
		Act: &Act{Kind: ActGeneric, Subject: "office", Tell: []string{"admin"}},
	})
	body, err := DecodeLeaf(w.Leaves[0].Body)
	if err != nil || body.Previous != first.Leaf || out[0].State != Written || len(w.Outbox) != 1 {
		t.Errorf("%+v, %v, %+v", body, err, out[0])
	}
	if o := b.act("3", Act{Kind: ActGeneric, Subject: "office"}, func(d *Draft) { d.After = &first.Leaf }); o.State != Conflict {
		t.Errorf("%+v", o)
	}
	if !w.Leaves[0].At.Equal(noon.Add(time.Hour)) {
		t.Errorf("the ledger went back in time, to %s", w.Leaves[0].At)
	}
	b.checkReplay()
}
