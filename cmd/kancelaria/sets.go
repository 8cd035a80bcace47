package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"kancelaria/gateway"
	"kancelaria/registry"
	"kancelaria/rules"
)

// pastSets finds the set of rules by which something was decided: that in
// force, or an earlier one as the book keeps it.
type pastSets struct {
	book   finder
	orders *orders

	mu    sync.Mutex
	known map[gateway.Cited]*rules.Set // guarded by mu
}

// mostSets bounds how many sets are kept in mind; each may be of a megabyte.
const mostSets = 8

// of gives the set that made a decision; nil when the book does not have it.
func (p *pastSets) of(ctx context.Context, d registry.Decision) (*rules.Set, error) {
	if now := p.orders.rules(); now.Digest() == d.RulesDigest {
		return now, nil
	}
	key := gateway.Cited{Rules: d.RulesDigest, Office: d.OfficeDigest}
	p.mu.Lock()
	defer p.mu.Unlock()
	if set, ok := p.known[key]; ok {
		return set, nil
	}
	set, err := readSet(ctx, p.book, key)
	if err != nil {
		return nil, err
	}
	if p.known == nil || len(p.known) >= mostSets {
		p.known = map[gateway.Cited]*rules.Set{}
	}
	p.known[key] = set
	return set, nil
}

// A finder reads the book.
type finder interface {
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
}

// readSet reads a set and its office back from the book; nil when they are not
// there or this version cannot read them any more.
func readSet(ctx context.Context, book finder, key gateway.Cited) (*rules.Set, error) {
	rulesFile, err := readRuleFile(ctx, book, gateway.FileKey(gateway.RulesFile, key.Rules))
	if err != nil || rulesFile == nil {
		return nil, err
	}
	officeFile, err := readRuleFile(ctx, book, gateway.FileKey(gateway.OfficeFile, key.Office))
	if err != nil || officeFile == nil {
		return nil, err
	}
	office, complaints := rules.LoadOffice(officeFile.Text, officeFile.Content)
	if rules.Failed(complaints) {
		return nil, nil
	}
	set, _ := rules.Load(rulesFile.Text, rulesFile.Content, office)
	return set, nil
}

// readRuleFile gives the act that keeps a file; nil if the book has none.
func readRuleFile(ctx context.Context, book finder, key string) (*registry.Act, error) {
	page, err := book.Find(ctx, registry.Query{Of: registry.FindLine, Key: key, Limit: 1})
	if err != nil {
		return nil, fmt.Errorf("looking for the rules of then: %w", err)
	}
	if len(page.Leaves) == 0 {
		return nil, nil
	}
	var line registry.Line
	if err := json.Unmarshal(page.Leaves[0].Content, &line); err != nil || line.Draft.Act == nil {
		return nil, fmt.Errorf("%w: the leaf of %s cannot be read", registry.ErrCorrupt, key)
	}
	return line.Draft.Act, nil
}
