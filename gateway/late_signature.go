package gateway

import (
	"context"
	"errors"
	"slices"

	"kancelaria/registry"
)

// wantsChecker says which signatures a later look may know more about: those
// that there was no time for, and those whose certificate may have been revoked.
func wantsChecker(a *registry.Arrival) bool {
	return slices.ContainsFunc(a.Document.Signatures, func(r registry.SignatureReport) bool {
		return r.Reason == registry.NotChecked || r.Reason == registry.TryLater
	})
}

// signatures looks at the signatures of an entry once more. A verdict that
// stays the same is not worth an event.
func (l *Late) signatures(ctx context.Context, line registry.Line) error {
	a := line.Draft.Arrival
	doc, err := l.o.Checker.Signed(ctx, a.Item)
	switch {
	case errors.Is(err, registry.ErrErased), errors.Is(err, registry.ErrDamaged):
		return nil
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case len(doc.Signatures) == 0 || sameVerdicts(doc.Signatures, a.Document.Signatures):
		return nil
	}
	w, ok, err := l.entry(ctx, line.Outcome.Number)
	if err != nil || !ok {
		return err
	}
	o := l.o.Office()
	texts := registry.Catalogue(o.Language)
	f := Finding{Found: registry.Found{Kind: registry.FoundSigned, Signatures: doc.Signatures}}
	fields := map[string]string{}
	var tell []string
	if slices.ContainsFunc(doc.Signatures, func(r registry.SignatureReport) bool { return r.Verdict == registry.TotalFailed }) {
		fields[registry.FieldAddFlags] = string(registry.FlagSignatureFailed)
		f.Remark = Remark{Text: "remark.signatures", Pairs: []string{"sentence", doc.SignatureSentence(texts)}}
		tell = l.concerned(w, nil)
	}
	if !slices.ContainsFunc(doc.Signatures, func(r registry.SignatureReport) bool { return r.Intact == registry.SignatureUnchecked }) {
		fields[registry.FieldDropFlags] = string(registry.FlagSignatureUnchecked)
	}
	act, err := recorded(registry.ActFinding, w.Number, f.Text, f, tell)
	if err != nil {
		return err
	}
	act.Fields = fields
	key := "finding/signatures/" + a.Item.ID.String()
	if err := l.submit(ctx, key, texts.Say("finding.signatures", "sentence", doc.SignatureSentence(texts)), act); err != nil {
		return err
	}
	doc.Auth, doc.Malware = a.Document.Auth, a.Document.Malware
	before := doc
	before.Signatures = a.Document.Signatures
	return l.weigh(ctx, line, key, "signatures", before, doc)
}

func sameVerdicts(a, b []registry.SignatureReport) bool {
	return slices.EqualFunc(a, b, func(x, y registry.SignatureReport) bool {
		return x.Path == y.Path && x.Verdict == y.Verdict && x.Reason == y.Reason && x.Intact == y.Intact && x.Covers == y.Covers
	})
}
