package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"kancelaria/registry"
	"kancelaria/registry/archive"
)

// sealed takes a seal of a segment on its way to the ledger. It must not block:
// the archive is in the middle of its work. What finds no room is found again
// at the next start.
func (h *house) sealed(s archive.Seal) {
	select {
	case h.seals <- s:
	default:
		h.log.Warn("archive.seal_waits", "segment", s.Segment)
	}
}

// writeSeals makes a leaf of each seal, so that a segment cannot be exchanged
// behind the ledger's back. The key makes repeating harmless.
func (h *house) writeSeals(ctx context.Context) error {
	if h.purpose == forServe {
		if err := h.oldSeals(ctx); err != nil && ctx.Err() == nil {
			h.log.Warn("archive.seals", "err", err)
		}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-h.seals:
			if err := h.writeSeal(ctx, s); err != nil && !errors.Is(err, context.Canceled) {
				h.log.Warn("archive.seal_not_written", "segment", s.Segment, "err", err)
			}
		}
	}
}

// sealNote keeps up to which segment the seals are in the ledger.
const sealNote = "seals"

// oldSeals writes the seals that an earlier life did not get to.
func (h *house) oldSeals(ctx context.Context) error {
	found, err := h.book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: sealNote, Key: h.cfg.Node, Limit: 1})
	if err != nil {
		return err
	}
	from := uint64(1)
	if len(found.Notes) > 0 {
		if n, err := strconv.ParseUint(string(found.Notes[0].Value), 10, 64); err == nil {
			from = n
		}
	}
	for s, err := range h.archive.Seals(ctx, from) {
		if err != nil {
			return err
		}
		if err := h.writeSeal(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func (h *house) writeSeal(ctx context.Context, s archive.Seal) error {
	content, err := json.Marshal(s)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s/%d", h.cfg.Node, s.Segment)
	registry.FailSealBeforeLeaf.Hit()
	out, err := h.registrar.Submit(ctx, registry.Draft{
		Key: "seal/" + name, Actor: registry.Daemon,
		Act: &registry.Act{Kind: registry.ActSealed, Subject: "segment/" + name, Text: s.Digest.String(), Content: content},
	})
	if err == nil {
		err = out.Err()
	}
	if err != nil {
		return err
	}
	registry.FailSealAfterLeaf.Hit()
	return h.book.Keep(ctx, []registry.Note{{Kind: sealNote, Key: h.cfg.Node, Value: strconv.AppendUint(nil, s.Segment+1, 10)}})
}

// lookBack is how many records of the copybook are read for its newest line: a
// line that was told again may lie behind newer ones.
const lookBack = 16

// newest finds the newest line in this node's copybook: the book must hold it.
// It lies in the last segments as a rule.
func (h *house) newest(ctx context.Context) (registry.Line, bool, error) {
	st, err := h.archive.Status()
	if err != nil {
		return registry.Line{}, false, err
	}
	last, err := h.lastOutcomes(ctx, h.archive.Begin(max(st.Segment, 3)-2))
	if err == nil && len(last) == 0 {
		last, err = h.lastOutcomes(ctx, "")
	}
	var newest registry.Line
	for _, p := range last {
		sheets, err := h.archive.Sheets(ctx, p)
		if errors.Is(err, registry.ErrDamaged) {
			continue // told by the archive; the others say enough
		}
		if err != nil {
			return newest, false, err
		}
		for _, sheet := range sheets {
			if l, err := registry.ParseLine(sheet.Bytes); err == nil && l.Outcome.Leaf >= newest.Outcome.Leaf {
				newest = l
			}
		}
	}
	return newest, newest.Draft.Key != "", err
}

// lastOutcomes gives the last records of the copybook from a place on.
func (h *house) lastOutcomes(ctx context.Context, from registry.Place) (last []registry.Place, err error) {
	for r, err := range h.archive.Records(ctx, from) {
		if err != nil {
			return last, err
		}
		if r.Kind == registry.RecordOutcomes {
			last = append(last[max(0, len(last)-lookBack+1):], r.Place)
		}
	}
	return last, nil
}

// behind says that the book lacks what this node's copybook holds, for those
// who only look: the registrar finds it by itself.
func (h *house) behind(ctx context.Context, head registry.Head) error {
	newest, known, err := h.newest(ctx)
	if err != nil || !known || newest.Outcome.Leaf < head.Size {
		return err
	}
	return fmt.Errorf("%w: it has %d leaves and lacks leaf %d; see \"kancelaria help recover\"", registry.ErrBehind, head.Size, newest.Outcome.Leaf)
}
