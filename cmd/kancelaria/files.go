package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"kancelaria/cmd/internal/config"
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
	problem atomic.Pointer[string]
}

type inForce struct {
	office *registry.Office
	set    *rules.Set
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
	} else {
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
	if data, err = readBounded(string(cfg.Rules)); err != nil {
		return nil, nil, withCode(exitConfig, err)
	}
	set, complaints := rules.Load(filepath.Base(string(cfg.Rules)), data, office)
	note(exitRules, complaints)
	return &inForce{office, set}, all, nil
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
