package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/screen"
	"kancelaria/registry"
	"kancelaria/testenv"
)

// A town is the sample office as one process: desk, book and bell as they are
// furnished for the daemon, with a clock that stands until it is set, DNS that
// knows the whole town and a scanner that knows one letter. Letters are put
// into the spool as the doors do.
type town struct {
	t       *testing.T
	dir     string
	cfg     *config.Config
	h       *house
	d       *daemon
	settled chan struct{}
	close   func()

	mu  sync.Mutex
	now time.Time
}

// newTown makes an office on a book and opens it.
func newTown(t *testing.T, dsn string) *town {
	t.Helper()
	w := &town{t: t, dir: filepath.Join(t.TempDir(), "office"), settled: make(chan struct{}, 1), now: time.Date(2026, 10, 1, 6, 0, 0, 0, time.UTC)}
	args := []string{"init", w.dir}
	if dsn != "" {
		args = append(args, "--store", dsn)
	}
	var said bytes.Buffer
	if code := run(args, strings.NewReader(""), &said, &said); code != 0 {
		t.Fatalf("init: exit code %d\n%s", code, said.String())
	}
	file := filepath.Join(w.dir, "kancelaria.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "\nscanner: {clamd: \""+scannerDouble(t)+"\"}\n"...)
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	if w.cfg, err = config.Load(file); err != nil {
		t.Fatal(err)
	}
	w.open()
	t.Cleanup(func() { w.close() })
	return w
}

// open furnishes the office and lets it run until close, as often as wanted.
func (w *town) open() {
	t := w.t
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	began := w.clock()
	h, err := openHouse(t.Context(), w.cfg, log, forServe, func(h *house) {
		h.now, h.dns, h.rhythm = w.clock, zoneDouble{}, 0
		h.steady = func() time.Duration { return w.clock().Sub(began) }
	})
	if err != nil {
		t.Fatal(err)
	}
	// The database has a clock of its own, in which it is today.
	opened := h.book.open
	h.book.open = func(ctx context.Context) (registry.Store, error) {
		s, err := opened(ctx)
		return timeless{s}, err
	}
	w.h, w.d = h, &daemon{house: h, env: &env{cli: &cli{}, ctx: t.Context(), log: log}}
	if w.d.bell, err = w.d.newBell(); err == nil {
		w.d.sealer, err = w.d.newSealer()
	}
	if err != nil {
		t.Fatal(err)
	}
	h.ring = func() {
		w.d.bell.Ring()
		w.d.sealer.Ring()
		select {
		case w.settled <- struct{}{}:
		default:
		}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	group, ctx := errgroup.WithContext(ctx)
	h.parts(ctx, group)
	group.Go(func() error { return h.desk.Run(ctx) })
	group.Go(func() error { return w.d.bell.Run(ctx) })
	group.Go(func() error { return w.d.sealer.Run(ctx) })
	w.close = sync.OnceFunc(func() {
		cancel()
		if err := group.Wait(); err != nil {
			t.Errorf("closing the office: %v", err)
		}
		if err := h.Close(); err != nil {
			t.Errorf("closing the office: %v", err)
		}
	})
}

// A timeless store does not say what time it is.
type timeless struct{ registry.Store }

func (w *town) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// set lets the clock show an instant, never an earlier one than it does.
func (w *town) set(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at.After(w.now) {
		w.now = at
	}
}

// put hands an item in and waits until the book knows what became of it.
func (w *town) put(it registry.Item, original []byte) registry.ArrivalRow {
	w.t.Helper()
	put, err := w.h.spool.Put(w.t.Context(), []registry.Item{it}, bytes.NewReader(original))
	if err != nil {
		w.t.Fatal(err)
	}
	for {
		page, err := w.h.book.Find(w.t.Context(), registry.Query{Of: registry.FindArrivals, Items: []registry.ItemID{put[0].ID}, Limit: 1})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(page.Arrivals) > 0 {
			return page.Arrivals[0]
		}
		select {
		case <-w.settled:
		case <-time.After(time.Minute):
			w.t.Fatalf("item %s is not settled", put[0].ID)
		}
	}
}

// deliver waits until the bell has nothing left to send now.
func (w *town) deliver() {
	w.t.Helper()
	testenv.Eventually(w.t, "the bell has sent everything", func() error {
		w.d.bell.Ring()
		for _, state := range []string{registry.OutboxReady, registry.OutboxLeased} {
			page, err := w.h.book.Find(w.t.Context(), registry.Query{Of: registry.FindOutbox, State: state, Limit: 1000})
			if err != nil {
				return err
			}
			for _, row := range page.Outbox {
				if !row.NotBefore.After(w.clock()) {
					return &outstanding{row}
				}
			}
		}
		return nil
	})
}

type outstanding struct{ row registry.OutboxRow }

func (o *outstanding) Error() string { return o.row.State + " for " + o.row.Recipient }

// act does something as a clerk.
func (w *town) act(login string, act registry.Act, reason string) registry.Outcome {
	w.t.Helper()
	out, err := w.h.registrar.Act(w.t.Context(), registry.Actor{Login: login}, act, nil, reason)
	if err == nil {
		err = out.Err()
	}
	if err != nil {
		w.t.Fatalf("%s by %s on %s: %v", act.Kind, login, act.Subject, err)
	}
	return out
}

// mailsTo reads the Maildir of an address.
func (w *town) mailsTo(address string) (mails []string) {
	w.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.dir, "mail", strings.ToLower(address), "new", "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		mails = append(mails, string(raw))
	}
	return mails
}

// A zoneDouble is DNS in a country where each domain sends from one address
// only, says so, and wants to be believed for nothing else. Ours sends from
// another one.
type zoneDouble struct{}

const (
	townsfolkSend = "203.0.113.7"
	officeSends   = "203.0.113.200"
	strangerSends = "198.51.100.9"
)

var _ screen.Resolver = zoneDouble{}

func (zoneDouble) LookupTXT(_ context.Context, name string) ([]string, error) {
	name = strings.TrimSuffix(name, ".")
	switch {
	case !strings.HasSuffix(name, ".example"):
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	case strings.HasPrefix(name, "_dmarc."):
		return []string{"v=DMARC1; p=reject"}, nil
	case strings.Contains(name, "aleksandrowo"):
		return []string{"v=spf1 ip4:" + officeSends + " -all"}, nil
	default:
		return []string{"v=spf1 ip4:" + townsfolkSend + " -all"}, nil
	}
}

func (zoneDouble) LookupMX(context.Context, string) ([]*net.MX, error) {
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (zoneDouble) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

func (zoneDouble) LookupAddr(context.Context, string) ([]string, error) {
	return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
}

// scannerDouble speaks as clamd does and finds what says that it is infected.
func scannerDouble(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go scanOne(conn)
		}
	}()
	return l.Addr().String()
}

const infected = "X-Test: infected"

func scanOne(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	if _, err := in.ReadString(0); err != nil {
		return
	}
	var original bytes.Buffer
	for {
		var n uint32
		if binary.Read(in, binary.BigEndian, &n) != nil {
			return
		}
		if n == 0 {
			break
		}
		if _, err := io.CopyN(&original, in, int64(n)); err != nil {
			return
		}
	}
	answer := "stream: OK\x00"
	if strings.Contains(original.String(), infected) {
		answer = "stream: Test-Signature FOUND\x00"
	}
	_, _ = io.WriteString(conn, answer) // whoever asked has gone: nothing is lost
}
