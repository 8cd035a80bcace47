package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/api"
	"kancelaria/gateway/paper"
	"kancelaria/registry"
)

type exportCmd struct {
	Year     int      `required:"" placeholder:"Y" help:"The year of the register."`
	Dir      string   `short:"o" name:"output" required:"" placeholder:"DIR" help:"Where to write; it must not be there yet."`
	Register []string `help:"Only this register; may be given more than once. Default: all that you may see."`
	Size     int64    `placeholder:"N" help:"As the book was when the ledger had N leaves. Default: at the newest signed head."`
}

// Run reads book and archive beside whoever writes to them.
func (c *exportCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	o, err := loadOrders(cfg)
	if err != nil {
		return err
	}
	viewer, err := ownerOrClerk(cfg, o.office())
	if err != nil {
		return err
	}
	publics, err := publicKeys(cfg)
	if err != nil {
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
	second, err := newSecondHome(cfg.Archive.S3)
	if err != nil {
		return err
	}
	b := newBook(cfg, origin(o.office()), true, e.now)
	defer b.Close()
	x := paper.Export{
		Book: store, Originals: lent{originals{archive: a, book: b, second: second}}, Office: o.office(), Texts: registry.Catalogue(cfg.Language), Publics: publics, Viewer: viewer,
		Year: c.Year, Registers: c.Register, Size: c.Size,
	}
	if !e.JSON {
		x.Progress = e.counting("entries")
	}
	done, err := x.Write(e.ctx, c.Dir)
	if err != nil {
		return err
	}
	return c.say(e, done)
}

// lent opens originals for paper, from the second home too.
type lent struct{ originals }

// Original implements paper.Originals.
func (l lent) Original(ctx context.Context, p registry.Place, id registry.ItemID) (registry.OpenOriginal, error) {
	return l.open(ctx, p, id)
}

// say tells what was written, and what is not in it.
func (c *exportCmd) say(e *env, done paper.Exported) error {
	if e.JSON {
		if err := json.NewEncoder(e.stdout).Encode(done); err != nil {
			return err
		}
		return findings(done)
	}
	for _, r := range done.Registers {
		note := ""
		if r.Restricted {
			note = "; restricted: give the export only to whoever may read this register"
		}
		fmt.Fprintf(e.stdout, "%s-%d: %d entries, %d annulled, %d numbers in gaps%s\n", r.Register, c.Year, r.Entries, r.Annulled, r.Lost, note)
	}
	fmt.Fprintf(e.stdout, "%s: %d files, %d bytes, from a ledger of %d leaves\n", done.Dir, done.Files, done.Bytes, done.Size)
	if !done.Signed {
		fmt.Fprintln(e.stderr, "No signed head covers just this state of the ledger: the daemon signs one within a second while it runs.")
	}
	if done.After > 0 {
		fmt.Fprintf(e.stderr, "%d leaves came later and are not in it; to go up to the last one: --size %d\n", done.After, done.Size+done.After)
	}
	for _, f := range done.Findings {
		fmt.Fprintf(e.stderr, "%s  %s: %s\n", f.Code, f.Subject, f.Text)
	}
	return findings(done)
}

func findings(done paper.Exported) error {
	if len(done.Findings) > 0 {
		return silent{exitFindings}
	}
	return nil
}

// ownerOrClerk says what whoever reads the data without a daemon may see: the
// owner and root everything, a clerk who can read the files what a clerk sees.
func ownerOrClerk(cfg *config.Config, office *registry.Office) (*registry.Viewer, error) {
	owner, err := ownerOf(string(cfg.Data))
	if err != nil {
		return nil, err
	}
	who := api.UnixCaller(os.Getuid(), owner)
	if who.Owner {
		return nil, nil
	}
	k, ok := office.ClerkFor(who.Unix)
	if !ok || !k.ReadsContent() {
		return nil, fmt.Errorf("%w: only the owner of %s, root and clerks of office.yaml who handle letters read the book", registry.ErrForbidden, cfg.Data)
	}
	return office.Viewer(k.Login), nil
}

// counting prints how far a long run is, rarely, to the side.
func (e *env) counting(what string) func(done int64) {
	last := e.now()
	return func(done int64) {
		if now := e.now(); now.Sub(last) >= 10*time.Second {
			last = now
			fmt.Fprintf(e.stderr, "%d %s\n", done, what)
		}
	}
}
