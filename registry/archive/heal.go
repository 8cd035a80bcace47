package archive

import (
	"context"
	"errors"
	"fmt"
	"io"

	"kancelaria/registry"
)

// Unsettled tells the archive how to ask whether an item still waits to be
// registered; without it every item counts as waiting. The spool calls it.
func (a *Archive) Unsettled(ask func(registry.ItemID) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unsettled = ask
}

// An ailing segment is one the disk failed under. What was promised in it is
// known exactly; its file is not touched again.
type ailing struct {
	number uint64
	last   uint64 // sequence
}

// A copied record is written once more, since the disk failed under the first.
type copied struct {
	h      header
	offset int64
	inline []byte // the original, if it lies in the record
}

// Heal takes up work after a failed sync. A sync that failed is never tried
// again, and what it should have written never trusted: the cache may show
// bytes that the disk does not have. What was promised and is not settled is
// read back from the disk, checked, and written to a fresh segment; whoever got
// an error is left behind. Until it succeeds, nothing is accepted. The archive
// stays red: a disk that failed once should be replaced.
//
// Run calls it; it does nothing if there is nothing to heal.
func (a *Archive) Heal(ctx context.Context) error {
	a.mu.Lock()
	for a.leading {
		a.idle.Wait()
	}
	if a.failed == nil || a.closed {
		a.mu.Unlock()
		return nil
	}
	a.leading = true
	ask := a.unsettled
	a.mu.Unlock()

	err := a.heal(ctx, ask)

	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.failed = nil
		a.log.Warn("archive.healed", "failures", a.failures)
	} else {
		a.trouble = err
		a.log.Error("archive.not_healed", "err", err)
	}
	a.leading = false
	a.idle.Broadcast()
	if err != nil {
		return fmt.Errorf("healing the archive: %w", err)
	}
	return nil
}

// heal runs with the lead held.
func (a *Archive) heal(ctx context.Context, unsettled func(registry.ItemID) bool) error {
	old := a.cur
	if old == nil {
		return nil // a large original failed before anything was written
	}
	if a.ailing == nil {
		a.ailing = &ailing{number: old.number, last: a.synced}
	}
	next, err := a.takeNext()
	if err != nil {
		return err
	}
	old.headers = nil
	a.sealed(a.openingOf(old))
	if err := old.file.Close(); err != nil {
		a.log.Debug("archive.close", "segment", old.number, "err", err)
	}
	if err := a.begin(next); err != nil {
		return err
	}
	if err := a.copyFrom(ctx, *a.ailing, unsettled); err != nil {
		return err
	}
	a.ailing = nil
	return nil
}

// copyFrom writes once more what was promised in an ailing segment: all but
// items that are settled, which the book and the copybook have.
func (a *Archive) copyFrom(ctx context.Context, from ailing, unsettled func(registry.ItemID) bool) error {
	s, err := a.openSegment(a.node, from.number)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.file.Forget(); err != nil {
		return err
	}
	var group []*pending
	var size int64
	sc := newScanner(s, block)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		off, h, err := sc.next()
		if errors.Is(err, io.EOF) || err == nil && h.sequence > from.last {
			return a.commit(group)
		}
		if err != nil {
			return err
		}
		p, err := a.copyOf(ctx, s, off, &h, unsettled)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if size += p.size; len(group) > 0 && size > maxGroup {
			if err := a.commit(group); err != nil {
				return err
			}
			group, size = nil, p.size
		}
		group = append(group, p)
	}
}

// copyOf reads one record back, checked; nil if it need not be copied, or can't
// be and is noted as damaged.
func (a *Archive) copyOf(ctx context.Context, s *segment, off int64, h *header, unsettled func(registry.ItemID) bool) (*pending, error) {
	if h.kind == registry.RecordOpened || h.kind == registry.RecordClosed {
		return nil, nil
	}
	r := &record{segment: s, at: place{s.node, s.number, off}, h: *h}
	p := &pending{kind: h.kind, copied: &copied{h: *h, offset: off}, size: align(h.size(), recordAlign)}
	err := a.readBack(ctx, r, p, unsettled)
	if isBadContent(err) {
		return nil, a.damage.add(damagedRecord(s.node, off, h))
	}
	if err != nil || len(p.sheets) == 0 {
		return nil, err
	}
	return p, nil
}

func (a *Archive) readBack(ctx context.Context, r *record, p *pending, unsettled func(registry.ItemID) bool) error {
	var err error
	if r.lines, err = r.segment.lines(r.at.offset, &r.h); err != nil {
		return err
	}
	for i, l := range r.lines {
		if r.h.kind == registry.RecordItems && unsettled != nil && !unsettled(l.item) {
			continue
		}
		b, err := r.sheet(r.at.offset, &r.h, r.lines, i)
		if errors.Is(err, errZeros) {
			if gone, err := a.marks.gone(ctx, r.at, l.item); err != nil || gone {
				return err
			}
		}
		if err != nil {
			return err
		}
		p.sheets = append(p.sheets, registry.Sheet{Item: l.item, Settles: l.flags&sheetSettles != 0, Bytes: b})
	}
	if len(p.sheets) == 0 || r.h.inline() == 0 {
		return nil
	}
	p.copied.inline = make([]byte, r.h.bodyLen)
	n, err := readFull(r.file, p.copied.inline, r.h.bodyOffset(r.at.offset))
	if err != nil {
		return err
	}
	return checkBody(ctx, io.NewSectionReader(byteReader(p.copied.inline[:n]), 0, int64(n)), r.h.body)
}
