package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

// Search text is a projection: made after the entry, from the leaves, by one
// worker that is never in anybody's way. How far it came is a note in the book,
// so a start goes on and several gateways do not repeat each other for long.
const (
	indexNote  = "search"
	indexKey   = "upto"
	indexBatch = 200
	indexPause = 2 * time.Second
)

// index runs until ctx ends.
func (h *house) index(ctx context.Context) error {
	for {
		more, err := h.indexSome(ctx)
		if err != nil && ctx.Err() == nil && !errors.Is(err, registry.ErrUnavailable) {
			h.log.Warn("search.index", "err", err)
		}
		if more && err == nil {
			continue
		}
		pause := time.NewTimer(indexPause)
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-pause.C:
		}
	}
}

// indexSome indexes the next leaves and reports whether there are more.
func (h *house) indexSome(ctx context.Context) (bool, error) {
	from, err := h.indexedUpTo(ctx)
	if err != nil {
		return false, err
	}
	leaves, err := h.book.Leaves(ctx, from, from+indexBatch)
	if err != nil || len(leaves) == 0 {
		return false, err
	}
	var texts []registry.Text
	for _, leaf := range leaves {
		if leaf.Type == string(registry.ActFinding) {
			leaf = h.found(ctx, leaf)
		}
		if text, ok := h.searchText(ctx, leaf); ok {
			texts = append(texts, text)
		}
	}
	if len(texts) > 0 {
		if err := h.book.Index(ctx, texts); err != nil {
			return false, fmt.Errorf("writing search text: %w", err)
		}
	}
	upTo := leaves[len(leaves)-1].Index + 1
	err = h.book.Keep(ctx, []registry.Note{{Kind: indexNote, Key: indexKey, Value: strconv.AppendInt(nil, upTo, 10)}})
	return len(leaves) == indexBatch, err
}

// found gives the registration that a finding is about: there is more to be
// searched now.
func (h *house) found(ctx context.Context, leaf registry.LeafRow) registry.LeafRow {
	n, err := registry.ParseNumber(leaf.Subject)
	if err != nil {
		return leaf
	}
	page, err := h.book.Find(ctx, registry.Query{Of: registry.FindLine, Number: n, Limit: 1})
	if err != nil || len(page.Leaves) == 0 {
		return leaf
	}
	return page.Leaves[0]
}

func (h *house) indexedUpTo(ctx context.Context) (int64, error) {
	found, err := h.book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: indexNote, Key: indexKey, Limit: 1})
	if err != nil || len(found.Notes) == 0 {
		return 0, err
	}
	n, err := strconv.ParseInt(string(found.Notes[0].Value), 10, 64)
	if err != nil {
		return 0, nil // begin anew: indexing twice changes nothing
	}
	return n, nil
}

// searchText gives the folded words of an entry: what the register says of it,
// names of attachments, and the letter itself where it can be read.
func (h *house) searchText(ctx context.Context, leaf registry.LeafRow) (registry.Text, bool) {
	if leaf.Type != string(registry.Registered) {
		return registry.Text{}, false
	}
	var l registry.Line
	if json.Unmarshal(leaf.Content, &l) != nil || l.Draft.Arrival == nil {
		return registry.Text{}, false
	}
	a := l.Draft.Arrival
	words := []string{l.Outcome.Number.String(), a.Document.Subject, a.Title, a.Sender.Name, a.Sender.Email, a.SenderRef}
	for _, at := range a.Document.Attachments {
		words = append(words, at.Name)
	}
	it := a.Item
	it.Place = a.Place
	if text, ok := h.recent.take(it.ID); ok {
		words = append(words, text)
	} else if text, err := h.originals.Text(ctx, it); err == nil {
		words = append(words, text)
	}
	return registry.Text{Number: l.Outcome.Number, Words: registry.Fold(strings.Join(words, "\n"))}, true
}
