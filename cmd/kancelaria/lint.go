package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry"
	"kancelaria/rules"
)

// ruleFiles reads the office's files, with another rules file if one is named.
// The configuration that comes back names that one.
func ruleFiles(e *env, file string) (*config.Config, *inForce, []filed, error) {
	cfg, err := e.config()
	if err != nil {
		return nil, nil, nil, err
	}
	if file != "" {
		other := *cfg
		other.Rules = absolute(file)
		cfg = &other
	}
	force, complaints, err := readOrders(cfg)
	return cfg, force, complaints, err
}

// absencesAhead is for how many days ahead somebody must stand in for whoever
// is away.
const absencesAhead = 14

// outlook finds clerks who will be away and for whom nobody stands in.
func (f *inForce) outlook(cfg *config.Config, now time.Time) []filed {
	var all []filed
	today := registry.DayOf(now, cfg.Zone)
	for _, c := range rules.AbsencesWithoutDeputy(filepath.Base(string(cfg.Office)), f.source, today, absencesAhead) {
		all = append(all, filed{c, exitConfig})
	}
	return all
}

// Run prints every finding. Warnings are no reason to fail.
func (c *rulesLintCmd) Run(e *env) error {
	cfg, force, complaints, err := ruleFiles(e, c.File)
	if err != nil {
		return err
	}
	if force != nil && force.set != nil {
		more, err := c.more(e, cfg, force)
		if err != nil {
			return err
		}
		complaints = append(complaints, more...)
	}
	for _, f := range complaints {
		if e.JSON {
			err = json.NewEncoder(e.stdout).Encode(f.Complaint)
		} else {
			_, err = fmt.Fprintln(e.stdout, f.String())
		}
		if err != nil {
			return err
		}
	}
	if failing(complaints) != nil {
		return silent{exitRules}
	}
	return nil
}

// more is what only a set that can be used shows.
func (c *rulesLintCmd) more(e *env, cfg *config.Config, force *inForce) ([]filed, error) {
	complaints := force.outlook(cfg, e.now())
	for _, f := range force.set.Lint() {
		complaints = append(complaints, filed{f, exitRules})
	}
	if c.History == "" {
		return complaints, nil
	}
	since, err := back(c.History, e.now(), cfg.Zone)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	past, err := e.history(cfg, force, since, func(replayed) error { return nil })
	if err != nil {
		return nil, err
	}
	for _, f := range past.Lint() {
		complaints = append(complaints, filed{f, exitRules})
	}
	return complaints, nil
}

// Run prints each test and, below one that failed, what differs.
func (c *rulesTestCmd) Run(e *env) error {
	cfg, force, complaints, err := ruleFiles(e, c.File)
	if err != nil {
		return err
	}
	if err := failing(complaints); err != nil {
		return err
	}
	failed := 0
	for _, r := range force.trials(e.ctx, cfg) {
		if e.JSON {
			err = json.NewEncoder(e.stdout).Encode(r)
		} else {
			_, err = fmt.Fprintln(e.stdout, r.String())
		}
		if err != nil {
			return err
		}
		if !r.Passed() {
			failed++
		}
	}
	if failed > 0 {
		return withCode(exitRules, fmt.Errorf("%d rule tests failed", failed))
	}
	return nil
}
