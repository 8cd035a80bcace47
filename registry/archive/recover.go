package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"kancelaria/registry"
)

// recover is what a start does before anything is read or written.
//
// A record that can't be read is damage only if a later valid record names it
// as synced; otherwise nobody was promised it, and it is the tail: kept beside,
// not registered. A start never appends to an old segment. It cuts and seals
// what was open; the next record goes to a new segment with a new salt, so that
// what an earlier life left on the disk can't be taken for a record.
func (a *Archive) recover() error {
	if err := a.emptyIncoming(); err != nil {
		return err
	}
	segs, err := a.list(a.node)
	if err != nil {
		return err
	}
	if err := a.findMissing(segs); err != nil {
		return err
	}
	done := -1 // index of the last segment that was used
	for i, sf := range segs {
		if sf.sealed {
			done = i
			continue
		}
		used, err := a.closeOld(sf)
		if err != nil {
			return fmt.Errorf("%s: %w", sf.name, err)
		}
		registry.FailSegmentRecovered.Hit()
		if used {
			done = i
		}
	}
	if done < 0 {
		return a.setAsideOrphans(segs)
	}
	a.highest = segs[done].number
	if a.before.Segment != a.highest {
		if err := a.resume(a.highest); err != nil {
			return err
		}
	}
	return a.setAsideOrphans(segs)
}

// emptyIncoming removes large originals that were never finished.
func (a *Archive) emptyIncoming() error {
	dir := a.node + "/" + incomingDir
	infos, err := a.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, info := range infos {
		if err := a.fs.Remove(dir + "/" + info.Name()); err != nil {
			return err
		}
	}
	if len(infos) > 0 {
		a.log.Info("archive.unfinished_removed", "files", len(infos))
	}
	return nil
}

// findMissing names segments that are not there: they are numbered from 1
// without a hole.
func (a *Archive) findMissing(segs []segmentFile) error {
	want := uint64(1)
	for _, sf := range segs {
		if sf.number > want {
			err := a.damage.add(Damage{
				Segment: want, To: sf.number - 1, What: "missing",
				Text: fmt.Sprintf("segments %d to %d are missing", want, sf.number-1),
			})
			if err != nil {
				return err
			}
		}
		want = sf.number + 1
	}
	return nil
}

// resume takes up the count after a segment that was sealed in an earlier life.
func (a *Archive) resume(number uint64) error {
	s, err := a.openSegment(a.node, number)
	if errors.Is(err, errNoHeader) {
		// Everything in it is damaged already; go on behind it.
		a.before = opening{Seal: Seal{Node: a.node, Segment: number, Last: a.synced}}
		return a.damage.add(unreadable(number))
	}
	if err != nil {
		return err
	}
	defer s.Close()
	o, at, last, err := summarise(s)
	if err != nil {
		return err
	}
	a.before = o
	if o.Records > 0 {
		a.remember(at, &last)
	}
	a.seq, a.synced = max(a.seq, o.Last), max(a.synced, o.Last)
	return nil
}

func unreadable(number uint64) Damage {
	return Damage{
		Segment: number, What: "header",
		Text: fmt.Sprintf("segment %d can't be read: both copies of its header are damaged", number),
	}
}

// closeOld cuts and seals a segment that an earlier life left open. It reports
// false, and removes the file, if nothing in it was ever promised.
func (a *Archive) closeOld(sf segmentFile) (used bool, err error) {
	f, err := a.fs.OpenFile(sf.name, os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	// What is read from here on must be what the disk holds, also after a sync
	// that failed in an earlier life.
	if err := errors.Join(f.Datasync(), f.Forget()); err != nil {
		return false, err
	}
	s := &segment{file: f, name: sf.name, node: a.node, number: sf.number, end: sf.size}
	next, nextErr := a.opening(a.node, sf.number+1)
	followed := nextErr == nil && next.Segment == sf.number
	if err := s.readHeader(); err != nil {
		if !errors.Is(err, errNoHeader) {
			return false, err
		}
		if !followed {
			return a.closeHeadless(s)
		}
		s.header = segmentHeader{number: s.number, node: a.node, salt: next.Salt}
		s.mac = newMAC(next.Salt)
	}
	recs, err := a.readRecords(s)
	if err != nil {
		return false, err
	}
	if len(recs) == 0 && !followed {
		return false, a.discard(s)
	}
	if err := a.learnBefore(s, recs); err != nil {
		return false, err
	}
	return a.closeJudged(s, a.judge(s, recs, next, followed))
}

// closeHeadless deals with a segment without a header: one whose preparation
// was cut short, or one whose header is damaged.
func (a *Archive) closeHeadless(s *segment) (used bool, err error) {
	end, err := lastByte(s.file, 0, s.end)
	if err != nil {
		return false, err
	}
	if end <= block { // preparation writes zeros, and syncs them before first use
		return false, a.discard(s)
	}
	if err := a.damage.add(unreadable(s.number)); err != nil {
		return false, err
	}
	if err := errors.Join(s.file.Chmod(0o440), s.file.Sync()); err != nil {
		return false, err
	}
	return true, nil
}

// discard removes a segment in which nothing was promised, and keeps what is in
// it beside.
func (a *Archive) discard(s *segment) error {
	if err := a.keepTail(s, block); err != nil {
		return err
	}
	if err := a.fs.Remove(s.name); err != nil {
		return err
	}
	return a.fs.SyncDir(a.node)
}

// A found record of a segment that is being closed.
type foundRecord struct {
	off int64
	h   header
	bad bool
}

func (r foundRecord) end() int64 { return r.off + align(r.h.size(), recordAlign) }

// readRecords reads and checks all a segment holds, bodies too.
func (a *Archive) readRecords(s *segment) ([]foundRecord, error) {
	var recs []foundRecord
	sc := newScanner(s, block)
	for {
		off, h, err := sc.next()
		if errors.Is(err, io.EOF) {
			return recs, nil
		}
		if err != nil {
			return nil, err
		}
		r := foundRecord{off: off, h: h}
		if err := a.check(context.Background(), s, off, &h, false); err != nil {
			if !isBadContent(err) {
				return nil, err
			}
			r.bad = true
		}
		recs = append(recs, r)
	}
}

// A verdict is what recovery makes of a segment.
type verdict struct {
	keep []foundRecord
	cut  int64
	// The next segment says how far this one was promised.
	followed bool
	damages  []Damage
	last     uint64 // sequence of the last record kept
	seen     uint64 // highest sequence seen at all, kept or not
}

// judge applies the rule of the last synced sequence.
func (a *Archive) judge(s *segment, recs []foundRecord, next opening, followed bool) verdict {
	v := verdict{cut: block, last: a.synced, followed: followed}
	var synced uint64
	limit := s.end
	for _, r := range recs {
		synced, v.seen = max(synced, r.h.synced), max(v.seen, r.h.sequence)
	}
	if followed { // the next segment knows exactly
		synced, limit = next.Last, next.Length
	}
	expect := a.before.Last + 1
	if len(recs) > 0 && recs[0].off == block {
		expect = recs[0].h.sequence
	}
	for _, r := range recs {
		if r.end() > limit {
			break
		}
		if r.h.sequence > expect {
			if lost := min(synced, r.h.sequence-1); lost >= expect {
				v.damages = append(v.damages, hole(s.number, v.cut, r.off, expect, lost))
			}
			if r.h.sequence-1 > synced {
				break
			}
		}
		if r.bad {
			if r.h.sequence > synced {
				break
			}
			v.damages = append(v.damages, damagedRecord(s.node, r.off, &r.h))
		}
		v.keep = append(v.keep, r)
		v.cut, v.last, expect = r.end(), r.h.sequence, r.h.sequence+1
	}
	if followed {
		if expect <= synced {
			v.damages = append(v.damages, hole(s.number, v.cut, limit, expect, synced))
		}
		v.cut = limit
	}
	return v
}

// learnBefore finds out where the segment before ended: from the first record
// of this one, else from that segment.
func (a *Archive) learnBefore(s *segment, recs []foundRecord) error {
	if len(recs) > 0 && recs[0].off == block && !recs[0].bad {
		if o, err := s.readOpening(block, &recs[0].h); err == nil {
			a.before = o
			a.synced, a.seq = max(a.synced, o.Last), max(a.seq, recs[0].h.sequence-1)
			return nil
		}
	}
	if s.number == 1 || a.before.Segment == s.number-1 {
		return nil
	}
	err := a.resume(s.number - 1)
	if errors.Is(err, ErrNotFound) {
		return nil // named as missing already
	}
	return err
}

// closeJudged acts on a verdict: notes the damage, keeps the tail, cuts, seals.
func (a *Archive) closeJudged(s *segment, v verdict) (used bool, err error) {
	for _, d := range v.damages {
		if err := a.damage.add(d); err != nil {
			return false, err
		}
	}
	a.seq = max(a.seq, v.seen, v.last)
	if len(v.keep) == 0 && len(v.damages) == 0 && !v.followed {
		return false, a.discard(s)
	}
	if err := a.keepTail(s, v.cut); err != nil {
		return false, err
	}
	sealing := startSeal(s.header)
	for _, r := range v.keep {
		var p [headerSize]byte
		r.h.put(p[:], s.mac)
		sealing.Write(p[:])
		at := place{a.node, s.number, r.off}
		a.remember(at, &r.h)
		if k := r.h.kind; k == registry.RecordTombstone || k == registry.RecordMoved {
			a.orders = append(a.orders, at.public())
		}
	}
	if err := sealFile(s.file, v.cut); err != nil {
		return false, err
	}
	a.synced = max(a.synced, v.last)
	a.sealed(opening{Seal: Seal{
		Node: a.node, Segment: s.number, Records: int64(len(v.keep)), Last: a.synced, Length: v.cut,
		Digest: registry.Digest(sealing.Sum(nil)),
	}, Salt: s.header.salt})
	return true, nil
}

// remember takes a record of an earlier life as the last one.
func (a *Archive) remember(p place, h *header) {
	a.lastAt = h.at
	a.found = registry.Record{Place: p.public(), Kind: h.kind, Sequence: h.sequence, At: h.at}
}

// summarise computes the seal of a segment from its headers, and gives the last
// one.
func summarise(s *segment) (opening, place, header, error) {
	o := opening{Seal: Seal{Node: s.node, Segment: s.number, Length: s.end}, Salt: s.header.salt}
	at, last := place{node: s.node, segment: s.number}, header{}
	sealing := startSeal(s.header)
	sc := newScanner(s, block)
	for {
		off, h, err := sc.next()
		if errors.Is(err, io.EOF) {
			o.Digest = registry.Digest(sealing.Sum(nil))
			return o, at, last, nil
		}
		if err != nil {
			return o, at, last, err
		}
		var p [headerSize]byte
		h.put(p[:], s.mac)
		sealing.Write(p[:])
		o.Records++
		o.Last, at.offset, last = h.sequence, off, h
	}
}
