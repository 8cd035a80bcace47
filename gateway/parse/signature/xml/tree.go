package xml

import (
	"slices"
	"strings"
)

type kind byte

const (
	kindDocument kind = iota
	kindElement
	kindText
	kindComment
	kindInstruction
)

// A node keeps what canonicalisation needs: prefixes as written and where
// namespaces were declared.
type node struct {
	kind   kind
	parent *node
	kids   []*node

	prefix, local, space string
	attrs                []attr
	decls                []decl // namespaces declared here

	target string // of an instruction
	text   string
}

type attr struct{ prefix, local, space, value string }

type decl struct{ prefix, uri string }

func (n *node) is(space, local string) bool {
	return n != nil && n.kind == kindElement && n.space == space && n.local == local
}

// attr gives the value of an attribute without a namespace.
func (n *node) attr(local string) string {
	for _, a := range n.attrs {
		if a.space == "" && a.local == local {
			return a.value
		}
	}
	return ""
}

func (n *node) hasAttr(local string) bool {
	return slices.ContainsFunc(n.attrs, func(a attr) bool { return a.space == "" && a.local == local })
}

// child gives the first child element of a name.
func (n *node) child(space, local string) *node {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.is(space, local) {
			return k
		}
	}
	return nil
}

func (n *node) children(space, local string) (all []*node) {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.is(space, local) {
			all = append(all, k)
		}
	}
	return all
}

func (n *node) elements() (all []*node) {
	if n == nil {
		return nil
	}
	for _, k := range n.kids {
		if k.kind == kindElement {
			all = append(all, k)
		}
	}
	return all
}

// content is the text of a node and of all below it.
func (n *node) content() string {
	if n == nil {
		return ""
	}
	if n.kind == kindText {
		return n.text
	}
	var b strings.Builder
	n.walk(func(k *node) bool {
		if k.kind == kindText {
			b.WriteString(k.text)
		}
		return true
	})
	return b.String()
}

// walk visits a node and what lies below it, as long as visit says so.
func (n *node) walk(visit func(*node) bool) {
	if n == nil || !visit(n) {
		return
	}
	for _, k := range n.kids {
		k.walk(visit)
	}
}

// within reports whether n is top or lies below it.
func (n *node) within(top *node) bool {
	for ; n != nil; n = n.parent {
		if n == top {
			return true
		}
	}
	return false
}

func (n *node) root() *node {
	for _, k := range n.kids {
		if k.kind == kindElement {
			return k
		}
	}
	return nil
}

func (n *node) document() *node {
	for n.parent != nil {
		n = n.parent
	}
	return n
}

// lookup finds what a prefix stands for at a node.
func (n *node) lookup(prefix string) (string, bool) {
	if prefix == "xml" {
		return spaceXML, true
	}
	for ; n != nil; n = n.parent {
		for _, d := range n.decls {
			if d.prefix == prefix {
				return d.uri, true
			}
		}
	}
	return "", prefix == ""
}

// path tells people where a node is: /pismo/dane[2].
func (n *node) path() string {
	if n == nil || n.parent == nil {
		return ""
	}
	step, same, place := "/"+n.local, 0, 0
	for _, k := range n.parent.kids {
		if k.kind == kindElement && k.local == n.local {
			if same++; k == n {
				place = same
			}
		}
	}
	if same > 1 {
		step += "[" + itoa(place) + "]"
	}
	return n.parent.path() + step
}

const (
	spaceXML   = "http://www.w3.org/XML/1998/namespace"
	spaceXMLNS = "http://www.w3.org/2000/xmlns/"
)
