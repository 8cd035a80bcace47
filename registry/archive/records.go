package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"kancelaria/registry"
)

// Records walks the node's records in order, from the one at from on, or from
// the beginning. What is damaged is passed over (see Damage); an error of the
// disk ends the walk. Records appended meanwhile are seen up to some point.
func (a *Archive) Records(ctx context.Context, from registry.Place) iter.Seq2[registry.Record, error] {
	return func(yield func(registry.Record, error) bool) {
		start := place{node: a.node, segment: 1, offset: block}
		if from != "" {
			var err error
			if start, err = parsePlace(from); err != nil {
				yield(registry.Record{}, err)
				return
			}
		}
		segs, err := a.list(start.node)
		if err != nil {
			yield(registry.Record{}, err)
			return
		}
		for _, sf := range segs {
			if sf.number < start.segment {
				continue
			}
			off := int64(block)
			if sf.number == start.segment {
				off = start.offset
			}
			if !a.walk(ctx, start.node, sf.number, off, yield) {
				return
			}
		}
	}
}

// walk yields the records of one segment; false ends it all.
func (a *Archive) walk(ctx context.Context, node string, number uint64, off int64, yield func(registry.Record, error) bool) bool {
	more := true
	err := a.eachRecord(ctx, node, number, off, func(s *segment, off int64, h *header) bool {
		lines, err := s.lines(off, h)
		if isBadContent(err) {
			err = a.damage.add(damagedRecord(node, off, h))
		} else if err == nil {
			more = yield(publicRecord(place{node, number, off}, h, lines), nil)
		}
		if err != nil {
			more = yield(registry.Record{}, err) && false
		}
		return more
	})
	if err != nil {
		return yield(registry.Record{}, err) && false
	}
	return more
}

// eachRecord calls do for each valid header of a segment until it says no. A
// segment that is not there or unreadable as a whole has none: it is noted.
func (a *Archive) eachRecord(ctx context.Context, node string, number uint64, off int64, do func(s *segment, off int64, h *header) bool) error {
	s, err := a.openSegment(node, number)
	if errors.Is(err, errNoHeader) || errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.Close()
	sc := newScanner(s, off)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		off, h, err := sc.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !do(s, off, &h) {
			return nil
		}
	}
}

func publicRecord(p place, h *header, lines []line) registry.Record {
	r := registry.Record{
		Place: p.public(), Kind: h.kind, Sequence: h.sequence, At: h.at,
		Digest: h.body, Size: h.bodyLen, Sheets: make([]registry.Sheet, len(lines)),
	}
	for i, l := range lines {
		r.Sheets[i] = registry.Sheet{Item: l.item, Settles: l.flags&sheetSettles != 0}
	}
	return r
}

// Sheets reads every sheet of the record at p, checked. One that was erased
// has no bytes. A damaged one is an error (registry.ErrDamaged): it is not
// passed over.
func (a *Archive) Sheets(ctx context.Context, p registry.Place) (sheets []registry.Sheet, err error) {
	read := func(at registry.Place) error {
		sheets = nil
		r, err := a.openRecord(at)
		if err != nil {
			return err
		}
		defer r.Close()
		for i, l := range r.lines {
			b, err := r.sheet(r.at.offset, &r.h, r.lines, i)
			if errors.Is(err, errZeros) {
				gone, err2 := a.marks.gone(ctx, r.at, l.item)
				if err2 != nil {
					return err2
				}
				if gone {
					b, err = nil, nil
				}
			}
			if isBadContent(err) {
				err = fmt.Errorf("a sheet of the record at %s: %w: %w", at, registry.ErrDamaged, err)
			}
			if err != nil {
				return err
			}
			sheets = append(sheets, registry.Sheet{Item: l.item, Settles: l.flags&sheetSettles != 0, Bytes: b})
		}
		return nil
	}
	err = read(p)
	if errors.Is(err, registry.ErrDamaged) {
		again, ok, err2 := a.marks.copyOf(ctx, p)
		if err2 == nil && ok {
			err = read(again)
		}
	}
	return sheets, err
}

// BeginOf is where the records of a node begin, for Records.
func BeginOf(node string) registry.Place {
	return place{node: node, segment: 1, offset: block}.public()
}
