package archive

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"kancelaria/registry"
)

// filled gives a disk with letters in several segments, closed cleanly.
func filled(t testing.TB, n int) (*memDisk, []letter) {
	t.Helper()
	d, r := newMemDisk(), rand.New(rand.NewPCG(11, 12))
	a := mustOpen(t, small(d))
	var letters []letter
	for range n {
		letters = append(letters, mustDeliver(t, a, newItem(r), random(r, 500+r.IntN(6000))))
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return d, letters
}

// content is a file as both processes and disk have it; changing it is what bit
// rot does.
func (d *memDisk) content(name string) []byte {
	f := d.names[name]
	f.kept = f.data
	return f.data
}

func segmentOf(t testing.TB, p registry.Place) (name string, at place) {
	t.Helper()
	at, err := parsePlace(p)
	if err != nil {
		t.Fatal(err)
	}
	return (*Archive)(nil).segmentName(at.node, at.segment), at
}

func codes(t testing.TB, a *Archive, full bool) []string {
	t.Helper()
	var out []string
	for f, err := range a.Fsck(t.Context(), full) {
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(out, f.Code) {
			out = append(out, f.Code)
		}
	}
	slices.Sort(out)
	return out
}

func TestFsckOfAHealthyArchiveFindsNothing(t *testing.T) {
	d, letters := filled(t, 60)
	a := mustOpen(t, small(d))
	defer a.Close()
	mustDeliver(t, a, letters[0].item, []byte("one more"))
	if got := codes(t, a, true); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

func TestDamageIsNamedAndTheRestIsRead(t *testing.T) {
	for _, tt := range []struct {
		name   string
		which  int // letter of 60; the last ones lie in the segment a start looks into
		damage func(d *memDisk, file string, at place)
		want   []string
		lost   int  // letters that can't be read any more
		noted  bool // at the start, without anybody reading
	}{
		{"a bit of an original flips in an old segment", 5, func(d *memDisk, f string, at place) {
			d.content(f)[at.offset+headerSize+indexLine+sheetSalt+80] ^= 4
		}, []string{FoundRecord}, 1, false},
		{"a bit of a manifest flips", 5, func(d *memDisk, f string, at place) {
			d.content(f)[at.offset+headerSize+indexLine+sheetSalt+3] ^= 4
		}, []string{FoundRecord}, 0, false}, // the original is still whole
		{"a header is overwritten", 5, func(d *memDisk, f string, at place) {
			clear(d.content(f)[at.offset : at.offset+64])
		}, []string{FoundHole, FoundSeal}, 1, false},
		{"a page in the segment last written is lost", 58, func(d *memDisk, f string, at place) {
			clear(d.content(f)[at.offset : at.offset+block])
		}, []string{FoundNote, FoundHole}, 1, true},
		{"a bit flips in the segment last written", 58, func(d *memDisk, f string, at place) {
			d.content(f)[at.offset+headerSize+indexLine+sheetSalt+80] ^= 4
		}, []string{FoundNote, FoundRecord}, 1, true},
		{"zeros that no tombstone names", 5, func(d *memDisk, f string, at place) {
			clear(d.content(f)[at.offset+headerSize+indexLine : at.offset+headerSize+indexLine+sheetSalt+48])
		}, []string{FoundZeros}, 0, false},
		{"an old segment is cut short", 5, func(d *memDisk, f string, _ place) {
			n := d.names[f]
			n.data = n.data[:len(n.data)-3*block]
			n.kept = n.data
		}, []string{FoundHole, FoundShort}, -1, false},
		{"both copies of a segment's header are lost", 5, func(d *memDisk, f string, _ place) {
			clear(d.content(f)[:block])
		}, []string{FoundHeader}, 0, false}, // the next one has the salt
		{"one copy of a segment's header is lost", 5, func(d *memDisk, f string, _ place) {
			clear(d.content(f)[:512])
		}, nil, 0, false},
		{"a segment is missing", 5, func(d *memDisk, f string, _ place) {
			delete(d.names, f)
			delete(d.kept, f)
		}, []string{FoundNote, FoundMissing}, -1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, letters := filled(t, 60)
			file, at := segmentOf(t, letters[tt.which].place)
			tt.damage(d, file, at)
			a := mustOpen(t, small(d))
			defer a.Close()
			if got := len(a.Damage()) > 0; got != tt.noted {
				t.Errorf("noted at the start: %v (%v), want %v", got, a.Damage(), tt.noted)
			}
			if got := codes(t, a, true); !slices.Equal(got, tt.want) {
				t.Errorf("fsck found %v, want %v", got, tt.want)
			}
			lost := 0
			for _, l := range letters {
				o, err := a.Original(t.Context(), l.place, l.item)
				switch {
				case err == nil:
					if o.Digest() != registry.Digest(sum(l.text)) {
						t.Error("handed out other bytes")
					}
					o.Close()
				case errors.Is(err, registry.ErrDamaged) || errors.Is(err, ErrNotFound):
					lost++
				default:
					t.Errorf("item %s: %v", l.item, err)
				}
			}
			if tt.lost >= 0 && lost != tt.lost || tt.lost < 0 && lost == 0 {
				t.Errorf("%d letters lost, want %d", lost, tt.lost)
			}
			// Nothing of it hinders the work.
			r := rand.New(rand.NewPCG(1, 99))
			wantLetter(t, a, mustDeliver(t, a, newItem(r), random(r, 3000)))
		})
	}
}

func TestDamageFoundByAReaderIsNotedOnce(t *testing.T) {
	d, letters := filled(t, 10)
	file, at := segmentOf(t, letters[3].place)
	a := mustOpen(t, small(d))
	d.content(file)[at.offset+headerSize+indexLine+sheetSalt+100] ^= 1
	for range 3 {
		if _, err := a.Original(t.Context(), letters[3].place, letters[3].item); !errors.Is(err, registry.ErrDamaged) {
			t.Fatalf("error %v, want ErrDamaged", err)
		}
	}
	a.Close()
	a = mustOpen(t, small(d))
	defer a.Close()
	if n := a.Damage(); len(n) != 1 || n[0].Place != letters[3].place {
		t.Errorf("noted %+v, want the one place", n)
	}
	if st, err := a.Status(); err != nil || st.State != Red {
		t.Errorf("status %v, %v; want red", st.State, err)
	}
}

func TestALetterThatImitatesARecordForgesNothing(t *testing.T) {
	d, letters := filled(t, 8)
	file, at := segmentOf(t, letters[2].place)
	// The best a forger can do who got hold of a segment: whole records of it,
	// at every place a reader could look, inside a letter.
	stolen := slices.Clone(d.content(file)[at.offset : at.offset+4*block])
	a := mustOpen(t, small(d))
	r := rand.New(rand.NewPCG(1, 98))
	forged := mustDeliver(t, a, newItem(r), append(make([]byte, 0), stolen...))
	after := mustDeliver(t, a, newItem(r), []byte("after"))
	for _, damaged := range []bool{false, true} {
		if damaged { // the forger's own header is lost: readers look inside
			a.Close()
			f, p := segmentOf(t, forged.place)
			clear(d.content(f)[p.offset : p.offset+headerSize])
			a = mustOpen(t, small(d))
		}
		seen := map[registry.ItemID]int{}
		for rec, err := range a.Records(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range rec.Sheets {
				seen[s.Item]++
			}
		}
		for _, l := range letters {
			if seen[l.item] != 1 {
				t.Errorf("header lost %v: item %s is seen %d times", damaged, l.item, seen[l.item])
			}
		}
		wantLetter(t, a, after)
	}
	a.Close()
}

func TestRecordsOfAnEarlierLifeAreNotRead(t *testing.T) {
	// A disk that gives a new segment the blocks of an old one.
	d, letters := filled(t, 12)
	a := mustOpen(t, small(d))
	r := rand.New(rand.NewPCG(1, 97))
	fresh := mustDeliver(t, a, newItem(r), []byte("fresh"))
	old, at := segmentOf(t, letters[5].place)
	now, p := segmentOf(t, fresh.place)
	stale := d.content(old)[at.offset:]
	copy(d.content(now)[p.offset+block:], stale)
	d.locks = map[string]bool{} // the process dies
	a = mustOpen(t, small(d))
	defer a.Close()
	if n := len(items(t, a)); n != len(letters)+1 {
		t.Errorf("%d items, want %d", n, len(letters)+1)
	}
	if len(a.Damage()) > 0 {
		t.Errorf("cried wolf: %v", a.Damage())
	}
	if st, _ := a.Status(); st.State != Amber || st.Tails != 1 {
		t.Errorf("status %+v, want amber with one tail", st)
	}
}

func TestANewerFormatIsRefusedRatherThanLost(t *testing.T) {
	for _, name := range []string{"segment", "record"} {
		t.Run(name, func(t *testing.T) {
			d, letters := filled(t, 3)
			file, at := segmentOf(t, letters[1].place)
			b := d.content(file)
			h, err := parseSegmentHeader(b)
			if err != nil {
				t.Fatal(err)
			}
			if name == "segment" {
				for _, off := range []int{0, segmentHeaderCopy} {
					b[off+8] = format + 1
					digest := sum(b[off : off+96])
					copy(b[off+96:], digest[:])
				}
			} else {
				p := b[at.offset:]
				p[8] = format + 1
				mac := newMAC(h.salt)
				mac.Write(p[:headerSize-macSize])
				copy(p[headerSize-macSize:], mac.Sum(nil)[:macSize])
			}
			before := slices.Clone(b)
			if _, err := Open("mem", small(d)); !errors.Is(err, ErrNewer) {
				t.Errorf("error %v, want ErrNewer", err)
			}
			if !bytes.Equal(before, d.names[file].data) {
				t.Error("the segment was changed")
			}
		})
	}
}

func TestOnlyOneWriterAndAnyNumberOfReaders(t *testing.T) {
	d, letters := filled(t, 5)
	a := mustOpen(t, small(d))
	defer a.Close()
	if _, err := Open("mem", small(d)); !errors.Is(err, ErrLocked) {
		t.Errorf("second writer: error %v, want ErrLocked", err)
	}
	r := rand.New(rand.NewPCG(1, 96))
	letters = append(letters, mustDeliver(t, a, newItem(r), []byte("live")))
	opt := small(d)
	opt.ReadOnly = true
	reader := mustOpen(t, opt)
	defer reader.Close()
	for _, l := range letters {
		wantLetter(t, reader, l)
	}
	if got := codes(t, reader, true); len(got) > 0 {
		t.Errorf("fsck beside a writer found %v", got)
	}
	if _, err := deliver(t, reader, newItem(r), nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("appending: error %v, want ErrReadOnly", err)
	}
}

type unsafeDisk struct{ *memDisk }

func (d unsafeDisk) Usage() (Usage, error) {
	return Usage{Free: 1 << 40, Total: 1 << 40, Inodes: -1, Kind: "NFS", Untrustworthy: "NFS forgets"}, nil
}

func TestAnUnsafeFileSystemIsRefused(t *testing.T) {
	opt := small(nil)
	opt.FS = unsafeDisk{newMemDisk()}
	if _, err := Open("mem", opt); !errors.Is(err, ErrUnsafeFilesystem) || !strings.Contains(err.Error(), "NFS forgets") {
		t.Errorf("error %v, want ErrUnsafeFilesystem and why", err)
	}
	opt.UnsafeFilesystem = true
	a := mustOpen(t, opt)
	a.Close()
}

func TestSealedSegmentsAreReadOnlyAndTheirSealsAreTold(t *testing.T) {
	d := newMemDisk()
	var told []Seal
	opt := small(d)
	opt.Sealed = func(s Seal) { told = append(told, s) }
	a := mustOpen(t, opt)
	r := rand.New(rand.NewPCG(1, 95))
	for range 60 {
		mustDeliver(t, a, newItem(r), random(r, 5000))
	}
	a.Close()
	a = mustOpen(t, opt)
	defer a.Close()
	var listed []Seal
	for s, err := range a.Seals(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, s)
		if computed, err := a.Compute(s.Segment); err != nil || computed != s {
			t.Errorf("computed %+v, %v; want %+v", computed, err, s)
		}
	}
	if len(told) < 3 || !slices.Equal(told, listed) {
		t.Errorf("told %d seals, listed %d; want the same", len(told), len(listed))
	}
	for name, f := range d.names {
		if strings.HasSuffix(name, ".seg") && f.keptMode != fs.FileMode(0o440) {
			t.Errorf("%s has mode %o", name, f.keptMode)
		}
	}
}
