package main

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sys/unix"

	"kancelaria/gateway/api"
	"kancelaria/gateway/web"
)

// keyring lets the API turn the counter's keys.
type keyring struct{ *web.Keyring }

// AddToken implements api.Keyring.
func (k keyring) AddToken(ctx context.Context, in api.Token) (api.Token, error) {
	t, secret, err := k.Keyring.AddToken(ctx, in.Login, in.Name, in.Scopes, in.Expires)
	return api.Token{ID: t.ID, Name: t.Name, Login: t.Login, Scopes: t.Scopes, Expires: t.Expires, Secret: secret}, err
}

// Tokens implements api.Keyring.
func (k keyring) Tokens(ctx context.Context) ([]api.Token, error) {
	all, err := k.Keyring.Tokens(ctx)
	out := make([]api.Token, 0, len(all))
	for _, t := range all {
		out = append(out, api.Token{ID: t.ID, Name: t.Name, Login: t.Login, Scopes: t.Scopes, Expires: t.Expires})
	}
	return out, err
}

type passwdCmd struct {
	Login  string `arg:"" help:"The clerk's login in office.yaml."`
	Remove bool   `help:"Take the password away: the clerk cannot log in with one."`
}

func (c *passwdCmd) Run(e *env) error {
	var in api.Password
	if !c.Remove {
		var err error
		if in.Password, err = askPassword(e, c.Login); err != nil {
			return withCode(exitUsage, err)
		}
	}
	o, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(o, func() error {
		body, err := o.send(e.ctx, "PUT", "passwords/"+url.PathEscape(c.Login), in)
		if err != nil {
			return err
		}
		_ = body.Close()
		what := "has a new password; sessions under the old one are ended"
		if c.Remove {
			what = "has no password any more"
		}
		_, err = fmt.Fprintf(e.stderr, "kancelaria: %s %s\n", c.Login, what)
		return err
	})
}

// askPassword reads a password: twice and unseen from a terminal, else one line
// of standard input.
func askPassword(e *env, login string) (string, error) {
	lines := bufio.NewReader(e.stdin)
	read := func(prompt string) (string, error) {
		line, err := lines.ReadString('\n')
		if prompt != "" {
			fmt.Fprintln(e.stderr)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", fmt.Errorf("no password was given: %w", orEnd(err))
		}
		return line, nil
	}
	in, file := e.stdin.(*os.File)
	var before *unix.Termios
	if file {
		if t, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS); err == nil {
			before = t
		}
	}
	if before == nil {
		return read("")
	}
	unseen := *before
	unseen.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, &unseen); err != nil {
		return "", fmt.Errorf("hiding what is typed: %w", err)
	}
	defer func() { _ = unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, before) }()
	fmt.Fprintf(e.stderr, "New password of %s: ", login)
	first, err := read("new")
	if err != nil {
		return "", err
	}
	fmt.Fprint(e.stderr, "Once more: ")
	again, err := read("again")
	if err == nil && first != again {
		err = fmt.Errorf("the two are not the same; nothing was changed")
	}
	return first, err
}

func orEnd(err error) error {
	if err == nil {
		return fmt.Errorf("an empty line")
	}
	return err
}

type tokenCmd struct {
	Add    tokenAddCmd    `cmd:"" help:"Make a token for a program; its secret is shown once."`
	List   tokenListCmd   `cmd:"" help:"List tokens."`
	Revoke tokenRevokeCmd `cmd:"" help:"End a token."`
}

type tokenAddCmd struct {
	Login string        `arg:"" help:"The clerk as whom the program acts."`
	Name  string        `required:"" help:"What the token is for."`
	Scope []string      `default:"read" help:"What it may do: read, act, register."`
	For   time.Duration `default:"2160h" help:"How long it works, at most a year."`
}

func (c *tokenAddCmd) Run(e *env) error {
	o, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(o, func() error {
		body, err := o.send(e.ctx, "POST", "tokens", api.Token{Login: c.Login, Name: c.Name, Scopes: c.Scope, Expires: time.Now().Add(c.For)})
		if err != nil {
			return err
		}
		return print(e, body, func(t api.Token) error {
			fmt.Fprintf(e.stderr, "kancelaria: token %s of %s until %s; this is its secret, it is not shown again:\n", t.ID, t.Login, t.Expires.Format(time.DateOnly))
			_, err := fmt.Fprintln(e.stdout, t.Secret)
			return err
		})
	})
}

type tokenListCmd struct{}

func (tokenListCmd) Run(e *env) error {
	tab := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	return flushed(tab, ask(e, "tokens", nil, func(t api.Token) error {
		_, err := fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.Login, strings.Join(t.Scopes, ","), t.Expires.Format(time.DateOnly), cell(t.Name, 60))
		return err
	}))
}

type tokenRevokeCmd struct {
	ID string `arg:"" help:"As \"token list\" names it."`
}

func (c *tokenRevokeCmd) Run(e *env) error {
	o, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(o, func() error {
		body, err := o.do(e.ctx, "DELETE", "tokens/"+url.PathEscape(c.ID), "", nil)
		if err != nil {
			return err
		}
		return body.Close()
	})
}
