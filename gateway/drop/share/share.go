// Package share runs the drop protocol on an SMB share.
//
// Two libraries can speak for us; neither is trusted with time. The TCP
// connection is ours, every call has a deadline, and a call that misses it
// costs the session: the connection is closed, which ends whatever hangs on
// it, and the next call dials anew. No library type leaves this package.
package share

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path"
	"strings"
	"sync"
	"time"

	"kancelaria/gateway/drop"
)

// Options of a share. Username and Password are required by most servers.
type Options struct {
	Username string
	Domain   string
	// Password is asked at each logon, so that a changed one is taken up.
	Password func() (string, error)
	Signing  string // required (default), auto
	Driver   string // cloudsoda (default), hirochachacha
	Guard    *Guard // shared by shares of one office; nil is one of its own

	OpTimeout   time.Duration // one small call or one block read; 15 s
	ListTimeout time.Duration // one page of a listing; 60 s
	Now         func() time.Time
	Log         *slog.Logger
}

func (o *Options) fill() {
	if o.Signing == "" {
		o.Signing = "required"
	}
	if o.Driver == "" {
		o.Driver = "cloudsoda"
	}
	if o.OpTimeout == 0 {
		o.OpTimeout = 15 * time.Second
	}
	if o.ListTimeout == 0 {
		o.ListTimeout = time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Password == nil {
		o.Password = func() (string, error) { return "", nil }
	}
	if o.Guard == nil {
		o.Guard = NewGuard(o.Now)
	}
}

// A Share is a folder on an SMB share as a source. It connects when it is
// first used and again whenever a session was lost.
type Share struct {
	o      Options
	driver driver
	place  place

	dialing chan struct{} // held by whoever dials
	append  sync.Mutex    // held while a list of ours grows

	mu     sync.Mutex
	live   *session // nil when there is none
	failed error    // of the last dial
	again  time.Time
	closed bool
}

var _ drop.FS = (*Share)(nil)

// Open names a share, //server/share/folder or //server:port/share, and does
// not connect yet: a file server that is down must not keep the office shut.
func Open(address string, o Options) (*Share, error) {
	o.fill()
	at, err := parsePlace(address)
	if err != nil {
		return nil, err
	}
	d, ok := drivers()[o.Driver]
	if !ok {
		return nil, fmt.Errorf("driver %.30q is not known; write cloudsoda or hirochachacha", o.Driver)
	}
	if o.Signing != "required" && o.Signing != "auto" {
		return nil, fmt.Errorf("signing %.30q is not known; write required or auto", o.Signing)
	}
	return &Share{o: o, driver: d, place: at, dialing: make(chan struct{}, 1)}, nil
}

// Close ends the session; calls under way fail.
func (s *Share) Close() error {
	s.mu.Lock()
	live := s.live
	s.live, s.closed = nil, true
	s.mu.Unlock()
	if live != nil {
		live.kill(errClosed)
	}
	return nil
}

// A place is where the files lie: \\host\share, and a folder in it.
type place struct{ address, host, share, folder string }

func parsePlace(s string) (place, error) {
	bad := fmt.Errorf("%.100q does not name a share; write //server/share or //server/share/folder", s)
	rest, ok := strings.CutPrefix(strings.ReplaceAll(strings.TrimPrefix(s, "smb:"), `\`, "/"), "//")
	if !ok {
		return place{}, bad
	}
	server, rest, _ := strings.Cut(rest, "/")
	share, folder, _ := strings.Cut(rest, "/")
	at := place{host: server, share: share, folder: strings.Trim(folder, "/")}
	if host, _, err := net.SplitHostPort(server); err == nil {
		at.host, at.address = host, server
	} else {
		at.address = net.JoinHostPort(strings.Trim(server, "[]"), "445")
	}
	if at.host == "" || at.share == "" || at.folder != "" && at.folder != path.Clean(at.folder) || strings.HasPrefix(at.folder, "..") {
		return place{}, bad
	}
	return at, nil
}

// unc is the name that the share is mounted by.
func (p place) unc() string { return `\\` + p.host + `\` + p.share }

// within gives a path of the protocol as one within the share.
func (p place) within(rel string) (string, error) {
	for part := range strings.SplitSeq(rel, "/") {
		if part == ".." || strings.ContainsAny(part, "\\\x00:") {
			return "", fmt.Errorf("%.200q is not a path within the share", rel)
		}
	}
	return strings.ReplaceAll(strings.Trim(path.Join(p.folder, rel), "/"), "/", `\`), nil
}

// dialPause keeps calls that come side by side from dialling one after the
// other; growing pauses are the watcher's.
const dialPause = time.Second

// session gives the one session, dialling if there is none.
func (s *Share) session(ctx context.Context) (*session, error) {
	if live, err := s.current(); live != nil || err != nil {
		return live, err
	}
	select {
	case s.dialing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.dialing }()
	if live, err := s.current(); live != nil || err != nil {
		return live, err
	}
	live, err := s.dial(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.closed {
		live.kill(errClosed)
		return nil, errClosed
	}
	s.live, s.failed = live, err
	if err != nil && ctx.Err() == nil {
		s.again = s.o.Now().Add(dialPause)
	}
	return live, err
}

// current gives the session that lives, or why none may be dialled yet, or
// neither.
func (s *Share) current() (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, errClosed
	case s.live != nil && s.live.dead() == nil:
		return s.live, nil
	case s.failed != nil && s.o.Now().Before(s.again):
		return nil, s.failed
	}
	return nil, nil
}

// dial makes a session: connection, logon, share. The guard sees each logon.
func (s *Share) dial(ctx context.Context) (*session, error) {
	password, err := s.o.Password()
	if err != nil {
		return nil, fmt.Errorf("reading the password: %w", err)
	}
	who := account{s.place.address, strings.ToLower(s.o.Domain), strings.ToLower(s.o.Username), sha256.Sum256([]byte(password))}
	if err := s.o.Guard.allow(who); err != nil {
		return nil, err
	}
	connecting, cancel := context.WithTimeout(ctx, s.o.OpTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(connecting, "tcp", s.place.address)
	if err != nil {
		return nil, fmt.Errorf("the file server cannot be reached: %w", err)
	}
	live := &session{wire: &wire{Conn: conn}, driver: s.driver}
	err = live.run(ctx, 2*s.o.OpTimeout, func() error {
		return live.begin(ctx, s.place, s.o, password)
	})
	s.o.Guard.told(who, err)
	if err != nil {
		live.kill(err)
		return nil, err
	}
	s.o.Log.Debug("drop.connected", "driver", s.o.Driver, "encrypted", live.wire.isEncrypted())
	return live, nil
}

var errClosed = errors.New("the share is closed")
