package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// A load hands in letters and measures how long the office takes to say 250.
//
// Without a rate it is a closed loop: each sender hands in the next letter when
// the last was answered. With a rate it is an open one: letters are due at fixed
// moments, and a letter that had to wait for a free sender has waited in the
// measure, too.
type load struct {
	Addr    string        `default:"127.0.0.1:2525" help:"Where letters are handed in: host:port or unix:PATH."`
	LMTP    bool          `name:"lmtp" help:"Speak LMTP."`
	To      string        `default:"urzad@aleksandrowo.example" help:"The mailbox."`
	Senders int           `short:"n" default:"8" help:"Connections at a time."`
	Size    string        `default:"everyday" help:"4KB, 60KB, 1MB …, or everyday (70 % 4 KB, 25 % 60 KB, 5 % 1 MB)."`
	Rate    float64       `help:"Letters a second in all; 0 is as fast as they are answered."`
	Count   int64         `help:"Stop after so many letters; 0 is by time alone."`
	Time    time.Duration `default:"10s" help:"Stop after this time."`
	Once    bool          `help:"A new connection for each letter."`
	Seed    uint64        `help:"Start of the marks; 0 draws one, so that no letter repeats an earlier run's."`
	JSON    bool          `name:"json" help:"Print one JSON object."`
}

// Run implements the command.
func (l *load) Run(ctx context.Context) error {
	m, err := parseMix(l.Size)
	if err != nil {
		return err
	}
	if l.Senders < 1 {
		return errors.New("a load needs at least one sender")
	}
	if l.Seed == 0 {
		l.Seed = rand.Uint64()
	}
	sum, took, err := l.run(ctx, m)
	if err != nil {
		return err
	}
	report := sum.report(l.Senders, took)
	if l.JSON {
		return json.NewEncoder(os.Stdout).Encode(report)
	}
	fmt.Print(report)
	return nil
}

// run lets the crowd loose and adds up what each sender saw.
func (l *load) run(ctx context.Context, m mix) (*tally, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, l.Time)
	defer cancel()
	var (
		wg      sync.WaitGroup
		tickets atomic.Int64
		crowd   = make([]sender, l.Senders)
		began   = time.Now()
	)
	for i := range crowd {
		box, err := newLetterbox(m, l.To)
		if err != nil {
			return nil, 0, err
		}
		crowd[i] = sender{load: l, box: box, mix: m, rand: rand.New(rand.NewPCG(l.Seed, uint64(i))), tally: newTally()}
	}
	for i := range crowd {
		wg.Go(func() { crowd[i].send(ctx, began, &tickets) })
	}
	wg.Wait()
	took := time.Since(began)
	sum := newTally()
	for i := range crowd {
		sum.add(crowd[i].tally)
	}
	return sum, took, nil
}

// A sender is one of the crowd, with a connection of its own.
type sender struct {
	load  *load
	box   *letterbox
	mix   mix
	rand  *rand.Rand
	at    *visitor // nil while there is no connection
	tally *tally
}

// send hands in letters until ctx ends or all are given out.
func (s *sender) send(ctx context.Context, began time.Time, tickets *atomic.Int64) {
	defer s.leave()
	for ctx.Err() == nil {
		n := tickets.Add(1) - 1
		if s.load.Count > 0 && n >= s.load.Count {
			return
		}
		due := time.Time{}
		if s.load.Rate > 0 {
			due = began.Add(time.Duration(float64(n) / s.load.Rate * float64(time.Second)))
			if !sleepUntil(ctx, due) {
				return
			}
		}
		s.one(ctx, n, due)
	}
}

// one hands in the n-th letter.
func (s *sender) one(ctx context.Context, n int64, due time.Time) {
	if s.at == nil {
		at, err := s.load.slot().visit(ctx)
		if err != nil {
			s.tally.failed(err)
			sleepUntil(ctx, time.Now().Add(50*time.Millisecond)) // the office may be starting
			return
		}
		s.at = at
	}
	size := s.mix.draw(s.rand)
	content := s.box.take(size, s.load.Seed+uint64(n))
	answer, took, err := s.at.hand("mieszkaniec@poczta.example", s.load.To, content)
	if err != nil {
		s.tally.failed(err)
		if _, answered := errors.AsType[*smtp.SMTPError](err); !answered || s.at.forget() != nil {
			s.leave()
		}
		return
	}
	if !due.IsZero() {
		took = time.Since(due)
	}
	s.tally.taken(took, len(content), strings.Contains(answer, "Registered"))
	if s.load.Once {
		s.leave()
	}
}

func (s *sender) leave() {
	if s.at != nil {
		_ = s.at.leave() // the letters were answered; a lost goodbye hurts nobody
		s.at = nil
	}
}

func (l *load) slot() slot { return slot{Addr: l.Addr, LMTP: l.LMTP} }

func sleepUntil(ctx context.Context, due time.Time) bool {
	wait := time.Until(due)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(wait):
		return true
	}
}
