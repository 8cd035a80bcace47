package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"text/tabwriter"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/drop"
	"kancelaria/gateway/drop/folder"
	"kancelaria/gateway/drop/share"
	"kancelaria/registry"
)

type sourceCmd struct {
	List sourceListCmd `cmd:"" help:"List watched folders and shares and how each is watched."`
	Test sourceTestCmd `cmd:"" help:"List, claim and release a probe file in a source."`
}

type sourceListCmd struct{}

func (sourceListCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	for _, p := range cfg.Drops {
		fmt.Fprintf(tab, "%s\t%s\t%s, every %s\tsettles in %s\n", p.Name, placeOf(p), modeOf(p), p.Every, p.Settle)
	}
	return tab.Flush()
}

// modeOf says how new files are noticed, and why not sooner.
func modeOf(p config.Drop) string {
	if p.SMB != "" {
		return "scan (SMB share, driver " + p.Driver + ", signing " + p.Signing + ")"
	}
	mode, why := folder.Mode(string(p.Folder))
	if why != "" {
		mode += " (" + why + ": nobody tells of new files there)"
	}
	return mode
}

type sourceTestCmd struct {
	Name string `arg:"" help:"As in kancelaria.yaml."`
}

func (c *sourceTestCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	for _, p := range cfg.Drops {
		if p.Name == c.Name {
			return testSource(e, p)
		}
	}
	return withCode(exitUsage, fmt.Errorf("there is no drop %q; \"kancelaria source list\" names them", c.Name))
}

// A step is one thing that a drop needs of its source.
type step struct {
	what string
	do   func(context.Context, drop.FS) error
	fix  string // what to do when it fails and the error does not say
}

// steps are what a file goes through, with a probe of our own.
func steps(p config.Drop, probe string) []step {
	list := step{"connect and list", func(ctx context.Context, fs drop.FS) error { _, err := fs.List(ctx, ""); return err }, "give the daemon's account the right to read"}
	if p.After.Leave {
		return []step{list}
	}
	claimed := probe + ".claimed"
	return []step{
		list,
		{"make our folder", func(ctx context.Context, fs drop.FS) error { return fs.MkdirAll(ctx, path.Dir(probe)) }, "give the daemon's account the right to write, or set after: {leave: true}"},
		{"write a probe", func(ctx context.Context, fs drop.FS) error { return fs.Write(ctx, probe, []byte("probe\n")) }, "look whether the disk is full"},
		{"claim it", func(ctx context.Context, fs drop.FS) error {
			h, err := fs.Claim(ctx, probe, claimed)
			if err != nil {
				return err
			}
			return h.Close()
		}, "give the daemon's account the right to rename (on Windows: modify)"},
		{"release it", func(ctx context.Context, fs drop.FS) error { return fs.Remove(ctx, claimed) }, "give the daemon's account the right to delete (on Windows: modify)"},
	}
}

// testSource does what a drop goes through with a file of our own, and says in
// words what is in the way.
func testSource(e *env, p config.Drop) error {
	fs, err := openSource(p, nil, e.now, e.log)
	if err != nil {
		return withCode(exitUnreachable, fmt.Errorf("%s cannot be opened: %w", placeOf(p), err))
	}
	defer fs.Close()
	for _, s := range steps(p, path.Join(".kancelaria", "probe-"+registry.NewItemID(e.now()).String())) {
		if err := s.do(e.ctx, fs); err != nil {
			return failedStep(p, s, err)
		}
		fmt.Fprintf(e.stdout, "ok  %s\n", s.what)
	}
	return nil
}

func failedStep(p config.Drop, s step, err error) error {
	code, fix := exitUnreachable, "; "+s.fix
	switch {
	case errors.Is(err, share.ErrLogon):
		code, fix = exitFailed, "; correct username, domain or password_file in kancelaria.yaml, or ask whoever runs the file server"
	case errors.Is(err, share.ErrSetting):
		code, fix = exitFailed, ""
	case errors.Is(err, drop.ErrFull):
		code, fix = exitFailed, "; make room there, or raise the account's quota"
	case errors.Is(err, drop.ErrPerm):
		code = exitFailed
	case p.SMB != "":
		fix = "; look whether the file server runs and lets this machine in (port 445)"
	}
	return withCode(code, fmt.Errorf("%s: cannot %s: %w%s", p.Name, s.what, err, fix))
}
