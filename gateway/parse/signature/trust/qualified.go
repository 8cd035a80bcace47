package trust

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// Identifiers of certificates.
var (
	idStatements           = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3} // RFC 3739
	idDocumentSigning      = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36}
	idDocumentSigningMS    = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 10, 3, 12}
	idDocumentSigningAdobe = asn1.ObjectIdentifier{1, 2, 840, 113583, 1, 1, 5}
)

// The statements of EN 319 412-5.
type statements struct {
	qualified, device, seal, website, signature bool
}

func readStatements(c *x509.Certificate) (s statements) {
	for _, e := range c.Extensions {
		if !e.Id.Equal(idStatements) {
			continue
		}
		var all []struct {
			ID   asn1.ObjectIdentifier
			Info asn1.RawValue `asn1:"optional"`
		}
		if _, err := asn1.Unmarshal(e.Value, &all); err != nil {
			continue
		}
		for _, one := range all {
			switch one.ID.String() {
			case "0.4.0.1862.1.1":
				s.qualified = true
			case "0.4.0.1862.1.4":
				s.device = true
			case "0.4.0.1862.1.6":
				var types []asn1.ObjectIdentifier
				if _, err := asn1.Unmarshal(one.Info.FullBytes, &types); err == nil {
					s.types(types)
				}
			}
		}
	}
	return s
}

func (s *statements) types(all []asn1.ObjectIdentifier) {
	for _, t := range all {
		switch t.String() {
		case "0.4.0.1862.1.6.1":
			s.signature = true
		case "0.4.0.1862.1.6.2":
			s.seal = true
		case "0.4.0.1862.1.6.3":
			s.website = true
		}
	}
}

// apply lets the qualifiers of the list overrule the certificate: the list
// knows better (TS 119 615 § 4.4).
func (s statements) apply(qualifiers []string) statements {
	for _, q := range qualifiers {
		switch q {
		case "QCStatement":
			s.qualified = true
		case "NotQualified":
			s.qualified = false
			return s
		case "QCWithSSCD", "QCWithQSCD":
			s.device = true
		case "QCNoSSCD", "QCNoQSCD":
			s.device = false
		case "QCForESig":
			s.signature, s.seal = true, false
		case "QCForESeal":
			s.seal, s.signature = true, false
		case "QCForWSA":
			s.website, s.signature, s.seal = true, false, false
		}
	}
	return s
}

// qualify says what a signature counts as, by what the list held when it was
// made and when the certificate was issued.
func (k *known) qualify(a *Answer, signer *x509.Certificate, chain []*x509.Certificate, q Question, now time.Time) {
	kind := "CA/QC"
	if q.Stamping {
		kind = "TSA/QTST"
	}
	on, sv := k.serviceFor(chain, kind)
	if sv == nil {
		a.Trust.Source, a.Trust.Qualified = "office", registry.AdES
		if on != nil {
			a.Trust.Source = on.source()
		}
		if isIdentityCard(chain) {
			a.Trust.Qualified = registry.PodpisOsobisty
		}
		return
	}
	a.Trust.Source = on.source()
	if !on.NextUpdate.IsZero() && now.After(on.NextUpdate) {
		a.Warnings = append(a.Warnings, "list_stale")
	}
	then, known := sv.at(q.At)
	if !known {
		a.Trust.Qualified, a.Trust.OnList = registry.NotQualified, "not yet on the list"
		a.doubt(registry.NoCertificateChainFound, codeChainUnknown, sv.Name+" was not yet on the list")
		return
	}
	if !then.granted() {
		a.doubt(registry.ChainConstraintsFailure, codeChainBad, fmt.Sprintf("%s: %s since %s", sv.Name, then.Status, then.Since.Format(time.DateOnly)))
	}
	a.Trust.OnList = fmt.Sprintf("%s since %s (%s)", then.Status, then.Since.Format(time.DateOnly), sv.Name)
	a.Trust.Qualified = qualifiedAs(signer, sv, then, q)
}

func qualifiedAs(signer *x509.Certificate, sv *service, then state, q Question) string {
	if !then.granted() {
		if slices.ContainsFunc(sv.States, state.granted) {
			return registry.QualifiedLapsed
		}
		return registry.NotQualified
	}
	if q.Stamping {
		return registry.AdESQC
	}
	issued, known := sv.at(signer.NotBefore)
	if !known || !issued.granted() {
		return registry.NotQualified
	}
	s := readStatements(signer).apply(then.qualifiers(signer))
	eIDAS := time.Date(2016, 7, 1, 0, 0, 0, 0, time.UTC)
	if !s.signature && !s.seal && !s.website && (signer.NotBefore.Before(eIDAS) || s.qualified) {
		s.signature = true // before eIDAS, and by EN 319 412-5 without a type, for signatures
	}
	switch {
	case !s.qualified || s.website:
		return registry.AdES
	case s.seal && !s.signature && s.device:
		return registry.QESeal
	case s.signature && s.device:
		return registry.QESig
	}
	return registry.AdESQC
}

// serviceFor finds the service that stands for a certificate of a chain,
// nearest to the signer.
func (k *known) serviceFor(chain []*x509.Certificate, kind string) (*list, *service) {
	var other *list
	for i, c := range chain {
		if i == 0 && kind != "TSA/QTST" && len(chain) > 1 {
			continue // who signs letters is no service
		}
		for _, l := range k.lists {
			for j := range l.Services {
				sv := &l.Services[j]
				if !sv.is(c) {
					continue
				}
				if slices.ContainsFunc(sv.States, func(s state) bool { return s.Type == kind }) {
					return l, sv
				}
				other = l
			}
		}
	}
	return other, nil
}

// is reports whether a certificate is the service's: itself, or another one of
// the same name and key.
func (s *service) is(c *x509.Certificate) bool {
	return slices.ContainsFunc(s.Certificates, func(own *x509.Certificate) bool {
		return own.Equal(c) || bytes.Equal(own.RawSubject, c.RawSubject) && bytes.Equal(own.RawSubjectPublicKeyInfo, c.RawSubjectPublicKeyInfo)
	})
}

func (l *list) source() string { return fmt.Sprintf("list:%s:%d", l.Territory, l.Sequence) }

// isIdentityCard knows the authorities of the Polish identity card by their
// names; they are trusted only if the office or a list says so.
func isIdentityCard(chain []*x509.Certificate) bool {
	return len(chain) > 1 && strings.HasPrefix(chain[1].Subject.CommonName, "PL.ID ")
}
