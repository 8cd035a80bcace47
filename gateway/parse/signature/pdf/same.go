package pdf

import (
	"bytes"
	"maps"
)

// same reports whether two values mean the same in their revisions, with all
// that they lead to. It asks nothing about object numbers: an object that was
// unreferenced in the signed bytes and is only activated later differs, one
// that was copied to another number does not. Pages and fields are left to
// their own rules.
func (c *comparison) same(a, b object) bool {
	type pair struct{ a, b object }
	work := []pair{{a, b}}
	assumed := map[[2]ref]bool{}
	for len(work) > 0 {
		p := work[len(work)-1]
		work = work[:len(work)-1]
		if c.f.count--; c.f.count < 0 || c.f.stop() != nil {
			return false
		}
		ra, isA := p.a.(ref)
		rb, isB := p.b.(ref)
		if isA && isB {
			key := [2]ref{ra, rb}
			if ra == rb && c.ruled[ra] || assumed[key] || c.proven[key] {
				continue
			}
			assumed[key] = true
		}
		if c.old.crypt != nil && isA && isB && ra != rb {
			return false // the same bytes under another number are another text
		}
		p.a, p.b = c.old.get(p.a), c.new.get(p.b)
		more, ok := shallow(p.a, p.b)
		if !ok {
			return false
		}
		for _, m := range more {
			work = append(work, pair{m[0], m[1]})
		}
	}
	maps.Copy(c.proven, assumed)
	return true
}

// shallow compares two resolved values and gives what is to be compared below
// them.
func shallow(a, b object) (below [][2]object, ok bool) {
	switch a := a.(type) {
	case int64, float64:
		switch b.(type) {
		case int64, float64:
			return nil, number(a) == number(b)
		}
		return nil, false
	case *str:
		b, ok := b.(*str)
		return nil, ok && bytes.Equal(a.b, b.b)
	case array:
		b, ok := b.(array)
		if !ok || len(a) != len(b) {
			return nil, false
		}
		for i := range a {
			below = append(below, [2]object{a[i], b[i]})
		}
		return below, true
	case *stream:
		b, ok := b.(*stream)
		if !ok || !bytes.Equal(a.raw, b.raw) {
			return nil, false
		}
		return dictPairs(a.dict, b.dict, "Length")
	case *dict:
		b, ok := b.(*dict)
		if !ok {
			return nil, false
		}
		return dictPairs(a, b, "")
	}
	switch b.(type) {
	case nil, bool, name:
		return nil, a == b
	}
	return nil, false
}

func dictPairs(a, b *dict, except name) (below [][2]object, ok bool) {
	if b.twice != a.twice {
		return nil, false
	}
	for _, k := range keysOf(a, b) {
		if k != except {
			below = append(below, [2]object{a.get(k), b.get(k)})
		}
	}
	return below, true
}

// learn notes which objects of the signed revision are compared by their own
// rules, so that the general comparison stops there.
func (c *comparison) learn() {
	for _, n := range c.old.fields() {
		if n.ref.num != 0 {
			c.ruled[n.ref] = true
		}
	}
	c.rule(c.old.catalog().get("Pages"), "Kids", 0)
	c.rule(c.old.catalog().get("StructTreeRoot"), "K", 0)
}

func (c *comparison) rule(o object, below name, depth int) {
	r, isRef := o.(ref)
	d := dictOf(c.old.get(o))
	if d == nil || isRef && c.ruled[r] || depth > 4*c.f.limits.Depth || d.get("Type") == name("OBJR") || d.get("Type") == name("MCR") {
		return
	}
	if isRef {
		c.ruled[r] = true
	}
	for _, kid := range listOf(c.old.get(d.get(below))) {
		c.rule(kid, below, depth+1)
	}
}

// pair gives two dictionaries of the same reference in both revisions.
func (c *comparison) pair(o, n object) (od, nd *dict, ok bool) {
	ro, isRef := o.(ref)
	rn, _ := n.(ref)
	if isRef && ro != rn {
		return nil, nil, false
	}
	od, nd = dictOf(c.old.get(o)), dictOf(c.new.get(n))
	return od, nd, od != nil && nd != nil && nd.twice == od.twice
}
