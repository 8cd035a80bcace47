package main

import (
	"fmt"

	"kancelaria/gateway/api"
	"kancelaria/registry"
)

type handoverCmd struct {
	From string `arg:"" help:"The clerk who leaves, also one who stands in office.yaml no longer."`
	To   string `arg:"" help:"The clerk who takes over."`
	signed
}

// Run hands over. To do it again is harmless: it moves what came meanwhile.
func (c *handoverCmd) Run(e *env) error {
	o, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(o, func() error {
		body, err := o.post(e.ctx, "acts", api.Act{Kind: registry.ActHandover, Subject: c.From, To: c.To, By: c.By, Reason: c.Reason})
		if err != nil {
			return err
		}
		return print(e, body, func(out registry.Outcome) error {
			_, err := fmt.Fprintf(e.stdout, "%s has handed over to %s, leaf %d: %d open entries moved.\nWhat comes for %s from now on goes to %s. Take %s out of office.yaml when you next change it.\n",
				c.From, c.To, out.Leaf, out.Moved, c.From, c.To, c.From)
			return err
		})
	})
}
