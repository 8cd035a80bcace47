package trust

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"slices"
	"time"

	"kancelaria/registry"
)

// chain builds the path from a certificate to an anchor at a time, and says
// what is wrong with it in the words of the standard. A path that fails for one
// reason is looked for again without that rule, so that the reason can be
// named.
func (k *known) chain(signer *x509.Certificate, q Question) ([]*x509.Certificate, *registry.SignatureReason) {
	between := x509.NewCertPool()
	var others []*x509.Certificate
	for _, der := range q.Certificates[:min(len(q.Certificates), mostCertificates)] {
		if c, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(c)
			others = append(others, c)
		}
	}
	for _, c := range k.listed {
		between.AddCert(c)
	}
	roots := k.roots
	if q.Stamping {
		roots = k.stamps
	}
	o := x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: q.At, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	leaf := withoutKnownExtensions(signer)
	chains, err := leaf.Verify(o)
	if err == nil {
		return k.best(chains, signer, q.Stamping), nil
	}
	for _, at := range otherTimes(signer, q.At) {
		o.CurrentTime = at
		if chains, errThen := leaf.Verify(o); errThen == nil {
			found := k.best(chains, signer, q.Stamping)
			return found, outOfTime(found, q.At)
		}
	}
	return k.explain(err, signer, others)
}

// withoutKnownExtensions strikes the critical extensions off that are
// understood here although the library does not know them.
func withoutKnownExtensions(c *x509.Certificate) *x509.Certificate {
	if len(c.UnhandledCriticalExtensions) == 0 {
		return c
	}
	copied := *c
	copied.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(c.UnhandledCriticalExtensions), func(id asn1.ObjectIdentifier) bool {
		return id.Equal(idStatements)
	})
	return &copied
}

// otherTimes are moments at which the path may have been good.
func otherTimes(c *x509.Certificate, at time.Time) []time.Time {
	middle := c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 2)
	return []time.Time{c.NotBefore.Add(time.Second), middle, c.NotAfter.Add(-time.Second), at.AddDate(-1, 0, 0), at.AddDate(1, 0, 0)}
}

func outOfTime(chain []*x509.Certificate, at time.Time) *registry.SignatureReason {
	why := registry.SignatureReason{Verdict: registry.Indeterminate, Reason: registry.OutOfBoundsNoPOE, Code: codeExpired}
	for _, c := range chain {
		switch {
		case at.Before(c.NotBefore):
			why.Code, why.Note = codeNotYet, nameOf(c.Subject)+" is valid from "+c.NotBefore.Format(time.DateOnly)
			return &why
		case at.After(c.NotAfter):
			why.Note = nameOf(c.Subject) + " was valid until " + c.NotAfter.Format(time.DateOnly)
			return &why
		}
	}
	return &why
}

// best chooses among the paths: one that ends at what a list or the office
// names next to the signer says most.
func (k *known) best(chains [][]*x509.Certificate, signer *x509.Certificate, stamping bool) []*x509.Certificate {
	best := slices.MinFunc(chains, func(a, b []*x509.Certificate) int { return len(a) - len(b) })
	best = slices.Clone(best)
	best[0] = signer
	for i, c := range best[1:] {
		if k.isAnchor(c, stamping) {
			return best[:i+2]
		}
	}
	return best
}

// explain turns the library's error into a reason.
func (k *known) explain(err error, signer *x509.Certificate, others []*x509.Certificate) ([]*x509.Certificate, *registry.SignatureReason) {
	why := registry.SignatureReason{Verdict: registry.Indeterminate, Reason: registry.NoCertificateChainFound, Code: codeChainUnknown, Note: visible(err.Error())}
	if chain := k.weakChain(signer, others); chain != nil {
		why.Reason, why.Code, why.Note = registry.CryptoConstraintsFailure, codeWeakDigest, "a certificate of the chain is signed with SHA-1 or MD5"
		return chain, &why
	}
	_, unknownAuthority := errors.AsType[x509.UnknownAuthorityError](err)
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case unknownAuthority:
	case isInvalid && invalid.Reason != x509.Expired:
		why.Reason, why.Code = registry.ChainConstraintsFailure, codeChainBad
	case isInvalid:
		why.Reason, why.Code = registry.OutOfBoundsNoPOE, codeExpired
	default:
		why.Reason, why.Code = registry.CertificateChainFailure, codeChainBad
	}
	return nil, &why
}

// weakChain follows issuers whose signatures the library does not look at any
// more. A chain found so is named, never believed.
func (k *known) weakChain(signer *x509.Certificate, others []*x509.Certificate) []*x509.Certificate {
	chain, weak := []*x509.Certificate{signer}, false
	for at := signer; len(chain) < 8; {
		if k.isAnchor(at, false) {
			if weak {
				return chain
			}
			return nil
		}
		var next *x509.Certificate
		for _, c := range slices.Concat(k.anchors, others, k.listed) {
			if !bytes.Equal(c.RawSubject, at.RawIssuer) || slices.Contains(chain, c) {
				continue
			}
			if at.CheckSignatureFrom(c) == nil {
				next = c
				break
			}
			if weaklySigned(at, c) {
				next, weak = c, true
				break
			}
		}
		if next == nil {
			return nil
		}
		chain, at = append(chain, next), next
	}
	return nil
}

func weaklySigned(c, issuer *x509.Certificate) bool {
	key, ok := issuer.PublicKey.(*rsa.PublicKey)
	h := map[x509.SignatureAlgorithm]crypto.Hash{x509.SHA1WithRSA: crypto.SHA1, x509.MD5WithRSA: crypto.MD5}[c.SignatureAlgorithm]
	if !ok || h == 0 || key.N.BitLen() > 8192 {
		return false
	}
	sum := h.New()
	sum.Write(c.RawTBSCertificate)
	return rsa.VerifyPKCS1v15(key, h, sum.Sum(nil), c.Signature) == nil
}

// allowed applies the rules for key usage: what a certificate may do is what
// it says; one for servers or programs signs no letters.
func allowed(c *x509.Certificate, q Question) bool {
	if q.Stamping {
		return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageTimeStamping) && len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 1
	}
	if c.KeyUsage != 0 && c.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return false
	}
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	good := []x509.ExtKeyUsage{x509.ExtKeyUsageAny, x509.ExtKeyUsageEmailProtection}
	if !q.Mail {
		good = append(good, x509.ExtKeyUsageClientAuth) // the usual one of signature cards
	}
	if slices.ContainsFunc(c.ExtKeyUsage, func(u x509.ExtKeyUsage) bool { return slices.Contains(good, u) }) {
		return true
	}
	return slices.ContainsFunc(c.UnknownExtKeyUsage, func(id asn1.ObjectIdentifier) bool {
		return id.Equal(idDocumentSigning) || id.Equal(idDocumentSigningMS) || id.Equal(idDocumentSigningAdobe)
	})
}
