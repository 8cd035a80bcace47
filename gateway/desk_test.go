package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
)

// A town is every neighbour of the desk in one small fake. Its book gives
// numbers; any step can be made to fail before or after it took effect.
type town struct {
	mu      sync.Mutex
	spool   chan registry.Item
	slow    map[registry.ItemID]time.Duration // reading takes so long
	fail    map[string]int                    // step → how many times it fails before it took effect
	lose    map[string]int                    // step → how many times its answer is lost
	numbers map[string]registry.Outcome       // by draft key
	order   []registry.ItemID                 // as offered to the book
	done    []registry.ItemID
	parked  []registry.ItemID
	settled chan registry.ItemID
	away    bool // the book does not write
}

func newTown() *town {
	return &town{
		spool: make(chan registry.Item, 1000), slow: map[registry.ItemID]time.Duration{}, fail: map[string]int{}, lose: map[string]int{},
		numbers: map[string]registry.Outcome{}, settled: make(chan registry.ItemID, 1000),
	}
}

var errBroken = errors.New("broken")

// step reports whether a step fails now.
func (w *town) step(name string, from map[string]int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if from[name] == 0 {
		return nil
	}
	from[name]--
	return fmt.Errorf("%s: %w", name, errBroken)
}

func (w *town) Next(ctx context.Context) (registry.Item, error) {
	select {
	case it := <-w.spool:
		return it, nil
	case <-ctx.Done():
		return registry.Item{}, ctx.Err()
	}
}

func (w *town) Done(ids ...registry.ItemID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = append(w.done, ids...)
	for _, id := range ids {
		w.settled <- id
	}
}

func (w *town) Retry(id registry.ItemID, after time.Duration, _ string) {
	time.AfterFunc(after, func() { w.spool <- registry.Item{ID: id} })
}

func (w *town) Park(_ context.Context, id registry.ItemID, _ string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parked = append(w.parked, id)
	w.settled <- id
	return nil
}

func (w *town) Read(_ context.Context, it registry.Item) (registry.Document, error) {
	w.mu.Lock()
	slow := w.slow[it.ID]
	w.mu.Unlock()
	time.Sleep(slow) // of the synctest bubble's clock
	return registry.Document{}, nil
}

func (w *town) Screen(_ context.Context, _ registry.Item, doc registry.Document) registry.Document {
	return doc
}

func (w *town) Facts(context.Context, registry.Item, registry.Document) (registry.Facts, error) {
	return registry.Facts{}, w.step("facts", w.fail)
}

func (w *town) Decide(registry.Item, registry.Document, registry.Facts) registry.Decision {
	return registry.Decision{}
}

func (w *town) Arrival(it registry.Item, doc registry.Document, facts registry.Facts, dec registry.Decision) registry.Draft {
	return registry.Draft{Key: "item/" + it.ID.String(), Arrival: &registry.Arrival{Item: it, Document: doc, Facts: facts, Decision: dec}}
}

func (w *town) Offer(_ context.Context, d registry.Draft) func(context.Context) (registry.Outcome, error) {
	if err := w.step("book", w.fail); err != nil {
		return func(context.Context) (registry.Outcome, error) { return registry.Outcome{}, err }
	}
	w.mu.Lock()
	out, known := w.numbers[d.Key]
	if !known {
		out = registry.Outcome{State: registry.Written, Disposition: registry.Registered, Number: registry.Number{Register: "RPW", Year: 2026, Seq: int64(len(w.numbers) + 1)}}
		w.numbers[d.Key] = out
		w.order = append(w.order, d.Arrival.Item.ID)
	}
	w.mu.Unlock()
	err := w.step("book", w.lose)
	return func(context.Context) (registry.Outcome, error) { return out, err }
}

func (w *town) Hurry() {}

func (w *town) Prompt() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.away
}

func (w *town) Settled(registry.Item, registry.Outcome, time.Duration) {}
func (w *town) Parked(registry.Item, string)                           {}
func (w *town) Delayed(registry.Item, error)                           {}

func (w *town) desk(change func(*Options)) *Desk {
	o := Options{
		Spool: w, Reader: w, Screen: w, Facts: w, Rules: func() Decider { return w }, Draft: w, Book: w, Journal: w,
		Ring: func() {}, Now: time.Now, Readers: 8,
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func (w *town) put(n int) []registry.ItemID {
	ids := make([]registry.ItemID, n)
	for i := range ids {
		ids[i] = registry.NewItemID(time.Now())
		w.spool <- registry.Item{ID: ids[i]}
	}
	return ids
}

func (w *town) await(n int) {
	for range n {
		<-w.settled
	}
}

// work runs a desk until n items are settled.
func work(w *town, d *Desk, n int) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { _ = d.Run(ctx); close(ended) }()
	w.await(n)
	stop()
	<-ended
}

// Every step fails in turn, once before it took effect and once after, when
// only its answer was lost: each item still has exactly one number.
func TestEveryItemIsRegisteredOnceWhateverStepFails(t *testing.T) {
	for _, tt := range []struct {
		name       string
		fail, lose map[string]int
	}{
		{"looking up fails", map[string]int{"facts": 5}, nil},
		{"the book refuses", map[string]int{"book": 5}, nil},
		{"the book's answer is lost", nil, map[string]int{"book": 5}},
		{"everything at once", map[string]int{"facts": 3, "book": 3}, map[string]int{"book": 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown()
				for k, v := range tt.fail {
					w.fail[k] = v
				}
				for k, v := range tt.lose {
					w.lose[k] = v
				}
				ids := w.put(20)
				work(w, w.desk(nil), len(ids))
				if len(w.numbers) != len(ids) || len(w.done) != len(ids) {
					t.Errorf("%d numbers, %d settled, want %d of each", len(w.numbers), len(w.done), len(ids))
				}
			})
		})
	}
}

func TestNumbersFollowArrivalThoughReadingTakesDifferentTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		ids := w.put(8)
		for i, id := range ids {
			w.slow[id] = time.Duration(len(ids)-i) * 10 * time.Millisecond
		}
		work(w, w.desk(nil), len(ids))
		if !slices.Equal(w.order, ids) {
			t.Errorf("the order at the book is not that of arrival")
		}
	})
}

func TestASlowLetterHoldsOthersUpOnlyAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		ids := w.put(4)
		w.slow[ids[0]] = time.Hour
		began := time.Now()
		d := w.desk(nil)
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { _ = d.Run(ctx); close(ended) }()
		w.await(3)
		if took := time.Since(began); took > 3*hold {
			t.Errorf("the others waited %s, want about %s", took, hold)
		}
		w.await(1)
		if w.order[3] != ids[0] {
			t.Error("the slow letter should come last")
		}
		stop()
		<-ended
	})
}

func TestARefusedDraftIsParkedAndBlocksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		poison := registry.NewItemID(time.Now())
		w.numbers["item/"+poison.String()] = registry.Outcome{State: registry.Refused, Error: "no"}
		w.spool <- registry.Item{ID: poison}
		ids := w.put(3)
		work(w, w.desk(nil), 4)
		if !slices.Equal(w.parked, []registry.ItemID{poison}) || len(w.done) != len(ids) {
			t.Errorf("parked %v, settled %d, want only the refused one parked and %d settled", w.parked, len(w.done), len(ids))
		}
	})
}

func TestADoorLearnsTheNumberWhetherItAsksEarlyOrLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		d := w.desk(nil)
		ids := w.put(2)
		w.slow[ids[0]] = 100 * time.Millisecond
		early := make(chan registry.Outcome, 1)
		go func() {
			out, _ := d.Wait(context.Background(), ids[0])
			early <- out
		}()
		synctest.Wait()
		work(w, d, 2)
		if out := <-early; out.Number.Seq != 1 {
			t.Errorf("the early one was told %v, want the first number", out.Number)
		}
		out, err := d.Wait(context.Background(), ids[1])
		if err != nil || out.Number.Seq != 2 {
			t.Errorf("the late one was told %v, %v, want the second number", out.Number, err)
		}
	})
}

func TestNobodyWaitsForABookThatDoesNotWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		d := w.desk(nil)
		time.AfterFunc(time.Second, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.away = true
		})
		began := time.Now()
		if _, err := d.Wait(context.Background(), registry.NewItemID(began)); !errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("err = %v, want that the book is not to be had", err)
		}
		if took := time.Since(began); took > time.Second+2*glance {
			t.Errorf("waited %s after the book had stopped", took-time.Second)
		}
	})
}

func TestAQuarantinedItemLooksLikeASlowOffice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		d := w.desk(nil)
		id := registry.NewItemID(time.Now())
		w.numbers["item/"+id.String()] = registry.Outcome{State: registry.Written, Disposition: registry.Quarantined}
		w.spool <- registry.Item{ID: id}
		work(w, d, 1)
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if _, err := d.Wait(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("err = %v, want the bound to have run out", err)
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("the answer came after %s, want the whole bound", took)
		}
	})
}

func TestWhatIsInHandIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown()
		ids := w.put(10)
		for _, id := range ids {
			w.slow[id] = time.Minute
		}
		d := w.desk(func(o *Options) { o.InFlight = 3 })
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { _ = d.Run(ctx); close(ended) }()
		synctest.Wait()
		if left := len(w.spool); left != 7 {
			t.Errorf("%d wait in the spool, want 7 while 3 are in hand", left)
		}
		if d.WorthWaiting() {
			t.Error("a full desk promises no number soon")
		}
		w.await(10)
		stop()
		<-ended
	})
}
