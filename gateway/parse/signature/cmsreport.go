package signature

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"io"
	"slices"
	"time"

	"kancelaria/gateway/parse"
	"kancelaria/gateway/parse/signature/cms"
	"kancelaria/registry"
)

// cmsFile looks at a CMS that is a file, or a letter of its own.
func (l *look) cmsFile(ctx context.Context) {
	blob, ok := l.whole(ctx)
	if !ok {
		return
	}
	blob = unarmoured(blob)
	r := l.checkCMS(ctx, blob, nil)
	switch {
	case r.Encrypted:
		return // no signature: nothing to be told, parse says that it is locked
	case l.Letter != nil:
		l.fromCMS(ctx, blob, r, "SMIME", "opaque")
		return
	case r.ContentType == tstType && len(r.Content) > 0:
		l.format("RFC3161")
		l.doubt(registry.Generic, "unsupported_format", "a timestamp and no signature")
		return
	case r.Content != nil && l.Content == nil:
		l.fromCMS(ctx, blob, r, "CAdES", "enveloping")
		return
	case l.Content != nil:
		r = l.checkCMS(ctx, blob, []cms.Content{opening(ctx, l.Content)})
	case len(r.Signers) > 0:
		l.pairCMS(ctx, blob, r)
		return
	}
	l.fromCMS(ctx, blob, r, "CAdES", "detached")
}

const tstType = "1.2.840.113549.1.9.16.1.4"

// pairCMS looks among the siblings for what a detached signature covers. The
// digest decides: a name is only what somebody wrote.
func (l *look) pairCMS(ctx context.Context, blob []byte, without cms.Result) {
	for _, s := range l.Siblings {
		r := l.checkCMS(ctx, blob, []cms.Content{opening(ctx, s.Open)}, s.Digest)
		if slices.ContainsFunc(r.Signers, func(s cms.Signer) bool { return s.Covered }) {
			from := len(l.reports)
			l.fromCMS(ctx, blob, r, "CAdES", "detached")
			l.paired(from, s.Path)
			return
		}
		if ctx.Err() != nil {
			break
		}
	}
	l.fromCMS(ctx, blob, without, "CAdES", "detached")
}

// paired notes which file the reports since from are about.
func (l *look) paired(from int, path string) {
	for i := range l.reports[from:] {
		r := &l.reports[from+i]
		r.Coverage.Parts = append(r.Coverage.Parts, path)
		r.Warnings = append(r.Warnings, "paired")
	}
}

// detachedMail looks at multipart/signed: over the bytes as they came, then
// with line ends corrected, which some relay may have changed.
func (l *look) detachedMail(ctx context.Context) {
	blob, ok := l.whole(ctx)
	if !ok {
		return
	}
	exact := opening(ctx, l.Content)
	r := l.checkCMS(ctx, blob, []cms.Content{exact, canonical(exact)})
	l.fromCMS(ctx, blob, r, "SMIME", "clear")
}

func (l *look) checkCMS(ctx context.Context, blob []byte, contents []cms.Content, known ...registry.Digest) cms.Result {
	o := cms.Options{Contents: contents, Limits: l.c.Limits.CMS}
	for _, d := range known {
		o.Known = append(o.Known, d)
	}
	return cms.Check(ctx, blob, o)
}

// opening makes a content of what opens with a context.
func opening(ctx context.Context, open func(context.Context) (io.ReadCloser, error)) cms.Content {
	return func() (io.ReadCloser, error) { return open(ctx) }
}

// fromCMS draws the reports of a checked CMS.
func (l *look) fromCMS(ctx context.Context, blob []byte, r cms.Result, format, packaging string) {
	if len(r.Signers) == 0 {
		l.format(format)
		for _, why := range r.Reasons[:min(1, len(r.Reasons))] {
			l.only(why)
			last := &l.reports[len(l.reports)-1]
			last.Packaging, last.Limits = packaging, r.Limits
		}
		return
	}
	from := len(l.reports)
	for i := range r.Signers {
		rep := l.fromSigner(ctx, &r.Signers[i], r, format)
		rep.Packaging, rep.Input = packaging, registry.Digest(sha256.Sum256(blob))
		rep.Because(r.Reasons...)
		if slices.ContainsFunc(r.Reasons, isFailure) {
			rep.Intact = registry.SignatureBroken
		}
		if r.Trailing > 0 {
			rep.Warnings = append(rep.Warnings, "strange_end")
		}
		l.reports = append(l.reports, rep)
	}
	l.author(from)
	for i := range r.Signers {
		for j := range r.Signers[i].Counter {
			rep := l.fromSigner(ctx, &r.Signers[i].Counter[j], r, format)
			rep.Packaging, rep.Layer = "countersignature", rep.Layer+1
			l.reports = append(l.reports, rep)
		}
	}
}

func isFailure(r registry.SignatureReason) bool { return r.Verdict == registry.TotalFailed }

// fromSigner draws the report of one signer: intact, who, when. What it covers
// of the letter is added.
func (l *look) fromSigner(ctx context.Context, s *cms.Signer, all cms.Result, format string) registry.SignatureReport {
	r := l.report(format)
	r.Intact, r.Level, r.Warnings, r.Limits = s.Intact, s.Level, slices.Clone(s.Warnings), all.Limits
	r.SignedAt, r.Times.Claimed, r.Identity = s.SigningTime, s.SigningTime, "certificate"
	r.Algorithms = slices.DeleteFunc([]string{s.Digest, s.Algorithm}, func(a string) bool { return a == "" })
	if s.Reading > 0 {
		r.Warnings = append(r.Warnings, "canonicalised")
	}
	r.Because(s.Reasons...)
	at := l.timestamps(ctx, &r, s.Timestamps, all)
	l.late(&r)
	if s.Certificate == nil {
		l.cover(&r)
		return r
	}
	r.Signer = signerOf(s.Certificate.Raw, s.Certificate.Subject, s.Certificate.X509)
	if misleading(r.Signer.Name) || misleading(r.Signer.Email) {
		r.Warnings = append(r.Warnings, "odd_name")
	}
	l.cover(&r)
	l.vouch(ctx, &r, Question{
		Signer: s.Certificate.Raw, Certificates: raws(all.Certificates), CRLs: all.CRLs, OCSPs: all.OCSPs,
		At: at, Received: l.received, Mail: l.Letter != nil,
	})
	return r
}

// timestamps notes what timestamps showed and gives the best proof of time: a
// token that is intact and trusted, else the arrival.
func (l *look) timestamps(ctx context.Context, r *registry.SignatureReport, list []cms.Timestamp, all cms.Result) time.Time {
	best := l.received
	for _, t := range list {
		note := registry.SignatureTimestamp{Kind: t.Kind, At: t.At, State: t.State, Note: t.Note, Trust: registry.TrustNotChecked}
		if t.Authority != nil {
			note.Authority = signerOf(t.Authority.Raw, t.Authority.Subject, t.Authority.X509).Name
		}
		if t.State == registry.SignatureIntact && t.Authority != nil && l.c.Trust != nil {
			a := l.c.Trust(ctx, Question{
				Signer: t.Authority.Raw, Certificates: append(raws(t.Certificates), raws(all.Certificates)...),
				CRLs: all.CRLs, OCSPs: all.OCSPs, At: t.At, Received: l.received, Stamping: true,
			})
			note.Trust = a.Trust.State
			if a.Trust.State == registry.Trusted && !t.Weak && t.Kind == "signature" && t.At.Before(best) {
				best = t.At
			}
		}
		if note.State == registry.SignatureIntact && note.Trust != registry.Trusted && !slices.Contains(r.Warnings, "timestamp_ignored") {
			r.Warnings = append(r.Warnings, "timestamp_ignored")
		}
		r.Times.Timestamps = append(r.Times.Timestamps, note)
	}
	return best
}

// late notes a claimed time that lies after the arrival: a clock that errs, or
// worse.
func (l *look) late(r *registry.SignatureReport) {
	const slack = 24 * time.Hour
	if !r.Times.Claimed.IsZero() && r.Times.Claimed.After(l.received.Add(slack)) {
		r.Because(doubt(registry.SigConstraintsFailure, "future_time", r.Times.Claimed.Format(time.RFC3339)))
	}
}

// vouch asks who vouches for the signer. Without anybody to ask the name in
// the certificate is only what it says itself.
func (l *look) vouch(ctx context.Context, r *registry.SignatureReport, q Question) {
	if l.c.Trust == nil {
		r.Chain = chainOf(q)
		r.Revocation.State = registry.RevocationNotChecked
		r.Because(doubt(registry.NoCertificateChainFound, "chain_unknown", "nobody was asked"))
		return
	}
	a := l.c.Trust(ctx, q)
	r.Trust, r.Chain, r.Revocation, r.TrustStore = a.Trust, a.Chain, a.Revocation, a.Store
	r.Warnings = append(r.Warnings, a.Warnings...)
	r.Because(a.Reasons...)
	if len(r.Reasons) == 0 {
		r.Verdict = registry.TotalPassed
	}
}

// chainOf names the signer's certificate where nobody built a chain.
func chainOf(q Question) []registry.SignatureCert {
	c, err := x509.ParseCertificate(q.Signer)
	if err != nil {
		return nil
	}
	return []registry.SignatureCert{{
		Subject: clean(c.Subject.String()), Issuer: clean(c.Issuer.String()), Serial: c.SerialNumber.Text(16),
		NotBefore: c.NotBefore, NotAfter: c.NotAfter, Digest: registry.Digest(sha256.Sum256(c.Raw)),
	}}
}

func raws(list []*cms.Certificate) (out [][]byte) {
	for _, c := range list {
		out = append(out, c.Raw)
	}
	return out
}

var _ parse.Checker = (*Checker)(nil)
