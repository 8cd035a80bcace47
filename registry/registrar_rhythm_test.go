package registry_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

// groups counts the drafts of each group that was written, and when.
type groups struct {
	mu    sync.Mutex
	sizes []int
	when  []time.Duration
}

func (g *groups) written(n, _ int, _ time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sizes, g.when = append(g.sizes, n), append(g.when, time.Since(bubble))
}

func TestLettersNobodyWaitsForComeTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g groups
		r := run(t, storetest.NewMemory(origin, nil), registry.RegistrarOptions{Rhythm: 25 * time.Millisecond, Written: g.written})
		time.Sleep(time.Second) // of the bubble: nothing was written for a while
		var last func(context.Context) (registry.Outcome, error)
		for n := range 20 {
			last = r.Offer(t.Context(), storetest.Letter(n))
			time.Sleep(time.Millisecond)
		}
		if out, err := last(t.Context()); err != nil || out.Number.Seq != 20 {
			t.Fatalf("the last letter: %s, %v", out.Number, err)
		}
		if len(g.sizes) != 2 || g.sizes[0] != 1 || g.sizes[1] != 19 || g.when[1]-g.when[0] != 25*time.Millisecond {
			t.Errorf("groups of %v at %v; the first letter is written at once, the rest together", g.sizes, g.when)
		}
	})
}

func TestWhoeverWaitsForANumberIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g groups
		r := run(t, storetest.NewMemory(origin, nil), registry.RegistrarOptions{Rhythm: time.Hour, Written: g.written})
		for n := range 5 {
			submit(t, r, storetest.Letter(n))
		}
		wait := r.Offer(t.Context(), storetest.Letter(5))
		synctest.Wait()
		r.Hurry() // a door began to wait after the desk had offered
		if out, err := wait(t.Context()); err != nil || out.Number.Seq != 6 {
			t.Fatalf("%s, %v", out.Number, err)
		}
		if took := g.when[len(g.when)-1] - g.when[0]; took > time.Minute {
			t.Errorf("six people waited %s", took)
		}
	})
}

func TestAFullGroupWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g groups
		r := run(t, storetest.NewMemory(origin, nil), registry.RegistrarOptions{Rhythm: time.Hour, Group: 10, Written: g.written})
		submit(t, r, storetest.Letter(0))
		var last func(context.Context) (registry.Outcome, error)
		for n := 1; n <= 5; n++ {
			last = r.Offer(t.Context(), storetest.Letter(n))
		}
		if out, err := last(t.Context()); err != nil || out.Number.Seq != 6 {
			t.Fatalf("%s, %v", out.Number, err)
		}
		if took := g.when[len(g.when)-1] - g.when[0]; took > time.Minute {
			t.Errorf("half a group waited %s", took)
		}
	})
}
