package rules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// A test is an example that stands in the rules file: a letter, or the name of
// one beside the file, and what the rules must make of it.
type test struct {
	name   string
	at     *node
	eml    string
	item   registry.Item
	doc    registry.Document
	facts  registry.Facts
	expect []expectation
}

// An expectation is one key of "expect".
type expectation struct {
	key  string
	want []string
	at   *node
}

// A Result is how one test ended.
type Result struct {
	Name     string    `json:"name"`
	File     string    `json:"file"`
	Line     int       `json:"line"`
	Failures []Failure `json:"failures,omitempty"`
	// Because is what the decision gave as its reasons, for the one who looks
	// for the mistake.
	Because []string `json:"because,omitempty"`
	column  int
}

// A Failure is one thing that is not as expected.
type Failure struct {
	What string `json:"what"`
	Got  string `json:"got"`
	Want string `json:"want"`
}

// Passed reports whether everything was as expected.
func (r Result) Passed() bool { return len(r.Failures) == 0 }

// String gives the name, and below it what differs.
func (r Result) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d: %s", r.File, r.Line, r.Name)
	for _, f := range r.Failures {
		fmt.Fprintf(&b, "\n    %s: got %s, want %s", f.What, orElse(f.Got, "none"), orElse(f.Want, "none"))
	}
	if !r.Passed() {
		for _, s := range r.Because {
			fmt.Fprintf(&b, "\n    · %s", s)
		}
	}
	return b.String()
}

// Test runs the tests whose letters stand in the file.
func (s *Set) Test() []Result {
	var out []Result
	for i := range s.tests {
		if t := &s.tests[i]; t.eml == "" {
			out = append(out, s.try(t, t.item, t.doc))
		}
	}
	return out
}

// TestTime is when the letters of tests arrive unless they say otherwise.
func (s *Set) TestTime() time.Time {
	at, _ := time.ParseInLocation("2006-01-02 15:04", testDay, s.office.Zone) // a constant of ours
	return at
}

// TestLetters runs the tests whose letters are files beside the rules file;
// open reads one and gives it as the doors and the reader would.
func (s *Set) TestLetters(open func(name string) (registry.Item, registry.Document, error)) []Result {
	var out []Result
	for i := range s.tests {
		t := &s.tests[i]
		if t.eml == "" {
			continue
		}
		it, doc, err := open(t.eml)
		if err != nil {
			out = append(out, Result{Name: t.name, File: s.file, Line: t.at.line, column: t.at.col, Failures: []Failure{{What: "eml", Got: err.Error(), Want: t.eml}}})
			continue
		}
		out = append(out, s.try(t, it, doc))
	}
	return out
}

func (s *Set) try(t *test, it registry.Item, doc registry.Document) Result {
	facts := t.facts
	if facts.Now.IsZero() {
		facts.Now = it.AcceptedAt
	}
	d := s.Decide(it, doc, facts)
	r := Result{Name: t.name, File: s.file, Line: t.at.line, column: t.at.col, Because: d.Because}
	for _, e := range t.expect {
		if f, ok := e.meets(&d); !ok {
			r.Failures = append(r.Failures, f)
		}
	}
	return r
}

// expectations lists the keys of expect and what they look at. Lists must be
// there, more may be; a key beginning with not_ must not be there.
func expectations(d *registry.Decision) map[string][]string {
	one := func(s string) []string {
		if s == "" {
			return nil
		}
		return []string{s}
	}
	return map[string][]string{
		"screen": one(d.Screen), "reason": one(d.ScreenReason), "class": one(d.Class), "department": one(d.Department),
		"queue": one(d.Queue), "clerk": d.Candidates[:min(1, len(d.Candidates))], "clerks": d.Candidates, "balance": one(d.Balance),
		"deadline": one(orElse(d.Deadline.Code, d.Deadline.Basis)), "due": one(d.Deadline.Due.String()), "raw": one(d.Deadline.Raw.String()),
		"case": one(d.CasePolicy), "suggestion": one(d.CaseSuggestion), "join": one(d.JoinFolder), "priority": one(d.Priority),
		"receipt": one(d.Receipt), "restricted": one(fmt.Sprint(d.Restricted)), "flags": flagStrings(d.Flags), "labels": d.Labels,
		"readers": d.Readers, "hide_from": d.HideFrom, "notify": d.Notify, "approval": d.Approval, "rules": d.Rules,
	}
}

var (
	expectOne  = []string{"screen", "reason", "class", "department", "queue", "clerk", "balance", "deadline", "due", "raw", "case", "suggestion", "join", "priority", "receipt", "restricted"}
	expectList = []string{"clerks", "flags", "labels", "readers", "hide_from", "notify", "approval", "rules", "not_flags", "not_labels", "not_notify", "not_rules"}
)

func flagStrings(list []registry.Flag) []string {
	out := make([]string, len(list))
	for i, f := range list {
		out[i] = string(f)
	}
	return out
}

func (e expectation) meets(d *registry.Decision) (Failure, bool) {
	key, negative := strings.CutPrefix(e.key, "not_")
	got := expectations(d)[key]
	f := Failure{What: e.key, Got: strings.Join(got, ", "), Want: strings.Join(e.want, ", ")}
	switch {
	case negative:
		for _, w := range e.want {
			if slices.Contains(got, w) {
				f.What, f.Want = key, "no "+w
				return f, false
			}
		}
		return f, true
	case slices.Contains(expectOne, key):
		return f, slices.Equal(got, e.want)
	default:
		for _, w := range e.want {
			if !slices.Contains(got, w) {
				return f, false
			}
		}
		return f, true
	}
}
