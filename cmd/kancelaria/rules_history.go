package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"text/tabwriter"

	"kancelaria/gateway/api"
	"kancelaria/registry"
)

type rulesHistoryCmd struct{}

// Run lists the files by which letters were decided, and which of them are in
// force.
func (c *rulesHistoryCmd) Run(e *env) error {
	_, force, _, err := ruleFiles(e, "")
	if err != nil {
		return err
	}
	now := map[string]bool{}
	if force != nil && force.set != nil {
		now[force.set.Digest().String()], now[force.office.Digest.String()] = true, true
	}
	tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	err = ask(e, "rules", nil, func(s api.RuleSet) error {
		mark := ""
		if now[s.Digest] {
			mark = "as on the disk"
		}
		_, err := fmt.Fprintf(tab, "%s\t%.12s\t%s\tleaf %d\t%d bytes\t%s\n", s.Name, s.Digest, s.Since, s.Leaf, s.Size, mark)
		return err
	})
	return flushed(tab, err)
}

type rulesDiffCmd struct {
	Was string `arg:"" help:"A digest as history shows it, or a file."`
	Now string `arg:"" optional:"" help:"Another; default: the office's file on the disk."`
}

// Run prints what was taken out and put in, and exits with 6 if anything was.
func (c *rulesDiffCmd) Run(e *env) error {
	was, err := c.read(e, c.Was)
	if err != nil {
		return err
	}
	now, err := c.other(e, was)
	if err != nil {
		return err
	}
	changes, err := diffLines(was.Text, now.Text)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return nil
	}
	if err := printDiff(e.stdout, title(was), title(now), changes); err != nil {
		return err
	}
	return silent{exitFindings}
}

func title(s api.RuleSet) string {
	if s.Digest == "" {
		return s.Name
	}
	return fmt.Sprintf("%s %.12s of %s", s.Name, s.Digest, s.Since)
}

// other reads the second file: the one named, or that of the disk which is of
// the same kind as the first.
func (c *rulesDiffCmd) other(e *env, was api.RuleSet) (api.RuleSet, error) {
	if c.Now != "" {
		return c.read(e, c.Now)
	}
	cfg, err := e.config()
	if err != nil {
		return api.RuleSet{}, err
	}
	if was.Kind == "office" {
		return readRuleText(string(cfg.Office))
	}
	return readRuleText(string(cfg.Rules))
}

// read takes a file of the disk, if there is one of that name, else one of the
// book.
func (c *rulesDiffCmd) read(e *env, name string) (api.RuleSet, error) {
	s, err := readRuleText(name)
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return s, err
	}
	err = ask(e.quiet(), "rules/"+url.PathEscape(name), nil, func(found api.RuleSet) error { s = found; return nil })
	if errors.Is(err, registry.ErrNotFound) {
		err = withCode(exitUsage, fmt.Errorf("%s is neither a file nor the digest of one in the book; \"kancelaria rules history\" lists them", name))
	}
	return s, err
}

func readRuleText(file string) (api.RuleSet, error) {
	data, err := readBounded(file)
	return api.RuleSet{Name: base(file), Text: string(data)}, err
}

// quiet is the environment of a question whose answer is not printed.
func (e *env) quiet() *env {
	c, quiet := *e.cli, *e
	c.JSON = false
	quiet.cli, quiet.stdout = &c, io.Discard
	return &quiet
}
