package archive

import (
	"cmp"
	"time"
)

// A Health is how the archive is, for people.
type Health string

// Green: nothing to do. Amber: somebody should look. Red: somebody must act.
const (
	Green Health = "green"
	Amber Health = "amber"
	Red   Health = "red"
)

// A Status is what operators see.
type Status struct {
	State    Health
	Node     string
	Segments int
	Segment  uint64 // being written; 0 before the first record
	Bytes    int64  // in segments; large originals are not counted
	Left     int64  // in the segment being written
	Prepared bool   // the next segment is there
	Free     int64
	Inodes   int64
	Damaged  int  // notes under damaged/
	Tails    int  // files under tails/
	Failures int  // failed syncs since the start
	Failed   bool // nothing is accepted until the disk was healed
	Sequence uint64
	LastAt   time.Time
	Trouble  error // what went wrong last
}

// Status looks at folders and the disk; it reads no record.
func (a *Archive) Status() (Status, error) {
	s := Status{State: Green, Node: a.node, Damaged: len(a.Damage()), LastAt: a.Last().At}
	segs, err := a.list(a.node)
	if err != nil {
		return s, err
	}
	s.Segments = len(segs)
	for _, sf := range segs {
		s.Bytes += sf.size
	}
	tails, err := a.fs.ReadDir(a.node + "/" + tailsDir)
	if err != nil {
		return s, err
	}
	s.Tails = len(tails)
	u, err := a.fs.Usage()
	if err != nil {
		return s, err
	}
	s.Free, s.Inodes = u.Free, u.Inodes
	if h := a.live.Load(); h != nil {
		s.Segment, s.Left, s.Sequence = h.segment, a.opt.SegmentSize-h.end, h.last.Sequence
	}
	a.prep.Lock()
	prepErr := a.prepErr
	s.Prepared = a.next != nil
	a.prep.Unlock()
	a.mu.Lock()
	s.Trouble, s.Failures, s.Failed = cmp.Or(a.failed, a.trouble), a.failures, a.failed != nil
	a.mu.Unlock()
	switch {
	case s.Damaged > 0 || s.Failures > 0 || prepErr != nil && !s.Prepared || a.room(0) != nil:
		s.State = Red
	case s.Tails > 0 || s.Trouble != nil:
		s.State = Amber
	}
	return s, nil
}
