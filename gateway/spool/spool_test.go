package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/archive"
)

func openArchive(t testing.TB, dir string) *archive.Archive {
	t.Helper()
	a, err := archive.Open(dir, archive.Options{
		SegmentSize: 1 << 20, MinFree: 1, MinInodes: 1, UnsafeFilesystem: true, ScrubEvery: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func newSpool(t testing.TB, a Archive, opt Options) *Spool {
	t.Helper()
	s, err := New(t.Context(), a, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func letterTo(register string) registry.Item {
	return registry.Item{
		Door: registry.DoorSMTP, Register: register, Recipients: []string{"urzad@aleksandrowo.example"},
		Envelope: &registry.Envelope{MailFrom: "nadawca@poczta.example", Recipients: []string{"urzad@aleksandrowo.example"}},
	}
}

func put(t testing.TB, s *Spool, text string) registry.Item {
	t.Helper()
	items, err := s.Put(t.Context(), []registry.Item{letterTo("RPW")}, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return items[0]
}

// next takes an item that must be there already.
func next(t testing.TB, s *Spool) registry.Item {
	t.Helper()
	it, ok := tryNext(t, s)
	if !ok {
		t.Fatal("nothing is ready")
	}
	return it
}

func tryNext(t testing.TB, s *Spool) (registry.Item, bool) {
	t.Helper()
	if s.Stats().Ready == 0 {
		return registry.Item{}, false
	}
	it, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return it, true
}

func TestWhatIsAcceptedComesOutInOrderAndWhole(t *testing.T) {
	a := openArchive(t, t.TempDir())
	s := newSpool(t, a, Options{})
	var want []registry.Item
	for i := range 20 {
		want = append(want, put(t, s, fmt.Sprint("letter ", i)))
	}
	for i, w := range want {
		got := next(t, s)
		if got.ID != w.ID {
			t.Fatalf("item %d: got %s, want %s", i, got.ID, w.ID)
		}
		if got.Place == "" || got.AcceptedAt.IsZero() || got.Node != "main" || got.Delivery.IsZero() {
			t.Errorf("item %d is not filled in: %+v", i, got)
		}
		o, err := a.Original(t.Context(), got.Place, got.ID)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(o)
		o.Close()
		if string(text) != fmt.Sprint("letter ", i) || got.Original.Size != int64(len(text)) {
			t.Errorf("item %d: original %q, size %d", i, text, got.Original.Size)
		}
	}
}

func TestUnsettledItemsComeBackAfterAStart(t *testing.T) {
	dir := t.TempDir()
	a := openArchive(t, dir)
	s := newSpool(t, a, Options{})
	one, two, three, four := put(t, s, "1"), put(t, s, "2"), put(t, s, "3"), put(t, s, "4")
	line := registry.Sheet{Item: two.ID, Settles: true, Bytes: []byte("line of the book")}
	note := registry.Sheet{Item: one.ID, Bytes: []byte("an event, which settles nothing")}
	if err := s.Copybook(t.Context(), []registry.Sheet{line, note}); err != nil {
		t.Fatal(err)
	}
	s.Done(two.ID)
	s.Done(three.ID) // settled without a line; the mark goes with the next record
	if err := s.Park(t.Context(), four.ID, "a person must look"); err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"without a cursor", "with a cursor"} {
		t.Run(how, func(t *testing.T) {
			if how == "with a cursor" {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			a = openArchive(t, dir)
			s = newSpool(t, a, Options{})
			if got := next(t, s); got.ID != one.ID || got.Register != "RPW" || got.Envelope.MailFrom == "" {
				t.Errorf("got %+v, want the first item", got)
			}
			if it, ok := tryNext(t, s); ok {
				t.Errorf("got %s too", it.ID)
			}
			parked := s.List(true, 0)
			if len(parked) != 1 || parked[0].ID != four.ID || parked[0].Why != "a person must look" {
				t.Errorf("parked: %+v", parked)
			}
		})
	}
}

func TestAnItemPutAgainIsAcceptedOnce(t *testing.T) {
	s := newSpool(t, openArchive(t, t.TempDir()), Options{})
	first := put(t, s, "scan")
	again := letterTo("RPW")
	again.ID = first.ID
	got, err := s.Put(t.Context(), []registry.Item{again}, strings.NewReader("scan"))
	if err != nil || got[0].Place != first.Place || !got[0].AcceptedAt.Equal(first.AcceptedAt) {
		t.Errorf("put again: %+v, %v; want the first one", got, err)
	}
	if _, err := s.Put(t.Context(), []registry.Item{again}, strings.NewReader("other")); err == nil {
		t.Error("other bytes under the same id were accepted")
	}
	if n := s.Stats().Waiting; n != 1 {
		t.Errorf("%d items wait, want 1", n)
	}
}

func TestBacklogIsBounded(t *testing.T) {
	s := newSpool(t, openArchive(t, t.TempDir()), Options{MaxItems: 2})
	put(t, s, "1")
	put(t, s, "2")
	if _, err := s.Put(t.Context(), []registry.Item{letterTo("RPW")}, strings.NewReader("3")); !errors.Is(err, registry.ErrBacklog) {
		t.Errorf("third: error %v, want ErrBacklog", err)
	}
	if err := s.Room(0); !errors.Is(err, registry.ErrBacklog) {
		t.Errorf("room: error %v, want ErrBacklog", err)
	}
	s.Done(next(t, s).ID)
	put(t, s, "3")
}

func TestTheClockOfANodeNeverGoesBack(t *testing.T) {
	dir := t.TempDir()
	a := openArchive(t, dir)
	noon := time.Date(2036, 11, 24, 12, 0, 0, 0, time.UTC)
	now := noon
	s := newSpool(t, a, Options{Now: func() time.Time { return now }})
	first := put(t, s, "1")
	now = noon.Add(-time.Hour)
	if second := put(t, s, "2"); second.AcceptedAt.Before(first.AcceptedAt) {
		t.Errorf("accepted at %s after %s", second.AcceptedAt, first.AcceptedAt)
	}
}

func TestRetryWaitsAndParkWaitsForever(t *testing.T) {
	dir := t.TempDir()
	a := openArchive(t, dir)
	synctest.Test(t, func(t *testing.T) {
		s := newSpool(t, a, Options{})
		one, two := put(t, s, "1"), put(t, s, "2")
		s.Retry(next(t, s).ID, time.Minute, "the book is closed")
		if got := next(t, s); got.ID != two.ID {
			t.Errorf("got %s, want the second while the first waits", got.ID)
		}
		begin := time.Now()
		got, err := s.Next(t.Context())
		if err != nil || got.ID != one.ID {
			t.Errorf("got %s, %v; want the first", got.ID, err)
		}
		if waited := time.Since(begin); waited != time.Minute {
			t.Errorf("waited %s, want a minute", waited)
		}
		if err := s.Park(t.Context(), one.ID, "poison"); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if it, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %s, %v; want nothing in an hour", it.ID, err)
		}
		if err := s.Unpark(t.Context(), one.ID); err != nil {
			t.Error(err)
		}
		if got := next(t, s); got.ID != one.ID {
			t.Errorf("got %s, want the first again", got.ID)
		}
	})
}

func TestLargeLettersAndSeveralRegisters(t *testing.T) {
	a := openArchive(t, t.TempDir())
	s := newSpool(t, a, Options{})
	text := bytes.Repeat([]byte("scan "), 200_000)
	items, err := s.Put(t.Context(), []registry.Item{letterTo("RPW"), letterTo("ZS")}, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if items[0].ID == items[1].ID || items[0].Delivery != items[1].Delivery || items[0].Place != items[1].Place {
		t.Errorf("two registers, one delivery: %+v", items)
	}
	for range items {
		it := next(t, s)
		o, err := a.Original(t.Context(), it.Place, it.ID)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(o)
		o.Close()
		if !bytes.Equal(got, text) {
			t.Errorf("item for %s: other bytes", it.Register)
		}
	}
}

func FuzzManifest(f *testing.F) {
	b, err := Manifest(registry.Item{ID: registry.NewItemID(time.Unix(1, 0)), Door: registry.DoorFolder, File: &registry.File{Path: "a/b.pdf"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"version":2,"id":17}`))
	f.Add([]byte(`{"version":1,"id":"018f2a3c-0000-7000-8000-000000000001","original":{"size":-1}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		it, err := ParseManifest(b)
		if err != nil {
			return
		}
		again, err := Manifest(it)
		if err != nil {
			return // a year beyond 9999 can be read and not be written
		}
		it2, err := ParseManifest(again)
		if err != nil || it2.ID != it.ID || it2.Original != it.Original || !it2.AcceptedAt.Equal(it.AcceptedAt) {
			t.Errorf("reads back as %+v, %v", it2, err)
		}
	})
}

func TestAnotherNodeAdoptsWhatADeadOneLeft(t *testing.T) {
	dir := t.TempDir()
	dead := openArchive(t, dir)
	s := newSpool(t, dead, Options{})
	one, two, three := put(t, s, "1"), put(t, s, "2"), put(t, s, "3")
	s.Done(two.ID)
	if err := s.Park(t.Context(), three.ID, "poison"); err != nil {
		t.Fatal(err)
	}
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := archive.Open(dir, archive.Options{ReadOnly: true, SegmentSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	a, err := archive.Open(t.TempDir(), archive.Options{Node: "gw2", SegmentSize: 1 << 20, MinFree: 1, UnsafeFilesystem: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	heir := newSpool(t, a, Options{})
	for _, want := range []int{2, 0} { // repeated
		if n, err := heir.Adopt(t.Context(), left); n != want || err != nil {
			t.Errorf("adopted %d, %v; want %d", n, err, want)
		}
	}
	got := next(t, heir)
	if got.ID != one.ID || got.Node != "main" || !got.AcceptedAt.Equal(one.AcceptedAt) {
		t.Errorf("got %+v, want the first as it was", got)
	}
	o, err := a.Original(t.Context(), got.Place, got.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.Close()
	if p := heir.List(true, 0); len(p) != 1 || p[0].ID != three.ID {
		t.Errorf("parked: %+v", p)
	}
}

// The cursor is kept while letters come and go; a start from it, at whatever
// moment, misses nothing that waits.
func TestTheCursorMissesNothing(t *testing.T) {
	dir := t.TempDir()
	a := openArchive(t, dir)
	s := newSpool(t, a, Options{})
	var mu sync.Mutex
	waits := map[registry.ItemID]bool{}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	var keeper sync.WaitGroup
	keeper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if err := s.keep(); err != nil {
					t.Error(err)
				}
			}
		}
	})
	for w := range 8 {
		wg.Go(func() {
			for i := range 60 {
				items, err := s.Put(t.Context(), []registry.Item{letterTo("RPW")}, strings.NewReader("letter"))
				if err != nil {
					t.Error(err)
					return
				}
				id := items[0].ID
				if (i+w)%3 == 0 {
					if err := s.Copybook(t.Context(), []registry.Sheet{{Item: id, Settles: true}}); err != nil {
						t.Error(err)
					}
					continue
				}
				mu.Lock()
				waits[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	close(stop)
	keeper.Wait()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	again := newSpool(t, openArchive(t, dir), Options{})
	if got := again.Stats().Waiting; got != len(waits) {
		t.Errorf("%d items wait, want %d", got, len(waits))
	}
	for id := range waits {
		if !again.Waits(id) {
			t.Errorf("item %s is missed", id)
		}
	}
}

func TestManyWorkersEachGetTheirOwn(t *testing.T) {
	a := openArchive(t, t.TempDir())
	s := newSpool(t, a, Options{})
	const letters = 300
	var mu sync.Mutex
	seen := map[registry.ItemID]int{}
	var workers sync.WaitGroup
	for range 40 {
		workers.Go(func() {
			for {
				it, err := s.Next(t.Context())
				if err != nil {
					if !errors.Is(err, ErrClosed) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				seen[it.ID]++
				tried := seen[it.ID]
				mu.Unlock()
				if tried == 1 && it.ID[15]%3 == 0 {
					s.Retry(it.ID, time.Millisecond, "once more")
					continue
				}
				s.Done(it.ID)
				mu.Lock()
				all := len(seen) == letters
				mu.Unlock()
				if all && s.Stats().Waiting == 0 {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for range letters {
		put(t, s, "letter")
	}
	workers.Wait()
	for id, n := range seen {
		if n > 2 || n == 2 && id[15]%3 != 0 {
			t.Errorf("item %s was given out %d times", id, n)
		}
	}
}
