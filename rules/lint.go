package rules

import (
	"fmt"
	"slices"
	"strings"

	"kancelaria/registry"
)

// lintBudget bounds how long a set is searched for dead rules; a file that
// uses it up is told so, and what is left is taken for alive.
const lintBudget = 1_000_000

// glancesPerStep is how many glances cost as much as a step of the solver.
const glancesPerStep = 16

// maxUnion is how many earlier rules together may shadow one.
const maxUnion = 24

// dead finds rules that no letter can ever reach. It is decided, not guessed:
// a rule is named only if the solver proves it.
func (s *Set) dead() []Complaint {
	l := linter{set: s, src: &source{file: s.file}, solver: solver{budget: lintBudget, phrases: s.lexicon.phrases}}
	l.gone = make([]bool, len(s.rules))
	for _, r := range s.rules {
		l.shapes = append(l.shapes, l.shape(r))
	}
	for _, r := range s.rules {
		l.fixed(r.list)
		if l.solver.ask(claim{&r.when, true, r}) == impossible {
			l.gone[r.index] = true
			l.src.errorf(orNodeAt(r.whole, r.at), "E105", "change or delete a condition", "rule %q can never match: its conditions contradict each other", r.id)
		}
	}
	for list := range listCount {
		l.fixed(list)
		if list.first() {
			l.shadowed(s.of(list))
		}
	}
	l.fixed(classifyList)
	l.guarded(s.of(classifyList))
	l.beaten(s.of(classifyList))
	l.fixed(assignList)
	l.gaps(s.of(assignList))
	if l.solver.budget < 0 {
		l.src.warnf(&node{line: 1, col: 1}, "W208", "use tables instead of many rules", "the rules are too many to prove each of them reachable")
	}
	return l.src.complaints
}

func orNodeAt(n, other *node) *node {
	if n == nil {
		return other
	}
	return n
}

type linter struct {
	set    *Set
	src    *source
	solver solver
	shapes []ruleShape
	gone   []bool // rules already called dead
	// glances at pairs of rules count for the budget too, each a little.
	glances int
}

func (l *linter) fixed(list list) { l.solver.fixed = list.first() }

// covers reports whether every letter of b is one of a.
func (l *linter) covers(a, b *rule) bool {
	if l.glances++; l.glances%glancesPerStep == 0 {
		l.solver.budget--
	}
	if !l.shapes[a.index].mayCover(&l.shapes[b.index], l) {
		return false
	}
	return l.solver.ask(claim{&b.when, true, b}, claim{&a.when, false, a}) == impossible
}

func (l *linter) isGone(r *rule) bool { return l.gone[r.index] }

// shadowed finds rules whose every letter an earlier rule of the list takes.
func (l *linter) shadowed(rules []*rule) {
	for j, r := range rules {
		if l.isGone(r) {
			continue
		}
		if by := l.shadow(rules[:j], r); by != nil {
			l.gone[r.index] = true
			l.tell(r, by)
		}
	}
}

func (l *linter) tell(r *rule, by []*rule) {
	if len(by) == 1 && by[0].when.form == isAll && len(by[0].when.kids) == 0 {
		l.src.errorf(r.at, "E106", fmt.Sprintf("move it above line %d or delete it", by[0].line()),
			"rule %q is never reached: rule %q (line %d) above it has no condition", r.id, by[0].id, by[0].line())
		return
	}
	names := make([]string, len(by))
	for i, b := range by {
		names[i] = fmt.Sprintf("%q (line %d)", b.id, b.line())
	}
	l.src.errorf(r.at, "E107", fmt.Sprintf("move it above line %d, narrow what stands above, or delete it", by[0].line()),
		"rule %q is shadowed: every letter it matches is taken by %s", r.id, strings.Join(names, " or "))
}

// shadow names the earlier rules that together take all letters of r; nil if
// they do not, or if it cannot be proved.
func (l *linter) shadow(earlier []*rule, r *rule) []*rule {
	var near []*rule
	for _, e := range earlier {
		if l.isGone(e) || l.solver.budget < 0 {
			continue
		}
		if l.covers(e, r) {
			return []*rule{e}
		}
		sr, se := &l.shapes[r.index], &l.shapes[e.index]
		if len(near) < maxUnion && se.fields.without(sr.fields.with(se.finite)) && !se.disjoint(sr, l.solver.fixed) && se.related(sr, l) &&
			l.solver.ask(claim{&r.when, true, r}, claim{&e.when, true, e}) == possible {
			near = append(near, e)
		}
	}
	if len(near) < 2 || !l.union(near, r) {
		return nil
	}
	for i := 0; i < len(near); { // leave out whom it does not take
		fewer := slices.Delete(slices.Clone(near), i, i+1)
		if len(fewer) > 0 && l.union(fewer, r) {
			near = fewer
		} else {
			i++
		}
	}
	return near
}

func (l *linter) union(list []*rule, r *rule) bool {
	claims := []claim{{&r.when, true, r}}
	for _, e := range list {
		claims = append(claims, claim{&e.when, false, e})
	}
	return l.solver.ask(claims...) == impossible
}

// guarded finds rules of classify that ask for class: unset though earlier
// rules give a class to every letter they match.
func (l *linter) guarded(rules []*rule) {
	has := &condition{form: isLeaf, leaf: leaf{field: fClass, op: opSet}}
	var setters []*rule
	for _, r := range rules {
		if len(setters) > 0 && !l.isGone(r) && l.solver.ask(claim{&r.when, true, r}, claim{has, true, r}) == impossible {
			if by := l.shadow(setters, r); by != nil {
				l.gone[r.index] = true
				l.tell(r, by)
			}
		}
		if r.do.class != "" {
			setters = append(setters, r)
		}
	}
}

// single lists the fields that only one rule of classify can write.
func (a *actions) single() []string {
	var out []string
	for _, k := range []string{"class", "case", "deadline", "receipt"} {
		if a.at[k] != nil {
			out = append(out, k)
		}
	}
	return out
}

// beaten finds rules of classify all of whose effects an earlier rule, which
// matches whenever they do, has written before them.
func (l *linter) beaten(rules []*rule) {
	for j, r := range rules {
		fields := r.do.single()
		if l.isGone(r) || len(fields) == 0 || len(fields) < len(r.do.at) {
			continue
		}
		var by *rule
		for _, f := range fields {
			i := slices.IndexFunc(rules[:j], func(e *rule) bool { return e.do.at[f] != nil && !l.isGone(e) && l.covers(e, r) })
			if i < 0 {
				by = nil
				break
			}
			by = rules[i]
		}
		if by != nil {
			l.gone[r.index] = true
			l.src.errorf(r.at, "E107", fmt.Sprintf("move it above line %d, or delete it", by.line()),
				"rule %q never takes effect: rule %q (line %d) always writes %s before it", r.id, by.id, by.line(), strings.Join(fields, " and "))
		}
	}
}

// gaps finds classes that reach a table of assign and have no row in it.
func (l *linter) gaps(rules []*rule) {
	var set []string
	for _, c := range l.set.of(classifyList) {
		if c.do.class != "" && !l.isGone(c) && !slices.Contains(set, c.do.class) {
			set = append(set, c.do.class)
		}
	}
	for j, r := range rules {
		if r.do.table == nil || r.do.key != fClass || l.isGone(r) {
			continue
		}
		var missing []string
		for _, class := range set {
			if slices.ContainsFunc(r.do.table, func(row tableRow) bool { return strings.HasPrefix(class, row.begins) }) {
				continue
			}
			is := &condition{form: isLeaf, leaf: leaf{field: fClass, op: opAny, values: valueSet{whole: []string{class}}}}
			claims := []claim{{&r.when, true, r}, {is, true, r}}
			for _, e := range rules[:j] {
				claims = append(claims, claim{&e.when, false, e})
			}
			if l.solver.ask(claims...) == possible {
				missing = append(missing, class)
			}
		}
		if len(missing) > 0 {
			l.src.errorf(r.do.at["table"], "E108", "add rows, or a row that begins them", "the table of rule %q has no row for class %s, which rules set", r.id, strings.Join(missing, ", "))
		}
	}
}

// Lint finds what is suspicious though it can be used: rules without a test,
// tests in which two rules want to write the same field. What makes a file
// useless is found by Load.
func (s *Set) Lint() []Complaint {
	src := &source{file: s.file}
	hit := make([]bool, len(s.rules))
	for i := range s.tests {
		t := &s.tests[i]
		if t.eml != "" {
			for _, r := range s.rules {
				hit[r.index] = hit[r.index] || t.names(r.id)
			}
			continue
		}
		a, err := readAccount(s.Decide(t.item, t.doc, t.facts))
		if err != nil {
			continue
		}
		for j := range hit {
			hit[j] = hit[j] || a.Marks[j] == markTook
		}
		for _, c := range a.Conflicts {
			src.warnf(t.at, "W205", "let one of them ask for "+c.Field+": unset, or move it", "in test %q rule %q wants %s %s, but rule %q has written %s", t.name, c.Wanted, c.Field, c.Refused, c.By, orElse(c.Kept, "nothing"))
		}
	}
	for _, r := range s.rules {
		if !hit[r.index] {
			src.warnf(r.at, "W201", "add a letter to tests that it matches", "rule %q has no test", r.id)
		}
	}
	return sorted(append(src.complaints, s.noted...))
}

// names reports whether the test expects the rule to take effect.
func (t *test) names(id string) bool {
	for _, e := range t.expect {
		if e.key == "rules" && slices.Contains(e.want, id) {
			return true
		}
	}
	return false
}

// Complaint is the result of a failed test as a finding of lint.
func (r Result) Complaint() Complaint {
	var parts []string
	for _, f := range r.Failures {
		parts = append(parts, fmt.Sprintf("%s is %s, not %s", f.What, orElse(f.Got, "none"), orElse(f.Want, "none")))
	}
	return Complaint{Code: "E111", File: r.File, Line: r.Line, Column: r.column, Text: fmt.Sprintf("test %q failed: %s", r.Name, strings.Join(parts, "; ")), Fix: "mend the rules or the test"}
}

// A RuleNote tells of a rule what lists of rules show.
type RuleNote struct {
	ID    string `json:"id"`
	List  string `json:"list"`
	Line  int    `json:"line"`
	Needs string `json:"needs"` // the phase of the latest fact it asks for
	Late  bool   `json:"late"`  // runs again when findings come in
	Does  string `json:"does"`
}

// Rules lists the rules in the order of the file.
func (s *Set) Rules() []RuleNote {
	out := make([]RuleNote, 0, len(s.rules))
	for _, r := range s.rules {
		needs := onArrival
		r.when.leaves(func(l *leaf) {
			if l.other == "" {
				needs = max(needs, fields[l.field].phase)
			}
		})
		out = append(out, RuleNote{ID: r.id, List: r.list.String(), Line: r.line(), Needs: needs.String(), Late: needs == onFinding, Does: r.do.String()})
	}
	return out
}

// AbsencesWithoutDeputy finds clerks who will be away in the days to come and
// for whom nobody stands in. It reads the file again, for the places.
func AbsencesWithoutDeputy(name string, data []byte, from registry.Day, days int) []Complaint {
	src := &source{file: name}
	root := parseNode(src, data)
	if root == nil {
		return nil
	}
	r := &officeReader{source: src, office: &registry.Office{}, places: map[string]*node{}}
	r.readOffice(root)
	if Failed(src.complaints) {
		return nil
	}
	found := &source{file: name}
	for _, login := range keys(r.office.Clerks) {
		for n := range days {
			day := from.AddDays(n)
			if a, gone := away(r.office.Clerks[login], day, ""); gone && !standsIn(r.office, login, day) {
				found.warnf(r.places["clerk/"+login], "W203", "name a deputy who is there", "clerk %q is away from %s to %s and on %s nobody stands in", login, a.From, a.To, day)
				break
			}
		}
	}
	return found.complaints
}

// standsIn reports whether the search for a deputy finds one who is there.
func standsIn(o *registry.Office, login string, day registry.Day) bool {
	asked := map[string]bool{}
	var find func(login string) bool
	find = func(login string) bool {
		if asked[login] {
			return false
		}
		asked[login] = true
		a, gone := away(o.Clerks[login], day, "")
		if !gone {
			return true
		}
		deputies := a.Deputies
		if len(deputies) == 0 {
			deputies = o.Clerks[login].Deputies
		}
		return slices.ContainsFunc(deputies, find)
	}
	return find(login)
}
