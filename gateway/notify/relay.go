package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// RelayOptions say how to reach the office's own mail server.
type RelayOptions struct {
	// Address: smtp://host:25, smtps://host:465, lmtp://host:24 or
	// lmtp:unix:/path; a missing port is the usual one.
	Address string
	// TLS is required (the default: STARTTLS with a certificate we trust, or no
	// mail), opportunistic (encrypt if the server can, whoever it is) or off.
	TLS string
	// Config, when given, replaces the system's roots; ServerName is filled in.
	Config   *tls.Config
	Username string
	// Password is asked for each time a connection is opened, so that a
	// changed one needs no restart.
	Password func() (string, error)
	Hostname string // what we call ourselves in EHLO
	// Connections are kept open and used again: 4 unless told.
	Connections int
	// Timeout bounds each step of a dialogue: 30 s unless told.
	Timeout time.Duration
	Now     func() time.Time
	Log     *slog.Logger
	// Dial opens connections; nil uses the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// The ways to use TLS.
const (
	TLSRequired      = "required"
	TLSOpportunistic = "opportunistic"
	TLSOff           = "off"
)

// A Relay hands mails to a server by SMTP or LMTP over a few connections that
// are used again and again.
type Relay struct {
	o    RelayOptions
	to   target
	idle chan *session // connections that rest, at most Connections
	turn chan struct{} // one token for each connection that may be open
}

// A session is one connection, in use by one sender at a time.
type session struct {
	client *smtp.Client
	conn   net.Conn
	sent   int
	since  time.Time // of its last use
}

const (
	idleFor    = 50 * time.Second // shorter than servers' five minutes
	perSession = 100              // mails before a connection is opened afresh
)

// NewRelay makes a relay; it connects when first used.
func NewRelay(o RelayOptions) (*Relay, error) {
	to, err := parseTarget(o.Address)
	if err != nil {
		return nil, err
	}
	switch {
	case to.lmtp && to.isLocal(): // nothing leaves the machine
		o.TLS = TLSOff
	case o.TLS == "":
		o.TLS = TLSRequired
	case o.TLS != TLSRequired && o.TLS != TLSOpportunistic && o.TLS != TLSOff:
		return nil, fmt.Errorf("the relay's tls is required, opportunistic or off, not %q", o.TLS)
	}
	if o.Username != "" && o.TLS != TLSRequired && !to.implicit && !to.isLocal() {
		return nil, errors.New("a password is not sent to another machine without TLS")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Password == nil {
		o.Password = func() (string, error) { return "", nil }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	o.Connections = orDefault(o.Connections, 4)
	o.Timeout = orDefault(o.Timeout, 30*time.Second)
	o.Hostname = orText(o.Hostname, "localhost")
	return &Relay{o: o, to: to, idle: make(chan *session, o.Connections), turn: make(chan struct{}, o.Connections)}, nil
}

// Send hands over one mail. A connection that rested may have been closed by
// the server meanwhile: then a fresh one is tried once, before anything was
// said to it.
func (r *Relay) Send(ctx context.Context, p Parcel) (string, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return "", &Failure{Answer: "no connection was free in time", Err: ctx.Err()}
	}
	s, rested, err := r.session(ctx)
	if err != nil {
		return "", err
	}
	answer, err := r.hand(ctx, s, p)
	if rested && isGone(err) && ctx.Err() == nil {
		if s, err = r.connect(ctx); err != nil {
			return "", err
		}
		answer, err = r.hand(ctx, s, p)
	}
	return answer, err
}

// session gives a resting connection that is still young, or a fresh one.
func (r *Relay) session(ctx context.Context) (s *session, rested bool, err error) {
	for {
		select {
		case s := <-r.idle:
			if r.o.Now().Sub(s.since) < idleFor {
				return s, true, nil
			}
			r.end(s)
		default:
			s, err := r.connect(ctx)
			return s, false, err
		}
	}
}

// connect opens a connection, up to the point where mail can be given. What
// goes wrong here is about the server, not about any mail.
func (r *Relay) connect(ctx context.Context) (*session, error) {
	secure := r.o.TLS == TLSRequired
	if r.o.TLS == TLSOpportunistic && !r.to.implicit {
		s, err := r.open(ctx, false)
		if err != nil {
			return nil, err
		}
		if secure, _ = s.client.Extension("STARTTLS"); !secure {
			return s, nil
		}
		r.end(s)
	}
	return r.open(ctx, secure)
}

func (r *Relay) open(ctx context.Context, secure bool) (*session, error) {
	dialing, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	conn, err := r.o.Dial(dialing, r.to.network, r.to.address)
	if err != nil {
		return nil, r.down("connecting", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(r.o.Timeout))
	c, err := r.greet(conn, secure)
	if err != nil {
		_ = conn.Close()
		return nil, r.down("greeting", err)
	}
	if r.o.Username != "" {
		if err := r.signIn(c); err != nil {
			_ = c.Close()
			return nil, r.down("signing in", err)
		}
	}
	return &session{client: c, conn: conn}, nil
}

func (r *Relay) greet(conn net.Conn, secure bool) (*smtp.Client, error) {
	var c *smtp.Client
	var err error
	switch {
	case r.to.implicit:
		c = smtp.NewClient(tls.Client(conn, r.tls()))
	case r.to.lmtp:
		c = smtp.NewClientLMTP(conn)
	case secure:
		if c, err = smtp.NewClientStartTLS(conn, r.tls()); err != nil {
			return nil, err
		}
	default:
		c = smtp.NewClient(conn)
	}
	c.CommandTimeout, c.SubmissionTimeout = r.o.Timeout, 2*r.o.Timeout
	return c, c.Hello(r.o.Hostname)
}

func (r *Relay) tls() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.o.Config != nil {
		c = r.o.Config.Clone()
	}
	if c.ServerName == "" {
		c.ServerName, _, _ = net.SplitHostPort(r.to.address)
	}
	if r.o.TLS == TLSOpportunistic {
		c.InsecureSkipVerify = true // encrypted to whoever answers is better than in clear
	}
	return c
}

func (r *Relay) signIn(c *smtp.Client) error {
	password, err := r.o.Password()
	if err != nil {
		return fmt.Errorf("reading the password: %w", err)
	}
	if c.SupportsAuth(sasl.Plain) || !c.SupportsAuth(sasl.Login) {
		return c.Auth(sasl.NewPlainClient("", r.o.Username, password))
	}
	return c.Auth(sasl.NewLoginClient(r.o.Username, password))
}

// hand gives one mail over a connection and keeps it when it is still good.
func (r *Relay) hand(ctx context.Context, s *session, p Parcel) (string, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
	answer, err := r.talk(s.client, p)
	if !stop() {
		r.end(s)
		if err == nil {
			return answer, nil
		}
		return "", r.explain(err)
	}
	s.sent, s.since = s.sent+1, r.o.Now()
	if err != nil {
		failure := r.explain(err)
		if failure.Down || s.sent >= perSession || s.client.Reset() != nil {
			r.end(s)
		} else {
			r.keep(s)
		}
		return "", failure
	}
	if s.sent >= perSession {
		r.end(s)
	} else {
		r.keep(s)
	}
	return answer, nil
}

func (r *Relay) keep(s *session) {
	select {
	case r.idle <- s:
	default:
		r.end(s)
	}
}

func (r *Relay) end(s *session) {
	if err := s.client.Close(); err != nil {
		r.o.Log.Debug("notify.relay_closed", "err", err)
	}
}

// talk is the dialogue for one mail.
func (r *Relay) talk(c *smtp.Client, p Parcel) (string, error) {
	options := &smtp.MailOptions{}
	if !isASCII(p.To) || !isASCII(p.From) {
		if ok, _ := c.Extension("SMTPUTF8"); !ok {
			return "", &Failure{Permanent: true, Answer: "the relay takes no addresses with national letters"}
		}
		options.UTF8 = true
	}
	if err := c.Mail(p.From, options); err != nil {
		return "", r.refusedUs(err)
	}
	if err := c.Rcpt(p.To, nil); err != nil {
		return "", err
	}
	data, err := c.Data()
	if err != nil {
		return "", err
	}
	if _, err := bytes.NewReader(p.Row.Rendered).WriteTo(data); err != nil {
		return "", err
	}
	if r.to.lmtp {
		answers, err := data.CloseWithLMTPResponse()
		if err != nil {
			return "", err
		}
		if a := answers[p.To]; a != nil {
			return oneLine(a.StatusText, 200), nil
		}
		return "taken", nil
	}
	answer, err := data.CloseWithResponse()
	if err != nil {
		return "", err
	}
	return oneLine(answer.StatusText, 200), nil
}

// explain sorts an error: what the server said of this mail, or that the
// server does not work.
func (r *Relay) explain(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	if lmtp, ok := errors.AsType[smtp.LMTPDataError](err); ok {
		for _, e := range lmtp {
			return r.explain(e)
		}
	}
	said, ok := errors.AsType[*smtp.SMTPError](err)
	if !ok {
		return r.down("sending", err)
	}
	text := fmt.Sprintf("%d %d.%d.%d %s", said.Code, said.EnhancedCode[0], said.EnhancedCode[1], said.EnhancedCode[2], oneLine(said.Message, 200))
	return &Failure{
		Permanent: said.Code >= 500 && said.Code != 530 && said.Code != 535 && said.Code != 538,
		Down:      said.Code == 421 || said.Code == 530 || said.Code == 535 || said.Code == 538,
		Answer:    text,
		Err:       fmt.Errorf("the relay answered %s", text),
	}
}

// refusedUs sorts a refusal of the reverse path. It was said before any
// recipient was named: unless it is about the size, it is about us, and giving
// up all that waits would not mend it.
func (r *Relay) refusedUs(err error) *Failure {
	f := r.explain(err)
	if said, ok := errors.AsType[*smtp.SMTPError](err); f.Permanent && ok && said.Code != 552 {
		f.Permanent, f.Down = false, true
	}
	return f
}

func (r *Relay) down(step string, err error) *Failure {
	return &Failure{Down: true, Answer: oneLine(err.Error(), 200), Err: fmt.Errorf("%s to the relay %s: %w", step, r.o.Address, err)}
}

// isGone reports whether a connection ended rather than answered.
func isGone(err error) bool {
	f, ok := errors.AsType[*Failure](err)
	if !ok || !f.Down {
		return false
	}
	said, answered := errors.AsType[*smtp.SMTPError](f.Err)
	return !answered || said.Code == 421
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// Check connects and signs in, and sends nothing.
func (r *Relay) Check(ctx context.Context) error {
	s, err := r.connect(ctx)
	if err != nil {
		return err
	}
	err = s.client.Noop()
	r.end(s)
	if err != nil {
		return r.down("asking", err)
	}
	return nil
}

// Close ends the connections that rest.
func (r *Relay) Close() {
	for {
		select {
		case s := <-r.idle:
			r.end(s)
		default:
			return
		}
	}
}
