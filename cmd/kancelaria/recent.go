package main

import (
	"context"
	"sync"

	"kancelaria/registry"
)

// recentBytes bounds the texts that are kept for the search index.
const recentBytes = 16 << 20

// recent keeps the texts of letters the desk has read a moment ago, so that the
// search index need not read them again. What it has forgotten is read again.
type recent struct {
	mu    sync.Mutex
	left  int
	texts map[registry.ItemID]string
	order []registry.ItemID // oldest first; some may be taken already
}

func newRecent(bytes int) *recent {
	return &recent{left: bytes, texts: map[registry.ItemID]string{}}
}

// keep remembers a text and forgets the oldest for it.
func (r *recent) keep(id registry.ItemID, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, twice := r.texts[id]; twice {
		return
	}
	r.texts[id] = text
	r.order = append(r.order, id)
	r.left -= len(text)
	for r.left < 0 || len(r.order) > 2*remembered {
		r.forget(r.order[0])
		r.order = r.order[1:]
	}
}

// remembered is about how many texts are kept, however short.
const remembered = 4096

// take gives a text away.
func (r *recent) take(id registry.ItemID) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, ok := r.texts[id]
	r.forget(id)
	return text, ok
}

func (r *recent) forget(id registry.ItemID) {
	r.left += len(r.texts[id])
	delete(r.texts, id)
}

// remembering is the desk's reader: it keeps the text for the search index.
type remembering struct {
	originals
	recent *recent
}

// Read implements gateway.Reader.
func (r remembering) Read(ctx context.Context, it registry.Item) (registry.Document, error) {
	doc, err := r.originals.Read(ctx, it)
	if err == nil {
		r.recent.keep(it.ID, doc.Text)
	}
	return doc, err
}
