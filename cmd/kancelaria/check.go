package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway/parse"
	"kancelaria/registry"
)

type checkCmd struct {
	Live bool   `help:"Also look at the book, the relay, folders and keys."`
	File string `arg:"" optional:"" placeholder:"FILE" help:"The configuration, as -c."`
}

func (c *checkCmd) Run(e *env) error {
	if c.File != "" {
		e.Config = c.File
	}
	cfg, err := e.config()
	if err != nil {
		return err
	}
	force, complaints, err := readOrders(cfg)
	if err != nil {
		return err
	}
	if force != nil {
		complaints = append(complaints, force.outlook(cfg, e.now())...)
	}
	for _, f := range complaints {
		if f.Warning {
			c.say(e, "warning", f.String())
		}
	}
	if err := failing(complaints); err != nil {
		return err
	}
	if err := c.test(e, cfg, force); err != nil {
		return err
	}
	if err := placeholders(cfg, force.office); err != nil {
		return err
	}
	if _, err := newSeal(cfg, time.Now, e.log); err != nil {
		return withCode(exitConfig, err)
	}
	if text, _ := parse.FindPrograms(e.ctx, "", cfg.Reading.OCR == "auto").Says(); strings.Contains(text, "install ") {
		if err := c.say(e, "missing", text); err != nil {
			return err
		}
	}
	if err := c.codes(e, cfg); err != nil {
		return err
	}
	if c.Live {
		if err := c.live(e, cfg, force.office); err != nil {
			return err
		}
	}
	found, err := c.book(e, cfg, force)
	if err != nil {
		return err
	}
	if err := c.say(e, "ok", fmt.Sprintf("%s, %s and %s: %d rules, all tests pass",
		base(cfg.File), base(string(cfg.Office)), base(string(cfg.Rules)), force.set.Len())); err != nil {
		return err
	}
	if found > 0 {
		return silent{exitFindings}
	}
	return nil
}

func (c *checkCmd) test(e *env, cfg *config.Config, force *inForce) error {
	failed := 0
	for _, r := range force.trials(e.ctx, cfg) {
		if !r.Passed() {
			failed++
			c.say(e, "failed", r.String())
		}
	}
	if failed > 0 {
		return withCode(exitRules, fmt.Errorf("%d rule tests failed; the daemon keeps the rules it has", failed))
	}
	return nil
}

func (c *checkCmd) say(e *env, kind, text string) error {
	if e.JSON {
		return json.NewEncoder(e.stdout).Encode(map[string]string{"kind": kind, "text": text})
	}
	_, err := fmt.Fprintf(e.stdout, "%-8s %s\n", kind, text)
	return err
}

// placeholders refuses an office that would write to residents with addresses
// that are not its own.
func placeholders(cfg *config.Config, office *registry.Office) error {
	if !cfg.Receipts.Enabled || strings.HasSuffix(office.Domain, ".example") {
		return nil // nobody is written to, or nobody who exists
	}
	for _, f := range []struct{ key, value string }{
		{"ade", office.ADE}, {"bip", office.BIP}, {"privacy", office.Privacy}, {"phone", office.Phone},
	} {
		if isPlaceholder(f.value) {
			return withCode(exitConfig, fmt.Errorf("%s: receipts are on, but office.%s is %q; fill it in, or write receipts: {enabled: false} into %s",
				base(string(cfg.Office)), f.key, f.value, base(cfg.File)))
		}
	}
	return nil
}
