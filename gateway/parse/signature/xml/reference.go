package xml

import (
	"bytes"
	"crypto"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// A document is one file while it is checked.
type document struct {
	tree    *node
	resolve Resolver
	limits  Limits
	left    int64 // octets that may still be digested
	stop    func() error
	ids     map[string][]*node
	parsed  map[string]*node // detached XML files
	hit     []string
}

// index finds the elements by Id. All spellings count together: what one
// program takes for an Id another does not.
func (d *document) index() {
	d.ids = map[string][]*node{}
	d.tree.walk(func(n *node) bool {
		if n.kind != kindElement {
			return true
		}
		seen := map[string]bool{}
		for _, a := range n.attrs {
			isID := a.space == "" && strings.EqualFold(a.local, "id") || a.space == spaceXML && a.local == "id" ||
				a.local == "Id" && strings.HasPrefix(a.space, "http://docs.oasis-open.org/wss/") ||
				a.space == "" && a.local == "AssertionID"
			if isID && a.value != "" && !seen[a.value] {
				seen[a.value] = true
				d.ids[a.value] = append(d.ids[a.value], n)
			}
		}
		return true
	})
}

// byID finds the one element of an Id.
func (d *document) byID(id string) (*node, *Problem) {
	switch found := d.ids[id]; len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, problem(subNotFound, CodeReference, "nothing in the document has the Id %q that was signed", id)
	default:
		return nil, problem(subFormat, CodeDuplicate, "%d elements have the Id %q; which one was signed cannot be told", len(found), id)
	}
}

// A content is either a set of nodes or octets, on its way through transforms.
type content struct {
	set    *set
	octets []byte
	what   What
	node   *node // the node it began from
}

// reference checks one ds:Reference of a signature or a manifest.
func (d *document) reference(el, signature *node) Reference {
	r := Reference{URI: el.attr("URI"), Type: el.attr("Type"), Plain: len(el.child(spaceDS, "Transforms").elements()) == 0}
	method := el.child(spaceDS, "DigestMethod").attrOf("Algorithm")
	r.DigestAlgorithm = method
	var err error
	if r.Digest, err = base64Text(el.child(spaceDS, "DigestValue")); err != nil || len(el.children(spaceDS, "DigestValue")) != 1 {
		r.Problem = problem(subFormat, CodeStructure, "a reference has no digest")
		return r
	}
	h := digestOf(method)
	if h == 0 {
		r.Problem = problem(subGeneric, CodeUnsupported, "the digest algorithm %q is not supported", method)
		return r
	}
	c, p := d.target(el, signature)
	if p == nil {
		r.What = c.what
		if c.node != nil {
			r.Path = c.node.path()
		}
		var octets []byte
		if octets, p = d.transformed(el, signature, c); p == nil {
			r.OK = matches(h, octets, r.Digest)
		}
	}
	switch {
	case p != nil:
		r.Problem = p
	case !r.OK:
		r.Problem = problem(subHash, CodeDigest, "what was signed (%s) was changed afterwards", orElse(r.Path, r.URI, "the document"))
	}
	return r
}

func orElse(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

func matches(h crypto.Hash, octets, digest []byte) bool {
	hash := h.New()
	hash.Write(octets)
	return subtle.ConstantTimeCompare(hash.Sum(nil), digest) == 1
}

func (n *node) attrOf(local string) string {
	if n == nil {
		return ""
	}
	return n.attr(local)
}

func base64Text(n *node) ([]byte, error) {
	if n == nil {
		return nil, errMalformed
	}
	return decode64(n.content())
}

func decode64(s string) ([]byte, error) {
	clean := strings.Map(func(r rune) rune {
		if r == ' ' || r == '\n' || r == '\t' || r == '\r' {
			return -1
		}
		return r
	}, s)
	b, err := base64.StdEncoding.DecodeString(clean)
	if err != nil {
		if raw, err2 := base64.RawStdEncoding.DecodeString(strings.TrimRight(clean, "=")); err2 == nil {
			return raw, nil
		}
		return nil, fmt.Errorf("decoding base64: %w: %w", err, errMalformed)
	}
	return b, nil
}

// target resolves the URI of a reference.
func (d *document) target(el, signature *node) (content, *Problem) {
	if !el.hasAttr("URI") {
		return d.detached("")
	}
	uri := el.attr("URI")
	if uri == "" {
		return content{set: &set{tops: []*node{d.tree}}, what: WhatDocument, node: d.tree.root()}, nil
	}
	id, same := strings.CutPrefix(uri, "#")
	if !same {
		return d.detached(uri)
	}
	withComments := false
	switch {
	case id == "xpointer(/)":
		return content{set: &set{tops: []*node{d.tree}, comments: true}, what: WhatDocument, node: d.tree.root()}, nil
	case strings.HasPrefix(id, "xpointer(id(") && strings.HasSuffix(id, "))"):
		id = strings.Trim(id[len("xpointer(id("):len(id)-2], `'"`)
		withComments = true
	case strings.Contains(id, "("):
		return content{}, problem(subGeneric, CodeUnsupported, "the reference %.60q is of a kind that is not supported", uri)
	}
	n, p := d.byID(id)
	if p != nil {
		if un, err := url.PathUnescape(id); err == nil && un != id && len(d.ids[un]) == 1 {
			n, p = d.ids[un][0], nil
		}
	}
	if p != nil {
		return content{}, p
	}
	return content{set: &set{tops: []*node{n}, comments: withComments}, what: d.whatIs(n, signature), node: n}, nil
}

// whatIs names what a reference led to.
func (d *document) whatIs(n, signature *node) What {
	switch {
	case n == d.tree.root() && n != signature:
		return WhatDocument
	case isProperties(n):
		return WhatProperties
	case n.is(spaceDS, "SignatureValue"):
		return WhatSignature
	case n.is(spaceDS, "KeyInfo") && n.within(signature):
		return WhatKeyInfo
	case n.is(spaceDS, "Manifest"):
		return WhatManifest
	case n.within(signature):
		return WhatObject
	}
	return WhatElement
}

func (d *document) detached(name string) (content, *Problem) {
	missing := problem(subNotFound, CodeMissing, "the signed file %q did not come with the signature", name)
	if d.resolve == nil {
		return content{}, missing
	}
	b, err := d.resolve(name)
	if err != nil || b == nil {
		return content{}, missing
	}
	return content{octets: b, what: WhatFile}, nil
}

// transformed runs the transforms of a reference and gives the octets to be
// digested.
func (d *document) transformed(el, signature *node, c content) ([]byte, *Problem) {
	var list []*node
	if t := el.child(spaceDS, "Transforms"); t != nil {
		list = t.elements()
	}
	if len(list) > d.limits.Transforms {
		return nil, problem(subGeneric, CodeLimit, "a reference has %d transforms, more than %d", len(list), d.limits.Transforms)
	}
	for _, t := range list {
		if d.stop() != nil {
			return nil, problem(subGeneric, CodeLimit, "there was no time to check this")
		}
		var p *Problem
		if c, p = d.transform(t, signature, c); p != nil {
			return nil, p
		}
	}
	return d.octets(c)
}

// octets gives what a digest is computed of.
func (d *document) octets(c content) ([]byte, *Problem) {
	if c.set == nil {
		return c.octets, d.spend(len(c.octets))
	}
	b, err := canonical(*c.set, method{comments: c.set.comments}, d.room())
	if err != nil {
		return nil, d.overflow()
	}
	return b, d.spend(len(b))
}

func (d *document) room() int { return int(max(0, d.left)) }

func (d *document) spend(n int) *Problem {
	if d.left -= int64(n); d.left < 0 {
		return d.overflow()
	}
	return nil
}

func (d *document) overflow() *Problem {
	d.left = -1
	if len(d.hit) == 0 {
		d.hit = append(d.hit, fmt.Sprintf("more than %d octets to digest", d.limits.Digested))
	}
	return problem(subGeneric, CodeLimit, "the references cover more than %d octets", d.limits.Digested)
}

const (
	transformEnveloped = spaceDS + "enveloped-signature"
	transformBase64    = spaceDS + "base64"
	transformXPath     = "http://www.w3.org/TR/1999/REC-xpath-19991116"
	transformFilter    = "http://www.w3.org/2002/06/xmldsig-filter2"
	transformXSLT      = "http://www.w3.org/TR/1999/REC-xslt-19991116"
)

// transform runs one transform. The list is closed.
func (d *document) transform(t, signature *node, c content) (content, *Problem) {
	algorithm := t.attr("Algorithm")
	if m, ok := methodOf(algorithm, t); ok {
		s, p := d.nodes(c)
		if p != nil {
			return c, p
		}
		if c.set == nil {
			s.comments = true // octets that were read as XML keep their comments
		}
		b, err := canonical(s, m, d.room())
		if err != nil {
			return c, d.overflow()
		}
		return content{octets: b, what: c.what, node: c.node}, d.spend(len(b))
	}
	switch algorithm {
	case transformEnveloped:
		s, p := d.nodes(c)
		if p != nil {
			return c, p
		}
		s = s.minus(signature) // where it is not inside, that changes nothing
		c.set, c.octets = &s, nil
		return c, nil
	case transformBase64:
		return d.unpack(c)
	case transformXPath, transformFilter:
		s, p := d.nodes(c)
		if p != nil {
			return c, p
		}
		if algorithm == transformXPath {
			s, p = xpathTransform(s, t, signature)
		} else {
			s, p = filterTransform(d, s, t, signature)
		}
		c.set, c.octets = &s, nil
		return c, p
	case transformXSLT:
		return c, problem(subFormat, CodeUnsupported, "a transformation by a program (XSLT) inside the signature is not accepted")
	}
	return c, problem(subGeneric, CodeUnsupported, "the transform %.80q is not supported", algorithm)
}

// nodes reads octets as XML where a transform needs nodes.
func (d *document) nodes(c content) (set, *Problem) {
	if c.set != nil {
		return *c.set, nil
	}
	tree, known := d.parsed[string(c.octets)]
	if !known {
		var err error
		if tree, err = parse(c.octets, d.limits); err != nil {
			if errors.Is(err, errTooMuch) {
				return set{}, problem(subGeneric, CodeLimit, "the signed file: %v", err)
			}
			return set{}, problem(subFormat, CodeMalformed, "the signed file is to be read as XML: %v", err)
		}
		d.parsed[string(bytes.Clone(c.octets))] = tree
	}
	return set{tops: []*node{tree}, comments: true}, nil
}

// unpack undoes base64 of text.
func (d *document) unpack(c content) (content, *Problem) {
	text := string(c.octets)
	if c.set != nil {
		var b strings.Builder
		for _, top := range c.set.tops {
			top.walk(func(n *node) bool {
				if c.set.without[n] {
					return false
				}
				if n.kind == kindText {
					b.WriteString(n.text)
				}
				return true
			})
		}
		text = b.String()
	}
	out, err := decode64(text)
	if err != nil {
		return c, problem(subFormat, CodeMalformed, "what was signed is to be base64 and is not")
	}
	return content{octets: out, what: c.what, node: c.node}, d.spend(len(out))
}
