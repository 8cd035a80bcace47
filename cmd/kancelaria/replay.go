package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway"
	"kancelaria/registry"
	"kancelaria/rules"
)

type rulesReplayCmd struct {
	Since string `default:"30d" placeholder:"WHEN" help:"Registered at or after: a day, or a span back (30d)."`
	Rules string `placeholder:"NEW.yaml" help:"The rules to try; default: the office's, as they are on the disk."`
}

// A replayed letter is one that other rules would have decided differently.
type replayed struct {
	Number  string         `json:"number"` // "" for what is not in the register
	ItemID  string         `json:"item_id"`
	Changes []rules.Change `json:"changes"`
}

// Run decides the letters of the register again, with the facts that were
// stored, and prints what would differ. It reads beside whoever writes.
func (c *rulesReplayCmd) Run(e *env) error {
	cfg, force, complaints, err := ruleFiles(e, c.Rules)
	if err != nil {
		return err
	}
	if err := failing(complaints); err != nil {
		return err
	}
	since, err := back(c.Since, e.now(), cfg.Zone)
	if err != nil {
		return withCode(exitUsage, err)
	}
	tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	past, err := e.history(cfg, force, since, func(r replayed) error { return c.say(e, tab, r) })
	if err != nil {
		return flushed(tab, err)
	}
	if e.JSON {
		return json.NewEncoder(e.stdout).Encode(map[string]int{"letters": past.Letters, "changed": past.Changed, "short": past.Short})
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "%d letters since %s; %d would be decided differently. Nothing was changed.\n", past.Letters, since.In(cfg.Zone).Format(time.DateOnly), past.Changed)
	if past.Short > 0 {
		fmt.Fprintf(e.stdout, "Of %d the book keeps less text or fewer headers than these rules look at; they were decided by what it keeps.\n", past.Short)
	}
	return nil
}

func (c *rulesReplayCmd) say(e *env, tab *tabwriter.Writer, r replayed) error {
	if e.JSON {
		return json.NewEncoder(e.stdout).Encode(r)
	}
	name := r.Number
	if name == "" {
		name = r.ItemID
	}
	for i, change := range r.Changes {
		if i > 0 {
			name = ""
		}
		if _, err := fmt.Fprintf(tab, "%s\t%s\t%s\t→ %s\n", name, change.Field, dash(cell(change.Was, 60)), dash(cell(change.Now, 60))); err != nil {
			return err
		}
	}
	return nil
}

// history decides again what arrived since, visiting in the order of the book
// those that would be decided differently.
func (e *env) history(cfg *config.Config, force *inForce, since time.Time, visit func(replayed) error) (*rules.History, error) {
	store, err := readBook(e.ctx, cfg, e.now)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	ours := func(string) bool { return false }
	if secret, err := tokenSecret(string(cfg.Data)); err == nil {
		tokens := gateway.NewTokens(force.office.Domain, secret)
		ours = func(address string) bool {
			tok, ok := tokens.Parse(address)
			return ok && tok.Kind != gateway.TokenSender
		}
	}
	return replayBook(e.ctx, store, force.set, since, ours, visit)
}

// A leafReader reads the book's lines as they were written.
type leafReader interface {
	Head(ctx context.Context) (registry.Head, error)
	Leaves(ctx context.Context, from, to int64) ([]registry.LeafRow, error)
}

// replayPage is how many leaves are read at once: enough to share, few enough
// to hold.
const replayPage = 1000

// replayBook decides all arrivals since a time again. Pages are read while the
// one before is decided, by all cores. Letters to addresses of our own making
// are no matter of the rules.
func replayBook(ctx context.Context, book leafReader, set *rules.Set, since time.Time, ours func(address string) bool, visit func(replayed) error) (*rules.History, error) {
	head, err := book.Head(ctx)
	if err != nil {
		return nil, err
	}
	from, err := firstLeaf(ctx, book, head.Size, since)
	if err != nil {
		return nil, err
	}
	pages := make(chan []registry.LeafRow, 1)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(pages)
		return readPages(ctx, book, from, head.Size, pages)
	})
	all := set.NewHistory()
	group.Go(func() error {
		for page := range pages {
			changed, err := replayRows(page, set, all, ours)
			if err != nil {
				return err
			}
			for _, r := range changed {
				if err := visit(r); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return all, group.Wait()
}

func readPages(ctx context.Context, book leafReader, from, to int64, pages chan<- []registry.LeafRow) error {
	for from < to {
		rows, err := book.Leaves(ctx, from, min(from+replayPage, to))
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return fmt.Errorf("%w: leaf %d is not there", registry.ErrCorrupt, from)
		}
		from += int64(len(rows))
		select {
		case pages <- rows:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// firstLeaf finds the first leaf that was written at or after a time: the
// ledger never goes back in time.
func firstLeaf(ctx context.Context, book leafReader, size int64, since time.Time) (int64, error) {
	low, high := int64(0), size
	for low < high {
		middle := (low + high) / 2
		rows, err := book.Leaves(ctx, middle, middle+1)
		if err != nil {
			return 0, err
		}
		if len(rows) == 0 {
			return 0, fmt.Errorf("%w: leaf %d is not there", registry.ErrCorrupt, middle)
		}
		if rows[0].At.Before(since) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// replayRows shares a page among the cores and counts it into all.
func replayRows(rows []registry.LeafRow, set *rules.Set, all *rules.History, ours func(string) bool) ([]replayed, error) {
	share := (len(rows) + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0)
	var (
		mu      sync.Mutex
		changed = make([]replayed, len(rows))
		group   errgroup.Group
	)
	for from := 0; from < len(rows); from += share {
		group.Go(func() error {
			part := set.NewHistory()
			for i := from; i < min(from+share, len(rows)); i++ {
				r, err := replayRow(rows[i], part, ours)
				if err != nil {
					return err
				}
				changed[i] = r
			}
			mu.Lock()
			defer mu.Unlock()
			all.Merge(part)
			return nil
		})
	}
	err := group.Wait()
	return slices.DeleteFunc(changed, func(r replayed) bool { return len(r.Changes) == 0 }), err
}

// replayRow decides one arrival again. What was erased, was registered bare or
// only came again has nothing to be decided.
func replayRow(row registry.LeafRow, past *rules.History, ours func(string) bool) (replayed, error) {
	if row.Content == nil || row.Type != string(registry.Registered) && row.Type != string(registry.Quarantined) && row.Type != string(registry.Beside) {
		return replayed{}, nil
	}
	line, err := registry.ParseLine(row.Content)
	if err != nil {
		return replayed{}, fmt.Errorf("%w: leaf %d: %w", registry.ErrCorrupt, row.Index, err)
	}
	a := line.Draft.Arrival
	if a == nil || a.Bare || len(a.Decision.Explanation) == 0 || a.Item.Envelope != nil && slices.ContainsFunc(a.Item.Envelope.Recipients, ours) {
		return replayed{}, nil
	}
	return replayed{Number: line.Outcome.Number.String(), ItemID: a.Item.ID.String(), Changes: past.Add(*a)}, nil
}
