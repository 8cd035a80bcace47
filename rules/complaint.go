package rules

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Complaint is something wrong with a file, said so that the one who wrote
// it can mend it: where, what, and the remedy.
type Complaint struct {
	Code    string `json:"code"` // E101 … W206; see "kancelaria help rules"
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Text    string `json:"text"`
	Fix     string `json:"fix,omitempty"` // the remedy: did you mean "os1"?
	Warning bool   `json:"warning,omitempty"`
}

// String gives the one-line form: rules.yaml:4:49: no clerk "0s1"; did you
// mean "os1"?
func (c Complaint) String() string {
	var b strings.Builder
	b.WriteString(c.File)
	if c.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", c.Line, c.Column)
	}
	b.WriteString(": ")
	b.WriteString(c.Text)
	if c.Fix != "" {
		b.WriteString("; ")
		b.WriteString(c.Fix)
	}
	return b.String()
}

// Show gives the long form: code, place, sentence, the line of the source with
// a mark under it, and the remedy on a line of its own.
func (c Complaint) Show(source []byte) string {
	var b strings.Builder
	kind := "error"
	if c.Warning {
		kind = "warn "
	}
	fmt.Fprintf(&b, "%s %s %s:%d:%d  %s\n", kind, c.Code, c.File, c.Line, c.Column, c.Text)
	if line, ok := lineOf(source, c.Line); ok {
		fmt.Fprintf(&b, "%5d | %s\n", c.Line, line)
		fmt.Fprintf(&b, "      | %s^\n", strings.Repeat(" ", max(c.Column-1, 0)))
	}
	if c.Fix != "" {
		fmt.Fprintf(&b, "  fix: %s\n", c.Fix)
	}
	return b.String()
}

// Failed reports whether any complaint is more than a warning.
func Failed(list []Complaint) bool {
	return slices.ContainsFunc(list, func(c Complaint) bool { return !c.Warning })
}

// sorted puts complaints in the order of their places, each only once.
func sorted(list []Complaint) []Complaint {
	slices.SortStableFunc(list, func(a, b Complaint) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
	return slices.Compact(list)
}

// lineOf cuts one line out of a source, bounded for display.
func lineOf(source []byte, n int) (string, bool) {
	for line := range bytes.Lines(source) {
		if n--; n == 0 {
			return clip(strings.TrimRight(string(line[:min(len(line), 1_000)]), "\r\n"), 160), true
		}
	}
	return "", false
}
