package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"kancelaria/registry"
)

// anywhere reports whether a text can be found in any file, as processes see it
// or as the disk has it.
func (d *memDisk) anywhere(text string) bool {
	for _, f := range d.names {
		if bytes.Contains(f.data, []byte(text)) || bytes.Contains(f.kept, []byte(text)) {
			return true
		}
	}
	return false
}

func secretOf(i int) string { return fmt.Sprintf("the secret of letter %04d", i) }

// deliverSecret appends a letter whose every paper holds its secret.
func deliverSecret(t testing.TB, a *Archive, r *rand.Rand, i, size int) letter {
	t.Helper()
	id := newItem(r)
	text := append([]byte(secretOf(i)), random(r, size)...)
	b, err := a.Stage(t.Context(), id, bytes.NewReader(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := a.Append(t.Context(), registry.RecordItems, []registry.Sheet{{Item: id, Bytes: []byte("manifest: " + secretOf(i))}}, b)
	if err != nil {
		t.Fatal(err)
	}
	return letter{id, p, text}
}

func appendSheets(t testing.TB, a *Archive, kind registry.RecordKind, sheets ...registry.Sheet) registry.Place {
	t.Helper()
	p, err := a.Append(t.Context(), kind, sheets, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func erasure(l letter) Erasure {
	return Erasure{Item: l.item, Place: l.place, Reason: CourtOrder, Event: "erase/1", Leaf: 17}
}

func TestErasureLeavesNothingButATombstone(t *testing.T) {
	for _, size := range []int{300, 20_000} { // in a record, and in a file of its own
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			d, r := newMemDisk(), rand.New(rand.NewPCG(2, 2))
			a := mustOpen(t, small(d))
			var letters []letter
			for i := range 6 {
				letters = append(letters, deliverSecret(t, a, r, i, size))
			}
			lines := make([]registry.Sheet, len(letters))
			for i, l := range letters {
				lines[i] = registry.Sheet{Item: l.item, Settles: true, Bytes: []byte("line: " + secretOf(i))}
			}
			copybook := appendSheets(t, a, registry.RecordOutcomes, lines...)
			for range 12 { // the segment is sealed meanwhile
				mustDeliver(t, a, newItem(r), random(r, 7000))
			}
			event := appendSheets(t, a, registry.RecordOutcomes, registry.Sheet{Item: letters[2].item, Bytes: []byte("event: " + secretOf(2))})
			before := sealsOf(t, a)

			if err := a.Erase(t.Context(), []Erasure{erasure(letters[2]), erasure(letters[4])}); err != nil {
				t.Fatal(err)
			}
			for i, l := range letters {
				erased := i == 2 || i == 4
				if d.anywhere(secretOf(i)) == erased {
					t.Errorf("letter %d: on the disk %v", i, !erased)
				}
				_, errO := a.Original(t.Context(), l.place, l.item)
				_, errL := a.Sheet(t.Context(), copybook, l.item)
				if erased != errors.Is(errO, registry.ErrErased) || erased != errors.Is(errL, registry.ErrErased) {
					t.Errorf("letter %d: original %v, line %v", i, errO, errL)
				}
			}
			if _, err := a.Sheet(t.Context(), event, letters[2].item); !errors.Is(err, registry.ErrErased) {
				t.Errorf("a later event: error %v, want ErrErased", err)
			}
			for start := range 2 {
				if got := codes(t, a, true); len(got) > 0 {
					t.Errorf("fsck found %v", got)
				}
				for i, s := range sealsOf(t, a)[:len(before)] {
					if computed, err := a.Compute(s.Segment); err != nil || s != before[i] || computed != s {
						t.Errorf("the seal of segment %d does not hold: %v", s.Segment, err)
					}
				}
				stones := 0
				for s, err := range a.Tombstones(t.Context()) {
					if err != nil || s.Reason != CourtOrder || s.Event != "erase/1" || s.Leaf != 17 {
						t.Errorf("tombstone %+v, %v", s, err)
					}
					stones++
				}
				if stones != 2 || len(a.Damage()) > 0 {
					t.Errorf("%d tombstones, damage %v", stones, a.Damage())
				}
				if start == 0 {
					d.locks = map[string]bool{}
					a = mustOpen(t, small(d))
				}
			}
			a.Close()
		})
	}
}

func sealsOf(t testing.TB, a *Archive) []Seal {
	t.Helper()
	var out []Seal
	for s, err := range a.Seals(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

func TestASharedOriginalGoesWithItsLastItem(t *testing.T) {
	d, r := newMemDisk(), rand.New(rand.NewPCG(2, 3))
	a := mustOpen(t, small(d))
	defer a.Close()
	one, two := newItem(r), newItem(r)
	b, err := a.Stage(t.Context(), one, strings.NewReader("shared secret"), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := a.Append(t.Context(), registry.RecordItems, []registry.Sheet{
		{Item: one, Bytes: []byte("manifest one")}, {Item: two, Bytes: []byte("manifest two")},
	}, b)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Erase(t.Context(), []Erasure{erasure(letter{item: one, place: p})}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Original(t.Context(), p, one); !errors.Is(err, registry.ErrErased) {
		t.Errorf("the erased item: error %v, want ErrErased", err)
	}
	if o, err := a.Original(t.Context(), p, two); err != nil {
		t.Errorf("the other item: %v", err)
	} else {
		o.Close()
	}
	if err := a.Erase(t.Context(), []Erasure{erasure(letter{item: two, place: p})}); err != nil {
		t.Fatal(err)
	}
	if d.anywhere("shared secret") || d.anywhere("manifest two") {
		t.Error("it is still there")
	}
	if got := codes(t, a, true); len(got) > 0 {
		t.Errorf("fsck found %v", got)
	}
}

func TestErasureNeedsAReasonAndAnEvent(t *testing.T) {
	a := mustOpen(t, small(newMemDisk()))
	defer a.Close()
	r := rand.New(rand.NewPCG(2, 4))
	l := mustDeliver(t, a, newItem(r), []byte("text"))
	for _, tt := range []struct {
		name   string
		change func(*Erasure)
	}{
		{"a reason that is not on the list", func(e *Erasure) { e.Reason = "because" }},
		{"no event", func(e *Erasure) { e.Event = "" }},
		{"no item", func(e *Erasure) { e.Item = registry.ItemID{} }},
		{"an item that is not there", func(e *Erasure) { e.Item = newItem(r) }},
		{"no place", func(e *Erasure) { e.Place = "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := erasure(l)
			tt.change(&e)
			if err := a.Erase(t.Context(), []Erasure{e}); err == nil {
				t.Error("was done")
			}
			wantLetter(t, a, l)
		})
	}
}

// A backup from before an erasure is put back, with the tombstones of today.
func TestErasuresAreFinishedInAnOlderCopy(t *testing.T) {
	d, r := newMemDisk(), rand.New(rand.NewPCG(2, 7))
	a := mustOpen(t, small(d))
	defer a.Close()
	l := deliverSecret(t, a, r, 1, 300)
	for range 12 {
		mustDeliver(t, a, newItem(r), random(r, 7000))
	}
	file, _ := segmentOf(t, l.place)
	older := bytes.Clone(d.names[file].data)
	if err := a.Erase(t.Context(), []Erasure{erasure(l)}); err != nil {
		t.Fatal(err)
	}
	copy(d.content(file), older)
	if got := codes(t, a, true); len(got) != 1 || got[0] != FoundNotErased {
		t.Errorf("fsck found %v, want %s", got, FoundNotErased)
	}
	if err := a.FinishErasures(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := codes(t, a, true); len(got) > 0 || d.anywhere(secretOf(1)) {
		t.Errorf("fsck found %v, on the disk: %v", got, d.anywhere(secretOf(1)))
	}
}

// At every step of an erasure the power goes. Whatever is gone has a tombstone,
// and a start finishes what a tombstone orders.
func TestErasureSurvivesAPowerCut(t *testing.T) {
	for n := 1; ; n++ {
		d, r := newMemDisk(), rand.New(rand.NewPCG(uint64(n), 6))
		a := mustOpen(t, small(d))
		letters := []letter{deliverSecret(t, a, r, 0, 300), deliverSecret(t, a, r, 1, 20_000), deliverSecret(t, a, r, 2, 300)}
		if n%2 == 0 {
			for range 12 {
				mustDeliver(t, a, newItem(r), random(r, 7000))
			}
		}
		from := d.calls
		d.fail = func(call int, _, _ string) error {
			if call >= from+n {
				return errPower
			}
			return nil
		}
		err := a.Erase(t.Context(), []Erasure{erasure(letters[0]), erasure(letters[1])})
		d.cut(r)
		a = mustOpen(t, small(d))
		if len(a.Damage()) > 0 {
			t.Fatalf("call %d: cried wolf: %v", n, a.Damage())
		}
		if got := codes(t, a, true); len(got) > 0 && got[0] != FoundTail {
			t.Fatalf("call %d: fsck found %v", n, got)
		}
		stones := 0
		for range a.Tombstones(t.Context()) {
			stones++
		}
		for i, l := range letters[:2] {
			_, errO := a.Original(t.Context(), l.place, l.item)
			if gone := stones > 0; gone != errors.Is(errO, registry.ErrErased) || gone == d.anywhere(secretOf(i)) {
				t.Fatalf("call %d: %d tombstones, original: %v, on the disk: %v", n, stones, errO, d.anywhere(secretOf(i)))
			}
		}
		if _, err := a.Original(t.Context(), letters[2].place, letters[2].item); err != nil {
			t.Fatalf("call %d: the third letter: %v", n, err)
		}
		a.Close()
		if err == nil {
			return
		}
	}
}

// A home of originals in memory.
type memHome map[string]string

func (h memHome) Open(_ context.Context, locator string) (io.ReadCloser, error) {
	text, ok := h[locator]
	if !ok {
		return nil, errors.New("no such object")
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func TestMovedOriginalsAreReadFromTheSecondHome(t *testing.T) {
	home := memHome{}
	for _, size := range []int{300, 20_000} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) {
			d, r := newMemDisk(), rand.New(rand.NewPCG(2, 5))
			opt := small(d)
			opt.Home = home
			a := mustOpen(t, opt)
			l := deliverSecret(t, a, r, 1, size)
			home["v1"] = string(l.text)
			if err := a.Punch(t.Context(), []Move{{Place: l.place, Locator: "v1"}}); err != nil {
				t.Fatal(err)
			}
			a.Close()
			a = mustOpen(t, opt)
			defer a.Close()
			o, err := a.Original(t.Context(), l.place, l.item)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(o)
			o.Close()
			if !bytes.Equal(got, l.text) {
				t.Error("other bytes")
			}
			if got := codes(t, a, true); len(got) > 0 {
				t.Errorf("fsck found %v", got)
			}
			home["v1"] = strings.ToUpper(string(l.text))
			if _, err := a.Original(t.Context(), l.place, l.item); !errors.Is(err, registry.ErrDamaged) {
				t.Errorf("the home gives other bytes: error %v, want ErrDamaged", err)
			}
			if b, err := a.Sheet(t.Context(), l.place, l.item); err != nil || !strings.Contains(string(b), "secret") {
				t.Errorf("the manifest stays: %q, %v", b, err)
			}
			if left, _ := d.ReadDir("main/" + incomingDir); len(left) > 0 {
				t.Errorf("%d files left behind", len(left))
			}
		})
	}
}
