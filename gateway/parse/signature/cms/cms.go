// Package cms says what a CMS (RFC 5652) proves: for each signer whether the
// signed bytes are as they were signed, with whose certificate, and which
// timestamps and revocation data came along.
//
// It trusts nobody: chains, revocation and the law are for the room's hall. An
// algorithm it does not know is doubt, never failure.
package cms

import (
	"context"
	"errors"
	"io"
	"time"

	"kancelaria/registry"
)

// Limits bound what one CMS may cost. Zero fields take the defaults.
type Limits struct {
	Size         int // bytes of the CMS; default 32 MiB
	Signers      int // default 20
	Certificates int // default 200
	Attributes   int // of one signer; default 200
	Revocation   int // lists and answers; default 200
	Timestamps   int // of one signer; default 20
}

func (l Limits) withDefaults() Limits {
	set := func(at *int, n int) {
		if *at <= 0 {
			*at = n
		}
	}
	set(&l.Size, 32<<20)
	set(&l.Signers, 20)
	set(&l.Certificates, 200)
	set(&l.Attributes, 200)
	set(&l.Revocation, 200)
	set(&l.Timestamps, 20)
	return l
}

// A Content opens what a detached signature covers. It may be asked again.
type Content func() (io.ReadCloser, error)

// Options say beside what the CMS stands.
type Options struct {
	// Contents are the readings of the detached content, the likeliest first:
	// the bytes as they came, then with line ends corrected. None: the content
	// is expected inside.
	Contents []Content
	// Known are the SHA-256 of Contents, as far as they are known already.
	Known [][32]byte
	// Digested: what is inside is the SHA-1 of the content (adbe.pkcs7.sha1).
	Digested bool
	// Certificates are known from elsewhere; those inside come first.
	Certificates [][]byte
	Limits       Limits

	nested int // depth of timestamps within timestamps
}

// A Result is what a CMS shows.
type Result struct {
	// Reasons concern the CMS as a whole: it cannot be read, nobody signed.
	Reasons      []registry.SignatureReason
	ContentType  string // object identifier, dotted
	Content      []byte // what is inside, nil if it is detached
	Signers      []Signer
	Certificates []*Certificate
	CRLs         [][]byte
	OCSPs        [][]byte // responses or basic responses, as they stand
	Encrypted    bool     // enveloped data: nothing to be checked without a key
	Trailing     int      // bytes behind its end, other than zeros
	Limits       []string // limits that were met
}

// A Signer is one SignerInfo.
type Signer struct {
	// Reasons is empty if all that can be checked here is as it should be.
	Reasons  []registry.SignatureReason
	Warnings []string
	Intact   string // as registry.SignatureReport.Intact

	Certificate *Certificate // nil if it is not there
	Digest      string       // algorithm names, for people
	Algorithm   string
	// Named says whether the signed attributes name the certificate
	// (signing-certificate, v1 or v2), as an advanced signature does.
	Named       bool
	SigningTime time.Time
	ContentType string // as the signed attribute says
	Reading     int    // which of Options.Contents it covers
	Policy      string // object identifier of a signature policy
	Timestamps  []Timestamp
	Counter     []Signer // countersignatures over this one's value
	Level       string   // as seen: none, B-B, B-T, B-LT, B-LTA
	Value       []byte   // the signature value
	Covered     bool     // the content is what was signed
}

// errLimit is met where something is too large or too many.
var errLimit = errors.New("limit reached")

// Check reads and checks a CMS. It gives no error: what is wrong with the bytes
// is the result.
func Check(ctx context.Context, blob []byte, o Options) Result {
	o.Limits = o.Limits.withDefaults()
	if len(blob) > o.Limits.Size {
		return Result{Limits: []string{"cms_size"}, Reasons: []registry.SignatureReason{doubt(registry.Generic, "limit", "larger than what is read")}}
	}
	sd, err := parse(blob, o.Limits)
	switch {
	case errors.Is(err, errLimit):
		return Result{Limits: []string{"cms_structure"}, Reasons: []registry.SignatureReason{doubt(registry.Generic, "limit", err.Error())}}
	case errors.Is(err, errEncrypted):
		return Result{Encrypted: true, Reasons: []registry.SignatureReason{doubt(registry.Generic, "encrypted", "")}}
	case err != nil:
		return Result{Reasons: []registry.SignatureReason{failure(registry.FormatFailure, "malformed", err.Error())}}
	}
	return sd.check(ctx, o)
}

func (sd *signedData) check(ctx context.Context, o Options) Result {
	r := Result{
		ContentType: sd.contentType, Content: sd.content, Certificates: sd.certificates,
		CRLs: sd.crls, OCSPs: sd.ocsps, Trailing: sd.trailing,
	}
	if len(sd.signers) == 0 {
		r.Reasons = append(r.Reasons, failure(registry.FormatFailure, "no_signer", "no SignerInfo"))
		return r
	}
	contents, reason := sd.contents(o)
	if reason != nil {
		r.Reasons = append(r.Reasons, *reason)
	}
	sums := &digests{contents: contents}
	if sd.content == nil {
		sums.know(o.Known)
	}
	pool := sd.pool(o)
	for i := range sd.signers {
		if ctx.Err() != nil {
			r.Signers = append(r.Signers, late())
			continue
		}
		c := checking{ctx: ctx, o: o, sd: sd, info: &sd.signers[i], sums: sums, pool: pool}
		r.Signers = append(r.Signers, c.signer())
	}
	r.Certificates, r.CRLs, r.OCSPs, r.Limits = sd.certificates, sd.crls, sd.ocsps, sd.limits // with what the signers brought
	return r
}

// contents gives what is signed: what stands outside if that is given, else
// what is inside. If both are there they must be the same (RFC 5652 § 5.2 knows
// one of them only): a reader shows the one, a checker might hash the other.
func (sd *signedData) contents(o Options) ([]Content, *registry.SignatureReason) {
	inside := inMemory(sd.content)
	switch {
	case len(o.Contents) == 0 && sd.content == nil:
		return nil, nil
	case len(o.Contents) == 0:
		return []Content{inside}, nil
	case sd.content == nil:
		return o.Contents, nil
	case o.Digested:
		if !sameDigest(sd.content, o.Contents[0]) {
			return []Content{inside}, new(failure(registry.HashFailure, "content_changed", "the SHA-1 inside is not that of the content"))
		}
		return []Content{inside}, nil
	}
	for _, c := range o.Contents {
		if sameBytes(sd.content, c) {
			return o.Contents, nil
		}
	}
	return o.Contents, new(failure(registry.SigConstraintsFailure, "content_beside", "content inside differs from what it stands beside"))
}

func late() Signer {
	return Signer{Intact: registry.SignatureUnchecked, Reasons: []registry.SignatureReason{doubt(registry.NotChecked, "not_yet", "no time left")}}
}

func failure(reason, code, note string) registry.SignatureReason {
	return registry.SignatureReason{Verdict: registry.TotalFailed, Reason: reason, Code: code, Note: note}
}

func doubt(reason, code, note string) registry.SignatureReason {
	return registry.SignatureReason{Verdict: registry.Indeterminate, Reason: reason, Code: code, Note: note}
}
