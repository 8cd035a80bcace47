package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"kancelaria/registry"
)

// small is what most tests want: segments that fill quickly.
func small(d *memDisk) Options {
	return Options{FS: d, SegmentSize: 64 << 10, MinFree: 1, MinInodes: 1}
}

func mustOpen(t testing.TB, opt Options) *Archive {
	t.Helper()
	a, err := Open("mem", opt)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A letter as a test remembers it.
type letter struct {
	item  registry.ItemID
	place registry.Place
	text  []byte
}

// newItem gives a fresh id, the same for the same generator.
func newItem(r *rand.Rand) registry.ItemID {
	var id registry.ItemID
	for i := range id {
		id[i] = byte(r.Uint32())
	}
	copy(id[:6], []byte{0x02, 0x10, 0, 0, 0, 0}) // of a time to come: each start looks whether a record names it
	return id
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b[:n]
}

// deliver stages and appends one letter.
func deliver(t testing.TB, a *Archive, id registry.ItemID, text []byte) (letter, error) {
	t.Helper()
	b, err := a.Stage(t.Context(), id, bytes.NewReader(text), 0)
	if err != nil {
		return letter{}, err
	}
	defer b.Close()
	p, err := a.Append(t.Context(), registry.RecordItems, []registry.Sheet{{Item: id, Bytes: manifestOf(id)}}, b)
	return letter{id, p, text}, err
}

func manifestOf(id registry.ItemID) []byte { return []byte("manifest of " + id.String()) }

func mustDeliver(t testing.TB, a *Archive, id registry.ItemID, text []byte) letter {
	t.Helper()
	l, err := deliver(t, a, id, text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// wantLetter reads a letter back and compares.
func wantLetter(t testing.TB, a *Archive, l letter) {
	t.Helper()
	if err := compare(t, a, l); err != nil {
		t.Error(err)
	}
}

func compare(t testing.TB, a *Archive, l letter) error {
	o, err := a.Original(t.Context(), l.place, l.item)
	if err != nil {
		return err
	}
	defer o.Close()
	got, err := io.ReadAll(o)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, l.text) {
		return fmt.Errorf("item %s: got other bytes than were accepted", l.item)
	}
	m, err := a.Sheet(t.Context(), l.place, l.item)
	if err != nil {
		return err
	}
	if !bytes.Equal(m, manifestOf(l.item)) {
		return fmt.Errorf("item %s: got another manifest", l.item)
	}
	return nil
}

// items lists what the records say was accepted.
func items(t testing.TB, a *Archive) map[registry.ItemID]registry.Place {
	t.Helper()
	out := map[registry.ItemID]registry.Place{}
	for r, err := range a.Records(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind != registry.RecordItems {
			continue
		}
		for _, s := range r.Sheets {
			out[s.Item] = r.Place
		}
	}
	return out
}

func TestWhatWasAppendedIsReadBackAfterAStart(t *testing.T) {
	d, r := newMemDisk(), rand.New(rand.NewPCG(1, 2))
	a := mustOpen(t, small(d))
	var letters []letter
	for i := range 60 {
		letters = append(letters, mustDeliver(t, a, newItem(r), random(r, i*i*7)))
	}
	for _, l := range letters {
		wantLetter(t, a, l)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = mustOpen(t, small(d))
	defer a.Close()
	for _, l := range letters {
		wantLetter(t, a, l)
	}
	if got := len(items(t, a)); got != len(letters) {
		t.Errorf("records hold %d items, want %d", got, len(letters))
	}
	if len(a.Damage()) > 0 {
		t.Errorf("damage after a clean start: %v", a.Damage())
	}
}

func TestOneRecordHoldsSeveralItems(t *testing.T) {
	a := mustOpen(t, small(newMemDisk()))
	defer a.Close()
	r := rand.New(rand.NewPCG(3, 4))
	one, two := newItem(r), newItem(r)
	b, err := a.Stage(t.Context(), one, strings.NewReader("to both boxes"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := a.Append(t.Context(), registry.RecordItems, []registry.Sheet{
		{Item: one, Bytes: manifestOf(one)}, {Item: two, Bytes: manifestOf(two)},
	}, b)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []registry.ItemID{one, two} {
		wantLetter(t, a, letter{id, p, []byte("to both boxes")})
	}
	if _, err := a.Original(t.Context(), p, newItem(r)); !errors.Is(err, ErrNotFound) {
		t.Errorf("another item at that place: error %v, want ErrNotFound", err)
	}
}

func TestManyWritersShareTheJournal(t *testing.T) {
	d := newMemDisk()
	a := mustOpen(t, small(d))
	var mu sync.Mutex
	var letters []letter
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 9))
			for range 20 {
				l, err := deliver(t, a, newItem(r), random(r, r.IntN(20_000)))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				letters = append(letters, l)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, l := range letters {
		wantLetter(t, a, l)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a = mustOpen(t, small(d))
	defer a.Close()
	if got := len(items(t, a)); got != len(letters) {
		t.Errorf("records hold %d items, want %d", got, len(letters))
	}
}

func TestClosingAnswersWhoIsInLine(t *testing.T) {
	d := newMemDisk()
	a := mustOpen(t, small(d))
	var mu sync.Mutex
	var promised []letter
	var wg sync.WaitGroup
	started := make(chan bool, 8)
	for w := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 10))
			for {
				l, err := deliver(t, a, newItem(r), random(r, 500))
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Errorf("error %v, want ErrClosed", err)
					}
					return
				}
				mu.Lock()
				promised = append(promised, l)
				mu.Unlock()
				select {
				case started <- true:
				default:
				}
			}
		})
	}
	<-started
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	a = mustOpen(t, small(d))
	defer a.Close()
	for _, l := range promised {
		wantLetter(t, a, l)
	}
}

func TestLimitOfALetter(t *testing.T) {
	a := mustOpen(t, small(newMemDisk()))
	defer a.Close()
	for _, tt := range []struct {
		name string
		size int
		ok   bool
	}{
		{"just fits", 20_000, true},
		{"one byte more", 20_001, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := a.Stage(t.Context(), registry.ItemID{}, bytes.NewReader(make([]byte, tt.size)), 20_000)
			if tt.ok && err != nil || !tt.ok && !errors.Is(err, registry.ErrTooLarge) {
				t.Fatalf("error %v", err)
			}
			if b != nil {
				b.Close()
			}
		})
	}
	if left, _ := a.fs.ReadDir("main/" + incomingDir); len(left) > 0 {
		t.Errorf("%d unfinished files are left behind", len(left))
	}
}

// The disk remembers only what was synced, page by page, and a start finds all
// that was promised and cries wolf about nothing.
func TestPowerCutLosesNothingThatWasPromised(t *testing.T) {
	rounds := 2000
	if testing.Short() || underRace { // each round has one goroutine: nothing to race
		rounds = 200
	}
	var seed atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for n := seed.Add(1); n <= int64(rounds) && !t.Failed(); n = seed.Add(1) {
				if !powerCut(t, uint64(n)) {
					t.Errorf("in round %d", n)
				}
			}
		})
	}
	wg.Wait()
}

// powerCut plays several lives of one archive, each ended by a power cut in the
// middle of what several writers do.
func powerCut(t *testing.T, seed uint64) bool {
	r := rand.New(rand.NewPCG(seed, 77))
	d := newMemDisk()
	var promised []letter
	for range 1 + r.IntN(3) {
		a, err := Open("mem", small(d))
		if err != nil {
			t.Errorf("opening: %v", err)
			return false
		}
		promised = append(promised, live(t, a, d, r)...)
		d.cut(r)
	}
	a, err := Open("mem", small(d))
	if err != nil {
		t.Errorf("opening: %v", err)
		return false
	}
	defer a.Close()
	if n := a.Damage(); len(n) > 0 {
		t.Errorf("cried wolf: %+v", n)
		return false
	}
	known := items(t, a)
	for _, l := range promised {
		if known[l.item] != l.place {
			t.Errorf("item %s at %s: lost", l.item, l.place)
			return false
		}
		if err := compare(t, a, l); err != nil {
			t.Errorf("promised: %v", err)
			return false
		}
	}
	for id, p := range known {
		if err := wholeOf(t, a, p, id); err != nil {
			t.Errorf("registered though torn: %v", err)
			return false
		}
	}
	return true
}

func wholeOf(t *testing.T, a *Archive, p registry.Place, id registry.ItemID) error {
	o, err := a.Original(t.Context(), p, id)
	if err != nil {
		return err
	}
	return o.Close()
}

// live appends groups of letters for a while. At a random call the power goes,
// and nobody is told of anything that was under way.
func live(t *testing.T, a *Archive, d *memDisk, r *rand.Rand) []letter {
	last := d.calls + 1 + r.IntN(120)
	d.fail = func(call int, _, _ string) error {
		if call >= last {
			return errPower
		}
		return nil
	}
	var promised []letter
	for range 40 {
		group, err := together(t, a, r, 1+r.IntN(5))
		if err != nil {
			break
		}
		promised = append(promised, group...)
	}
	return promised
}

// together appends n letters in one group, as if n senders had come at once.
// (Goroutines would do the same, but not the same each time.)
func together(t *testing.T, a *Archive, r *rand.Rand, n int) ([]letter, error) {
	letters := make([]letter, n)
	group := make([]*pending, n)
	for i := range n {
		id, text := newItem(r), random(r, sizeOf(r))
		staged, err := a.Stage(t.Context(), id, bytes.NewReader(text), 0)
		if err != nil {
			return nil, err
		}
		defer staged.Close()
		b := staged.(*body)
		if err := a.admit(int64(len(text))); err != nil {
			return nil, err
		}
		if b.file != nil {
			if err := b.settle(); err != nil {
				return nil, err
			}
			b.kept = true
		}
		group[i], err = a.pending(registry.RecordItems, []registry.Sheet{{Item: id, Bytes: manifestOf(id)}}, b, 0)
		if err != nil {
			return nil, err
		}
		letters[i] = letter{item: id, text: text}
	}
	a.queue, a.leading = group, true
	for len(a.queue) > 0 {
		a.lead(a.queue[0])
	}
	for i, p := range group {
		if p.err != nil {
			return nil, p.err
		}
		letters[i].place = p.place.public()
	}
	return letters, nil
}

// sizeOf gives mostly small letters, some of several pages, few large ones.
func sizeOf(r *rand.Rand) int {
	switch r.IntN(8) {
	case 0:
		return r.IntN(30_000)
	case 1, 2:
		return r.IntN(8000)
	default:
		return r.IntN(900)
	}
}

func sum(b []byte) [sha256.Size]byte { return sha256.Sum256(b) }
