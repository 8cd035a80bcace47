package xml

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// The canonicalisations there are.
const (
	c14n10   = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	c14n11   = "http://www.w3.org/2006/12/xml-c14n11"
	c14nExcl = "http://www.w3.org/2001/10/xml-exc-c14n#"
)

// A method is one way of canonicalising.
type method struct {
	exclusive, v11, comments bool
	inclusive                []string // prefixes that exclusive treats as inclusive does
}

// methodOf reads an algorithm element.
func methodOf(algorithm string, element *node) (method, bool) {
	var m method
	base, with := strings.CutSuffix(algorithm, "WithComments")
	m.comments = with
	switch strings.TrimSuffix(base, "#") {
	case c14n10:
	case c14n11:
		m.v11 = true
	case strings.TrimSuffix(c14nExcl, "#"):
		m.exclusive = true
		for _, k := range element.elements() {
			if k.is(c14nExcl, "InclusiveNamespaces") {
				for _, p := range strings.Fields(k.attr("PrefixList")) {
					if p == "#default" {
						p = ""
					}
					m.inclusive = append(m.inclusive, p)
				}
			}
		}
	default:
		return m, false
	}
	return m, algorithm == c14n10 || algorithm == c14n11 || algorithm == c14nExcl || with
}

// A set is a set of nodes as signatures use them: some subtrees, without some
// subtrees.
type set struct {
	tops     []*node // documents or elements, in order
	without  map[*node]bool
	comments bool // whether comments belong to it
}

func (s set) minus(nodes ...*node) set {
	without := make(map[*node]bool, len(s.without)+len(nodes))
	maps.Copy(without, s.without)
	for _, n := range nodes {
		without[n] = true
	}
	s.without = without
	return s
}

// A writer writes canonical XML, bounded.
type writer struct {
	b        bytes.Buffer
	m        method
	s        set
	limit    int
	overflow bool
}

// canonical gives the octets of a set.
func canonical(s set, m method, limit int) ([]byte, error) {
	m.comments = m.comments && s.comments
	w := &writer{m: m, s: s, limit: limit}
	for _, top := range s.tops {
		if top.kind == kindDocument {
			w.document(top)
			continue
		}
		w.node(top, scope{}, true)
	}
	if w.overflow {
		return nil, errTooMuch
	}
	return w.b.Bytes(), nil
}

// A scope is what the output has declared so far.
type scope struct {
	prefix, uri string
	up          *scope
}

func (s *scope) find(prefix string) (string, bool) {
	for ; s != nil; s = s.up {
		if s.up != nil && s.prefix == prefix {
			return s.uri, true
		}
	}
	return "", false
}

func (w *writer) document(doc *node) {
	seen := false
	for _, k := range doc.kids {
		if w.s.without[k] || k.kind == kindComment && !w.m.comments {
			if k.kind == kindElement {
				seen = true
			}
			continue
		}
		if k.kind == kindElement {
			w.node(k, scope{}, true)
			seen = true
			continue
		}
		if seen {
			w.b.WriteByte('\n')
		}
		w.node(k, scope{}, true)
		if !seen {
			w.b.WriteByte('\n')
		}
	}
}

func (w *writer) node(n *node, in scope, apex bool) {
	if w.s.without[n] || w.overflow {
		return
	}
	if w.b.Len() > w.limit {
		w.overflow = true
		return
	}
	switch n.kind {
	case kindText:
		escapeText(&w.b, n.text)
	case kindComment:
		if w.m.comments {
			w.b.WriteString("<!--" + n.text + "-->")
		}
	case kindInstruction:
		w.b.WriteString("<?" + n.target)
		if n.text != "" {
			w.b.WriteString(" " + n.text)
		}
		w.b.WriteString("?>")
	case kindElement:
		w.element(n, in, apex)
	}
}

func (w *writer) element(n *node, in scope, apex bool) {
	name := qualified(n.prefix, n.local)
	w.b.WriteString("<" + name)
	out := &in
	for _, d := range w.declarations(n, &in, apex) {
		if d.prefix == "" {
			w.b.WriteString(` xmlns="`)
		} else {
			w.b.WriteString(" xmlns:" + d.prefix + `="`)
		}
		escapeValue(&w.b, d.uri)
		w.b.WriteByte('"')
		out = &scope{prefix: d.prefix, uri: d.uri, up: out}
	}
	for _, a := range w.attributes(n, apex) {
		w.b.WriteString(" " + qualified(a.prefix, a.local) + `="`)
		escapeValue(&w.b, a.value)
		w.b.WriteByte('"')
	}
	w.b.WriteByte('>')
	for _, k := range n.kids {
		w.node(k, *out, false)
	}
	w.b.WriteString("</" + name + ">")
}

// declarations gives the namespaces to be written at an element.
func (w *writer) declarations(n *node, in *scope, apex bool) []decl {
	var wanted []decl
	add := func(prefix string) {
		if prefix == "xml" || slices.ContainsFunc(wanted, func(d decl) bool { return d.prefix == prefix }) {
			return
		}
		if uri, ok := n.lookup(prefix); ok {
			wanted = append(wanted, decl{prefix, uri})
		}
	}
	if !w.m.exclusive {
		add("")
		for _, p := range inScope(n, apex) {
			add(p)
		}
	} else {
		add(n.prefix)
		for _, a := range n.attrs {
			if a.prefix != "" {
				add(a.prefix)
			}
		}
		for _, p := range w.m.inclusive {
			add(p)
		}
	}
	wanted = slices.DeleteFunc(wanted, func(d decl) bool {
		uri, known := in.find(d.prefix)
		return known && uri == d.uri || !known && d.prefix == "" && d.uri == ""
	})
	slices.SortFunc(wanted, func(a, b decl) int { return strings.Compare(a.prefix, b.prefix) })
	return wanted
}

// inScope gives the prefixes declared at an element, at the top of the output
// those of its ancestors too.
func inScope(n *node, apex bool) (all []string) {
	for at := n; at != nil; at = at.parent {
		for _, d := range at.decls {
			all = append(all, d.prefix)
		}
		if !apex {
			break
		}
	}
	return all
}

// attributes gives the attributes to be written. Inclusive canonicalisation
// hands those of the xml namespace down to the top of the output.
func (w *writer) attributes(n *node, apex bool) []attr {
	if w.m.exclusive || !apex || n.parent == nil || n.parent.kind == kindDocument {
		return n.attrs
	}
	all := slices.Clone(n.attrs)
	base := ""
	for at := n.parent; at != nil; at = at.parent {
		for _, a := range at.attrs {
			if a.space != spaceXML {
				continue
			}
			if w.m.v11 && a.local == "id" {
				continue
			}
			if w.m.v11 && a.local == "base" {
				base = joinBase(a.value, base)
				continue
			}
			if !slices.ContainsFunc(all, func(b attr) bool { return b.space == spaceXML && b.local == a.local }) {
				all = append(all, a)
			}
		}
	}
	if base != "" {
		i := slices.IndexFunc(all, func(a attr) bool { return a.space == spaceXML && a.local == "base" })
		if i < 0 {
			all = append(all, attr{prefix: "xml", local: "base", space: spaceXML, value: base})
		} else {
			all[i].value = joinBase(base, all[i].value)
		}
	}
	slices.SortFunc(all, func(a, b attr) int {
		if c := strings.Compare(a.space, b.space); c != 0 {
			return c
		}
		return strings.Compare(a.local, b.local)
	})
	return all
}

func escapeText(b *bytes.Buffer, s string) {
	for i := range len(s) {
		switch s[i] {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '>':
			b.WriteString("&gt;")
		case '\r':
			b.WriteString("&#xD;")
		default:
			b.WriteByte(s[i])
		}
	}
}

func escapeValue(b *bytes.Buffer, s string) {
	for i := range len(s) {
		switch s[i] {
		case '&':
			b.WriteString("&amp;")
		case '<':
			b.WriteString("&lt;")
		case '"':
			b.WriteString("&quot;")
		case '\t':
			b.WriteString("&#x9;")
		case '\n':
			b.WriteString("&#xA;")
		case '\r':
			b.WriteString("&#xD;")
		default:
			b.WriteByte(s[i])
		}
	}
}
