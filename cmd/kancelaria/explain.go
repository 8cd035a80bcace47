package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"kancelaria/gateway/api"
	"kancelaria/registry"
	"kancelaria/rules"
)

// explainer says what the rules make of letters.
type explainer struct{ *house }

// Explain reads a letter that is in no book as if it came by mail now.
func (x explainer) Explain(ctx context.Context, letter io.Reader, whyNot string) (string, error) {
	raw, err := io.ReadAll(letter)
	if err != nil {
		return "", fmt.Errorf("reading the letter: %w", err)
	}
	it, doc := byMail(ctx, x.reader, x.orders.office(), raw)
	it.ID, it.AcceptedAt, it.Node = registry.NewItemID(x.now()), x.now().UTC(), x.cfg.Node
	facts, err := x.facts.Facts(ctx, it, doc)
	if err != nil {
		return "", err
	}
	set := x.orders.rules()
	return explain(set.Decide(it, doc, facts), set, whyNot)
}

// Explained says why an entry was decided as it was, under the rules of then.
func (x explainer) Explained(ctx context.Context, d registry.Decision, whyNot string) (string, error) {
	set, err := x.sets.of(ctx, d)
	if err != nil {
		return "", err
	}
	return explain(d, set, whyNot)
}

func explain(d registry.Decision, set *rules.Set, whyNot string) (string, error) {
	switch {
	case whyNot != "" && set == nil:
		return "", fmt.Errorf("%w: the rules %.8s by which it was decided are not in the book", registry.ErrNotFound, d.RulesDigest)
	case whyNot != "":
		return rules.WhyNot(d, set, whyNot)
	}
	return rules.Explain(d, set), nil
}

func (c *rulesExplainCmd) Run(e *env) error {
	show := func(x api.Explanation) error {
		_, err := fmt.Fprintln(e.stdout, x.Text)
		return err
	}
	q := map[string][]string{"why_not": {c.WhyNot}}
	if _, err := registry.ParseNumber(c.What); err == nil {
		return ask(e, "entries/"+escaped(c.What)+"/explanation", q, show)
	}
	f, err := os.Open(c.What)
	if errors.Is(err, os.ErrNotExist) {
		return withCode(exitUsage, fmt.Errorf("%s is neither a register number nor a file", c.What))
	}
	if err != nil {
		return fmt.Errorf("opening the letter: %w", err)
	}
	defer f.Close()
	o, err := e.office(false)
	if err != nil {
		return err
	}
	return e.closing(o, func() error {
		body, err := o.do(e.ctx, "POST", "explain?why_not="+c.WhyNot, "message/rfc822", f)
		if err != nil {
			return err
		}
		return print(e, body, show)
	})
}
