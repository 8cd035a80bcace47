package rules

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

func TestFirstWriterOfAFieldWinsAndTheSecondIsTold(t *testing.T) {
	s := rulesFor(t, `
classify:
  - {id: a, when: {subject: {words: drzew*}}, do: {class: "6131"}}
  - {id: b, when: {subject: {words: decyzj*}}, do: {class: "6220", deadline: KPA_2M, label: b}}
  - {id: c, when: {subject: {words: decyzj*}, sender.email: set}, do: {deadline: KPA_1M, receipt: none}}
`)
	it, doc := letter("a@b.example", "Decyzja o drzewach")
	d := s.Decide(it, doc, factsAt(it))
	if d.Class != "6131" || d.Deadline.Code != "KPA_2M" || d.Receipt != "none" || !slices.Equal(d.Labels, []string{"b"}) {
		t.Errorf("class %s, deadline %s, receipt %s, labels %v", d.Class, d.Deadline.Code, d.Receipt, d.Labels)
	}
	if !slices.Equal(d.Rules, []string{"a", "b", "c"}) {
		t.Errorf("rules: %v", d.Rules)
	}
	text := Explain(d, s)
	for _, want := range []string{
		`conflict   class: "b" wanted 6220, "a" had written 6131 first`,
		`conflict   deadline: "c" wanted KPA_1M, "b" had written KPA_2M first`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestRulesOfClassifySeeWhatEarlierOnesWrote(t *testing.T) {
	s := rulesFor(t, `
classify:
  - {id: early, when: {label: x}, do: {label: early}}
  - {id: sets, do: {label: x, flag: urgent}}
  - {id: late, when: {label: x, flag: urgent}, do: {label: late}}
`)
	it, doc := letter("a@b.example", "x")
	if d := s.Decide(it, doc, factsAt(it)); !slices.Equal(d.Labels, []string{"x", "late"}) {
		t.Errorf("labels: %v", d.Labels)
	}
}

func TestFirstMatchOfScreenDecides(t *testing.T) {
	s := rulesFor(t, `
screen:
  - {id: court, when: {sender.institution: sad}, do: {admit: true}}
  - {id: spam, when: {spam: true}, do: {quarantine: spam, flag: spam, notify: "clerk:or1"}}
  - {id: list, when: {list_id: set}, do: {beside: mailing_list, receipt: none}}
classify:
  - {id: all, do: {class: "6131"}}
`)
	it, doc := letter("biuro@wydzial.sad.example", "x")
	doc.Headers.SpamFlag = true
	if d := s.Decide(it, doc, factsAt(it)); d.Screen != "" || d.Class != "6131" {
		t.Errorf("a court is admitted: %q, class %q", d.Screen, d.Class)
	}
	it, doc = letter("a@b.example", "x")
	doc.Headers.SpamFlag, doc.Headers.ListID = true, "l"
	d := s.Decide(it, doc, factsAt(it))
	if d.Screen != "quarantine" || d.ScreenReason != "spam" || d.Class != "" || d.Department != "" || !slices.Equal(d.Notify, []string{"or1"}) {
		t.Errorf("spam: %+v", d)
	}
	if text := Explain(d, s); !strings.Contains(text, "list                             :7     not reached; would match: beside mailing_list") || !strings.Contains(text, "classify   not run") {
		t.Errorf("explain:\n%s", text)
	}
	if d := s.DecideAdmitted(it, doc, factsAt(it)); d.Screen != "" || d.Class != "6131" {
		t.Errorf("a person let it in: %q, class %q", d.Screen, d.Class)
	}
}

func TestWhoGetsTheLetter(t *testing.T) {
	const byClass = `
classify: [{id: c, when: {subject: {words: drzew*}}, do: {class: "6131"}}, {id: d, when: {subject: {words: decyzj*}}, do: {class: "6220"}}]
assign: [{id: a, when: {class: set}, do: {to: class.clerk, balance: least_open}}]`
	for _, tt := range []struct {
		name, rules, subject string
		facts                registry.Facts
		department, queue    string
		clerks               []string
		stands               map[string]string
		balance              string
		notify               []string
	}{
		{name: "the clerk of the class", rules: byClass, subject: "drzewa", department: "OS", clerks: []string{"os1"}},
		{name: "a class without clerk: its department shares", rules: byClass, subject: "decyzja", department: "OS", clerks: []string{"os1", "os2"}, balance: "least_open"},
		{name: "the deputy of an absent clerk", rules: byClass, subject: "drzewa", facts: registry.Facts{Away: []string{"os1"}}, department: "OS", clerks: []string{"os2"}, stands: map[string]string{"os2": "os1"}},
		{name: "only the present share", rules: byClass, subject: "decyzja", facts: registry.Facts{Away: []string{"os2"}}, department: "OS", clerks: []string{"os1"}, balance: "least_open"},
		{name: "nobody there: queue, and who is above", rules: byClass, subject: "drzewa", facts: registry.Facts{Away: []string{"os1", "os2"}}, department: "OS", queue: "OS", notify: []string{"sek"}},
		{name: "no rule: fallback", rules: byClass, subject: "pismo", department: "OR", queue: "PK"},
		{name: "a named queue", rules: `assign: [{id: a, do: {to: queue:OS}}]`, department: "OS", queue: "OS"},
		{name: "two named clerks share", rules: `assign: [{id: a, do: {to: [clerk:or2, clerk:os1], balance: round_robin}}]`, department: "OR", clerks: []string{"or2", "os1"}, balance: "round_robin"},
		{name: "the longest row of a table", rules: byClass[:strings.Index(byClass, "assign")] + `assign: [{id: a, when: {class: set}, do: {table: {"6": department:OR, "613": clerk:os2}}}]`, subject: "drzewa", department: "OS", clerks: []string{"os2"}},
		{name: "a shorter row", rules: byClass[:strings.Index(byClass, "assign")] + `assign: [{id: a, when: {class: set}, do: {table: {"6": department:OR, "613": clerk:os2}}}]`, subject: "decyzja", department: "OR", clerks: []string{"or1", "or2"}},
		{name: "a table by mailbox without row: fallback", rules: `assign: [{id: a, do: {key: to.local, table: {usc: department:OS}}}]`, department: "OR", queue: "PK"},
		{name: "a sender's usual clerk", rules: `assign: [{id: a, do: {to: department:OR, balance: sticky_sender}}]`, facts: registry.Facts{StickyClerk: "or2"}, department: "OR", clerks: []string{"or2"}},
		{name: "a usual clerk of elsewhere", rules: `assign: [{id: a, do: {to: department:OR, balance: sticky_sender}}]`, facts: registry.Facts{StickyClerk: "os1"}, department: "OR", clerks: []string{"or1", "or2"}, balance: "least_open"},
		{name: "the clerk of the entry answered", rules: `assign: [{id: a, when: {thread.certain: true}, do: {to: thread.clerk}}]`, facts: registry.Facts{Thread: &registry.Thread{Entry: "RPW-000001-2026", Folder: "K-RPW-000001-2026", Clerk: "os1", Department: "OS", Certain: true, Open: true, How: "token"}}, department: "OS", clerks: []string{"os1"}},
		{name: "who has left the office since", rules: `assign: [{id: a, when: {thread.certain: true}, do: {to: thread.clerk}}]`, facts: registry.Facts{Thread: &registry.Thread{Clerk: "dawny", Department: "OS", Certain: true, Open: true, How: "token"}}, department: "OS", clerks: []string{"os1", "os2"}},
		{name: "who has left with the whole department", rules: `assign: [{id: a, when: {thread.certain: true}, do: {to: thread.clerk}}]`, facts: registry.Facts{Thread: &registry.Thread{Clerk: "dawny", Department: "XX", Certain: true, Open: true, How: "token"}}, department: "OR", queue: "PK"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := rulesFor(t, tt.rules)
			it, doc := letter("a@b.example", tt.subject)
			tt.facts.Now = it.AcceptedAt
			d := s.Decide(it, doc, tt.facts)
			if d.Department != tt.department || d.Queue != tt.queue || !slices.Equal(d.Candidates, tt.clerks) || d.Balance != tt.balance {
				t.Errorf("got %s queue %q clerks %v balance %q", d.Department, d.Queue, d.Candidates, d.Balance)
			}
			if len(tt.stands) > 0 && !reflect.DeepEqual(d.For, tt.stands) {
				t.Errorf("stands for: %v", d.For)
			}
			if len(tt.notify) > 0 && !slices.Equal(d.Notify, tt.notify) {
				t.Errorf("told: %v, want %v", d.Notify, tt.notify)
			}
			if got, want := slices.Contains(d.Flags, registry.FlagNeedsRouting), tt.queue == "PK"; got != want {
				t.Errorf("needs_routing: %v", got)
			}
		})
	}
}

// officeWith changes the small office.
func officeWith(t *testing.T, change func(o *registry.Office)) *registry.Office {
	o := smallOffice(t)
	change(o)
	return o
}

func TestDeputiesAreAskedInOrderAndOnlyOnce(t *testing.T) {
	from, to := registry.Day{Year: 2026, Month: 11, Day: 20}, registry.Day{Year: 2026, Month: 11, Day: 30}
	absent := func(o *registry.Office, login string, deputies []string, classes ...string) {
		c := o.Clerks[login]
		c.Absences = []registry.Absence{{From: from, To: to, Deputies: deputies, Classes: classes}}
		o.Clerks[login] = c
	}
	const byClass = "version: 1\nfallback: {department: OR}\nclassify: [{id: c, do: {class: \"6131\"}}]\nassign: [{id: a, do: {to: class.clerk}}]"
	for _, tt := range []struct {
		name   string
		office *registry.Office
		want   []string
		said   string
	}{
		{"a deputy's deputy", officeWith(t, func(o *registry.Office) { absent(o, "os1", []string{"or1"}); absent(o, "or1", []string{"or2"}) }), []string{"or2"}, "or1 jest nieobecny/a; zastępuje or2"},
		{"the absence's deputies instead of the standing ones", officeWith(t, func(o *registry.Office) { absent(o, "os1", []string{"or2"}) }), []string{"or2"}, "os1 jest nieobecny/a; zastępuje or2"},
		{"an absence for other classes", officeWith(t, func(o *registry.Office) { absent(o, "os1", []string{"or2"}, "1431") }), []string{"os1"}, ""},
		{"an absence for this class", officeWith(t, func(o *registry.Office) { absent(o, "os1", []string{"or2"}, "6131") }), []string{"or2"}, ""},
		{"the second when the first is away", officeWith(t, func(o *registry.Office) { absent(o, "os1", []string{"os2", "or2"}); absent(o, "os2", []string{"os1"}) }), []string{"or2"}, "os2 jest nieobecny/a i nikt nie zastępuje"},
		{"a circle ends in the queue", officeWith(t, func(o *registry.Office) { absent(o, "os1", []string{"os2"}); absent(o, "os2", []string{"os1"}) }), nil, "nikogo z komórki OS nie ma; kolejka komórki, zawiadomiono: sek"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, list := Load("rules.yaml", []byte(byClass), tt.office)
			if s == nil {
				t.Fatal(list)
			}
			it, doc := letter("a@b.example", "x")
			d := s.Decide(it, doc, factsAt(it))
			if !slices.Equal(d.Candidates, tt.want) {
				t.Errorf("got %v, want %v", d.Candidates, tt.want)
			}
			if tt.said != "" && !slices.Contains(d.Because, tt.said) {
				t.Errorf("reasons lack %q: %q", tt.said, d.Because)
			}
		})
	}
}

func TestPresenceIsOfTheDayOfTheDecision(t *testing.T) {
	o := officeWith(t, func(o *registry.Office) {
		c := o.Clerks["os1"]
		c.Absences = []registry.Absence{{From: registry.Day{Year: 2026, Month: 11, Day: 24}, To: registry.Day{Year: 2026, Month: 11, Day: 24}}}
		o.Clerks["os1"] = c
	})
	s, _ := Load("rules.yaml", []byte("version: 1\nfallback: {department: OR}\nassign: [{id: a, do: {to: clerk:os1}}]"), o)
	it, doc := letter("a@b.example", "x")
	late := time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC) // half past midnight of the 24th in Warsaw
	if d := s.Decide(it, doc, registry.Facts{Now: late}); !slices.Equal(d.Candidates, []string{"os2"}) {
		t.Errorf("accepted on the 23rd, decided on the 24th: %v", d.Candidates)
	}
}

func TestALetterAboutAPersonNeverReachesThatPerson(t *testing.T) {
	const complaint = `
classify: [{id: skarga, when: {subject: {words: skarg*}}, do: {class: "6131", subject_person: named, notify: ["role:secretary", "clerk:os2"], approval: "role:secretary"}}]
assign: [{id: a, do: {to: class.clerk}}]
also: [{id: readers, when: {subject_person: set}, do: {restricted: true, readers: ["role:secretary", "clerk:or1"]}}]`
	for _, tt := range []struct {
		name, subject string
		away          []string
		clerks        []string
		queue         string
		told, hidden  []string
	}{
		{"about nobody", "Skarga na hałas", nil, []string{"os1"}, "", []string{"sek", "os2"}, nil},
		{"about the secretary: not told, not asked", "Skarga na sekretarza", nil, []string{"os1"}, "", []string{"os2"}, []string{"sek"}},
		{"about the deputy: does not stand in", "Skarga na kierownika", []string{"os1"}, nil, "OS", []string{"sek"}, []string{"os2"}},
		{"about the secretary with everybody away: the next above", "Skarga na sekretarza", []string{"os1", "os2"}, nil, "OS", []string{"os2", "bm"}, []string{"sek"}},
		{"about two", "Skarga na sekretarza i kierownika", nil, []string{"os1"}, "", nil, []string{"os2", "sek"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := rulesFor(t, complaint)
			it, doc := letter("a@b.example", tt.subject)
			d := s.Decide(it, doc, registry.Facts{Now: it.AcceptedAt, Away: tt.away})
			slices.Sort(d.HideFrom)
			if !slices.Equal(d.Candidates, tt.clerks) || d.Queue != tt.queue || !slices.Equal(d.Notify, tt.told) || !slices.Equal(d.HideFrom, tt.hidden) {
				t.Errorf("clerks %v, queue %q, told %v, hidden from %v", d.Candidates, d.Queue, d.Notify, d.HideFrom)
			}
			for _, h := range d.HideFrom {
				if slices.Contains(d.Candidates, h) || slices.Contains(d.Notify, h) || slices.Contains(d.Readers, h) || slices.Contains(d.Approval, h) {
					t.Errorf("%s has part in a letter about %s: %+v", h, h, d)
				}
			}
		})
	}
}

func TestNobodyStandsInForOneTheLetterIsAbout(t *testing.T) {
	s := rulesFor(t, `
classify: [{id: a, do: {subject_person: "clerk:os1"}}]
assign: [{id: b, do: {to: "clerk:os1"}}]`)
	it, doc := letter("a@b.example", "x")
	d := s.Decide(it, doc, factsAt(it))
	if len(d.Candidates) != 0 || d.Queue != "OS" || !slices.Equal(d.Notify, []string{"os2"}) {
		t.Errorf("clerks %v, queue %q, told %v", d.Candidates, d.Queue, d.Notify)
	}
}

func TestOnlyACertainReplyJoinsItsFolder(t *testing.T) {
	thread := registry.Thread{Entry: "RPW-000001-2026", Folder: "K-RPW-000001-2026", Case: "OS.6131.1.2026", Class: "6131", Clerk: "os1", Department: "OS", How: "token", Open: true, Certain: true}
	for _, tt := range []struct {
		name              string
		change            func(t *registry.Thread, doc *registry.Document)
		join, suggestion  string
		class, inDeadline string
	}{
		{"certain and open", func(*registry.Thread, *registry.Document) {}, "K-RPW-000001-2026", "", "6131", ""},
		{"closed", func(th *registry.Thread, _ *registry.Document) { th.Open = false }, "", "OS.6131.1.2026", "", ""},
		{"another sender", func(th *registry.Thread, _ *registry.Document) { th.Certain = false }, "", "OS.6131.1.2026", "", ""},
		{"forged", func(_ *registry.Thread, d *registry.Document) { d.Auth.Verdict = registry.Forged }, "", "OS.6131.1.2026", "", ""},
		{"no case yet", func(th *registry.Thread, _ *registry.Document) { th.Case, th.Certain = "", false }, "", "K-RPW-000001-2026", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := rulesFor(t, "")
			it, doc := letter("a@b.example", "Odp.")
			th := thread
			tt.change(&th, &doc)
			d := s.Decide(it, doc, registry.Facts{Now: it.AcceptedAt, Thread: &th})
			if d.JoinFolder != tt.join || d.CaseSuggestion != tt.suggestion || d.Class != tt.class {
				t.Errorf("joins %q, suggests %q, class %q", d.JoinFolder, d.CaseSuggestion, d.Class)
			}
			if !d.Deadline.IsZero() {
				t.Errorf("a letter in a case began a deadline: %+v", d.Deadline)
			}
			if !slices.Contains(d.Flags, registry.FlagReplyToItem) {
				t.Errorf("flags: %v", d.Flags)
			}
		})
	}
}

func TestDeadlines(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, smallOffice(t).Zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, tt := range []struct {
		name, do, arrived, subject, text string
		raw, due, hour                   string
		flag                             bool
	}{
		{name: "of the class", do: `class: "6131"`, arrived: "2026-11-24 09:00", raw: "2026-12-24", due: "2026-12-28"},
		{name: "said by the rule", do: `class: "6131", deadline: UDIP_14D`, arrived: "2026-11-23 09:00", raw: "2026-12-07", due: "2026-12-07"},
		{name: "working days", do: `deadline: INT_3WD`, arrived: "2026-12-23 09:00", raw: "2026-12-30", due: "2026-12-30"},
		{name: "the civil day of arrival, not that of UTC", do: `deadline: UDIP_14D`, arrived: "2026-12-31 23:59", raw: "2027-01-14", due: "2027-01-14"},
		{name: "an own length", do: `deadline: {length: 10 days, basis: zarządzenie 7}`, arrived: "2026-11-23 09:00", raw: "2026-12-03", due: "2026-12-03"},
		{name: "none", do: `deadline: NONE`, arrived: "2026-11-23 09:00"},
		{name: "a term that the letter sets", do: `deadline: EXT_DATE`, arrived: "2026-12-17 14:02", subject: "Wezwanie do przekazania akt w terminie 7 dni", raw: "2026-12-24", due: "2026-12-28", flag: true},
		{name: "a date that the letter sets", do: `deadline: EXT_DATE`, arrived: "2026-11-23 09:00", text: "Proszę o odpowiedź do dnia 1.12.2026 r.", raw: "2026-12-01", due: "2026-12-01", flag: true},
		{name: "a letter that sets none", do: `deadline: EXT_DATE`, arrived: "2026-11-23 09:00", text: "W piśmie z dnia 1.10.2026", flag: true},
		{name: "hours before an event, in figures", do: `deadline: ZGROM_96H`, arrived: "2026-11-27 22:14", subject: "Zawiadomienie o zgromadzeniu 5.12.2026 12:00", raw: "2026-12-01", due: "2026-12-01", hour: "12:00"},
		{name: "hours before an event, in words", do: `deadline: ZGROM_96H`, arrived: "2026-11-27 22:14", text: "Zgromadzenie odbędzie się 5 grudnia 2026 r. o godz. 16:30 na rynku.", raw: "2026-12-01", due: "2026-12-01", hour: "16:30"},
		{name: "an event without hour", do: `deadline: ZGROM_96H`, arrived: "2026-11-27 22:14", subject: "Zgromadzenie 5.12.2026", raw: "2026-12-01", due: "2026-12-01", hour: "00:00"},
		{name: "an event that cannot be", do: `deadline: ZGROM_96H`, arrived: "2026-11-27 22:14", subject: "Zgromadzenie 31.02.2027 12:00", flag: true},
		{name: "hours over the change to winter time", do: `deadline: ZGROM_96H`, arrived: "2026-10-20 09:00", subject: "Zgromadzenie 27.10.2026 12:00", raw: "2026-10-23", due: "2026-10-23", hour: "13:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := rulesFor(t, "classify: [{id: a, do: {"+tt.do+"}}]")
			it, doc := letter("a@b.example", tt.subject)
			it.AcceptedAt, doc.Own = at(tt.arrived), tt.text
			d := s.Decide(it, doc, factsAt(it))
			if got := d.Deadline; got.Raw.String() != tt.raw || got.Due.String() != tt.due {
				t.Errorf("raw %s, due %s; want %s, %s", got.Raw, got.Due, tt.raw, tt.due)
			}
			hour := ""
			if !d.Deadline.At.IsZero() {
				hour = d.Deadline.At.In(s.office.Zone).Format("15:04")
			}
			if hour != tt.hour {
				t.Errorf("hour %q, want %q", hour, tt.hour)
			}
			if got := slices.Contains(d.Flags, registry.FlagNoRegisterDeadline); got != tt.flag {
				t.Errorf("deadline_from_letter: %v", got)
			}
		})
	}
}

func TestADecisionIsTheSameEveryTimeAndForManyAtOnce(t *testing.T) {
	s := sample(t)
	var want []registry.Decision
	for _, ts := range s.tests {
		want = append(want, s.Decide(ts.item, ts.doc, ts.facts))
	}
	done := make(chan string)
	for range 4 {
		go func() {
			var wrong strings.Builder
			for range 5 {
				for i, ts := range s.tests {
					if got := s.Decide(ts.item, ts.doc, ts.facts); !reflect.DeepEqual(got, want[i]) {
						wrong.WriteString(ts.name + "\n")
					}
				}
			}
			done <- wrong.String()
		}()
	}
	for range 4 {
		if wrong := <-done; wrong != "" {
			t.Errorf("decided differently: %s", wrong)
		}
	}
}

func TestReasonsAreSentencesOfTheOfficesLanguage(t *testing.T) {
	file := "version: 1\nfallback: {department: OR}\nclassify:\n  - {id: drzewa, when: {subject: {words: \"usunięci* drzew*\"}, door: smtp}, do: {class: \"6131\"}}\n"
	for _, tt := range []struct{ language, want string }{
		{"pl", "reguła „drzewa” (rules.yaml:4): w temacie „usunięcie drzewa”, wejście: smtp"},
		{"en", `rule "drzewa" (rules.yaml:4): the subject has "usunięcie drzewa", door: smtp`},
	} {
		o := officeWith(t, func(o *registry.Office) { o.Language = tt.language })
		s, list := Load("rules.yaml", []byte(file), o)
		if s == nil {
			t.Fatal(list)
		}
		it, doc := letter("a@b.example", "Wniosek o usunięcie drzewa")
		if d := s.Decide(it, doc, factsAt(it)); len(d.Because) == 0 || d.Because[0] != tt.want {
			t.Errorf("%s: got %q, want %q first", tt.language, d.Because, tt.want)
		}
	}
}

func TestOnlyTheBeginningOfTheTextIsLookedAt(t *testing.T) {
	const rules = `classify: [{id: a, when: {text: {words: drzewo}}, do: {label: hit}}]`
	long := strings.Repeat("ż", 1500) + " drzewo" // 3,000 bytes before the word
	for _, tt := range []struct {
		name, head string
		want       bool
	}{{"two thousand bytes unless said otherwise", "", false}, {"as far as the file says", "text_window: 4kB\n", true}} {
		t.Run(tt.name, func(t *testing.T) {
			s := rulesFor(t, tt.head+rules)
			it, doc := letter("a@b.example", "x")
			doc.Own = long
			if d := s.Decide(it, doc, factsAt(it)); (len(d.Labels) > 0) != tt.want {
				t.Errorf("labels: %v", d.Labels)
			}
		})
	}
}

func TestARuleThatDoesNotMatchAllocatesNothing(t *testing.T) {
	s := rulesFor(t, "classify:\n"+nonMatching(500))
	it, doc := letter("a@b.example", "Pismo")
	doc.Own = "Dzień dobry, proszę o odpowiedź."
	facts := factsAt(it)
	v := s.views.New().(*view)
	v.fill(&it, &doc, &facts)
	x := deciding{set: s, v: v}
	x.account.begin(s, v.day, true)
	got := testing.AllocsPerRun(20, func() {
		for _, r := range s.rules {
			if x.matches(r) {
				t.Fatalf("rule %q matches", r.id)
			}
		}
	})
	if got != 0 {
		t.Errorf("five hundred rules that do not match: %v allocations", got)
	}
}

func nonMatching(n int) string {
	var b strings.Builder
	for i := range n {
		id := string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		b.WriteString("  - {id: " + id + ", when: {subject_or_text: {words: [zzz" + id + "*, \"qq ww" + id + "\"]}, sender.domain: " + id + ".example}, do: {flag: urgent}}\n")
	}
	return b.String()
}

func TestARestrictedRegisterStaysAmongItsReaders(t *testing.T) {
	restrict := func(o *registry.Office) {
		o.Registers["ZS"] = registry.Register{ID: "ZS", Kind: "in", Restricted: true, Readers: []string{"sek", "os2"}}
	}
	for _, tt := range []struct {
		name, rules string
		away        []string
		want        []string
	}{
		{"no rule thinks of it", ``, nil, []string{"sek", "os2"}},
		{"a rule would give it to others", `assign: [{id: a, do: {to: "department:OS"}}]`, nil, []string{"os2"}},
		{"a rule would tell others", `also: [{id: a, do: {notify: ["clerk:or1", "clerk:sek"]}}]`, nil, []string{"sek", "os2"}},
		{"a deputy is no reader", `assign: [{id: a, do: {to: "clerk:os2"}}]`, []string{"os2"}, []string{"sek"}},
		{"it waits for those who are away", ``, []string{"sek", "os2"}, []string{"sek", "os2"}},
		{"but not for one whom it is about", `classify: [{id: a, do: {subject_person: "clerk:sek"}}]`, []string{"os2"}, []string{"os2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, list := Load("rules.yaml", []byte(lintHead+tt.rules), officeWith(t, restrict))
			if s == nil {
				t.Fatal(complaintsOf(list))
			}
			it, doc := letter("a@b.example", "x")
			it.Register = "ZS"
			d := s.Decide(it, doc, registry.Facts{Now: it.AcceptedAt, Away: tt.away})
			if !slices.Equal(d.Candidates, tt.want) || d.Queue != "" || !d.Restricted {
				t.Errorf("clerks %v, queue %q, restricted %v", d.Candidates, d.Queue, d.Restricted)
			}
			if slices.Contains(d.Notify, "or1") || slices.Contains(d.Readers, "or1") {
				t.Errorf("told %v, readers %v", d.Notify, d.Readers)
			}
		})
	}
}

func TestSomebodyIsToldOfALetterWithoutAClerk(t *testing.T) {
	town := func(o *registry.Office) {
		for login, role := range map[string]registry.OfficeRole{"or1": registry.RoleDesk, "or2": registry.RoleDesk} {
			c := o.Clerks[login]
			c.Roles = append(c.Roles, role)
			o.Clerks[login] = c
		}
	}
	for _, tt := range []struct {
		name, rules string
		away        []string
		want        []string
	}{
		{"in the desk's queue", ``, nil, []string{"or1", "or2"}},
		{"while one of the desk is away", ``, []string{"or1"}, []string{"or2"}},
		{"while all of the desk are away", ``, []string{"or1", "or2"}, []string{"or1", "or2"}},
		{"in a department's queue", `assign: [{id: q, do: {to: "queue:OS"}}]`, nil, []string{"os2"}},
		{"nobody of the department is there", `assign: [{id: q, do: {to: "department:OS"}}]`, []string{"os1", "os2"}, []string{"sek"}},
		{"with a clerk", `assign: [{id: q, do: {to: "clerk:os1"}}]`, nil, nil},
		{"kept out of the book", `screen: [{id: q, do: {quarantine: spam}}]`, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, list := Load("rules.yaml", []byte(lintHead+tt.rules), officeWith(t, town))
			if s == nil {
				t.Fatal(complaintsOf(list))
			}
			it, doc := letter("a@b.example", "x")
			if d := s.Decide(it, doc, registry.Facts{Now: it.AcceptedAt, Away: tt.away}); !slices.Equal(d.Notify, tt.want) {
				t.Errorf("told %v, want %v", d.Notify, tt.want)
			}
		})
	}
}

func TestWhatAPersonTypedStandsForTheHeaderOfPaper(t *testing.T) {
	s := rulesFor(t, `
classify: [{id: d, when: {subject: {words: "drzew*"}, sender.institution: sad}, do: {class: "6131"}}]`)
	it, doc := letter("", "")
	it.Door, it.Envelope = registry.DoorCounter, nil
	it.Hand = &registry.Hand{Title: "Wycinka drzew", Sender: registry.Sender{Name: "Sąd", Email: "biuro@sad.example"}}
	if d := s.Decide(it, doc, factsAt(it)); d.Class != "6131" {
		t.Errorf("class %q; the title and sender typed at the counter are not seen", d.Class)
	}
}
