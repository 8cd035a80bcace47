package testenv_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"kancelaria/testenv"
)

// A crowd hands in letters, one after the other, until it is told to stop. What
// is not answered with 250 is not handed in again: it may stand in the book
// once or not at all.
type crowd struct {
	wg   sync.WaitGroup
	quit chan struct{}

	mu           sync.Mutex
	changed      *sync.Cond
	acknowledged []string // subjects that got 250; guarded by mu
}

func startCrowd(h *testenv.House, people int) *crowd {
	c := &crowd{quit: make(chan struct{})}
	c.changed = sync.NewCond(&c.mu)
	for k := range people {
		c.wg.Go(func() { c.person(h, k) })
	}
	return c
}

func (c *crowd) person(h *testenv.House, k int) {
	for i := 0; ; i++ {
		select {
		case <-c.quit:
			return
		default:
		}
		subject := fmt.Sprintf("letter %d of person %d", i, k)
		if _, _, err := hand(h.SMTP, h.Mailbox, compose(h, subject)); err != nil {
			time.Sleep(time.Millisecond) // nobody is at the door
			continue
		}
		c.mu.Lock()
		c.acknowledged = append(c.acknowledged, subject)
		c.changed.Broadcast()
		c.mu.Unlock()
	}
}

// waitForMore waits until n more letters are acknowledged.
func (c *crowd) waitForMore(t *testing.T, n int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	patience := time.AfterFunc(2*time.Minute, func() { close(c.quit); c.changed.Broadcast() })
	for want := len(c.acknowledged) + n; len(c.acknowledged) < want; c.changed.Wait() {
		select {
		case <-c.quit:
			t.Fatalf("no %d more letters were taken; %d are", n, len(c.acknowledged))
		default:
		}
	}
	patience.Stop()
}

func (c *crowd) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.acknowledged)
}

// stop sends the crowd home and gives what was acknowledged.
func (c *crowd) stop() []string {
	close(c.quit)
	c.wg.Wait()
	return c.acknowledged
}

// TestKilledDaemonKeepsEveryLetter kills the daemon at random moments while at
// least 500 letters come in, or for as long as KANCELARIA_SOAK says.
func TestKilledDaemonKeepsEveryLetter(t *testing.T) {
	soak, err := time.ParseDuration(os.Getenv("KANCELARIA_SOAK"))
	if err != nil && os.Getenv("KANCELARIA_SOAK") != "" {
		t.Fatal(err)
	}
	eachStore(t, func(t *testing.T, o testenv.Options) {
		h := testenv.Daemon(t, o)
		crowd := startCrowd(h, 6)
		began, kills := time.Now(), 0
		for crowd.count() < 500 || time.Since(began) < soak {
			// Mostly in full swing, sometimes while it is still getting up.
			crowd.waitForMore(t, rand.IntN(80))
			h.Kill(t)
			kills++
			h.Serve(t)
		}
		acknowledged := crowd.stop()
		h.WaitFor(t, len(acknowledged))
		h.Restart(t) // what was on the way without a 250 is settled
		book := h.List(t)
		t.Logf("%d kills, %d letters acknowledged, %d in the book", kills, len(acknowledged), len(book))
		checkOnce(t, book, acknowledged)
		h.Run(t, "verify")
	})
}
