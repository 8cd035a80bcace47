package pdf

import (
	"fmt"
	"slices"
)

// pages compares the page tree: the same pages in the same order, each showing
// the same.
func (c *comparison) pages(o, n object) {
	w := pageWalk{c: c, seen: map[ref]bool{}}
	w.visit(o, n, nil, 0)
}

type pageWalk struct {
	c     *comparison
	seen  map[ref]bool
	count int
}

func (w *pageWalk) visit(o, n, box object, depth int) {
	c := w.c
	r, _ := o.(ref)
	od, nd, ok := c.pair(o, n)
	if !ok || depth > c.f.limits.Depth {
		c.change(ChangePage, fmt.Sprintf("page tree, after page %d", w.count), UpdateChanged)
		return
	}
	if w.seen[r] {
		return
	}
	w.seen[r] = true
	kids, isNode := c.old.get(od.get("Kids")).(array)
	_, isNewNode := c.new.get(nd.get("Kids")).(array)
	if isNode != isNewNode {
		c.change(ChangePage, fmt.Sprintf("page tree, after page %d", w.count), UpdateChanged)
		return
	}
	if b := od.get("MediaBox"); b != nil {
		box = b
	}
	if !isNode {
		w.count++
		c.page(fmt.Sprintf("page %d", w.count), od, nd, box)
		return
	}
	w.node(od, nd, kids, box, depth)
}

func (w *pageWalk) node(od, nd *dict, kids array, box object, depth int) {
	c := w.c
	for _, k := range keysOf(od, nd) {
		if k != "Kids" && k != "Parent" && !c.same(od.get(k), nd.get(k)) {
			c.change(ChangePage, "page tree, /"+string(k), UpdateChanged)
		}
	}
	if !c.sameParent(od, nd) {
		c.change(ChangePage, "page tree, /Parent", UpdateChanged)
	}
	now, _ := c.new.get(nd.get("Kids")).(array)
	if len(now) != len(kids) {
		c.change(ChangePage, fmt.Sprintf("page tree: %d branches, were %d", len(now), len(kids)), UpdateChanged)
		return
	}
	for i := range kids {
		w.visit(kids[i], now[i], box, depth+1)
	}
}

// sameParent compares references only: the node above is being compared.
func (c *comparison) sameParent(o, n *dict) bool { return o.get("Parent") == n.get("Parent") }

func (c *comparison) page(where string, o, n *dict, box object) {
	for _, k := range keysOf(o, n) {
		switch {
		case k == "Annots":
			c.annotations(where, o.get(k), n.get(k), area(c.old, box))
		case k == "Parent":
			if !c.sameParent(o, n) {
				c.change(ChangePage, where+", /Parent", UpdateChanged)
			}
		case k == "Tabs", k == "StructParents" && o.get(k) == nil:
			// The order of fields for the keyboard; nothing to be seen.
		case !c.same(o.get(k), n.get(k)):
			c.change(ChangePage, where+", /"+string(k), UpdateChanged)
		}
	}
}

// annotations compares what lies over a page. Appearances of later signatures
// may come; with the certification's leave, notes too.
func (c *comparison) annotations(where string, o, n object, page float64) {
	now := listOf(c.new.get(n))
	for i, a := range listOf(c.old.get(o)) {
		at := c.find(now, a, i)
		switch {
		case at < 0:
			c.note(where+", an annotation was removed", dictOf(c.old.get(a)))
			continue
		case !c.same(a, now[at]):
			c.note(where+", an annotation was changed", dictOf(c.old.get(a)))
		}
		now = slices.Delete(slices.Clone(now), at, at+1)
	}
	for _, a := range now {
		r, _ := a.(ref)
		d := dictOf(c.new.get(a))
		w, ours := c.widgets[r]
		switch {
		case !ours:
			c.note(where+", an annotation was added", d)
		case w.placed:
			c.change(ChangeAppearance, where+", a signature is shown twice", UpdateChanged)
		case w.visible && page > 0 && c.new.box(d) > page/4:
			// A signature as large as a page hides what was signed.
			c.change(ChangeAppearance, where+", a signature covers much of the page", UpdateChanged)
		}
		w.placed = true
		if ours {
			c.widgets[r] = w
		}
	}
}

// find looks for an annotation among those of now: by reference, or by place
// when it stands in the array itself.
func (c *comparison) find(now array, a object, i int) int {
	if _, isRef := a.(ref); isRef {
		return slices.IndexFunc(now, func(o object) bool { return o == a })
	}
	if i < len(now) && dictOf(now[i]) != nil {
		return i
	}
	return -1
}

// note judges a changed annotation. A widget is never a note: it would be a
// field.
func (c *comparison) note(where string, d *dict) {
	subtype, _ := c.new.get(d.get("Subtype")).(name)
	if c.notes && subtype != "Widget" {
		c.change(ChangeAnnotation, where, UpdatePermitted)
		return
	}
	c.change(ChangeAnnotation, where, UpdateChanged)
}
