package pdf

import (
	"fmt"
	"slices"
	"strings"
)

// form compares the interactive form. Fields in the same place are compared
// one by one; new ones must be signature fields.
func (c *comparison) form(o, n *dict) {
	if o == nil && n == nil {
		return
	}
	if n == nil {
		c.change(ChangeForm, "the form was removed", UpdateChanged)
		return
	}
	for _, k := range keysOf(o, n) {
		ov, nv := o.get(k), n.get(k)
		switch {
		case k == "Fields" || k == "SigFlags":
		case c.same(ov, nv):
		case k == "DR" && c.added(ov, nv, 2), k == "DA" && ov == nil:
			// Fonts for the appearance of a signature.
		case k == "NeedAppearances" && (c.fills || nv == nil):
		default:
			c.change(ChangeForm, "form, /"+string(k), UpdateChanged)
		}
	}
	c.fields(o.get("Fields"), n.get("Fields"), level{})
}

// added reports whether a dictionary only gained keys, down to a depth.
func (c *comparison) added(o, n object, depth int) bool {
	od, nd := dictOf(c.old.get(o)), dictOf(c.new.get(n))
	if od == nil {
		return o == nil
	}
	if nd == nil || depth == 0 {
		return false
	}
	for k, v := range od.keys {
		if !c.same(v, nd.get(k)) && !c.added(v, nd.get(k), depth-1) {
			return false
		}
	}
	return true
}

// A level is what fields inherit in both revisions.
type level struct {
	name  string
	ft    name
	depth int
	value bool // the value of the field is another one now
}

func (c *comparison) fields(o, n object, in level) {
	if in.depth > 32 {
		c.change(ChangeForm, "form: nested too deeply", UpdateChanged)
		return
	}
	now := listOf(c.new.get(n))
	for i, f := range listOf(c.old.get(o)) {
		at := c.find(now, f, i)
		if at < 0 {
			c.change(ChangeForm, fmt.Sprintf("form, field %d of %q was removed", i+1, in.name), UpdateChanged)
			continue
		}
		c.field(f, now[at], in)
		now = slices.Delete(slices.Clone(now), at, at+1)
	}
	for _, f := range now {
		c.newField(f, in)
	}
}

// field compares one node of the tree, field or widget.
func (c *comparison) field(o, n object, in level) {
	od, nd, ok := c.pair(o, n)
	if !ok {
		c.change(ChangeForm, "form, a field of "+in.name, UpdateChanged)
		return
	}
	own := c.inherit(od, in)
	own.value = own.value || !c.same(od.get("V"), nd.get("V"))
	var value []name // keys that differ and that filling may change
	for _, k := range keysOf(od, nd) {
		switch {
		case k == "Kids":
			c.fields(od.get(k), nd.get(k), own)
		case k == "Parent":
			if !c.sameParent(od, nd) {
				c.change(ChangeForm, "field "+own.name+", /Parent", UpdateChanged)
			}
		case c.same(od.get(k), nd.get(k)):
		case slices.Contains([]name{"V", "AP", "AS", "I", "RV", "M"}, k):
			value = append(value, k)
		default:
			c.change(ChangeForm, "field "+own.name+", /"+string(k), UpdateChanged)
		}
	}
	if len(value) > 0 {
		c.filled(own, o, od, nd, value)
	}
}

func (c *comparison) inherit(d *dict, in level) level {
	out := in
	out.depth++
	if t, ok := c.old.get(d.get("T")).(*str); ok {
		out.name = in.name
		if in.name != "" {
			out.name += "."
		}
		out.name += c.old.text(t, ref{})
	}
	if ft, ok := c.old.get(d.get("FT")).(name); ok {
		out.ft = ft
	}
	return out
}

// filled judges a field whose value or appearance is another one now.
func (c *comparison) filled(own level, o object, od, nd *dict, keys []name) {
	where := fmt.Sprintf("field %s, /%s", own.name, keys[0])
	switch {
	case own.ft == "Sig" && od.get("V") == nil && nd.get("V") != nil:
		c.signedLater(own, o, od, nd)
	case own.ft == "Sig":
		c.change(ChangeAppearance, where, UpdateChanged)
	case !c.fills || c.locked(own.name):
		c.change(ChangeFill, where, UpdateChanged)
	case !own.value, own.ft == "Btn" && !c.same(od.get("AP"), nd.get("AP")):
		// Another look without another value: the "sneaky" update.
		c.change(ChangeAppearance, where, UpdateChanged)
	default:
		c.change(ChangeFill, where, UpdatePermitted)
	}
}

// signedLater judges an empty signature field that somebody signed.
func (c *comparison) signedLater(own level, o object, od, nd *dict) {
	r, _ := o.(ref)
	if !c.fresh(od.get("AP"), nd.get("AP")) {
		c.change(ChangeAppearance, "field "+own.name+", /AP", UpdateChanged)
		return
	}
	if c.old.draws(od) && !c.same(od.get("AP"), nd.get("AP")) {
		// The signer saw something here that is no longer to be seen.
		c.change(ChangeAppearance, "field "+own.name+", /AP", UpdatePermitted)
	}
	c.signature(own.name, r, nd, false)
}

// fresh reports whether a new appearance is made of new objects or of old ones
// as they were. Overwriting an old one may change what another field shows.
func (c *comparison) fresh(o, n object) bool {
	if c.same(o, n) {
		return true
	}
	work := []object{n}
	seen := map[ref]bool{}
	for len(work) > 0 {
		at := work[len(work)-1]
		work = work[:len(work)-1]
		if c.f.count--; c.f.count < 0 {
			return false
		}
		if r, ok := at.(ref); ok {
			if seen[r] {
				continue
			}
			seen[r] = true
			if e, known := c.old.entry(r.num); known && e.kind != entryFree {
				if c.same(r, r) {
					continue
				}
				return false
			}
		}
		switch v := c.new.get(at).(type) {
		case array:
			work = append(work, v...)
		case *dict:
			for _, v := range v.keys {
				work = append(work, v)
			}
		case *stream:
			for _, v := range v.dict.keys {
				work = append(work, v)
			}
		}
	}
	return true
}

// newField judges a node that was not in the form before: a signature field or
// nothing.
func (c *comparison) newField(o object, in level) {
	r, isRef := o.(ref)
	d := dictOf(c.new.get(o))
	ft, ok := c.new.get(d.get("FT")).(name)
	if !ok {
		ft = in.ft
	}
	title := strings.TrimPrefix(in.name+"."+c.new.text(d.get("T"), r), ".")
	if d == nil || !isRef || ft != "Sig" || d.get("T") == nil || d.get("A") != nil || d.get("AA") != nil {
		c.change(ChangeForm, "form, a field was added: "+title, UpdateChanged)
		return
	}
	if e, known := c.old.entry(r.num); known && e.kind != entryFree {
		c.change(ChangeForm, "form, an object of the signed revision became a field: "+title, UpdateChanged)
		return
	}
	kids := listOf(c.new.get(d.get("Kids")))
	if len(kids) > 1 {
		c.change(ChangeForm, "form, a signature field with several appearances: "+title, UpdateChanged)
		return
	}
	if len(kids) == 1 {
		kr, _ := kids[0].(ref)
		c.accept(kr, title, dictOf(c.new.get(kids[0])))
	}
	c.signature(title, r, d, true)
}

// accept notes the appearance of a new signature field.
func (c *comparison) accept(r ref, title string, d *dict) {
	if r.num != 0 && d != nil {
		c.widgets[r] = widget{field: title, visible: c.new.draws(d)}
	}
}

// signature judges a signature that came later. It must be one of those found,
// with exact ranges; whether it is intact the caller finds out.
func (c *comparison) signature(title string, r ref, d *dict, isNew bool) {
	if isNew && d.get("Subtype") != nil {
		c.accept(r, title, d)
	}
	verdict := UpdateHarmless
	code := ChangeSignature
	value := dictOf(c.new.get(d.get("V")))
	if value == nil {
		if c.new.draws(d) {
			verdict = UpdateChanged // looks like a signature and is none
		}
	} else {
		contents, _ := c.new.get(value.get("Contents")).(*str)
		var s Signature
		var known bool
		if contents != nil {
			s, known = c.later[contents.start]
		}
		if s.Kind == KindTimestamp {
			code = ChangeTimestamp
		}
		if !known || contents.start < c.signed {
			verdict = UpdateChanged
		}
	}
	if !c.sign && code == ChangeSignature {
		verdict = UpdateChanged
	}
	c.change(code, "field "+title, verdict)
}
