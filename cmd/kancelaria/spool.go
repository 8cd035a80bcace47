package main

import (
	"fmt"
	"net/url"
	"text/tabwriter"

	"kancelaria/gateway/api"
)

type spoolCmd struct {
	List  spoolListCmd  `cmd:"" help:"List what is accepted and not settled."`
	Retry spoolRetryCmd `cmd:"" help:"Take up a parked item again."`
}

type spoolListCmd struct {
	Parked bool `help:"Only what was set aside for a person."`
}

func (c *spoolListCmd) Run(e *env) error {
	tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	err := ask(e, "spool", nil, func(i api.SpoolItem) error {
		if c.Parked && i.State != "parked" {
			return nil
		}
		_, err := fmt.Fprintf(tab, "%s\t%s\t%s\t%s\n", i.ItemID, i.AcceptedAt, i.State, cell(i.Why, 100))
		return err
	})
	return flushed(tab, err)
}

type spoolRetryCmd struct {
	Item string `arg:"" help:"An item id."`
}

func (c *spoolRetryCmd) Run(e *env) error { return poke(e, "spool/"+url.PathEscape(c.Item)+"/retry") }
