package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A demo plays the town's letters and scans through a running office.
type demo struct {
	Config     string        `default:"run/kancelaria.yaml" help:"The office's configuration."`
	Kancelaria string        `default:"bin/kancelaria" help:"The office's program, to ask what became of the letters."`
	Wait       time.Duration `default:"60s" help:"How long to wait until all are registered."`
	Full       bool          `help:"Show every reason of a decision, not only the first."`
}

// A play is one letter or scan on its way through the office.
type play struct {
	Name   string
	ID     string // number or item id from the answer; empty for scans
	Digest string // of a scan
	Entry  *entry // nil until the office has decided
}

// asked is the letter that the reply answers to.
const asked, reply = "03-informacja-publiczna", "11-odpowiedz"

// Run implements the command.
func (d *demo) Run(ctx context.Context) error {
	t, err := find(d.Kancelaria, d.Config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, d.Wait)
	defer cancel()
	plays, err := t.playLetters(ctx)
	if err != nil {
		return err
	}
	dropped, err := t.playScans()
	if err != nil {
		return err
	}
	plays = append(plays, dropped...)
	late := t.await(ctx, plays)
	show(os.Stdout, plays, d.Full)
	return late
}

// playLetters hands the letters in over one session, in order.
func (t *town) playLetters(ctx context.Context) ([]*play, error) {
	all, err := letters()
	if err != nil {
		return nil, err
	}
	v, err := t.Slot.visit(ctx)
	if err != nil {
		return nil, fmt.Errorf(`%w (is the office open? "make run" opens it)`, err)
	}
	began, run := time.Now(), rand.Text()[:16]
	var plays []*play
	for _, l := range all {
		values := map[string]string{"to": t.Mailbox, "run": run, "date": time.Now().Format(time.RFC1123Z)}
		to := t.Mailbox
		if l.Name == reply {
			to = t.answerTo(ctx, all, began, values)
		}
		answer, _, err := v.hand(l.From, to, fill(l.Bytes, values))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("letter %s: %w", l.Name, err), v.leave())
		}
		plays = append(plays, &play{Name: l.Name, ID: idIn(answer)})
	}
	return plays, v.leave()
}

// answerTo prepares the reply to the receipt that an earlier letter brought,
// as its writer would by pressing "reply", and gives the address to answer to.
// Without a receipt the resident writes to the office again.
func (t *town) answerTo(ctx context.Context, all []letter, since time.Time, values map[string]string) string {
	values["to"], values["subject"], values["receipt"] = t.Mailbox, "uzupelnienie", "<udip."+values["run"]+"@gazeta.example>"
	m := t.awaitReceipt(ctx, all, since)
	if m == nil {
		return t.Mailbox
	}
	values["receipt"], values["subject"] = m.Header.Get("Message-Id"), "Odp: "+m.Header.Get("Subject")
	for _, field := range []string{"Reply-To", "From"} {
		if addr, err := mail.ParseAddress(m.Header.Get(field)); err == nil {
			values["to"] = addr.Address
			break
		}
	}
	return values["to"]
}

func (t *town) awaitReceipt(ctx context.Context, all []letter, since time.Time) *mail.Message {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, l := range all {
		if l.Name != asked {
			continue
		}
		for ctx.Err() == nil {
			if m, err := t.receipt(l.From, since); err == nil && m != nil {
				return m
			}
			pause(ctx)
		}
	}
	return nil
}

// playScans leaves the scans in the office's folder, as a scanner does.
func (t *town) playScans() ([]*play, error) {
	if t.Drop == "" {
		return nil, errors.New("the office watches no local folder")
	}
	all, err := scans()
	if err != nil {
		return nil, err
	}
	run := rand.Text()[:16]
	var plays []*play
	for _, s := range all {
		content := fill(s.Bytes, map[string]string{"run": run})
		if err := os.WriteFile(filepath.Join(t.Drop, s.Name), content, 0o644); err != nil {
			return nil, fmt.Errorf("leaving a scan: %w", err)
		}
		digest := sha256.Sum256(content)
		plays = append(plays, &play{Name: s.Name, Digest: hex.EncodeToString(digest[:])})
	}
	return plays, nil
}

// await asks the office until it has decided about every play.
func (t *town) await(ctx context.Context, plays []*play) error {
	for {
		waiting, err := t.look(ctx, plays)
		if err != nil {
			return err
		}
		if len(waiting) == 0 {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("still without a decision: %s", strings.Join(waiting, ", "))
		}
		pause(ctx)
	}
}

// look asks once and gives the names of those without a decision.
func (t *town) look(ctx context.Context, plays []*play) (waiting []string, err error) {
	ctx = context.WithoutCancel(ctx) // a last look is quick
	listed, err := t.newest(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range plays {
		if p.Entry != nil {
			continue
		}
		id := p.ID
		for _, e := range listed {
			if e.Original.SHA256 == p.Digest {
				id = e.Number
			}
		}
		if id != "" {
			e, there, err := t.show(ctx, id)
			if err != nil {
				return nil, err
			}
			if there && e.decided() {
				p.Entry = &e
				continue
			}
		}
		waiting = append(waiting, p.Name)
	}
	return waiting, nil
}

// decided reports whether an item has found its place: a number, or a shelf
// beside the book.
func (e *entry) decided() bool { return e.Number != "" || e.Disposition != "" }

// A number or an item id in "Registered as RPW-…" or "Accepted as 018f…".
var idPattern = regexp.MustCompile(`[A-Z]+(-[A-Z]+)?-\d{6,}-\d{4}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

func idIn(answer string) string { return idPattern.FindString(answer) }

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(200 * time.Millisecond):
	}
}
