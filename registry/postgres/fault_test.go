package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
	"kancelaria/testenv"
)

func port(n uint16) string { return strconv.Itoa(int(n)) }

// crowd lets writers offer letters, each by two of them, in small groups
// and random order, and repeat whatever was not answered. It gives the numbers.
func crowd(t *testing.T, stores []*Store, letters int) (numbers map[registry.ItemID]registry.Number, unknown int64) {
	t.Helper()
	const writers, group = 8, 4
	numbers = map[registry.ItemID]registry.Number{}
	var (
		mu    sync.Mutex
		hands sync.WaitGroup
		lost  atomic.Int64
	)
	for hand := range writers {
		hands.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(hand), 1))
			var mine []int
			for n := range letters {
				if n%(writers/2) == hand%(writers/2) {
					mine = append(mine, n)
				}
			}
			rng.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
			for from := 0; from < len(mine); from += group {
				var drafts []registry.Draft
				for _, n := range mine[from:min(from+group, len(mine))] {
					drafts = append(drafts, storetest.Letter(n))
				}
				out, err := insist(t.Context(), stores[hand%len(stores)], drafts, &lost)
				if err != nil {
					t.Errorf("writer %d: %v", hand, err)
					return
				}
				mu.Lock()
				for i, o := range out {
					id := drafts[i].Arrival.Item.ID
					if before, ok := numbers[id]; ok && before != o.Number || o.Number.IsZero() {
						t.Errorf("item %s is %s and %s: %s", id, before, o.Number, o.Error)
					}
					numbers[id] = o.Number
				}
				mu.Unlock()
			}
		})
	}
	hands.Wait()
	return numbers, lost.Load()
}

// insist repeats a commit until the book answers.
func insist(ctx context.Context, s *Store, drafts []registry.Draft, unknown *atomic.Int64) ([]registry.Outcome, error) {
	for {
		out, err := s.Commit(ctx, drafts)
		switch {
		case err == nil:
			return out, nil
		case errors.Is(err, registry.ErrUnknownOutcome):
			unknown.Add(1)
		case !errors.Is(err, registry.ErrRetry) && !errors.Is(err, registry.ErrUnavailable):
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// gapless examines the book after a crowd.
func gapless(t *testing.T, s *Store, numbers map[registry.ItemID]registry.Number, letters int) {
	t.Helper()
	given := map[registry.Number]bool{}
	for _, n := range numbers {
		given[n] = true
	}
	if len(numbers) != letters || len(given) != letters {
		t.Errorf("%d letters have %d numbers, want %d", len(numbers), len(given), letters)
	}
	if err := storetest.Sound(t.Context(), s); err != nil {
		t.Error(err)
	}
}

func TestKilledBackendsLeaveNoGap(t *testing.T) {
	w := newTown(t)
	s := w.open(t, Options{})
	killer := w.connect(t)
	done := make(chan struct{})
	killed := 0
	var storm sync.WaitGroup
	storm.Go(func() {
		// Each time the book has gone on, somebody who is at work is killed.
		for size, last := int64(0), int64(-1); ; {
			select {
			case <-done:
				return
			default:
			}
			err := killer.QueryRow(t.Context(), "SELECT size FROM kancelaria.head").Scan(&size)
			if err == nil && size > last {
				var hit bool
				err = killer.QueryRow(t.Context(), `SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM (
	SELECT pid FROM pg_stat_activity WHERE usename = 'service' AND datname = current_database() AND state <> 'idle' ORDER BY random() LIMIT 2
) AS busy`).Scan(&hit)
				if hit {
					killed, last = killed+1, size
				}
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	const letters = 240
	numbers, unknown := crowd(t, []*Store{s}, letters)
	close(done)
	storm.Wait()
	t.Logf("backends killed %d times, %d outcomes unknown", killed, unknown)
	if killed == 0 {
		t.Error("nobody was killed")
	}
	gapless(t, s, numbers, letters)
}

func TestAnswersLostAfterCommitLeaveNoGap(t *testing.T) {
	w := newTown(t)
	c, through := newCutter(t, w.service, 3)
	s, err := Open(t.Context(), through, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const letters = 200
	numbers, unknown := crowd(t, []*Store{s}, letters)
	t.Logf("%d of %d answers cut off, %d outcomes unknown", c.cuts.Load(), c.seen.Load(), unknown)
	if c.cuts.Load() == 0 || unknown == 0 {
		t.Error("nothing was cut off")
	}
	gapless(t, w.open(t, Options{}), numbers, letters)
}

func TestCrashesOfTheServerLeaveNoGap(t *testing.T) {
	pg := testenv.OwnPostgres(t)
	w := townAt(t, pg, pg.NewDatabase(t))
	if err := Migrate(t.Context(), w.owner, "service", Options{}); err != nil {
		t.Fatal(err)
	}
	s := w.open(t, Options{})
	const letters = 300
	type result struct {
		numbers map[registry.ItemID]registry.Number
		unknown int64
	}
	written := make(chan result, 1)
	go func() {
		numbers, unknown := crowd(t, []*Store{s}, letters)
		written <- result{numbers, unknown}
	}()
	for range 3 {
		size := sizeOf(t, w)
		testenv.Eventually(t, "the book goes on", func() error {
			if now := sizeOf(t, w); now <= size && now < letters {
				return fmt.Errorf("it stands at %d", now)
			}
			return nil
		})
		pg.RestartImmediate(t)
	}
	r := <-written
	t.Logf("%d outcomes unknown", r.unknown)
	gapless(t, s, r.numbers, letters)
}

func sizeOf(t *testing.T, w town) int64 {
	t.Helper()
	n, err := strconv.ParseInt(strings.TrimSpace(w.pg.Exec(t, w.owner, "SELECT size FROM kancelaria.head")), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A standby that does not answer: the transaction is committed here, and the
// server says so in a warning only.
func TestANoticeOnCommitIsAnUnknownOutcome(t *testing.T) {
	pg := testenv.OwnPostgres(t)
	w := townAt(t, pg, pg.NewDatabase(t))
	if err := Migrate(t.Context(), w.owner, "service", Options{}); err != nil {
		t.Fatal(err)
	}
	s := w.open(t, Options{})
	pg.Exec(t, w.owner, "ALTER SYSTEM SET synchronous_standby_names = 'ghost'")
	pg.Exec(t, w.owner, "SELECT pg_reload_conf()")
	answer := make(chan error, 1)
	go func() {
		_, err := s.Commit(t.Context(), letters(1, 3))
		answer <- err
	}()
	testenv.Eventually(t, "the commit waits for its standby", func() error {
		if pg.Exec(t, w.owner, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") == "0" {
			return errors.New("it does not")
		}
		return nil
	})
	pg.Exec(t, w.owner, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
	if err := <-answer; !errors.Is(err, registry.ErrUnknownOutcome) {
		t.Errorf("Commit = %v, want ErrUnknownOutcome", err)
	}
	pg.Exec(t, w.owner, "ALTER SYSTEM RESET synchronous_standby_names")
	pg.Exec(t, w.owner, "SELECT pg_reload_conf()")
	out, err := s.Commit(t.Context(), letters(1, 3))
	if err != nil || out[2].State != registry.Repeated {
		t.Fatalf("again: %v", err)
	}
	gapless(t, s, map[registry.ItemID]registry.Number{letter(1).Arrival.Item.ID: out[0].Number}, 1)
}

func TestADatabaseThatIsGoneIsUnavailable(t *testing.T) {
	pg := testenv.OwnPostgres(t)
	w := townAt(t, pg, pg.NewDatabase(t))
	if err := Migrate(t.Context(), w.owner, "service", Options{}); err != nil {
		t.Fatal(err)
	}
	s := w.open(t, Options{})
	pg.Stop(t)
	if _, err := s.Commit(t.Context(), letters(1, 1)); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("Commit = %v, want ErrUnavailable", err)
	}
	if _, err := s.Find(t.Context(), registry.Query{Of: registry.FindEntries}); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("Find = %v, want ErrUnavailable", err)
	}
	if _, err := Open(t.Context(), w.service, Options{}); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("Open = %v, want ErrUnavailable", err)
	}
	pg.Start(t)
	var unknown atomic.Int64
	if _, err := insist(t.Context(), s, letters(1, 1), &unknown); err != nil {
		t.Errorf("when it is back: %v", err)
	}
}

// Somebody else holds the head for long: we are told to try again, and a
// gateway that hangs in a transaction is thrown out.
func TestAHeadThatIsHeldMakesUsTryAgain(t *testing.T) {
	w := newTown(t)
	s := w.open(t, Options{Timeout: 200 * time.Millisecond})
	other := w.connect(t)
	if _, err := other.Exec(t.Context(), "BEGIN; SELECT size FROM kancelaria.head FOR UPDATE"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), letters(1, 1)); !errors.Is(err, registry.ErrUnavailable) && !errors.Is(err, registry.ErrRetry) {
		t.Errorf("Commit = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Commit(ctx, letters(1, 1)); !errors.Is(err, registry.ErrRetry) {
		t.Errorf("Commit of who gave up = %v, want ErrRetry", err)
	}
	if _, err := other.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.open(t, Options{}).Commit(t.Context(), letters(1, 1)); err != nil {
		t.Errorf("Commit when it is free: %v", err)
	}
}

func TestGatewaysShareOneBook(t *testing.T) {
	w := newTown(t)
	const letters = 200
	stores := []*Store{w.open(t, Options{Node: "n1"}), w.open(t, Options{Node: "n2"}), w.open(t, Options{Node: "n3"})}
	numbers, _ := crowd(t, stores, letters)
	gapless(t, stores[0], numbers, letters)
}
