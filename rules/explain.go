package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"kancelaria/registry"
)

// Explain writes how a decision was made, from what was stored with it. With
// the set that made it (the book keeps each, by its digest) it also says of
// the rules that did not match what they lacked; without, they are counted.
func Explain(d registry.Decision, set *Set) string {
	a, err := readAccount(d)
	if err != nil {
		return err.Error() + "\n"
	}
	e := explainer{d: d, a: a}
	if set != nil && set.digest == d.RulesDigest && len(set.rules) == len(a.Marks) {
		e.set = set
	}
	fmt.Fprintf(&e.b, "rules %.8s   office %.8s   arrived %s\n\n", d.RulesDigest, a.Office, a.Day)
	for l := range listCount {
		e.list(l)
	}
	e.rest()
	return e.b.String()
}

func readAccount(d registry.Decision) (*account, error) {
	if len(d.Explanation) == 0 {
		return nil, errors.New("this decision was made by a person and has no explanation")
	}
	a := &account{}
	if err := json.Unmarshal(d.Explanation, a); err != nil {
		return nil, fmt.Errorf("the stored explanation cannot be read: %w", err)
	}
	if a.Version != 1 {
		return nil, fmt.Errorf("the stored explanation has form %d, which this version does not know", a.Version)
	}
	return a, nil
}

type explainer struct {
	d   registry.Decision
	a   *account
	set *Set // nil: unknown
	b   strings.Builder
}

// line writes one line of a rule: mark, id, place, and the rest.
func (e *explainer) line(mark, id string, line int, text string) {
	place := ""
	if line > 0 {
		place = fmt.Sprintf(":%d", line)
	}
	fmt.Fprintf(&e.b, "  %s  %-32s %-6s %s\n", mark, id, place, strings.TrimSpace(text))
}

func (e *explainer) list(l list) {
	if (e.d.Screen != "" && l != screenList) || (e.a.Admitted && l == screenList) {
		fmt.Fprintf(&e.b, "%-10s not run\n", l)
		return
	}
	fmt.Fprintln(&e.b, strings.TrimSpace(fmt.Sprintf("%-10s %s", l, e.summary(l))))
	for _, t := range e.a.Took {
		if t.List != l.String() {
			continue
		}
		for i, w := range t.Why {
			if i == 0 {
				e.line("✓", t.Rule, t.Line, seen(w)+arrow(len(t.Why) == 1, t.Did))
			} else {
				e.line(" ", "", 0, "and "+seen(w)+arrow(i == len(t.Why)-1, t.Did))
			}
		}
		if len(t.Why) == 0 {
			e.line("✓", t.Rule, t.Line, "→ "+t.Did)
		}
	}
	if e.set != nil {
		e.unmatched(l)
	}
}

func arrow(last bool, did string) string {
	if last {
		return "   → " + did
	}
	return ""
}

func seen(w evidence) string {
	wants := strings.TrimSpace(strings.TrimPrefix(w.Wants, w.Field))
	if w.Seen == "" {
		return w.Field + " " + wants
	}
	if wants == w.Seen || wants == "" {
		return fmt.Sprintf("%s = %s", w.Field, w.Seen)
	}
	return fmt.Sprintf("%s %q ~ %s", w.Field, w.Seen, wants)
}

// summary says what a list came to.
func (e *explainer) summary(l list) string {
	d := e.d
	switch l {
	case screenList:
		switch {
		case d.Screen != "":
			return strings.ToUpper(d.Screen) + " " + d.ScreenReason
		case e.count(l) == 0:
			return "no match"
		default:
			return "admitted"
		}
	case classifyList:
		out := "no class"
		if d.Class != "" {
			out = "class " + d.Class
		}
		if !d.Deadline.IsZero() {
			out += fmt.Sprintf(", deadline %s → %s", orElse(d.Deadline.Code, d.Deadline.Basis), d.Deadline.Due)
			if d.Deadline.Raw != d.Deadline.Due {
				out += fmt.Sprintf(" (careful: %s)", d.Deadline.Raw)
			}
		}
		return out
	case assignList:
		return e.assigned()
	default:
		return ""
	}
}

func (e *explainer) count(l list) (n int) {
	for _, t := range e.a.Took {
		if t.List == l.String() {
			n++
		}
	}
	return n
}

func (e *explainer) assigned() string {
	d := e.d
	switch {
	case d.Clerk != "":
		return d.Department + " / " + d.Clerk + standsFor(d, d.Clerk)
	case len(d.Candidates) == 1:
		return d.Department + " / " + d.Candidates[0] + standsFor(d, d.Candidates[0])
	case len(d.Candidates) > 1:
		return fmt.Sprintf("%s / one of %s (%s)", d.Department, strings.Join(d.Candidates, ", "), orElse(d.Balance, "first"))
	default:
		return fmt.Sprintf("%s / queue %s", d.Department, d.Queue)
	}
}

func standsFor(d registry.Decision, clerk string) string {
	if whom := orElse(d.OnBehalfOf, d.For[clerk]); whom != "" {
		return " (for " + whom + ")"
	}
	return ""
}

// unmatched lists rules that did not take effect; in lists that all run only
// their number, since most never match.
func (e *explainer) unmatched(l list) {
	quiet := 0
	for _, r := range e.set.of(l) {
		switch mark := e.a.Marks[r.index]; {
		case mark == markTook || mark == markUnasked:
		case mark == markWould:
			e.line("·", r.id, r.line(), "not reached; would match: "+r.do.String())
		case l.first():
			e.line("-", r.id, r.line(), e.lacked(r, mark))
		default:
			quiet++
		}
	}
	switch {
	case quiet == 1:
		e.line("-", "1 other rule", 0, "no match")
	case quiet > 1:
		e.line("-", fmt.Sprintf("%d other rules", quiet), 0, "no match")
	}
}

// lacked says which condition of a rule failed and what it saw.
func (e *explainer) lacked(r *rule, mark byte) string {
	c := r.when.find(strings.IndexByte(markLetters, mark))
	if c == nil {
		return "no match"
	}
	wants := c.String()
	fieldNames := map[string]bool{}
	c.leaves(func(l *leaf) { fieldNames[l.name()] = true })
	var saw []string
	for _, v := range e.a.Values {
		if id, ok := fieldByName(v[0]); fieldNames[v[0]] && ok && fields[id].state && r.list != assignList {
			saw = append(saw, fmt.Sprintf("%s = %s in the end", v[0], v[1])) // rules below may have written it
		} else if fieldNames[v[0]] {
			saw = append(saw, fmt.Sprintf("%s = %s", v[0], v[1]))
		}
	}
	if len(saw) == 0 {
		return wants + "   (there was none)"
	}
	return wants + "   (" + clip(strings.Join(saw, "; "), 160) + ")"
}

// rest writes what belongs to no list.
func (e *explainer) rest() {
	for _, c := range e.a.Conflicts {
		fmt.Fprintf(&e.b, "conflict   %s: %q wanted %s, %q had written %s first\n", c.Field, c.Wanted, c.Refused, orElse(c.By, "the case"), orElse(c.Kept, "nothing"))
	}
	if e.d.JoinFolder != "" {
		fmt.Fprintf(&e.b, "case       joins %s\n", e.d.JoinFolder)
	} else if e.d.CaseSuggestion != "" {
		fmt.Fprintf(&e.b, "case       suggested: %s\n", e.d.CaseSuggestion)
	}
	if len(e.d.Flags) > 0 {
		fmt.Fprintf(&e.b, "flags      %s\n", flagList(e.d.Flags))
	}
	if len(e.d.Because) > 0 {
		fmt.Fprintf(&e.b, "because    %s\n", strings.Join(e.d.Because, "\n           "))
	}
}

// WhyNot says of one rule why it did not take effect, or that it did. It needs
// the set that made the decision.
func WhyNot(d registry.Decision, set *Set, id string) (string, error) {
	a, err := readAccount(d)
	if err != nil {
		return "", err
	}
	if set.digest != d.RulesDigest || len(set.rules) != len(a.Marks) {
		return "", fmt.Errorf("the decision was made by rules %.8s, these are %.8s", d.RulesDigest, set.digest)
	}
	for _, r := range set.rules {
		if r.id != id {
			continue
		}
		place := fmt.Sprintf("rule %q (%s:%d) ", id, set.file, r.line())
		switch mark := a.Marks[r.index]; mark {
		case markTook:
			return place + "took effect: " + r.do.String(), nil
		case markWould:
			return place + "would match, but an earlier rule of " + r.list.String() + " had decided", nil
		case markUnasked:
			return place + "was not asked: " + r.list.String() + " did not run", nil
		default:
			e := explainer{d: d, a: a, set: set}
			return place + "lacked " + e.lacked(r, mark), nil
		}
	}
	var known []string
	for _, r := range set.rules {
		known = append(known, r.id)
	}
	return "", fmt.Errorf("no rule %q; %s", id, DidYouMean(id, known))
}

// find gives the node with an index.
func (c *condition) find(index int) *condition {
	if c.index == index {
		return c
	}
	for i := range c.kids {
		if k := c.kids[i].find(index); k != nil {
			return k
		}
	}
	return nil
}

func (l *leaf) name() string {
	if l.other != "" {
		return l.other
	}
	return fields[l.field].name
}

// String writes a condition on one line, nearly as it stands in the file.
func (c *condition) String() string {
	parts := make([]string, 0, len(c.kids))
	for i := range c.kids {
		parts = append(parts, c.kids[i].String())
	}
	switch c.form {
	case isLeaf:
		return c.leaf.written
	case isNot:
		return "not (" + parts[0] + ")"
	case isAny:
		same := true
		for _, p := range parts {
			same = same && p == parts[0]
		}
		if same && len(parts) > 0 { // one matcher on a union of fields
			return parts[0]
		}
		return "any of (" + strings.Join(parts, " | ") + ")"
	default:
		return strings.Join(parts, " and ")
	}
}
