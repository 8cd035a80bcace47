package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"slices"
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
		{"relay", func(ctx context.Context) error { return askRelay(ctx, cfg, e.log) }},
		{"dkim", func(ctx context.Context) error { return askDKIM(ctx, cfg, lookupTXT(cfg)) }},
		{"channels", func(context.Context) error { return askChannels(cfg) }},
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

// askRelay signs in at the relay as the bell does, and sends nothing.
func askRelay(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	if cfg.Mail.Relay == "" {
		return errNotUsed
	}
	relay, err := newRelay(cfg, time.Now, log)
	if err != nil {
		return err
	}
	return relay.Check(ctx)
}

// askChannels furnishes the other ways by which clerks are told.
func askChannels(cfg *config.Config) error {
	if len(cfg.Channels()) == 1 {
		return errNotUsed
	}
	_, err := furtherChannels(cfg, nil, time.Now)
	return err
}

// askDKIM compares the key that signs with the record that receivers look at,
// and the domain it signs for with that of the author: only if they are alike
// does the signature count for him.
func askDKIM(ctx context.Context, cfg *config.Config, lookup func(ctx context.Context, name string) ([]string, error)) error {
	signer, err := newDKIM(cfg)
	if err != nil {
		return err
	}
	if signer == nil {
		return errNotUsed
	}
	name, want, err := signer.Record()
	if err != nil {
		return err
	}
	if from, err := mail.ParseAddress(cfg.Mail.From); err == nil {
		_, author, _ := strings.Cut(strings.ToLower(from.Address), "@")
		_, signs, _ := strings.Cut(name, "._domainkey.")
		if author != signs && !strings.HasSuffix(author, "."+signs) {
			return fmt.Errorf("mails are from %s, but signed for %s: receivers do not count it (DMARC alignment); set mail.dkim.domain", author, signs)
		}
	}
	if cfg.Auth.DNS == "off" {
		return nil
	}
	records, err := lookup(ctx, name)
	if err != nil {
		return fmt.Errorf("the record of the key: %w; publish at %s: %s", err, name, want)
	}
	if !slices.ContainsFunc(records, func(r string) bool { return publicPart(r) == publicPart(want) }) {
		return fmt.Errorf("the record at %s is of another key; publish: %s", name, want)
	}
	return nil
}

// lookupTXT asks the resolver that the office uses.
func lookupTXT(cfg *config.Config) func(context.Context, string) ([]string, error) {
	if r, ok := resolver(cfg.Auth.DNS).(*net.Resolver); ok && r != nil {
		return r.LookupTXT
	}
	return net.DefaultResolver.LookupTXT
}

// publicPart takes the key out of a DKIM record.
func publicPart(record string) string {
	for field := range strings.SplitSeq(record, ";") {
		if key, ok := strings.CutPrefix(strings.TrimSpace(field), "p="); ok {
			return strings.Join(strings.Fields(key), "")
		}
	}
	return ""
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
