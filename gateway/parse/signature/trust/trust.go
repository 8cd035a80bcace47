// Package trust says who vouches for a certificate: the office itself, by files
// that it put there, or a state, by its trusted list (ETSI TS 119 612).
//
// Lists, certificates and revocation lists are imported by hand and lie under
// one folder; nothing is fetched unless the office switched that on and named
// the hosts. What was not checked is said, with the reason.
package trust

import (
	"context"
	"crypto/x509"
	"log/slog"
	"time"

	"kancelaria/registry"
)

// A Question is a certificate with all that came along. The caller knows how
// it was used.
type Question struct {
	Signer       []byte   // certificate
	Certificates [][]byte // others
	CRLs, OCSPs  [][]byte
	// At is the best proof of when the signature was there: an intact
	// timestamp, else the arrival.
	At       time.Time
	Received time.Time
	Mail     bool // the certificate signs mail, not documents
	Stamping bool // it is a time-stamping authority's
}

// An Answer is what is known of a certificate at that time. Reasons are empty
// if it is trusted in every respect.
type Answer struct {
	Reasons    []registry.SignatureReason
	Trust      registry.SignatureTrust
	Chain      []registry.SignatureCert
	Revocation registry.SignatureRevocation
	Warnings   []string
	Store      string // digest over the anchors and lists used
}

// Options of a Store. The zero value asks nobody.
type Options struct {
	Now    func() time.Time
	Log    *slog.Logger
	Online *Online // nil: nothing is fetched
}

// A Store is what the office trusts. It may be asked by many at once.
type Store struct {
	dir     string
	options Options
	held    held
}

// New makes a Store over a folder, which may be empty or not exist yet.
func New(dir string, o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{dir: dir, options: o}
}

// The sub-codes of reasons, as the catalogue has them.
const (
	codeChainUnknown = "chain_unknown"
	codeChainBad     = "chain_bad"
	codeWrongUse     = "wrong_use"
	codeExpired      = "expired"
	codeNotYet       = "not_yet_valid"
	codeWeakDigest   = "weak_digest"
	codeRevoked      = "revoked"
	codeNoRevocation = "revocation_unknown"
	codeUnreadable   = "certificate_unreadable"
)

// most of what came along that is looked at.
const (
	mostCertificates = 300
	mostRevocation   = 300
)

// Answer judges a certificate at a time. It is bounded by ctx; what there was
// no time for counts as not checked.
func (s *Store) Answer(ctx context.Context, q Question) Answer {
	k := s.known()
	a := Answer{Store: k.digest, Trust: registry.SignatureTrust{State: registry.Untrusted, Qualified: registry.QualifiedUnknown}}
	a.Revocation = registry.SignatureRevocation{State: registry.RevocationNotChecked, Source: "none"}
	signer, err := x509.ParseCertificate(q.Signer)
	if err != nil {
		a.doubt(registry.CertificateChainFailure, codeUnreadable, err.Error())
		return a
	}
	chain, why := k.chain(signer, q)
	a.Chain = said(chain)
	if why != nil {
		a.Reasons = append(a.Reasons, *why)
	}
	if len(chain) < 2 && !k.isAnchor(signer, q.Stamping) {
		a.Chain = said([]*x509.Certificate{signer})
		return a
	}
	if !allowed(signer, q) {
		a.doubt(registry.ChainConstraintsFailure, codeWrongUse, "its key usage does not permit this")
	}
	a.Trust.Anchor = nameOf(chain[len(chain)-1].Subject)
	k.qualify(&a, signer, chain, q, s.options.Now())
	s.revocation(ctx, k, &a, chain, q)
	if len(a.Reasons) == 0 || onlyRevocationUnknown(a.Reasons) {
		a.Trust.State = registry.Trusted
	}
	return a
}

// onlyRevocationUnknown reports whether the name stands and only its
// revocation is open: who signed is known then.
func onlyRevocationUnknown(all []registry.SignatureReason) bool {
	for _, r := range all {
		if r.Code != codeNoRevocation {
			return false
		}
	}
	return true
}

func (a *Answer) doubt(reason, code, note string) {
	a.Reasons = append(a.Reasons, registry.SignatureReason{Verdict: registry.Indeterminate, Reason: reason, Code: code, Note: note})
}

// said names the certificates of a chain, the signer's first.
func said(chain []*x509.Certificate) (out []registry.SignatureCert) {
	for _, c := range chain {
		out = append(out, registry.SignatureCert{
			Subject: nameOf(c.Subject), Issuer: nameOf(c.Issuer), Serial: c.SerialNumber.Text(16),
			NotBefore: c.NotBefore, NotAfter: c.NotAfter, Digest: digestOf(c.Raw),
		})
	}
	return out
}
