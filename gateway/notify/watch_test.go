package notify

import (
	"context"
	"maps"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// deskBook holds the entries of an office as a watch sees them.
type deskBook struct {
	works map[registry.Number]registry.Work
	lines map[int64]time.Time
	held  int
	// arrivals that were kept out, newest first.
	arrivals []registry.ArrivalRow
	said     map[string]registry.Draft
	order    []string
}

func newDeskBook(works ...registry.Work) *deskBook {
	b := &deskBook{works: map[registry.Number]registry.Work{}, lines: map[int64]time.Time{}, said: map[string]registry.Draft{}}
	for _, w := range works {
		b.works[w.Number] = w
	}
	return b
}

func (b *deskBook) Find(_ context.Context, q registry.Query) (registry.Page, error) {
	var page registry.Page
	switch q.Of {
	case registry.FindEntries, registry.FindDue:
		for _, w := range b.works {
			open := w.Status != registry.StatusClosed && w.Status != registry.StatusAnnulled
			if (q.Status == "" || w.Status == q.Status) && (!q.Open || open) &&
				(q.Of != registry.FindDue || (!w.Deadline.Due.IsZero() && !q.DueUntil.Before(w.Deadline.Due))) &&
				!w.RegisteredAt.Before(q.Since) && (q.Until.IsZero() || w.RegisteredAt.Before(q.Until)) {
				page.Works = append(page.Works, w)
			}
		}
		if len(page.Works) < 100 { // the order matters to lists only
			sort.Slice(page.Works, func(i, j int) bool { return page.Works[i].Number.Seq > page.Works[j].Number.Seq })
		}
	case registry.FindLine:
		if q.Leaf == nil {
			if i := slices.Index(b.order, q.Key); i >= 0 {
				page.Leaves = []registry.LeafRow{{Index: heldBase + int64(i)}}
			}
			break
		}
		if at, ok := b.lines[*q.Leaf]; ok {
			page.Leaves = []registry.LeafRow{{Index: *q.Leaf, At: at}}
		}
	case registry.FindArrivals:
		page.Arrivals = make([]registry.ArrivalRow, b.held)
		for _, a := range b.arrivals {
			if a.Disposition == q.Disposition {
				page.Arrivals = append(page.Arrivals, a)
			}
		}
	case registry.FindCheckpoints:
		page.Checkpoints = []registry.Checkpoint{{Size: 4711, Root: registry.Digest{0xab, 0xcd}}}
	}
	return page, nil
}

func (b *deskBook) Submit(_ context.Context, d registry.Draft) (registry.Outcome, error) {
	if _, again := b.said[d.Key]; again {
		return registry.Outcome{State: registry.Repeated}, nil
	}
	b.said[d.Key] = d
	b.order = append(b.order, d.Key)
	return registry.Outcome{State: registry.Written}, nil
}

// reminders lists what was said of entries: number, text, whom.
func (b *deskBook) reminders() []string {
	var list []string
	for _, key := range b.order {
		if r, ok := gateway.RemarkOf(b.said[key].Act); ok && strings.HasPrefix(key, "remind/") {
			list = append(list, strings.TrimPrefix(r.Text, "remark.")+" → "+strings.Join(b.said[key].Act.Tell, ","))
		}
	}
	return list
}

func watchOffice() *registry.Office {
	o := sampleOffice()
	o.Departments["OS"] = registry.Department{ID: "OS", Head: "osk", Clerks: []string{"os1", "os2"}}
	o.Clerks["osk"] = registry.Clerk{Login: "osk", Name: "kierownik", Roles: []registry.OfficeRole{registry.RoleHead}}
	o.Clerks["pk1"] = registry.Clerk{Login: "pk1", Roles: []registry.OfficeRole{registry.RoleDesk}}
	o.Clerks["sek"] = registry.Clerk{Login: "sek", Roles: []registry.OfficeRole{registry.RoleSecretary}}
	o.Clerks["arch"] = registry.Clerk{Login: "arch", Roles: []registry.OfficeRole{registry.RoleArchivist}}
	os1 := o.Clerks["os1"]
	os1.Deputies = []string{"os2"}
	os1.Absences = []registry.Absence{{From: day("2026-12-21"), To: day("2026-12-31")}}
	o.Clerks["os1"] = os1
	return o
}

func day(s string) registry.Day {
	d, err := registry.ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

func at(s string) time.Time {
	t, err := time.ParseInLocation("2006-01-02 15:04", s, warsaw)
	if err != nil {
		panic(err)
	}
	return t
}

// waiting is an entry assigned to os1 on Monday 23 November 2026 at ten.
func waiting(alter func(*registry.Work)) registry.Work {
	w := registry.Work{
		Number: registry.Number{Register: "RPW", Year: 2026, Seq: 1}, Status: registry.StatusAssigned, Clerk: "os1", Department: "OS",
		Class: "6131", RegisteredAt: at("2026-11-23 10:00"), Found: true, Leaf: 1, LastLeaf: 1,
	}
	if alter != nil {
		alter(&w)
	}
	return w
}

func due(code, raw, end string) registry.Deadline {
	return registry.Deadline{Code: code, Raw: day(raw), Due: day(end), Basis: "art. 35 § 3 KPA"}
}

func TestTheLadder(t *testing.T) {
	accepted := func(d registry.Deadline) registry.Work {
		return waiting(func(w *registry.Work) { w.Status, w.Deadline = registry.StatusAccepted, d })
	}
	term := due("KPA_1M", "2026-12-24", "2026-12-28")
	for _, tt := range []struct {
		name string
		work registry.Work
		look []string
		want []string
	}{
		{"nothing within four hours", waiting(nil), []string{"2026-11-23 13:59"}, nil},
		{"the deputy after four hours, once", waiting(nil), []string{"2026-11-23 14:00", "2026-11-23 14:05", "2026-11-23 15:00"}, []string{"unaccepted_deputy → os2"}},
		{"the night does not count", waiting(func(w *registry.Work) { w.RegisteredAt = at("2026-11-23 14:30") }), []string{"2026-11-23 20:00", "2026-11-24 10:00"}, nil},
		{"the head after a day", waiting(nil), []string{"2026-11-23 14:00", "2026-11-24 10:00", "2026-11-24 14:00"}, []string{"unaccepted_deputy → os2", "unaccepted_head → osk"}},
		{"only the head when the deputy was missed", waiting(nil), []string{"2026-11-25 09:00"}, []string{"unaccepted_head → osk"}},
		{"nothing at night", waiting(nil), []string{"2026-11-23 22:00"}, nil},
		{"what is urgent at night too", waiting(func(w *registry.Work) { w.Priority = "high" }), []string{"2026-11-23 22:00"}, []string{"unaccepted_deputy → os2"}},
		{"nobody's letter is the desk's", waiting(func(w *registry.Work) { w.Status, w.Clerk = registry.StatusRegistered, "" }), []string{"2026-11-23 14:00"}, []string{"unassigned → pk1"}},
		{"a scan nobody describes", waiting(func(w *registry.Work) { w.Status = registry.StatusToComplete }), []string{"2026-11-24 10:00"}, []string{"incomplete → pk1"}},
		{"whoever it is about is skipped", waiting(func(w *registry.Work) { w.HideFrom = []string{"os2"} }), []string{"2026-11-23 14:00"}, []string{"unaccepted_deputy → pk1"}},
		{"accepted is quiet", waiting(func(w *registry.Work) { w.Status = registry.StatusAccepted }), []string{"2026-11-25 10:00"}, nil},
		{"closed is quiet", func() registry.Work { w := accepted(term); w.Status = registry.StatusClosed; return w }(), []string{"2026-12-29 10:00"}, nil},

		{"three days before the careful end", accepted(due("SKARGA_1M", "2026-12-04", "2026-12-04")), []string{"2026-11-30 10:00", "2026-12-01 10:00", "2026-12-01 11:00"}, []string{"due_soon → os1"}},
		{"one day before, with the head", accepted(due("SKARGA_1M", "2026-12-04", "2026-12-04")), []string{"2026-12-01 10:00", "2026-12-03 10:00", "2026-12-04 10:00"}, []string{"due_soon → os1", "due_tomorrow → os1,osk"}},
		{"art. 36 where it holds", accepted(due("KPA_1M", "2026-12-04", "2026-12-04")), []string{"2026-12-03 10:00"}, []string{"due_tomorrow_kpa → os1,osk"}},
		{"before a weekend", accepted(due("X", "2026-11-30", "2026-11-30")), []string{"2026-11-27 10:00"}, []string{"due_tomorrow → os1,osk"}},
		{"overdue after the legal day, not the careful one", accepted(due("X", "2026-12-05", "2026-12-07")), []string{"2026-12-07 15:00", "2026-12-08 08:00"}, []string{"due_tomorrow → os1,osk", "due_overdue → os1,osk,sek"}},
		{"absent, the deputy hears", accepted(term), []string{"2026-12-22 10:00"}, []string{"due_soon → os2"}},
		{"only the last after a long silence", accepted(due("X", "2026-12-04", "2026-12-04")), []string{"2026-12-15 10:00"}, []string{"due_overdue → os1,osk,sek"}},
		{"not on the day it came", accepted(due("INT_3WD", "2026-11-26", "2026-11-26")), []string{"2026-11-23 15:00"}, nil},
		{"an hour that counts", accepted(registry.Deadline{Code: "ZGROM_96H", Raw: day("2026-12-01"), Due: day("2026-12-01"), At: at("2026-12-01 12:00")}), []string{"2026-11-30 10:00"}, []string{"due_tomorrow → os1,osk"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			book := newDeskBook(tt.work)
			// Two watches, as on two nodes, say it once.
			var now time.Time
			clock := WatchOptions{Now: func() time.Time { return now }}
			watches := []*Watch{NewWatch(book, book, watchOffice, clock), NewWatch(book, book, watchOffice, clock)}
			for _, look := range tt.look {
				now = at(look)
				for _, w := range watches {
					if err := w.Look(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			if got := book.reminders(); !slices.Equal(got, tt.want) {
				t.Errorf("said %q, want %q", got, tt.want)
			}
		})
	}
}

func TestALetterThatWasForwardedStartsAnew(t *testing.T) {
	book := newDeskBook(waiting(nil))
	now := at("2026-11-23 14:00")
	w := NewWatch(book, book, watchOffice, WatchOptions{Now: func() time.Time { return now }})
	look := func() {
		if err := w.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	moved := waiting(func(w *registry.Work) { w.Clerk, w.LastLeaf = "os2", 9 })
	book.lines[9] = at("2026-11-23 14:30")
	book.works[moved.Number] = moved
	for _, s := range []string{"2026-11-23 15:00", "2026-11-24 10:00", "2026-11-24 11:00"} {
		now = at(s)
		look()
	}
	if got, want := book.reminders(), []string{"unaccepted_deputy → os2", "unaccepted_deputy → os2"}; !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

func TestTheMorningListIsForWhoIsThereAndHasSomething(t *testing.T) {
	entry := func(seq int64, clerk string, status registry.Status, deadline string) registry.Work {
		return waiting(func(w *registry.Work) {
			w.Number.Seq, w.Clerk, w.Status = seq, clerk, status
			if deadline != "" {
				w.Deadline = due("X", deadline, deadline)
			}
		})
	}
	restricted := entry(5, "os2", registry.StatusAssigned, "")
	restricted.Restricted = true
	book := newDeskBook(
		entry(1, "os2", registry.StatusAccepted, "2026-12-21"), entry(2, "os2", registry.StatusAccepted, "2026-12-23"),
		entry(3, "os2", registry.StatusAssigned, ""), entry(4, "os1", registry.StatusAccepted, ""), restricted,
		entry(6, "osk", registry.StatusAccepted, ""), entry(7, "", registry.StatusRegistered, ""),
	)
	now := at("2026-12-22 07:44")
	w := NewWatch(book, book, watchOffice, WatchOptions{Now: func() time.Time { return now }})
	for _, s := range []string{"2026-12-22 07:44", "2026-12-22 07:45", "2026-12-22 12:00", "2026-12-25 08:00", "2026-12-26 08:00"} {
		now = at(s)
		if err := w.morning(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"morning/2026-12-22/os2", "morning/2026-12-22/pk1"}; !slices.Equal(book.order, want) {
		t.Fatalf("said %v, want %v", book.order, want)
	}
	d := book.said["morning/2026-12-22/os2"]
	r, ok := gateway.RemarkOf(d.Act)
	if !ok || !slices.Equal(d.Act.Tell, []string{"os2"}) {
		t.Fatalf("draft = %+v", d)
	}
	var got []string
	for _, l := range r.List {
		got = append(got, strings.TrimPrefix(l.Group, "remark.morning.")+" "+l.Number+" "+l.Text)
	}
	want := []string{
		"overdue RPW-000001-2026 Usuwanie drzew i krzewów (6131)", "soon RPW-000002-2026 Usuwanie drzew i krzewów (6131)",
		"new RPW-000005-2026 ", "new RPW-000003-2026 Usuwanie drzew i krzewów (6131)", "deputy RPW-000004-2026 Usuwanie drzew i krzewów (6131)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("list = %q, want %q", got, want)
	}
}

func TestTheDayIsClosedOnceForSecretaryAndArchivist(t *testing.T) {
	annulled := waiting(func(w *registry.Work) { w.Number.Seq, w.Status = 2, registry.StatusAnnulled })
	tomorrow := waiting(func(w *registry.Work) { w.Number.Seq, w.RegisteredAt = 3, at("2026-11-24 00:00") })
	book := newDeskBook(waiting(nil), annulled, tomorrow)
	book.held = 4
	now := at("2026-11-24 00:03")
	before := NewWatch(book, book, watchOffice, WatchOptions{Now: func() time.Time { return now }})
	if err := before.closing(t.Context(), now); err != nil || len(book.said) != 0 {
		t.Errorf("a book that has not begun was closed: %v, %v", book.order, err)
	}
	book.lines[0] = at("2026-11-23 09:00")
	w := NewWatch(book, book, watchOffice, WatchOptions{Now: func() time.Time { return now }, Red: func() []string { return []string{"relay"} }})
	for range 3 {
		if err := w.closing(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	d, ok := book.said["daily/2026-11-23"]
	if !ok || len(book.said) != 1 || !slices.Equal(d.Act.Tell, []string{"sek", "arch"}) {
		t.Fatalf("said %v, draft %+v", book.order, d)
	}
	r, _ := gateway.RemarkOf(d.Act)
	text := remarkText(registry.Catalogue("pl"), r.Text, r.Pairs)
	for _, want := range []string{
		"pon. 23.11.2026", "Pierwszy numer: RPW-000001-2026", "Ostatni numer: RPW-000002-2026", "Wpisów: 2, w tym anulowanych: 1",
		"w kwarantannie: 4", "4711 wierszy", "abcd0000 00000000", "Usterki: relay",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the closing does not say %q:\n%s", want, text)
		}
	}
	if len(r.List) != 2 || r.List[0].Number != "RPW-000001-2026" {
		t.Errorf("list = %+v", r.List)
	}
}

// A year of an office: 20,000 letters whose fates are known beforehand bring
// exactly the reminders that follow from them.
func TestAYearOfAnOffice(t *testing.T) {
	// Each fate: working hours until accepted, days from the legal end until
	// closed, and what must be said of it.
	fates := []struct {
		accepted time.Duration
		closed   int
		said     map[string]int
	}{
		{time.Hour, -10, nil},
		{time.Hour, -10, nil},
		{time.Hour, -10, nil},
		{6 * time.Hour, -10, map[string]int{"unaccepted_deputy": 1}},
		{12 * time.Hour, -10, map[string]int{"unaccepted_deputy": 1, "unaccepted_head": 1}},
		{time.Hour, 0, map[string]int{"due_soon": 1, "due_tomorrow_kpa": 1}},
		{time.Hour, 12, map[string]int{"due_soon": 1, "due_tomorrow_kpa": 1, "due_overdue": 1}},
	}
	letters := 20_000
	if testing.Short() {
		letters = 2_000
	}
	o := watchOffice()
	office := func() *registry.Office { return o }
	book := newDeskBook()
	rule := registry.DeadlineRule{Code: "KPA_1M", N: 1, Unit: registry.UnitMonths, From: "received", Basis: "art. 35 § 3 KPA"}

	type event struct {
		at   time.Time
		work registry.Work
	}
	var events []event
	want := map[string]int{}
	year := at("2026-01-02 08:00")
	for i := range letters {
		fate := fates[i%len(fates)]
		arrived := year.Add(time.Duration(i) * (300 * 24 * time.Hour / time.Duration(letters)))
		w := waiting(func(w *registry.Work) {
			w.Number.Seq, w.RegisteredAt, w.Deadline = int64(i+1), arrived, o.Calendar.Deadline(rule, arrived, warsaw)
			w.Leaf, w.LastLeaf = int64(i), int64(i)
		})
		events = append(events, event{arrived, w})
		acceptedAt := arrived
		for o.Calendar.WorkingTime(arrived, acceptedAt, warsaw) < fate.accepted {
			acceptedAt = acceptedAt.Add(15 * time.Minute)
		}
		w.Status = registry.StatusAccepted
		events = append(events, event{acceptedAt, w})
		end := w.Deadline.Due.AddDays(fate.closed)
		w.Status = registry.StatusClosed
		events = append(events, event{time.Date(end.Year, end.Month, end.Day, 15, 0, 0, 0, warsaw), w})
		for name, n := range fate.said {
			// Where both reminders fall on one day only the later is said: the
			// last working day three days before is that one day before.
			if name != "due_soon" || openDay(o, w.Deadline.Raw.AddDays(-3)) != openDay(o, w.Deadline.Raw.AddDays(-1)) {
				want[name] += n
			}
		}
	}
	sort.SliceStable(events, func(i, j int) bool { return events[i].at.Before(events[j].at) })

	now := year
	w := NewWatch(book, book, office, WatchOptions{Now: func() time.Time { return now }})
	for last := at("2027-02-01 00:00"); now.Before(last); now = now.Add(time.Hour) {
		for len(events) > 0 && !events[0].at.After(now) {
			if work := events[0].work; work.Status == registry.StatusClosed {
				delete(book.works, work.Number)
			} else {
				book.works[work.Number] = work
			}
			events = events[1:]
		}
		if hour := now.In(warsaw).Hour(); hour < 8 || hour > 14 || hour%2 != 0 {
			continue // four looks a day, two office hours apart
		}
		if err := w.remind(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		w.forget(registry.DayOf(now, warsaw))
	}
	got := map[string]int{}
	for key := range book.said {
		got[strings.Split(key, "/")[2]]++
	}
	// The key names the rung, not its text.
	want["due_tomorrow"] = want["due_tomorrow_kpa"]
	delete(want, "due_tomorrow_kpa")
	if !maps.Equal(got, want) {
		t.Errorf("a year said %v, want %v", got, want)
	}
}

// openDay walks back to a day on which the office is open.
func openDay(o *registry.Office, d registry.Day) registry.Day {
	for o.Calendar.Free(d) {
		d = d.AddDays(-1)
	}
	return d
}
