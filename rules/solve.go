package rules

import (
	"math"
	"slices"
	"strings"
)

// The solver decides whether some letter meets a group of conditions. Lint
// calls a rule dead only on its proof: what it cannot decide (two different
// regular expressions, the relation between fields) it takes for possible.

// An answer of the solver.
type answer uint8

const (
	possible answer = iota
	impossible
	undecided // the budget was spent
)

// A claim is that a condition of a rule holds, or does not.
type claim struct {
	c     *condition
	holds bool
	owner *rule // fields that rules write may change between two owners
}

// A literal is a claim about one leaf.
type literal struct {
	leaf  *leaf
	holds bool
	owner *rule
}

// A solver searches with a budget of steps; it is used for one question after
// another until the budget is spent.
type solver struct {
	budget int
	// fixed: rules of the list see the same values of written fields.
	fixed   bool
	phrases []phrase
	lits    []literal
}

// ask decides whether all claims can be true of one letter.
func (s *solver) ask(claims ...claim) answer {
	s.lits = s.lits[:0]
	return s.search(slices.Clone(claims))
}

// search takes the claims apart: what must all be true is added, what may be
// true in several ways is tried way by way.
func (s *solver) search(open []claim) answer {
	if s.budget--; s.budget < 0 {
		return undecided
	}
	mark := len(s.lits)
	defer func() { s.lits = s.lits[:mark] }()
	var choices []claim
	for len(open) > 0 {
		last := len(open) - 1
		k := open[last]
		open = open[:last]
		switch {
		case k.c.form == isLeaf:
			s.lits = append(s.lits, literal{&k.c.leaf, k.holds, k.owner})
			if !s.consistent(len(s.lits) - 1) {
				return impossible
			}
		case k.c.form == isNot:
			open = append(open, claim{&k.c.kids[0], !k.holds, k.owner})
		case (k.c.form == isAll) == k.holds:
			for i := range k.c.kids {
				open = append(open, claim{&k.c.kids[i], k.holds, k.owner})
			}
		default:
			choices = append(choices, k)
		}
	}
	if len(choices) == 0 {
		return possible
	}
	// The choice with the fewest ways first.
	slices.SortStableFunc(choices, func(a, b claim) int { return len(a.c.kids) - len(b.c.kids) })
	first, rest := choices[0], choices[1:]
	result := impossible
	for i := range first.c.kids {
		next := append(slices.Clone(rest), claim{&first.c.kids[i], first.holds, first.owner})
		switch s.search(next) {
		case possible:
			return possible
		case undecided:
			result = undecided
		}
	}
	return result
}

// about reports whether two literals speak of the same field.
func (l *literal) about(o *literal) bool {
	return l.leaf.other == o.leaf.other && l.leaf.field == o.leaf.field
}

// written reports whether rules write the field while the list runs, so that
// two rules may see different values.
func (s *solver) written(l *literal) bool {
	return !s.fixed && l.leaf.other == "" && fields[l.leaf.field].state
}

// consistent checks the literals about the values that the newest one names.
func (s *solver) consistent(newest int) bool {
	n := &s.lits[newest]
	f := &field{kind: textField, multi: true}
	if n.leaf.other == "" {
		f = &fields[n.leaf.field]
	}
	g := group{phrases: s.phrases}
	for i := range s.lits {
		if l := &s.lits[i]; l.about(n) && (l.owner == n.owner || !s.written(n)) {
			g.add(l)
		}
	}
	if !g.possible(f) {
		return false
	}
	for i := range s.lits {
		if l := &s.lits[i]; s.written(n) && l.about(n) && l.owner != n.owner && !s.grown(l.owner, n.owner, n, f) {
			return false
		}
	}
	return true
}

// grown compares what two rules claim of a field that rules write. Such values
// only ever grow: what an earlier rule saw a later one sees too, and what a
// later one does not see was not there before. A single value may change.
func (s *solver) grown(a, b *rule, n *literal, f *field) bool {
	if a.index > b.index {
		a, b = b, a
	}
	var before, after group
	for i := range s.lits {
		if l := &s.lits[i]; l.about(n) {
			switch l.owner {
			case a:
				before.add(l)
			case b:
				after.add(l)
			}
		}
	}
	g := group{some: before.some, set: before.set || len(before.some) > 0, none: after.none, unset: after.unset}
	if !f.multi {
		g.some, g.none = nil, nil
	}
	return g.possible(f)
}

// A group is what is claimed of the values of one field.
type group struct {
	some, none     []*valueSet // a value is in the set; no value is
	words, noWords [][]int32
	match, noMatch []string
	within, beyond [][2]int64
	set, unset     bool
	phrases        []phrase
}

func (g *group) add(l *literal) {
	leaf, holds := l.leaf, l.holds
	switch leaf.op {
	case opAny, opNone:
		if holds == (leaf.op == opAny) {
			g.some = append(g.some, &leaf.values)
		} else {
			g.none = append(g.none, &leaf.values)
		}
	case opWords:
		if holds {
			g.words = append(g.words, leaf.phrases)
		} else {
			g.noWords = append(g.noWords, leaf.phrases)
		}
	case opMatch:
		if holds {
			g.match = append(g.match, leaf.match.String())
		} else {
			g.noMatch = append(g.noMatch, leaf.match.String())
		}
	case opRange:
		if holds {
			g.within = append(g.within, [2]int64{leaf.lo, leaf.hi})
		} else {
			g.beyond = append(g.beyond, [2]int64{leaf.lo, leaf.hi})
		}
	case opSet, opUnset:
		if holds == (leaf.op == opSet) {
			g.set = true
		} else {
			g.unset = true
		}
	}
}

// possible reports whether a field can have such values.
func (g *group) possible(f *field) bool {
	positive := len(g.some)+len(g.words)+len(g.match)+len(g.within) > 0
	if g.unset && (g.set || positive || f.always) {
		return false
	}
	if slices.ContainsFunc(g.match, func(m string) bool { return slices.Contains(g.noMatch, m) }) {
		return false
	}
	if g.unset {
		return true
	}
	needed := g.set || positive || f.always
	if f.kind == boolField || f.kind == numberField || f.kind == sizeField || f.kind == dateField {
		return !needed || g.numberPossible(f)
	}
	return (!needed || g.valuePossible(f)) && g.wordsPossible()
}

// wordsPossible: of each list of phrases that must stand there, one must not
// bring along a phrase that must not.
func (g *group) wordsPossible() bool {
	for _, list := range g.words {
		if !slices.ContainsFunc(list, g.allowed) {
			return false
		}
	}
	return true
}

func (g *group) allowed(p int32) bool {
	for _, no := range g.noWords {
		for _, q := range no {
			if p == q || g.phrases[p].implies(g.phrases[q]) {
				return false
			}
		}
	}
	return true
}

// numberPossible: one number for all ranges, or for fields with several values
// one for each.
func (g *group) numberPossible(f *field) bool {
	all := [2]int64{math.MinInt64, math.MaxInt64}
	switch {
	case f.kind == boolField:
		all = [2]int64{0, 1}
	case f.kind == numberField || f.kind == sizeField:
		all[0] = 0
	}
	if f.multi {
		for _, w := range g.within {
			if covered(w, g.beyond) {
				return false
			}
		}
		return true
	}
	for _, w := range g.within {
		all[0], all[1] = max(all[0], w[0]), min(all[1], w[1])
	}
	return all[0] <= all[1] && !covered(all, g.beyond)
}

// covered reports whether holes together cover the whole range.
func covered(r [2]int64, holes [][2]int64) bool {
	sorted := slices.Clone(holes)
	slices.SortFunc(sorted, func(a, b [2]int64) int {
		switch {
		case a[0] < b[0]:
			return -1
		case a[0] > b[0]:
			return 1
		default:
			return 0
		}
	})
	at := r[0]
	for _, h := range sorted {
		if h[0] > at || h[0] > h[1] {
			continue
		}
		if h[1] >= r[1] {
			return true
		}
		at = max(at, h[1]+1)
	}
	return false
}

// A shape is all strings that begin and end so; whole is a single one.
type shape struct {
	whole      bool
	text       string
	begin, end string
}

func shapesOf(v *valueSet) []shape {
	var out []shape
	for _, w := range v.whole {
		out = append(out, shape{whole: true, text: w})
	}
	for _, b := range v.begins {
		out = append(out, shape{begin: b})
	}
	for _, e := range v.ends {
		out = append(out, shape{end: e})
	}
	return out
}

// meet gives the strings that are of both shapes.
func (a shape) meet(b shape) (shape, bool) {
	switch {
	case a.whole && b.whole:
		return a, a.text == b.text
	case a.whole:
		return a, strings.HasPrefix(a.text, b.begin) && strings.HasSuffix(a.text, b.end) && (b.end == "" || len(a.text) > len(b.end))
	case b.whole:
		return b.meet(a)
	}
	out := a
	switch {
	case strings.HasPrefix(b.begin, a.begin):
		out.begin = b.begin
	case !strings.HasPrefix(a.begin, b.begin):
		return out, false
	}
	switch {
	case strings.HasSuffix(b.end, a.end):
		out.end = b.end
	case !strings.HasSuffix(a.end, b.end):
		return out, false
	}
	return out, true
}

// within reports whether every string of the shape is in the set.
func (a shape) within(v *valueSet) bool {
	if a.whole {
		return v.has(a.text)
	}
	for _, b := range v.begins {
		if strings.HasPrefix(a.begin, b) {
			return true
		}
	}
	for _, e := range v.ends {
		if strings.HasSuffix(a.end, e) {
			return true
		}
	}
	return false
}

// valuePossible: one value for all sets, or for fields with several values one
// for each.
func (g *group) valuePossible(f *field) bool {
	all := []shape{{}} // every string
	if f.enum != nil {
		all = shapesOf(&valueSet{whole: f.enum})
	}
	free := func(list []shape) bool {
		return slices.ContainsFunc(list, func(a shape) bool {
			return !slices.ContainsFunc(g.none, func(v *valueSet) bool { return a.within(v) })
		})
	}
	if f.multi {
		for _, v := range g.some {
			if !free(meetAll(all, shapesOf(v))) {
				return false
			}
		}
		return free(all)
	}
	for _, v := range g.some {
		all = meetAll(all, shapesOf(v))
	}
	return free(all)
}

func meetAll(a, b []shape) []shape {
	var out []shape
	for _, x := range a {
		for _, y := range b {
			if m, ok := x.meet(y); ok {
				out = append(out, m)
			}
		}
	}
	return out
}
