package main

import (
	"fmt"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/api"
	"kancelaria/gateway/drop/barcode"
	"kancelaria/registry"
)

// The hints that barcodes on a scan give to rules: hint.code, hint.slip,
// hint.pages.
const (
	hintCode  = "code"  // what somebody else's code says
	hintSlip  = "slip"  // the entry of a slip of ours
	hintPages = "pages" // which pages of a batch it is
)

// markCodes tells people and rules of the barcodes on a scan, as its manifest
// has them.
func markCodes(it registry.Item, doc registry.Document) registry.Document {
	if it.File == nil || len(it.File.Codes) == 0 && it.File.Pages == nil {
		return doc
	}
	hints := map[string]string{}
	for key, value := range doc.Hints {
		hints[key] = value
	}
	for _, c := range it.File.Codes {
		switch {
		case c.Is == registry.CodeSlip:
			hints[hintSlip] = c.Of
		case c.Is != "":
		case c.Doubtful:
			doc.Flaws = append(doc.Flaws, registry.Flaw{Code: "code_unknown", Note: fmt.Sprintf("page %d: a code that looks like ours and is not", c.Page)})
			doc.Flags = registry.AddFlags(doc.Flags, registry.FlagUnknownCode)
		default:
			doc.Flaws = append(doc.Flaws, registry.Flaw{Code: "code_unknown", Note: fmt.Sprintf("page %d: a code (%s) that is not ours", c.Page, c.Form)})
			if hints[hintCode] == "" {
				hints[hintCode] = c.Text
			}
		}
	}
	if it.File.Pages != nil {
		hints[hintPages] = it.File.Pages.String()
		doc.Flags = registry.AddFlags(doc.Flags, registry.FlagSplit)
	}
	doc.Hints = hints
	return doc
}

// codes gives the one reader of barcodes of all sources.
func (d *daemon) codes() *barcode.Reader {
	if d.barcodes == nil {
		d.barcodes = barcode.New(barcode.Options{Know: d.labels.Read, Log: d.log})
	}
	return d.barcodes
}

// readsCodes reports whether any source looks for barcodes.
func readsCodes(cfg *config.Config) bool {
	for _, p := range cfg.Drops {
		if p.Codes != "off" {
			return true
		}
	}
	return false
}

const noDrawing = "barcodes in PDF are not read: pdftoppm is not installed (Debian: poppler-utils); a scan with our label gets a number of its own"

// codesLines say whether barcodes are read.
func (d *daemon) codesLines() []api.StatusLine {
	switch {
	case d.barcodes == nil:
		return nil
	case !d.barcodes.DrawsPDF():
		return []api.StatusLine{{Part: "barcodes", Colour: "amber", Text: noDrawing}}
	default:
		return []api.StatusLine{{Part: "barcodes", Colour: "green", Text: "read on scans"}}
	}
}

// codes warns before the daemon starts.
func (c *checkCmd) codes(e *env, cfg *config.Config) error {
	if !readsCodes(cfg) || barcode.New(barcode.Options{}).DrawsPDF() {
		return nil
	}
	return c.say(e, "warning", noDrawing)
}
