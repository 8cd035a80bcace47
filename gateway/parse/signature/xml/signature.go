package xml

import (
	"crypto"
	"slices"
)

// signatures checks all there are, countersignatures too.
func (d *document) signatures() *Document {
	out := &Document{Root: d.tree.root().local}
	var found []*node
	d.tree.walk(func(n *node) bool {
		if n.is(spaceDS, "Signature") {
			found = append(found, n)
		}
		return true
	})
	if len(found) > d.limits.Signatures {
		d.hit = append(d.hit, "more than "+itoa(d.limits.Signatures)+" signatures")
		found = found[:d.limits.Signatures]
	}
	for _, n := range found {
		if d.stop() != nil {
			d.hit = append(d.hit, "there was no time to check all signatures")
			break
		}
		out.Signatures = append(out.Signatures, d.signature(n))
	}
	out.LimitsHit = d.hit
	return out
}

// A check is one signature while it is checked.
type check struct {
	d     *document
	el    *node // ds:Signature
	info  *node // ds:SignedInfo
	value []byte
	sig   *Signature

	octets     []byte  // the canonical SignedInfo
	nodes      []*node // what each reference led to
	unnamed    bool    // no certificate that came along is the one that was signed
	properties *node   // the signed properties, once a reference led to them
	candidates [][]byte
}

func (d *document) signature(el *node) Signature {
	s := Signature{ID: el.attr("Id"), Path: el.path(), Covers: CoversPart}
	c := &check{d: d, el: el, sig: &s}
	if p := c.structure(); p != nil {
		s.Problem = p
		return s
	}
	c.references()
	c.certificates()
	p := c.qualify()
	if q := c.crypto(); worse(q, p) {
		p = q
	}
	for _, r := range s.References {
		if !r.absent() && worse(r.Problem, p) {
			p = r.Problem
		}
	}
	s.Problem = p
	c.timestamps()
	c.objects()
	c.coverage()
	s.Level = c.level()
	return s
}

// worse orders problems: what proves a forgery comes before what only could
// not be checked.
func worse(a, b *Problem) bool {
	if a == nil {
		return false
	}
	order := []string{subFormat, subHash, subCrypto, subNotFound, subNoCert, subConstraint, subGeneric}
	return b == nil || slices.Index(order, a.Sub) < slices.Index(order, b.Sub)
}

// structure finds the parts, each of which must be there once.
func (c *check) structure() *Problem {
	c.info = c.el.child(spaceDS, "SignedInfo")
	if c.info == nil || len(c.el.children(spaceDS, "SignedInfo")) != 1 || len(c.el.children(spaceDS, "SignatureValue")) != 1 || len(c.el.children(spaceDS, "KeyInfo")) > 1 {
		return problem(subFormat, CodeStructure, "a signature must have SignedInfo and SignatureValue once")
	}
	var err error
	if c.value, err = base64Text(c.el.child(spaceDS, "SignatureValue")); err != nil || len(c.value) == 0 {
		return problem(subFormat, CodeStructure, "the signature has no value")
	}
	refs := c.info.children(spaceDS, "Reference")
	if len(refs) == 0 {
		return problem(subFormat, CodeStructure, "the signature refers to nothing")
	}
	if len(refs) > c.d.limits.References {
		c.d.hit = append(c.d.hit, "more than "+itoa(c.d.limits.References)+" references")
		return problem(subGeneric, CodeLimit, "the signature has %d references, more than %d", len(refs), c.d.limits.References)
	}
	if c.sig.ID != "" && len(c.d.ids[c.sig.ID]) > 1 {
		return problem(subFormat, CodeDuplicate, "%d elements have the Id %q of the signature", len(c.d.ids[c.sig.ID]), c.sig.ID)
	}
	c.sig.SignatureAlgorithm = c.info.child(spaceDS, "SignatureMethod").attrOf("Algorithm")
	return nil
}

// references checks digests. A manifest's own references count too: the files
// are signed through it.
func (c *check) references() {
	for _, el := range c.info.children(spaceDS, "Reference") {
		r := c.d.reference(el, c.el)
		target, p := c.d.target(el, c.el)
		if p == nil && r.OK {
			c.nodes = append(c.nodes, target.node)
			if isProperties(target.node) && c.properties == nil {
				c.properties = target.node
			}
			if r.What == WhatManifest {
				c.manifest(target.node)
			}
		} else {
			c.nodes = append(c.nodes, nil)
		}
		c.sig.References = append(c.sig.References, r)
	}
	for _, r := range c.sig.References {
		if !slices.Contains(c.sig.DigestAlgorithms, r.DigestAlgorithm) {
			c.sig.DigestAlgorithms = append(c.sig.DigestAlgorithms, r.DigestAlgorithm)
		}
		if digestOf(r.DigestAlgorithm) == crypto.SHA1 {
			c.weak("SHA-1")
		}
	}
}

// absent reports whether a manifest lists a file that did not come along. The
// list itself is signed (XMLDSig § 5.1 leaves its entries to the application):
// the file is then not covered, and said to be missing.
func (r Reference) absent() bool {
	return r.Listed && r.Problem != nil && r.Problem.Sub == subNotFound
}

func (c *check) manifest(n *node) {
	refs := n.children(spaceDS, "Reference")
	if len(refs)+len(c.sig.References) > c.d.limits.References {
		c.d.hit = append(c.d.hit, "more than "+itoa(c.d.limits.References)+" references")
		return
	}
	for _, el := range refs {
		r := c.d.reference(el, c.el)
		r.Listed = true
		c.sig.References = append(c.sig.References, r)
		c.nodes = append(c.nodes, nil)
		if target, p := c.d.target(el, c.el); p == nil && r.OK {
			c.nodes[len(c.nodes)-1] = target.node
		}
	}
}

func (c *check) weak(what string) {
	if what != "" && !slices.Contains(c.sig.Weak, what) {
		c.sig.Weak = append(c.sig.Weak, what)
	}
}

// certificates collects what came along; which one is the signer's is decided
// later.
func (c *check) certificates() {
	add := func(n *node) {
		if der, err := base64Text(n); err == nil && len(der) > 0 && len(c.candidates) < 200 {
			c.candidates = append(c.candidates, der)
		}
	}
	for _, data := range c.el.child(spaceDS, "KeyInfo").children(spaceDS, "X509Data") {
		for _, n := range data.children(spaceDS, "X509Certificate") {
			add(n)
		}
		for _, n := range data.children(spaceDS, "X509CRL") {
			if der, err := base64Text(n); err == nil {
				c.sig.CRLs = append(c.sig.CRLs, der)
			}
		}
	}
	c.unsigned(func(n *node) {
		switch n.local {
		case "EncapsulatedX509Certificate":
			add(n)
		case "EncapsulatedOCSPValue":
			if der, err := base64Text(n); err == nil && len(c.sig.OCSPs) < 200 {
				c.sig.OCSPs = append(c.sig.OCSPs, der)
			}
		case "EncapsulatedCRLValue":
			if der, err := base64Text(n); err == nil && len(c.sig.CRLs) < 200 {
				c.sig.CRLs = append(c.sig.CRLs, der)
			}
		}
	})
}

// unsigned visits the elements of the unsigned signature properties, but not
// those of countersignatures.
func (c *check) unsigned(visit func(*node)) {
	for _, q := range c.qualifying() {
		for _, u := range q.elements() {
			if u.local != "UnsignedProperties" {
				continue
			}
			u.walk(func(n *node) bool {
				if n.is(spaceDS, "Signature") {
					return false
				}
				if n.kind == kindElement && isXAdES(n.space) {
					visit(n)
				}
				return true
			})
		}
	}
}

// crypto checks the value over SignedInfo, with the certificate that was
// signed if one was, else with the one that fits.
func (c *check) crypto() *Problem {
	algorithm := c.info.child(spaceDS, "SignatureMethod")
	s, h := schemeOf(c.sig.SignatureAlgorithm, algorithm)
	switch {
	case s == schemeHMAC:
		return problem(subNoCert, CodeCertificate, "the signature is made with a shared secret: it names nobody")
	case s == schemeNone || h == 0:
		return problem(subGeneric, CodeUnsupported, "the signature algorithm %q is not supported", c.sig.SignatureAlgorithm)
	}
	if h == crypto.SHA1 {
		c.weak("SHA-1")
	}
	canon := c.info.child(spaceDS, "CanonicalizationMethod")
	m, ok := methodOf(canon.attrOf("Algorithm"), canon)
	if !ok {
		return problem(subGeneric, CodeUnsupported, "the canonicalisation %.80q is not supported", canon.attrOf("Algorithm"))
	}
	var err error
	if c.octets, err = canonical(set{tops: []*node{c.info}, comments: true}, m, c.d.room()); err != nil {
		return c.d.overflow()
	}
	if p := c.d.spend(len(c.octets)); p != nil {
		return p
	}
	return c.value1(s, h)
}

// value1 tries the candidates. A certificate bound by the signed properties
// is the only candidate.
func (c *check) value1(s scheme, h crypto.Hash) *Problem {
	candidates := c.candidates
	if c.sig.Certificate != nil {
		candidates = [][]byte{c.sig.Certificate}
	}
	var unsupported *Problem
	for _, der := range candidates {
		key := publicKey(der)
		ok, p := verify(s, h, key, c.octets, c.value)
		if p != nil {
			unsupported = p
			continue
		}
		if ok {
			c.sig.Certificate = der
			c.weak(weakKey(key))
			c.intact()
			return c.bound()
		}
	}
	c.others()
	switch {
	case len(candidates) == 0:
		return c.bareKey(s, h)
	case unsupported != nil:
		return unsupported
	case c.unnamed:
		return nil // that is the problem: these certificates prove nothing
	}
	if c.sig.Certificate == nil {
		c.sig.Certificate = candidates[0]
		c.others()
	}
	return problem(subCrypto, CodeValue, "the signature value does not fit the certificate that is named")
}

// intact notes the outcome; all digests must fit too.
func (c *check) intact() {
	c.sig.Intact = !slices.ContainsFunc(c.sig.References, func(r Reference) bool { return !r.OK && !r.absent() })
	c.others()
}

func (c *check) others() {
	c.sig.Certificates = nil
	for _, der := range c.candidates {
		if string(der) != string(c.sig.Certificate) {
			c.sig.Certificates = append(c.sig.Certificates, der)
		}
	}
}

// bareKey checks a signature that names nobody, for what it is worth.
func (c *check) bareKey(s scheme, h crypto.Hash) *Problem {
	nobody := problem(subNoCert, CodeCertificate, "no certificate came with the signature: it names nobody")
	key, p := keyValue(c.el.child(spaceDS, "KeyInfo"))
	if p != nil || key == nil {
		return nobody
	}
	ok, p := verify(s, h, key, c.octets, c.value)
	switch {
	case p != nil:
		return p
	case !ok:
		return problem(subCrypto, CodeValue, "the signature value does not fit the key that is named")
	}
	c.intact()
	return nobody
}

// bound checks that the certificate itself was signed: in the properties, or
// because a reference covers KeyInfo. Otherwise anybody could put another
// certificate of the same key there.
func (c *check) bound() *Problem {
	if c.sig.Properties.Bound {
		return nil
	}
	keyInfo := c.el.child(spaceDS, "KeyInfo")
	for _, n := range c.nodes {
		if n != nil && keyInfo != nil && keyInfo.within(n) && n.within(c.el) {
			c.sig.Properties.Bound = true
			return nil
		}
	}
	return problem(subConstraint, CodeCertificate, "the certificate itself was not signed; another one of the same key could stand there")
}

func keyValue(info *node) (crypto.PublicKey, *Problem) {
	if info == nil {
		return nil, nil
	}
	v := info.child(spaceDS, "KeyValue")
	if k := v.child(spaceDS, "RSAKeyValue"); k != nil {
		return rsaKey(k)
	}
	if k := v.child(spaceDS11, "ECKeyValue"); k != nil {
		return ecKey(k)
	}
	return nil, nil
}
