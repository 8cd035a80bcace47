package archive

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"kancelaria/registry"
)

// Every call that changes the disk fails once, and then every call from there
// on until a new start: nothing that was promised is lost, nothing that was
// refused counts as damage, and the archive works again.
func TestEveryCallOfTheDiskMayFail(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, forever := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v forever=%v", cause, forever), func(t *testing.T) {
				for n := 1; ; n++ {
					if calls := failAt(t, n, cause, forever); calls < n || t.Failed() {
						if t.Failed() {
							t.Fatalf("when call %d failed", n)
						}
						break
					}
				}
			})
		}
	}
}

func failAt(t *testing.T, n int, cause error, forever bool) (calls int) {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	d := newMemDisk()
	d.fail = func(call int, op, name string) error {
		if call == n || forever && call > n {
			return &fsError{op, name, cause}
		}
		return nil
	}
	promised := struggle(t, d, r)
	calls = d.calls
	if r.IntN(2) == 0 {
		d.cut(r) // else the process died and the cache lives on
	}
	d.fail, d.locks = nil, map[string]bool{}
	a := mustOpen(t, small(d))
	defer a.Close()
	for _, dm := range a.Damage() {
		t.Errorf("cried wolf: %+v", dm)
	}
	for _, l := range promised {
		wantLetter(t, a, l)
	}
	wantLetter(t, a, mustDeliver(t, a, newItem(r), random(r, 5000)))
	return calls
}

type fsError struct {
	op, name string
	cause    error
}

func (e *fsError) Error() string { return e.op + " " + e.name + ": " + e.cause.Error() }
func (e *fsError) Unwrap() error { return e.cause }

// struggle delivers letters, healing when the archive says it must.
func struggle(t *testing.T, d *memDisk, r *rand.Rand) []letter {
	a, err := Open("mem", small(d))
	if err != nil {
		return nil
	}
	var promised []letter
	for range 12 {
		l, err := deliver(t, a, newItem(r), random(r, sizeOf(r)))
		switch {
		case err == nil:
			promised = append(promised, l)
		case errors.Is(err, registry.ErrSyncFailed):
			if err := a.Heal(t.Context()); err == nil && a.isFailed() {
				t.Error("healed and still closed")
			}
		}
		for _, l := range promised { // also while it is ill
			wantLetter(t, a, l)
		}
	}
	return promised
}

func TestAfterAFailedSyncNothingIsAcceptedUntilHealed(t *testing.T) {
	d, r := newMemDisk(), rand.New(rand.NewPCG(1, 1))
	a := mustOpen(t, small(d))
	var kept []letter
	for range 4 {
		kept = append(kept, mustDeliver(t, a, newItem(r), random(r, 700)))
	}
	settled := kept[0].item
	a.Unsettled(func(id registry.ItemID) bool { return id != settled })
	d.fail = func(_ int, op, _ string) error {
		if op == "sync" {
			return syscall.EIO
		}
		return nil
	}
	refused, err := deliver(t, a, newItem(r), random(r, 700))
	if !errors.Is(err, registry.ErrSyncFailed) {
		t.Fatalf("error %v, want ErrSyncFailed", err)
	}
	d.fail = nil
	if _, err := deliver(t, a, newItem(r), nil); !errors.Is(err, registry.ErrSyncFailed) {
		t.Errorf("before healing: error %v, want ErrSyncFailed", err)
	}
	if err := a.Room(0); !errors.Is(err, registry.ErrSyncFailed) {
		t.Errorf("room: error %v, want ErrSyncFailed", err)
	}
	if err := a.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept = append(kept, mustDeliver(t, a, newItem(r), random(r, 700)))
	st, err := a.Status()
	if err != nil || st.State != Red || st.Failures != 1 || st.Failed {
		t.Errorf("status %+v, %v; want red, one failure, working", st, err)
	}

	// The ailing segment turns out to be lost altogether; what was not settled
	// has its copy. The process dies, the cache with it.
	ailing := d.names["main/00000001.seg"]
	clear(ailing.data[block:])
	clear(ailing.kept[block:])
	d.locks = map[string]bool{}
	a = mustOpen(t, small(d))
	defer a.Close()
	known := items(t, a)
	for _, l := range kept[1:] {
		wantLetter(t, a, letter{l.item, known[l.item], l.text})
		wantLetter(t, a, l) // the book has the old place
	}
	if _, ok := known[refused.item]; ok && !refused.item.IsZero() {
		t.Error("what was refused came back")
	}
}
