package rules

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kancelaria/registry"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file in testdata; the diff of an update is read.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s\nwant:\n%s", name, got, want)
	}
}

// explained is a small set, so that the golden files do not change with the
// sample office.
const explained = `version: 1
fallback: {department: OR, queue: PK}
lists: {drzewa: ["drzew*", "wycin*"]}
screen:
  - {id: program, when: {attachment.ext: [exe, scr]}, do: {quarantine: executable}}
  - {id: spam, when: {spam: true}, do: {quarantine: spam}}
classify:
  - {id: informacja, when: {subject_or_text: {words: "informacj* publiczn*"}}, do: {class: "1431"}}
  - {id: drzewa, when: {subject_or_text: {words: "@drzewa"}, not: {label: pilne}}, do: {class: "6131", label: zielen}}
  - {id: decyzja, when: {subject: {words: decyzj*}}, do: {class: "6220", flag: urgent, label: pilne}}
assign:
  - {id: sprawa-w-toku, when: {case_ref.open: true}, do: {to: case.clerk}}
  - {id: wedlug-klasy, when: {class: set}, do: {to: class.clerk}}
also:
  - {id: podpis, when: {signature.verdict: total-failed}, do: {flag: signature_failed}}
`

func explainedSet(t *testing.T) *Set {
	s, list := Load("rules.yaml", []byte(explained), smallOffice(t))
	if s == nil {
		t.Fatal(complaintsOf(list))
	}
	return s
}

func TestExplain(t *testing.T) {
	s := explainedSet(t)
	for _, tt := range []struct {
		name string
		make func() registry.Decision
	}{
		{"explain-case-with-absent-clerk.txt", func() registry.Decision {
			it, doc := letter("jan@resident.example", "Uzupełnienie wniosku OS.6131.57.2026 – wycinka drzew, decyzja")
			facts := factsAt(it)
			facts.Away = []string{"os1"}
			facts.Cases = []registry.CaseRef{{Mark: "OS.6131.57.2026", Exists: true, Open: true, Class: "6131", Clerk: "os1", Department: "OS"}}
			return s.Decide(it, doc, facts)
		}},
		{"explain-quarantine.txt", func() registry.Decision {
			it, doc := letter("bm@urzad.example", "Pilne")
			doc.Headers.SpamFlag = true
			doc.Attachments = []registry.Attachment{{Name: "faktura.exe", Role: registry.RoleEmbedded}}
			return s.Decide(it, doc, factsAt(it))
		}},
		{"explain-nobody.txt", func() registry.Decision {
			it, doc := letter("a@b.example", "Dzień dobry")
			return s.Decide(it, doc, factsAt(it))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { golden(t, tt.name, Explain(tt.make(), s)) })
	}
}

func TestExplainNeedsOnlyWhatWasStored(t *testing.T) {
	s := explainedSet(t)
	it, doc := letter("a@b.example", "Wycinka drzew")
	raw, err := json.Marshal(s.Decide(it, doc, factsAt(it)))
	if err != nil {
		t.Fatal(err)
	}
	var stored registry.Decision
	if err := json.Unmarshal(raw, &stored); err != nil {
		t.Fatal(err)
	}
	if got, want := Explain(stored, s), Explain(s.Decide(it, doc, factsAt(it)), s); got != want {
		t.Errorf("as stored:\n%s\nas decided:\n%s", got, want)
	}
	other := sample(t) // the rules of today are others
	text := Explain(stored, other)
	for _, want := range []string{"✓  drzewa", `subject "drzew" ~ drzew*`, "→ class 6131, label zielen", "assign     OS / os1"} {
		if !strings.Contains(text, want) {
			t.Errorf("without its set the explanation lacks %q:\n%s", want, text)
		}
	}
	if _, err := WhyNot(stored, other, "drzewa"); err == nil || !strings.Contains(err.Error(), "the decision was made by rules") {
		t.Errorf("why-not under other rules: %v", err)
	}
}

func TestWhyNotNamesTheConditionThatFailed(t *testing.T) {
	s := explainedSet(t)
	it, doc := letter("a@b.example", "Wycinka drzew")
	d := s.Decide(it, doc, factsAt(it))
	for _, tt := range []struct{ rule, want string }{
		{"drzewa", `rule "drzewa" (rules.yaml:9) took effect: class 6131, label zielen`},
		{"program", `rule "program" (rules.yaml:5) lacked attachment.ext exe, scr   (there was none)`},
		{"spam", `rule "spam" (rules.yaml:6) lacked spam true   (spam = false)`},
		{"informacja", `rule "informacja" (rules.yaml:8) lacked subject_or_text words informacj* publiczn*   (subject = Wycinka drzew)`},
		{"sprawa-w-toku", `rule "sprawa-w-toku" (rules.yaml:12) lacked case_ref.open true   (there was none)`},
	} {
		if got, err := WhyNot(d, s, tt.rule); err != nil || got != tt.want {
			t.Errorf("got  %s %v\nwant %s", got, err, tt.want)
		}
	}
	if _, err := WhyNot(d, s, "drzewo"); err == nil || err.Error() != `no rule "drzewo"; did you mean "drzewa"?` {
		t.Errorf("an unknown rule: %v", err)
	}
	doc.Headers.SpamFlag = true
	if got, _ := WhyNot(s.Decide(it, doc, factsAt(it)), s, "drzewa"); got != `rule "drzewa" (rules.yaml:9) was not asked: classify did not run` {
		t.Errorf("in quarantine: %s", got)
	}
}

func TestADamagedExplanationIsSaidToBeSo(t *testing.T) {
	for _, tt := range []struct{ stored, want string }{
		{"", "made by a person"},
		{"{", "cannot be read"},
		{`{"v":9}`, "form 9"},
		{`{"v":1,"marks":"zz","took":[{"rule":"a","list":"screen"}]}`, "✓  a"},
	} {
		if got := Explain(registry.Decision{Explanation: json.RawMessage(tt.stored)}, explainedSet(t)); !strings.Contains(got, tt.want) {
			t.Errorf("%q: got %q", tt.stored, got)
		}
	}
}
