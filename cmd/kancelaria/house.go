package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway"
	"kancelaria/gateway/api"
	"kancelaria/gateway/parse"
	"kancelaria/gateway/reply"
	"kancelaria/gateway/screen"
	"kancelaria/gateway/spool"
	"kancelaria/gateway/web"
	"kancelaria/registry"
	"kancelaria/registry/archive"
	"kancelaria/registry/archive/s3"
)

// A purpose says what a house is opened for.
type purpose int

const (
	forServe   purpose = iota // the daemon: doors, desk and bell
	forCommand                // one command of the owner's that writes, while no daemon runs
	forReading                // one that only looks
)

// A house is everything between the doors and the bell. serve.go adds those.
type house struct {
	cfg         *config.Config
	log         *slog.Logger
	now         func() time.Time
	owner       int // uid that owns the data
	orders      *orders
	texts       *registry.Texts
	lock        *os.File
	book        *book
	archive     *archive.Archive
	second      *s3.Bucket // the second home of originals; nil without one
	spool       *spool.Spool
	registrar   *registry.Registrar
	tokens      *gateway.Tokens
	labels      *gateway.Labels
	reader      *parse.Reader
	programs    *parse.Programs
	sifter      *screen.Screen
	originals   originals
	recent      *recent
	desk        *gateway.Desk
	facts       gateway.Finder
	drafter     gateway.Drafter
	citing      *gateway.Citing
	sets        *pastSets
	seals       chan archive.Seal
	journal     journal
	api         *api.API
	ring        func()              // the bell's, once there is one
	bounced     func(login string)  // likewise
	unreachable gateway.Unreachable // reports whom no mail reaches
	deskOnce    sync.Once
	deskGo      chan struct{} // closed when a command needs the desk
	bells       func() []api.StatusLine
	doors       func() []api.StatusLine
	began       time.Time
	purpose     purpose
	steady      func() time.Duration // a clock that is never set
	rhythm      time.Duration
	dns         screen.Resolver
}

// rhythm is how close together groups of letters are written that nobody at a
// door waits for. It is far below what a person notices.
const rhythm = 100 * time.Millisecond

// openHouse takes the instance lock and opens book and archive. What furnishes
// it otherwise than usual, clocks and neighbours, comes before anything opens.
func openHouse(ctx context.Context, cfg *config.Config, log *slog.Logger, p purpose, otherwise ...func(*house)) (*house, error) {
	h := &house{
		cfg: cfg, log: log, now: time.Now, steady: steady, rhythm: rhythm, dns: resolver(cfg.Auth.DNS), purpose: p, journal: journal{log}, ring: func() {}, bounced: func(string) {}, deskGo: make(chan struct{}),
		seals: make(chan archive.Seal, 1024),
		bells: func() []api.StatusLine { return nil }, doors: func() []api.StatusLine { return nil }, began: time.Now(),
	}
	for _, change := range otherwise {
		change(h)
	}
	if err := h.open(ctx); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *house) open(ctx context.Context) error {
	var err error
	if h.owner, err = ownerOf(string(h.cfg.Data)); err != nil {
		return err
	}
	if h.orders, err = loadOrders(h.cfg); err != nil {
		return err
	}
	if h.purpose != forReading {
		if err := h.takeLock(); err != nil {
			return err
		}
	}
	h.texts = registry.Catalogue(h.cfg.Language)
	if err := makeKeys(string(h.cfg.Data), origin(h.orders.office())); err != nil {
		return err
	}
	secret, err := tokenSecret(string(h.cfg.Data))
	if err != nil {
		return err
	}
	h.tokens = gateway.NewTokens(h.orders.office().Domain, secret)
	h.labels = gateway.NewLabels(secret)
	if err := h.openArchive(ctx); err != nil {
		return err
	}
	h.book = newBook(h.cfg, origin(h.orders.office()), h.purpose == forReading, h.now)
	h.furnish(ctx)
	return nil
}

// ownerOf gives the user who owns the office's data.
func ownerOf(data string) (uid int, err error) {
	st, err := os.Stat(data)
	if err != nil {
		return 0, withCode(exitConfig, fmt.Errorf("the office's data are not there: %w; make an office with \"kancelaria init DIR\"", err))
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		uid = int(sys.Uid)
	}
	return uid, nil
}

// takeLock makes sure that one process writes to the office's data.
func (h *house) takeLock() error {
	name := filepath.Join(string(h.cfg.Data), "lock")
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return withCode(exitFailed, fmt.Errorf("you may not work on the office's data: %w; start the daemon, or be its owner", err))
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return withCode(exitLocked, fmt.Errorf("another kancelaria works on these data: it holds %s; stop it first, or wait for it if it answers no command", name))
	}
	h.lock = f
	return nil
}

func (h *house) openArchive(ctx context.Context) error {
	var err error
	if h.second, err = newSecondHome(h.cfg.Archive.S3); err != nil {
		return err
	}
	a, err := archive.Open(string(h.cfg.Archive.Segments), archive.Options{
		Node: h.cfg.Node, Now: h.now, Log: h.log, SegmentSize: int64(h.cfg.Archive.SegmentSize), MinFree: int64(h.cfg.Archive.MinFree),
		UnsafeFilesystem: h.cfg.Archive.UnsafeFilesystem, Sealed: h.sealed, ReadOnly: h.purpose == forReading,
		Home: home(h.second),
	})
	if err != nil {
		return fmt.Errorf("opening the archive: %w", err)
	}
	h.archive = a
	if h.spool, err = spool.New(ctx, a, spool.Options{Now: h.now, Log: h.log, MaxBytes: int64(h.cfg.Archive.MaxBacklog)}); err != nil {
		return err
	}
	return nil
}

// furnish puts the rooms together. Nothing starts here.
func (h *house) furnish(ctx context.Context) {
	h.registrar = registry.NewRegistrar(h.book, registry.RegistrarOptions{
		Copybook: h.spool, Office: h.orders.office, Receipts: h.cfg.Receipts.Enabled, Newest: h.newest, Hold: h.hold, Now: h.now, Steady: h.steady, Log: h.log, Node: h.cfg.Node,
		Rhythm: h.rhythm,
	})
	reading := parse.Options{Now: h.now, Log: h.log, TempDir: string(h.cfg.Data), Checker: h.newChecker()}
	if h.purpose == forServe { // a command reads nothing late
		h.programs = h.findPrograms(ctx)
		reading.Extractor = h.programs
	}
	h.reader = parse.New(reading)
	h.originals = originals{h.archive, h.reader, h.book, h.second}
	h.recent = newRecent(recentBytes)
	h.sifter = screen.New(screen.Options{
		Resolver: h.dns, Timeout: h.cfg.Auth.Timeout, AuthservID: h.cfg.SMTP.AuthservID, Clamd: h.cfg.Scanner.Clamd,
		Originals: h.originals, Now: h.now, Log: h.log,
	})
	h.facts = gateway.Finder{
		Book: h.book, Tokens: h.tokens, Office: h.orders.office, Now: h.now,
		Sticky: func() bool { return h.orders.rules().AsksSender() },
	}
	h.drafter = gateway.Drafter{
		Office: h.orders.office, Now: h.now, Receipts: h.cfg.Receipts.Enabled, Shadow: h.cfg.Mode == "shadow", Untitled: h.untitled,
		Extract: func(doc registry.Document) registry.Extract { return h.orders.rules().Extract(doc) },
	}
	h.unreachable = gateway.Unreachable{
		Office: h.orders.office, Record: h.registrar.Submit, Mark: func(login string) { h.bounced(login) }, Now: h.now, Log: h.log,
	}
	h.citing = gateway.NewCiting(h.registrar, h.orders.files, h.log)
	h.sets = &pastSets{book: h.book, orders: h.orders}
	approvals := gateway.Approvals{Book: h.book, Act: h.registrar.ActOnce, Office: h.orders.office, Now: h.now}
	replies := reply.New(reply.Options{
		Ask:    approvals.Ask,
		Office: h.orders.office, Tokens: h.tokens, Acts: h.registrar, Book: h.book, Originals: replied{h.originals}, Now: h.now, Log: h.log,
		Left:        h.orders.gone,
		Undelivered: h.unreachable.Undelivered,
	})
	h.desk = gateway.New(gateway.Options{
		Spool: h.spool, Reader: remembering{h.originals, h.recent}, Screen: h.sifter, Facts: h.facts, Draft: h.drafter, Book: replies.Around(h.citing),
		Journal: h.journal, Now: h.now, Log: h.log,
		Rules: func() gateway.Decider { return replies.Decider(h.orders.rules()) },
		Ring:  func() { h.ring() },
	})
	h.api = api.New(api.Options{
		Approvals: approvals,
		Book:      h.book, Acts: acts{h}, Originals: h.originals, Intake: intake{h}, Explain: explainer{h}, Keeper: keeper{h}, Keyring: keyring{web.NewKeyring(h.book, h.now)},
		Office: h.orders.office, Now: h.now, Log: h.log,
		Access: h.accessed, Labels: h.labels, Reports: reporter{h},
	})
}

// resolver is who answers for DNS: the system's, one named, or nobody.
func resolver(dns string) screen.Resolver {
	switch dns {
	case "off":
		return nil
	case "":
		return net.DefaultResolver
	default:
		return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, dns)
		}}
	}
}

// untitled names a document without a subject, in the office's language.
func (h *house) untitled(it registry.Item, doc registry.Document) string {
	n := doc.CountAttachments()
	attachments := h.texts.Count("count.attachments", int64(n))
	switch {
	case slices.Contains(doc.Flags, registry.FlagUnreadable):
		return h.texts.Say("title.unreadable")
	case it.Door.IsMail() && n == 0:
		return h.texts.Say("title.empty")
	case it.Door.IsMail():
		return h.texts.Say("title.empty_attachments", "attachments", attachments)
	case it.File != nil && it.File.Pages != nil:
		return h.texts.Say("title.file_pages", "name", it.Original.Name, "pages", it.File.Pages.String())
	default:
		return h.texts.Say("title.file", "name", it.Original.Name)
	}
}

// parts are what runs behind the doors, in the daemon and in a command alike.
func (h *house) parts(ctx context.Context, group *errgroup.Group) {
	group.Go(func() error { return h.archive.Run(ctx) })
	group.Go(func() error { return h.spool.Run(ctx) })
	group.Go(func() error { return h.registrar.Run(ctx) })
	group.Go(func() error { return h.writeSeals(ctx) })
}

// runCommand runs the parts for one command; the desk only if something is
// handed in, so that looking at a list settles nothing by the way.
func (h *house) runCommand(ctx context.Context) error {
	if h.purpose == forReading {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	h.parts(ctx, group)
	group.Go(func() error {
		select {
		case <-h.deskGo:
			if err := h.refresh(ctx); err != nil {
				h.log.Warn("office.not_refreshed", "err", err)
			}
			return h.desk.Run(ctx)
		case <-ctx.Done():
			return nil
		}
	})
	return group.Wait()
}

// working lets one command of the owner's write while its parts run.
func (h *house) working(ctx context.Context, do func() error) error {
	inside, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- h.runCommand(inside) }()
	err := do()
	stop()
	return errors.Join(err, <-ended)
}

// Close lets go of everything, in the order opposite to open.
func (h *house) Close() error {
	var errs []error
	if h.spool != nil {
		errs = append(errs, h.spool.Close())
	}
	if h.archive != nil {
		errs = append(errs, h.archive.Close())
	}
	if h.book != nil {
		errs = append(errs, h.book.Close())
	}
	if h.lock != nil {
		errs = append(errs, h.lock.Close())
	}
	return errors.Join(errs...)
}
