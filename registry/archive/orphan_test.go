package archive

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"kancelaria/registry"
)

func TestALargeOriginalWithoutARecordIsLaidBeside(t *testing.T) {
	for _, tt := range []struct {
		name string
		age  time.Duration // of the id when the process ended
		kept bool          // beside
	}{
		{"that has just got its name", 0, true},
		{"that took an hour to come", time.Hour, true},
		{"too old to be of this life", 3 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, r := newMemDisk(), rand.New(rand.NewPCG(7, 7))
			o := small(d)
			now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
			o.Now = func() time.Time { return now }
			a := mustOpen(t, o)
			promised := mustDeliver(t, a, registry.NewItemID(now), random(r, 20_000))
			b := &body{a: a, name: registry.NewItemID(now.Add(-tt.age))}
			if err := b.read(t.Context(), bytes.NewReader(random(r, 20_000)), 0); err != nil {
				t.Fatal(err)
			}
			if err := b.settle(); err != nil { // and here the process ends
				t.Fatal(err)
			}
			d.locks = map[string]bool{}
			a = mustOpen(t, o)
			defer a.Close()
			wantLetter(t, a, promised)
			want := FoundUnrecorded
			if tt.kept {
				want = FoundTail
			}
			if got := codes(t, a, true); len(got) != 1 || got[0] != want {
				t.Errorf("fsck found %v, want %s", got, want)
			}
		})
	}
}
