package trust

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"

	"kancelaria/registry"
)

// A finding is what one answer or list says of one certificate.
type finding struct {
	revoked bool
	at      time.Time // of revocation
	as      time.Time // thisUpdate
	fresh   bool      // it speaks of the time that matters
	source  string
}

// revocation asks for the signer and each authority below the anchor.
func (s *Store) revocation(ctx context.Context, k *known, a *Answer, chain []*x509.Certificate, q Question) {
	if len(chain) < 2 { // the anchor itself: who put it there answers for it
		a.Revocation = registry.SignatureRevocation{State: registry.RevocationGood, Source: "none"}
		return
	}
	said := material(q, k)
	for i := range chain[:len(chain)-1] {
		c, issuer := chain[i], chain[i+1]
		f, ok := said.about(c, issuer, q.At)
		if (!ok || !f.fresh && !f.revoked) && s.options.Online != nil {
			if more, fetched := s.options.Online.ask(ctx, c, issuer, q.At); fetched {
				f, ok = more, true
			}
		}
		s.weigh(a, i, c, f, ok, q)
	}
}

// weigh draws the conclusion from one finding.
func (s *Store) weigh(a *Answer, place int, c *x509.Certificate, f finding, ok bool, q Question) {
	r := registry.SignatureRevocation{State: registry.RevocationNotChecked, Source: "none"}
	switch {
	case ok && f.revoked && !f.at.After(q.At):
		r = registry.SignatureRevocation{State: registry.RevocationRevoked, Source: f.source, As: f.as, At: f.at}
		why := registry.SignatureReason{
			Verdict: registry.Indeterminate, Reason: registry.RevokedNoPOE, Code: codeRevoked,
			Note: fmt.Sprintf("%s was revoked on %s", nameOf(c.Subject), f.at.Format(time.RFC3339)),
		}
		switch {
		case place > 0:
			why.Reason = registry.RevokedCANoPOE
		case q.At.Before(q.Received): // a time stamp, and even that is later
			why.Verdict, why.Reason = registry.TotalFailed, registry.Revoked
		}
		a.Reasons = append(a.Reasons, why)
	case ok && (f.fresh || f.revoked):
		r = registry.SignatureRevocation{State: registry.RevocationGood, Source: f.source, As: f.as}
		if f.revoked {
			r.At = f.at // only later
		}
	case ok:
		r = registry.SignatureRevocation{State: registry.RevocationStale, Source: f.source, As: f.as}
		a.doubt(registry.TryLater, codeNoRevocation, "no list of "+nameOf(c.Issuer)+" newer than "+f.as.Format(time.DateOnly))
	default:
		a.doubt(registry.TryLater, codeNoRevocation, "no revocation list of "+nameOf(c.Issuer))
	}
	if place == 0 || r.State != registry.RevocationGood && a.Revocation.State == registry.RevocationGood {
		a.Revocation = r
	}
}

// revocations are answers and lists to look in.
type revocations struct {
	crls  []sourced[*x509.RevocationList]
	ocsps []sourced[[]byte]
}

type sourced[T any] struct {
	value  T
	source string
}

func material(q Question, k *known) (r revocations) {
	for _, der := range q.CRLs[:min(len(q.CRLs), mostRevocation)] {
		if crl, err := x509.ParseRevocationList(der); err == nil {
			r.crls = append(r.crls, sourced[*x509.RevocationList]{crl, "embedded"})
		}
	}
	for _, crl := range k.crls {
		r.crls = append(r.crls, sourced[*x509.RevocationList]{crl, "imported"})
	}
	for _, der := range q.OCSPs[:min(len(q.OCSPs), mostRevocation)] {
		r.ocsps = append(r.ocsps, sourced[[]byte]{der, "embedded"})
	}
	return r
}

// about gives the best of what is said of a certificate: a revocation before
// the time that matters first, then what is fresh, then what is newest.
func (r revocations) about(c, issuer *x509.Certificate, at time.Time) (best finding, ok bool) {
	consider := func(f finding, source string) {
		f.source = source
		if !ok || f.revoked && !best.revoked || f.revoked == best.revoked && (f.fresh && !best.fresh || f.fresh == best.fresh && f.as.After(best.as)) {
			best, ok = f, true
		}
	}
	for _, one := range r.crls {
		if f, said := inCRL(one.value, c, issuer, at); said {
			consider(f, one.source)
		}
	}
	for _, one := range r.ocsps {
		if f, said := inOCSP(one.value, c, issuer, at); said {
			consider(f, one.source)
		}
	}
	return best, ok
}

// fresh reports whether something issued from a time on until another speaks
// of at: it was good then, or was issued later and still knows the past.
func fresh(from, until, at time.Time) bool {
	if !from.Before(at) {
		return true
	}
	if until.IsZero() {
		return at.Sub(from) <= 24*time.Hour
	}
	return !at.After(until)
}

// inCRL looks a certificate up. The list must be the issuer's own and complete:
// an indirect, a partial or a delta list says nothing of who is not on it.
func inCRL(crl *x509.RevocationList, c, issuer *x509.Certificate, at time.Time) (finding, bool) {
	if !bytes.Equal(crl.RawIssuer, issuer.RawSubject) || crl.CheckSignatureFrom(issuer) != nil {
		return finding{}, false
	}
	f := finding{as: crl.ThisUpdate, fresh: fresh(crl.ThisUpdate, crl.NextUpdate, at)}
	for _, e := range crl.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(c.SerialNumber) == 0 && e.ReasonCode != removeFromCRL {
			f.revoked, f.at = true, e.RevocationTime
			return f, true
		}
	}
	if partial(crl, c) {
		return finding{}, false
	}
	return f, true
}

const removeFromCRL = 8

var (
	idDelta        = asn1.ObjectIdentifier{2, 5, 29, 27}
	idDistribution = asn1.ObjectIdentifier{2, 5, 29, 28}
)

// partial reports whether a list may leave this certificate out.
func partial(crl *x509.RevocationList, c *x509.Certificate) bool {
	for _, e := range crl.Extensions {
		switch {
		case e.Id.Equal(idDelta):
			return true
		case e.Id.Equal(idDistribution):
			var d struct {
				Point      asn1.RawValue  `asn1:"optional,tag:0"`
				OnlyUsers  bool           `asn1:"optional,tag:1"`
				OnlyCAs    bool           `asn1:"optional,tag:2"`
				Reasons    asn1.BitString `asn1:"optional,tag:3"`
				Indirect   bool           `asn1:"optional,tag:4"`
				Attributes bool           `asn1:"optional,tag:5"`
			}
			if _, err := asn1.Unmarshal(e.Value, &d); err != nil || d.Indirect || d.Attributes || d.Reasons.BitLength > 0 || d.OnlyUsers && c.IsCA || d.OnlyCAs && !c.IsCA {
				return true
			}
			if len(d.Point.Bytes) > 0 && !slices.ContainsFunc(c.CRLDistributionPoints, func(u string) bool { return bytes.Contains(d.Point.Bytes, []byte(u)) }) {
				return true
			}
		case e.Critical:
			return true // something nobody here understands
		}
	}
	return false
}

// inOCSP reads an answer, or a basic answer as it is kept in signatures. It
// must be signed by the issuer, or by whom the issuer made a responder: one
// signed by the certificate itself, or by any other of the issuer, counts for
// nothing.
func inOCSP(der []byte, c, issuer *x509.Certificate, at time.Time) (finding, bool) {
	r, err := ocsp.ParseResponseForCert(der, c, issuer)
	if err != nil {
		if wrapped, ok := wrapBasic(der); ok {
			r, err = ocsp.ParseResponseForCert(wrapped, c, issuer)
		}
	}
	if err != nil || r.Status == ocsp.Unknown {
		return finding{}, false
	}
	if r.Certificate != nil && !r.Certificate.Equal(issuer) {
		if r.Certificate.Equal(c) || !slices.Contains(r.Certificate.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) || r.ProducedAt.Before(r.Certificate.NotBefore) || r.ProducedAt.After(r.Certificate.NotAfter) {
			return finding{}, false
		}
	}
	return finding{revoked: r.Status == ocsp.Revoked, at: r.RevokedAt, as: r.ThisUpdate, fresh: fresh(r.ThisUpdate, r.NextUpdate, at)}, true
}

// wrapBasic makes an OCSPResponse of a BasicOCSPResponse.
func wrapBasic(der []byte) ([]byte, bool) {
	var v asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &v); err != nil || len(rest) > 0 {
		return nil, false
	}
	type responseBytes struct {
		Type     asn1.ObjectIdentifier
		Response []byte
	}
	out, err := asn1.Marshal(struct {
		Status asn1.Enumerated
		Bytes  responseBytes `asn1:"explicit,tag:0"`
	}{0, responseBytes{asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}, der}})
	return out, err == nil
}
