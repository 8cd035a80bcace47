package archive

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
)

func fileMode(m int) fs.FileMode { return fs.FileMode(m) }

// running runs the archive while do does its part.
func running(t *testing.T, opt Options, do func(a *Archive)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := mustOpen(t, opt)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- a.Run(ctx) }()
		synctest.Wait()
		do(a)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestTheNextSegmentIsPreparedAhead(t *testing.T) {
	running(t, small(newMemDisk()), func(a *Archive) {
		r := rand.New(rand.NewPCG(5, 1))
		for range 30 {
			if st, err := a.Status(); err != nil || !st.Prepared {
				t.Fatalf("status %+v, %v: the next segment is not there", st, err)
			}
			mustDeliver(t, a, newItem(r), random(r, 6000))
			synctest.Wait()
		}
	})
}

func TestTheLastRecordIsNamedAsSyncedWhenItIsQuiet(t *testing.T) {
	d := newMemDisk()
	var last letter
	running(t, small(d), func(a *Archive) {
		r := rand.New(rand.NewPCG(5, 2))
		last = mustDeliver(t, a, newItem(r), random(r, 700))
		time.Sleep(3 * time.Second) // of the bubble's clock
		before := a.Last().Sequence
		time.Sleep(time.Hour)
		if a.Last().Sequence != before {
			t.Error("it goes on writing though nothing happens")
		}
		d.locks = map[string]bool{} // the process dies
		file, at := segmentOf(t, last.place)
		clear(d.content(file)[at.offset : at.offset+block])
		b := mustOpen(t, small(d))
		if n := b.Damage(); len(n) != 1 || n[0].What != "hole" {
			t.Errorf("damage %v; want the hole", n)
		}
		b.Close()
	})
}

func TestRunHealsAfterAFailedSync(t *testing.T) {
	d := newMemDisk()
	running(t, small(d), func(a *Archive) {
		r := rand.New(rand.NewPCG(5, 3))
		kept := mustDeliver(t, a, newItem(r), random(r, 700))
		d.mu.Lock()
		d.fail = func(_ int, op, _ string) error {
			if op == "sync" {
				return syscall.EIO
			}
			return nil
		}
		d.mu.Unlock()
		if _, err := deliver(t, a, newItem(r), random(r, 700)); !errors.Is(err, registry.ErrSyncFailed) {
			t.Errorf("error %v, want ErrSyncFailed", err)
		}
		time.Sleep(time.Minute)
		if !a.isFailed() {
			t.Error("healed on a disk that still fails")
		}
		d.mu.Lock()
		d.fail = nil
		d.mu.Unlock()
		time.Sleep(time.Minute)
		wantLetter(t, a, kept)
		wantLetter(t, a, mustDeliver(t, a, newItem(r), random(r, 700)))
	})
}

func TestScrubFindsWhatNobodyReads(t *testing.T) {
	d, letters := filled(t, 40)
	file, at := segmentOf(t, letters[7].place)
	opt := small(d)
	opt.ScrubEvery = 24 * time.Hour
	running(t, opt, func(a *Archive) {
		time.Sleep(25 * time.Hour)
		if n := a.Damage(); len(n) > 0 {
			t.Errorf("cried wolf: %v", n)
		}
		d.mu.Lock()
		d.content(file)[at.offset+headerSize+indexLine+sheetSalt+80] ^= 1
		d.mu.Unlock()
		time.Sleep(48 * time.Hour)
		if n := a.Damage(); len(n) != 1 || n[0].Place != letters[7].place {
			t.Errorf("damage %v; want the one record", n)
		}
	})
}

// With no room for another segment, letters are refused while the last one
// still takes outcomes and tombstones.
func TestAFullDiskRefusesLettersBeforeOutcomes(t *testing.T) {
	d, r := newMemDisk(), rand.New(rand.NewPCG(5, 4))
	a := mustOpen(t, small(d))
	defer a.Close()
	mustDeliver(t, a, newItem(r), random(r, 700))
	d.free = 1000
	var err error
	n := 0
	for ; err == nil; n++ {
		_, err = deliver(t, a, newItem(r), random(r, 2000))
	}
	if !errors.Is(err, registry.ErrFull) {
		t.Fatalf("error %v, want ErrFull", err)
	}
	if err := a.Room(100); !errors.Is(err, registry.ErrFull) {
		t.Errorf("room: error %v, want ErrFull", err)
	}
	st, err := a.Status()
	if err != nil || st.State != Red || st.Left > a.reserve()+2*block || st.Left < a.reserve()-2*block {
		t.Errorf("status %+v, %v; want red and about %d bytes left", st, err, a.reserve())
	}
	appendSheets(t, a, registry.RecordOutcomes, registry.Sheet{Item: newItem(r), Settles: true, Bytes: []byte(strings.Repeat("line ", 200))})
	if _, err := a.Stage(t.Context(), newItem(r), strings.NewReader(strings.Repeat("large", 10_000)), 0); !errors.Is(err, registry.ErrFull) {
		t.Errorf("a large original: error %v, want ErrFull", err)
	}
	d.free = 1 << 40
	wantLetter(t, a, mustDeliver(t, a, newItem(r), random(r, 2000)))
}
