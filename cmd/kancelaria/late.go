package main

import (
	"context"
	"time"

	"kancelaria/gateway"
	"kancelaria/gateway/api"
	"kancelaria/gateway/parse"
	"kancelaria/gateway/parse/signature"
	"kancelaria/gateway/parse/signature/trust"
	"kancelaria/registry"
)

// LateParts implements gateway.LateReader.
func (o originals) LateParts(doc registry.Document) bool { return o.reader.LateParts(doc) }

// Late implements gateway.LateReader.
func (o originals) Late(ctx context.Context, it registry.Item) (gateway.LateText, error) {
	src, err := o.Open(ctx, it)
	if err != nil {
		return gateway.LateText{}, err
	}
	defer src.Close()
	as := readAs(it)
	t := gateway.LateText{Document: markEvidence(it, o.reader.Read(ctx, as, src))}
	t.Text, t.Parts, t.Flaws = o.reader.Late(ctx, as, src, t.Document)
	return t, ctx.Err()
}

// Signed implements gateway.LateChecker.
func (o lateSigned) Signed(ctx context.Context, it registry.Item) (registry.Document, error) {
	src, err := o.Open(ctx, it)
	if err != nil {
		return registry.Document{}, err
	}
	defer src.Close()
	return markEvidence(it, o.slow.Read(ctx, readAs(it), src)), ctx.Err()
}

// A lateSigned reads originals with a checker that has time, and may ask the
// hosts that the office allows.
type lateSigned struct {
	originals
	slow *parse.Reader
}

const slowCheck = 20 * time.Second

func (h *house) newLateSigned() lateSigned {
	o := h.checking()
	o.Limits.Time, o.Trust = slowCheck, asTrust(trust.New(trustDir(h.cfg), trust.Options{Now: h.now, Log: h.log, Online: online(h.cfg)}))
	return lateSigned{h.originals, parse.New(parse.Options{Now: h.now, Log: h.log, TempDir: string(h.cfg.Data), Checker: signature.New(o)})}
}

// newLate makes the part that finds out what registering does not wait for.
func (h *house) newLate() *gateway.Late {
	return gateway.NewLate(gateway.LateOptions{
		Book: h.book, Record: h.registrar.Submit, Reader: h.originals, Screen: h.sifter, Checker: h.newLateSigned(), Office: h.orders.office, Node: h.cfg.Node,
		Rules: func() gateway.Admitting { return h.orders.rules() }, Now: h.now, Log: h.log,
	})
}

func (h *house) findPrograms(ctx context.Context) *parse.Programs {
	return parse.FindPrograms(ctx, string(h.cfg.Data), h.cfg.Reading.OCR == "auto")
}

// lateLine says what is read after registering, or what is missing for it.
func (h *house) lateLine(ctx context.Context) api.StatusLine {
	p := h.programs
	if p == nil {
		p = h.findPrograms(ctx)
	}
	text, _ := p.Says()
	return api.StatusLine{Part: "late text", Colour: "green", Text: text}
}

// screenLines says how the neighbours fare that letters are shown to.
func (h *house) screenLines() []api.StatusLine {
	dns, scanner := h.sifter.Down()
	var all []api.StatusLine
	if dns {
		all = append(all, api.StatusLine{Part: "dns", Colour: "amber", Text: "does not answer; senders are checked later"})
	}
	switch {
	case h.cfg.Scanner.Clamd == "":
	case scanner:
		all = append(all, api.StatusLine{Part: "scanner", Colour: "red", Text: "does not answer; letters are registered unscanned, their files locked", Help: "kancelaria list --flag not_scanned"})
	default:
		all = append(all, api.StatusLine{Part: "scanner", Colour: "green", Text: "asked at " + h.cfg.Scanner.Clamd})
	}
	return all
}
