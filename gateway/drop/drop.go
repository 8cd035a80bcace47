// Package drop takes files that scanners and programs leave in a folder or on
// a share, each exactly once and only when it is whole.
//
// One state machine serves every kind of source: seen, settling, claimed,
// spooled, named. Its state lies beside the files: a claimed file's name begins
// with the item id, and the manifest in the archive has that id too. No
// database is asked before a file is accepted, so drops go on while the book
// is down, and a restart at any moment knows what to do with each file.
package drop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"kancelaria/registry"
)

// An Intake is the way of a file into the office.
type Intake interface {
	// Put returns once the item is durable; then, and only then, is the file
	// no longer needed.
	Put(ctx context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error)
	// Wait gives the outcome of an item put just now.
	Wait(ctx context.Context, id registry.ItemID) (registry.Outcome, error)
	// Look says what is known of an item claimed before a restart: accepted,
	// and its outcome once there is one. An error means: ask again later.
	Look(ctx context.Context, id registry.ItemID) (accepted bool, out *registry.Outcome, err error)
}

// Texts are what people at the scanner read, in the office's language.
type Texts interface {
	// Reason is the text laid beside a file that was not taken.
	Reason(code, name string, at time.Time) string
	// Registered names a file that was: "RPW-000123-2026 pismo.pdf".
	Registered(out registry.Outcome, name string) string
	// Errors is the folder for files that were not taken.
	Errors() string
	// List names the day's list of files and numbers.
	List(day string) string
}

// Options of a source.
type Options struct {
	Name     string // as configured
	Node     string
	Door     registry.Door
	Register string
	Settle   time.Duration // unchanged this long
	GiveUp   time.Duration // then taken as incomplete
	Every    time.Duration // between scans when nothing hints
	MaxSize  int64
	Move     string // folder for what was registered; "" with Delete or Leave
	Delete   bool
	Leave    *Ledger // what was taken stays where it is, and is remembered here
	// Alone reports whether this gateway is the one to watch a source of which
	// the source itself cannot tell who took what. nil: it is.
	Alone func(context.Context) (bool, error)
	// OnConfirm: what is taken gets its number only when a person has looked.
	OnConfirm bool
	Group     string        // how files make one item; "" is GroupFile
	Codes     Codes         // reads barcodes; nil: nobody looks for any
	AllPages  bool          // look for them on every page, not on the first only
	Keep      time.Duration // then moved files are purged
	Zone      *time.Location
	Now       func() time.Time
	Log       *slog.Logger
	Texts     Texts
}

// workers is how many files of one source are taken at once: enough to share
// the archive's sync, few enough to keep roughly the order of arrival.
const workers = 8

// A Watcher takes the files of one source.
type Watcher struct {
	Options
	fs     FS
	intake Intake
	hints  <-chan struct{}

	mu      sync.Mutex
	seen    map[string]*file          // by path
	claimed map[registry.ItemID]claim // ours, not yet named
	health  Health
	busy    time.Time // the last time something new was seen
	leased  time.Time
	ledger  *Ledger // nil unless Leave

	recovered time.Time            // owned by Scan
	started   bool                 // owned by Scan
	others    map[string]neighbour // owned by Scan
}

// New makes a watcher of a source. Hints wake a scan early; nil is allowed.
func New(fs FS, intake Intake, hints <-chan struct{}, o Options) *Watcher {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Watcher{Options: o, fs: fs, intake: intake, hints: hints, seen: map[string]*file{}, claimed: map[registry.ItemID]claim{}, health: Health{Name: o.Name}, ledger: o.Leave, others: map[string]neighbour{}}
}

// Run scans until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	failures := 0
	var lease sync.WaitGroup
	defer lease.Wait()
	lease.Go(func() { w.keepLease(ctx) })
	for {
		err := w.Scan(ctx)
		if ctx.Err() != nil {
			return nil
		}
		wait := w.next()
		if err != nil {
			failures++
			wait = backOff(failures)
			w.Log.Warn("drop.scan", "source", w.Name, "err", err, "again", wait)
		} else {
			failures = 0
		}
		w.noteScan(err, wait)
		if !w.sleep(ctx, wait) {
			return nil
		}
	}
}

// backOff grows from 1 s to 60 s, spread so that gateways do not come in step:
// a server that is down is not hammered.
func backOff(failures int) time.Duration {
	most := min(time.Second<<min(failures, 6), time.Minute)
	return most/2 + rand.N(most/2+1)
}

// sleep waits for a hint or the time; it reports false when ctx has ended.
func (w *Watcher) sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
	case <-w.hints:
	}
	return true
}

// Scan looks at the source once and takes what has settled. It is the truth;
// hints only make it come sooner.
func (w *Watcher) Scan(ctx context.Context) error {
	if w.Alone != nil {
		if alone, err := w.Alone(ctx); !alone || err != nil {
			return err
		}
	}
	err := w.scan(ctx)
	if err != nil {
		w.started = false // an answer may have been lost: look what is claimed
	}
	return err
}

// lookAgain is how often the claims on the source are compared with ours: what
// we lost track of for whatever reason is found again.
const lookAgain = time.Minute

func (w *Watcher) scan(ctx context.Context) error {
	if now := w.Now(); !w.started || now.Sub(w.recovered) >= lookAgain {
		if err := w.recover(ctx); err != nil {
			return err
		}
		w.started, w.recovered = true, now
	}
	if err := w.look(ctx); err != nil {
		return fmt.Errorf("looking at the source: %w", err)
	}
	if err := w.renew(ctx); err != nil {
		return err
	}
	if err := w.inherit(ctx); err != nil {
		return err
	}
	// What is claimed goes on even if something new cannot be taken.
	return errors.Join(w.each(ctx, w.settled(ctx), w.take), w.finish(ctx))
}

// each runs one step for several files side by side and joins what went wrong.
func (w *Watcher) each(ctx context.Context, bundles []bundle, step func(context.Context, bundle) error) error {
	var group sync.WaitGroup
	var mu sync.Mutex
	var all []error
	places := make(chan struct{}, workers)
	for _, b := range bundles {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			group.Wait()
			return ctx.Err()
		}
		group.Go(func() {
			defer func() { <-places }()
			if err := step(ctx, b); err != nil {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, err)
			}
		})
	}
	group.Wait()
	return errors.Join(all...)
}
