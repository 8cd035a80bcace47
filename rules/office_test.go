package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

// edit replaces the first occurrence, which must be there.
func edit(tb testing.TB, text, from, to string) string {
	tb.Helper()
	if !strings.Contains(text, from) {
		tb.Fatalf("the text has no %q", from)
	}
	return strings.Replace(text, from, to, 1)
}

func TestOfficeFileSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, tt := range []struct{ name, from, to, want string }{
		{"an unknown head", "head: sek", "head: sekk", `office.yaml:8:35: no clerk "sekk"; did you mean "sek"?`},
		{"an unknown clerk of a department", "clerks: [or1, or2]", "clerks: [or1, ro2]", `office.yaml:8:54: no clerk "ro2"; did you mean "or2"?`},
		{"a clerk twice", "clerks: [or1, or2]", "clerks: [or1, or1]", `clerk "or1" is there twice`},
		{"an unknown department of a class", `"6220": {name: Decyzje, department: OS}`, `"6220": {name: Decyzje, department: OŚ}`, `no department "OŚ"; did you mean "OS"?`},
		{"an unknown deadline", "deadline: KPA_1M", "deadline: KPA_1", `no deadline "KPA_1"; did you mean "KPA_1M"?`},
		{"an unknown register", "register: RPW}", "register: PRW}", `no register "PRW"; did you mean "RPW"?`},
		{"a register of what goes out", "registers: {RPW: {kind: in}}", "registers: {RPW: {kind: out}}", `register "RPW" does not take what comes in`},
		{"a restricted register without readers", "{kind: in}", "{kind: in, restricted: true}", `nobody may read the restricted register "RPW"`},
		{"an unknown key", "titles: [\"burmistrz*\"]", "tytul: x", `unknown key "tytul" in the clerk`},
		{"a misspelled key", "institutions:", "institution:", `unknown key "institution" in office.yaml; did you mean "institutions"?`},
		{"a missing part", "desk: {department: OR, queue: PK}", "", `"desk" is missing`},
		{"a deputy who is the clerk", "os1@urzad.example, deputies: [os2]", "os1@urzad.example, deputies: [os1]", `clerk "os1" is the own deputy`},
		{"two clerks with one address", "mail: or2@urzad.example", "mail: or1@urzad.example", `the address "or1@urzad.example" belongs to clerk "or1" already`},
		{"an address that is none", "mail: or2@urzad.example", "mail: or2", `mail cannot be "or2": it is not an e-mail address`},
		{"a domain with two owners", "domains: [sad.example]", "domains: [sad.example, sad.example]", `domain "sad.example" belongs to "sad" already`},
		{"an institution that cannot be recognised", "kind: court, domains: [sad.example]", "kind: court", `institution "sad" has no domain`},
		{"an absence that ends before it begins", "os1@urzad.example, deputies: [os2]", "os1@urzad.example, absences: [{from: 2026-12-31, to: 2026-12-01}]", `the absence ends before it begins`},
		{"a day that does not exist", "os1@urzad.example, deputies: [os2]", "os1@urzad.example, absences: [{from: 2026-02-30, to: 2026-12-01}]", `from cannot be "2026-02-30"`},
		{"a title that is no pattern", `titles: ["burmistrz*"]`, `titles: ["*mistrz"]`, `"*mistrz" is not a pattern of words`},
		{"a symbol that is no class", `"1431":`, `"14.31":`, `a class cannot be named "14.31"`},
		{"a policy that does not exist", "case: at_once", "case: once", `case cannot be "once"; known: at_once, none, on_accept`},
		{"a deadline without basis", "desk:", "deadlines: {MOJ_5D: {name: x, length: 5 days}}\ndesk:", `the new deadline "MOJ_5D" has no basis`},
		{"a length in words", "desk:", "deadlines: {INT_3WD: {length: trzy dni}}\ndesk:", `a length cannot be "trzy dni"; write 14 days`},
		{"hours that end before they begin", "desk:", "calendar: {hours: {mon: \"15:30-7:30\"}}\ndesk:", `hours are written 7:30-15:30`},
		{"a weekday in Polish", "desk:", "calendar: {hours: {pon: \"7:30-15:30\"}}\ndesk:", `"pon" is not a weekday`},
		{"an individual mailbox of nobody", "{kind: individual, register: RPW, clerk: os1}", "{kind: individual, register: RPW}", `belongs to nobody`},
		{"a department with nobody", "head: os2, clerks: [os1, os2]", "marks: [OŚ]", `department "OS" has nobody`},
		{"a time zone that does not exist", "domain: urzad.example}", "domain: urzad.example, timezone: Europe/Warszawa}", `no time zone "Europe/Warszawa"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			office, list := LoadOffice("office.yaml", []byte(edit(t, smallOfficeFile, tt.from, tt.to)))
			if office != nil {
				t.Fatal("the file was taken")
			}
			if got := complaintsOf(list); !strings.Contains(got, tt.want) {
				t.Errorf("got:\n%s\nwant: %s", got, tt.want)
			}
		})
	}
}

func TestAllMistakesOfAFileAreToldAtOnce(t *testing.T) {
	file := edit(t, smallOfficeFile, "head: sek", "head: x1")
	file = edit(t, file, "clerk: or1", "clerk: x2")
	file = edit(t, file, "deadline: UDIP_14D", "deadlin: UDIP_14D")
	_, list := LoadOffice("office.yaml", []byte(file))
	if len(list) != 3 {
		t.Errorf("got %d complaints, want 3:\n%s", len(list), complaintsOf(list))
	}
	if !slices.IsSortedFunc(list, func(a, b Complaint) int { return a.Line - b.Line }) {
		t.Errorf("complaints are not in the order of the file:\n%s", complaintsOf(list))
	}
}

func TestDeputiesMayStandInForEachOtherButNotInACircle(t *testing.T) {
	if _, list := LoadOffice("office.yaml", []byte(smallOfficeFile)); len(list) > 0 {
		t.Errorf("two who stand in for each other: %v", list)
	}
	file := edit(t, smallOfficeFile, "os2@urzad.example, deputies: [os1]", "os2@urzad.example, deputies: [or2]")
	file = edit(t, file, "mail: or2@urzad.example", "mail: or2@urzad.example, deputies: [os1]")
	_, list := LoadOffice("office.yaml", []byte(file))
	if len(list) != 1 || list[0].Code != "E109" || !strings.Contains(list[0].Text, "or2 → os1 → os2 → or2") {
		t.Errorf("a circle of three: %v", list)
	}
}

func TestOfficeFileIsReadWhole(t *testing.T) {
	file := edit(t, smallOfficeFile, "desk:", "calendar: {extra_free_days: [2027-11-12], hours: {mon: \"7:30-17:00\", tue-thu: \"7:30-15:30\"}}\n"+
		"deadlines: {UDIP_14D: {length: 10 days}, MOJ_2W: {name: nasz, length: 2 weeks, basis: zarządzenie}}\ndesk:")
	o, list := LoadOffice("office.yaml", []byte(file))
	if o == nil {
		t.Fatal(complaintsOf(list))
	}
	if d := o.Deadlines["UDIP_14D"]; d.N != 10 || d.Unit != registry.UnitDays || d.Basis == "" {
		t.Errorf("an office's row lies over the standard one: %+v", d)
	}
	if d := o.Deadlines["MOJ_2W"]; d.N != 2 || d.Unit != registry.UnitWeeks || d.From != "received" {
		t.Errorf("an own row: %+v", d)
	}
	if _, ok := o.Deadlines["KPA_2M"]; !ok {
		t.Error("the standard catalogue is gone")
	}
	if h := o.Calendar.Hours; h[time.Monday] != [2]int{450, 1020} || h[time.Wednesday] != [2]int{450, 930} || len(h) != 4 {
		t.Errorf("hours: %v", h)
	}
	if m, _ := o.Mailbox("URZAD+tag@urzad.example"); m.Kind != "official" || !m.Receipts {
		t.Errorf("a mailbox is official and sends receipts unless said otherwise: %+v", m)
	}
	if m := o.Mailboxes["os1@urzad.example"]; m.Receipts || m.Clerk != "os1" {
		t.Errorf("an individual mailbox: %+v", m)
	}
	if c := o.Classes["6131"]; c.Case != "on_accept" || c.Clerk != "os1" {
		t.Errorf("a class: %+v", c)
	}
	if o.Zone.String() != "Europe/Warsaw" || o.Desk != (registry.Queue{Department: "OR", Name: "PK"}) {
		t.Errorf("zone %v, desk %v", o.Zone, o.Desk)
	}
}

func TestAClerkAwayWithoutDeputyIsFoundInTime(t *testing.T) {
	file := edit(t, smallOfficeFile, "os1@urzad.example, deputies: [os2]", "os1@urzad.example, deputies: [os2], absences: [{from: 2026-11-16, to: 2026-11-27}]")
	file = edit(t, file, "os2@urzad.example, deputies: [os1]", "os2@urzad.example, absences: [{from: 2026-11-24, to: 2026-11-25}]")
	today := registry.Day{Year: 2026, Month: 11, Day: 20}
	list := AbsencesWithoutDeputy("office.yaml", []byte(file), today, 14)
	want := `clerk "os1" is away from 2026-11-16 to 2026-11-27 and on 2026-11-24 nobody stands in`
	if len(list) != 2 || list[0].Code != "W203" || !strings.Contains(complaintsOf(list), want) {
		t.Errorf("got:\n%s\nwant: %s", complaintsOf(list), want)
	}
	if list := AbsencesWithoutDeputy("office.yaml", []byte(file), today.AddDays(8), 14); len(list) != 0 {
		t.Errorf("when they are back: %v", list)
	}
}

func TestAClassMayHaveALadderOfItsOwn(t *testing.T) {
	with := func(ladder string) string {
		return strings.Replace(smallOfficeFile, `"6220": {name: Decyzje, department: OS}`, `"6220": {name: Decyzje, department: OS, ladder: `+ladder+`}`, 1)
	}
	o, list := LoadOffice("office.yaml", []byte(with("{deputy: 1h, head: 2h30m, clerk: 5}")))
	if o == nil {
		t.Fatal(list)
	}
	if got, want := o.Classes["6220"].Ladder, (registry.Ladder{Deputy: time.Hour, Head: 150 * time.Minute, Clerk: 5}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := o.Classes["6131"].Ladder; got != (registry.Ladder{}) {
		t.Errorf("a class without one: %+v", got)
	}
	for ladder, want := range map[string]string{
		"{deputy: soon}":         `deputy cannot be "soon"; write 4h or 30m`,
		"{head: 1s}":             `head cannot be "1s"`,
		"{clerk: 99}":            "clerk must be a whole number from 1 to 14",
		"{deputy: 4h, head: 1h}": "the head would be told before the deputy",
		"{boss: 4h}":             `"boss"`,
	} {
		if o, list := LoadOffice("office.yaml", []byte(with(ladder))); o != nil || !strings.Contains(complaintsOf(list), want) {
			t.Errorf("%s: got %s, want %s", ladder, complaintsOf(list), want)
		}
	}
}
