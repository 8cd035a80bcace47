package rules

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func manual(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../cmd/kancelaria/help/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestExamplesOfTheManualWork(t *testing.T) {
	office, list := LoadOffice("office.yaml", sampleFile(t, "config/office.yaml"))
	if office == nil {
		t.Fatal(complaintsOf(list))
	}
	begins := regexp.MustCompile(`^    (version|screen|classify|assign|also|tests):`)
	examples := 0
	for _, block := range strings.Split(manual(t), "\n\n") {
		if !begins.MatchString(block) {
			continue
		}
		examples++
		var file strings.Builder
		if !strings.HasPrefix(block, "    version:") {
			file.WriteString(lintHead)
		}
		for line := range strings.Lines(block) {
			file.WriteString(strings.TrimPrefix(line, "    "))
		}
		s, list := Load("rules.yaml", []byte(file.String()), office)
		if s == nil {
			t.Errorf("this example is refused:\n%s\n%s", file.String(), complaintsOf(list))
			continue
		}
		for _, r := range s.Test() {
			if !r.Passed() {
				t.Errorf("in an example: %s", r)
			}
		}
	}
	if examples < 4 {
		t.Errorf("only %d examples were found", examples)
	}
}

func TestTheManualNamesEverything(t *testing.T) {
	text := manual(t)
	names := append(FieldNames(), keys(actionLists)...)
	names = append(names, balances...)
	for _, l := range [][]string{keys(foundTargets), expectOne[:3], {"facts", "eml", "text_window", "@name", "E100", "E111", "W206"}} {
		names = append(names, l...)
	}
	for _, n := range names {
		if !regexp.MustCompile(`(^|[^\w.])` + regexp.QuoteMeta(n) + `($|[^\w])`).MatchString(text) {
			t.Errorf("the manual does not name %q", n)
		}
	}
}
