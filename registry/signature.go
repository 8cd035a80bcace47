package registry

import "time"

// A SignatureReport is evidence about one signature. Three answers stand
// apart and are never merged: Intact says whether the signed bytes are as they
// were signed, Signer and Trust who signed and who vouches for that, Covers and
// Coverage what of the delivery was signed at all. Verdict and Reason are the
// words of ETSI EN 319 102-1 for all three together. A later check appends a
// report and never edits one.
type SignatureReport struct {
	Path      string    `json:"path"`
	Format    string    `json:"format"`  // CAdES, PAdES, XAdES, ASiC-S, ASiC-E, SMIME, PGP, …
	Verdict   string    `json:"verdict"` // TOTAL-PASSED, TOTAL-FAILED, INDETERMINATE
	Reason    string    `json:"reason"`  // sub-indication, "" when passed
	Signer    Signer    `json:"signer"`
	Level     string    `json:"level"` // B-B, B-T, B-LT, B-LTA, none: as seen, not as proved
	SignedAt  time.Time `json:"signed_at,omitzero"`
	CheckedAt time.Time `json:"checked_at,omitzero"`
	Covers    string    `json:"covers"` // whole, part, older_revision, files

	Schema    int               `json:"schema,omitempty"` // 1: what follows is filled
	Intact    string            `json:"intact,omitempty"` // intact, broken, unchecked
	Reasons   []SignatureReason `json:"reasons,omitempty"`
	Packaging string            `json:"packaging,omitempty"` // detached, enveloping, enveloped, clear, opaque, inline
	Layer     int               `json:"layer,omitempty"`     // 1 and on: inside what another signature covers
	Identity  string            `json:"identity,omitempty"`  // where the name comes from: certificate, ppzp, reason, pgp_uid

	Coverage   SignatureCoverage   `json:"coverage,omitzero"`
	Chain      []SignatureCert     `json:"chain,omitempty"` // the signer's certificate first
	Trust      SignatureTrust      `json:"trust,omitzero"`
	Times      SignatureTimes      `json:"times,omitzero"`
	Revocation SignatureRevocation `json:"revocation,omitzero"`
	Algorithms []string            `json:"algorithms,omitempty"` // of digest and signature
	Warnings   []string            `json:"warnings,omitempty"`   // codes signature.warning.<code>; they change no verdict
	Limits     []string            `json:"limits_hit,omitempty"`
	Input      Digest              `json:"input,omitzero"` // of the file or part that was looked at
	Policy     string              `json:"policy,omitempty"`
	PolicySum  string              `json:"policy_sha256,omitempty"`
	TrustStore string              `json:"trust_store,omitempty"` // digest over anchors and list sequence numbers
	Software   string              `json:"software,omitempty"`
}

// The main indications of EN 319 102-1.
const (
	TotalPassed   = "TOTAL-PASSED"
	TotalFailed   = "TOTAL-FAILED"
	Indeterminate = "INDETERMINATE"
)

// The sub-indications of EN 319 102-1 that the house gives, and NotChecked for
// what nobody has looked at yet.
const (
	FormatFailure              = "FORMAT_FAILURE"
	HashFailure                = "HASH_FAILURE"
	SigCryptoFailure           = "SIG_CRYPTO_FAILURE"
	Revoked                    = "REVOKED"
	RevokedNoPOE               = "REVOKED_NO_POE"
	RevokedCANoPOE             = "REVOKED_CA_NO_POE"
	Expired                    = "EXPIRED"
	NotYetValid                = "NOT_YET_VALID"
	NoCertificateChainFound    = "NO_CERTIFICATE_CHAIN_FOUND"
	OutOfBoundsNoPOE           = "OUT_OF_BOUNDS_NO_POE"
	OutOfBoundsNotRevoked      = "OUT_OF_BOUNDS_NOT_REVOKED"
	TryLater                   = "TRY_LATER"
	SignedDataNotFound         = "SIGNED_DATA_NOT_FOUND"
	NoSigningCertificateFound  = "NO_SIGNING_CERTIFICATE_FOUND"
	CryptoConstraintsFailure   = "CRYPTO_CONSTRAINTS_FAILURE"
	SigConstraintsFailure      = "SIG_CONSTRAINTS_FAILURE"
	ChainConstraintsFailure    = "CHAIN_CONSTRAINTS_FAILURE"
	CertificateChainFailure    = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
	TimestampOrderFailure      = "TIMESTAMP_ORDER_FAILURE"
	PolicyProcessingError      = "POLICY_PROCESSING_ERROR"
	SignaturePolicyUnavailable = "SIGNATURE_POLICY_NOT_AVAILABLE"
	Generic                    = "GENERIC"
	NotChecked                 = "NOT_CHECKED"
)

// The answers to whether signed bytes are as they were signed.
const (
	SignatureIntact    = "intact"
	SignatureBroken    = "broken"
	SignatureUnchecked = "unchecked"
)

// What a signature covers of the delivery that it came with.
const (
	CoversWhole         = "whole"
	CoversPart          = "part"
	CoversOlderRevision = "older_revision"
	CoversFiles         = "files"
)

// A SignatureReason is one thing that keeps a signature from being simply
// good. Verdict and Reason are what it alone would make of the signature.
type SignatureReason struct {
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
	Code    string `json:"code"`           // signature.because.<code> of the catalogue
	Note    string `json:"note,omitempty"` // English, for the operator
}

// SignatureCoverage says what was signed, part by part.
type SignatureCoverage struct {
	Revision  int      `json:"revision,omitempty"` // of a PDF: the signed one, and how many there are
	Revisions int      `json:"revisions,omitempty"`
	Update    string   `json:"update,omitempty"` // what was done to a PDF after signing: none, allowed, changed, unreadable
	Parts     []string `json:"parts,omitempty"`  // paths or file names that are signed
	Uncovered []string `json:"uncovered,omitempty"`
}

// A SignatureCert is one certificate of a chain as a report names it.
type SignatureCert struct {
	Subject   string    `json:"subject"`
	Issuer    string    `json:"issuer"`
	Serial    string    `json:"serial"`
	NotBefore time.Time `json:"not_before,omitzero"`
	NotAfter  time.Time `json:"not_after,omitzero"`
	Digest    Digest    `json:"sha256,omitzero"`
}

// SignatureTrust says who vouches for the signer.
type SignatureTrust struct {
	State     string `json:"state,omitempty"`  // trusted, untrusted, not_checked
	Anchor    string `json:"anchor,omitempty"` // subject of the certificate that is trusted
	Source    string `json:"source,omitempty"` // office, list:PL:110, keyring
	Qualified string `json:"qualified,omitempty"`
	// OnList says of a trusted list what it held when the signature was made.
	OnList string `json:"on_list,omitempty"`
}

// The states of trust.
const (
	Trusted         = "trusted"
	Untrusted       = "untrusted"
	TrustNotChecked = "not_checked"
)

// What a signature counts as in law (eIDAS and the Polish acts).
const (
	QESig            = "QESig"            // qualified signature
	QESeal           = "QESeal"           // qualified seal
	AdESQC           = "AdES-QC"          // advanced, with a qualified certificate
	AdES             = "AdES"             // advanced
	PodpisZaufany    = "podpis-zaufany"   // by the ministry, for the person named inside
	PodpisOsobisty   = "podpis-osobisty"  // of the identity card
	QualifiedUnknown = "unknown"          // nobody looked, or nobody could tell
	NotQualified     = "not-qualified"    // looked at, and it is not
	QualifiedLapsed  = "qualified-lapsed" // was qualified once, not when it signed
)

// SignatureTimes are the moments that speak of when the signature was made.
type SignatureTimes struct {
	Claimed    time.Time            `json:"claimed,omitzero"` // by the signer: shown, never believed
	Timestamps []SignatureTimestamp `json:"timestamps,omitempty"`
	// Received is when the office had the bytes: its own proof of existence.
	Received time.Time `json:"received,omitzero"`
}

// A SignatureTimestamp is a token of a time-stamping authority (RFC 3161).
type SignatureTimestamp struct {
	Kind      string    `json:"kind"` // signature, content, archive, document
	At        time.Time `json:"at,omitzero"`
	Authority string    `json:"authority,omitempty"`
	State     string    `json:"state"`          // intact, broken, unchecked
	Trust     string    `json:"trust,omitzero"` // as SignatureTrust.State
	Note      string    `json:"note,omitempty"`
}

// SignatureRevocation says whether the certificate was still good, and how
// that is known.
type SignatureRevocation struct {
	State  string    `json:"state,omitempty"`  // good, revoked, not_checked, stale
	Source string    `json:"source,omitempty"` // embedded, imported, online, none
	As     time.Time `json:"this_update,omitzero"`
	At     time.Time `json:"revoked_at,omitzero"`
	Note   string    `json:"note,omitempty"`
}

// The states of revocation.
const (
	RevocationGood       = "good"
	RevocationRevoked    = "revoked"
	RevocationNotChecked = "not_checked"
	RevocationStale      = "stale"
)

// A Signer is whom a certificate names.
type Signer struct {
	Name         string   `json:"name"`
	Email        string   `json:"email"`
	Serial       string   `json:"serial"`
	Issuer       string   `json:"issuer"`
	Emails       []string `json:"emails,omitempty"`
	Person       string   `json:"person,omitempty"` // PESEL or the like, masked
	Organisation string   `json:"organisation,omitempty"`
	Seal         bool     `json:"seal,omitempty"` // of an organisation, not of a person
	Digest       Digest   `json:"sha256,omitzero"`
}

// Because adds a reason and lets it count: a failure outweighs doubt, doubt
// about something seen outweighs what nobody could look up, and of equals the
// first is named.
func (r *SignatureReport) Because(reasons ...SignatureReason) {
	for _, why := range reasons {
		r.Reasons = append(r.Reasons, why)
		if weight(why.Verdict, why.Reason) > weight(r.Verdict, r.Reason) {
			r.Verdict, r.Reason = why.Verdict, why.Reason
		}
	}
}

func weight(verdict, reason string) int {
	switch {
	case verdict == TotalFailed:
		return 3
	case verdict != Indeterminate:
		return 0
	case reason == NoCertificateChainFound || reason == TryLater || reason == NotChecked:
		return 1
	}
	return 2
}
