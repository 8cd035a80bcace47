package smtpd

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"kancelaria/registry"
)

// A link is one connection from its first byte to its last, through STARTTLS:
// who is there and what he has used up. The goroutine that reads owns it.
type link struct {
	s       *Server
	raw     net.Conn // beneath TLS
	peer    netip.Addr
	door    registry.Door
	source  string
	id      string // names the connection in envelopes and in the log
	trusted bool   // a trusted relay, or the local mail server
	device  bool   // a scanner of ours
	tls     *tls.Config
	cipher  string // "TLS1.3 …", empty in the clear
	user    string // who logged in

	session  *session // as it stands; nil before EHLO
	pace     pace
	commands int // since the last letter
	badRcpt  int
	badAuth  int
	rude     bool // we leave first: let the peer read our last word

	wire *wire // guarded by Server.mu
}

// sayGoodbye tells the peer why we go, unless he went himself.
func (l *link) sayGoodbye(w *wire, err error) {
	why := reasonFor(err)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return
	case errors.Is(err, os.ErrDeadlineExceeded):
		why = idle
	case why == failed:
		l.s.Log.Debug("smtpd.lost", "peer", l.peer, "session", l.id, "err", err)
		return
	}
	l.rude = true
	w.filter.verb = "" // it answers no command
	w.say(l.s.refuse(why))
}

// hangUp answers and closes: the reason has a 421.
func (l *link) hangUp(why reason) error {
	l.wireNow().fail = io.EOF
	l.rude = true
	return l.s.refuse(why)
}

func (l *link) wireNow() *wire {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	return l.wire
}

// leave takes the connection out of the books.
func (l *link) leave(w *wire) {
	l.s.mu.Lock()
	here := l.wire == w
	if here {
		delete(l.s.links, l)
	}
	l.s.mu.Unlock()
	if here {
		l.s.gate.leave(l.peer)
	}
}

// free reports whether the limits that keep strangers in bounds are lifted.
func (l *link) free() bool { return l.trusted || l.device || l.user != "" }

// refused records what was not taken before any letter came. What is no attempt
// to deliver is not worth a line.
func (l *link) refused(verb, command string, code int, answer string) {
	line := l.delivery(verb)
	line.Code, line.Answer = code, answer // with its enhanced code
	if l.session != nil {
		l.session.describe(&line)
	}
	switch verb {
	case "MAIL":
		line.Sender = angled(command)
	case "RCPT":
		line.Recipients = []string{angled(command)}
	case "DATA", "BDAT":
		if l.session != nil && l.session.recorded() {
			return
		}
	case "AUTH":
	default:
		return
	}
	l.s.record(line)
}

// delivery begins a line of the log.
func (l *link) delivery(verb string) Delivery {
	d := Delivery{At: l.s.Now(), Session: l.id, Door: l.door, TLS: l.cipher, User: l.user, Command: verb}
	if l.peer.IsValid() {
		d.Peer = l.peer.String()
	}
	return d
}

// angled gives what stands between the angle brackets of a command.
func angled(command string) string {
	_, after, ok := strings.Cut(command, "<")
	address, _, closed := strings.Cut(after, ">")
	if !ok || !closed {
		_, after, _ = strings.Cut(command, ":")
		address, _, _ = strings.Cut(strings.TrimSpace(after), " ")
	}
	return shorten(address, 320)
}

// startTLS answers STARTTLS and moves the connection to the encrypted side.
// What the peer sent in the clear behind the command is dropped: it may come
// from somebody else (RFC 3207 § 4.2).
func (w *wire) startTLS() {
	l := w.link
	w.say(&smtp.SMTPError{Code: 220, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: "Ready to start TLS"})
	w.fail = io.EOF
	if err := w.flush(); err != nil {
		return
	}
	w.r, w.w = 0, 0
	conn, err := l.handshake(w.Conn)
	if err != nil {
		l.s.Log.Debug("smtpd.handshake", "peer", l.peer, "session", l.id, "err", err)
		return
	}
	next := &wire{Conn: conn, link: l, mute: true}
	next.filter.w = next
	w.moved = true
	l.user, l.session = "", nil
	if !l.s.hold(l, next) {
		w.moved = false
		return
	}
	l.s.secure.offer(next)
}

// handshake sets up TLS within the time of one command.
func (l *link) handshake(conn net.Conn) (*tls.Conn, error) {
	secure := tls.Server(conn, l.tls)
	if err := conn.SetDeadline(time.Now().Add(min(l.s.Times.Command, 30*time.Second))); err != nil {
		return nil, err
	}
	if err := secure.Handshake(); err != nil {
		return nil, err
	}
	state := secure.ConnectionState()
	l.cipher = strings.ReplaceAll(tls.VersionName(state.Version), " ", "") + " " + tls.CipherSuiteName(state.CipherSuite)
	return secure, nil
}

func (l *link) log() *slog.Logger {
	return l.s.Log.With("peer", l.peer, "session", l.id)
}
