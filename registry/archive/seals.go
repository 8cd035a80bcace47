package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"kancelaria/registry"
)

// Seals gives the seals of the node's segments from one on, for whoever makes
// leaves of them and may have missed some. The segment being written has none.
func (a *Archive) Seals(ctx context.Context, from uint64) iter.Seq2[Seal, error] {
	return func(yield func(Seal, error) bool) {
		segs, err := a.list(a.node)
		if err != nil {
			yield(Seal{}, err)
			return
		}
		for _, sf := range segs {
			if sf.number < from || !sf.sealed {
				continue
			}
			if err := ctx.Err(); err != nil {
				yield(Seal{}, err)
				return
			}
			s, err := a.sealFor(sf)
			if errors.Is(err, errNoHeader) {
				continue // noted as damaged
			}
			if !yield(s, err) || err != nil {
				return
			}
		}
	}
}

// sealFor reads a seal from the next segment, or computes it.
func (a *Archive) sealFor(sf segmentFile) (Seal, error) {
	if o, err := a.opening(a.node, sf.number+1); err == nil && o.Segment == sf.number {
		return o.Seal, nil
	}
	return a.Compute(sf.number)
}

// Compute computes the seal of a segment from its headers, to be compared with
// its leaf.
func (a *Archive) Compute(number uint64) (Seal, error) {
	s, err := a.openSegment(a.node, number)
	if err != nil {
		return Seal{}, err
	}
	defer s.Close()
	o, _, _, err := summarise(s)
	return o.Seal, err
}

// A Listed segment, for people.
type Listed struct {
	Segment uint64
	Bytes   int64
	Sealed  bool
	Records int64
	Items   int64
	First   time.Time
	Last    time.Time
	Seal    registry.Digest // so far, if it is not sealed
}

// List walks the segments and counts what is in them.
func (a *Archive) List(ctx context.Context) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		segs, err := a.list(a.node)
		if err != nil {
			yield(Listed{}, err)
			return
		}
		for _, sf := range segs {
			l := Listed{Segment: sf.number, Bytes: sf.size, Sealed: sf.sealed}
			err := a.eachRecord(ctx, a.node, sf.number, block, func(_ *segment, _ int64, h *header) bool {
				if l.Records++; l.Records == 1 {
					l.First = h.at
				}
				if l.Last = h.at; h.kind == registry.RecordItems {
					l.Items += int64(h.sheets)
				}
				return true
			})
			if err == nil && l.Records > 0 {
				var seal Seal
				seal, err = a.Compute(sf.number)
				l.Seal = seal.Digest
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// Tombstones gives every tombstone, for whoever compares them with their leaves.
func (a *Archive) Tombstones(ctx context.Context) iter.Seq2[Tombstone, error] {
	return func(yield func(Tombstone, error) bool) {
		for r, err := range a.Records(ctx, "") {
			if err != nil {
				yield(Tombstone{}, err)
				return
			}
			if r.Kind != registry.RecordTombstone {
				continue
			}
			for _, s := range r.Sheets {
				b, err := a.Sheet(ctx, r.Place, s.Item)
				var t Tombstone
				if err == nil {
					err = json.Unmarshal(b, &t)
				}
				if err != nil {
					err = fmt.Errorf("the tombstone at %s: %w", r.Place, err)
				}
				if !yield(t, err) || err != nil {
					return
				}
			}
		}
	}
}

// Synced says how far the segment being written is durable: a backup copies so
// many bytes of it and all of the sealed ones. It is false before the first
// record.
func (a *Archive) Synced() (segment uint64, length int64, ok bool) {
	h := a.live.Load()
	if h == nil {
		return 0, 0, false
	}
	return h.segment, h.end, true
}

// Nodes names all whose segments lie here: this node, and those whose folders
// were brought here.
func (a *Archive) Nodes() ([]string, error) {
	infos, err := a.fs.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var out []string
	for _, info := range infos {
		if info.IsDir() && validNode(info.Name()) {
			out = append(out, info.Name())
		}
	}
	return out, nil
}
