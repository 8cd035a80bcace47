package testenv_test

import (
	"bytes"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"kancelaria/testenv"
)

// TestPostfixInFrontDrains lets a real mail server hand on its queue while the
// daemon behind it is killed again and again.
func TestPostfixInFrontDrains(t *testing.T) {
	const letters, kills = 1000, 5
	lmtp := net.JoinHostPort("127.0.0.1", strconv.Itoa(testenv.FreePort(t)))
	for _, tt := range []struct {
		protocol string
		hop      func(h *testenv.House) string
	}{
		{"SMTP", func(h *testenv.House) string { return "smtp:[127.0.0.1]" + strings.TrimPrefix(h.SMTP, "127.0.0.1") }},
		{"LMTP", func(*testenv.House) string { return "lmtp:inet:" + lmtp }},
	} {
		t.Run(tt.protocol, func(t *testing.T) {
			h := testenv.Daemon(t, testenv.Options{Edit: func(yaml string) string { return withLMTP(yaml, lmtp) }})
			front := testenv.Postfix(t, testenv.PostfixOptions{NextHop: tt.hop(h)})
			subjects := handMany(t, h, front.Addr, letters)
			for range kills {
				h.Kill(t)
				h.Serve(t)
				awaitQueue(t, front, max(0, front.Queued(t)-50))
			}
			awaitQueue(t, front, 0)
			h.WaitFor(t, letters)
			h.Restart(t)
			book := h.List(t)
			if len(book) != letters {
				t.Errorf("%d entries for %d letters", len(book), letters)
			}
			checkOnce(t, book, subjects)
			h.Run(t, "verify")
		})
	}
}

// awaitQueue waits until no more than n letters are queued.
func awaitQueue(t *testing.T, front *testenv.MTA, n int) {
	t.Helper()
	front.Flush(t)
	testenv.Eventually(t, "the queue drains", func() error {
		if got := front.Queued(t); got > n {
			return fmt.Errorf("%d letters are queued, waiting for %d\n%s", got, n, lastLines(front.Log(t)))
		}
		return nil
	})
}

// handMany gives n letters in at addr, over a few connections at a time.
func handMany(t *testing.T, h *testenv.House, addr string, n int) (subjects []string) {
	t.Helper()
	var wg sync.WaitGroup
	work := make(chan string)
	for range 4 {
		wg.Go(func() {
			for subject := range work {
				if _, _, err := hand(addr, h.Mailbox, compose(h, subject)); err != nil {
					t.Errorf("handing in %s: %v", subject, err)
				}
			}
		})
	}
	for i := range n {
		subject := fmt.Sprintf("letter %d", i)
		subjects = append(subjects, subject)
		work <- subject
	}
	close(work)
	wg.Wait()
	return subjects
}

func lastLines(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// TestSenderAndClerkHearOnceThroughTheRelay lets notices and receipts leave by a
// real mail server.
func TestSenderAndClerkHearOnceThroughTheRelay(t *testing.T) {
	relay := testenv.Postfix(t, testenv.PostfixOptions{})
	h := testenv.Daemon(t, testenv.Options{Edit: func(yaml string) string {
		return regexp.MustCompile(`(?m)^( *)maildir: .*$`).ReplaceAllString(yaml, "${1}relay: smtp://"+relay.Addr+"\n${1}tls: off")
	}})
	mustHand(t, h, compose(h, "Wniosek o zezwolenie na usuniecie drzewa"))
	h.WaitFor(t, 1)
	testenv.Eventually(t, "notice and receipt reach the relay", func() error {
		if n := len(relay.Letters(t)); n < 2 {
			return fmt.Errorf("%d letters at the relay", n)
		}
		return nil
	})
	h.Restart(t) // must send neither again
	toResident, toClerk := 0, 0
	for _, letter := range relay.Letters(t) {
		switch {
		case bytes.Contains(letter, []byte("\nDelivered-To: mieszkaniec@resident.example\n")):
			toResident++
		case bytes.Contains(letter, []byte("Delivered-To: ")):
			toClerk++
		}
	}
	if toResident != 1 || toClerk < 1 {
		t.Errorf("%d receipts and %d notices left, want one receipt and a notice", toResident, toClerk)
	}
}
