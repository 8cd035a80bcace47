package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"

	"kancelaria/gateway/api"
)

type outboxCmd struct {
	List  outboxListCmd  `cmd:"" help:"List what is to be sent, was sent, or could not be."`
	Retry outboxRetryCmd `cmd:"" help:"Send one again at once."`
}

type outboxListCmd struct {
	State string `help:"ready, leased, sent, dead or replayed."`
	Limit int    `default:"100" help:"At most so many."`
}

func (c *outboxListCmd) Run(e *env) error {
	tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	err := ask(e, "outbox", url.Values{"state": {c.State}, "limit": {strconv.Itoa(c.Limit)}}, func(o api.Outbox) error {
		_, err := fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", o.ID, o.Kind, dash(o.Number), o.Recipient, o.State, o.Attempts, cell(o.LastError, 80))
		return err
	})
	return flushed(tab, err)
}

type outboxRetryCmd struct {
	ID string `arg:"" help:"As outbox list shows it."`
}

func (c *outboxRetryCmd) Run(e *env) error { return poke(e, "outbox/"+url.PathEscape(c.ID)+"/retry") }

// poke asks for something that has no answer but done.
func poke(e *env, path string) error {
	c, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(c, func() error {
		body, err := c.do(e.ctx, http.MethodPost, path, "", nil)
		if err != nil {
			return err
		}
		return body.Close()
	})
}
