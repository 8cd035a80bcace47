package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"sync/atomic"

	"kancelaria/cmd/internal/config"
	"kancelaria/gateway"
	"kancelaria/registry"
	"kancelaria/rules"
)

// orders are the office and rules in force: what the files say, and what
// handovers have changed since. A reload that fails leaves the old ones and
// says why in Problem.
type orders struct {
	cfg     *config.Config
	current atomic.Pointer[inForce]
	before  atomic.Pointer[inForce] // what a letter in hand during a reload cites
	problem atomic.Pointer[string]
	failed  atomic.Int64 // reloads that were refused since the start

	mu    sync.Mutex
	filed *inForce             // as the files say; guarded by mu
	left  registry.Successions // guarded by mu
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
	next, complaints, err := readOrders(cfg)
	if err != nil {
		return nil, err
	}
	if err := failing(complaints); err != nil {
		return nil, err
	}
	o := &orders{cfg: cfg, filed: next}
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

// reload takes both files or neither. It asks nobody but the disk, so that it
// works while the book is closed.
func (o *orders) reload() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	next, complaints, err := readOrders(o.cfg)
	if err == nil {
		err = failing(complaints)
	}
	if err == nil {
		err = o.put(next, o.left)
	}
	text := ""
	if err != nil {
		text = err.Error()
		o.failed.Add(1)
	}
	o.problem.Store(&text)
	return err
}

// succeed takes over who took over from whom.
func (o *orders) succeed(left registry.Successions) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if maps.Equal(left, o.left) {
		return nil
	}
	return o.put(o.filed, left)
}

// put brings files and handovers into force together. The rules are read anew
// for the office that comes out: they hold to one.
func (o *orders) put(filed *inForce, left registry.Successions) error {
	next := filed
	if office := filed.office.InForce(left); office != filed.office {
		set, complaints := rules.Load(filepath.Base(string(o.cfg.Rules)), filed.set.Source(), office)
		if set == nil {
			return fmt.Errorf("the rules do not fit the office as handovers have changed it: %s", complaints[0])
		}
		next = &inForce{office, set, filed.source}
	}
	o.filed, o.left = filed, left
	o.before.Store(o.current.Load())
	o.current.Store(next)
	return nil
}

// gone says whether a clerk has handed over, and when.
func (o *orders) gone(login string) (registry.Day, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s, ok := o.left[login]
	return s.On, ok
}
