package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway"
	"kancelaria/registry"
	"kancelaria/rules"
)

// maxRules bounds office.yaml and rules.yaml before they are looked at.
const maxRules = 4 << 20

// orders are the office and rules in force. A reload that fails leaves the old
// ones and says why in Problem.
type orders struct {
	cfg     *config.Config
	current atomic.Pointer[inForce]
	before  atomic.Pointer[inForce] // what a letter in hand during a reload cites
	problem atomic.Pointer[string]
	failed  atomic.Int64 // reloads that were refused since the start
}

type inForce struct {
	office *registry.Office
	set    *rules.Set
	source []byte // of office.yaml
}

// files are what decisions of the set cite.
func (f *inForce) files(cfg *config.Config) []gateway.RuleFile {
	return []gateway.RuleFile{
		{Kind: gateway.OfficeFile, Name: filepath.Base(string(cfg.Office)), Digest: f.office.Digest, Content: f.source},
		{Kind: gateway.RulesFile, Name: filepath.Base(string(cfg.Rules)), Digest: f.set.Digest(), Content: f.set.Source()},
	}
}

// loadOrders reads both files; it fails on any error in them.
func loadOrders(cfg *config.Config) (*orders, error) {
	o := &orders{cfg: cfg}
	next, complaints, err := readOrders(cfg)
	if err != nil {
		return nil, err
	}
	if err := failing(complaints); err != nil {
		return nil, err
	}
	o.current.Store(next)
	return o, nil
}

func (o *orders) office() *registry.Office { return o.current.Load().office }

func (o *orders) rules() *rules.Set { return o.current.Load().set }

// files gives what a decision cites: of the set in force, or of the one before.
func (o *orders) files(c gateway.Cited) []gateway.RuleFile {
	for _, f := range []*inForce{o.current.Load(), o.before.Load()} {
		if f != nil && f.set.Digest() == c.Rules && f.office.Digest == c.Office {
			return f.files(o.cfg)
		}
	}
	return nil
}

// Problem says what the last reload complained of, or "".
func (o *orders) Problem() string {
	if p := o.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// reload takes both files or neither.
func (o *orders) reload() error {
	next, complaints, err := readOrders(o.cfg)
	if err == nil {
		err = failing(complaints)
	}
	text := ""
	if err != nil {
		text = err.Error()
		o.failed.Add(1)
	} else {
		o.before.Store(o.current.Load())
		o.current.Store(next)
	}
	o.problem.Store(&text)
	return err
}

// A filed complaint is one of office.yaml (exit 3) or of rules.yaml (exit 4).
type filed struct {
	rules.Complaint
	code int
}

// readOrders reads both files and gives what stands in them with every
// complaint, warnings too.
func readOrders(cfg *config.Config) (*inForce, []filed, error) {
	var all []filed
	note := func(code int, cs []rules.Complaint) {
		for _, c := range cs {
			all = append(all, filed{c, code})
		}
	}
	data, err := readBounded(string(cfg.Office))
	if err != nil {
		return nil, nil, withCode(exitConfig, err)
	}
	office, complaints := rules.LoadOffice(filepath.Base(string(cfg.Office)), data)
	note(exitConfig, complaints)
	if rules.Failed(complaints) {
		return nil, all, nil
	}
	office.Zone, office.Language = cfg.Zone, cfg.Language
	source := data
	if data, err = readBounded(string(cfg.Rules)); err != nil {
		return nil, nil, withCode(exitConfig, err)
	}
	set, complaints := rules.Load(filepath.Base(string(cfg.Rules)), data, office)
	note(exitRules, complaints)
	return &inForce{office, set, source}, all, nil
}

func readBounded(file string) ([]byte, error) {
	st, err := os.Stat(file)
	if err == nil && st.Size() > maxRules {
		return nil, fmt.Errorf("%s is over %d bytes: not a file of ours", file, maxRules)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Base(file), err)
	}
	return data, nil
}

// failing turns complaints into an error with the exit code of the worst.
func failing(all []filed) error {
	text, code := "", 0
	for _, c := range all {
		if c.Warning {
			continue
		}
		if text != "" {
			text += "\n"
		}
		text += c.String()
		if code == 0 || c.code < code {
			code = c.code
		}
	}
	if code == 0 {
		return nil
	}
	return withCode(code, fmt.Errorf("%s", text))
}
