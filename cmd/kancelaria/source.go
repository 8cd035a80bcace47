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
	"kancelaria/registry"
)

type sourceCmd struct {
	List sourceListCmd `cmd:"" help:"List watched folders and how each is watched."`
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
		mode, why := folder.Mode(string(p.Folder))
		if why != "" {
			mode += " (" + why + ": nobody tells of new files there)"
		}
		fmt.Fprintf(tab, "%s\t%s\t%s, every %s\tsettles in %s\n", p.Name, p.Folder, mode, p.Every, p.Settle)
	}
	return tab.Flush()
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

// testSource does what a drop goes through with a file of our own, and says in
// words what is in the way.
func testSource(e *env, p config.Drop) error {
	fs, err := folder.Open(string(p.Folder))
	if err != nil {
		return withCode(exitUnreachable, fmt.Errorf("%s cannot be opened: %w", p.Folder, err))
	}
	defer fs.Close()
	probe := path.Join(".kancelaria", "probe-"+registry.NewItemID(e.now()).String())
	for _, step := range []struct {
		what string
		do   func(context.Context) error
		fix  string
	}{
		{"list", func(ctx context.Context) error { _, err := fs.List(ctx, ""); return err }, "give the daemon's user the right to read the folder"},
		{"make our folder", func(ctx context.Context) error { return fs.MkdirAll(ctx, ".kancelaria") }, "give the daemon's user the right to write into the folder"},
		{"write a probe", func(ctx context.Context) error { return fs.Write(ctx, probe, []byte("probe\n")) }, "look whether the disk is full"},
		{"claim it", func(ctx context.Context) error { return fs.Rename(ctx, probe, probe+".claimed") }, "give the daemon's user the right to rename"},
		{"release it", func(ctx context.Context) error { return fs.Remove(ctx, probe+".claimed") }, "give the daemon's user the right to delete"},
	} {
		if err := step.do(e.ctx); err != nil {
			code := exitUnreachable
			if errors.Is(err, drop.ErrPerm) {
				code = exitFailed
			}
			return withCode(code, fmt.Errorf("%s: cannot %s: %w; %s", p.Name, step.what, err, step.fix))
		}
		fmt.Fprintf(e.stdout, "ok  %s\n", step.what)
	}
	return nil
}
