package trust

import (
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"strings"
)

// A rule adds qualifiers to the certificates of a service that fit it
// (TS 119 612 § 5.5.9.2).
type rule struct {
	qualifiers []string
	criteria   xmlCriteria
}

type xmlCriteria struct {
	Assert   string `xml:"assert,attr"`
	KeyUsage []struct {
		Bits []struct {
			Name  string `xml:"name,attr"`
			Value string `xml:",chardata"`
		} `xml:"KeyUsageBit"`
	} `xml:"KeyUsage"`
	Policies []struct {
		Identifiers []string `xml:"PolicyIdentifier>Identifier"`
	} `xml:"PolicySet"`
	Lists []xmlCriteria    `xml:"CriteriaList"`
	Other []xmlOtherFilter `xml:"otherCriteriaList"`
}

// Other criteria: extended key usage and attributes of the name.
type xmlOtherFilter struct {
	Usages     []string `xml:"ExtendedKeyUsage>KeyPurposeId>Identifier"`
	Attributes []string `xml:"CertSubjectDNAttribute>AttributeOID>Identifier"`
}

func (x xmlQualifiedBy) read() rule {
	r := rule{criteria: x.Criteria}
	for _, q := range x.Qualifiers {
		r.qualifiers = append(r.qualifiers, lastOf(q.URI, "/SvcInfoExt/"))
	}
	return r
}

// qualifiers collects those that fit a certificate.
func (s state) qualifiers(c *x509.Certificate) (all []string) {
	for _, r := range s.Rules {
		if r.criteria.fits(c, 0) {
			all = append(all, r.qualifiers...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (x xmlCriteria) fits(c *x509.Certificate, depth int) bool {
	if depth > 8 {
		return false
	}
	var answers []bool
	for _, usage := range x.KeyUsage {
		fits := true
		for _, bit := range usage.Bits {
			mask, known := keyUsageBits(bit.Name)
			fits = fits && known && (strings.TrimSpace(bit.Value) == "true") == (c.KeyUsage&mask != 0)
		}
		answers = append(answers, fits)
	}
	for _, set := range x.Policies {
		fits := len(set.Identifiers) > 0
		for _, id := range set.Identifiers {
			fits = fits && slices.ContainsFunc(c.PolicyIdentifiers, func(p asn1.ObjectIdentifier) bool { return p.String() == oid(id) })
		}
		answers = append(answers, fits)
	}
	for _, inner := range x.Lists {
		answers = append(answers, inner.fits(c, depth+1))
	}
	for _, o := range x.Other {
		answers = append(answers, o.fits(c))
	}
	all, any := !slices.Contains(answers, false), slices.Contains(answers, true)
	switch x.Assert {
	case "all":
		return all
	case "none":
		return !any
	}
	return any
}

func (o xmlOtherFilter) fits(c *x509.Certificate) bool {
	for _, id := range o.Usages {
		if !slices.ContainsFunc(usagesOf(c), func(u string) bool { return u == oid(id) }) {
			return false
		}
	}
	for _, id := range o.Attributes {
		found := false
		for _, n := range c.Subject.Names {
			found = found || n.Type.String() == oid(id)
		}
		if !found {
			return false
		}
	}
	return len(o.Usages)+len(o.Attributes) > 0
}

// oid strips what some lists put before an identifier.
func oid(s string) string { return strings.TrimPrefix(strings.TrimSpace(s), "urn:oid:") }

func usagesOf(c *x509.Certificate) (all []string) {
	for _, u := range c.UnknownExtKeyUsage {
		all = append(all, u.String())
	}
	for _, u := range c.ExtKeyUsage {
		switch u {
		case x509.ExtKeyUsageClientAuth:
			all = append(all, "1.3.6.1.5.5.7.3.2")
		case x509.ExtKeyUsageEmailProtection:
			all = append(all, "1.3.6.1.5.5.7.3.4")
		case x509.ExtKeyUsageTimeStamping:
			all = append(all, "1.3.6.1.5.5.7.3.8")
		}
	}
	return all
}

func keyUsageBits(name string) (x509.KeyUsage, bool) {
	bit, ok := map[string]x509.KeyUsage{
		"digitalSignature": x509.KeyUsageDigitalSignature, "nonRepudiation": x509.KeyUsageContentCommitment,
		"keyEncipherment": x509.KeyUsageKeyEncipherment, "dataEncipherment": x509.KeyUsageDataEncipherment,
		"keyAgreement": x509.KeyUsageKeyAgreement, "keyCertSign": x509.KeyUsageCertSign, "crlSign": x509.KeyUsageCRLSign,
		"encipherOnly": x509.KeyUsageEncipherOnly, "decipherOnly": x509.KeyUsageDecipherOnly,
	}[name]
	return bit, ok
}
