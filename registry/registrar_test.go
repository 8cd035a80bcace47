package registry_test

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
	"kancelaria/registry/storetest"
)

const origin = "aleksandrowo.example/ksiega"

// office is a small office in Warsaw.
func office(t testing.TB) *registry.Office {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	return &registry.Office{
		Domain: "aleksandrowo.example", Zone: zone, Calendar: registry.Calendar{Country: "PL"}, Deadlines: registry.StandardDeadlines(),
		Desk:      registry.Queue{Department: "OR", Name: "PK"},
		Registers: map[string]registry.Register{"RPW": {ID: "RPW", Kind: "in"}, "ZS": {ID: "ZS", Kind: "in", Restricted: true}},
		Departments: map[string]registry.Department{
			"OS": {ID: "OS", Head: "os1", Clerks: []string{"os1", "os2"}},
			"OR": {ID: "OR", Head: "sekretarz", Clerks: []string{"pk1", "or1"}},
		},
		Clerks: map[string]registry.Clerk{
			"os1": {Login: "os1", Deputies: []string{"os2"}}, "os2": {Login: "os2"}, "or1": {Login: "or1"},
			"pk1":       {Login: "pk1", Roles: []registry.OfficeRole{registry.RoleDesk}},
			"sekretarz": {Login: "sekretarz", Roles: []registry.OfficeRole{registry.RoleSecretary}},
			"admin":     {Login: "admin", Roles: []registry.OfficeRole{registry.RoleAdmin}},
		},
		Classes: map[string]registry.Class{
			"6131": {Symbol: "6131", Department: "OS", Case: registry.CaseOnAccept, Deadline: "KPA_1M"},
			"1431": {Symbol: "1431", Department: "OR", Case: registry.CaseAtOnce, Deadline: "UDIP_14D"},
		},
	}
}

// paper is a copybook in memory; it fails as long as it is told to.
type paper struct {
	mu    sync.Mutex
	lines []registry.Line
	fail  error
}

func (p *paper) Copybook(_ context.Context, sheets []registry.Sheet) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	for _, s := range sheets {
		l, err := registry.ParseLine(s.Bytes)
		if err != nil {
			return err
		}
		p.lines = append(p.lines, l)
	}
	return nil
}

func (p *paper) set(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = err
}

// run runs a Registrar in a bubble of synctest until the test is over.
func run(t *testing.T, store registry.Store, o registry.RegistrarOptions) *registry.Registrar {
	t.Helper()
	if o.Office == nil {
		town := office(t)
		o.Office = func() *registry.Office { return town }
	}
	if o.Now == nil {
		o.Now = func() time.Time { return storetest.Noon.Add(time.Since(bubble)) }
	}
	o.Node = "n1"
	r := registry.NewRegistrar(store, o)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return r
}

// bubble is when the clocks of synctest begin.
var bubble = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func submit(t *testing.T, r *registry.Registrar, d registry.Draft) registry.Outcome {
	t.Helper()
	out, err := r.Submit(t.Context(), d)
	if err != nil {
		t.Fatalf("%s: %v", d.Key, err)
	}
	return out
}

func TestWhatIsOfferedIsWrittenInOrderAndCopiedBeforeAnybodyIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, copybook := storetest.NewMemory(origin, nil), &paper{}
		r := run(t, book, registry.RegistrarOptions{Copybook: copybook})
		var waits []func(context.Context) (registry.Outcome, error)
		for n := range 600 {
			waits = append(waits, r.Offer(t.Context(), storetest.Letter(n)))
		}
		for n, wait := range waits {
			out, err := wait(t.Context())
			if err != nil || out.Number.Seq != int64(n+1) {
				t.Fatalf("letter %d: %s, %v", n, out.Number, err)
			}
			copybook.mu.Lock()
			known := slices.ContainsFunc(copybook.lines, func(l registry.Line) bool { return l.Outcome.Number == out.Number })
			copybook.mu.Unlock()
			if !known {
				t.Fatalf("%s was told and is not in the copybook", out.Number)
			}
		}
		if again := submit(t, r, storetest.Letter(7)); again.State != registry.Repeated || again.Number.Seq != 8 {
			t.Errorf("offered again: %+v", again)
		}
	})
}

func TestTheCopybookRebuildsTheBook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book, copybook := storetest.NewMemory(origin, nil), &paper{}
		r := run(t, book, registry.RegistrarOptions{Copybook: copybook})
		for n := range 5 {
			submit(t, r, storetest.Letter(n))
		}
		owner := registry.Actor{Login: "root", OnBehalfOf: "os1", Owner: true}
		if out, err := r.Act(t.Context(), owner, registry.Act{Kind: registry.ActAccept, Subject: "1/2026"}, nil, ""); err != nil || out.Clerk != "os1" {
			t.Fatalf("%+v, %v", out, err)
		}
		again := storetest.NewMemory(origin, nil)
		if err := again.Replay(t.Context(), copybook.lines); err != nil {
			t.Fatal(err)
		}
		have, _ := again.Head(t.Context())
		want, _ := book.Head(t.Context())
		if !slices.Equal(have.Edge, want.Edge) {
			t.Errorf("the head is %+v, want %+v", have, want)
		}
	})
}

func TestALostAnswerIsAskedForAgain(t *testing.T) {
	for name, store := range map[string]*storetest.Lossy{
		"busy":    {Before: every(3, registry.ErrRetry)},
		"lost":    {After: every(3, registry.ErrUnknownOutcome)},
		"away":    {Before: every(4, registry.ErrUnavailable)},
		"strange": {After: every(4, errors.New("something else"))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store.Store = storetest.NewMemory(origin, nil)
				copybook := &paper{}
				r := run(t, store, registry.RegistrarOptions{Copybook: copybook, Group: 2})
				for n := range 20 {
					if out := submit(t, r, storetest.Letter(n)); out.Number.Seq != int64(n+1) {
						t.Errorf("letter %d is %s", n, out.Number)
					}
				}
				if len(copybook.lines) != 20 {
					t.Errorf("%d lines in the copybook, want 20", len(copybook.lines))
				}
				if err := storetest.Sound(t.Context(), store.Store); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// every fails some commits: each n-th.
func every(n int, err error) func(string, int) error {
	return func(verb string, call int) error {
		if verb == "commit" && call%n == n-1 {
			return err
		}
		return nil
	}
}

// picky refuses drafts as a database would whose columns cannot hold them.
type picky struct {
	*storetest.Memory
	bad func(d registry.Draft) bool
}

func (p picky) Commit(ctx context.Context, drafts []registry.Draft) ([]registry.Outcome, error) {
	if slices.ContainsFunc(drafts, p.bad) {
		return nil, fmt.Errorf("%w: value too long", registry.ErrData)
	}
	return p.Memory.Commit(ctx, drafts)
}

func TestALetterThatCannotBeWrittenIsRegisteredBare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := picky{storetest.NewMemory(origin, nil), func(d registry.Draft) bool {
			return d.Arrival != nil && d.Arrival.Item.ID == storetest.Item(5) && !d.Arrival.Bare
		}}
		r := run(t, book, registry.RegistrarOptions{})
		var waits []func(context.Context) (registry.Outcome, error)
		for n := range 9 {
			waits = append(waits, r.Offer(t.Context(), storetest.Letter(n)))
		}
		for n, wait := range waits {
			out, err := wait(t.Context())
			if err != nil || out.Number.Seq != int64(n+1) {
				t.Errorf("letter %d: %s, %v", n, out.Number, err)
			}
			if bare := slices.Contains(out.Flags, registry.FlagUnreadable); bare != (n == 5) {
				t.Errorf("letter %d has the flags %v", n, out.Flags)
			}
		}
		page, err := book.Find(t.Context(), registry.Query{Of: registry.FindEntry, Item: storetest.Item(5)})
		if err != nil || page.Works[0].Department != "OR" || page.Works[0].Digest != storetest.Letter(5).Arrival.Item.Original.Digest {
			t.Errorf("the bare entry is %+v, %v", page.Works, err)
		}
	})
}

func TestWhatCannotBeWrittenEvenBareIsPoisonAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := picky{storetest.NewMemory(origin, nil), func(d registry.Draft) bool {
			return d.Arrival != nil && d.Arrival.Item.ID == storetest.Item(5) || d.Act != nil
		}}
		r := run(t, book, registry.RegistrarOptions{})
		poison := r.Offer(t.Context(), storetest.Letter(5))
		act := r.Offer(t.Context(), storetest.Act("x", 1, "os1", registry.Act{Kind: registry.ActGeneric, Subject: "office"}))
		good := r.Offer(t.Context(), storetest.Letter(6))
		if _, err := poison(t.Context()); !errors.Is(err, registry.ErrPoison) {
			t.Errorf("the letter: %v", err)
		}
		if _, err := act(t.Context()); !errors.Is(err, registry.ErrPoison) {
			t.Errorf("the act: %v", err)
		}
		if out, err := good(t.Context()); err != nil || out.Number.Seq != 1 {
			t.Errorf("the letter behind: %+v, %v", out, err)
		}
	})
}

func TestNobodyIsToldWhileTheCopybookFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		copybook := &paper{fail: errors.New("no room on the disk")}
		r := run(t, storetest.NewMemory(origin, nil), registry.RegistrarOptions{Copybook: copybook})
		wait := r.Offer(t.Context(), storetest.Letter(0))
		soon, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if out, err := wait(soon); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("told %+v, %v", out, err)
		}
		if r.Prompt() || r.Trouble() == nil {
			t.Error("all seems well")
		}
		copybook.set(nil)
		if out, err := wait(t.Context()); err != nil || out.Number.Seq != 1 {
			t.Errorf("%+v, %v", out, err)
		}
		if !r.Prompt() || r.Trouble() != nil {
			t.Errorf("not well again: %v", r.Trouble())
		}
	})
}

func TestWaitersWaitWhileTheBookIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := true
		var mu sync.Mutex
		store := &storetest.Lossy{Store: storetest.NewMemory(origin, nil), Before: func(string, int) error {
			mu.Lock()
			defer mu.Unlock()
			if away {
				return registry.ErrUnavailable
			}
			return nil
		}}
		r := run(t, store, registry.RegistrarOptions{})
		wait := r.Offer(t.Context(), storetest.Letter(0))
		time.Sleep(time.Hour)
		synctest.Wait()
		if r.Prompt() || !errors.Is(r.Trouble(), registry.ErrUnavailable) {
			t.Errorf("trouble is %v", r.Trouble())
		}
		mu.Lock()
		away = false
		mu.Unlock()
		out, err := wait(t.Context())
		if err != nil || out.Number.Seq != 1 {
			t.Errorf("%+v, %v", out, err)
		}
		if want := storetest.Noon.Add(time.Hour); out.At.Before(want) {
			t.Errorf("registered at %s, and the book was away until %s", out.At, want)
		}
	})
}

func TestWhatStillWaitsAtTheEndIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &storetest.Lossy{Store: storetest.NewMemory(origin, nil), Before: func(string, int) error { return registry.ErrUnavailable }}
		town := office(t)
		r := registry.NewRegistrar(store, registry.RegistrarOptions{Office: func() *registry.Office { return town }, Node: "n1"})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		waits := []func(context.Context) (registry.Outcome, error){r.Offer(ctx, storetest.Letter(0)), r.Offer(ctx, storetest.Letter(1))}
		synctest.Wait()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		for _, wait := range append(waits, r.Offer(t.Context(), storetest.Letter(2))) {
			if _, err := wait(t.Context()); !errors.Is(err, registry.ErrUnavailable) {
				t.Errorf("told %v", err)
			}
		}
	})
}

func TestABookOlderThanItsCopybookIsNotWrittenTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		copybook := &paper{}
		newest := func(context.Context) (registry.Line, bool, error) {
			if len(copybook.lines) == 0 {
				return registry.Line{}, false, nil
			}
			return copybook.lines[len(copybook.lines)-1], true, nil
		}
		before := run(t, storetest.NewMemory(origin, nil), registry.RegistrarOptions{Copybook: copybook, Newest: newest})
		for n := range 3 {
			submit(t, before, storetest.Letter(n))
		}
		for _, name := range []string{"another", "empty"} {
			older := storetest.NewMemory(origin, nil)
			if name == "another" {
				for n := range 4 {
					if _, err := older.Commit(t.Context(), []registry.Draft{storetest.Letter(10 + n)}); err != nil {
						t.Fatal(err)
					}
				}
			}
			r := run(t, older, registry.RegistrarOptions{Copybook: copybook, Newest: newest})
			soon, cancel := context.WithTimeout(t.Context(), time.Minute)
			if out, err := r.Submit(soon, storetest.Letter(99)); err == nil {
				t.Errorf("%s: numbers are given twice: %+v", name, out)
			}
			cancel()
			if !errors.Is(r.Trouble(), registry.ErrBehind) {
				t.Errorf("%s: trouble is %v", name, r.Trouble())
			}
			if r.Copied() != 2 {
				t.Errorf("%s: the copybook is said to hold leaf %d, and holds 2", name, r.Copied())
			}
			if name == "another" {
				continue
			}
			// Recovered from the copybook, it goes on.
			if err := older.Replay(t.Context(), copybook.lines); err != nil {
				t.Fatal(err)
			}
			if out := submit(t, r, storetest.Letter(99)); out.Number.Seq != 4 {
				t.Errorf("after recovery: %s", out.Number)
			}
		}
	})
}

// timed is a store with a clock of its own.
type timed struct {
	*storetest.Memory
	clock func() time.Time
}

func (s timed) Clock(context.Context) (time.Time, error) { return s.clock(), nil }

func TestAClockThatIsWrongStopsRegistering(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wrong  time.Duration
		timed  bool // the store knows the time
		stands bool // nothing is registered
	}{
		{"an hour ahead", time.Hour, false, true},
		{"an hour back", -time.Hour, false, true},
		{"half a minute", 30 * time.Second, false, false},
		{"six seconds from the database's", 6 * time.Second, true, true},
		{"four seconds from the database's", 4 * time.Second, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				off := time.Duration(0)
				now := func() time.Time {
					mu.Lock()
					defer mu.Unlock()
					return storetest.Noon.Add(time.Since(bubble) + off)
				}
				set := func(d time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					off = d
				}
				var store registry.Store = storetest.NewMemory(origin, nil)
				if tt.timed {
					store = timed{storetest.NewMemory(origin, nil), func() time.Time { return storetest.Noon.Add(time.Since(bubble)) }}
				}
				r := run(t, store, registry.RegistrarOptions{Now: now})
				submit(t, r, storetest.Letter(0))
				time.Sleep(time.Minute)
				set(tt.wrong)
				wait := r.Offer(t.Context(), storetest.Letter(1))
				time.Sleep(20 * time.Second)
				synctest.Wait()
				if stands := r.Trouble() != nil; stands != tt.stands {
					t.Errorf("trouble is %v", r.Trouble())
				}
				set(0)
				if _, err := wait(t.Context()); err != nil || r.Trouble() != nil {
					t.Errorf("with the clock set right: %v, %v", err, r.Trouble())
				}
			})
		})
	}
}

func TestAMachineThatSleptIsRightToJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slept := time.Duration(0)
		now := func() time.Time { return storetest.Noon.Add(time.Since(bubble) + slept) }
		r := run(t, timed{storetest.NewMemory(origin, nil), now}, registry.RegistrarOptions{Now: now})
		submit(t, r, storetest.Letter(0))
		synctest.Wait()
		slept = 8 * time.Hour // and the database's clock agrees
		submit(t, r, storetest.Letter(1))
		if r.Trouble() != nil {
			t.Error(r.Trouble())
		}
	})
}
