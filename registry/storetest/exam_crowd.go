package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"kancelaria/registry"
)

// patiently repeats a commit for as long as the store asks for it.
func patiently(ctx context.Context, s registry.Store, drafts []registry.Draft) ([]registry.Outcome, error) {
	for {
		out, err := s.Commit(ctx, drafts)
		if errors.Is(err, registry.ErrRetry) || errors.Is(err, registry.ErrUnknownOutcome) {
			continue
		}
		return out, err
	}
}

func writers(t *testing.T, x *exam) {
	letters := 160
	if x.o.Short {
		letters = 48
	}
	const hands, batch = 8, 5
	var (
		crowd sync.WaitGroup
		mu    sync.Mutex
		seen  = map[registry.ItemID]registry.Number{}
	)
	for hand := range hands {
		crowd.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(hand), 7))
			// Each letter is offered by two hands, and twice in one batch now
			// and then.
			var mine []int
			for n := range letters {
				if n%(hands/2) == hand%(hands/2) {
					mine = append(mine, n)
				}
			}
			rng.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			for from := 0; from < len(mine); from += batch {
				var drafts []registry.Draft
				for _, n := range mine[from:min(from+batch, len(mine))] {
					drafts = append(drafts, Letter(n))
					if n%9 == 0 {
						drafts = append(drafts, Letter(n))
					}
				}
				out, err := patiently(t.Context(), x.Store, drafts)
				if err != nil {
					t.Errorf("hand %d: %v", hand, err)
					return
				}
				mu.Lock()
				for i, o := range out {
					id := drafts[i].Arrival.Item.ID
					if before, ok := seen[id]; ok && before != o.Number || o.Number.IsZero() {
						t.Errorf("item %s is %s and %s: %s", id, before, o.Number, o.Error)
					}
					seen[id] = o.Number
				}
				mu.Unlock()
			}
		})
	}
	crowd.Wait()
	given := map[registry.Number]bool{}
	for _, n := range seen {
		given[n] = true
	}
	if len(seen) != letters || len(given) != letters {
		t.Errorf("%d letters got %d numbers, want %d", len(seen), len(given), letters)
	}
}

// storm lets acts that touch many rows in different orders run at once.
func storm(t *testing.T, x *exam) {
	clerks := []string{"os1", "os2", "or1", "gn1"}
	var drafts []registry.Draft
	for n := range 24 {
		drafts = append(drafts, Letter(n, func(d *registry.Draft) { d.Arrival.Decision.Candidates = clerks[n%4 : n%4+1] }))
	}
	x.written(drafts...)
	var crowd sync.WaitGroup
	for hand := range 8 {
		crowd.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(hand), 11))
			for i := range 6 {
				a, b := rng.IntN(24)+1, rng.IntN(24)+1
				key := fmt.Sprintf("storm %d.%d", hand, i)
				batch := []registry.Draft{
					Act(key+"h", 10, "sekretarz", registry.Act{Kind: registry.ActHandover, Subject: clerks[rng.IntN(4)], To: clerks[rng.IntN(4)]}),
					Act(key+"j", 10, "os1", registry.Act{Kind: registry.ActJoinCase, Subject: fmt.Sprintf("%d/2026", a), To: fmt.Sprintf("K-RPW-%06d-2026", b)}),
					Act(key+"a", 10, clerks[rng.IntN(4)], registry.Act{Kind: registry.ActAccept, Subject: fmt.Sprintf("%d/2026", b)}),
					Letter(1000 + hand*100 + i),
				}
				rng.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
				if _, err := patiently(t.Context(), x.Store, batch); err != nil {
					t.Errorf("hand %d: %v", hand, err)
					return
				}
			}
		})
	}
	crowd.Wait()
}

// repetitions fails commits before and after they take effect. Whoever asks
// again learns what happened, and nothing happens twice.
func repetitions(t *testing.T, x *exam) {
	for _, tt := range []struct {
		name  string
		lossy *Lossy
	}{
		{"before", &Lossy{Before: func(verb string, call int) error { return every(2, verb, call, registry.ErrRetry) }}},
		{"after", &Lossy{After: func(verb string, call int) error { return every(2, verb, call, registry.ErrUnknownOutcome) }}},
	} {
		x := &exam{Store: x.open(t), t: t, o: x.o, open: x.open}
		tt.lossy.Store = x.Store
		for n := range 12 {
			out, err := patiently(t.Context(), tt.lossy, []registry.Draft{Letter(n), Letter(n / 2)})
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if out[0].Number.Seq != int64(n+1) || out[1].Number.Seq != int64(n/2+1) {
				t.Errorf("%s: letter %d is %s, letter %d is %s", tt.name, n, out[0].Number, n/2, out[1].Number)
			}
		}
		if size := x.size(); size != 12 {
			t.Errorf("%s: %d leaves, want 12", tt.name, size)
		}
		x.sound()
	}
}

func every(n int, verb string, call int, err error) error {
	if verb == "commit" && call%n == 0 {
		return err
	}
	return nil
}
