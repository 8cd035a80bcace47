package testenv_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"kancelaria/testenv"
)

// TestALetterThatComesAgain hands the same letter in by every way in which that
// happens to honest senders, and letters that only look the same.
func TestALetterThatComesAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, o testenv.Options) {
		h := testenv.Daemon(t, o)
		for _, tt := range []struct {
			name    string
			play    func(t *testing.T, h *testenv.House, letter []byte)
			entries int // made
			again   int // events that say it came again, on the first
		}{
			{"after a lost 250 it gets the same number", func(t *testing.T, h *testenv.House, letter []byte) {
				first := mustHand(t, h, letter)
				if second := mustHand(t, h, letter); first != second || !strings.Contains(first, "Registered as ") {
					t.Errorf("answers %q and %q", first, second)
				}
			}, 1, 1},
			{"after a restart too", func(t *testing.T, h *testenv.House, letter []byte) {
				first := mustHand(t, h, letter)
				h.Kill(t)
				h.Serve(t)
				if second := mustHand(t, h, letter); first != second {
					t.Errorf("answers %q and %q", first, second)
				}
			}, 1, 1},
			{"while the first is in flight, by eight connections", func(t *testing.T, h *testenv.House, letter []byte) {
				var same sync.WaitGroup
				answers := make([]string, 8)
				for i := range answers {
					same.Go(func() { _, answers[i], _ = hand(h.SMTP, h.Mailbox, letter) })
				}
				same.Wait()
				if slices.Sort(answers); answers[0] != answers[7] || !strings.Contains(answers[0], "Registered as ") {
					t.Errorf("answers %q", answers)
				}
			}, 1, 7},
			{"with other trace fields at the top", func(t *testing.T, h *testenv.House, letter []byte) {
				mustHand(t, h, slices.Concat([]byte("Received: from mx1.example by mx.example; Mon, 23 Nov 2026 09:41:07 +0100\r\n"), letter))
				mustHand(t, h, slices.Concat([]byte("Return-Path: <a@b.example>\r\nReceived: from mx2.example by mx.example\r\n\tid 7; Mon, 23 Nov 2026 09:44:07 +0100\r\n"), letter))
			}, 1, 1},
			{"to two of our mailboxes, in two deliveries", func(t *testing.T, h *testenv.House, letter []byte) {
				first := mustHand(t, h, letter)
				_, second, err := hand(h.SMTP, "rada@aleksandrowo.example", letter)
				if first != second || err != nil {
					t.Errorf("answers %q and %q, %v", first, second, err)
				}
				number := strings.TrimPrefix(second, "2.0.0 Registered as ")
				if shown := h.Run(t, "--json", "show", number); !strings.Contains(shown, `"recipients":["urzad@aleksandrowo.example","rada@aleksandrowo.example"]`) {
					t.Errorf("shown with other recipients: %s", shown)
				}
			}, 1, 1},
			{"another letter under the same Message-ID is another entry", func(t *testing.T, h *testenv.House, letter []byte) {
				mustHand(t, h, letter)
				mustHand(t, h, bytes.Replace(letter, []byte("chodnika"), []byte("mostu"), 1))
			}, 2, 0},
			{"to an open and a restricted register is an item in each", func(t *testing.T, h *testenv.House, letter []byte) {
				mustHand(t, h, letter)
				if _, _, err := hand(h.SMTP, "sygnaly@aleksandrowo.example", letter); err != nil {
					t.Error(err)
				}
			}, 2, 0},
		} {
			t.Run(tt.name, func(t *testing.T) {
				before := len(h.Book(t, wholeBook))
				tt.play(t, h, compose(h, tt.name))
				h.WaitFor(t, before+tt.entries)
				h.Restart(t) // what is under way is settled
				book := h.Book(t, wholeBook)
				if got := len(book) - before; got != tt.entries {
					t.Errorf("%d entries were made, want %d", got, tt.entries)
				}
				first := book[tt.entries-1]
				again := 0
				for _, e := range h.Show(t, first.Number).Events {
					if e.Kind == "redelivered" {
						again++
					}
				}
				if again != tt.again {
					t.Errorf("%s came again %d times, by its events; want %d", first.Number, again, tt.again)
				}
			})
		}
		testenv.CheckGapless(t, h.Book(t, wholeBook))
		h.Run(t, "verify")
	})
}

// TestAFrontServerTriesAgain lets a real mail server hand the same letter on
// twice: each time it adds trace fields of its own.
func TestAFrontServerTriesAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, o testenv.Options) {
		h := testenv.Daemon(t, o)
		front := testenv.Postfix(t, testenv.PostfixOptions{NextHop: "smtp:[127.0.0.1]" + strings.TrimPrefix(h.SMTP, "127.0.0.1")})
		letter := compose(h, "po raz drugi")
		for range 2 {
			if _, _, err := hand(front.Addr, h.Mailbox, letter); err != nil {
				t.Fatal(err)
			}
		}
		awaitQueue(t, front, 0)
		h.WaitFor(t, 1)
		h.Restart(t)
		book := h.Book(t, wholeBook)
		if len(book) != 1 || !slices.Contains(book[0].Flags, "redelivered") {
			t.Errorf("the book has %d entries: %s", len(book), fmt.Sprint(book))
		}
		h.Run(t, "verify")
	})
}
