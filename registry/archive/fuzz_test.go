package archive

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"kancelaria/registry"
)

// Whatever bytes a segment holds, a start does not fail on them but for a newer
// format, invents no item, and leaves an archive that works.
func FuzzRecover(f *testing.F) {
	d, letters := filled(f, 3)
	known := map[registry.ItemID][]byte{}
	for _, l := range letters {
		known[l.item] = l.text
	}
	whole := bytes.TrimRight(bytes.Clone(d.content("main/00000001.seg")), "\x00")
	f.Add(whole, false, false)
	f.Add(whole[:len(whole)/2], false, false)
	f.Add(whole[:block], true, false)
	f.Add(whole[:100], false, false)
	f.Add([]byte{}, false, false)
	f.Add(append(bytes.Clone(whole[:2*block]), whole[block:]...), false, false)
	flipped := bytes.Clone(whole)
	for i := 0; i < len(flipped); i += 997 {
		flipped[i] ^= 1
	}
	f.Add(flipped, true, false)
	f.Add(whole, false, true)
	f.Add(flipped, true, true)
	f.Fuzz(func(t *testing.T, b []byte, sealed, keyed bool) {
		if len(b) > 1<<20 {
			return
		}
		if b = bytes.Clone(b); keyed {
			forge(b)
		}
		d := newMemDisk()
		mode := 0o600
		if sealed {
			mode = 0o440
		}
		d.dirs["main"] = true
		d.names["main/00000001.seg"] = &inode{data: bytes.Clone(b), kept: bytes.Clone(b), dirty: map[int64]bool{}, mode: fileMode(mode), keptMode: fileMode(mode)}
		a, err := Open("mem", small(d))
		if errors.Is(err, ErrNewer) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		for id, p := range items(t, a) {
			text, ok := known[id]
			if keyed {
				continue // whoever has the key can write records
			}
			if !ok {
				t.Fatalf("item %s was invented", id)
			}
			if err := compare(t, a, letter{id, p, text}); err != nil && !errors.Is(err, registry.ErrDamaged) {
				t.Error(err)
			}
		}
		for _, err := range a.Fsck(t.Context(), true) {
			if err != nil {
				t.Error(err)
			}
		}
		r := rand.New(rand.NewPCG(4, 4))
		wantLetter(t, a, mustDeliver(t, a, newItem(r), random(r, 3000)))
	})
}

// forge makes whatever looks like a header a valid one, so that the fuzzer gets
// past the key.
func forge(b []byte) {
	if len(b) < block {
		return
	}
	copy(b, segmentMagic[:])
	b[8], b[9] = format, 0
	digest := sum(b[:96])
	copy(b[96:], digest[:])
	mac := newMAC([saltSize]byte(b[64:96]))
	for at := block; at+headerSize <= len(b); at += recordAlign {
		if p := b[at : at+headerSize]; bytes.Equal(p[:8], recordMagic[:]) {
			mac.Reset()
			mac.Write(p[:headerSize-macSize])
			copy(p[headerSize-macSize:], mac.Sum(nil)[:macSize])
		}
	}
}
