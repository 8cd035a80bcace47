package signature

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"kancelaria/gateway/parse/signature/asic"
	"kancelaria/gateway/parse/signature/cms"
	"kancelaria/gateway/parse/signature/xml"
	"kancelaria/registry"
)

// container looks at the signatures of an ASiC.
func (l *look) container(ctx context.Context) {
	b, ok := l.whole(ctx)
	if !ok {
		return
	}
	c, err := asic.Read(ctx, bytes.NewReader(b), int64(len(b)), asic.Limits{})
	switch {
	case errors.Is(err, asic.ErrLimit):
		l.doubt(registry.Generic, "limit", err.Error())
		return
	case err != nil:
		l.fail(registry.FormatFailure, "container_rules", err.Error())
		return
	}
	a := &asicLook{look: l, ctx: ctx, c: c}
	for _, s := range c.Signatures {
		if !s.Stamp {
			a.signature(s)
		}
	}
	a.stampsOnly()
}

// An asicLook is one container being looked at.
type asicLook struct {
	*look
	ctx context.Context
	c   *asic.Container
}

// stampsOnly reports a container that nobody signed: its timestamps prove since
// when the files are as they are, and not whose.
func (a *asicLook) stampsOnly() {
	if len(a.reports) > 0 || len(a.c.Signatures) == 0 && a.c.Broken == "" {
		return
	}
	a.format(a.c.Kind)
	if a.c.Broken != "" {
		a.fail(registry.FormatFailure, "container_rules", a.c.Broken)
		return
	}
	r := a.report(a.c.Kind)
	r.Packaging = "timestamp"
	var covered []string
	list := []cms.Timestamp{}
	for _, s := range a.c.Signatures {
		t, files := a.stamp(s)
		list = append(list, t)
		if t.State == registry.SignatureIntact && len(files) > len(covered) {
			covered, r.Intact = files, registry.SignatureIntact
		}
	}
	a.timestamps(a.ctx, &r, list, cms.Result{})
	r.Because(doubt(registry.Generic, "only_timestamp", ""))
	if r.Intact != registry.SignatureIntact {
		r.Intact = registry.SignatureBroken
		r.Because(registry.SignatureReason{Verdict: registry.TotalFailed, Reason: registry.HashFailure, Code: "content_changed", Note: list[0].Note})
	}
	a.covers(&r, covered)
	a.reports = append(a.reports, r)
}

// stamp checks a timestamp over the one file, or over a manifest.
func (a *asicLook) stamp(s asic.Signature) (cms.Timestamp, []string) {
	token, err := a.c.Open(s.Name)
	if err != nil {
		return cms.Timestamp{Kind: "container", State: registry.SignatureUnchecked, Note: err.Error()}, nil
	}
	var content []byte
	var covered []string
	switch {
	case s.Manifest != nil:
		files, why := a.listed(s.Manifest)
		if why != nil {
			return cms.Timestamp{Kind: "container", State: registry.SignatureBroken, Note: why.Code + " " + why.Note}, nil
		}
		content, covered = s.Manifest.Bytes, files
	case len(a.c.Objects) == 1:
		if content, err = a.c.Open(a.c.Objects[0]); err != nil {
			return cms.Timestamp{Kind: "container", State: registry.SignatureUnchecked, Note: err.Error()}, nil
		}
		covered = a.c.Objects
	}
	t := cms.CheckTimestamp(a.ctx, token, []cms.Content{func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}, a.look.c.Limits.CMS)
	t.Kind = "container"
	return t, covered
}

func (a *asicLook) signature(s asic.Signature) {
	from := len(a.reports)
	blob, err := a.c.Open(s.Name)
	if err != nil {
		a.format(a.c.Kind)
		a.fail(registry.FormatFailure, "container_rules", err.Error())
		return
	}
	var covered []string
	if s.XML {
		covered = a.xml(blob)
	} else {
		covered = a.cms(s, blob)
	}
	for i := range a.reports[from:] {
		a.covers(&a.reports[from+i], covered)
	}
}

// covers says which files are signed and which are not. Folders below META-INF
// hold no data.
func (a *asicLook) covers(r *registry.SignatureReport, covered []string) {
	r.Format, r.Covers, r.Coverage.Parts, r.Coverage.Uncovered = a.c.Kind, registry.CoversWhole, covered, nil
	for _, name := range a.c.Objects {
		if !slices.Contains(covered, name) {
			r.Coverage.Uncovered = append(r.Coverage.Uncovered, clean(name))
		}
	}
	if len(r.Coverage.Uncovered) > 0 {
		r.Covers = registry.CoversFiles
	}
	r.Warnings = append(r.Warnings, a.c.Warnings...)
	if a.c.Broken != "" {
		why := registry.SignatureReason{Verdict: registry.TotalFailed, Reason: registry.FormatFailure, Code: "container_rules", Note: a.c.Broken}
		r.Reasons = append([]registry.SignatureReason{why}, r.Reasons...) // whatever else was seen, others may see otherwise
		r.Verdict, r.Reason, r.Intact = why.Verdict, why.Reason, registry.SignatureBroken
	}
}

// xml checks XAdES, whose references name files of the container.
func (a *asicLook) xml(blob []byte) (covered []string) {
	doc, err := xml.Read(a.ctx, bytes.NewReader(blob), func(name string) ([]byte, error) {
		if name == "" && len(a.c.Objects) == 1 {
			name = a.c.Objects[0]
		}
		return a.c.Open(a.c.Resolve(name))
	}, xml.Limits{})
	if err != nil {
		a.doubt(registry.NotChecked, "not_yet", err.Error())
		return nil
	}
	from := len(a.reports)
	a.fromXML(a.ctx, doc, a.c.Kind)
	for i := range doc.Signatures {
		for _, r := range doc.Signatures[i].References {
			if name := a.c.Resolve(r.URI); r.What == xml.WhatFile && r.OK && name != "" {
				covered = append(covered, name)
			}
		}
	}
	for i := range a.reports[from:] {
		a.reports[from+i].Packaging = "detached"
	}
	return covered
}

// cms checks CAdES: over the one file, or over a manifest that lists files with
// their digests.
func (a *asicLook) cms(s asic.Signature, blob []byte) (covered []string) {
	var content []byte
	var why *registry.SignatureReason
	switch {
	case s.Manifest != nil:
		content = s.Manifest.Bytes
		covered, why = a.listed(s.Manifest)
	case len(a.c.Objects) == 1:
		b, err := a.c.Open(a.c.Objects[0])
		if err != nil {
			a.fail(registry.FormatFailure, "container_rules", err.Error())
			return nil
		}
		content, covered = b, a.c.Objects
	default:
		a.format(a.c.Kind)
		a.fail(registry.FormatFailure, "container_rules", "no manifest for "+s.Name)
		return nil
	}
	r := a.checkCMS(a.ctx, blob, []cms.Content{func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }})
	if why != nil {
		r.Reasons = append(r.Reasons, *why)
	}
	a.fromCMS(a.ctx, blob, r, a.c.Kind, "detached")
	return covered
}

// listed compares files with the digests of a manifest.
func (a *asicLook) listed(m *asic.Manifest) (covered []string, why *registry.SignatureReason) {
	for _, f := range m.Files {
		if f.Missing {
			return covered, new(doubt(registry.SignedDataNotFound, "content_missing", clean(f.Name)))
		}
		h := hashOfURI(f.Algorithm)
		if h == 0 {
			return covered, new(doubt(registry.CryptoConstraintsFailure, "unsupported_algorithm", clean(f.Algorithm)))
		}
		b, err := a.c.Open(f.Name)
		if err != nil {
			return covered, &registry.SignatureReason{Verdict: registry.TotalFailed, Reason: registry.FormatFailure, Code: "container_rules", Note: err.Error()}
		}
		sum := h.New()
		_, _ = sum.Write(b)
		if !bytes.Equal(sum.Sum(nil), f.Digest) {
			return covered, &registry.SignatureReason{Verdict: registry.TotalFailed, Reason: registry.HashFailure, Code: "content_changed", Note: clean(f.Name)}
		}
		covered = append(covered, f.Name)
	}
	return covered, nil
}
