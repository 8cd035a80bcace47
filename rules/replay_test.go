package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"kancelaria/registry"
)

func past(t testing.TB, s *Set, subject string) registry.Arrival {
	t.Helper()
	it, doc := letter("jan@resident.example", subject)
	facts := factsAt(it)
	return registry.Arrival{Item: it, Document: doc, Facts: facts, Decision: s.Decide(it, doc, facts)}
}

func TestReplayTellsWhatOtherRulesWouldHaveDecided(t *testing.T) {
	was := rulesFor(t, `
classify: [{id: drzewa, when: {subject: {words: "drzew*"}}, do: {class: "6131"}}]
assign: [{id: k, when: {class: set}, do: {to: class.clerk}}]`)
	now := rulesFor(t, `
classify:
  - {id: decyzja, when: {subject: {words: "decyzj*"}}, do: {class: "6220", deadline: KPA_2M, flag: urgent}}
  - {id: drzewa, when: {class: unset, subject: {words: "drzew*"}}, do: {class: "6131"}}
assign: [{id: k, when: {class: set}, do: {to: class.department, balance: least_open}}]`)
	h := now.NewHistory()
	if got := h.Add(past(t, was, "Dzień dobry")); len(got) != 0 {
		t.Errorf("a letter no rule knows: %v", got)
	}
	want := []Change{{"clerk", "os1", "os1 os2 least_open"}}
	if got := h.Add(past(t, was, "Drzewa")); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	want = []Change{
		{"class", "6131", "6220"},
		{"clerk", "os1", "os1 os2 least_open"},
		{"deadline", "KPA_1M 2026-12-23", "KPA_2M 2027-01-25"},
		{"flags", "", "urgent"},
	}
	if got := h.Add(past(t, was, "Decyzja o drzewach")); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if h.Letters != 3 || h.Changed != 2 || h.Hits["k"] != 2 || h.Hits["decyzja"] != 1 {
		t.Errorf("history: %+v", h)
	}
}

func TestALetterIsDecidedAgainByWhatTheBookKeptOfIt(t *testing.T) {
	s := rulesFor(t, `
text_window: 40B
classify:
  - {id: d, when: {text: {words: "drzew*"}}, do: {class: "6131"}}
  - {id: h, when: {header.x-priority: "1"}, do: {label: pilne}}`)
	it, doc := letter("a@b.example", "x")
	doc.Own = "Proszę o zgodę na wycinkę drzew. " + strings.Repeat("Dalszy ciąg. ", 1000)
	doc.Headers.All = map[string][]string{"x-priority": {"1"}, "x-mailer": {"nobody asks"}}
	a := registry.Arrival{Item: it, Document: doc, Facts: factsAt(it), Decision: s.Decide(it, doc, factsAt(it)), Extract: s.Extract(doc)}
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 4000 || strings.Contains(string(raw), "nobody asks") {
		t.Errorf("more is kept than rules look at: %d bytes", len(raw))
	}
	var read registry.Arrival
	if err := json.Unmarshal(raw, &read); err != nil {
		t.Fatal(err)
	}
	h := s.NewHistory()
	if got := h.Add(read); len(got) != 0 || h.Hits["d"] != 1 || h.Hits["h"] != 1 || h.Short != 0 {
		t.Errorf("changes %v, hits %v, short %d", got, h.Hits, h.Short)
	}
	for _, farther := range []string{
		"text_window: 2kB\nclassify: [{id: x, when: {text: {words: ciąg}}, do: {label: a}}]",
		"text_window: 40B\nclassify: [{id: x, when: {header.x-mailer: a}, do: {label: a}}]",
	} {
		h := rulesFor(t, farther).NewHistory()
		h.Add(read)
		if h.Short != 1 {
			t.Errorf("rules that look farther than what was kept are not told of:\n%s", farther)
		}
	}
}

func TestReplayOfALateLetterDoesNotScreenItAgain(t *testing.T) {
	s := rulesFor(t, `
screen: [{id: spam, when: {spam: true}, do: {quarantine: spam}}]
classify: [{id: all, do: {class: "6131"}}]`)
	it, doc := letter("a@b.example", "x")
	doc.Headers.SpamFlag = true
	a := registry.Arrival{Item: it, Document: doc, Facts: factsAt(it), Decision: s.DecideAdmitted(it, doc, factsAt(it)), Late: true}
	if got := s.NewHistory().Add(a); len(got) != 0 {
		t.Errorf("released by a person: %v", got)
	}
}

func TestHistoryFindsIdleRulesAndWordsThatFitEverything(t *testing.T) {
	s := rulesFor(t, `
classify:
  - {id: wide, when: {subject: {words: "pism*"}}, do: {label: a}}
  - {id: idle, when: {subject: {words: xyz}}, do: {label: b}}
  - {id: usual, when: {door: smtp}, do: {label: c}}`)
	h, half := s.NewHistory(), s.NewHistory()
	for i := range 60 {
		into := h
		if i%2 == 0 {
			into = half
		}
		into.Add(past(t, s, fmt.Sprintf("Pismo %d", i)))
	}
	if len(half.Lint()) != 0 {
		t.Error("thirty letters are too few to say anything")
	}
	h.Merge(half)
	got := complaintsOf(h.Lint())
	if strings.Count(got, "\n") != 1 || !strings.Contains(got, `rule "idle" matched none of 60 letters`) || !strings.Contains(got, `rule "wide" matched 60 of 60 letters`) {
		t.Errorf("got:\n%s", got)
	}
}

func TestLettersBesideTheFileAreTestsToo(t *testing.T) {
	s := rulesFor(t, `
classify: [{id: d, when: {subject: {words: "drzew*"}}, do: {class: "6131"}}]
tests:
  - {name: z pliku, eml: listy/drzewa.eml, expect: {class: "6131", rules: d}}
  - {name: inny, eml: listy/inny.eml, expect: {class: "1431"}}
  - {name: brak, eml: nie-ma.eml, expect: {class: none}}`)
	if len(s.Test()) != 0 {
		t.Error("tests of letters beside the file need a reader")
	}
	got := s.TestLetters(func(name string) (registry.Item, registry.Document, error) {
		if name == "nie-ma.eml" {
			return registry.Item{}, registry.Document{}, errors.New("no such file")
		}
		it, doc := letter("a@b.example", "Drzewa")
		return it, doc, nil
	})
	if len(got) != 3 || !got[0].Passed() || got[1].Passed() || got[2].Passed() {
		t.Errorf("results: %v", got)
	}
	if !strings.Contains(got[2].String(), "no such file") {
		t.Errorf("an unreadable letter: %s", got[2])
	}
	if list := s.Lint(); len(list) != 0 {
		t.Errorf("a rule that a letter beside the file names is tested: %v", list)
	}
}

func BenchmarkReplay(b *testing.B) {
	s := sample(b)
	letters := make([]registry.Arrival, 0, len(s.tests))
	for _, ts := range s.tests {
		letters = append(letters, registry.Arrival{Item: ts.item, Document: ts.doc, Facts: ts.facts, Decision: s.Decide(ts.item, ts.doc, ts.facts)})
	}
	h := s.NewHistory()
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		h.Add(letters[i%len(letters)])
		i++
	}
}
