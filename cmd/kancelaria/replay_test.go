package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"kancelaria/contrib"
	"kancelaria/registry"
	"kancelaria/rules"
)

// A past is a book of letters, one a second, made when they are read; memory
// holds one page of them.
type past struct {
	size  int64
	began time.Time
	rows  []registry.LeafRow
}

func (p *past) Head(context.Context) (registry.Head, error) { return registry.Head{Size: p.size}, nil }

func (p *past) Leaves(_ context.Context, from, to int64) ([]registry.LeafRow, error) {
	var rows []registry.LeafRow
	for i := from; i < min(to, p.size); i++ {
		row := p.rows[i%int64(len(p.rows))]
		row.Index, row.At = i, p.began.Add(time.Duration(i)*time.Second)
		rows = append(rows, row)
	}
	return rows, nil
}

func sampleRules(tb testing.TB) *rules.Set {
	tb.Helper()
	read := func(name string) []byte {
		data, err := contrib.Files.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		return data
	}
	office, list := rules.LoadOffice("office.yaml", read("config/office.yaml"))
	if rules.Failed(list) {
		tb.Fatal(list)
	}
	set, list := rules.Load("rules.yaml", read("rules/rules.yaml"), office)
	if set == nil {
		tb.Fatal(list)
	}
	return set
}

// pastOf makes a book of so many letters with texts of a kilobyte and more.
func pastOf(tb testing.TB, set *rules.Set, size int64) *past {
	tb.Helper()
	p := &past{size: size, began: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)}
	for i, subject := range []string{"Wniosek o wycinkę drzew", "Skarga na hałas", "Petycja mieszkańców", "Dzień dobry", "Faktura 12/2026"} {
		it := registry.Item{
			ID: registry.NewItemID(p.began), Door: registry.DoorSMTP, Register: "RPW", AcceptedAt: p.began,
			Recipients: []string{"urzad@aleksandrowo.example"},
			Envelope:   &registry.Envelope{MailFrom: "a@resident.example", Recipients: []string{"urzad@aleksandrowo.example"}},
		}
		doc := registry.Document{
			From: []registry.Address{{Email: "a@resident.example"}}, Subject: subject, Title: subject,
			Own:         strings.Repeat("Zwracam się z uprzejmą prośbą o załatwienie sprawy. ", 20+i*5),
			Attachments: []registry.Attachment{{Path: "2", Name: "wniosek.pdf", MediaType: "application/pdf", Size: 100_000, Role: registry.RoleAttachment}},
		}
		facts := registry.Facts{Now: p.began}
		line := registry.Line{
			Draft: registry.Draft{Key: "item/" + it.ID.String(), Arrival: &registry.Arrival{
				Item: it, Document: doc, Facts: facts, Decision: set.Decide(it, doc, facts), Extract: set.Extract(doc), Disposition: registry.Registered,
			}},
			Outcome: registry.Outcome{Number: registry.Number{Register: "RPW", Year: 2026, Seq: int64(i + 1)}},
		}
		content, err := line.Encode()
		if err != nil {
			tb.Fatal(err)
		}
		p.rows = append(p.rows, registry.LeafRow{Type: string(registry.Registered), Content: content})
	}
	return p
}

func noneOfOurs(string) bool { return false }

func TestReplayReadsFromTheTimeItIsToldAndInOrder(t *testing.T) {
	set := sampleRules(t)
	book := pastOf(t, set, 2500)
	other := strings.Replace(string(set.Source()), `class: "6131"`, `class: "6220"`, 1)
	now, list := rules.Load("rules.yaml", []byte(other), set.Office())
	if now == nil {
		t.Fatal(list)
	}
	var numbers []string
	seen, err := replayBook(t.Context(), book, now, book.began.Add(500*time.Second), noneOfOurs, func(r replayed) error {
		numbers = append(numbers, fmt.Sprint(r.Number, r.Changes[0]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen.Letters != 2000 || seen.Changed != 400 || len(numbers) != 400 || seen.Short != 0 {
		t.Errorf("%d letters, %d changed, %d told, %d short; want 2000, 400, 400, 0", seen.Letters, seen.Changed, len(numbers), seen.Short)
	}
	if want := "RPW-000001-2026{class 6131 6220}"; len(numbers) == 0 || numbers[0] != want {
		t.Errorf("first change %v, want %s", numbers[:min(1, len(numbers))], want)
	}
	same, err := replayBook(t.Context(), book, set, time.Time{}, noneOfOurs, func(r replayed) error { return fmt.Errorf("changed: %v", r) })
	if err != nil || same.Letters != 2500 {
		t.Errorf("the same rules: %v, %+v", err, same)
	}
}

func TestLettersToAddressesOfOurOwnMakingAreNoMatterOfTheRules(t *testing.T) {
	set := sampleRules(t)
	seen, err := replayBook(t.Context(), pastOf(t, set, 10), set, time.Time{}, func(string) bool { return true }, func(replayed) error { return nil })
	if err != nil || seen.Letters != 0 {
		t.Errorf("%v, %d letters", err, seen.Letters)
	}
}

func BenchmarkReplayHundredThousand(b *testing.B) {
	set := sampleRules(b)
	book := pastOf(b, set, 100_000)
	for b.Loop() {
		if _, err := replayBook(b.Context(), book, set, time.Time{}, noneOfOurs, func(replayed) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
