package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// scrubbed is how far a round of reading everything has come, between starts.
type scrubbed struct {
	Segment uint64    `json:"segment"` // the last one read
	Begun   time.Time `json:"begun"`   // this round
	Ended   time.Time `json:"ended"`   // the one before
}

const scrubName = "scrub"

// scrub reads every sealed segment and its large originals in the course of
// Options.ScrubEvery, one segment at a time with pauses between, and notes what
// is damaged while there are still backups that are not.
func (a *Archive) scrub(ctx context.Context) {
	if a.opt.ScrubEvery < 0 || a.opt.ReadOnly {
		return
	}
	for {
		pause, err := a.scrubNext(ctx)
		if err != nil && ctx.Err() == nil {
			a.log.Error("archive.scrub_failed", "err", err)
			a.note(err)
		}
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// scrubNext reads one segment and says how long to pause after.
func (a *Archive) scrubNext(ctx context.Context) (time.Duration, error) {
	const longest = time.Hour // then look again what there is
	var at scrubbed
	if b, err := a.Kept(scrubName); err != nil {
		return longest, err
	} else if b != nil && json.Unmarshal(b, &at) != nil {
		at = scrubbed{}
	}
	segs, err := a.list(a.node)
	if err != nil {
		return longest, err
	}
	sealed := 0
	var next *segmentFile
	for i := range segs {
		if !segs[i].sealed {
			continue
		}
		sealed++
		if next == nil && segs[i].number > at.Segment {
			next = &segs[i]
		}
	}
	now := a.now().UTC()
	if next == nil { // a round is over; the next one begins when its time has come
		if sealed == 0 || now.Sub(at.Begun) < a.opt.ScrubEvery {
			return longest, nil
		}
		return 0, a.keepScrub(scrubbed{Begun: now, Ended: now})
	}
	if at.Begun.IsZero() {
		at.Begun = now
	}
	if err := a.scrubSegment(ctx, next.number); err != nil {
		return longest, err
	}
	at.Segment = next.number
	return min(a.opt.ScrubEvery/time.Duration(sealed), longest), a.keepScrub(at)
}

func (a *Archive) keepScrub(at scrubbed) error {
	b, err := json.Marshal(at)
	if err != nil {
		return err
	}
	return a.Keep(scrubName, b)
}

// scrubSegment notes each record that differs from its digest, and a seal that
// differs from what the next segment says: then headers are lost or were added.
func (a *Archive) scrubSegment(ctx context.Context, number uint64) error {
	var bad error
	err := a.eachRecord(ctx, a.node, number, block, func(s *segment, off int64, h *header) bool {
		err := a.check(ctx, s, off, h, true)
		switch {
		case err == nil:
		case !isBadContent(err):
			bad = err
		default:
			bad = a.damagedUnlessCopied(ctx, place{s.node, number, off}, h)
		}
		return bad == nil
	})
	if err := firstOf(err, bad); err != nil {
		return err
	}
	o, err := a.opening(a.node, number+1)
	if err != nil || o.Segment != number {
		return nil // none yet
	}
	switch seal, err := a.Compute(number); {
	case errors.Is(err, errNoHeader):
		return a.damage.add(unreadable(number))
	case err != nil:
		return err
	case seal != o.Seal:
		return a.damage.add(Damage{
			Segment: number, What: "seal", First: seal.Last, Last: o.Last,
			Text: fmt.Sprintf("segment %d: the seal is %s over %d records, segment %d says %s over %d",
				number, seal.Digest, seal.Records, number+1, o.Digest, o.Records),
		})
	}
	return nil
}

func (a *Archive) damagedUnlessCopied(ctx context.Context, p place, h *header) error {
	_, copied, err := a.marks.copyOf(ctx, p.public())
	if err != nil || copied {
		return err
	}
	return a.damage.add(damagedRecord(p.node, p.offset, h))
}
