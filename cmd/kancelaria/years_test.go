package main

import (
	"context"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

func TestAYearStaysOpenWhileAGatewayHoldsSomethingOlder(t *testing.T) {
	newYear := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	now := newYear.AddDate(0, 0, 4)
	lease := func(node, note string, until time.Time) registry.Lease {
		return registry.Lease{Name: registry.NodeLease(node), Node: node, Note: note, Until: until}
	}
	for _, tt := range []struct {
		name   string
		leases []registry.Lease
		want   bool
	}{
		{"nobody else", nil, false},
		{"we ourselves are asked elsewhere", []registry.Lease{lease("a", `{}`, now.Add(time.Minute))}, false},
		{"another has settled all", []registry.Lease{lease("b", `{"oldest":"none"}`, now.Add(time.Minute))}, false},
		{"another has something newer", []registry.Lease{lease("b", `{"oldest":"2027-01-03T10:00:00Z"}`, now.Add(time.Minute))}, false},
		{"another has something older", []registry.Lease{lease("b", `{"oldest":"2026-12-31T10:00:00Z"}`, now.Add(time.Minute))}, true},
		{"another does not say", []registry.Lease{lease("b", `{}`, now.Add(time.Minute))}, true},
		{"the other is dead", []registry.Lease{lease("b", `{"oldest":"2026-12-31T10:00:00Z"}`, now)}, false},
		{"a lease of something else", []registry.Lease{{Name: "sealer", Note: "x", Until: now.Add(time.Minute)}}, false},
	} {
		if got := anyWaits(tt.leases, registry.NodeLease("a"), now, newYear); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
}

// The daemon closes the old year by itself, 72 hours after New Year.
func TestTheDaemonClosesTheOldYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := storetest.NewMemory(filepath.Base(t.TempDir()), nil)
		if _, err := book.Commit(t.Context(), []registry.Draft{storetest.Letter(0)}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		newYear := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
		now := func() time.Time { return newYear.Add(71*time.Hour + 30*time.Minute).Add(time.Since(began)) }
		office := &registry.Office{Zone: time.UTC}
		r := registry.NewRegistrar(book, registry.RegistrarOptions{Office: func() *registry.Office { return office }, Node: "a", Now: now})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = r.Run(ctx) }()
		closed := func() bool {
			page, err := book.Find(ctx, registry.Query{Of: registry.FindSeries})
			return err == nil && len(page.Series) > 0 && !page.Series[0].ClosedAt.IsZero()
		}
		nobody := func(context.Context, time.Time) (bool, error) { return false, nil }
		go func() { _ = closeYears(ctx, func(ctx context.Context) error { return r.CloseYears(ctx, nobody) }, nil) }()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if closed() {
			t.Error("the year was closed too early")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if !closed() {
			t.Error("the year was not closed")
		}
		stop()
		synctest.Wait()
	})
}
