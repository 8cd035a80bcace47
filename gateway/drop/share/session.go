package share

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"kancelaria/gateway/drop"
)

// A session is one logon on a connection of its own.
type session struct {
	wire   *wire
	driver driver
	tree   tree

	mu   sync.Mutex
	why  error           // it died; nil while it lives
	made map[string]bool // folders known to be there
}

// dead gives why the session can no longer be used.
func (s *session) dead() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// kill closes the connection, which ends every call that waits on it. Nobody
// logs off: that call may hang for ever.
func (s *session) kill(why error) {
	s.mu.Lock()
	first := s.why == nil
	if first {
		s.why = why
	}
	s.mu.Unlock()
	if first {
		_ = s.wire.Close() // nothing was promised on it
	}
}

// errSlow is the death of a session that did not answer.
var errSlow = errors.New("the file server did not answer in time")

// run makes one call of the library. The library's own context is not used:
// a request cancelled there leaves a session that breaks later.
func (s *session) run(ctx context.Context, limit time.Duration, call func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.dead(); err != nil {
		return fmt.Errorf("the session was lost: %w", err)
	}
	late := time.AfterFunc(limit, func() { s.kill(errSlow) })
	defer late.Stop()
	defer context.AfterFunc(ctx, func() { s.kill(context.Cause(ctx)) })()
	err := call()
	if err == nil {
		return nil
	}
	meant, broken := s.driver.meaning(err)
	if why := s.dead(); why != nil {
		return why
	}
	if broken {
		s.kill(meant)
	}
	return meant
}

// begin logs on and mounts, and refuses what is not safe.
func (s *session) begin(ctx context.Context, at place, o Options, password string) error {
	tree, err := s.driver.dial(ctx, s.wire, login{
		host: at.host, unc: at.unc(), user: o.Username, domain: o.Domain, password: password, sign: o.Signing == "required",
	})
	if s.wire.isGuest() && o.Username != "" && !isGuestName(o.Username) {
		return errGuest
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: the account may not use this share", drop.ErrPerm)
	}
	if err != nil {
		if greeting := s.wire.greeting(); greeting != nil {
			return fmt.Errorf("%w (%w)", greeting, err)
		}
		return err
	}
	s.tree, s.made = tree, map[string]bool{}
	// The first answer on the mounted share shows whether it is encrypted.
	folder, err := at.within("")
	if err != nil {
		return err
	}
	switch _, err := tree.Stat(folder); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: there is no folder %q on it", ErrSetting, at.folder)
	case err != nil:
		return err
	}
	if !s.driver.verifies && (o.Signing == "required" || s.wire.demandsSigning()) && !s.wire.isEncrypted() {
		return errUnsigned
	}
	return nil
}
