package main

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry/postgres"
)

type migrateCmd struct {
	OwnerDSN string `name:"owner-dsn" placeholder:"DSN" help:"The role that owns the tables; default: store.owner_dsn, else store.dsn."`
}

func (c *migrateCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	if cfg.Store.DSN == "" {
		_, err := fmt.Fprintln(e.stdout, "The book is SQLite: it brings itself up to date when the daemon starts, after a backup.")
		return err
	}
	if err := migrate(e, cfg, c.OwnerDSN); err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.stdout, "The book is of this version.")
	return err
}

// migrate brings a PostgreSQL book up to date as its owner.
func migrate(e *env, cfg *config.Config, ownerDSN string) error {
	o, err := postgresOptions(cfg, e.now)
	if err != nil {
		return err
	}
	ownerDSN = cmp.Or(ownerDSN, cfg.Store.OwnerDSN, cfg.Store.DSN)
	service := ""
	if ownerDSN != cfg.Store.DSN {
		o.Password = "" // the owner's is not the service's: PGPASSFILE, peer or certificate
		service = roleOf(cfg.Store.DSN)
	}
	if err := postgres.Migrate(e.ctx, ownerDSN, service, o); err != nil {
		return withCode(exitUnreachable, err)
	}
	return nil
}

// roleOf reads the role out of a PostgreSQL address.
func roleOf(dsn string) string {
	if u, err := url.Parse(dsn); err == nil && u.User != nil {
		return u.User.Username()
	}
	for field := range strings.FieldsSeq(dsn) {
		if user, ok := strings.CutPrefix(field, "user="); ok {
			return strings.Trim(user, "'")
		}
	}
	return ""
}

// postgresOptions adds the password from its file, in memory only.
func postgresOptions(cfg *config.Config, now func() time.Time) (postgres.Options, error) {
	o := postgres.Options{Now: now, Node: cfg.Node}
	if cfg.Store.PasswordFile == "" {
		return o, nil
	}
	secret, err := readSecret(string(cfg.Store.PasswordFile))
	if err != nil {
		return o, fmt.Errorf("reading the book's password: %w", err)
	}
	o.Password = secret
	return o, nil
}
