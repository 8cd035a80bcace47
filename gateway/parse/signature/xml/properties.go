package xml

import (
	"strings"
	"time"
)

// isXAdES knows the namespaces of all versions: 1.1.1 to 1.4.1.
func isXAdES(space string) bool {
	return strings.HasPrefix(space, "http://uri.etsi.org/01903/v1.")
}

func isProperties(n *node) bool {
	return n != nil && n.kind == kindElement && n.local == "SignedProperties" && isXAdES(n.space)
}

// qualifying gives the XAdES properties of this signature: in its own objects,
// and elsewhere if they say they are meant for it.
func (c *check) qualifying() (all []*node) {
	for _, o := range c.el.children(spaceDS, "Object") {
		for _, q := range o.elements() {
			if q.local == "QualifyingProperties" && isXAdES(q.space) {
				all = append(all, q)
			}
		}
	}
	return all
}

// qualify reads the signed properties, from the node a reference led to and
// nowhere else.
func (c *check) qualify() *Problem {
	own := c.qualifying()
	c.sig.XAdES = len(own) > 0 || c.properties != nil
	if p := c.onlyOne(own); p != nil {
		return p
	}
	if p := c.counter(); p != nil {
		return p
	}
	if !c.sig.XAdES {
		return c.strayIdentity()
	}
	if c.properties == nil {
		if c.failedProperties() {
			return nil // the reference's own problem says it better
		}
		return problem(subConstraint, CodeProperties, "the signed properties are not signed: no reference leads to them")
	}
	if q := c.properties.parent; q == nil || q.local != "QualifyingProperties" || !c.properties.within(c.el) && c.sig.ID != strings.TrimPrefix(q.attr("Target"), "#") {
		return problem(subFormat, CodeProperties, "the signed properties belong to another signature")
	}
	c.readProperties()
	if p := c.strayIdentity(); p != nil {
		return p
	}
	return c.signingCertificate()
}

// onlyOne refuses a second set of properties: which one a program shows is a
// matter of luck.
func (c *check) onlyOne(own []*node) *Problem {
	signed := 0
	for _, q := range own {
		for _, k := range q.elements() {
			if isProperties(k) {
				signed++
			}
		}
		// QUIRK: some leave out the "#" (Signature-X-CZ_ICZ-1.xml).
		if target := strings.TrimPrefix(q.attr("Target"), "#"); target != "" && c.sig.ID != "" && target != c.sig.ID {
			return problem(subFormat, CodeProperties, "the properties inside the signature are meant for another one (%s)", target)
		}
	}
	c.el.walk(func(n *node) bool {
		if n != c.el && n.is(spaceDS, "Signature") {
			return false
		}
		if isProperties(n) && !contains(own, n.parent) {
			signed++
		}
		return true
	})
	if len(own) > 1 || signed > 1 {
		return problem(subFormat, CodeProperties, "the signature has signed properties more than once")
	}
	return nil
}

func contains(all []*node, n *node) bool {
	for _, k := range all {
		if k == n {
			return true
		}
	}
	return false
}

// failedProperties reports whether a reference names the properties and its
// digest does not fit, or it leads nowhere.
func (c *check) failedProperties() bool {
	for _, r := range c.sig.References {
		if !r.OK && (r.What == WhatProperties || strings.HasSuffix(r.Type, "#SignedProperties")) {
			return true
		}
	}
	return false
}

// counter checks what a countersignature signs: the value of the signature it
// stands in.
func (c *check) counter() *Problem {
	outer := c.el.parent
	for outer != nil && !outer.is(spaceDS, "Signature") {
		outer = outer.parent
	}
	if outer == nil || c.el.parent.local != "CounterSignature" {
		return nil
	}
	c.sig.Counters = outer.path()
	value := outer.child(spaceDS, "SignatureValue")
	for _, n := range c.nodes {
		if n == value && n != nil {
			return nil
		}
	}
	for _, r := range c.sig.References {
		if !r.OK {
			return nil // that is said already
		}
	}
	return problem(subFormat, CodeCounter, "a countersignature does not sign the signature it stands in")
}

// descend goes down by local names, in any XAdES namespace.
func descend(n *node, names ...string) *node {
	for _, name := range names {
		var next *node
		for _, k := range n.elements() {
			if k.local == name && isXAdES(k.space) {
				next = k
				break
			}
		}
		if n = next; n == nil {
			return nil
		}
	}
	return n
}

func (c *check) readProperties() {
	p := &c.sig.Properties
	sig := descend(c.properties, "SignedSignatureProperties")
	p.SignedAt = instant(descend(sig, "SigningTime").content())
	p.Policy = strings.TrimSpace(descend(sig, "SignaturePolicyIdentifier", "SignaturePolicyId", "SigPolicyId", "Identifier").content())
	for _, name := range []string{"SignatureProductionPlace", "SignatureProductionPlaceV2"} {
		if city := descend(sig, name, "City"); city != nil {
			p.City = strings.TrimSpace(city.content())
		}
	}
	for _, role := range c.roles() {
		if len(role.elements()) == 0 && len(p.Roles) < 20 {
			p.Roles = append(p.Roles, strings.TrimSpace(role.content()))
		}
	}
	data := descend(c.properties, "SignedDataObjectProperties")
	for _, f := range data.elements() {
		switch {
		case f.local == "DataObjectFormat" && len(p.Formats) < 200:
			p.Formats = append(p.Formats, Format{
				Reference:   f.attr("ObjectReference"),
				MediaType:   strings.TrimSpace(descend(f, "MimeType").content()),
				Description: strings.TrimSpace(descend(f, "Description").content()),
			})
		case f.local == "CommitmentTypeIndication" && len(p.Published) < 20:
			p.Published = append(p.Published, strings.TrimSpace(descend(f, "CommitmentTypeId", "Identifier").content()))
		}
	}
}

// roles gives the claimed roles of both versions of the element.
func (c *check) roles() (all []*node) {
	for _, name := range []string{"SignerRole", "SignerRoleV2"} {
		for _, k := range descend(c.properties, "SignedSignatureProperties", name, "ClaimedRoles").elements() {
			if k.local == "ClaimedRole" {
				all = append(all, k)
			}
		}
	}
	return all
}

func instant(s string) time.Time {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// signingCertificate finds the certificate that the properties name. Only the
// digest decides; issuer and serial number repeat what it proves, and are
// written in too many ways to be compared.
func (c *check) signingCertificate() *Problem {
	sig := descend(c.properties, "SignedSignatureProperties")
	var named *node
	for _, name := range []string{"SigningCertificateV2", "SigningCertificate"} {
		for _, k := range sig.elements() {
			if k.local != name || !isXAdES(k.space) {
				continue
			}
			if named != nil && named.local == name {
				return problem(subFormat, CodeProperties, "the signing certificate is named twice")
			}
			if named == nil {
				named = k
			}
		}
	}
	if named == nil {
		return nil // KeyInfo may be signed instead
	}
	first := descend(named, "Cert", "CertDigest")
	method := first.child(spaceDS, "DigestMethod").attrOf("Algorithm")
	digest, err := base64Text(first.child(spaceDS, "DigestValue"))
	h := digestOf(method)
	switch {
	case err != nil:
		return problem(subFormat, CodeProperties, "the signed properties name a certificate without its digest")
	case h == 0:
		return problem(subGeneric, CodeUnsupported, "the digest algorithm %q of the signing certificate is not supported", method)
	case len(c.candidates) == 0:
		return nil
	}
	for _, der := range c.candidates {
		if matches(h, der, digest) {
			c.sig.Certificate = der
			c.sig.Properties.Bound = true
			return nil
		}
	}
	c.unnamed = true
	return problem(subConstraint, CodeCertificate, "the certificate that came along is not the one that was signed")
}
