package rules

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kancelaria/registry"
)

var ruleIDPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

// Limits of a condition.
const (
	maxConditionDepth = 8
	maxPattern        = 500 // bytes of a regular expression
)

// condition reads a mapping of "when": its keys are all.
func (r *setReader) condition(n *node, depth int) condition {
	c := condition{form: isAll, line: n.line}
	if depth > maxConditionDepth {
		r.errorf(n, "E103", "", "conditions are nested deeper than %d", maxConditionDepth)
		return c
	}
	pairs := r.pairs(n, "a condition")
	if len(pairs) == 0 && n.kind == mapNode {
		r.errorf(n, "E105", "leave out when to match always", "the condition is empty")
	}
	for _, p := range pairs {
		switch p.key {
		case "any_of", "all_of":
			kid := condition{form: isAny, line: p.line}
			if p.key == "all_of" {
				kid.form = isAll
			}
			items := r.items(p.value, p.key)
			for _, i := range items {
				kid.kids = append(kid.kids, r.condition(i, depth+1))
			}
			if len(items) == 0 {
				r.errorf(p.value, "E105", "add conditions or delete it", "%s is empty", p.key)
			}
			c.kids = append(c.kids, kid)
		case "not":
			c.kids = append(c.kids, condition{form: isNot, line: p.line, kids: []condition{r.condition(p.value, depth+1)}})
		default:
			c.kids = append(c.kids, r.field(p))
		}
	}
	return c
}

// field reads one key of a condition: the name of a field and its matchers.
func (r *setReader) field(p pair) condition {
	if otherName(p.key) {
		f := field{name: p.key, kind: textField, multi: true}
		return r.matchers(p, &f, []leaf{{other: strings.ToLower(p.key)}})
	}
	if union, ok := textUnions[p.key]; ok {
		r.inPhase(p, fields[union[1]].phase)
		f := field{name: p.key, kind: textField, multi: true}
		leaves := make([]leaf, len(union))
		for i, id := range union {
			leaves[i].field = id
		}
		return r.matchers(p, &f, leaves)
	}
	id, ok := fieldByName(p.key)
	if !ok {
		r.errorAt(p.line, p.col, "E103", fmt.Sprintf("unknown field %q", clip(p.key, 40)), DidYouMean(p.key, FieldNames()))
		return condition{form: isAll}
	}
	r.inPhase(p, fields[id].phase)
	return r.matchers(p, &fields[id], []leaf{{field: id}})
}

// inPhase complains of a field that is not yet known when the list runs.
func (r *setReader) inPhase(p pair, needs phase) {
	if needs <= r.list.allows() {
		return
	}
	fix := `move the rule to "classify"`
	if needs == onFinding {
		fix = `move the rule to "also", which runs again when it is known`
	}
	r.errorAt(p.line, p.col, "E104", fmt.Sprintf("%q is not known yet in %q (needs %s)", p.key, r.list, needs), fix)
}

// matchers reads the value of a field. Several leaves are the fields a union
// stands for: any of them, and for the negative matchers all of them.
func (r *setReader) matchers(p pair, f *field, leaves []leaf) condition {
	n := p.value
	out := condition{form: isAll, line: p.line}
	one := func(matcher string, at *node) {
		l, ok := r.matcher(f, matcher, at)
		if !ok {
			return
		}
		spread := condition{form: isAny, line: at.line}
		if l.op == opNone || l.op == opUnset {
			spread.form = isAll
		}
		for _, base := range leaves {
			l.field, l.other, l.written = base.field, base.other, describe(f, matcher, at)
			spread.kids = append(spread.kids, condition{form: isLeaf, leaf: l, line: at.line})
		}
		if len(spread.kids) == 1 {
			spread = spread.kids[0]
		}
		out.kids = append(out.kids, spread)
	}
	switch n.kind {
	case scalarNode, listNode:
		one("", n)
	case mapNode:
		pairs := r.pairs(n, "the matchers")
		if len(pairs) == 0 {
			r.errorf(n, "E105", "", "%q has no matcher", p.key)
		}
		if (f.kind == numberField || f.kind == sizeField || f.kind == dateField) && len(pairs) == 2 {
			one("range", n)
			break
		}
		for _, m := range pairs {
			one(m.key, m.value)
			if !slices.Contains(matchersOf(f.kind), m.key) {
				r.errorAt(m.line, m.col, "E103", fmt.Sprintf("unknown matcher %q for %q", clip(m.key, 40), p.key), DidYouMean(m.key, matchersOf(f.kind)))
			}
		}
	default:
		r.errorf(n, "E103", "write set to ask whether there is any", "%q has no value", p.key)
	}
	if len(out.kids) == 1 {
		return out.kids[0]
	}
	return out
}

// matchersOf lists what may stand in the mapping of a field.
func matchersOf(k fieldType) []string {
	switch k {
	case textField:
		return []string{"any", "none_of", "words", "re"}
	case numberField, sizeField, dateField:
		return []string{"min", "max"}
	case boolField:
		return nil
	case nameField, domainField:
		return []string{"any", "none_of", "re"}
	default:
		return []string{"any", "none_of"}
	}
}

// describe is how a matcher is written for people, one line, bounded.
func describe(f *field, matcher string, n *node) string {
	text := n.text
	if n.kind == listNode {
		parts := make([]string, 0, len(n.items))
		for _, i := range n.items {
			parts = append(parts, i.text)
		}
		text = strings.Join(parts, ", ")
	}
	if n.kind == mapNode {
		parts := make([]string, 0, len(n.pairs))
		for _, p := range n.pairs {
			parts = append(parts, p.key+" "+p.value.text)
		}
		text = strings.Join(parts, ", ")
	}
	return clip(strings.Join(strings.Fields(f.name+" "+matcher+" "+text), " "), 160)
}

// matcher reads one matcher; "" is the plain value or list of a field.
func (r *setReader) matcher(f *field, matcher string, n *node) (leaf, bool) {
	if matcher == "" && n.kind == scalarNode && !n.quoted && (n.text == "set" || n.text == "unset") {
		if n.text == "set" {
			return leaf{op: opSet}, true
		}
		return leaf{op: opUnset}, true
	}
	switch f.kind {
	case boolField:
		return r.boolMatcher(f, n)
	case numberField, sizeField, dateField:
		return r.rangeMatcher(f, matcher, n)
	}
	switch matcher {
	case "", "any":
		return leaf{op: opAny, values: r.values(f, n)}, true
	case "none_of":
		return leaf{op: opNone, values: r.values(f, n)}, true
	case "words":
		return leaf{op: opWords, phrases: r.phrases(n)}, f.kind == textField && !otherName(f.name)
	case "re":
		re := r.regex(n)
		return leaf{op: opMatch, match: re}, re != nil
	}
	return leaf{}, false
}

func (r *setReader) boolMatcher(f *field, n *node) (leaf, bool) {
	if n.kind != scalarNode || n.quoted || n.text != "true" && n.text != "false" {
		r.errorf(n, "E103", "", "%s is true, false, set or unset, not %s", f.name, n.what())
		return leaf{}, false
	}
	l := leaf{op: opRange}
	if n.text == "true" {
		l.lo, l.hi = 1, 1
	}
	return l, true
}

// expand replaces "@name" by the entries of the list.
func (r *setReader) expand(n *node, what string) []*node {
	var out []*node
	for _, i := range r.oneOrMore(n, what) {
		name, isList := strings.CutPrefix(i.text, "@")
		if i.kind != scalarNode || !isList {
			out = append(out, i)
			continue
		}
		l, ok := r.set.lists[name]
		if !ok {
			r.errorf(i, "E102", DidYouMean(name, keys(r.set.lists)), "no list %q", clip(name, 40))
			continue
		}
		l.used = true
		out = append(out, l.values...)
	}
	if n.kind == listNode && len(n.items) == 0 {
		r.errorf(n, "E105", "add values or delete the condition", "the list is empty: the condition can never be met")
	}
	return out
}

// values reads what a field is compared with.
func (r *setReader) values(f *field, n *node) valueSet {
	var set valueSet
	for _, i := range r.expand(n, f.name) {
		t := r.str(i, f.name)
		if t == "" {
			continue
		}
		switch f.kind {
		case textField:
			t = foldStarred(t)
		case wordField:
			t = strings.ToLower(t)
			if !slices.Contains(f.enum, t) {
				r.errorf(i, "E103", DidYouMean(t, f.enum), "%s cannot be %q", f.name, clip(t, 40))
				continue
			}
		case refField:
			if f.ref == refMailbox {
				t = strings.ToLower(t)
			}
			if !strings.HasSuffix(t, "*") {
				r.namedAt(i, t, f.ref, f.ref.known(r.set.office))
			} else if begin := strings.TrimSuffix(t, "*"); !slices.ContainsFunc(f.ref.known(r.set.office), func(k string) bool { return strings.HasPrefix(k, begin) }) {
				r.errorf(i, f.ref.code(), "", "no %s begins with %q", f.ref, clip(begin, 40))
			}
		default:
			t = strings.ToLower(t)
		}
		if f == &fields[fLabel] {
			r.asked = append(r.asked, i)
		}
		r.value(&set, i, t)
	}
	return set
}

// foldStarred folds a value but keeps a star at either end.
func foldStarred(t string) string {
	out := foldString(strings.Trim(t, "*"))
	if strings.HasPrefix(t, "*") {
		out = "*" + out
	}
	if strings.HasSuffix(t, "*") {
		out += "*"
	}
	return out
}

// value sorts a value by its star.
func (r *setReader) value(set *valueSet, n *node, t string) {
	switch {
	case t == "*" || strings.Contains(strings.Trim(t, "*"), "*") || strings.HasPrefix(t, "*") && strings.HasSuffix(t, "*"):
		r.errorf(n, "E103", "use set to ask whether there is any value", "a * stands at the beginning or at the end of a value, not in %q", clip(t, 40))
	case strings.HasSuffix(t, "*"):
		set.begins = append(set.begins, strings.TrimSuffix(t, "*"))
	case strings.HasPrefix(t, "*"):
		set.ends = append(set.ends, strings.TrimPrefix(t, "*"))
	default:
		set.whole = append(set.whole, t)
	}
}

func (r *setReader) phrases(n *node) []int32 {
	var out []int32
	for _, i := range r.expand(n, "words") {
		t := r.str(i, "words")
		if t == "" {
			continue
		}
		p, ok := parsePhrase(t)
		if !ok {
			r.errorf(i, "E103", "write words, with * only at the end of one", "%q is not a pattern of words", clip(t, 40))
			continue
		}
		out = append(out, r.set.lexicon.add(p))
	}
	return out
}

// regex compiles an RE2 expression, whose time is linear whatever it says.
func (r *setReader) regex(n *node) *regexp.Regexp {
	t := r.str(n, "re")
	if t == "" {
		return nil
	}
	if len(t) > maxPattern {
		r.errorf(n, "E103", "use words", "the expression is longer than %d bytes", maxPattern)
		return nil
	}
	re, err := regexp.Compile(t)
	if err != nil {
		r.errorf(n, "E103", "", "the expression is wrong: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return nil
	}
	return re
}

var comparePattern = regexp.MustCompile(`^(>=|<=|>|<)?\s*(\S.*)$`)

// rangeMatcher reads 3, ">= 3", "10MB", 2026-11-23 or {min: 1, max: 5}.
func (r *setReader) rangeMatcher(f *field, matcher string, n *node) (leaf, bool) {
	l := leaf{op: opRange, lo: math.MinInt64, hi: math.MaxInt64}
	switch matcher {
	case "min", "max":
		v, ok := r.quantity(f, n)
		if matcher == "min" {
			l.lo = v
		} else {
			l.hi = v
		}
		return l, ok
	case "range":
		m := r.mapping(n, f.name, "min", "max")
		lo, ok := r.quantity(f, orNode(m["min"], n))
		hi, also := r.quantity(f, orNode(m["max"], n))
		l.lo, l.hi = lo, hi
		if ok && also && lo > hi {
			r.errorf(n, "E105", "swap the two", "min is more than max: the condition can never be met")
		}
		return l, ok && also
	}
	if n.kind != scalarNode {
		r.errorf(n, "E103", "write >= 3 or {min: 1, max: 5}", "%s must be a number or a range, not %s", f.name, n.what())
		return l, false
	}
	m := comparePattern.FindStringSubmatch(n.text)
	if m == nil {
		r.errorf(n, "E103", "", "%s cannot be %s", f.name, n.what())
		return l, false
	}
	v, ok := r.quantity(f, &node{kind: scalarNode, text: m[2], line: n.line, col: n.col})
	switch m[1] {
	case ">=":
		l.lo = v
	case "<=":
		l.hi = v
	case ">":
		l.lo = v + 1
	case "<":
		l.hi = v - 1
	default:
		l.lo, l.hi = v, v
	}
	return l, ok
}

func orNode(n, other *node) *node {
	if n == nil {
		return &node{line: other.line, col: other.col}
	}
	return n
}

func (r *setReader) quantity(f *field, n *node) (int64, bool) {
	t := r.str(n, f.name)
	if t == "" {
		return 0, false
	}
	var v int64
	ok := true
	switch f.kind {
	case sizeField:
		v, ok = parseSize(t)
	case dateField:
		var d registry.Day
		var err error
		d, err = registry.ParseDay(t)
		v, ok = ordinal(d), err == nil
	default:
		i, err := strconv.ParseInt(t, 10, 32)
		v, ok = i, err == nil
	}
	if !ok {
		r.errorf(n, "E103", "", "%s cannot be %q", f.name, clip(t, 40))
	}
	return v, ok
}
