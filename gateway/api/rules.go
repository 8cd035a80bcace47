package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// A RuleSet is a file by which letters were decided, as the book keeps it.
type RuleSet struct {
	Kind   string `json:"kind"` // rules, office
	Name   string `json:"name"`
	Digest string `json:"digest"`
	Since  string `json:"since"` // when the first decision cited it
	Leaf   int64  `json:"leaf"`
	Size   int    `json:"size"`
	Text   string `json:"text,omitempty"` // of one alone
}

// ruleSets answers with all files, oldest first; the clerks may know by what
// letters were given to them.
func (a *API) ruleSets(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.viewer(r.Context()); err != nil {
		return err
	}
	out := newLines(w)
	return a.eachRuleSet(r.Context(), func(s RuleSet) error {
		s.Text = ""
		return out.write(s)
	})
}

// ruleSet answers with one file, named by at least four digits of its digest.
func (a *API) ruleSet(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.viewer(r.Context()); err != nil {
		return err
	}
	wanted := strings.ToLower(r.PathValue("digest"))
	if len(wanted) < 4 {
		return wrong("name at least four digits of the digest")
	}
	var found []RuleSet
	err := a.eachRuleSet(r.Context(), func(s RuleSet) error {
		if strings.HasPrefix(s.Digest, wanted) {
			found = append(found, s)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(found) == 0:
		return fmt.Errorf("%w: no decision cites a file %.70q; \"kancelaria rules history\" lists them", registry.ErrNotFound, wanted)
	case len(found) > 1:
		return wrong("%d files begin with %q; write more of the digest", len(found), wanted)
	}
	return newLines(w).write(found[0])
}

func (a *API) eachRuleSet(ctx context.Context, visit func(RuleSet) error) error {
	q := registry.Query{Of: registry.FindEvents, Subject: gateway.RuleFiles, Limit: 20}
	for {
		found, err := a.Book.Find(ctx, q)
		if err != nil {
			return fmt.Errorf("looking for the rules of the past: %w", err)
		}
		for _, leaf := range found.Leaves {
			kind, digest, ok := strings.Cut(leaf.Key, "/")
			var line registry.Line
			if !ok || json.Unmarshal(leaf.Content, &line) != nil || line.Draft.Act == nil {
				continue
			}
			act := line.Draft.Act
			if err := visit(RuleSet{
				Kind: kind, Name: act.Text, Digest: digest, Since: instant(leaf.At, a.Office().Zone), Leaf: leaf.Index,
				Size: len(act.Content), Text: string(act.Content),
			}); err != nil {
				return err
			}
		}
		if q.After = found.Next; q.After == "" {
			return nil
		}
	}
}
