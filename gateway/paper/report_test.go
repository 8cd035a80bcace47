package paper_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/paper"
	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

// monthBook has letters that were dealt with in time, late and not at all.
func monthBook(t testing.TB) *storetest.Memory {
	due := func(day int, change ...func(*registry.Arrival)) func(*registry.Arrival) {
		return func(a *registry.Arrival) {
			a.Decision.Deadline = registry.Deadline{Raw: registry.Day{Year: 2026, Month: 11, Day: day}}
			for _, c := range change {
				c(a)
			}
		}
	}
	scanned := func(a *registry.Arrival) {
		a.Item.Envelope, a.Item.Door, a.Document.MessageID = nil, registry.DoorFolder, ""
	}
	other := func(a *registry.Arrival) { a.Decision.Department = "OR" }
	hidden := func(a *registry.Arrival) {
		a.Item.Register, a.Decision.Restricted, a.Decision.Readers = "ZS", true, []string{"iod"}
	}
	return newBook(
		t,
		letter(0, due(25)),          // closed on the 24th: in time
		letter(1, due(23)),          // closed on the 24th: late
		letter(2, due(30)),          // open, not due
		letter(3, due(24), scanned), // open, overdue
		letter(4, due(25), other),   // forwarded on the 24th: in time
		letter(5, due(25), scanned), // annulled
		letter(6, due(23), hidden),  // not for everybody
		letter(7, func(a *registry.Arrival) { a.Decision.Deadline = registry.Deadline{} }),
		act("c1", 24*60, registry.Act{Kind: registry.ActClose, Subject: "1/2026"}, ""),
		act("c2", 24*60, registry.Act{Kind: registry.ActClose, Subject: "2/2026"}, ""),
		act("f", 24*60, registry.Act{Kind: registry.ActForward, Subject: "5/2026", To: "Starosta", Outside: true}, ""),
		act("a", 24*60, registry.Act{Kind: registry.ActAnnul, Subject: "6/2026"}, "pomyłka"),
	)
}

func reports(t testing.TB, m *storetest.Memory) paper.Reports {
	o := office(t)
	return paper.Reports{
		Book: m, Office: func() *registry.Office { return o },
		Now: func() time.Time { return time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC) },
	}
}

func TestAMonthIsCounted(t *testing.T) {
	first := registry.Day{Year: 2026, Month: 11, Day: 1}
	month, err := reports(t, monthBook(t)).Month(t.Context(), &registry.Viewer{Login: "pk1"}, first)
	if err != nil {
		t.Fatal(err)
	}
	want := paper.MonthLine{Entries: 6, Email: 5, Paper: 1, InTime: 2, Late: 1, OpenInTime: 1, Overdue: 1, NoDeadline: 1}
	if month.Total != want || month.Annulled != 1 {
		t.Errorf("total %+v, annulled %d, want %+v and 1", month.Total, month.Annulled, want)
	}
	if len(month.Departments) != 2 || month.Departments[0].Department != "OR" || month.Departments[0].InTime != 1 {
		t.Errorf("departments %+v", month.Departments)
	}
	whole, err := reports(t, monthBook(t)).Month(t.Context(), nil, first)
	if err != nil || whole.Total.Entries != 7 {
		t.Errorf("the owner counts %d: %v", whole.Total.Entries, err)
	}
	empty, err := reports(t, monthBook(t)).Month(t.Context(), nil, registry.Day{Year: 2026, Month: 10, Day: 1})
	if err != nil || empty.Total != (paper.MonthLine{}) {
		t.Errorf("October has %+v: %v", empty.Total, err)
	}
	for _, lang := range []string{"pl", "en"} {
		var text bytes.Buffer
		if err := month.Text(&text, registry.Catalogue(lang)); err != nil || !strings.Contains(text.String(), "OS") {
			t.Errorf("in %s:\n%s%v", lang, text.String(), err)
		}
	}
}

func TestAMonthFitsOnAPage(t *testing.T) {
	month, err := reports(t, monthBook(t)).Month(t.Context(), nil, registry.Day{Year: 2026, Month: 11, Day: 1})
	if err != nil {
		t.Fatal(err)
	}
	for n := range 60 {
		month.Departments = append(month.Departments, paper.MonthLine{Department: fmt.Sprint("X", n), Name: "Referat o dość długiej nazwie", Entries: 1})
	}
	file := filepath.Join(t.TempDir(), "month.pdf")
	var out bytes.Buffer
	press := paper.Press{Office: office(t), Texts: registry.Catalogue("pl"), Now: func() time.Time { return storetest.Noon }}
	if err := press.Month(&out, month); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	text := pdfText(t, file)
	if strings.Count(text, "\f") != 1 {
		t.Errorf("%d pages", strings.Count(text, "\f"))
	}
	for _, want := range []string{"Raport miesięczny: 2026-11", "OS – Ochrona środowiska", "X59", "Razem", "Stan na 26 listopada 2026"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q:\n%s", want, text)
		}
	}
}

func TestAPersonIsFoundWhereverTheyStand(t *testing.T) {
	m := newBook(
		t,
		letter(0, func(a *registry.Arrival) {
			a.Sender = registry.Sender{Name: "Osoba z Łęgu", Email: "Osoba@poczta.example"}
		}),
		letter(1, func(a *registry.Arrival) { a.Title = "Skarga na osobę: OSOBA Z ŁĘGU" }),
		letter(2, func(a *registry.Arrival) {
			a.Disposition, a.Reason = registry.Quarantined, "spam"
			a.Sender = registry.Sender{Email: "osoba@poczta.example"}
		}),
		letter(3),
		letter(4, func(a *registry.Arrival) {
			a.Item.Register, a.Decision.Restricted, a.Decision.Readers = "ZS", true, []string{"iod"}
			a.Sender = registry.Sender{Name: "Osoba z Łęgu"}
		}),
	)
	note, err := registry.Access{At: storetest.Noon, Login: "os1", What: "shown", Subject: "RPW-000001-2026"}.Note()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Keep(t.Context(), []registry.Note{note}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, asked string
		viewer      *registry.Viewer
		want        string
	}{
		{"by e-mail", "osoba@poczta.example", nil, "RPW-000001-2026=sender item"},
		{"by name, as people type it", "lęgu OSOBA", nil, "RPW-000001-2026=sender RPW-000002-2026=mentioned ZS-000001-2026=sender"},
		{"by somebody who may not see all", "osoba z legu", &registry.Viewer{Login: "pk1"}, "RPW-000001-2026=sender RPW-000002-2026=mentioned"},
		{"nobody", "nikt", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := reports(t, m).Person(t.Context(), tt.viewer, tt.asked)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range p.Entries {
				got = append(got, e.Number+"="+e.Role)
				if e.Number == "RPW-000001-2026" && (len(e.Looks) != 1 || e.Looks[0].Login != "os1" || len(e.Attachments) != 1) {
					t.Errorf("looked at by %+v, attachments %+v", e.Looks, e.Attachments)
				}
			}
			for range p.Items {
				got = append(got, "item")
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("found %q, want %q", s, tt.want)
			}
			var text bytes.Buffer
			if err := p.Text(&text, registry.Catalogue("pl"), time.UTC); err != nil || strings.Contains(text.String(), "paper.") {
				t.Errorf("%v:\n%s", err, text.String())
			}
			if tt.want == "" && !strings.Contains(text.String(), "nie zawiera danych") {
				t.Errorf("nothing is said as\n%s", text.String())
			}
		})
	}
	if _, err := reports(t, m).Person(t.Context(), nil, " "); err == nil {
		t.Error("everybody is a person")
	}
}
