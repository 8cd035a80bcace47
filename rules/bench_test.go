package rules

import (
	"fmt"
	"strings"
	"testing"

	"kancelaria/registry"
)

// thousand makes an office of one department and a set of a thousand rules,
// none of which matches but the last.
func thousand(tb testing.TB, window string) *Set {
	tb.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\ntext_window: %s\nfallback: {department: OR, queue: PK}\nclassify:\n", window)
	for i := range 500 {
		fmt.Fprintf(&b, "  - {id: words-%d, when: {subject_or_text: {words: [\"slowo%d*\", \"inne%d wyrazy%d*\", \"zwrot%d\"]}, door: smtp}, do: {label: l-%d}}\n", i, i, i, i, i, i)
	}
	for i := range 300 {
		fmt.Fprintf(&b, "  - {id: domain-%d, when: {sender.domain: [d%d.example, e%d.example], attachment.count: '>= 1'}, do: {label: m-%d}}\n", i, i, i, i)
	}
	b.WriteString("assign:\n")
	for i := range 199 {
		fmt.Fprintf(&b, "  - {id: assign-%d, when: {label: l-%d, class: unset, to.local: box%d}, do: {to: department:OR}}\n", i, i, i)
	}
	b.WriteString("  - {id: rest, do: {to: department:OR, balance: least_open}}\n")
	s, list := Load("rules.yaml", []byte(b.String()), smallOffice(tb))
	if s == nil {
		tb.Fatalf("loading a thousand rules: %v", list)
	}
	return s
}

func BenchmarkDecideThousandRulesWithoutText(b *testing.B) {
	s := thousand(b, "2kB")
	it, doc := letter("jan@resident.example", "Pismo")
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(it, doc, registry.Facts{Now: it.AcceptedAt})
	}
}

func BenchmarkDecideThousandRulesWith100KBOfText(b *testing.B) {
	s := thousand(b, "200kB")
	it, doc := letter("jan@resident.example", "Pismo")
	words := "Dzień dobry, proszę o zgodę na wycinkę dwóch drzew rosnących przy ulicy Lipowej, łącznie z ogrodzeniem. "
	doc.Own = strings.Repeat(words, 100_000/len(words)+1)
	b.SetBytes(int64(len(doc.Own)))
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(it, doc, registry.Facts{Now: it.AcceptedAt})
	}
}

func BenchmarkDecideSampleOffice(b *testing.B) {
	s := sample(b)
	it, doc := letter("jan@resident.example", "Wniosek o wycinkę dwóch drzew")
	doc.Own = strings.Repeat("Dzień dobry, proszę o zgodę na wycinkę. ", 50)
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(it, doc, registry.Facts{Now: it.AcceptedAt})
	}
}

func BenchmarkLoadThousandRules(b *testing.B) {
	for b.Loop() {
		thousand(b, "2kB")
	}
}
