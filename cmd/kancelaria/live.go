package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/drop/share"
	"kancelaria/registry"
)

// isPlaceholder reports whether a field still is what the sample wrote.
func isPlaceholder(s string) bool {
	return s == "" || strings.Contains(s, ".example") || strings.Contains(s, "SAMPL") || strings.Trim(s, "0 ") == ""
}

// live looks at the neighbours, each within a few seconds.
func (c *checkCmd) live(e *env, cfg *config.Config, office *registry.Office) error {
	bad := 0
	for _, probe := range []struct {
		what string
		ask  func(context.Context) error
	}{
		{"book", func(ctx context.Context) error { return askBook(ctx, cfg, office) }},
		{"relay", func(ctx context.Context) error { return askRelay(ctx, cfg.Mail.Relay) }},
		{"scanner", func(ctx context.Context) error { return askSocket(ctx, cfg.Scanner.Clamd) }},
		{"second home", func(ctx context.Context) error { return askSecondHome(ctx, cfg.Archive.S3) }},
		{"drops", func(ctx context.Context) error { return askDrops(ctx, cfg, e.log) }},
		{"keys", func(context.Context) error { _, err := tokenSecret(string(cfg.Data)); return err }},
	} {
		ctx, cancel := context.WithTimeout(e.ctx, 10*time.Second)
		err := probe.ask(ctx)
		cancel()
		switch {
		case errors.Is(err, errNotUsed):
		case err != nil:
			bad++
			if sayErr := c.say(e, "failed", probe.what+": "+err.Error()); sayErr != nil {
				return sayErr
			}
		default:
			if sayErr := c.say(e, "ok", probe.what); sayErr != nil {
				return sayErr
			}
		}
	}
	if bad > 0 {
		return withCode(exitUnreachable, fmt.Errorf("%d neighbours are not as they should be", bad))
	}
	return nil
}

var errNotUsed = errors.New("not used")

// askBook looks at schema, roles and triggers. A book in a file that a daemon
// holds open is read beside it.
func askBook(ctx context.Context, cfg *config.Config, office *registry.Office) error {
	b := newBook(cfg, origin(office), true, time.Now)
	defer b.Close()
	findings, err := b.Check(ctx)
	if err != nil {
		return err
	}
	var said []string
	for _, f := range findings {
		said = append(said, f.Text)
	}
	if len(said) > 0 {
		return errors.New(strings.Join(said, "; "))
	}
	return nil
}

// askRelay looks whether the relay greets.
func askRelay(ctx context.Context, relay string) error {
	if relay == "" {
		return errNotUsed
	}
	u, err := url.Parse(relay)
	if err != nil {
		return fmt.Errorf("%s is not an address like smtp://host:25", relay)
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "25")
	}
	return askSocket(ctx, host)
}

func askSocket(ctx context.Context, address string) error {
	if address == "" {
		return errNotUsed
	}
	network := "tcp"
	if p, ok := strings.CutPrefix(address, "unix:"); ok {
		network, address = "unix", p
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func askSecondHome(ctx context.Context, c config.S3) error {
	bucket, err := newSecondHome(c)
	if err != nil {
		return err
	}
	if bucket == nil {
		return errNotUsed
	}
	return bucket.Check(ctx)
}

func askDrops(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	if len(cfg.Drops) == 0 {
		return errNotUsed
	}
	guard := share.NewGuard(time.Now)
	for _, p := range cfg.Drops {
		if err := askDrop(ctx, p, guard, log); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	return nil
}

func askDrop(ctx context.Context, p config.Drop, guard *share.Guard, log *slog.Logger) error {
	fs, err := openSource(p, guard, time.Now, log)
	if err != nil {
		return err
	}
	defer fs.Close()
	_, err = fs.List(ctx, "")
	return err
}
