package registry

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// after moves a letter's arrival, and the draft with it.
func after(d time.Duration) func(*Draft, *Arrival) {
	return func(dr *Draft, a *Arrival) {
		dr.At = dr.At.Add(d)
		dr.On = DayOf(dr.At, time.UTC)
		a.Item.AcceptedAt, a.ReceivedAt = dr.At, dr.At
		a.ReceivedOn = dr.On
	}
}

// like makes a letter repeat another one.
func like(n int) func(*Draft, *Arrival) {
	return func(_ *Draft, a *Arrival) {
		first := letter(n).Arrival
		a.Document.MessageID, a.Document.Redelivery, a.BodyDigest = first.Document.MessageID, first.Document.Redelivery, first.BodyDigest
		a.Item.Original.Digest = first.Item.Original.Digest
	}
}

func anonymous(_ *Draft, a *Arrival) { a.Document.MessageID = "" }

// file makes the item a scan.
func file(_ *Draft, a *Arrival) {
	a.Item.Envelope, a.Item.Door, a.Document.MessageID, a.Receipt = nil, DoorFolder, "", ReceiptPlan{}
}

func TestWhatIsTheSameArrival(t *testing.T) {
	type change = func(*Draft, *Arrival)
	for _, tt := range []struct {
		name          string
		first, second []change
		again         bool // the same arrival
		duplicate     bool // else: flagged as possible duplicate
	}{
		{"the same bytes a minute later", nil, []change{like(1), after(time.Minute)}, true, false},
		{"the same bytes in the same batch", nil, []change{like(1)}, true, false},
		{"the same bytes after six days, in another week", nil, []change{like(1), after(6 * 24 * time.Hour)}, true, false},
		{"the same bytes an hour earlier, by another node's clock", nil, []change{like(1), after(-time.Hour)}, true, false},
		{"the same bytes after eight days", nil, []change{like(1), after(8 * 24 * time.Hour)}, false, true},
		{"other bytes under the same Message-ID", nil, []change{
			like(1), after(time.Minute),
			func(_ *Draft, a *Arrival) { a.Document.Redelivery, a.BodyDigest = digestOf("other"), digestOf("other") },
		}, false, true},
		{"the same body under another Message-ID", nil, []change{
			like(1), after(time.Minute),
			func(_ *Draft, a *Arrival) { a.Document.Redelivery, a.Document.MessageID = digestOf("other"), "other" },
		}, false, true},
		{"the same bytes for another register", nil, []change{like(1), after(time.Minute), func(_ *Draft, a *Arrival) { a.Item.Register = "ZS" }}, false, false},
		{"the same bytes without Message-ID", []change{anonymous}, []change{like(1), anonymous, after(time.Hour)}, true, false},
		{"the same bytes without Message-ID after two days", []change{anonymous}, []change{like(1), anonymous, after(48 * time.Hour)}, false, true},
		{"the same bytes without Message-ID from another sender", []change{anonymous}, []change{
			like(1), anonymous, after(time.Hour),
			func(_ *Draft, a *Arrival) { a.Item.Envelope = &Envelope{MailFrom: "other@poczta.example"} },
		}, false, true},
		{"another letter", nil, nil, false, false},
		{"the same file again", []change{file}, []change{like(1), file, after(time.Minute)}, false, true},
		{"the same file and letter", nil, []change{like(1), file, after(time.Minute)}, false, false},
		{"a late registration of the same bytes", nil, []change{like(1), after(time.Minute), func(_ *Draft, a *Arrival) { a.Late = true }}, false, true},
	} {
		for _, batch := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s (one batch: %v)", tt.name, batch), func(t *testing.T) {
				b := newBook(t)
				first, second := letter(1, tt.first...), letter(2, tt.second...)
				var out []Outcome
				var w Writes
				if batch {
					w, out = b.commit(first, second)
				} else {
					_, one := b.commit(first)
					var two []Outcome
					w, two = b.commit(second)
					out = append(one, two...)
				}
				o := out[1]
				if o.State != Written || (o.Disposition == Redelivered) != tt.again {
					t.Fatalf("the second is %+v", o)
				}
				if tt.again {
					if o.Number != out[0].Number || o.First != itemID(1) || o.Item != itemID(2) || b.st.Arrivals[itemID(1)].Redelivered != 1 {
						t.Errorf("the repetition is %+v, the first arrival %+v", o, b.st.Arrivals[itemID(1)])
					}
					if !slices.Contains(b.st.Entries[o.Number].Flags, FlagRedelivered) {
						t.Errorf("the entry does not say that it came again: %v", b.st.Entries[o.Number].Flags)
					}
					if last := w.Leaves[len(w.Leaves)-1]; last.Type != "redelivered" || last.Subject != o.Number.String() {
						t.Errorf("its leaf is %s of %s", last.Type, last.Subject)
					}
				}
				if flagged := slices.Contains(o.Flags, FlagPossibleDuplicate); flagged != tt.duplicate {
					t.Errorf("flags %v", o.Flags)
				}
				if tt.duplicate && o.DuplicateOf != out[0].Number.String() {
					t.Errorf("duplicate of %q", o.DuplicateOf)
				}
				b.checkReplay()
			})
		}
	}
}

func TestARepeatedLetterIsAnsweredAsTheFirstOne(t *testing.T) {
	quarantined := func(_ *Draft, a *Arrival) { a.Disposition, a.Reason = Quarantined, "spam" }
	b := newBook(t)
	b.commit(letter(1, quarantined))
	_, out := b.commit(letter(2, like(1), after(time.Minute)))
	if o := out[0]; o.Disposition != Quarantined || !o.Number.IsZero() || o.First != itemID(1) {
		t.Errorf("a repetition of a quarantined letter: %+v", o)
	}
	if row := b.st.Arrivals[itemID(2)]; row.Disposition != Redelivered || row.First != itemID(1) {
		t.Errorf("its arrival is %+v", row)
	}
	release := letter(1, func(d *Draft, a *Arrival) { d.Key, a.Late = "release/1", true })
	_, out = b.commit(release)
	if out[0].Number.Seq != 1 || !slices.Contains(out[0].Flags, FlagReleased) {
		t.Errorf("released: %+v", out[0])
	}
	_, out = b.commit(letter(3, like(1), after(time.Hour)))
	if o := out[0]; o.Disposition != Redelivered || o.Number.Seq != 1 {
		t.Errorf("a repetition after the release: %+v", o)
	}
	// Only the first of them can be released.
	_, out = b.commit(letter(2, func(d *Draft, a *Arrival) { d.Key, a.Late = "release/2", true }))
	if out[0].State != Refused {
		t.Errorf("a repetition is released: %+v", out[0])
	}
	b.checkReplay()
}

func TestTheSameFileAgainRingsNoSecondTime(t *testing.T) {
	b := newBook(t)
	w, _ := b.commit(letter(1, file))
	if len(w.Outbox) != 1 {
		t.Errorf("%d notices of the first", len(w.Outbox))
	}
	w, out := b.commit(letter(2, like(1), file))
	if len(w.Outbox) != 0 || out[0].Number.Seq != 2 {
		t.Errorf("%d notices of the second, %+v", len(w.Outbox), out[0])
	}
}

func TestAFloodUnderOneMessageIDIsBounded(t *testing.T) {
	b := newBook(t)
	for n := range 20 {
		_, out := b.commit(letter(n, func(_ *Draft, a *Arrival) { a.Document.MessageID = "same" }))
		if out[0].Number.Seq != int64(n+1) {
			t.Fatalf("letter %d: %+v", n, out[0])
		}
	}
	for key, rows := range b.st.Traces {
		if len(rows) > mostTraces {
			t.Errorf("%d traces under %c", len(rows), key.Kind)
		}
	}
}

func TestTracesAreForgottenByTheWeek(t *testing.T) {
	b := newBook(t)
	w, _ := b.commit(letter(1))
	if w.ForgetTraces != 0 {
		t.Errorf("the first letter forgets weeks before %d", w.ForgetTraces)
	}
	w, _ = b.commit(letter(2))
	if w.ForgetTraces != 0 {
		t.Error("a letter in the same week forgets something")
	}
	w, _ = b.commit(letter(3, after(7*24*time.Hour)))
	if want := weekOf(letter(3, after(7*24*time.Hour)).At) - weeksKept; w.ForgetTraces != want {
		t.Errorf("forgets weeks before %d, want %d", w.ForgetTraces, want)
	}
}

func TestTheYearOfANumber(t *testing.T) {
	on := func(received, registered Day, late bool) func(*Draft, *Arrival) {
		return func(d *Draft, a *Arrival) { a.ReceivedOn, d.On, a.Late = received, registered, late }
	}
	day := func(y int, m time.Month, d int) Day { return Day{y, m, d} }
	for _, tt := range []struct {
		name   string
		before []Draft
		letter func(*Draft, *Arrival)
		want   string
		flag   Flag
	}{
		{"the same day", nil, on(day(2026, 12, 31), day(2026, 12, 31), false), "RPW-000001-2026", ""},
		{"accepted before midnight, registered after", nil, on(day(2026, 12, 31), day(2027, 1, 1), false), "RPW-000001-2026", FlagYearEdge},
		{"a week's outage, and the series was open", []Draft{letter(9, on(day(2026, 12, 30), day(2026, 12, 30), false))}, on(day(2026, 12, 31), day(2027, 1, 7), false), "RPW-000002-2026", FlagYearEdge},
		{"a week's outage, and nothing came before", nil, on(day(2026, 12, 31), day(2027, 1, 7), false), "RPW-000001-2027", FlagLateRegistration},
		{"a person is late", nil, on(day(2026, 12, 31), day(2027, 1, 1), true), "RPW-000001-2027", ""},
		{"the old series is closed", []Draft{
			letter(9, on(day(2026, 12, 30), day(2026, 12, 30), false)),
			{Key: "close", At: noon.AddDate(0, 0, 45), On: day(2027, 1, 4), Salt: salt("c"), Actor: "kancelaria", Act: &Act{Kind: ActClosed, Subject: "RPW-2026"}},
		}, on(day(2026, 12, 31), day(2027, 1, 5), false), "RPW-000001-2027", FlagLateRegistration},
		{"a node whose clock is ahead", nil, on(day(2027, 1, 1), day(2026, 12, 31), false), "RPW-000001-2026", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBook(t)
			if len(tt.before) > 0 {
				b.commit(tt.before...)
			}
			_, out := b.commit(letter(1, tt.letter))
			o := out[0]
			if o.Number.String() != tt.want {
				t.Errorf("%s (%s), want %s", o.Number, o.Error, tt.want)
			}
			for _, f := range []Flag{FlagYearEdge, FlagLateRegistration} {
				if slices.Contains(o.Flags, f) != (f == tt.flag) {
					t.Errorf("flags %v, want %q", o.Flags, tt.flag)
				}
			}
			b.checkReplay()
		})
	}
}

func TestATimeWithinASeriesIsNeverGivenTwice(t *testing.T) {
	b := newBook(t)
	var drafts []Draft
	for n := range 50 {
		drafts = append(drafts, letter(n, func(d *Draft, _ *Arrival) { d.At = noon.Add(-time.Duration(n) * time.Hour) }))
	}
	_, out := b.commit(drafts...)
	for i := 1; i < len(out); i++ {
		if want := out[i-1].At.Add(time.Microsecond); !out[i].At.Equal(want) {
			t.Fatalf("number %d is of %s, want %s", i+1, out[i].At, want)
		}
	}
}

func TestWhoGetsALetter(t *testing.T) {
	decide := func(balance string, candidates ...string) func(*Draft, *Arrival) {
		return func(_ *Draft, a *Arrival) {
			a.Decision.Balance, a.Decision.Candidates = balance, candidates
			a.Decision.For = map[string]string{"os2": "os1"}
		}
	}
	b := newBook(t)
	var got []string
	for n, d := range []func(*Draft, *Arrival){
		decide("", "os1", "os2"),
		decide(BalanceLeastOpen, "os1", "os2"),
		decide(BalanceLeastOpen, "os1", "os2"),
		decide(BalanceLeastOpen, "os3", "os1"),
		decide(BalanceRoundRobin, "os1", "os2", "os3"),
		decide(BalanceRoundRobin, "os1", "os2", "os3"),
		decide(BalanceLeastOpen, "os1", "os2", "os3"),
		decide(BalanceLeastOpen),
	} {
		_, out := b.commit(letter(n, d))
		got = append(got, out[0].Clerk)
		if (out[0].Clerk == "os2") != (out[0].OnBehalfOf == "os1") {
			t.Errorf("letter %d: %s on behalf of %q", n, out[0].Clerk, out[0].OnBehalfOf)
		}
	}
	want := []string{"os1", "os2", "os1", "os3", "os2", "os1", "os3", ""}
	if !slices.Equal(got, want) {
		t.Errorf("letters went to %v, want %v", got, want)
	}
	if w := b.st.Entries[Number{"RPW", 2026, 8}]; w.Status != StatusRegistered {
		t.Errorf("a letter for nobody in particular is %s", w.Status)
	}
	for clerk, open := range map[string]int64{"os1": 3, "os2": 2, "os3": 2} {
		if b.st.Balances[clerk].Open != open {
			t.Errorf("%s has %+v, want %d open", clerk, b.st.Balances[clerk], open)
		}
	}
}

func TestWhoIsTold(t *testing.T) {
	b := newBook(t)
	w, _ := b.commit(letter(1, func(d *Draft, a *Arrival) {
		a.Decision.Candidates = []string{"os1"}
		a.Decision.Notify = []string{"naczelnik", "os1", "os2", "naczelnik"}
		a.Decision.HideFrom = []string{"os2"}
		a.Receipt = ReceiptPlan{Send: true, To: "Resident@Poczta.example", Variant: ReceiptStandard}
		d.Node = "n2"
	}))
	var told []string
	for _, o := range w.Outbox {
		told = append(told, o.ID+" "+o.Kind+" "+o.Recipient)
		if o.State != OutboxReady || o.Node != "n2" || o.Number.Seq != 1 || o.Item != itemID(1) || o.CreatedAt.IsZero() {
			t.Errorf("row %+v", o)
		}
	}
	if want := []string{"0.0 notice os1", "0.1 notice naczelnik", "0.2 receipt resident@poczta.example"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestWhenAFolderIsACase(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Draft, *Arrival)
		want   string
		state  string
	}{
		{"at once", func(_ *Draft, a *Arrival) { a.Decision.CasePolicy = CaseAtOnce }, "OS.6131.1.2026", FolderOpen},
		{"on accepting", func(_ *Draft, a *Arrival) { a.Decision.CasePolicy = CaseOnAccept }, "", FolderWorking},
		{"never", func(_ *Draft, a *Arrival) { a.Decision.CasePolicy = CaseNone }, "", FolderNone},
		{"not in doubt", func(_ *Draft, a *Arrival) {
			a.Decision.CasePolicy, a.Document.Flags = CaseAtOnce, []Flag{FlagKPA63}
		}, "", FolderWorking},
		{"not without a class", func(_ *Draft, a *Arrival) { a.Decision.CasePolicy, a.Decision.Class = CaseAtOnce, "" }, "", FolderWorking},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBook(t)
			_, out := b.commit(letter(1, tt.change))
			if o := out[0]; o.Case != tt.want || o.CaseState != tt.state || o.Folder != "K-RPW-000001-2026" {
				t.Errorf("%q, %s, in %s", o.Case, o.CaseState, o.Folder)
			}
			b.checkReplay()
		})
	}
}

func TestAReplyJoinsAFolderThatIsOpen(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1), letter(2))
	reply := func(n int, folder string) Outcome {
		_, out := b.commit(letter(n, func(_ *Draft, a *Arrival) { a.Decision.JoinFolder = folder }))
		return out[0]
	}
	if o := reply(3, "K-RPW-000001-2026"); o.Folder != "K-RPW-000001-2026" || b.st.Folders[o.Folder].Entries != 2 {
		t.Errorf("joined %s", o.Folder)
	}
	b.act("close", Act{Kind: ActCloseCase, Subject: "K-RPW-000001-2026"})
	if o := reply(4, "K-RPW-000001-2026"); o.Folder != "K-RPW-000004-2026" || b.st.Entries[o.Number].Suggestion != "K-RPW-000001-2026" {
		t.Errorf("a closed folder was joined: %+v", o)
	}
	if o := reply(5, "K-RPW-000077-2026"); o.Folder != "K-RPW-000005-2026" {
		t.Errorf("a folder that is not there was joined: %+v", o)
	}
	b.act("join", Act{Kind: ActJoinCase, Subject: "K-RPW-000005-2026", To: "K-RPW-000002-2026"})
	if o := reply(6, "K-RPW-000005-2026"); o.Folder != "K-RPW-000002-2026" {
		t.Errorf("a folder that was joined into another: %+v", o)
	}
	b.checkReplay()
}

func TestABounceStandsWithWhatItAnswers(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1))
	bounce := func(_ *Draft, a *Arrival) {
		a.Disposition, a.Reason, a.Answers = Beside, "bounce", "RPW-000001-2026"
	}
	w, out := b.commit(letter(2, bounce), letter(3, bounce, func(_ *Draft, a *Arrival) { a.Answers = "RPW-000099-2026" }))
	if w.Leaves[0].Subject != "RPW-000001-2026" || w.Leaves[1].Subject != itemID(3).String() {
		t.Errorf("leaves of %s and %s", w.Leaves[0].Subject, w.Leaves[1].Subject)
	}
	if !out[0].Number.IsZero() || len(w.Outbox) != 0 {
		t.Errorf("a bounce got %s and rang %d bells", out[0].Number, len(w.Outbox))
	}
	b.checkReplay()
}

func TestArrivalsThatNoBookCouldHoldAreRefused(t *testing.T) {
	for name, change := range map[string]func(*Draft, *Arrival){
		"without item":          func(_ *Draft, a *Arrival) { a.Item.ID = ItemID{} },
		"without arrival":       func(_ *Draft, a *Arrival) { a.ReceivedOn = Day{} },
		"for no register":       func(_ *Draft, a *Arrival) { a.Item.Register = "rpw " },
		"for a folder's name":   func(_ *Draft, a *Arrival) { a.Item.Register = "K-RPW" },
		"rejected from the off": func(_ *Draft, a *Arrival) { a.Disposition = Rejected },
		"from the future":       func(d *Draft, a *Arrival) { a.Late, a.ReceivedOn = true, d.On.AddDays(1) },
		"and an act":            func(d *Draft, _ *Arrival) { d.Act = &Act{Kind: ActNote} },
		"without a day":         func(d *Draft, _ *Arrival) { d.On = Day{} },
		"without salt":          func(d *Draft, _ *Arrival) { d.Salt = Salt{} },
		"without a key":         func(d *Draft, _ *Arrival) { d.Key = "" },
	} {
		b := newBook(t)
		w, out := b.commit(letter(1, change))
		if out[0].State != Refused || out[0].Error == "" || len(w.Leaves) != 0 {
			t.Errorf("%s: %+v", name, out[0])
		}
	}
}

func TestHostileTextIsMadeFitForTheBook(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1, func(_ *Draft, a *Arrival) {
		a.Title, a.Sender.Name, a.Document.Subject = "a\x00b", "\xff\xfe", "ok"
	}))
	w := b.st.Entries[Number{"RPW", 2026, 1}]
	if w.Title != "ab" || w.Sender.Name != "\uFFFD\uFFFD" || w.Subject != "ok" {
		t.Errorf("%q, %q", w.Title, w.Sender.Name)
	}
	b.checkReplay()
}
