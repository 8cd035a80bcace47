package smtpd

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"

	"github.com/emersion/go-smtp"
)

// A lobby is where admitted connections wait for the library: a listener over
// connections that were accepted, counted and unwrapped before.
type lobby struct {
	library  *smtp.Server
	wires    chan net.Conn
	done     chan struct{}
	once     sync.Once
	sessions sync.WaitGroup
}

func (s *Server) newLobby(lmtp bool) *lobby {
	h := &lobby{wires: make(chan net.Conn), done: make(chan struct{})}
	l := smtp.NewServer(smtp.BackendFunc(s.newSession))
	l.LMTP = lmtp
	l.Domain = s.Hostname
	l.MaxMessageBytes = s.MaxSize // advertised, and held against SIZE= and BDAT
	l.MaxLineLength = 0           // of letters there is none; commands are bounded by the wire
	l.EnableSMTPUTF8 = true
	l.ErrorLog = libraryLog{s.Log}
	// Deadlines, recipients and failures are counted here and not there.
	l.ReadTimeout, l.WriteTimeout, l.MaxRecipients = 0, 0, 0
	h.library = l
	return h
}

// offer gives a connection to the library, or closes it if that has gone.
func (h *lobby) offer(w *wire) {
	h.sessions.Add(1)
	w.gone = h.sessions.Done
	select {
	case h.wires <- w:
	case <-h.done:
		_ = w.Close() // the door is shut
	}
}

// Accept implements net.Listener.
func (h *lobby) Accept() (net.Conn, error) {
	select {
	case c := <-h.wires:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *lobby) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// Addr implements net.Listener.
func (h *lobby) Addr() net.Addr { return &net.UnixAddr{Name: "lobby", Net: "unix"} }

// bind listens on one address.
func (s *Server) bind(ctx context.Context, kind, address string) (net.Listener, error) {
	if kind == "smtps" && s.TLS == nil {
		return nil, errors.New("TLS from the first byte needs a certificate")
	}
	path, unix := strings.CutPrefix(address, "unix:")
	if kind == "lmtp" && !unix && !loopback(address) {
		return nil, errors.New("LMTP is for the mail server of this machine: a unix socket or a loopback address (RFC 2033 § 5)")
	}
	var config net.ListenConfig
	if !unix {
		return config.Listen(ctx, "tcp", address)
	}
	if kind != "lmtp" {
		return nil, errors.New("only LMTP listens on a unix socket")
	}
	// The instance lock is ours, so a socket lying there is a dead one's.
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
	}
	l, err := config.Listen(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(path, 0o660)
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}
