package postgres

import (
	"context"
	"sync"
	"testing"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

// A thousand letters come through two gateways at once: under the lock each
// goes to whoever has least, so that in the end all have the same.
func TestAThousandLettersThroughTwoGatewaysAreSharedEvenly(t *testing.T) {
	const letters = 1000
	clerks := []string{"os1", "os2", "os3", "os4"}
	town := newTown(t)
	office := &registry.Office{Zone: time.UTC, Registers: map[string]registry.Register{"RPW": {ID: "RPW", Kind: "in"}}}
	var (
		offered  sync.WaitGroup
		ended    sync.WaitGroup
		gateways []*registry.Registrar
	)
	ctx, stop := context.WithCancel(t.Context())
	for _, node := range []string{"n1", "n2"} {
		store, err := Open(t.Context(), town.service, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		r := registry.NewRegistrar(store, registry.RegistrarOptions{Node: node, Office: func() *registry.Office { return office }})
		gateways = append(gateways, r)
		ended.Go(func() { _ = r.Run(ctx) })
	}
	for i := range letters {
		d := storetest.Letter(i, func(d *registry.Draft) { d.Arrival.Decision.Candidates = clerks })
		wait := gateways[i%2].Offer(t.Context(), d)
		offered.Go(func() {
			if out, err := wait(t.Context()); err != nil || out.Err() != nil {
				t.Errorf("letter %d: %v, %v", i, err, out.Err())
			}
		})
	}
	offered.Wait()
	stop()
	ended.Wait()

	store, err := Open(t.Context(), town.service, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	page, err := store.Find(t.Context(), registry.Query{Of: registry.FindBalances, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Balances) != len(clerks) {
		t.Fatalf("%d clerks got letters, want %d", len(page.Balances), len(clerks))
	}
	for _, b := range page.Balances {
		if b.Open != int64(letters/len(clerks)) {
			t.Errorf("%s has %d letters, want %d", b.Clerk, b.Open, letters/len(clerks))
		}
	}
}
