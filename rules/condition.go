package rules

import (
	"regexp"
	"slices"
	"strings"
)

// An op is what a leaf asks of a field.
type op uint8

const (
	opAny   op = iota // one of the values is in the set
	opNone            // none of the values is in the set
	opWords           // one of the phrases stands there
	opMatch           // the pattern (RE2) matches
	opRange           // a number lies within lo and hi
	opSet             // there is a value
	opUnset           // there is none
)

// A condition is a tree; keys of a mapping are all, lists are any.
type condition struct {
	form  form
	index int // of the node in its rule, in order of the file
	kids  []condition
	leaf  leaf
	line  int
}

type form uint8

const (
	isLeaf form = iota
	isAll
	isAny
	isNot
)

// A leaf is one matcher on one field.
type leaf struct {
	field   fieldID
	op      op
	other   string // header.x or hint.x, instead of field
	phrases []int32
	values  valueSet
	match   *regexp.Regexp
	lo, hi  int64
	written string // as it stands in the file, for people
}

// A valueSet is what opAny and opNone compare with: whole values, beginnings
// (6*) and, for domains, endings (*.example).
type valueSet struct {
	whole  []string
	begins []string
	ends   []string
}

func (s *valueSet) has(value string) bool {
	return slices.Contains(s.whole, value) || s.hasAffix(value)
}

func (s *valueSet) hasAffix(value string) bool {
	for _, b := range s.begins {
		if strings.HasPrefix(value, b) {
			return true
		}
	}
	for _, e := range s.ends {
		if strings.HasSuffix(value, e) && len(value) > len(e) {
			return true
		}
	}
	return false
}

// holds reports whether the condition is true of the letter. If it is not, the
// index of the node that failed is kept in v.failed.
func (v *view) holds(c *condition) (bool, int) {
	switch c.form {
	case isLeaf:
		return v.leafHolds(&c.leaf), c.index
	case isAll:
		for i := range c.kids {
			k := &c.kids[i]
			if k.form == isLeaf { // nearly always: spares a call a rule
				if !v.leafHolds(&k.leaf) {
					return false, k.index
				}
			} else if ok, at := v.holds(k); !ok {
				return false, at
			}
		}
		return true, c.index
	case isAny:
		for i := range c.kids {
			if ok, _ := v.holds(&c.kids[i]); ok {
				return true, c.index
			}
		}
		return false, c.index
	default:
		ok, _ := v.holds(&c.kids[0])
		return !ok, c.index
	}
}

func (v *view) leafHolds(l *leaf) bool {
	if l.other != "" {
		return l.holdsFor(v.others(l.other))
	}
	f := l.field
	switch l.op {
	case opWords:
		v.look(f)
		return v.reading.any(int(v.set.zoneOf[f]), l.phrases)
	case opRange:
		for _, n := range v.numbers[f] {
			if n >= l.lo && n <= l.hi {
				return true
			}
		}
		return false
	case opSet, opUnset:
		return (len(v.values[f])+len(v.numbers[f]) > 0) == (l.op == opSet)
	case opMatch:
		return slices.ContainsFunc(v.values[f], l.match.MatchString)
	default:
		values := v.values[f]
		if fields[f].kind == textField {
			values = v.foldedValues(f)
		}
		return l.hasAny(values)
	}
}

func (l *leaf) hasAny(values []string) bool {
	for _, s := range values {
		if l.values.has(s) {
			return l.op == opAny
		}
	}
	return l.op == opNone
}

// holdsFor is leafHolds for the values of a header or hint.
func (l *leaf) holdsFor(values []string) bool {
	switch l.op {
	case opSet, opUnset:
		return (len(values) > 0) == (l.op == opSet)
	case opMatch:
		return slices.ContainsFunc(values, l.match.MatchString)
	default:
		for _, s := range values {
			if l.values.has(foldString(s)) {
				return l.op == opAny
			}
		}
		return l.op == opNone
	}
}

// leaves calls f for each leaf in order.
func (c *condition) leaves(f func(*leaf)) {
	if c.form == isLeaf {
		f(&c.leaf)
	}
	for i := range c.kids {
		c.kids[i].leaves(f)
	}
}

// number gives each node its index, in the order of the file.
func (c *condition) number(next *int) {
	c.index = *next
	*next++
	for i := range c.kids {
		c.kids[i].number(next)
	}
}
