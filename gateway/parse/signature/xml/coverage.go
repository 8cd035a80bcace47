package xml

import (
	"slices"
	"strings"
)

const (
	mostUncovered = 20
	mostObjects   = 100
)

// coverage says what of the file the references speak for. Everything that is
// neither covered nor part of a signature is listed.
func (c *check) coverage() {
	c.packaging()
	inside, files := false, false
	for _, r := range c.sig.References {
		switch r.What {
		case WhatFile:
			files = true
		case WhatDocument, WhatElement, WhatObject, WhatManifest:
			inside = true
		}
		if r.Problem != nil && r.Problem.Code == CodeMissing {
			files = true
		}
	}
	if c.sig.Counters != "" {
		c.sig.Covers = CoversPart
		return
	}
	if files && !inside && c.sig.Packaging == "detached" {
		c.sig.Covers = CoversFiles
		return
	}
	c.sig.Uncovered = c.uncovered()
	for _, r := range c.sig.References {
		if r.absent() && len(c.sig.Uncovered) < mostUncovered {
			c.sig.Uncovered = append(c.sig.Uncovered, r.URI)
		}
	}
	if len(c.sig.Uncovered) == 0 && inside {
		c.sig.Covers = CoversWhole
	}
}

func (c *check) packaging() {
	c.sig.Packaging = "detached"
	for i, r := range c.sig.References {
		switch {
		case r.What == WhatDocument, r.What == WhatElement && c.nodes[i] != nil && c.el.within(c.nodes[i]):
			c.sig.Packaging = "enveloped"
			return
		case r.What == WhatObject, r.What == WhatManifest:
			c.sig.Packaging = "enveloping"
		case r.What == WhatElement && c.sig.Packaging == "detached":
			c.sig.Packaging = "internal"
		}
	}
}

// uncovered lists content outside what was signed.
func (c *check) uncovered() []string {
	covered, without := map[*node]bool{}, map[*node]bool{}
	for i, el := range c.info.children(spaceDS, "Reference") {
		if !c.sig.References[i].OK {
			continue
		}
		s, ok := c.d.signedNodes(el, c.el)
		if !ok {
			continue
		}
		for _, top := range s.tops {
			covered[top] = true
		}
		for n := range s.without {
			without[n] = true
		}
	}
	for i := len(c.info.children(spaceDS, "Reference")); i < len(c.nodes); i++ { // of manifests
		if n := c.nodes[i]; n != nil && c.sig.References[i].OK {
			covered[n] = true
		}
	}
	var missing []string
	var visit func(n *node, in bool)
	visit = func(n *node, in bool) {
		in = in && !without[n] || covered[n]
		switch {
		case len(missing) >= mostUncovered:
			return
		case n.is(spaceDS, "Signature"):
			missing = append(missing, c.looseObjects(n, covered)...)
			return
		case in && without[n], !in && n.kind == kindElement && len(n.elements()) == 0,
			!in && n.kind == kindText && strings.TrimSpace(n.text) != "":
			missing = append(missing, orElse(n.path(), n.parent.path()))
			return
		}
		for _, k := range n.kids {
			visit(k, in)
		}
	}
	visit(c.d.tree, false)
	return slices.Compact(missing)
}

// signedNodes gives the nodes a reference ends in, before they are written
// down, as far as it is nodes that it ends in.
func (d *document) signedNodes(el, signature *node) (set, bool) {
	c, p := d.target(el, signature)
	if p != nil || c.set == nil {
		return set{}, false
	}
	s := *c.set
	var list []*node
	if t := el.child(spaceDS, "Transforms"); t != nil {
		list = t.elements()
	}
	for _, t := range list {
		switch t.attr("Algorithm") {
		case transformEnveloped:
			s = s.minus(signature)
		case transformXPath:
			s, p = xpathTransform(s, t, signature)
		case transformFilter:
			s, p = filterTransform(d, s, t, signature)
		default:
			return s, true // written down from here on
		}
		if p != nil {
			return set{}, false
		}
	}
	return s, true
}

// looseObjects lists the objects of this signature that nobody signed. Those
// of another signature are its own.
func (c *check) looseObjects(n *node, covered map[*node]bool) (missing []string) {
	if n != c.el {
		return nil
	}
	for _, o := range n.children(spaceDS, "Object") {
		if covered[o] || len(o.elements()) == 0 && strings.TrimSpace(o.content()) == "" {
			continue
		}
		for _, k := range o.kids {
			qualifying := k.kind == kindElement && k.local == "QualifyingProperties" && isXAdES(k.space)
			blank := k.kind == kindText && strings.TrimSpace(k.text) == "" || k.kind == kindComment
			if !qualifying && !blank && !covered[k] && !anyBelow(k, covered) {
				missing = append(missing, o.path())
				break
			}
		}
	}
	return missing
}

func anyBelow(n *node, covered map[*node]bool) bool {
	found := false
	n.walk(func(k *node) bool {
		found = found || covered[k]
		return !found
	})
	return found
}

// objects unpacks what an enveloping signature carries: it is to be shown even
// if the signature fails.
func (c *check) objects() {
	for _, o := range c.el.children(spaceDS, "Object") {
		if len(c.sig.Objects) >= mostObjects || slices.ContainsFunc(o.elements(), func(k *node) bool { return k.local == "QualifyingProperties" }) {
			continue
		}
		out := Object{ID: o.attr("Id"), MediaType: o.attr("MimeType"), Signed: c.holds(o) || slices.ContainsFunc(c.nodes, func(n *node) bool { return n != nil && o.within(n) })}
		for _, f := range c.sig.Properties.Formats {
			if out.MediaType == "" && f.MediaType != "" && c.refersTo(f.Reference, o) {
				out.MediaType = f.MediaType
			}
		}
		if o.attr("Encoding") == transformBase64 || len(o.elements()) == 0 && c.unpacked(o) {
			if b, err := decode64(o.content()); err == nil {
				out.Content = b
			}
		}
		if out.Content == nil {
			out.Content = c.canonical(method{}, o.elements()...)
		}
		if len(out.Content) == 0 {
			out.Content = []byte(o.content())
		}
		c.sig.Objects = append(c.sig.Objects, out)
	}
}

// refersTo reports whether a format's reference is the one that led to o.
func (c *check) refersTo(id string, o *node) bool {
	for i, el := range c.info.children(spaceDS, "Reference") {
		if "#"+el.attr("Id") == id && i < len(c.nodes) && c.nodes[i] == o {
			return true
		}
	}
	return false
}

// unpacked reports whether a reference to o goes through base64.
func (c *check) unpacked(o *node) bool {
	for i, el := range c.info.children(spaceDS, "Reference") {
		if i >= len(c.nodes) || c.nodes[i] != o {
			continue
		}
		for _, t := range el.child(spaceDS, "Transforms").elements() {
			if t.attr("Algorithm") == transformBase64 {
				return true
			}
		}
	}
	return false
}
