package main

import (
	"fmt"
	"net/url"
	"strings"

	"kancelaria/gateway/api"
)

type archiveEraseCmd struct {
	What  string `arg:"" help:"A register number or an item id."`
	Why   string `required:"" enum:"category_expired,court_order,classified" help:"The reason, of a closed list: ${enum}. For classified papers two persons give the order, one after the other."`
	Agree bool   `name:"i-know-it-is-for-ever" help:"Nothing brings the bytes back, here or from a backup."`
	signed
}

// Run orders an erasure through whoever holds the archive: the daemon, or
// without one the owner of the data.
func (c *archiveEraseCmd) Run(e *env) error {
	if !c.Agree {
		return withCode(exitUsage, fmt.Errorf("an erasure is for ever: read \"kancelaria help erasure\" and add --i-know-it-is-for-ever"))
	}
	office, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(office, func() error {
		order := api.EraseOrder{Reason: c.Why, Text: c.Reason, By: c.By}
		body, err := office.post(e.ctx, "items/"+url.PathEscape(c.What)+"/erase", order)
		if err != nil {
			return err
		}
		return print(e, body, func(done api.Erasure) error { return showErasure(e, done) })
	})
}

func showErasure(e *env, done api.Erasure) error {
	if done.State == api.ErasureOrdered {
		_, err := fmt.Fprintf(e.stdout, "item %s: %s has ordered its erasure; another person must give the same order within seven days\n", done.ItemID, done.OrderedBy)
		return err
	}
	what := "item " + done.ItemID
	if done.Number != "" {
		what = done.Number + ", " + what
	}
	_, err := fmt.Fprintf(e.stdout, "%s erased, leaf %d; a tombstone stays\n", what, done.Leaf)
	if err == nil && len(done.Redelivered) > 0 {
		_, err = fmt.Fprintf(e.stdout, "with it what had come again: %s\n", strings.Join(done.Redelivered, ", "))
	}
	return err
}
