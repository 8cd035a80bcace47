package rules

import (
	"fmt"
	"slices"
	"strings"

	"kancelaria/registry"
)

// A Change is one field of a proposal that other rules would write
// differently.
type Change struct {
	Field string `json:"field"`
	Was   string `json:"was"`
	Now   string `json:"now"`
}

// Diff lists what differs between two decisions on one letter, as far as it
// has effect; reasons and the names of rules may differ without any.
func Diff(was, now registry.Decision) []Change {
	var out []Change
	for _, f := range []struct{ field, was, now string }{
		{"screen", strings.TrimSpace(was.Screen + " " + was.ScreenReason), strings.TrimSpace(now.Screen + " " + now.ScreenReason)},
		{"class", was.Class, now.Class},
		{"department", was.Department, now.Department},
		{"clerk", handlers(was), handlers(now)},
		{"deadline", deadlineText(was.Deadline), deadlineText(now.Deadline)},
		{"case", was.CasePolicy, now.CasePolicy},
		{"join", was.JoinFolder, now.JoinFolder},
		{"suggestion", was.CaseSuggestion, now.CaseSuggestion},
		{"flags", set(flagStrings(was.Flags)), set(flagStrings(now.Flags))},
		{"labels", set(was.Labels), set(now.Labels)},
		{"priority", was.Priority, now.Priority},
		{"restricted", restricted(was), restricted(now)},
		{"hide_from", set(was.HideFrom), set(now.HideFrom)},
		{"notify", set(was.Notify), set(now.Notify)},
		{"approval", set(was.Approval), set(now.Approval)},
		{"receipt", was.Receipt, now.Receipt},
	} {
		if f.was != f.now {
			out = append(out, Change{f.field, f.was, f.now})
		}
	}
	return out
}

// handlers says who may get the letter: among several the committer chose.
func handlers(d registry.Decision) string {
	if len(d.Candidates) == 0 {
		if d.Queue == "" {
			return ""
		}
		return "queue " + d.Queue
	}
	return strings.TrimSpace(strings.Join(d.Candidates, " ") + " " + d.Balance)
}

func deadlineText(d registry.Deadline) string {
	if d.Raw.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s %s", orElse(d.Code, d.Basis), d.Due)
}

func restricted(d registry.Decision) string {
	if !d.Restricted {
		return ""
	}
	return strings.TrimSpace("yes " + set(d.Readers))
}

// set writes names in order, since the order of flags and people says nothing.
func set(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(list, " ")
}

// A History is what a set would have made of the letters of the past. It is
// filled letter by letter, so that a year of them needs no memory.
type History struct {
	Letters int // asked
	Changed int // would be decided differently
	// Short counts letters of which the book keeps less than the set looks at:
	// a longer text_window, another header. They are decided by what is kept.
	Short int
	Hits  map[string]int // letters by rule that would take effect
	set   *Set
}

// NewHistory begins a replay of the set.
func (s *Set) NewHistory() *History { return &History{Hits: map[string]int{}, set: s} }

// Add decides a letter of the past again, with the facts and the extract of
// then, and lists what would differ.
func (h *History) Add(a registry.Arrival) []Change {
	if !h.set.restore(&a.Document, a.Extract) {
		h.Short++
	}
	// Whom a person has let in is not screened again; what is late because
	// somebody typed in when it came was screened.
	now := h.set.decide(&a.Item, &a.Document, &a.Facts, !a.Late || a.Item.Hand != nil)
	for _, f := range []registry.Flag{registry.FlagReleased, registry.FlagPromoted} { // a person's, not the rules'
		if slices.Contains(a.Decision.Flags, f) {
			now.Flags = registry.AddFlags(now.Flags, f)
		}
	}
	h.Letters++
	for _, id := range now.Rules {
		h.Hits[id]++
	}
	changes := Diff(a.Decision, now)
	if len(changes) > 0 {
		h.Changed++
	}
	return changes
}

// Merge adds what another replay of the same set has counted, so that several
// can share the work.
func (h *History) Merge(o *History) {
	h.Letters += o.Letters
	h.Changed += o.Changed
	h.Short += o.Short
	for id, n := range o.Hits {
		h.Hits[id] += n
	}
}

// tooWide is the share of all letters above which a rule that looks at words
// is probably not what its author meant.
const tooWide = 40 // percent

// Lint finds rules that no letter of the past would have needed, and rules
// whose words fit too many of them.
func (h *History) Lint() []Complaint {
	src := &source{file: h.set.file}
	const enough = 50 // letters, to say anything
	if h.Letters < enough {
		return nil
	}
	for _, r := range h.set.rules {
		n := h.Hits[r.id]
		byWords := false
		r.when.leaves(func(l *leaf) { byWords = byWords || l.op == opWords || l.op == opMatch })
		switch {
		case n == 0:
			src.warnf(r.at, "W202", "see whether it is still needed", "rule %q matched none of %d letters", r.id, h.Letters)
		case byWords && n*100 > h.Letters*tooWide:
			src.warnf(r.at, "W206", "narrow its words", "rule %q matched %d of %d letters", r.id, n, h.Letters)
		}
	}
	return src.complaints
}
