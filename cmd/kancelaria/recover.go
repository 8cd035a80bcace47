package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"kancelaria/registry"
	"kancelaria/registry/archive"
	"kancelaria/registry/ledger"
)

type recoverCmd struct {
	Also   []string `placeholder:"DIR" help:"The archive of another gateway that wrote to the same book; may be repeated."`
	NewLog bool     `help:"Go on where leaves are lacking: mark them, and let the ledger go on under a new name."`
	Reason string   `placeholder:"TEXT" help:"Why leaves are lacking; written into the book with --new-log."`
}

// Run builds the book again from the copybooks: what the archives hold and the
// book lacks is entered at its place. It needs no daemon to run.
func (c *recoverCmd) Run(e *env) error {
	if c.NewLog && strings.TrimSpace(c.Reason) == "" {
		return withCode(exitUsage, errors.New("--new-log needs --reason: it is written into the book why leaves are lacking"))
	}
	cfg, err := e.config()
	if err != nil {
		return err
	}
	h, err := openHouse(e.ctx, cfg, e.log, forCommand)
	if err != nil {
		return err
	}
	err = c.recover(e, h)
	return errors.Join(err, h.Close())
}

func (c *recoverCmd) recover(e *env, h *house) error {
	archives := []*archive.Archive{h.archive}
	for _, dir := range c.Also {
		if _, err := os.Stat(dir); err != nil {
			return withCode(exitUsage, fmt.Errorf("--also: %w", err))
		}
		a, err := archive.Open(dir, archive.Options{Node: h.cfg.Node, Now: e.now, Log: e.log, ReadOnly: true, UnsafeFilesystem: true})
		if err != nil {
			return fmt.Errorf("opening %s: %w", dir, err)
		}
		defer a.Close()
		archives = append(archives, a)
	}
	known, err := readCopybook(e.ctx, archives, nil)
	if errors.Is(err, errTwice) {
		return withCode(exitFindings, err)
	}
	if err != nil {
		return err
	}
	for _, f := range known.damaged {
		if err := e.finding(f); err != nil {
			return err
		}
	}
	return c.rebuild(e, h, known)
}

func (c *recoverCmd) rebuild(e *env, h *house, known registry.Known) error {
	o, err := h.rebuildOptions(e, c.NewLog, c.Reason)
	if err != nil {
		return err
	}
	done, err := registry.Rebuild(e.ctx, h.book, known, o)
	switch {
	case errors.Is(err, registry.ErrLacking):
		return c.lacking(e, done)
	case errors.Is(err, registry.ErrForeign):
		return withCode(exitFindings, err)
	case err != nil:
		return err
	}
	if done.Origin != "" {
		if err := h.turnKey(done.Origin); err != nil {
			return err
		}
		if err := h.fillCopybook(e.ctx); err != nil {
			return err
		}
	}
	return c.say(e, done)
}

// rebuildOptions are those of whoever runs the command.
func (h *house) rebuildOptions(e *env, lacking bool, reason string) (registry.RebuildOptions, error) {
	o := registry.RebuildOptions{Lacking: lacking, Actor: e.user(), Reason: reason, Zone: h.cfg.Zone, Now: h.now}
	if !e.JSON {
		o.Progress = e.progress("lines")
	}
	head, err := h.book.Head(e.ctx)
	if err != nil {
		return o, err
	}
	o.NewOrigin = nextOrigin(origin(h.orders.office()), head.Origin)
	return o, nil
}

// nextOrigin names a ledger after the one that it continues: …/ksiega/2 after
// …/ksiega.
func nextOrigin(first, now string) string {
	n := 1
	if rest, ok := strings.CutPrefix(now, first+"/"); ok {
		if _, err := fmt.Sscanf(rest, "%d", &n); err != nil {
			n = 1
		}
	}
	return fmt.Sprintf("%s/%d", first, n+1)
}

// turnKey makes the key that signs under a new name. The old one is kept, and
// what it signed can be checked as before.
func (h *house) turnKey(name string) error {
	dir := keyDir(string(h.cfg.Data))
	secret, public, err := ledger.GenerateKey(rand.Reader, name)
	if err != nil {
		return err
	}
	return replaceKey(dir, secret, public, h.now())
}

func (c *recoverCmd) lacking(e *env, done registry.Rebuilt) error {
	for i, leaf := range done.Lacking {
		if i == 20 && !e.JSON {
			fmt.Fprintf(e.stdout, "and %d more\n", len(done.Lacking)-i)
			break
		}
		if err := e.finding(registry.Finding{Code: "leaf_lacking", Subject: fmt.Sprintf("leaf %d", leaf), Text: "no copybook at hand holds it"}); err != nil {
			return err
		}
	}
	for _, g := range done.Lost {
		text := fmt.Sprintf("numbers %d to %d of %s are lost with them", g.From, g.To, g.Series)
		if err := e.finding(registry.Finding{Code: "numbers_lost", Subject: g.Series.String(), Text: text}); err != nil {
			return err
		}
	}
	fmt.Fprintf(e.stderr, "kancelaria: %d leaves are lacking; nothing was changed. If another gateway wrote them, name its archive with --also DIR. If they are lost for good: recover --new-log --reason TEXT.\n", len(done.Lacking))
	return silent{exitFindings}
}

func (c *recoverCmd) say(e *env, done registry.Rebuilt) error {
	if e.JSON {
		return json.NewEncoder(e.stdout).Encode(map[string]any{
			"from": done.From, "leaves": done.Size, "entered": done.Size - done.From, "lacking": len(done.Lacking), "set_aside": len(done.Set), "origin": done.Origin,
		})
	}
	switch {
	case done.Size == done.From:
		fmt.Fprintf(e.stdout, "The book holds all that the copybook holds (%d leaves); nothing was changed.\n", done.Size)
	default:
		fmt.Fprintf(e.stdout, "%d lines were entered at their old places, from leaf %d on; the book has %d leaves.\n", done.Size-done.From, done.From, done.Size)
		fmt.Fprintln(e.stdout, "Notices and receipts of these lines are not sent again: see \"kancelaria outbox list --state replayed\".")
	}
	if done.Origin != "" {
		fmt.Fprintf(e.stdout, "%d leaves are lost and marked; the ledger goes on as %s under a new key. Publish it: kancelaria key show\n", len(done.Lacking), done.Origin)
	}
	fmt.Fprintln(e.stdout, "Look at it with: kancelaria verify")
	return nil
}
