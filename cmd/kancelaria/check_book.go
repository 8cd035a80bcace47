package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry"
)

// How long a check waits for the book, and how far back it looks whether the
// rules fit what comes.
const (
	checkBookFor = 10 * time.Second
	checkHistory = 30 * 24 * time.Hour
)

// book compares the files with the book, if there is one that can be read: it
// gives the number of findings. A book that cannot be reached is no fault of
// the files; --live tells it.
func (c *checkCmd) book(e *env, cfg *config.Config, force *inForce) (int, error) {
	if !hasBook(cfg) {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(e.ctx, checkBookFor)
	defer cancel()
	store, err := readBook(ctx, cfg, e.now)
	if err != nil {
		return 0, c.say(e, "warning", "the files were not compared with the book: "+err.Error())
	}
	defer store.Close()
	var said []string
	for _, look := range []func(context.Context, registry.Store, *registry.Office) ([]string, error){withoutClerk, handedOver} {
		more, err := look(ctx, store, force.office)
		if err != nil {
			return 0, c.say(e, "warning", "the files were not compared with the book: "+err.Error())
		}
		said = append(said, more...)
	}
	for _, s := range said {
		if err := c.say(e, "finding", s); err != nil {
			return 0, err
		}
	}
	at := e.within(ctx)
	past, err := at.history(cfg, force, e.now().Add(-checkHistory), func(replayed) error { return nil })
	if err != nil {
		return len(said), c.say(e, "warning", "the rules were not tried on what came of late: "+err.Error())
	}
	for _, f := range past.Lint() {
		if err := c.say(e, "warning", f.String()); err != nil {
			return 0, err
		}
	}
	return len(said), nil
}

// within is the environment with another context.
func (e *env) within(ctx context.Context) *env {
	other := *e
	other.ctx = ctx
	return &other
}

// withoutClerk finds open entries of clerks who stand in office.yaml no longer.
func withoutClerk(ctx context.Context, book registry.Store, office *registry.Office) ([]string, error) {
	var said []string
	for q := (registry.Query{Of: registry.FindBalances, Limit: 500}); ; {
		page, err := book.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("reading who has how much in hand: %w", err)
		}
		for _, b := range page.Balances {
			if _, there := office.Clerks[b.Clerk]; !there && b.Open > 0 {
				said = append(said, fmt.Sprintf("%d open entries are with %s, who is not in office.yaml; kancelaria handover %s TO --reason TEXT", b.Open, b.Clerk, b.Clerk))
			}
		}
		if q.After = page.Next; q.After == "" {
			slices.Sort(said)
			return said, nil
		}
	}
}

// handedOver finds clerks who have left and still stand in office.yaml.
func handedOver(ctx context.Context, book registry.Store, office *registry.Office) ([]string, error) {
	left, err := registry.ReadSuccessions(ctx, book)
	if err != nil {
		return nil, err
	}
	var said []string
	for _, login := range slices.Sorted(maps.Keys(left)) {
		if _, there := office.Clerks[login]; there && left[login].To != "" {
			said = append(said, fmt.Sprintf("%s handed over to %s on %s and still stands in office.yaml; take %s out, or hand over back to %s", login, left[login].To, left[login].On, login, login))
		}
	}
	return said, nil
}
