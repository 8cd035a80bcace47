package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry"
	"kancelaria/registry/postgres"
)

type moveCmd struct {
	To           string `required:"" placeholder:"DSN" help:"The empty PostgreSQL database, for the service's role: postgres://user@host/db."`
	OwnerDSN     string `name:"owner-dsn" placeholder:"DSN" help:"The role that owns the tables, if another; it brings the schema."`
	PasswordFile string `placeholder:"FILE" help:"Where the service's password stands."`
}

// Run moves the book from its file into PostgreSQL, line by line at the same
// places, and proves that the ledger has the same root there. The file stays as
// it is; what was begun may be repeated.
func (c *moveCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	if cfg.Store.DSN != "" {
		return withCode(exitUsage, errors.New("the book is in PostgreSQL already (store.dsn)"))
	}
	if !hasBook(cfg) {
		return fmt.Errorf("there is no book yet at %s; set store.dsn and start with PostgreSQL at once", cfg.Store.SQLite)
	}
	h, err := openHouse(e.ctx, cfg, e.log, forCommand)
	if err != nil {
		return err
	}
	return errors.Join(c.move(e, h), h.Close())
}

func (c *moveCmd) move(e *env, h *house) error {
	target, err := c.open(e, h)
	if err != nil {
		return err
	}
	defer target.Close()
	head, err := h.book.Head(e.ctx)
	if err != nil {
		return err
	}
	rows, err := readRows(e.ctx, head.Size, rowsOf(h.book, head.Size))
	if err != nil {
		return err
	}
	o := registry.RebuildOptions{Actor: e.user(), Zone: h.cfg.Zone, Now: h.now}
	if !e.JSON {
		o.Progress = e.progress("lines")
	}
	if _, err := registry.Rebuild(e.ctx, target, rows, o); errors.Is(err, registry.ErrForeign) {
		return withCode(exitFindings, fmt.Errorf("the target is not empty: %w", err))
	} else if err != nil {
		return err
	}
	notes, err := c.beside(e.ctx, h, target)
	if err != nil {
		return err
	}
	return c.prove(e, h.cfg, head, target, notes)
}

// open prepares the target. One that holds anything else is refused later,
// before a line is written.
func (c *moveCmd) open(e *env, h *house) (*postgres.Store, error) {
	to := *h.cfg
	to.Store = config.Store{DSN: c.To, OwnerDSN: c.OwnerDSN}
	if c.PasswordFile != "" {
		to.Store.PasswordFile = absolute(c.PasswordFile)
	}
	if err := migrate(e, &to, c.OwnerDSN); err != nil {
		return nil, err
	}
	o, err := postgresOptions(&to, h.now)
	if err != nil {
		return nil, err
	}
	o.Origin = origin(h.orders.office())
	store, err := postgres.Open(e.ctx, c.To, o)
	if err != nil {
		return nil, withCode(exitUnreachable, err)
	}
	head, err := store.Head(e.ctx)
	if err == nil && head.Origin != "" && head.Origin != o.Origin && head.Size == 0 {
		err = fmt.Errorf("the target is the ledger of %s, not of %s; nothing was changed", head.Origin, o.Origin)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// beside moves what has no leaf: signed heads and notes, but for who is logged
// in and what the new book makes anew.
func (c *moveCmd) beside(ctx context.Context, h *house, target registry.Store) (int, error) {
	heads, err := signedHeads(ctx, h.book)
	if err != nil {
		return 0, err
	}
	notes, err := notesBut(ctx, h.book, []string{"session", "once", "search"})
	if err != nil {
		return 0, err
	}
	return len(notes), putBeside(ctx, target, heads, notes)
}

// prove compares the ledgers and recomputes the new book from its leaves.
func (c *moveCmd) prove(e *env, cfg *config.Config, head registry.Head, target registry.Store, notes int) error {
	moved, err := target.Head(e.ctx)
	if err != nil {
		return err
	}
	if moved.Size != head.Size || !slices.Equal(moved.Edge, head.Edge) || moved.Origin != head.Origin {
		return withCode(exitFindings, fmt.Errorf("the ledgers differ: %d leaves, root %s, named %s here; %d, %s, %s there; go on with the old one",
			head.Size, head.Root(), head.Origin, moved.Size, moved.Root(), moved.Origin))
	}
	publics, err := publicKeys(cfg)
	if err != nil {
		return err
	}
	seen, err := registry.VerifyBook(e.ctx, target, registry.VerifyOptions{Publics: publics})
	if err != nil {
		return err
	}
	for _, f := range seen.Findings {
		if err := e.finding(f); err != nil {
			return err
		}
	}
	if len(seen.Findings) > 0 {
		return silent{exitFindings}
	}
	if e.JSON {
		return json.NewEncoder(e.stdout).Encode(map[string]any{"leaves": moved.Size, "root": moved.Root(), "notes": notes})
	}
	_, err = fmt.Fprintf(e.stdout, `%d leaves are in PostgreSQL, the root is %s here and there; %d notes went with them.
Not moved: who is logged in, the search index (it is made anew), and what still was to be sent (listed as replayed: kancelaria outbox list --state replayed).
Now write into %s:
  store: {dsn: %q%s}
and start the daemon. The old book stays at %s; it is of no use once the new one has been written to.
`, moved.Size, moved.Root(), notes, cfg.File, c.To, passwordOf(c.PasswordFile), cfg.Store.SQLite)
	return err
}

func passwordOf(file string) string {
	if file == "" {
		return ""
	}
	return fmt.Sprintf(", password_file: %q", string(absolute(file)))
}
