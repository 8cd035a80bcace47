package signature

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"kancelaria/gateway/parse/signature/cms"
	"kancelaria/gateway/parse/signature/pdf"
	"kancelaria/registry"
)

// pdfFile looks at the signatures inside a PDF.
func (l *look) pdfFile(ctx context.Context) {
	b, ok := l.whole(ctx)
	if !ok {
		return
	}
	doc, err := pdf.Read(ctx, bytes.NewReader(b), int64(len(b)), pdf.Limits{})
	if err != nil {
		if ctx.Err() != nil {
			l.doubt(registry.NotChecked, "not_yet", err.Error())
			return
		}
		l.doubt(registry.Generic, "update_unreadable", err.Error())
		return
	}
	p := &pdfLook{look: l, ctx: ctx, bytes: b, doc: doc}
	p.documentTimestamps()
	for i := range doc.Signatures {
		if doc.Signatures[i].Kind == pdf.KindSignature {
			p.signature(&doc.Signatures[i])
		}
	}
	if len(l.reports) == 0 && len(p.stamps) > 0 {
		l.doubt(registry.Generic, "only_timestamp", "")
		l.reports[0].Packaging = "timestamp"
	}
}

// A pdfLook is one PDF being looked at.
type pdfLook struct {
	*look
	ctx    context.Context
	bytes  []byte
	doc    *pdf.Document
	stamps []documentStamp
}

// A documentStamp covers everything up to its end.
type documentStamp struct {
	cms.Timestamp
	end int64
}

// content gives what a signature covers.
func (p *pdfLook) content(s *pdf.Signature) cms.Content {
	return func() (io.ReadCloser, error) { return io.NopCloser(s.Open(bytes.NewReader(p.bytes))), nil }
}

func (p *pdfLook) documentTimestamps() {
	for i := range p.doc.Signatures {
		s := &p.doc.Signatures[i]
		if s.Kind != pdf.KindTimestamp {
			continue
		}
		t := cms.Timestamp{Kind: "document", State: registry.SignatureBroken}
		switch {
		case s.Problem != nil:
			t.Note = s.Problem.Text
		default:
			t = cms.CheckTimestamp(p.ctx, s.CMS, []cms.Content{p.content(s)}, p.c.Limits.CMS)
		}
		p.stamps = append(p.stamps, documentStamp{t, s.End})
	}
}

// signature draws the reports of one signature dictionary.
func (p *pdfLook) signature(s *pdf.Signature) {
	if s.Problem != nil {
		p.unusable(s)
		return
	}
	r := p.check(s)
	r.Certificates = append(r.Certificates, lenient(p.doc.Evidence.Certificates)...)
	r.CRLs, r.OCSPs = append(r.CRLs, p.doc.Evidence.CRLs...), append(r.OCSPs, p.doc.Evidence.OCSPs...)
	if len(r.Signers) > 1 {
		r.Reasons = append(r.Reasons, registry.SignatureReason{Verdict: registry.TotalFailed, Reason: registry.FormatFailure, Code: "several_signers", Note: fmt.Sprintf("%d SignerInfos", len(r.Signers))})
	}
	for i := range r.Signers {
		r.Signers[i].Timestamps = append(r.Signers[i].Timestamps, p.stampsOver(s.End)...)
	}
	from := len(p.reports)
	p.fromCMS(p.ctx, s.CMS, r, "PAdES", "enveloped")
	for i := range p.reports[from:] {
		p.covered(&p.reports[from+i], s)
	}
}

// check verifies the value in the way its dictionary names.
func (p *pdfLook) check(s *pdf.Signature) cms.Result {
	over := []cms.Content{p.content(s)}
	if s.SubFilter == "adbe.x509.rsa_sha1" {
		return cms.CheckBare(p.ctx, s.CMS, s.Certificates, over)
	}
	return cms.Check(p.ctx, s.CMS, cms.Options{Contents: over, Digested: s.SubFilter == "adbe.pkcs7.sha1", Limits: p.c.Limits.CMS})
}

// unusable reports a signature whose form forbids to check it.
func (p *pdfLook) unusable(s *pdf.Signature) {
	code := map[string]string{
		pdf.ProblemByteRange: "byte_range", pdf.ProblemContents: "no_signer", pdf.ProblemSubFilter: "unsupported_format",
		pdf.ProblemRevision: "byte_range", pdf.ProblemPadding: "strange_contents", pdf.ProblemAmbiguous: "malformed",
	}[s.Problem.Code]
	if s.Problem.Sub == registry.FormatFailure {
		p.fail(registry.FormatFailure, code, s.Problem.Text)
	} else {
		p.doubt(s.Problem.Sub, code, s.Problem.Text)
	}
	r := &p.reports[len(p.reports)-1]
	r.Covers, r.Coverage.Revisions = registry.CoversPart, s.Revisions
}

// stampsOver lists the document timestamps that cover a signature.
func (p *pdfLook) stampsOver(end int64) (list []cms.Timestamp) {
	for _, t := range p.stamps {
		if t.end > end {
			list = append(list, t.Timestamp)
		}
	}
	return list
}

// covered says which revision was signed, and what was done to it since.
func (p *pdfLook) covered(r *registry.SignatureReport, s *pdf.Signature) {
	r.Covers = string(s.Covers)
	r.Coverage.Revision, r.Coverage.Revisions, r.Coverage.Update = s.Revision, s.Revisions, updateName(s.Update.Kind)
	if r.Packaging == "countersignature" {
		return
	}
	switch s.Update.Kind {
	case pdf.UpdateChanged:
		r.Because(registry.SignatureReason{Verdict: registry.TotalFailed, Reason: registry.FormatFailure, Code: "changed_after", Note: changes(s.Update)})
	case pdf.UpdateUnreadable:
		r.Because(registry.SignatureReason{Verdict: registry.TotalFailed, Reason: registry.FormatFailure, Code: "update_unreadable", Note: changes(s.Update)})
	case pdf.UpdatePermitted:
		r.Warnings = append(r.Warnings, "update_permitted")
	}
	if r.SignedAt.IsZero() {
		r.SignedAt, r.Times.Claimed = s.ClaimedAt, s.ClaimedAt
	}
	for _, t := range p.stampsOver(s.End) {
		if t.State == registry.SignatureBroken {
			r.Because(doubt(registry.SigConstraintsFailure, "timestamp_broken", "document: "+t.Note))
		}
	}
	r.Level = p.level(r, s)
	if p.doc.LeadingBytes > 0 {
		r.Warnings = append(r.Warnings, "polyglot")
	}
	if p.doc.Repaired {
		r.Warnings = append(r.Warnings, "pdf_repaired")
	}
	r.Limits = append(r.Limits, p.doc.LimitsHit...)
	p.onBehalf(r, s.Reason)
}

// level says what the signature looks like with what the document keeps for it
// (EN 319 142-1 § 6).
func (p *pdfLook) level(r *registry.SignatureReport, s *pdf.Signature) string {
	stamped := slices.ContainsFunc(r.Times.Timestamps, func(t registry.SignatureTimestamp) bool { return t.State == registry.SignatureIntact })
	evidence := len(p.doc.Evidence.CRLs)+len(p.doc.Evidence.OCSPs) > 0
	switch {
	case stamped && evidence && len(p.stampsOver(s.End)) > 0:
		return "B-LTA"
	case stamped && evidence:
		return "B-LT"
	case stamped && r.Level == "B-B":
		return "B-T"
	}
	return r.Level
}

func updateName(k pdf.UpdateKind) string {
	switch k {
	case pdf.UpdateHarmless, pdf.UpdatePermitted:
		return "allowed"
	}
	return string(k)
}

// changes lists what was done, for the operator.
func changes(u pdf.Update) string {
	said := ""
	for _, c := range u.Changes[:min(len(u.Changes), 5)] {
		if said != "" {
			said += "; "
		}
		said += c.Code + " " + clean(c.Where)
	}
	return said
}

// lenient reads certificates that may be none.
func lenient(raws [][]byte) (list []*cms.Certificate) {
	for _, raw := range raws[:min(len(raws), 200)] {
		if c, err := cms.ParseCertificate(raw); err == nil {
			list = append(list, c)
		}
	}
	return list
}
