package registry

import (
	"strings"
	"testing"
	"time"
)

func mustDay(t *testing.T, s string) Day {
	t.Helper()
	d, err := ParseDay(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The worked examples of KPA art. 57.
func TestTermsEndAsTheCodeSays(t *testing.T) {
	for _, tt := range []struct {
		event    string
		n        int
		unit     string
		raw, due string
		why      string
	}{
		{"2026-11-23", 7, UnitDays, "2026-11-30", "2026-11-30", "the day of the event does not count"},
		{"2026-11-23", 14, UnitDays, "2026-12-07", "2026-12-07", "two weeks"},
		{"2026-11-23", 1, UnitMonths, "2026-12-23", "2026-12-23", "the same-named day"},
		{"2026-11-23", 2, UnitMonths, "2027-01-23", "2027-01-25", "a Saturday"},
		{"2026-11-23", 3, UnitMonths, "2027-02-23", "2027-02-23", "over the year"},
		{"2026-11-24", 1, UnitMonths, "2026-12-24", "2026-12-28", "Christmas Eve, Christmas, Saturday, Sunday"},
		{"2025-11-24", 1, UnitMonths, "2025-12-24", "2025-12-29", "the first free Christmas Eve"},
		{"2024-12-10", 14, UnitDays, "2024-12-24", "2024-12-24", "Christmas Eve was no holiday in 2024"},
		{"2026-12-10", 14, UnitDays, "2026-12-24", "2026-12-28", "Christmas Eve"},
		{"2026-12-30", 7, UnitDays, "2027-01-06", "2027-01-07", "Epiphany"},
		{"2026-12-31", 2, UnitMonths, "2027-02-28", "2027-03-01", "no 31st, then a Sunday"},
		{"2026-01-31", 1, UnitMonths, "2026-02-28", "2026-03-02", "no 31st, then a Saturday"},
		{"2028-01-31", 1, UnitMonths, "2028-02-29", "2028-02-29", "a leap year"},
		{"2026-11-30", 3, UnitMonths, "2027-02-28", "2027-03-01", "no 30th, then a Sunday"},
		{"2026-08-31", 1, UnitMonths, "2026-09-30", "2026-09-30", "no 31st"},
		{"2026-03-20", 14, UnitDays, "2026-04-03", "2026-04-03", "Good Friday is a working day"},
		{"2026-03-21", 14, UnitDays, "2026-04-04", "2026-04-07", "Saturday, Easter, Easter Monday"},
		{"2026-05-21", 14, UnitDays, "2026-06-04", "2026-06-05", "Corpus Christi"},
		{"2026-04-19", 14, UnitDays, "2026-05-03", "2026-05-04", "3 May, a Sunday"},
		{"2026-05-10", 14, UnitDays, "2026-05-24", "2026-05-25", "Pentecost"},
		{"2026-10-18", 14, UnitDays, "2026-11-01", "2026-11-02", "All Saints"},
		{"2026-10-28", 14, UnitDays, "2026-11-11", "2026-11-12", "Independence Day"},
		{"2026-07-15", 1, UnitMonths, "2026-08-15", "2026-08-17", "15 August, a Saturday"},
		{"2024-02-29", 1, UnitYears, "2025-02-28", "2025-02-28", "29 February ends the day before"},
		{"2026-11-23", 1, UnitWeeks, "2026-11-30", "2026-11-30", "the same-named weekday"},
		{"2026-11-20", 3, UnitWorkingDays, "2026-11-25", "2026-11-25", "three working days over a weekend"},
		{"2026-12-23", 3, UnitWorkingDays, "2026-12-30", "2026-12-30", "working days over Christmas"},
	} {
		t.Run(tt.event+" "+tt.why, func(t *testing.T) {
			c := Calendar{Country: "PL"}
			raw := c.Count(mustDay(t, tt.event), tt.n, tt.unit)
			if raw.String() != tt.raw || c.Roll(raw).String() != tt.due {
				t.Errorf("raw %s due %s, want %s and %s", raw, c.Roll(raw), tt.raw, tt.due)
			}
		})
	}
}

func TestADeadlineBeginsOnTheOfficesDay(t *testing.T) {
	warsaw, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	event := time.Date(2026, 11, 23, 23, 30, 0, 0, time.UTC) // past midnight in Warsaw
	rules := StandardDeadlines()
	for code, want := range map[string]string{
		"UDIP_14D":        "2026-12-08 2026-12-08",
		"KPA_1M":          "2026-12-24 2026-12-28",
		"RODO_BREACH_72H": "2026-11-27 2026-11-27",
		"INT_3WD":         "2026-11-27 2026-11-27",
		"NONE":            " ",
	} {
		d := Calendar{}.Deadline(rules[code], event, warsaw)
		if got := d.Raw.String() + " " + d.Due.String(); got != want {
			t.Errorf("%s is %q, want %q", code, got, want)
		}
		if d.Code != code || d.Basis == "" {
			t.Errorf("%s does not name itself and its basis: %+v", code, d)
		}
	}
	if at := (Calendar{}).Deadline(rules["RODO_BREACH_72H"], event, warsaw).At; !at.Equal(event.Add(72 * time.Hour)) {
		t.Errorf("72 hours end at %v", at)
	}
}

func TestEasterAndWhatHangsOnIt(t *testing.T) {
	for year, want := range map[int]string{
		2024: "2024-03-31", 2025: "2025-04-20", 2026: "2026-04-05", 2027: "2027-03-28",
		2028: "2028-04-16", 2029: "2029-04-01", 2030: "2030-04-21",
	} {
		e := Easter(year)
		if e.String() != want {
			t.Errorf("Easter %d is %s, want %s", year, e, want)
		}
		for _, after := range []int{0, 1, 49, 60} {
			if d := e.AddDays(after); !(Calendar{}).Holiday(d) {
				t.Errorf("%s is no holiday", d)
			}
		}
	}
	for _, working := range []string{"2026-04-03", "2026-05-02", "2026-12-31", "2010-01-06", "2024-12-24", "2019-11-12"} {
		if (Calendar{}).Holiday(mustDay(t, working)) {
			t.Errorf("%s is taken for a holiday", working)
		}
	}
	if !(Calendar{}).Free(mustDay(t, "2018-11-12")) {
		t.Error("12 November 2018 was free")
	}
	extra := Calendar{Country: "XX", ExtraFree: []Day{mustDay(t, "2026-11-24")}}
	if !extra.Free(mustDay(t, "2026-11-24")) || extra.Free(mustDay(t, "2026-11-11")) {
		t.Error("a calendar of another country knows its own days only")
	}
}

func TestTheCatalogueOfDeadlinesIsInForm(t *testing.T) {
	units := strings.Fields("days working_days weeks months years hours none")
	from := strings.Fields("received registered letter event")
	has := func(list []string, s string) bool {
		return strings.Contains(" "+strings.Join(list, " ")+" ", " "+s+" ")
	}
	for code, r := range StandardDeadlines() {
		if r.Code != code || r.Name == "" || r.Basis == "" || !has(units, r.Unit) || !has(from, r.From) || (r.N == 0) != (r.Unit == UnitNone) {
			t.Errorf("%s: %+v", code, r)
		}
	}
	if n := len(StandardDeadlines()); n != 27 {
		t.Errorf("%d deadlines, want 27", n)
	}
}
