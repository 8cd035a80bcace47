package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"kancelaria/cmd/internal/ops"
	"kancelaria/gateway/api"
	"kancelaria/gateway/drop"
	"kancelaria/gateway/drop/barcode"
	"kancelaria/gateway/drop/folder"
	"kancelaria/gateway/notify"
	"kancelaria/gateway/smtpd"
	"kancelaria/gateway/web"
	"kancelaria/registry"
	"kancelaria/registry/archive/s3"
	"kancelaria/registry/ledger"
)

type serveCmd struct{}

// drain is how long the house may take to finish after SIGTERM; a service
// manager should wait a little longer.
const drain = 35 * time.Second

func (serveCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	h, err := openHouse(e.ctx, cfg, e.log, forServe)
	if err != nil {
		return err
	}
	d := &daemon{house: h, env: e}
	err = d.run(e.ctx)
	return errors.Join(err, h.Close())
}

// A daemon is a house with its doors and its bell.
type daemon struct {
	*house
	env        *env
	mail       *smtpd.Server
	deliveries *smtpd.Deliveries
	bell       *notify.Bell
	watch      *notify.Watch
	sealer     *registry.Sealer
	mover      *s3.Mover // nil without a second home
	id         string    // of this gateway's data, where there may be several
	watchers   []*drop.Watcher
	watches    []*folder.Watch
	sources    []io.Closer
	barcodes   *barcode.Reader // nil until a source looks for codes
	port       *ops.Port
	control    net.Listener
	web        *web.Web       // nil: no counter
	counter    net.Listener   // where it listens
	expecting  sync.WaitGroup // questions about senders whose letters are on their way
}

// run opens every door, serves, and when ctx ends closes them from the outside
// in: doors first, the desk and the book after, so that letters on their way
// are finished.
func (d *daemon) run(ctx context.Context) error {
	if err := d.build(ctx); err != nil {
		return err
	}
	inside, closeInside := context.WithCancel(context.WithoutCancel(ctx))
	defer closeInside()
	behind, inside := errgroup.WithContext(inside)
	d.parts(inside, behind)
	behind.Go(func() error { return d.desk.Run(inside) })
	behind.Go(func() error { return d.bell.Run(inside) })
	behind.Go(func() error { return d.sealer.Run(inside) })
	behind.Go(func() error { return d.watch.Run(inside) })
	behind.Go(func() error { return d.deliveries.Run(inside) })
	behind.Go(func() error { return d.finishErasures(inside) })
	behind.Go(func() error { return d.index(inside) })
	behind.Go(func() error { return d.years(inside) })
	behind.Go(func() error { return d.newLate().Run(inside) })
	behind.Go(func() error { return d.newRetention().Run(inside) })
	behind.Go(func() error { return d.present(inside) })
	if d.mover != nil {
		behind.Go(func() error { return d.mover.Run(inside) })
	}
	behind.Go(func() error { return d.follow(inside) })

	front, outside := errgroup.WithContext(ctx)
	front.Go(func() error { return d.mail.Run(outside) })
	front.Go(func() error { return d.answer(outside) })
	front.Go(func() error { return d.reloads(outside) })
	for _, w := range d.watchers {
		front.Go(func() error { return w.Run(outside) })
	}
	for _, w := range d.watches {
		front.Go(func() error { return w.Run(outside) })
	}
	if d.port != nil {
		front.Go(func() error { return d.port.Run(outside) })
	}
	if d.web != nil {
		front.Go(func() error { return d.serveCounter(outside) })
		front.Go(func() error { return d.web.Run(outside) })
	}
	// A part behind the doors that fails takes the doors with it.
	front.Go(func() error {
		select {
		case <-inside.Done():
			return context.Cause(inside)
		case <-outside.Done():
			return nil
		}
	})
	front.Go(func() error { return d.announce(outside) })

	err := front.Wait()
	d.expecting.Wait()
	if closeErr := d.closeSources(); closeErr != nil {
		d.log.Debug("drop.close", "err", closeErr)
	}
	d.log.Info("office.closing")
	finish := time.AfterFunc(drain, closeInside)
	defer finish.Stop()
	d.settleRest(inside)
	closeInside()
	if behindErr := behind.Wait(); err == nil || errors.Is(err, context.Canceled) {
		err = behindErr
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	d.log.Info("office.closed")
	return err
}

// settleRest gives the desk a moment for what came in last; what it does not
// reach lies safe in the spool.
func (d *daemon) settleRest(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	for d.spool.Stats().Out+d.spool.Stats().Ready > 0 && d.registrar.Prompt() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (d *daemon) build(ctx context.Context) error {
	if err := d.mayJoin(ctx); err != nil {
		return err
	}
	var err error
	if d.deliveries, err = smtpd.OpenDeliveries(filepath.Join(string(d.cfg.Data), "deliveries"), d.log); err != nil {
		return err
	}
	if d.bell, err = d.newBell(); err != nil {
		return err
	}
	if d.sealer, err = d.newSealer(); err != nil {
		return err
	}
	d.mover = d.newMover()
	d.watch = notify.NewWatch(d.book, d.registrar, d.orders.office, notify.WatchOptions{
		Ladder: func(class string) notify.Ladder { return notify.Ladder(d.orders.office().Classes[class].Ladder) },
		Red:    func() []string { return d.red(context.WithoutCancel(ctx)) }, Now: d.now, Log: d.log,
	})
	d.ring = func() {
		d.bell.Ring()
		d.sealer.Ring()
		if d.web != nil {
			d.web.Ring()
		}
	}
	d.bounced = d.bell.Bounced
	d.bells, d.doors = d.bellLines, d.doorLines
	if d.mail, err = d.newMail(); err != nil {
		return err
	}
	if err := d.mail.Listen(ctx); err != nil {
		return fmt.Errorf("opening the mail door: %w", err)
	}
	if err := d.newDrops(); err != nil {
		return err
	}
	if err := d.newCounter(ctx); err != nil {
		return err
	}
	if d.control, err = listenControl(controlSocket(d.cfg)); err != nil {
		return err
	}
	if d.cfg.Operator.Listen != "" {
		d.port, err = ops.Listen(ops.Options{Listen: d.cfg.Operator.Listen, Gauges: d.gauges, Accepting: func() bool { return d.spool.Room(0) == nil }, Red: d.red})
	}
	return err
}

func (d *daemon) newMail() (*smtpd.Server, error) {
	c := d.cfg.SMTP
	o := smtpd.Options{
		Spool: d.spool, Outcomes: d.desk, Office: d.orders.office, Mailbox: d.tokenMailbox, Deliveries: d.deliveries, OnMail: d.expect,
		Disk: func() error { return d.spool.Room(0) }, Texts: d.texts, Hostname: c.Hostname, Node: d.cfg.Node, MaxSize: int64(c.MaxSize),
		WaitForNumber: c.WaitForNumber, TrustedRelays: c.TrustedRelays, ProxyFrom: c.ProxyFrom, RequireTLS: c.RequireTLS, Now: d.now, Log: d.log,
		Limits: smtpd.Limits{Connections: c.MaxSessions, PerPeer: c.PerAddress, LettersPerMinute: c.PerMinute},
	}
	for _, prefix := range c.Devices {
		o.Devices = append(o.Devices, smtpd.Device{Name: prefix.String(), From: prefix})
	}
	if c.Listen != "" {
		o.SMTP = []string{c.Listen}
	}
	if c.ListenTLS != "" {
		o.SMTPS = []string{c.ListenTLS}
	}
	if d.cfg.LMTP.Listen != "" {
		o.LMTP = []string{d.cfg.LMTP.Listen}
	}
	if c.Users != "" {
		users, err := smtpd.LoadUsers(string(c.Users), d.log)
		if err != nil {
			return nil, withCode(exitConfig, err)
		}
		o.Login = users.Check
	}
	if c.TLS.Cert != "" {
		cert, err := smtpd.LoadCertificate(string(c.TLS.Cert), string(c.TLS.Key), d.log)
		if err != nil {
			return nil, err
		}
		o.TLS = cert
	}
	return smtpd.New(o), nil
}

// expect asks DNS about a sender while the letter is on its way.
func (d *daemon) expect(ctx context.Context, peer netip.Addr, helo, from string) {
	d.expecting.Go(func() { d.sifter.Expect(ctx, peer, helo, from) })
}

// tokenMailbox knows the addresses that our own mail is answered to.
func (d *daemon) tokenMailbox(address string) (registry.Mailbox, bool) {
	tok, ok := d.tokens.Parse(address)
	if !ok {
		return registry.Mailbox{}, false
	}
	m := registry.Mailbox{Address: strings.ToLower(address), Kind: "reply", Register: "RPW"}
	if !tok.Number.IsZero() {
		m.Register = tok.Number.Register
	}
	return m, true
}

// newSealer signs heads of the ledger with the office's key.
func (d *daemon) newSealer() (*registry.Sealer, error) {
	secret, err := readSecret(filepath.Join(keyDir(string(d.cfg.Data)), ledgerKey))
	if err != nil {
		return nil, err
	}
	signer, err := ledger.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	return registry.NewSealer(d.book, signer, registry.SealerOptions{Node: d.cfg.Node, Now: d.now, Log: d.log}), nil
}

// A prover writes proofs of leaves against the newest signed head.
type prover struct{ d *daemon }

// Prove implements notify.Prover.
func (p prover) Prove(ctx context.Context, leaf int64) ([]byte, bool, error) {
	head := p.d.sealer.Latest()
	if head.Size <= leaf {
		return nil, false, nil
	}
	rows, err := p.d.book.Leaves(ctx, leaf, leaf+1)
	if err != nil || len(rows) == 0 {
		return nil, false, err
	}
	proof, err := registry.Prove(ctx, p.d.book, rows[0], head)
	if err != nil {
		return nil, false, err
	}
	return []byte(proof.String()), true, nil
}

// listenControl opens the socket for commands. A socket left by a crash is in
// the way of nobody: we hold the lock.
func listenControl(path string) (net.Listener, error) {
	_ = os.Remove(path)
	old := syscall.Umask(0o117) // 0660 from the first moment
	l, err := net.Listen("unix", path)
	syscall.Umask(old)
	if err != nil {
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	return l, nil
}

// answer serves commands until ctx ends.
func (d *daemon) answer(ctx context.Context) error {
	server := &http.Server{Handler: d.api, ReadHeaderTimeout: 10 * time.Second, ConnContext: api.PeerCredentials(d.owner)}
	stop := context.AfterFunc(ctx, func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(closing) != nil {
			_ = server.Close()
		}
	})
	defer stop()
	if err := server.Serve(d.control); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("the control socket: %w", err)
	}
	return nil
}

// reloads reads office and rules again on SIGHUP, all or nothing.
func (d *daemon) reloads(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			if err := d.orders.reload(); err != nil {
				d.log.Error("rules.rejected", "err", err, "active", d.orders.rules().Digest())
				continue
			}
			d.log.Info("rules.taken", "rules", d.orders.rules().Digest())
		}
	}
}

// announce tells where the doors are, once they are open.
func (d *daemon) announce(ctx context.Context) error {
	select {
	case <-d.mail.Ready():
	case <-ctx.Done():
		return nil
	}
	listening := map[string]string{"control": controlSocket(d.cfg)}
	for _, a := range d.mail.Addrs() {
		listening[a.Kind] = a.Address
	}
	if d.counter != nil {
		listening["web"] = d.counter.Addr().String()
	}
	if d.port != nil {
		listening["operator"] = d.port.Addr()
	}
	d.log.Info("office.open", "listening", listening, "waiting", d.spool.Stats().Waiting)
	if d.env.JSON {
		return json.NewEncoder(d.env.stdout).Encode(map[string]any{"listening": listening})
	}
	return nil
}
