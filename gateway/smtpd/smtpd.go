// Package smtpd is the mail door: it speaks SMTP and LMTP to the outside and
// hands every letter to the spool before it says 250.
//
// The library go-smtp keeps the dialogue; a wire stands between it and the
// network. The wire gives the library one command at a time and keeps the bytes
// of a letter to itself, so that letters are read in blocks, a cut chunk is
// never taken for a whole one, and every deadline is ours.
package smtpd

import (
	"context"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"kancelaria/registry"
)

// A Spool takes in what the door was handed. Put reads the letter to its end
// and returns only when it survives a power cut, with the items as they were
// written down; an error means that nothing was accepted. Items share one body.
// It says why with registry.ErrFull, ErrTooLarge, ErrBacklog or ErrSyncFailed,
// and an error of the reader comes back wrapped.
type Spool interface {
	Put(ctx context.Context, items []registry.Item, letter io.Reader) ([]registry.Item, error)
}

// Outcomes tell what became of an item. Wait may be called after the fact and
// returns at once then; an error, or the end of ctx, means that there is
// nothing to tell a stranger. WorthWaiting reports whether a number can be
// expected soon.
type Outcomes interface {
	Wait(ctx context.Context, id registry.ItemID) (registry.Outcome, error)
	WorthWaiting() bool
}

// Texts is the catalogue in the office's language. What it says is put behind
// the English sentence of a refusal.
type Texts interface {
	Has(key string) bool
	Say(key string, pairs ...string) string
}

// A Recorder keeps what was tried at this door. Record must not block for long.
type Recorder interface {
	Record(d Delivery)
}

// Options of a Server. Spool and Office are required.
type Options struct {
	Spool    Spool
	Outcomes Outcomes                // nil: nobody waits for numbers
	Office   func() *registry.Office // the office in force; asked for each recipient
	// Mailbox knows further addresses of ours: those of replies and bounces
	// that are made for one letter. Asked after the office.
	Mailbox func(address string) (registry.Mailbox, bool)
	// OnMail is told of each sender from outside at MAIL, so that what DNS says of
	// him can be asked while the letter is on its way. It must not block.
	OnMail     func(ctx context.Context, peer netip.Addr, helo, from string)
	Deliveries Recorder     // nil: kept nowhere
	Disk       func() error // asked at MAIL and while a letter comes; nil: never full
	Texts      Texts        // nil: English only

	// SMTP, SMTPS (TLS from the first byte) and LMTP are addresses to listen
	// on: "host:port", for LMTP also "unix:path". LMTP over TCP is for loopback.
	SMTP, SMTPS, LMTP []string
	Hostname          string // as we greet
	Node              string // of the items
	MaxSize           int64  // bytes of a letter, default 50 MB

	// WaitForNumber bounds how long a 250 waits for the register number; 0: not
	// at all.
	WaitForNumber time.Duration

	TLS *Certificate // nil: no STARTTLS, no SMTPS

	// Login knows the office's own systems (Users.Check); nil: nobody logs in.
	// AUTH is offered over TLS only and gives no right to relay: it lifts the
	// limits.
	Login func(user, password string) bool

	TrustedRelays []netip.Prefix // hand over for others; their limits are lifted
	Devices       []Device       // scanners that send mail
	ProxyFrom     []netip.Prefix // speak the PROXY protocol, and must
	RequireTLS    []netip.Prefix // peers that may not send in the clear

	Limits Limits
	Times  Times

	Now func() time.Time
	Log *slog.Logger
}

// A Device is a scanner that sends its scans by mail: its items come by the
// door scan, from the source Name.
type Device struct {
	Name string
	From netip.Prefix
}

// Limits bound what one peer may ask of us. Zero is the default, below zero
// there is no limit. Trusted relays, LMTP and those who logged in are bound by
// Connections (twice as many), Recipients and Commands only.
type Limits struct {
	Connections       int // at once (500)
	PerPeer           int // at once from one address (20)
	PerNetwork        int // at once from one /24 or /56 (40)
	NewPerMinute      int // new connections a minute from one address (120)
	LettersPerMinute  int // letters a minute from one address (240)
	Recipients        int // of one letter (100)
	BadRecipients     int // refused in one connection before it is closed (10)
	BadAuth           int // failed logins before it is closed (3)
	BadPerMinute      int // refused recipients and logins of one address before its next connection is refused (50)
	Commands          int // between two letters, taken recipients apart, before it is closed (200)
	Received          int // trace fields of a letter that runs in circles (50)
	BytesPerSecond    int // a letter must come at least so fast, over a minute (200)
	CommandLineLength int // bytes (12288)
}

// Times bound how long we wait. Zero is the default.
type Times struct {
	Command  time.Duration // for the next command (5 m)
	Block    time.Duration // for the next bytes of a letter (1 m)
	Letter   time.Duration // for a whole letter (1 h)
	Answer   time.Duration // for the peer to take our answer (1 m)
	Shutdown time.Duration // for letters on their way when we close (30 s)
}

func (o *Options) fillIn() {
	orInt := func(n *int, def int) {
		if *n == 0 {
			*n = def
		}
	}
	orTime := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	l, t := &o.Limits, &o.Times
	orInt(&l.Connections, 500)
	orInt(&l.PerPeer, 20)
	orInt(&l.PerNetwork, 40)
	orInt(&l.NewPerMinute, 120)
	orInt(&l.LettersPerMinute, 240)
	orInt(&l.Recipients, 100)
	orInt(&l.BadRecipients, 10)
	orInt(&l.BadAuth, 3)
	orInt(&l.BadPerMinute, 50)
	orInt(&l.Commands, 200)
	orInt(&l.Received, 50)
	orInt(&l.BytesPerSecond, 200)
	orInt(&l.CommandLineLength, 12<<10)
	orTime(&t.Command, 5*time.Minute)
	orTime(&t.Block, time.Minute)
	orTime(&t.Letter, time.Hour)
	orTime(&t.Answer, time.Minute)
	orTime(&t.Shutdown, 30*time.Second)
	if o.MaxSize <= 0 {
		o.MaxSize = 50_000_000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Disk == nil {
		o.Disk = func() error { return nil }
	}
	if o.Deliveries == nil {
		o.Deliveries = nowhere{}
	}
}

type nowhere struct{}

func (nowhere) Record(Delivery) {}

// over reports whether n is beyond a limit.
func over(n, limit int) bool { return limit >= 0 && n > limit }

// isIn reports whether an address lies in one of the networks.
func isIn(a netip.Addr, networks []netip.Prefix) bool {
	for _, p := range networks {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
