package main

import (
	"fmt"

	"kancelaria/gateway/api"
	"kancelaria/registry"
)

// signed is who acts and why: the same two flags on every act.
type signed struct {
	By     string `placeholder:"CLERK" help:"The clerk who acts. Default: whose login in office.yaml you are."`
	Reason string `placeholder:"TEXT" help:"Why; kept for ever."`
}

type acceptCmd struct {
	Number string `arg:"" help:"A register number."`
	signed
}

func (c *acceptCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActAccept, Number: c.Number, By: c.By, Reason: c.Reason})
}

type returnCmd struct {
	Number string `arg:"" help:"A register number."`
	signed
}

func (c *returnCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActReturn, Number: c.Number, By: c.By, Reason: c.Reason})
}

type forwardCmd struct {
	Number  string `arg:"" help:"A register number."`
	To      string `arg:"" help:"A clerk's login or a department; with --outside the name of another body."`
	Outside bool   `help:"Pass it on to another body (KPA art. 65)."`
	signed
}

func (c *forwardCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActForward, Number: c.Number, To: c.To, Outside: c.Outside, By: c.By, Reason: c.Reason})
}

type noteCmd struct {
	Number string `arg:"" help:"A register number."`
	Text   string `arg:"" help:"The note."`
	signed
}

func (c *noteCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActNote, Number: c.Number, Text: c.Text, By: c.By, Reason: c.Reason})
}

type dueCmd struct {
	Number string `arg:"" help:"A register number."`
	Day    string `arg:"" help:"YYYY-MM-DD."`
	signed
}

func (c *dueCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActDue, Number: c.Number, Due: c.Day, By: c.By, Reason: c.Reason})
}

type correctCmd struct {
	Number string            `arg:"" help:"A register number."`
	Fields map[string]string `arg:"" help:"FIELD=VALUE: title, sender.name, sender.email, sender.postal, letter_date, sender_ref, posted_on, remarks, access, received_at."`
	signed
}

func (c *correctCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActCorrect, Number: c.Number, Fields: c.Fields, By: c.By, Reason: c.Reason})
}

type closeCmd struct {
	Number string `arg:"" help:"A register number."`
	signed
}

func (c *closeCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActClose, Number: c.Number, By: c.By, Reason: c.Reason})
}

type annulCmd struct {
	Number string `arg:"" help:"A register number."`
	signed
}

func (c *annulCmd) Run(e *env) error {
	return act(e, api.Act{Kind: registry.ActAnnul, Number: c.Number, By: c.By, Reason: c.Reason})
}

// act does one thing and says what came of it.
func act(e *env, a api.Act) error {
	c, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(c, func() error {
		body, err := c.post(e.ctx, "acts", a)
		if err != nil {
			return err
		}
		return print(e, body, func(o registry.Outcome) error { return showOutcome(e, string(a.Kind), o) })
	})
}

func showOutcome(e *env, kind string, o registry.Outcome) error {
	what := o.Number.String()
	if what == "" {
		what = o.Folder
	}
	if o.State == registry.Repeated {
		kind += " already"
	}
	_, err := fmt.Fprintf(e.stdout, "%s %s, leaf %d", what, kind, o.Leaf)
	if err == nil && o.Case != "" {
		_, err = fmt.Fprintf(e.stdout, ", case %s", o.Case)
	}
	if err == nil && o.Clerk != "" {
		_, err = fmt.Fprintf(e.stdout, ", clerk %s", o.Clerk)
	}
	if err == nil {
		_, err = fmt.Fprintln(e.stdout)
	}
	return err
}
