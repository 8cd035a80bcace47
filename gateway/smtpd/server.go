package smtpd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/pires/go-proxyproto"

	"kancelaria/registry"
)

// A Server is the mail door.
type Server struct {
	Options
	gate  *gate
	ready chan struct{} // closed once every address is bound

	// Three halves of one library server: in the clear, over TLS, LMTP.
	plain, secure, lmtp *lobby

	knocking                 sync.WaitGroup // connections that are not let in yet
	pending                  atomic.Int64   // how many these are
	taken, deferred, refused atomic.Uint64
	closing                  context.Context // ends when we close
	// working outlives closing by Times.Shutdown: letters on their way finish.
	working context.Context

	mu    sync.Mutex
	doors []*doorway
	links map[*link]struct{}
	shut  bool
}

// An Addr is where the server listens.
type Addr struct {
	Kind    string // smtp, smtps, lmtp
	Network string
	Address string
}

// A doorway is one listener.
type doorway struct {
	net.Listener
	kind string
}

// New makes a Server; Run starts it.
func New(o Options) *Server {
	o.fillIn()
	s := &Server{Options: o, gate: newGate(o.Limits, o.Now), ready: make(chan struct{}), links: map[*link]struct{}{}}
	s.plain, s.secure, s.lmtp = s.newLobby(false), s.newLobby(false), s.newLobby(true)
	if o.TLS != nil {
		s.plain.library.TLSConfig = o.TLS.config() // so that STARTTLS is offered
	}
	// The library cannot see that the wire is encrypted. Nothing in the clear
	// ever comes into this lobby.
	s.secure.library.AllowInsecureAuth = true
	return s
}

// Listen binds all addresses, so that a failure is known before anything runs.
// Run calls it if nobody has.
func (s *Server) Listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doors != nil {
		return nil
	}
	for _, want := range []struct {
		kind      string
		addresses []string
	}{{"smtp", s.SMTP}, {"smtps", s.SMTPS}, {"lmtp", s.LMTP}} {
		for _, address := range want.addresses {
			l, err := s.bind(ctx, want.kind, address)
			if err != nil {
				for _, d := range s.doors {
					_ = d.Close() // the first error is the one to tell
				}
				s.doors = nil
				return fmt.Errorf("listening for %s on %s: %w", want.kind, address, err)
			}
			s.doors = append(s.doors, &doorway{l, want.kind})
		}
	}
	close(s.ready)
	return nil
}

// Ready is closed once every address is bound; Addrs tells them then.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Addrs gives the addresses in use, in the order of the options.
func (s *Server) Addrs() []Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Addr
	for _, d := range s.doors {
		all = append(all, Addr{d.kind, d.Addr().Network(), d.Addr().String()})
	}
	return all
}

// Run serves until ctx is done. Then it stops listening, asks idle peers to go
// (421) and gives letters on their way Times.Shutdown to end.
func (s *Server) Run(ctx context.Context) error {
	working, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	closing, stop := context.WithCancel(ctx)
	defer stop()
	s.closing, s.working = closing, working
	if err := s.Listen(ctx); err != nil {
		return err
	}
	var serving sync.WaitGroup
	for _, h := range s.lobbies() {
		serving.Go(func() { _ = h.library.Serve(h) }) // ends when the lobby is closed, with nothing to tell
	}
	failed := make(chan error, len(s.doors))
	for _, d := range s.doors {
		serving.Go(func() {
			if err := s.accept(closing, d); err != nil {
				failed <- err
			}
		})
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stop()
	s.shutdown(working, abort)
	serving.Wait()
	return err
}

// shutdown closes in the order that loses nothing: doors, idle peers, letters.
func (s *Server) shutdown(working context.Context, abort func()) {
	for _, d := range s.doors {
		_ = d.Close() // it may have failed already
	}
	s.knocking.Wait()
	for _, l := range s.all() {
		l.wireNow().finish()
	}
	patience, cancel := context.WithTimeout(working, s.Times.Shutdown)
	defer cancel()
	for _, h := range s.lobbies() {
		_ = h.library.Shutdown(patience) // what it leaves is cut off below
		_ = h.Close()                    // the library may not have known of it yet
	}
	abort()
	for _, l := range s.all() {
		l.log().Warn("smtpd.cut", "door", l.door)
		_ = l.raw.Close() // its session sees the end and leaves
	}
	for _, h := range s.lobbies() {
		h.sessions.Wait()
	}
}

func (s *Server) lobbies() []*lobby { return []*lobby{s.plain, s.secure, s.lmtp} }

// all gives the connections there are and lets no further one in.
func (s *Server) all() []*link {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	all := make([]*link, 0, len(s.links))
	for l := range s.links {
		all = append(all, l)
	}
	return all
}

// hold notes the wire a link speaks on, unless the door is shut.
func (s *Server) hold(l *link, w *wire) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return false
	}
	l.wire = w
	s.links[l] = struct{}{}
	return true
}

// accept takes connections until the door is closed.
func (s *Server) accept(ctx context.Context, d *doorway) error {
	pause := 5 * time.Millisecond
	for {
		conn, err := d.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close() // came too late
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("listening for %s: %w", d.kind, err)
		case err != nil: // out of descriptors, or a peer that left at once
			s.Log.Warn("smtpd.accept", "err", err)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
			pause = min(2*pause, time.Second)
			continue
		}
		pause = 5 * time.Millisecond
		if over(int(s.pending.Add(1)), s.Limits.Connections) {
			s.pending.Add(-1)
			_ = conn.Close() // nothing to say: it would have to be waited for
			continue
		}
		s.knocking.Go(func() {
			defer s.pending.Add(-1)
			s.admit(conn, d)
		})
	}
}

// admit learns who is there and lets him in or sends him away. Whoever is at
// the door when we close is left standing there.
func (s *Server) admit(raw net.Conn, d *doorway) {
	unwatch := context.AfterFunc(s.closing, func() { _ = raw.Close() })
	l := &link{s: s, raw: raw, source: d.kind, door: registry.DoorSMTP, id: newSessionID(), pace: s.newPace()}
	conn, ok := s.identify(l, d)
	if !ok {
		_ = raw.Close()
		return
	}
	if !s.gate.enter(l.peer, l.free()) {
		s.sendAway(l, conn, d)
		return
	}
	room := s.plain
	switch d.kind {
	case "lmtp":
		room = s.lmtp
	case "smtps":
		room = s.secure
		secure, err := l.handshake(conn)
		if err != nil {
			l.log().Debug("smtpd.handshake", "err", err)
			s.gate.leave(l.peer)
			_ = raw.Close()
			return
		}
		conn = secure
	}
	w := &wire{Conn: conn, link: l}
	w.filter.w = w
	if !unwatch() || !s.hold(l, w) {
		s.gate.leave(l.peer)
		_ = raw.Close()
		return
	}
	room.offer(w)
}

// identify learns who the peer is: from a proxy we trust if he stands before us;
// from all others a PROXY line is just a bad command.
func (s *Server) identify(l *link, d *doorway) (net.Conn, bool) {
	conn := l.raw
	l.peer = addressOf(conn.RemoteAddr())
	if isIn(l.peer, s.ProxyFrom) {
		proxied := proxyproto.NewConn(conn, proxyproto.WithPolicy(proxyproto.REQUIRE), proxyproto.SetReadHeaderTimeout(5*time.Second))
		if proxied.ProxyHeader() == nil {
			s.Log.Warn("smtpd.proxy", "peer", l.peer, "err", "no PROXY header from a proxy")
			return nil, false
		}
		l.peer, conn = addressOf(proxied.RemoteAddr()), proxied
	}
	l.trusted = isIn(l.peer, s.TrustedRelays)
	if d.kind == "lmtp" {
		l.door, l.trusted = registry.DoorLMTP, true
		return conn, true
	}
	if s.TLS != nil {
		l.tls = s.TLS.config()
	}
	if device, ok := s.deviceAt(l.peer); ok {
		l.door, l.source, l.device = registry.DoorScan, device.Name, true
	}
	return conn, true
}

func (s *Server) deviceAt(peer netip.Addr) (Device, bool) {
	for _, d := range s.Devices {
		if d.From.Contains(peer) {
			return d, true
		}
	}
	return Device{}, false
}

// sendAway tells a peer that he is one too many.
func (s *Server) sendAway(l *link, conn net.Conn, d *doorway) {
	no := s.refuse(tooMany)
	line := l.delivery("CONNECT")
	line.Code, line.Answer = no.Code, said(no)
	s.record(line)
	if d.kind != "smtps" && conn.SetWriteDeadline(time.Now().Add(time.Second)) == nil {
		_, _ = conn.Write(replyLine(no)) // he may be gone
	}
	_ = l.raw.Close()
}

// record counts a delivery and writes it down. Refusals are written down as far
// as one minute bears: strangers must not fill our disk with them.
func (s *Server) record(line Delivery) {
	switch {
	case line.Code < 400:
		s.taken.Add(1)
	case line.Code < 500:
		s.deferred.Add(1)
	default:
		s.refused.Add(1)
	}
	var write bool
	if write, line.Omitted = s.gate.note(line.Peer, line.Code >= 400); write {
		s.Deliveries.Record(line)
	}
}

// A Count is what went through the door since it was opened: letters taken,
// commands and letters put off (4xx) and refused (5xx), and who is here now.
type Count struct {
	Connections              int
	Taken, Deferred, Refused uint64
}

// Count gives the figures of now.
func (s *Server) Count() Count {
	return Count{s.gate.here(), s.taken.Load(), s.deferred.Load(), s.refused.Load()}
}

func addressOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func newSessionID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails (it aborts the program)
	return hex.EncodeToString(b[:])
}

// libraryLog passes on what the library complains of. It is about peers and
// never worth a person's time.
type libraryLog struct{ log *slog.Logger }

func (l libraryLog) Printf(format string, v ...any) {
	l.log.Debug("smtpd.library", "err", fmt.Sprintf(format, v...))
}

func (l libraryLog) Println(v ...any) { l.log.Debug("smtpd.library", "err", fmt.Sprint(v...)) }

var _ smtp.Logger = libraryLog{}
