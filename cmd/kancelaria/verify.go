package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/notify"
	"kancelaria/gateway/spool"
	"kancelaria/registry"
	"kancelaria/registry/archive"
	"kancelaria/registry/ledger"
	"kancelaria/registry/postgres"
	"kancelaria/registry/sqlite"
)

type verifyCmd struct {
	Since   int64    `placeholder:"N" help:"Only leaves from this one; the rest is compared with known heads."`
	Full    bool     `help:"Also read every byte of every original."`
	Against []string `placeholder:"FILE" help:"A checkpoint that left the house: from a receipt, a daily mail, a backup."`
}

// Run reads book and archive beside whoever writes to them: it changes nothing,
// and asks nobody who might have something to hide.
func (c *verifyCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	o := registry.VerifyOptions{Since: c.Since}
	if o.Publics, err = publicKeys(cfg); err != nil {
		return err
	}
	if o.Against, err = checkpoints(c.Against, o.Publics); err != nil {
		return err
	}
	store, err := readBook(e.ctx, cfg, e.now)
	if err != nil {
		return err
	}
	defer store.Close()
	a, err := readArchive(e, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	if !e.JSON {
		o.Progress = e.progress("leaves")
	}
	began := e.now()
	seen, err := registry.VerifyBook(e.ctx, store, o)
	if err != nil {
		return err
	}
	found := len(seen.Findings)
	for _, f := range seen.Findings {
		if err := e.finding(f); err != nil {
			return err
		}
	}
	more, err := c.originals(e, store, a)
	if err != nil {
		return err
	}
	found += more
	graves := graves{store: store, archive: a, ordered: seen.Erasures, all: c.Since == 0, report: func(f registry.Finding) error { found++; return e.finding(f) }}
	if err := graves.compare(e.ctx); err != nil {
		return err
	}
	return c.sum(e, seen, found, e.now().Sub(began))
}

func (c *verifyCmd) sum(e *env, seen registry.Verified, found int, took time.Duration) error {
	if e.JSON {
		if err := json.NewEncoder(e.stdout).Encode(map[string]any{"leaves": seen.Leaves, "size": seen.Size, "root": seen.Root, "findings": found}); err != nil {
			return err
		}
	} else if found == 0 {
		fmt.Fprintf(e.stdout, "%d leaves, %d in the ledger, root %s: everything is as it was written (%s).\n", seen.Leaves, seen.Size, seen.Root, took.Round(time.Millisecond))
	} else {
		fmt.Fprintf(e.stdout, "%d findings. Nothing was changed. Keep this output, stop writing to the book if you can, and see \"kancelaria help verify\".\n", found)
	}
	if found > 0 {
		return silent{exitFindings}
	}
	return nil
}

// originals compares what the book says of each original with the archive:
// its manifest always, its bytes with --full.
func (c *verifyCmd) originals(e *env, store registry.Store, a *archive.Archive) (int, error) {
	found := 0
	report := func(f registry.Finding) error { found++; return e.finding(f) }
	for f, err := range a.Fsck(e.ctx, c.Full) {
		if err != nil {
			return found, err
		}
		if f.Code == archive.FoundOpen || f.Code == archive.FoundTail {
			continue // what a crash leaves; nobody was promised it
		}
		if err := report(f); err != nil {
			return found, err
		}
	}
	q := registry.Query{Of: registry.FindNumbers, Limit: 1000}
	for {
		page, err := store.Find(e.ctx, q)
		if err != nil {
			return found, err
		}
		for _, w := range page.Works {
			if text := c.original(e.ctx, a, w); text != "" {
				if err := report(registry.Finding{Code: "original_differs", Subject: w.Number.String(), Text: text}); err != nil {
					return found, err
				}
			}
		}
		if q.After = page.Next; q.After == "" {
			return found, nil
		}
	}
}

// original says what is wrong with one, or nothing.
func (c *verifyCmd) original(ctx context.Context, a *archive.Archive, w registry.Work) string {
	sheet, err := a.Sheet(ctx, w.Place, w.Item)
	if errors.Is(err, registry.ErrErased) {
		return "" // that a tombstone and its leaf allow it is checked with the archive
	}
	if err != nil {
		return "its record in the archive cannot be read: " + err.Error()
	}
	it, err := spool.ParseManifest(sheet)
	if err != nil {
		return "its manifest cannot be read: " + err.Error()
	}
	if it.Original.Digest != w.Digest {
		return fmt.Sprintf("the archive holds %s, the book says %s", it.Original.Digest, w.Digest)
	}
	if !c.Full {
		return ""
	}
	original, err := a.Original(ctx, w.Place, w.Item)
	if err != nil {
		return "its original cannot be read: " + err.Error()
	}
	defer original.Close()
	if original.Digest() != w.Digest {
		return fmt.Sprintf("its original is %s, the book says %s", original.Digest(), w.Digest)
	}
	return ""
}

// readBook opens the book to look at it, beside a daemon.
func readBook(ctx context.Context, cfg *config.Config, now func() time.Time) (registry.Store, error) {
	if cfg.Store.DSN == "" {
		if _, err := os.Stat(string(cfg.Store.SQLite)); errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("there is no book yet at %s: start the daemon once", cfg.Store.SQLite)
		}
		return sqlite.Open(ctx, string(cfg.Store.SQLite), sqlite.Options{Now: now, ReadOnly: true})
	}
	o, err := postgresOptions(cfg, now)
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, cfg.Store.DSN, o)
}

// publicKeys are those that checkpoints of this office are checked with.
func publicKeys(cfg *config.Config) ([]string, error) {
	return readKeys(filepath.Join(keyDir(string(cfg.Data)), ledgerPublic))
}

// maxCheckpoint bounds a file handed in as a checkpoint.
const maxCheckpoint = 1 << 20

// checkpoints reads signed heads that somebody kept outside.
func checkpoints(files, publics []string) ([]ledger.Checkpoint, error) {
	var all []ledger.Checkpoint
	for _, name := range files {
		st, err := os.Stat(name)
		if err != nil || st.Size() > maxCheckpoint {
			return nil, fmt.Errorf("%s cannot be read as a checkpoint", name)
		}
		c, err := checkpoint(name, publics)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, c)
	}
	return all, nil
}

// checkpoint reads a head out of whatever left the house: a signed head, a
// receipt with its proof, a daily mail.
func checkpoint(name string, publics []string) (ledger.Checkpoint, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return ledger.Checkpoint{}, err
	}
	c, err := ledger.OpenCheckpoint(text, publics...)
	if err == nil || errors.Is(err, ledger.ErrForged) || errors.Is(err, ledger.ErrUnknownKey) {
		return c, err
	}
	if seen, err := notify.CheckReceipt(bytes.NewReader(text), publics, time.UTC); err == nil && seen.Proven {
		return ledger.OpenCheckpoint(seen.Head.Note, publics...)
	}
	size, root, err := notify.DailyHead(bytes.NewReader(text))
	if err != nil {
		return ledger.Checkpoint{}, errors.New("it is neither a signed head, a receipt nor a daily mail of this office")
	}
	return ledger.Checkpoint{Size: size, Root: ledger.Hash(root)}, nil
}

// progress prints how far a long run is, rarely, to the side.
func (e *env) progress(what string) func(done, of int64) {
	last := e.now()
	return func(done, of int64) {
		if now := e.now(); now.Sub(last) >= 10*time.Second {
			last = now
			fmt.Fprintf(e.stderr, "%d of %d %s\n", done, of, what)
		}
	}
}
