package rules

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// The account is what a decision keeps of how it was made: enough to explain
// it years later under other rules. One letter a rule says what became of it;
// only rules that took effect have more, so a thousand rules that did not
// match cost a thousand bytes.

// Marks of rules: took effect; would match but was not reached; was not asked.
// Any other letter counts the condition that failed, in the order of the file.
const (
	markTook    = '+'
	markWould   = '~'
	markUnasked = '.'
	markLetters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

type account struct {
	Version   int             `json:"v"`
	Office    registry.Digest `json:"office"`
	Day       registry.Day    `json:"day"`
	Admitted  bool            `json:"admitted,omitempty"` // by a person: screen was not asked
	Marks     string          `json:"marks"`
	Took      []taken         `json:"took"`
	Values    [][2]string     `json:"values"` // what the rules' fields held
	Conflicts []conflict      `json:"conflicts,omitempty"`
	Notes     [][2]string     `json:"notes,omitempty"`

	conflicts []conflict
	marks     []byte
}

// A taken is a rule that took effect.
type taken struct {
	Rule string     `json:"rule"`
	List string     `json:"list"`
	Line int        `json:"line"`
	Why  []evidence `json:"why,omitempty"`
	Did  string     `json:"did"`
}

// An evidence is a condition that was met and the value it saw.
type evidence struct {
	Field string `json:"field"`
	Seen  string `json:"seen,omitempty"`
	Wants string `json:"wants,omitempty"`
	how   string // which sentence says it
}

// A conflict is a field that a later rule wanted to write differently.
type conflict struct {
	Field   string `json:"field"`
	Kept    string `json:"kept"`
	By      string `json:"by,omitempty"`
	Refused string `json:"refused"`
	Wanted  string `json:"wanted_by"`
}

func (a *account) begin(s *Set, day registry.Day, screen bool) {
	a.Version, a.Office, a.Day, a.Admitted = 1, s.office.Digest, day, !screen
	a.Took = []taken{}
	a.marks = make([]byte, len(s.rules))
	for i := range a.marks {
		a.marks[i] = markUnasked
	}
}

func (a *account) note(code, detail string) { a.Notes = append(a.Notes, [2]string{code, detail}) }

// took keeps that a rule took effect, with its evidence, and says so.
func (x *deciding) took(r *rule) {
	t := taken{Rule: r.id, List: r.list.String(), Line: r.line(), Did: r.do.String()}
	x.v.evidence(&r.when, &t.Why)
	x.account.Took = append(x.account.Took, t)
	x.d.Rules = append(x.d.Rules, r.id)
	if len(x.d.Because) < maxSentences {
		x.d.Because = append(x.d.Because, x.sentence(r, t.Why))
	}
}

// encode writes the account as it is stored.
func (a *account) encode(x *deciding) json.RawMessage {
	a.Marks, a.Conflicts = string(a.marks), a.conflicts
	a.Values = x.set.seen(x.v)
	raw, err := json.Marshal(a)
	if err != nil { // strings and numbers only: it cannot fail
		return nil
	}
	return raw
}

// seen lists the values of the fields that the set's rules look at, but not
// the text: the letter itself is kept elsewhere.
func (s *Set) seen(v *view) [][2]string {
	out := make([][2]string, 0, len(s.asks))
	for _, f := range s.asks {
		if f == fText {
			continue
		}
		if text := v.show(f); text != "" {
			out = append(out, [2]string{fields[f].name, text})
		}
	}
	return out
}

// show writes the values of a field for people, bounded.
func (v *view) show(f fieldID) string {
	switch fields[f].kind {
	case boolField, numberField, sizeField, dateField:
		var b strings.Builder
		for i, n := range v.numbers[f] {
			if i > 0 {
				b.WriteString(", ")
			}
			if i == 8 {
				b.WriteString("…")
				break
			}
			b.WriteString(showNumber(f, n))
		}
		return b.String()
	default:
		list := v.values[f]
		if len(list) == 0 {
			return ""
		}
		if len(list) == 1 {
			return clip(list[0], 120)
		}
		return clip(strings.Join(list[:min(len(list), 12)], ", "), 120)
	}
}

func showNumber(f fieldID, n int64) string {
	switch fields[f].kind {
	case boolField:
		return strconv.FormatBool(n == 1)
	case dateField:
		return registry.Day{Year: 1970, Month: 1, Day: 1}.AddDays(int(n)).String()
	default:
		return strconv.FormatInt(n, 10)
	}
}

// evidence collects the leaves that made the condition true. What lies under a
// not is evidence by its absence and shows nothing.
func (v *view) evidence(c *condition, out *[]evidence) {
	switch c.form {
	case isLeaf:
		if e, ok := v.sees(&c.leaf); ok {
			*out = append(*out, e)
		}
	case isAll:
		for i := range c.kids {
			v.evidence(&c.kids[i], out)
		}
	case isAny:
		for i := range c.kids {
			if ok, _ := v.holds(&c.kids[i]); ok {
				v.evidence(&c.kids[i], out)
				return
			}
		}
	case isNot:
	}
}

// sees gives the value that a leaf which holds has seen.
func (v *view) sees(l *leaf) (evidence, bool) {
	e := evidence{Wants: l.written}
	if l.other != "" {
		e.Field, e.how = l.other, "value"
		e.Seen = clip(strings.Join(v.others(l.other), ", "), 80)
		return e, true
	}
	f := l.field
	e.Field = fields[f].name
	switch l.op {
	case opWords:
		for _, p := range l.phrases {
			if s, ok := v.reading.has(int(v.set.zoneOf[f]), p); ok {
				e.Seen, e.Wants, e.how = clip(v.values[f][s.which][s.from:s.until], 60), v.set.lexicon.phrases[p].source, "words"
				return e, true
			}
		}
		return e, false
	case opMatch:
		for _, s := range v.values[f] {
			if m := l.match.FindStringIndex(s); m != nil {
				e.Seen, e.how = clip(s[m[0]:m[1]], 60), "words"
				return e, true
			}
		}
		return e, false
	case opUnset:
		e.how = "unset"
		return e, true
	case opNone:
		e.Seen, e.how = v.show(f), "other"
		return e, true
	case opAny:
		e.Seen, e.how = v.showMatching(l), "value"
		return e, true
	default:
		e.Seen, e.how = v.show(f), "value"
		return e, true
	}
}

// showMatching shows the value that the leaf wanted, not its neighbours.
func (v *view) showMatching(l *leaf) string {
	values := v.values[l.field]
	if fields[l.field].kind == textField {
		return v.show(l.field)
	}
	if i := slices.IndexFunc(values, l.values.has); i >= 0 {
		return clip(values[i], 80)
	}
	return ""
}
