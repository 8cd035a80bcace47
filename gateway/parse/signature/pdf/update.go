package pdf

import (
	"fmt"
	"slices"
)

// An UpdateKind says what became of a document after it was signed.
type UpdateKind string

// The kinds, from good to bad.
const (
	UpdateNone       UpdateKind = "none"
	UpdateHarmless   UpdateKind = "harmless"   // evidence, time stamps, further signatures, metadata
	UpdatePermitted  UpdateKind = "permitted"  // what the certification explicitly permits: to be shown
	UpdateChanged    UpdateKind = "changed"    // changed after signing
	UpdateUnreadable UpdateKind = "unreadable" // cannot be judged, and therefore counts as changed
)

// An Update is what came after a signature.
type Update struct {
	Kind    UpdateKind
	Changes []Change // at most mostChanges
}

// Changed reports whether the document is no longer what was signed, or may
// be.
func (u Update) Changed() bool { return u.Kind == UpdateChanged || u.Kind == UpdateUnreadable }

// A Change is one thing that an update did. Code is of the closed list below.
type Change struct {
	Code    string
	Where   string // a path for the expert: "page 2, /Contents"
	Verdict UpdateKind
}

// The codes of changes.
const (
	ChangeEvidence   = "evidence"   // document security store
	ChangeTimestamp  = "timestamp"  // a document time stamp
	ChangeSignature  = "signature"  // a further signature or an empty field for one
	ChangeMetadata   = "metadata"   // description, extensions, version
	ChangeFill       = "form_fill"  // a form field got a value
	ChangeAnnotation = "annotation" // a note, a mark, anything laid over a page
	ChangePage       = "page"       // what a page shows, or which pages there are
	ChangeForm       = "form"       // the form itself
	ChangeAppearance = "appearance" // what a field or a signature shows
	ChangeDocument   = "document"   // anything else reachable from the catalogue
	ChangeRights     = "rights"     // permissions, encryption
	ChangeRemoved    = "removed"    // the signature itself
	ChangeTail       = "tail"       // bytes that belong to no revision
	ChangeUnreadable = "unreadable"
)

const mostChanges = 50

// judge says for each signature what came after it.
func (f *file) judge(list []placed, last *view, doc *Document) {
	later := map[int]Signature{} // well-formed signatures by where Contents begins
	for i, s := range doc.Signatures {
		if s.Problem == nil {
			later[list[i].contents.start] = s
		}
	}
	for i := range doc.Signatures {
		s := &doc.Signatures[i]
		if s.Problem != nil {
			s.Update.Kind = UpdateUnreadable
			continue
		}
		c := &comparison{f: f, old: list[i].signed, new: last, signed: int(s.End), later: later}
		s.Update = c.update(list[i], s)
		switch s.Update.Kind {
		case UpdateNone, UpdateHarmless:
			s.Covers = CoversWhole
		default:
			s.Covers = CoversOlder
		}
	}
}

// update compares the signed revision with the latest one.
func (c *comparison) update(p placed, s *Signature) Update {
	rest := c.f.data[c.signed:]
	if len(blank(rest)) == 0 && !s.Removed {
		return Update{Kind: UpdateNone}
	}
	if c.new.found != nil {
		return unreadable("the latest revision has no readable cross-reference section")
	}
	_, tail, _ := startOf(c.f.data)
	newest := c.new.sections[0]
	if len(tail) > 0 || newest.at < c.signed {
		c.change(ChangeTail, "after the last revision", UpdateChanged)
	}
	if !slices.ContainsFunc(c.new.sections, func(s *section) bool { return s == c.old.sections[0] }) {
		c.change(ChangeTail, "the latest revision does not continue the signed one", UpdateChanged)
	}
	if s.Removed {
		c.change(ChangeRemoved, "field "+s.Field, UpdateChanged)
	}
	c.permissions(p)
	c.whole()
	if c.f.count < 0 || c.f.decoded <= 0 || c.f.stop() != nil {
		return unreadable("a limit was reached")
	}
	u := Update{Kind: UpdateHarmless, Changes: c.changes}
	for _, change := range c.changes {
		if rank(change.Verdict) > rank(u.Kind) {
			u.Kind = change.Verdict
		}
	}
	return u
}

func unreadable(where string) Update {
	return Update{Kind: UpdateUnreadable, Changes: []Change{{Code: ChangeUnreadable, Where: where, Verdict: UpdateUnreadable}}}
}

func rank(k UpdateKind) int {
	return slices.Index([]UpdateKind{UpdateNone, UpdateHarmless, UpdatePermitted, UpdateChanged, UpdateUnreadable}, k)
}

// change notes a change. The worst must never be lost to the bound.
func (c *comparison) change(code, where string, verdict UpdateKind) {
	ch := Change{Code: code, Where: where, Verdict: verdict}
	if slices.Contains(c.changes, ch) {
		return
	}
	if len(c.changes) < mostChanges {
		c.changes = append(c.changes, ch)
	} else if rank(verdict) > rank(c.changes[mostChanges-1].Verdict) {
		c.changes[mostChanges-1] = ch
	}
}

// A comparison walks two revisions at once. What may differ is decided by the
// path from the catalogue, never by what an object says of itself.
type comparison struct {
	f        *file
	old, new *view
	signed   int               // where the signed revision ends
	later    map[int]Signature // by where Contents begins

	fills, notes bool // what the certification permits
	sign         bool // further signatures may be added
	locked       func(field string) bool

	ruled   map[ref]bool // pages, nodes, fields: compared by their own rules
	proven  map[[2]ref]bool
	grew    map[ref]bool   // structure elements already compared
	widgets map[ref]widget // of new signature fields
	changes []Change
}

// A widget is the appearance of a signature that came later.
type widget struct {
	field   string
	visible bool
	placed  bool // seen on a page
}

// permissions reads the rules that were in force when the signature was made:
// those of the certification, of the field locks and of this signature's own.
func (c *comparison) permissions(p placed) {
	c.sign, c.locked = true, func(string) bool { return false }
	c.ruled, c.proven, c.widgets = map[ref]bool{}, map[[2]ref]bool{}, map[ref]widget{}
	c.grew = map[ref]bool{}
	perms := dictOf(c.old.get(c.old.catalog().get("Perms")))
	if d := dictOf(c.old.get(perms.get("DocMDP"))); d != nil {
		_, level := c.old.certified(d)
		c.allow(level)
	} else if certifies, level := c.old.certified(p.dict); certifies {
		c.allow(level)
	}
	var locks []fieldLock
	for _, n := range c.old.fields() {
		d := dictOf(c.old.get(n.dict.get("V")))
		if n.ft != "Sig" || d == nil {
			continue
		}
		for _, o := range listOf(c.old.get(d.get("Reference"))) {
			r := dictOf(c.old.get(o))
			if c.old.get(r.get("TransformMethod")) != name("FieldMDP") {
				continue
			}
			l := c.old.lock(dictOf(c.old.get(r.get("TransformParams"))))
			locks = append(locks, l)
			// Whoever locks some fields says that the others may be filled.
			if perms.get("DocMDP") == nil && n.name == p.field.name {
				c.fills = true
			}
		}
		if l := dictOf(c.old.get(n.dict.get("Lock"))); l != nil {
			if level, ok := c.old.get(l.get("P")).(int64); ok && level == 1 {
				c.fills, c.notes, c.sign = false, false, false
			}
		}
	}
	c.locked = func(field string) bool {
		return slices.ContainsFunc(locks, func(l fieldLock) bool { return l.holds(field) })
	}
}

func (c *comparison) allow(level int) {
	c.sign, c.fills, c.notes = level >= 2, level >= 2, level >= 3
}

// A fieldLock is a FieldMDP (ISO 32000-1 § 12.8.2.4).
type fieldLock struct {
	action name
	fields []string
}

func (v *view) lock(params *dict) fieldLock {
	l := fieldLock{}
	l.action, _ = v.get(params.get("Action")).(name)
	for _, o := range listOf(v.get(params.get("Fields"))) {
		l.fields = append(l.fields, v.text(o, ref{}))
	}
	return l
}

func (l fieldLock) holds(field string) bool {
	named := slices.ContainsFunc(l.fields, func(f string) bool {
		return f == field || len(field) > len(f) && field[:len(f)] == f && field[len(f)] == '.'
	})
	switch l.action {
	case "Include":
		return named
	case "Exclude":
		return !named
	}
	return true
}

// whole compares trailer and catalogue; everything else hangs below.
func (c *comparison) whole() {
	c.learn()
	if !c.same(c.old.trailer.get("Encrypt"), c.new.trailer.get("Encrypt")) {
		c.change(ChangeRights, "trailer, /Encrypt", UpdateChanged)
	}
	if !c.same(c.old.trailer.get("Info"), c.new.trailer.get("Info")) {
		c.change(ChangeMetadata, "trailer, /Info", UpdateHarmless)
	}
	o, n := c.old.catalog(), c.new.catalog()
	if n.twice != "" {
		c.change(ChangeDocument, "catalogue, /"+string(n.twice)+" twice", UpdateChanged)
	}
	c.form(dictOf(c.old.get(o.get("AcroForm"))), dictOf(c.new.get(n.get("AcroForm")))) // first: it rules the widgets on pages
	for _, k := range keysOf(o, n) {
		ov, nv := o.get(k), n.get(k)
		switch k {
		case "AcroForm":
		case "Pages":
			c.pages(ov, nv)
		case "Perms":
			c.rights(ov, nv)
		case "StructTreeRoot":
			if !c.grown(ov, nv) {
				c.change(ChangeDocument, "catalogue, /StructTreeRoot", UpdateChanged)
			}
		case "DSS":
			if !c.same(ov, nv) {
				c.change(ChangeEvidence, "catalogue, /DSS", UpdateHarmless)
			}
		case "Metadata", "Extensions", "Version":
			if !c.same(ov, nv) {
				c.change(ChangeMetadata, "catalogue, /"+string(k), UpdateHarmless)
			}
		default:
			if !c.same(ov, nv) {
				c.change(ChangeDocument, "catalogue, /"+string(k), UpdateChanged)
			}
		}
	}
	for r, w := range c.widgets {
		if w.visible && !w.placed {
			c.change(ChangeAppearance, fmt.Sprintf("field %s, object %d", w.field, r.num), UpdateChanged)
		}
	}
}

// rights compares /Perms: a later certification may only be added, and it must
// be one of the signatures there are. It never loosens what held before.
func (c *comparison) rights(ov, nv object) {
	if c.same(ov, nv) {
		return
	}
	o, n := dictOf(c.old.get(ov)), dictOf(c.new.get(nv))
	for _, k := range keysOf(o, n) {
		if c.same(o.get(k), n.get(k)) {
			continue
		}
		d := dictOf(c.new.get(n.get(k)))
		contents, _ := c.new.get(d.get("Contents")).(*str)
		if k == "DocMDP" && o.get(k) == nil && contents != nil && c.sign {
			if _, known := c.later[contents.start]; known {
				continue
			}
		}
		c.change(ChangeRights, "catalogue, /Perms, /"+string(k), UpdateChanged)
	}
}

// keysOf gives the keys of both dictionaries, sorted.
func keysOf(a, b *dict) []name {
	var all []name
	for _, d := range []*dict{a, b} {
		if d != nil {
			for k := range d.keys {
				all = append(all, k)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
