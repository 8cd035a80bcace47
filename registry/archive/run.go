package archive

import (
	"context"
	"time"

	"kancelaria/registry"
)

// How long Run lets pass before it names the last records as synced, and
// between attempts to heal.
const (
	lull      = time.Second
	healAgain = 5 * time.Second
)

// Run does what need not be done while somebody waits: it prepares the next
// segment, names the last records as synced when it is quiet, heals after a
// failed sync and reads everything again in the course of weeks. It returns
// when ctx ends.
func (a *Archive) Run(ctx context.Context) error {
	scrubbed := make(chan struct{})
	go func() {
		defer close(scrubbed)
		a.scrub(ctx)
	}()
	defer func() { <-scrubbed }()
	tick := time.NewTicker(lull)
	defer tick.Stop()
	var notBefore time.Time
	for {
		a.prepareNext()
		a.nameLast(ctx)
		if a.isFailed() && !time.Now().Before(notBefore) {
			if err := a.Heal(ctx); err != nil {
				notBefore = time.Now().Add(healAgain)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
		case <-tick.C:
		}
	}
}

func (a *Archive) isFailed() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed != nil
}

// prepareNext makes the next segment if it is not there. That it can't is seen
// in Status and by whoever appends.
func (a *Archive) prepareNext() {
	if a.opt.ReadOnly {
		return
	}
	a.prep.Lock()
	defer a.prep.Unlock()
	_ = a.prepareLocked()
}

// nameLast appends a record that names what came last as synced, once it is
// quiet: without it a damaged last record would look like one that nobody was
// promised.
func (a *Archive) nameLast(ctx context.Context) {
	h := a.live.Load()
	if h == nil || h.last.Kind == registry.RecordClosed || a.now().Sub(h.last.At) < lull {
		return
	}
	if _, err := a.append(ctx, registry.RecordClosed, nil, nil, 0); err != nil && ctx.Err() == nil {
		a.log.Warn("archive.last_not_named", "err", err)
	}
}
