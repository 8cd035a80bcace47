package pdf

import (
	"strconv"
	"strings"
)

// A node is one dictionary of the form's tree with what it inherits.
type node struct {
	ref    ref // zero when the dictionary stands in its parent
	dict   *dict
	name   string // full, dots between the levels
	ft     name   // type of field, inherited
	flags  int64  // Ff, inherited
	widget bool   // a mere appearance of its parent
}

const maxNodes = 20_000

// fields walks the tree of the form, parents before children.
func (v *view) fields() []node {
	form := dictOf(v.get(v.catalog().get("AcroForm")))
	if form == nil {
		return nil
	}
	w := fieldWalk{v: v, seen: map[ref]bool{}}
	for i, o := range listOf(v.get(form.get("Fields"))) {
		w.visit(o, node{name: ""}, i, 0)
	}
	return w.all
}

type fieldWalk struct {
	v    *view
	seen map[ref]bool
	all  []node
}

func (w *fieldWalk) visit(o object, parent node, index, depth int) {
	r, _ := o.(ref)
	d := dictOf(w.v.get(o))
	if d == nil || depth > 32 || len(w.all) >= maxNodes || r.num != 0 && w.seen[r] {
		return
	}
	if r.num != 0 {
		w.seen[r] = true
	}
	n := node{ref: r, dict: d, name: parent.name, ft: parent.ft, flags: parent.flags}
	if t, ok := w.v.get(d.get("T")).(*str); ok {
		n.name = strings.TrimPrefix(parent.name+"."+w.v.text(t, r), ".")
	} else if depth > 0 {
		n.widget = true
	} else {
		n.name = "#" + strconv.Itoa(index)
	}
	if ft, ok := w.v.get(d.get("FT")).(name); ok {
		n.ft = ft
	}
	if ff, ok := w.v.get(d.get("Ff")).(int64); ok {
		n.flags = ff
	}
	w.all = append(w.all, n)
	for i, kid := range listOf(w.v.get(d.get("Kids"))) {
		w.visit(kid, n, i, depth+1)
	}
}

// box gives the area of a widget on its page.
func (v *view) box(d *dict) float64 {
	return area(v, d.get("Rect"))
}

func area(v *view, o object) float64 {
	rect, _ := v.get(o).(array)
	if len(rect) != 4 {
		return 0
	}
	var c [4]float64
	for i, o := range rect {
		c[i] = number(v.get(o))
	}
	w, h := c[2]-c[0], c[3]-c[1]
	return max(w, -w) * max(h, -h)
}

func number(o object) float64 {
	switch n := o.(type) {
	case int64:
		return float64(n)
	case float64:
		return n
	}
	return 0
}

// draws reports whether a widget shows anything.
func (v *view) draws(d *dict) bool {
	if flags, _ := v.get(d.get("F")).(int64); flags&(1<<1|1<<5) != 0 { // hidden, no view
		return false
	}
	return v.box(d) > 0 && dictOf(v.get(d.get("AP"))) != nil
}
