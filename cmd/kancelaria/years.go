package main

import (
	"context"
	"errors"
	"time"

	"kancelaria/registry"
)

// yearsEvery is how often the daemon looks whether a year's series are to be
// closed.
const yearsEvery = time.Hour

// years closes the series of years that are over, until ctx ends.
func (d *daemon) years(ctx context.Context) error {
	return closeYears(ctx, func(ctx context.Context) error { return d.registrar.CloseYears(ctx, d.waitsSince) }, func(err error) {
		if !errors.Is(err, registry.ErrUnavailable) {
			d.log.Warn("office.years", "err", err)
		}
	})
}

// closeYears looks at once, and every hour.
func closeYears(ctx context.Context, look func(context.Context) error, failed func(error)) error {
	tick := time.NewTicker(yearsEvery)
	defer tick.Stop()
	for {
		if err := look(ctx); err != nil && ctx.Err() == nil && failed != nil {
			failed(err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// waitsSince reports whether a living gateway holds an item that it accepted
// before an instant and has not settled: it may still belong into the old year.
func (d *daemon) waitsSince(ctx context.Context, before time.Time) (bool, error) {
	if oldest := d.spool.Stats().Oldest; !oldest.IsZero() && oldest.Before(before) {
		return true, nil
	}
	page, err := d.book.Find(ctx, registry.Query{Of: registry.FindLeases})
	if err != nil {
		return false, err
	}
	return anyWaits(page.Leases, registry.NodeLease(d.cfg.Node), d.now(), before), nil
}

// anyWaits looks at what other gateways that live tell of themselves. One that
// does not say what waits with it may have something old.
func anyWaits(leases []registry.Lease, own string, now, before time.Time) bool {
	for node, p := range living(leases, now) {
		if registry.NodeLease(node) == own {
			continue
		}
		if p.Oldest == "" {
			return true
		}
		oldest, err := time.Parse(time.RFC3339, p.Oldest)
		if p.Oldest != nothingWaits && (err != nil || oldest.Before(before)) {
			return true
		}
	}
	return false
}

// nothingWaits is what a gateway says that has settled everything.
const nothingWaits = "none"

// oldestWaiting is what this gateway says of itself.
func (d *daemon) oldestWaiting() string {
	if oldest := d.spool.Stats().Oldest; !oldest.IsZero() {
		return oldest.UTC().Format(time.RFC3339)
	}
	return nothingWaits
}
