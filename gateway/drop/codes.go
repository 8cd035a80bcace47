package drop

import (
	"context"
	"io"
	"strings"

	"kancelaria/registry"
)

// Codes reads the barcodes on the pages of a scan.
type Codes interface {
	// Read gives those on the first page, or with all on every page, and how
	// many pages were looked at; none, if the file is no scan. With an error it
	// is not known what is on the rest.
	Read(ctx context.Context, file io.ReaderAt, size int64, all bool) (codes []registry.PageCode, pages int, err error)
}

// A letter is a run of pages of a scan that makes one item.
type letter struct {
	registry.Pages
	codes  []registry.PageCode
	attach string // the entry whose label is on its first page
}

// split divides a batch at the sheets that were laid between its letters, which
// belong to none, and before each page with the label of another entry. A batch
// of sheets only is one letter: somebody must see what happened there.
func split(codes []registry.PageCode, pages int) []letter {
	var all []letter
	open := false
	for page := 1; page <= pages; page++ {
		here, label, sheet := on(codes, page)
		if sheet {
			open = false
			continue
		}
		if !open || label != "" && label != all[len(all)-1].attach {
			all = append(all, letter{Pages: registry.Pages{First: page}, attach: label})
			open = true
		}
		l := &all[len(all)-1]
		l.Last = page
		l.codes = append(l.codes, here...)
	}
	if len(all) == 0 && pages > 0 {
		all = append(all, letter{Pages: registry.Pages{First: 1, Last: pages}, codes: codes})
	}
	return all
}

// on gives what is on a page: its codes, the entry that a label names, and
// whether it is a sheet between letters.
func on(codes []registry.PageCode, page int) (here []registry.PageCode, label string, sheet bool) {
	for _, c := range codes {
		if c.Page != page {
			continue
		}
		here = append(here, c)
		switch c.Is {
		case registry.CodeSeparator:
			sheet = true
		case registry.CodeLabel:
			label = c.Of
		}
	}
	return here, label, sheet
}

// mostLetters bounds what one batch is divided into.
const mostLetters = 300

// itemsOf gives the items of a claim: one, or as many as a batch has letters.
// All of them have the whole batch as their original, kept once; each knows
// its pages. The first has the claim's id.
func (w *Watcher) itemsOf(ctx context.Context, c claim, held []File, before []Entry) []registry.Item {
	it := w.itemOf(c, held, before)
	if w.Codes == nil || w.Group == GroupPackage {
		return []registry.Item{it}
	}
	codes, pages := w.codesOf(ctx, c, held[0], before[0].Size)
	letters := split(codes, pages)
	alone := len(c.parts) == 1 // several files are one original already
	if len(letters) == 0 || !alone || !w.AllPages && !startsBatch(codes) {
		it.File.Codes = bounded(codes)
		_, it.File.Attach, _ = on(codes, 1)
		return []registry.Item{it}
	}
	items := make([]registry.Item, 0, len(letters))
	for i, l := range letters[:min(len(letters), mostLetters)] {
		one, file := it, *it.File
		if i > 0 {
			one.ID = registry.NewItemID(w.Now())
		}
		if len(letters) > 1 || l.First != 1 || l.Last != pages {
			file.Pages = &registry.Pages{First: l.First, Last: l.Last}
		}
		if i == mostLetters-1 { // and the rest, for a person to divide
			file.Pages.Last = pages
		}
		file.Codes, file.Attach = bounded(l.codes), l.attach
		one.File = &file
		items = append(items, one)
	}
	return items
}

// codesOf reads the codes of a claimed file. What cannot be read has none: the
// scan is taken all the same.
func (w *Watcher) codesOf(ctx context.Context, c claim, file File, size int64) (codes []registry.PageCode, pages int) {
	codes, pages, err := w.Codes.Read(ctx, file, size, w.AllPages)
	if err == nil && !w.AllPages && startsBatch(codes) {
		codes, pages, err = w.Codes.Read(ctx, file, size, true)
	}
	if err != nil {
		w.Log.Info("drop.codes_unread", "source", w.Name, "item", c.item, "err", err)
		if w.AllPages || startsBatch(codes) {
			return nil, 0 // half a batch is not divided
		}
	}
	return codes, pages
}

// startsBatch reports whether the first page is a sheet between letters.
func startsBatch(codes []registry.PageCode) bool {
	_, _, sheet := on(codes, 1)
	return sheet
}

// mostCodesKept bounds what a manifest says of codes.
const mostCodesKept = 50

func bounded(codes []registry.PageCode) []registry.PageCode {
	codes = codes[:min(len(codes), mostCodesKept)]
	for i := range codes {
		codes[i].Text = strings.ToValidUTF8(codes[i].Text, "?")
	}
	return codes
}
