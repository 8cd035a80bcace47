package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"kancelaria/registry"
)

// What Fsck finds; the codes of its findings.
const (
	FoundMissing    = "archive_segment_missing"
	FoundHeader     = "archive_segment_unreadable"
	FoundOpen       = "archive_segment_not_sealed"
	FoundShort      = "archive_segment_cut_short"
	FoundSeal       = "archive_seal_differs"
	FoundHole       = "archive_records_missing"
	FoundRecord     = "archive_record_damaged"
	FoundZeros      = "archive_zeros_without_tombstone"
	FoundNotErased  = "archive_not_erased"
	FoundUnrecorded = "archive_file_without_record"
	FoundNote       = "archive_damage_noted"
	FoundTail       = "archive_tail_kept"
)

// Fsck looks at everything and changes nothing: segments and their numbers, the
// seal of each against what the next one says of it, sequences, manifests and
// copybook, large files; with full also every byte of every original. Zeros are
// in order only where a tombstone, or a record that the original was moved,
// names them; that the tombstone's leaf says the same is for whoever has the
// ledger to check (Tombstones). An error ends the walk.
func (a *Archive) Fsck(ctx context.Context, full bool) iter.Seq2[registry.Finding, error] {
	return func(yield func(registry.Finding, error) bool) {
		f := &fsck{a: a, full: full, large: map[registry.ItemID]bool{}}
		f.report = func(code, subject, text string) bool {
			if !f.stopped && !yield(registry.Finding{Code: code, Subject: subject, Text: text}, nil) {
				f.stopped = true
			}
			return !f.stopped
		}
		if err := f.run(ctx); err != nil && !f.stopped {
			yield(registry.Finding{}, err)
		}
	}
}

type fsck struct {
	a       *Archive
	full    bool
	report  func(code, subject, text string) bool
	stopped bool
	large   map[registry.ItemID]bool // large files that records name
	seal    *Seal                    // of the segment before, as computed; nil if it can't be
	last    uint64                   // sequence of the last record seen
}

func (f *fsck) run(ctx context.Context) error {
	segs, err := f.a.list(f.a.node)
	if err != nil {
		return err
	}
	want := uint64(1)
	for i, sf := range segs {
		if sf.number > want {
			f.report(FoundMissing, sf.name, fmt.Sprintf("segments %d to %d are missing", want, sf.number-1))
			f.seal = nil
		}
		want = sf.number + 1
		if err := f.segment(ctx, sf, i >= len(segs)-2); err != nil || f.stopped {
			return err
		}
	}
	if err := f.unrecorded(); err != nil || f.stopped {
		return err
	}
	return f.notes()
}

// segment checks one; the last two may be the one being written and the one
// prepared.
func (f *fsck) segment(ctx context.Context, sf segmentFile, mayBeOpen bool) error {
	s, err := f.a.openSegment(f.a.node, sf.number)
	switch {
	case errors.Is(err, errNoHeader):
		if sf.sealed || !mayBeOpen {
			f.report(FoundHeader, sf.name, fmt.Sprintf("segment %d can't be read: %v", sf.number, err))
		}
		f.seal = nil
		return nil
	case errors.Is(err, ErrNotFound): // sealed by a start meanwhile, or removed as unused
		return nil
	case err != nil:
		return err
	}
	defer s.Close()
	if !sf.sealed && !mayBeOpen {
		f.report(FoundOpen, sf.name, fmt.Sprintf("segment %d was never sealed; the next start does it", sf.number))
	}
	if s.headless {
		f.report(FoundHeader, sf.name, fmt.Sprintf("segment %d: both copies of its header are damaged; the next segment has its salt", sf.number))
	}
	return f.records(ctx, s, sf)
}

// records checks the records of a segment, and the seal of the one before
// against what the first of them says.
func (f *fsck) records(ctx context.Context, s *segment, sf segmentFile) error {
	promised, err := f.promised(ctx, s, sf)
	if err != nil {
		return err
	}
	sealing, records, first := startSeal(s.header), int64(0), true
	sc := newScanner(s, block)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		off, h, err := sc.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if h.sequence > promised {
			break // being written
		}
		if first {
			f.first(s, off, &h)
		} else if h.sequence != f.last+1 {
			f.report(FoundHole, s.name, fmt.Sprintf("segment %d: records %d to %d are missing", s.number, f.last+1, h.sequence-1))
		}
		first, f.last = false, h.sequence
		var p [headerSize]byte
		h.put(p[:], s.mac)
		sealing.Write(p[:])
		records++
		if err := f.record(ctx, s, off, &h); err != nil || f.stopped {
			return err
		}
	}
	if f.seal = nil; s.headless {
		return nil // the seal is over the header too
	}
	f.seal = &Seal{
		Node: s.node, Segment: s.number, Records: records, Last: f.last, Length: s.end,
		Digest: registry.Digest(sealing.Sum(nil)),
	}
	return nil
}

// promised gives the last sequence that counts: all of a sealed segment, and of
// one that another process writes what a later record names as synced.
func (f *fsck) promised(ctx context.Context, s *segment, sf segmentFile) (uint64, error) {
	if sf.sealed || f.a.live.Load() != nil {
		return ^uint64(0), nil
	}
	if _, err := f.a.opening(s.node, s.number+1); err == nil {
		return ^uint64(0), nil
	}
	var synced uint64
	err := f.a.eachRecord(ctx, s.node, s.number, block, func(_ *segment, _ int64, h *header) bool {
		synced = max(synced, h.synced)
		return true
	})
	return synced, err
}

// first compares the seal of the segment before with what this one says.
func (f *fsck) first(s *segment, off int64, h *header) {
	o, err := s.readOpening(off, h)
	if off != block || err != nil {
		f.report(FoundRecord, s.name, fmt.Sprintf("segment %d: its first record can't be read", s.number))
		return
	}
	switch {
	case s.number == 1 && o.Segment == 0, f.seal == nil:
	case o.Seal == *f.seal:
	case o.Segment == f.seal.Segment && o.Length > f.seal.Length:
		f.report(FoundShort, s.name, fmt.Sprintf("segment %d has %d bytes, %d were sealed", o.Segment, f.seal.Length, o.Length))
	default:
		f.report(FoundSeal, s.name, fmt.Sprintf("segment %d: its seal is %s over %d records, segment %d says %s over %d",
			f.seal.Segment, f.seal.Digest, f.seal.Records, s.number, o.Digest, o.Records))
	}
	if o.Segment == s.number-1 && f.last > 0 && o.Last > f.last {
		f.report(FoundHole, s.name, fmt.Sprintf("segment %d: records %d to %d are missing", o.Segment, f.last+1, o.Last))
	}
}

func (f *fsck) record(ctx context.Context, s *segment, off int64, h *header) error {
	if h.isLarge() {
		f.large[h.large] = true
	}
	p := place{s.node, s.number, off}
	err := f.a.check(ctx, s, off, h, f.full)
	switch {
	case errors.Is(err, errZeros):
		f.report(FoundZeros, p.String(), fmt.Sprintf("record %d at %s holds zeros, and no tombstone says why", h.sequence, p))
	case isBadContent(err):
		f.report(FoundRecord, p.String(), fmt.Sprintf("record %d at %s: %v", h.sequence, p, err))
	case err != nil:
		return err
	}
	if h.kind != registry.RecordTombstone {
		return nil
	}
	return f.tombstones(s, off, h)
}

// tombstones checks that what they name is gone.
func (f *fsck) tombstones(s *segment, off int64, h *header) error {
	lines, err := s.lines(off, h)
	for i := range lines {
		var b []byte
		if b, err = s.sheet(off, h, lines, i); err != nil {
			break
		}
		var t Tombstone
		if err = json.Unmarshal(b, &t); err != nil {
			break
		}
		for _, p := range t.Places {
			if err := f.buried(p, t.Item); err != nil {
				return err
			}
		}
	}
	if isBadContent(err) {
		return nil // reported as a record
	}
	return err
}

func (f *fsck) buried(p registry.Place, item registry.ItemID) error {
	r, err := f.a.openRecord(p)
	if errors.Is(err, registry.ErrDamaged) || errors.Is(err, ErrNotFound) {
		return nil // reported where it lies
	}
	if err != nil {
		return err
	}
	defer r.Close()
	for i, l := range r.lines {
		if _, err := r.sheet(r.at.offset, &r.h, r.lines, i); l.item == item && err == nil {
			f.report(FoundNotErased, string(p), fmt.Sprintf("item %s at %s has a tombstone and is still there; erase it once more", item, p))
		}
	}
	return nil
}

// unrecorded names large files that no record knows: their door was told no.
func (f *fsck) unrecorded() error {
	root := f.a.node + "/" + largeDir
	months, err := f.a.fs.ReadDir(root)
	if err != nil {
		return err
	}
	for _, m := range months {
		if !m.IsDir() || root+"/"+m.Name() == f.a.node+"/"+incomingDir {
			continue
		}
		files, err := f.a.fs.ReadDir(root + "/" + m.Name())
		if err != nil {
			return err
		}
		for _, info := range files {
			id, err := registry.ParseItemID(info.Name())
			if name := root + "/" + m.Name() + "/" + info.Name(); err != nil || !f.large[id] {
				if !f.report(FoundUnrecorded, name, "no record names "+name+"; nobody was promised it") {
					return nil
				}
			}
		}
	}
	return nil
}

// notes lists what starts and readers found.
func (f *fsck) notes() error {
	for _, d := range f.a.Damage() {
		f.report(FoundNote, f.a.node+"/"+damagedDir+"/"+d.file(), d.Text)
	}
	tails, err := f.a.fs.ReadDir(f.a.node + "/" + tailsDir)
	if err != nil {
		return err
	}
	for _, info := range tails {
		if strings.HasSuffix(info.Name(), ".tail") {
			f.report(FoundTail, f.a.node+"/"+tailsDir+"/"+info.Name(), "cut off by a start: nobody was promised it")
		}
	}
	return nil
}
