package signature

import (
	"bytes"
	"context"
	"io"
	"net/url"
	"path"
	"slices"
	"strings"

	"kancelaria/gateway/parse"
	"kancelaria/gateway/parse/signature/cms"
	"kancelaria/gateway/parse/signature/xml"
	"kancelaria/registry"
)

// xmlFile looks at the signatures in an XML file.
func (l *look) xmlFile(ctx context.Context) {
	b, ok := l.whole(ctx)
	if !ok {
		return
	}
	p := &pairing{look: l, ctx: ctx, files: map[string]parse.Sibling{}}
	doc, err := xml.Read(ctx, bytes.NewReader(b), p.file, xml.Limits{})
	if err == nil && p.byDigest(doc) {
		doc, err = xml.Read(ctx, bytes.NewReader(b), p.file, xml.Limits{})
	}
	if err != nil {
		l.doubt(registry.NotChecked, "not_yet", err.Error())
		return
	}
	from := len(l.reports)
	l.fromXML(ctx, doc, "XAdES")
	for _, used := range p.used {
		l.paired(from, used)
	}
}

// A pairing finds the files that a detached signature names among those beside
// it. Which one is meant, the digest says; a name is asked only where the
// signature digests what a transform makes of the file.
type pairing struct {
	*look
	ctx   context.Context
	files map[string]parse.Sibling // by the name in the signature
	names map[string]bool          // that may be taken by name
	used  []string
}

// file is an xml.Resolver.
func (p *pairing) file(name string) ([]byte, error) {
	if p.Content != nil {
		return p.held(p.ctx, opening(p.ctx, p.Content))
	}
	s, ok := p.files[name]
	if !ok && p.names[name] {
		for _, other := range p.Siblings {
			if sameName(other.Name, name) {
				s, ok = other, true
			}
		}
	}
	if !ok {
		return nil, nil
	}
	b, err := p.held(p.ctx, opening(p.ctx, s.Open))
	if err == nil && !slices.Contains(p.used, s.Path) {
		p.used = append(p.used, s.Path)
	}
	return b, err
}

// byDigest looks for what the references are the digests of, and reports
// whether anything is worth another reading.
func (p *pairing) byDigest(doc *xml.Document) bool {
	p.names = map[string]bool{}
	for _, s := range doc.Signatures {
		for _, r := range s.References {
			if r.Problem == nil || r.Problem.Code != xml.CodeMissing {
				continue
			}
			if found, ok := p.withDigest(r); ok {
				p.files[r.URI] = found
				p.files[unescaped(r.URI)] = found
			} else if !r.Plain {
				p.names[r.URI], p.names[unescaped(r.URI)] = true, true
			}
		}
	}
	return len(p.files)+len(p.names) > 0
}

func (p *pairing) withDigest(r xml.Reference) (parse.Sibling, bool) {
	for _, s := range p.Siblings {
		if r.DigestAlgorithm == "http://www.w3.org/2001/04/xmlenc#sha256" {
			if bytes.Equal(s.Digest[:], r.Digest) {
				return s, true
			}
			continue
		}
		h := hashOfURI(r.DigestAlgorithm)
		if h == 0 || p.ctx.Err() != nil {
			continue
		}
		b, err := p.held(p.ctx, opening(p.ctx, s.Open))
		if err != nil {
			continue
		}
		sum := h.New()
		_, _ = sum.Write(b)
		if bytes.Equal(sum.Sum(nil), r.Digest) {
			return s, true
		}
	}
	return parse.Sibling{}, false
}

func unescaped(uri string) string {
	if plain, err := url.PathUnescape(uri); err == nil {
		return plain
	}
	return uri
}

func sameName(file, uri string) bool {
	return file != "" && (path.Base(file) == path.Base(unescaped(uri)) || path.Base(file) == path.Base(uri))
}

// fromXML draws the reports of an XML document.
func (l *look) fromXML(ctx context.Context, doc *xml.Document, format string) {
	if doc.Problem != nil {
		l.format(format)
		l.only(xmlReason(doc.Problem))
		l.reports[len(l.reports)-1].Limits = doc.LimitsHit
		return
	}
	for i := range doc.Signatures {
		s := &doc.Signatures[i]
		r := l.fromXMLSignature(ctx, s, format)
		if slices.ContainsFunc(doc.Signatures, func(c xml.Signature) bool { return falseCounter(s, &c) }) {
			r.Because(doubt(registry.SigConstraintsFailure, "countersignature_broken", ""))
		}
		r.Limits = append(r.Limits, doc.LimitsHit...)
		l.reports = append(l.reports, r)
	}
}

// falseCounter reports whether c stands inside s as its countersignature and is
// none.
func falseCounter(s, c *xml.Signature) bool {
	inside := c.Counters == s.Path || strings.HasPrefix(c.Path, s.Path+"/")
	return inside && c.Problem != nil && xmlReason(c.Problem).Verdict == registry.TotalFailed
}

func (l *look) fromXMLSignature(ctx context.Context, s *xml.Signature, format string) registry.SignatureReport {
	r := l.report(format)
	if !s.XAdES && format == "XAdES" {
		r.Format = "XMLDSig"
	}
	r.Packaging, r.Identity, r.Covers = s.Packaging, "certificate", xmlCovers(s)
	r.Coverage.Uncovered, r.SignedAt, r.Times.Claimed = s.Uncovered, s.Properties.SignedAt, s.Properties.SignedAt
	r.Algorithms = append(slices.Clone(s.DigestAlgorithms), s.SignatureAlgorithm)
	if r.Level = s.Level; r.Level == "" {
		r.Level = "none"
	}
	if s.Counters != "" || s.Problem != nil && s.Problem.Code == xml.CodeCounter {
		r.Packaging, r.Layer = "countersignature", r.Layer+1
	}
	l.xmlIntact(&r, s)
	l.late(&r)
	signer, err := cms.ParseCertificate(s.Certificate)
	if err != nil {
		if len(r.Reasons) == 0 {
			r.Because(doubt(registry.NoSigningCertificateFound, "no_certificate", ""))
		}
		return r
	}
	all := cms.Result{Certificates: lenient(s.Certificates), CRLs: s.CRLs, OCSPs: s.OCSPs}
	at := l.timestamps(ctx, &r, l.xmlTimestamps(ctx, &r, s), all)
	r.Signer = signerOf(signer.Raw, signer.Subject, signer.X509)
	if misleading(r.Signer.Name) || misleading(r.Signer.Email) {
		r.Warnings = append(r.Warnings, "odd_name")
	}
	if s.XAdES && !s.Properties.Bound || !s.XAdES {
		r.Warnings = append(r.Warnings, "not_ades")
	}
	l.vouch(ctx, &r, Question{Signer: signer.Raw, Certificates: s.Certificates, CRLs: s.CRLs, OCSPs: s.OCSPs, At: at, Received: l.received})
	if p := s.Properties.Person; p != nil {
		l.ministryPerson(&r, p)
	}
	return r
}

// xmlIntact takes what the room of XML found.
func (l *look) xmlIntact(r *registry.SignatureReport, s *xml.Signature) {
	if s.Intact {
		r.Intact = registry.SignatureIntact
	}
	if s.Problem != nil {
		why := xmlReason(s.Problem)
		r.Because(why)
		if why.Verdict == registry.TotalFailed {
			r.Intact = registry.SignatureBroken
		}
	}
	for _, weak := range s.Weak {
		code := "weak_digest"
		if strings.HasPrefix(weak, "RSA") {
			code = "weak_key"
		}
		r.Because(doubt(registry.CryptoConstraintsFailure, code, weak))
	}
}

// xmlCovers says what is covered: one file beside the signature is the whole.
func xmlCovers(s *xml.Signature) string {
	if s.Covers != xml.CoversFiles {
		return string(s.Covers)
	}
	files := 0
	for _, r := range s.References {
		if r.What == xml.WhatFile {
			files++
		}
	}
	if files == 1 {
		return registry.CoversWhole
	}
	return registry.CoversFiles
}

// xmlTimestamps checks tokens over what they must stamp.
func (l *look) xmlTimestamps(ctx context.Context, r *registry.SignatureReport, s *xml.Signature) (list []cms.Timestamp) {
	for _, t := range s.Timestamps {
		if len(t.Messages) == 0 {
			list = append(list, cms.Timestamp{Kind: t.Kind, State: registry.SignatureUnchecked})
			if t.Kind == "archive" {
				r.Warnings = append(r.Warnings, "archive_unchecked")
			}
			continue
		}
		var over []cms.Content
		for _, m := range t.Messages {
			over = append(over, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m)), nil })
		}
		checked := cms.CheckTimestamp(ctx, t.Token, over, l.c.Limits.CMS)
		checked.Kind = t.Kind
		if checked.State == registry.SignatureBroken {
			r.Because(doubt(registry.SigConstraintsFailure, "timestamp_broken", t.Kind+": "+checked.Note))
		}
		list = append(list, checked)
	}
	return list
}

// ministryPerson names the person inside a podpis zaufany, under the ministry's
// seal only.
func (l *look) ministryPerson(r *registry.SignatureReport, p *xml.Person) {
	switch {
	case !isMinistry(r.Signer.Name) || r.Intact != registry.SignatureIntact:
		return
	case r.Trust.State != registry.Trusted:
		r.Because(doubt(registry.NoCertificateChainFound, "ministry_unproved", ""))
	default:
		l.sealedFor(r, clean(strings.TrimSpace(p.Given+" "+p.Family)), p.PESEL, "ppzp")
	}
}

// xmlReason translates a problem.
func xmlReason(p *xml.Problem) registry.SignatureReason {
	code, known := map[string]string{
		xml.CodeMalformed: "malformed", xml.CodeDoctype: "doctype", xml.CodeDuplicate: "duplicate_id", xml.CodeStructure: "malformed",
		xml.CodeReference: "wrapped", xml.CodeDigest: "content_changed", xml.CodeValue: "value_wrong", xml.CodeProperties: "second_properties",
		xml.CodeIdentity: "identity_unsigned", xml.CodeCounter: "countersignature_broken", xml.CodeUnsupported: "unsupported_algorithm",
		xml.CodeMissing: "content_missing", xml.CodeLimit: "limit",
	}[p.Code]
	switch {
	case p.Code == xml.CodeCertificate && p.Sub == registry.SigConstraintsFailure:
		code = "certificate_unsigned"
	case p.Code == xml.CodeCertificate:
		code = "no_certificate"
	case !known:
		code = "malformed"
	}
	why := registry.SignatureReason{Verdict: registry.Indeterminate, Reason: p.Sub, Code: code, Note: p.Text}
	switch p.Sub {
	case registry.FormatFailure, registry.HashFailure, registry.SigCryptoFailure:
		why.Verdict = registry.TotalFailed
	}
	return why
}
