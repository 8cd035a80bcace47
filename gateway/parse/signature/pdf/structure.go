package pdf

import "slices"

// grown reports whether the structure tree only gained what belongs to the
// fields of later signatures. Structure is what screen readers read: anything
// else added there would be heard.
func (c *comparison) grown(o, n object) bool {
	if root := dictOf(c.new.get(n)); o == nil && root != nil {
		return c.grownKids(nil, root.get("K"), 0) // a tree of its own for the new fields
	}
	od, nd, ok := c.pair(o, n)
	if !ok {
		return o == nil && n == nil
	}
	for _, k := range keysOf(od, nd) {
		switch {
		case k == "K":
			if !c.grownKids(od.get(k), nd.get(k), 0) {
				return false
			}
		case k == "ParentTree" && !c.same(od.get(k), nd.get(k)):
			if !c.grownNumbers(od.get(k), nd.get(k)) {
				return false
			}
		case k == "ParentTreeNextKey":
		case !c.same(od.get(k), nd.get(k)):
			return false
		}
	}
	return true
}

// grownKids compares children of structure elements: all old ones in order,
// new ones only for new signature fields.
func (c *comparison) grownKids(o, n object, depth int) bool {
	if depth > 4*c.f.limits.Depth {
		return false
	}
	now := listOf(c.new.get(n))
	for i, kid := range listOf(c.old.get(o)) {
		at := c.find(now, kid, i)
		if at < 0 {
			at = slices.IndexFunc(now, func(v object) bool { return shallowSame(kid, v) })
		}
		if at < 0 || dictOf(c.old.get(kid)) != nil && !c.grownElement(kid, now[at], depth+1) {
			return false
		}
		now = slices.Delete(slices.Clone(now), at, at+1)
	}
	return !slices.ContainsFunc(now, func(o object) bool { return !c.forWidget(o, 0) })
}

func (c *comparison) grownElement(o, n object, depth int) bool {
	od, nd, ok := c.pair(o, n)
	if !ok {
		return false
	}
	if r, isRef := o.(ref); isRef {
		if c.grew[r] {
			return true
		}
		c.grew[r] = true
	}
	for _, k := range keysOf(od, nd) {
		if k != "K" && k != "P" && !c.same(od.get(k), nd.get(k)) {
			return false
		}
	}
	return c.grownKids(od.get("K"), nd.get("K"), depth)
}

// forWidget reports whether a new structure element stands for nothing but the
// appearance of a new signature field.
func (c *comparison) forWidget(o object, depth int) bool {
	d := dictOf(c.new.get(o))
	if d == nil || depth > 4 || d.get("ActualText") != nil || d.get("Alt") != nil {
		return false
	}
	if r, ok := d.get("Obj").(ref); ok {
		_, ours := c.widgets[r]
		return ours
	}
	kids := listOf(c.new.get(d.get("K")))
	return len(kids) > 0 && !slices.ContainsFunc(kids, func(k object) bool { return !c.forWidget(k, depth+1) })
}

// grownNumbers compares the number tree from marks to elements: old pairs as
// they were, new ones only for new signature fields.
func (c *comparison) grownNumbers(o, n object) bool {
	od, nd := dictOf(c.old.get(o)), dictOf(c.new.get(n))
	if od == nil || nd == nil || od.get("Kids") != nil || nd.get("Kids") != nil {
		return false
	}
	was, now := listOf(c.old.get(od.get("Nums"))), listOf(c.new.get(nd.get("Nums")))
	if len(now)%2 != 0 || len(was) > len(now) {
		return false
	}
	known := map[float64]object{}
	for i := 0; i+1 < len(was); i += 2 {
		known[number(c.old.get(was[i]))] = was[i+1]
	}
	for i := 0; i < len(now); i += 2 {
		key := number(c.new.get(now[i]))
		before, isKnown := known[key]
		delete(known, key)
		switch {
		case !isKnown && !c.forWidget(now[i+1], 0):
			return false
		case isKnown && !c.same(before, now[i+1]) && !c.grownElement(before, now[i+1], 0):
			return false
		}
	}
	return len(known) == 0
}

// shallowSame compares children that are no elements: numbers of marked
// content.
func shallowSame(a, b object) bool {
	_, isDict := a.(*dict)
	_, isArray := a.(array)
	_, alsoDict := b.(*dict)
	_, alsoArray := b.(array)
	return !isDict && !isArray && !alsoDict && !alsoArray && a == b
}
