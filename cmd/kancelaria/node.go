package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kancelaria/gateway/api"
	"kancelaria/registry"
)

// followEvery is how soon a handover made through another gateway counts here.
const followEvery = 10 * time.Second

// follow keeps the office in force in step with the book until ctx ends.
func (d *daemon) follow(ctx context.Context) error {
	for {
		if err := d.refresh(ctx); err != nil && ctx.Err() == nil && !errors.Is(err, registry.ErrUnavailable) {
			d.log.Warn("office.not_refreshed", "err", err)
		}
		pause := time.NewTimer(followEvery)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil
		}
	}
}

// refresh takes over what was changed in the book of the office in force.
func (h *house) refresh(ctx context.Context) error {
	left, err := registry.ReadSuccessions(ctx, h.book)
	if err != nil {
		return err
	}
	return h.orders.succeed(left)
}

// gatewayLines say which other gateways there are. That two decide by different
// rules is a matter of minutes while files are handed out, and of trouble after.
func (k keeper) gatewayLines(ctx context.Context) []api.StatusLine {
	all, err := k.gateways(ctx)
	if err != nil {
		return nil // that the book is closed has a line of its own
	}
	delete(all, k.cfg.Node)
	if len(all) == 0 {
		return nil
	}
	return []api.StatusLine{compareGateways(all, k.orders.rules().Digest().String(), k.orders.office().Digest.String())}
}

func compareGateways(others map[string]presence, rules, office string) api.StatusLine {
	l := api.StatusLine{Part: "gateways", Colour: "green", Help: "kancelaria check", Facts: map[string]any{}}
	var said []string
	for node, p := range others {
		l.Facts[node] = p
		switch {
		case p.Rules != rules:
			said = append(said, fmt.Sprintf("%s decides by rules %.12s, this one by %.12s", node, p.Rules, rules))
		case p.Office != "" && p.Office != office:
			said = append(said, fmt.Sprintf("%s has office.yaml %.12s, this one %.12s", node, p.Office, office))
		case p.Rejected:
			said = append(said, node+" refuses the files on its disk")
		}
	}
	if len(said) == 0 {
		l.Text = fmt.Sprintf("%d others, which decide by the same rules", len(others))
		return l
	}
	slices.Sort(said)
	l.Colour, l.Text = "amber", strings.Join(said, "; ")
	return l
}
