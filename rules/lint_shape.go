package rules

import "slices"

// A ruleShape is what can be known of a rule at a glance, to spare the solver
// questions whose answer is plain: among a thousand rules most have nothing to
// do with one another.
type ruleShape struct {
	fields fieldSet
	finite fieldSet // those of fields with few values, where a union can cover all
	needs  fieldSet // fields of top conditions that can fail by themselves
	values []*leaf  // top conditions on one value of a field
	words  []*leaf  // top conditions on words
	asked  map[fieldID][]int32
}

type fieldSet [2]uint64

// otherBit stands for all headers and hints.
const otherBit = 127

func (f *fieldSet) add(n int)              { f[n/64] |= 1 << (n % 64) }
func (f fieldSet) without(o fieldSet) bool { return f[0]&^o[0] == 0 && f[1]&^o[1] == 0 }
func (f fieldSet) with(o fieldSet) fieldSet {
	return fieldSet{f[0] | o[0], f[1] | o[1]}
}

func bitOf(l *leaf) int {
	if l.other != "" {
		return otherBit
	}
	return int(l.field)
}

func (l *linter) shape(r *rule) ruleShape {
	s := ruleShape{asked: map[fieldID][]int32{}}
	r.when.leaves(func(f *leaf) {
		s.fields.add(bitOf(f))
		if f.op == opWords {
			s.asked[f.field] = append(s.asked[f.field], f.phrases...)
		}
		if f.other == "" && (fields[f.field].enum != nil || fields[f.field].kind == boolField || f.op == opSet || f.op == opUnset) {
			s.finite.add(bitOf(f))
		}
	})
	if r.when.form != isAll {
		return s
	}
	for i := range r.when.kids {
		k := &r.when.kids[i]
		if k.form != isLeaf {
			continue
		}
		if l.solver.ask(claim{k, false, r}) == possible {
			s.needs.add(bitOf(&k.leaf))
		}
		switch {
		case k.leaf.op == opWords:
			s.words = append(s.words, &k.leaf)
		case k.leaf.op == opAny && k.leaf.other == "" && !fields[k.leaf.field].multi:
			s.values = append(s.values, &k.leaf)
		}
	}
	return s
}

// mayCover is false when a plain look shows that b has letters that a has not.
func (a *ruleShape) mayCover(b *ruleShape, l *linter) bool {
	if !a.needs.without(b.fields) {
		return false // what a asks and b does not can fail alone
	}
	if a.disjoint(b, l.solver.fixed) {
		return false
	}
	for _, w := range a.words { // no word of b brings along one that a wants
		if !l.anyImplies(b.asked[w.field], w.phrases) {
			return false
		}
	}
	return true
}

// disjoint reports whether both ask for one value of a field and for none in
// common.
func (a *ruleShape) disjoint(b *ruleShape, fixed bool) bool {
	for _, x := range a.values {
		for _, y := range b.values {
			if x.field == y.field && (fixed || !fields[x.field].state) && apart(&x.values, &y.values) {
				return true
			}
		}
	}
	return false
}

func apart(a, b *valueSet) bool {
	if slices.ContainsFunc(a.whole, b.has) || slices.ContainsFunc(b.whole, a.has) {
		return false
	}
	if len(a.begins)+len(a.ends) == 0 || len(b.begins)+len(b.ends) == 0 {
		return true
	}
	return !slices.ContainsFunc(shapesOf(a), func(x shape) bool {
		return slices.ContainsFunc(shapesOf(b), func(y shape) bool {
			_, meet := x.meet(y)
			return meet
		})
	})
}

// related reports whether a rule that looks only at words could take part in
// covering another: one of its words must be implied there.
func (a *ruleShape) related(b *ruleShape, l *linter) bool {
	for _, w := range a.words {
		if l.anyImplies(b.asked[w.field], w.phrases) {
			return true
		}
	}
	return len(a.words) == 0
}

func (l *linter) anyImplies(from, to []int32) bool {
	phrases := l.solver.phrases
	for _, p := range from {
		for _, q := range to {
			if p == q || phrases[p].implies(phrases[q]) {
				return true
			}
		}
	}
	return false
}
