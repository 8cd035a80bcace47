package smtpd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
)

func TestOneItemForEachRegisterAmongTheRecipients(t *testing.T) {
	d := openDoor(t, Options{Node: "a"})
	k := newTalk(t, d.pipe("smtp", "203.0.113.5"))
	k.expect("220 ")
	k.want("EHLO resident.example", "250 ")
	k.want(`MAIL FROM:<"jan@dom"@resident.example> BODY=8BITMIME SMTPUTF8`, "250 ")
	said := []string{"os1@aleksandrowo.example", "sygnalista@aleksandrowo.example", "URZAD+sprawa@aleksandrowo.example", "urzad@aleksandrowo.example", "postmaster@aleksandrowo.example"}
	for _, to := range said {
		k.want("RCPT TO:<"+to+">", "250 ")
	}
	k.letter("list")
	items, letters := d.spool.kept()
	if len(items) != 2 || letters[0] != letters[1] {
		t.Fatalf("kept %d items", len(items))
	}
	open, closed := items[0], items[1]
	if open.Register != "RPW" || !slices.Equal(open.Recipients, []string{"os1@aleksandrowo.example", "urzad@aleksandrowo.example"}) {
		t.Errorf("the open register gets %v", open.Recipients)
	}
	if closed.Register != "ZS" || !slices.Equal(closed.Recipients, []string{"sygnalista@aleksandrowo.example"}) {
		t.Errorf("the closed register gets %v", closed.Recipients)
	}
	if open.ID == closed.ID || open.Delivery != closed.Delivery || open.Delivery.IsZero() || open.Node != "a" {
		t.Errorf("ids %s and %s of delivery %s and %s", open.ID, closed.ID, open.Delivery, closed.Delivery)
	}
	e := open.Envelope
	if e.Helo != "resident.example" || e.MailFrom != `"jan@dom"@resident.example` || !slices.Equal(e.Recipients, said) || e.BodyType != "8BITMIME" || !e.UTF8 || e.TrustedRelay || e.TLS != "" || e.Session == "" {
		t.Errorf("envelope %+v", e)
	}
}

// A store is what a test says of outcomes.
type store struct {
	worth bool
	after time.Duration // from the first question to the outcome
	out   registry.Outcome
	err   error
	first time.Time
}

func (s *store) WorthWaiting() bool { return s.worth }

func (s *store) Wait(ctx context.Context, _ registry.ItemID) (registry.Outcome, error) {
	if s.first.IsZero() {
		s.first = time.Now()
	}
	select {
	case <-time.After(s.after - time.Since(s.first)):
		return s.out, s.err
	case <-ctx.Done():
		return registry.Outcome{}, ctx.Err()
	}
}

func TestThe250CarriesTheNumberWhenItCan(t *testing.T) {
	known := outcome(4512)
	again := known
	again.Disposition = registry.Redelivered
	beside := registry.Outcome{Disposition: registry.Beside}
	answering := known // a bounce belongs to an entry, but has no number of its own
	answering.Disposition = registry.Beside
	for _, tt := range []struct {
		name  string
		store store
		wait  time.Duration
		to    string
		want  string
		takes time.Duration
	}{
		{"at once", store{worth: true, out: known}, 2 * time.Second, "urzad", "Registered as RPW-004512-2026", 0},
		{"after a while", store{worth: true, out: known, after: 1500 * time.Millisecond}, 2 * time.Second, "urzad", "Registered as RPW-004512-2026", 1500 * time.Millisecond},
		{"the same number again", store{worth: true, out: again}, 2 * time.Second, "urzad", "Registered as RPW-004512-2026", 0},
		{"too late", store{worth: true, out: known, after: 3 * time.Second}, 2 * time.Second, "urzad", "Accepted as ", 2 * time.Second},
		{"nobody waits", store{worth: true, out: known}, 0, "urzad", "Accepted as ", 0},
		{"not worth waiting", store{out: known, after: time.Second}, 2 * time.Second, "urzad", "Accepted as ", 0},
		{"an error", store{worth: true, err: errors.New("the desk closes"), after: time.Millisecond}, 2 * time.Second, "urzad", "Accepted as ", time.Millisecond},
		{"filed beside", store{worth: true, out: beside}, 2 * time.Second, "urzad", "Accepted as ", 0},
		{"a bounce", store{worth: true, out: answering}, 2 * time.Second, "urzad", "Accepted as ", 0},
		{"a closed register looks slow", store{worth: true, out: known}, 2 * time.Second, "sygnalista", "Accepted as ", 2 * time.Second},
		{"a closed register when nobody waits", store{out: known}, 2 * time.Second, "sygnalista", "Accepted as ", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, kind := range []string{"smtp", "lmtp"} {
				inBubble(t, func(t *testing.T) {
					outcomes := tt.store
					d := openDoor(t, Options{Outcomes: &outcomes, WaitForNumber: tt.wait})
					k := patient(t, d, kind)
					k.expect("220 ")
					k.want(map[string]string{"smtp": "EHLO x", "lmtp": "LHLO x"}[kind], "250 ")
					k.want("MAIL FROM:<jan@resident.example>", "250 ")
					to := "<" + tt.to + "@aleksandrowo.example>"
					k.want("RCPT TO:"+to, "250 ")
					began := time.Now()
					got := k.letter("x")
					if took := time.Since(began); took != tt.takes {
						t.Errorf("took %v, want %v", took, tt.takes)
					}
					want := "250 2.0.0 " + map[string]string{"smtp": "", "lmtp": to + " "}[kind] + tt.want
					if !strings.HasPrefix(got, want) {
						t.Errorf("answer = %q, want %q", got, want)
					}
					items, _ := d.spool.kept()
					if tt.want == "Accepted as " && !strings.HasSuffix(got, items[0].ID.String()) {
						t.Errorf("answer = %q, want item %s", got, items[0].ID)
					}
					k.want("QUIT", "221 ")
				})
			}
		})
	}
}

func TestAnOpenRegistersNumberIsToldBesideAClosedOne(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := openDoor(t, Options{Outcomes: &store{worth: true, out: outcome(7)}, WaitForNumber: 2 * time.Second})
		k := patient(t, d, "smtp")
		k.expect("220 ")
		k.want("EHLO x", "250 ")
		k.want("MAIL FROM:<jan@resident.example>", "250 ")
		k.want("RCPT TO:<sygnalista@aleksandrowo.example>", "250 ")
		k.want("RCPT TO:<urzad@aleksandrowo.example>", "250 ")
		if got := k.letter("x"); got != "250 2.0.0 Registered as RPW-000007-2026" {
			t.Errorf("answer = %q", got)
		}
	})
}

func TestLMTPTellsEachRecipientHisOwnItem(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := openDoor(t, Options{Outcomes: &store{worth: true, out: outcome(7)}, WaitForNumber: 2 * time.Second})
		k := patient(t, d, "lmtp")
		k.expect("220 ")
		k.want("LHLO x", "250 ")
		k.want("MAIL FROM:<jan@resident.example>", "250 ")
		k.want("RCPT TO:<sygnalista@aleksandrowo.example>", "250 ")
		k.want("RCPT TO:<urzad@aleksandrowo.example>", "250 ")
		first := k.letter("x")
		items, _ := d.spool.kept()
		if want := "250 2.0.0 <sygnalista@aleksandrowo.example> Accepted as " + items[0].ID.String(); first != want {
			t.Errorf("first answer = %q, want %q", first, want)
		}
		k.expect("250 2.0.0 <urzad@aleksandrowo.example> Registered as RPW-000007-2026")
	})
}

func TestALostPeerAndAClosingDoorEndTheWait(t *testing.T) {
	for name, leave := range map[string]func(*door, *talk){
		"the peer hangs up": func(_ *door, k *talk) { _ = k.Close() },
		"the door closes":   func(d *door, _ *talk) { go func() { _ = d.stop() }() },
	} {
		t.Run(name, func(t *testing.T) {
			for _, kind := range []string{"smtp", "lmtp"} {
				inBubble(t, func(t *testing.T) {
					s := &store{worth: true, after: time.Hour}
					d := openDoor(t, Options{Outcomes: s, WaitForNumber: 30 * time.Minute})
					k := patient(t, d, kind)
					k.expect("220 ")
					k.want(map[string]string{"smtp": "EHLO x", "lmtp": "LHLO x"}[kind], "250 ")
					k.want("MAIL FROM:<jan@resident.example>", "250 ")
					k.want("RCPT TO:<urzad@aleksandrowo.example>", "250 ")
					k.want("DATA", "354 ")
					k.send("x\r\n.\r\n")
					time.Sleep(time.Second) // the bubble's clock: past the glance
					synctest.Wait()
					leave(d, k)
					began := time.Now()
					d.settle()
					if took := time.Since(began); took > 2*time.Second {
						t.Errorf("waited %v more", took)
					}
					items, _ := d.spool.kept()
					lines := d.notes.all()
					if len(items) != 1 || len(lines) != 1 || lines[0].Code != 250 || !slices.Equal(lines[0].Items, []registry.ItemID{items[0].ID}) {
						t.Errorf("items %v, log %+v", items, lines)
					}
				})
			}
		})
	}
}

// While a number is waited for, the next commands may come already.
func TestWhatComesDuringTheWaitIsNotLost(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		d := openDoor(t, Options{Outcomes: &store{worth: true, out: outcome(1), after: time.Second}, WaitForNumber: 2 * time.Second})
		k := patient(t, d, "smtp")
		k.begin()
		k.want("DATA", "354 ")
		k.send("x\r\n.\r\n")
		time.Sleep(500 * time.Millisecond) // the bubble's clock
		k.send("NOOP\r\nMAIL FROM:<second@resident.example>\r\nQU")
		k.expect("250 2.0.0 Registered as RPW-000001-2026")
		k.expect("250 2.0.0 I have")
		k.expect("250 2.0.0 Roger")
		k.send("IT\r\n")
		k.expect("221 ")
		k.end()
	})
}

// A faulty spool must not become a 250.
func TestASpoolThatDoesNotReadToTheEndIsNotBelieved(t *testing.T) {
	for name, put := range map[string]putFunc{
		"reads nothing": func(items []registry.Item, _ io.Reader) ([]registry.Item, error) { return items, nil },
		"reads a part": func(items []registry.Item, r io.Reader) ([]registry.Item, error) {
			_, err := io.ReadFull(r, make([]byte, 3))
			return items, err
		},
		"gives no items": func(_ []registry.Item, r io.Reader) ([]registry.Item, error) {
			_, err := io.Copy(io.Discard, r)
			return nil, err
		},
		"swallows an error": func(items []registry.Item, r io.Reader) ([]registry.Item, error) {
			_, _ = io.Copy(io.Discard, r)
			return items, nil
		},
		"panics": func([]registry.Item, io.Reader) ([]registry.Item, error) { panic("a bug") },
	} {
		t.Run(name, func(t *testing.T) {
			d := openDoor(t, Options{Spool: put, MaxSize: 20})
			k := newTalk(t, d.pipe("smtp", "203.0.113.5"))
			k.begin()
			text := "a letter"
			if name == "swallows an error" {
				text = "a letter beyond the limit"
			}
			if got := k.letter(text); got[0] == '2' {
				t.Errorf("answer = %q", got)
			}
			if name == "panics" {
				k.end()
				k = newTalk(t, d.pipe("smtp", "203.0.113.5"))
				k.begin() // the server survives
				return
			}
			k.want("NOOP", "250 ")
		})
	}
}

type putFunc func(items []registry.Item, r io.Reader) ([]registry.Item, error)

func (f putFunc) Put(_ context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error) {
	return f(items, r)
}

func TestADiskThatFillsUpWhileALetterComes(t *testing.T) {
	var asked int
	d := openDoor(t, Options{Disk: func() error {
		if asked++; asked > 2 {
			return fmt.Errorf("3 MB left: %w", registry.ErrFull)
		}
		return nil
	}})
	k := newTalk(t, d.pipe("smtp", "203.0.113.5"))
	k.begin() // asks once
	if got := k.letter(strings.Repeat("x", 3*askDisk)); !strings.HasPrefix(got, "452 4.3.1 ") {
		t.Errorf("answer = %q", got)
	}
	k.want("MAIL FROM:<jan@resident.example>", "452 4.3.1 ")
	if items, _ := d.spool.kept(); len(items) != 0 {
		t.Error("kept all the same")
	}
}

func TestTheSenderIsToldOfAtMail(t *testing.T) {
	var told []string
	d := openDoor(t, Options{OnMail: func(_ context.Context, peer netip.Addr, helo, from string) {
		told = append(told, peer.String()+" "+helo+" "+from)
	}})
	k := newTalk(t, d.pipe("smtp", "203.0.113.5"))
	k.begin()
	k.want("MAIL FROM:<second@resident.example>", "503 ")
	if len(told) != 1 || told[0] != "203.0.113.5 resident.example jan@resident.example" {
		t.Errorf("told %q", told)
	}
}
