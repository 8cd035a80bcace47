package registry

import (
	"strings"
	"testing"
	"time"
)

func TestCasesAreNumberedInTheirSeries(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1), letter(2), letter(3), letter(4))
	for _, tt := range []struct {
		key  string
		act  Act
		on   Day
		want string // case, or part of the refusal
	}{
		{"first", Act{Kind: ActOpenCase, Subject: "K-RPW-000001-2026"}, Day{2026, 11, 23}, "OS.6131.1.2026"},
		{"again", Act{Kind: ActOpenCase, Subject: "1/2026"}, Day{2026, 11, 23}, "OS.6131.1.2026"},
		{"of another class", Act{Kind: ActOpenCase, Subject: "1/2026", Class: "6730"}, Day{2026, 11, 23}, "move the case"},
		{"second", Act{Kind: ActOpenCase, Subject: "2/2026"}, Day{2026, 11, 23}, "OS.6131.2.2026"},
		{"next year", Act{Kind: ActOpenCase, Subject: "3/2026"}, Day{2027, 1, 4}, "OS.6131.1.2027"},
		{"in a sub-group", Act{Kind: ActOpenCase, Subject: "4/2026", Fields: map[string]string{"group": "2"}}, Day{2026, 11, 23}, "OS.6131.2.1.2026"},
		{"in a sub-group of nothing", Act{Kind: ActOpenCase, Subject: "4/2026", Fields: map[string]string{"group": "77"}, Class: "6730"}, Day{2026, 11, 23}, "move the case"},
		{"of nothing", Act{Kind: ActOpenCase, Subject: "9/2026"}, Day{2026, 11, 23}, "no folder"},
	} {
		o := b.act(tt.key, tt.act, func(d *Draft) { d.On = tt.on })
		if got := o.Case + o.Error; !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.key, got, tt.want)
		}
	}
	b.checkReplay()
}

func TestWhichOfTwoFoldersStays(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cases []string // folders that are cases, in order of opening
		want  string
	}{
		{"of two working ones the older", nil, "K-RPW-000001-2026"},
		{"the case, though it is younger", []string{"2/2026"}, "K-RPW-000002-2026"},
		{"of two cases the older case", []string{"2/2026", "1/2026"}, "K-RPW-000002-2026"},
	} {
		for _, way := range [][2]string{{"1/2026", "2/2026"}, {"2/2026", "1/2026"}} {
			b := newBook(t)
			b.commit(letter(1), letter(2))
			for i, c := range tt.cases {
				b.act(c, Act{Kind: ActOpenCase, Subject: c}, func(d *Draft) { d.At = noon.AddDate(0, 0, i) })
			}
			o := b.act("j", Act{Kind: ActJoinCase, Subject: way[0], To: way[1]})
			if o.Folder != tt.want {
				t.Errorf("%s, %v: %s stays (%s), want %s", tt.name, way, o.Folder, o.Error, tt.want)
			}
			gone := 0
			for id, f := range b.st.Folders {
				if f.JoinedInto != "" {
					gone++
					if f.JoinedInto != tt.want || f.State != FolderClosed || f.Entries != 0 || id == tt.want {
						t.Errorf("%s: %+v", tt.name, f)
					}
				}
			}
			for _, w := range b.st.Entries {
				if w.Folder != tt.want || w.OwnFolder != (w.Number.Folder() == tt.want) {
					t.Errorf("%s: %s lies in %s", tt.name, w.Number, w.Folder)
				}
			}
			if gone != 1 || b.st.Folders[tt.want].Entries != 2 {
				t.Errorf("%s: %+v", tt.name, b.st.Folders)
			}
			b.checkReplay()
		}
	}
}

func TestWhatIsSplitOutLiesInItsOwnFolderAgain(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1), letter(2), letter(3, func(_ *Draft, a *Arrival) { a.Decision.JoinFolder = "K-RPW-000001-2026" }))
	b.act("open", Act{Kind: ActOpenCase, Subject: "2/2026"})
	b.act("open1", Act{Kind: ActOpenCase, Subject: "1/2026"}, func(d *Draft) { d.At = noon.Add(2 * time.Hour) })
	b.act("join", Act{Kind: ActJoinCase, Subject: "OS.6131.2.2026", To: "OS.6131.1.2026"})
	if o := b.act("s2", Act{Kind: ActSplit, Subject: "1/2026"}); o.State != Written || o.Case != "OS.6131.2.2026" || o.CaseState != FolderOpen {
		t.Errorf("split out of a case it was joined to: %+v", o)
	}
	if o := b.act("s3", Act{Kind: ActSplit, Subject: "3/2026"}); o.State != Written || o.Folder != "K-RPW-000003-2026" || o.CaseState != FolderWorking {
		t.Errorf("a letter that never had its own folder: %+v", o)
	}
	if o := b.act("s4", Act{Kind: ActSplit, Subject: "2/2026"}); o.State != Refused {
		t.Errorf("split out of its own folder: %+v", o)
	}
	for id, n := range map[string]int64{"K-RPW-000001-2026": 1, "K-RPW-000002-2026": 1, "K-RPW-000003-2026": 1} {
		if f := b.st.Folders[id]; f.Entries != n || f.JoinedInto != "" {
			t.Errorf("%+v", f)
		}
	}
	b.checkReplay()
}

func TestAMovedCaseIsFoundUnderBothNumbers(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1))
	b.act("open", Act{Kind: ActOpenCase, Subject: "1/2026"})
	move := func(key, subject, class, department string) Outcome {
		return b.act(key, Act{Kind: ActMoveCase, Subject: subject, Class: class, Department: department})
	}
	if o := move("m1", "OS.6131.1.2026", "6730", "GN"); o.Case != "GN.6730.1.2026" || o.Folder != "K-RPW-000001-2026" {
		t.Errorf("moved: %+v", o)
	}
	folder, left := b.st.Folders["K-RPW-000001-2026"], b.st.Folders["Z-OS.6131.1.2026"]
	if folder.MovedFrom != "OS.6131.1.2026" || left.MovedTo != "GN.6730.1.2026" || left.State != FolderClosed || left.Class != "6131" {
		t.Errorf("the two do not refer to each other: %+v, %+v", folder, left)
	}
	if w := b.st.Entries[Number{"RPW", 2026, 1}]; w.Class != "6730" || w.Folder != folder.ID {
		t.Errorf("the entry: %+v", w)
	}
	if o := move("m2", "OS.6131.1.2026", "6845", "GN"); o.State != Refused {
		t.Errorf("what is left of a case is moved: %+v", o)
	}
	if o := move("m3", "GN.6730.1.2026", "6730", "GN"); o.State != Refused {
		t.Errorf("moved to where it is: %+v", o)
	}
	if o := move("m4", "1/2026", "6131", "OS"); o.Case != "OS.6131.2.2026" {
		t.Errorf("moved back: %+v", o)
	}
	b.act("close", Act{Kind: ActCloseCase, Subject: "OS.6131.2.2026"})
	if o := b.act("reopen", Act{Kind: ActReopenCase, Subject: "OS.6131.2.2026"}); o.CaseState != FolderOpen || !b.st.Folders["K-RPW-000001-2026"].ClosedAt.IsZero() {
		t.Errorf("reopened: %+v", o)
	}
	if o := b.act("reopen2", Act{Kind: ActReopenCase, Subject: "OS.6131.1.2026"}); o.State != Refused {
		t.Errorf("what is left of a case is reopened: %+v", o)
	}
	b.checkReplay()
}

func TestClosingACaseSettlesItsLetters(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1), letter(2, func(_ *Draft, a *Arrival) { a.Decision.JoinFolder = "K-RPW-000001-2026" }))
	o := b.act("close", Act{Kind: ActCloseCase, Subject: "1/2026"})
	for _, w := range b.st.Entries {
		if w.Status != StatusClosed || w.LastLeaf != o.Leaf {
			t.Errorf("%s is %s", w.Number, w.Status)
		}
	}
	for clerk, bal := range b.st.Balances {
		if bal.Open != 0 {
			t.Errorf("%s has %d in hand", clerk, bal.Open)
		}
	}
	for _, a := range []Act{{Kind: ActOpenCase}, {Kind: ActJoinCase, To: "1/2026"}, {Kind: ActCloseCase}, {Kind: ActMoveCase, Class: "6730"}} {
		a.Subject = "K-RPW-000001-2026"
		if o := b.act(string(a.Kind), a); o.State == Written {
			t.Errorf("%s on a closed folder: %+v", a.Kind, o)
		}
	}
	b.checkReplay()
}

func TestRestrictedFoldersJoinOnlyTheirLike(t *testing.T) {
	b := newBook(t)
	b.commit(letter(1), letter(2, func(_ *Draft, a *Arrival) { a.Decision.Restricted = true }))
	if o := b.act("j", Act{Kind: ActJoinCase, Subject: "2/2026", To: "1/2026"}); o.State != Refused {
		t.Errorf("a secret letter joins an open folder: %+v", o)
	}
}
