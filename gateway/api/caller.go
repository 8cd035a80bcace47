package api

import (
	"context"
	"net"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"

	"kancelaria/registry"
)

// A Caller is who asks, as the transport has made sure of.
type Caller struct {
	Unix  string // name in the system, on the socket
	Login string // clerk's login, at the counter
	Owner bool   // owner of the data, or root
	// Scopes bound what a token may do; nil bounds nothing.
	Scopes []string
}

type callerKey struct{}

// WithCaller puts who asks into a request's context. It is the transport's
// part, and the only value that travels so: HTTP leaves no other way.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf gives who asks.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// PeerCredentials asks the kernel who is at the other end of a unix socket;
// for http.Server.ConnContext. Without an answer there is no caller.
func PeerCredentials(owner int) func(context.Context, net.Conn) context.Context {
	return func(ctx context.Context, conn net.Conn) context.Context {
		uc, ok := conn.(*net.UnixConn)
		if !ok {
			return ctx
		}
		raw, err := uc.SyscallConn()
		if err != nil {
			return ctx
		}
		var cred *unix.Ucred
		if err := raw.Control(func(fd uintptr) {
			cred, _ = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		}); err != nil || cred == nil {
			return ctx
		}
		return WithCaller(ctx, UnixCaller(int(cred.Uid), owner))
	}
}

// UnixCaller is a user of this machine.
func UnixCaller(uid, owner int) Caller {
	c := Caller{Unix: strconv.Itoa(uid), Owner: uid == 0 || uid == owner}
	if u, err := user.LookupId(c.Unix); err == nil {
		c.Unix = u.Username
	}
	return c
}

// clerk finds the caller in the office.
func (c Caller) clerk(office *registry.Office) (registry.Clerk, bool) {
	if c.Login != "" {
		k, ok := office.Clerks[c.Login]
		return k, ok
	}
	return office.ClerkFor(c.Unix)
}

// actor says who acts, by whose hand: --by another is for owner, secretary and
// front desk only, and is recorded.
func (a *API) actor(ctx context.Context, by string) (registry.Actor, error) {
	c, _ := CallerOf(ctx)
	office := a.Office()
	k, known := c.clerk(office)
	who := registry.Actor{Login: k.Login, Owner: c.Owner}
	if !known {
		if !c.Owner {
			return who, errForbidden
		}
		who.Login = c.Unix
	}
	if by == "" || by == who.Login {
		return who, nil
	}
	if _, ok := office.Clerks[by]; !ok {
		return who, wrong("there is no clerk %q in office.yaml", by)
	}
	if !c.Owner && !k.Has(registry.RoleSecretary) && !k.Has(registry.RoleDesk) {
		return who, errForbidden
	}
	who.OnBehalfOf = by
	return who, nil
}

// viewer says what the caller may see. The owner at the machine sees all that
// commands print: the files are his anyway.
func (a *API) viewer(ctx context.Context) (*registry.Viewer, error) {
	c, _ := CallerOf(ctx)
	office := a.Office()
	k, ok := c.clerk(office)
	if c.Owner {
		return nil, nil
	}
	if !ok {
		return nil, errForbidden
	}
	if !k.ReadsContent() {
		return nil, errForbidden
	}
	return office.Viewer(k.Login), nil
}
