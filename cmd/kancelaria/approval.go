package main

import (
	"cmp"
	"fmt"
	"net/url"
	"text/tabwriter"
	"time"

	"kancelaria/gateway/api"
	"kancelaria/registry"
)

type approvalCmd struct {
	Ask      approvalAskCmd      `cmd:"" help:"Ask a role to approve an entry's document."`
	List     approvalListCmd     `cmd:"" help:"Requests about an entry, and what became of them."`
	Show     approvalShowCmd     `cmd:"" help:"One request, with the certificate that answered it."`
	Withdraw approvalWithdrawCmd `cmd:"" help:"Take a request back."`
}

type approvalAskCmd struct {
	Number string `arg:"" help:"A register number."`
	Of     string `required:"" placeholder:"ROLE" help:"A role of approvers in office.yaml: burmistrz."`
	Part   string `placeholder:"PATH" help:"A part of the document; default: all of it, as it arrived."`
	Until  string `placeholder:"YYYY-MM-DD" help:"The last day; default: in two weeks."`
	signed
}

func (c *approvalAskCmd) Run(e *env) error {
	order := api.ApprovalOrder{Role: c.Of, Path: c.Part, Expires: c.Until, By: c.By, Reason: c.Reason}
	return orderApproval(e, c.Number, order, func(l api.ApprovalLine) error {
		_, err := fmt.Fprintf(e.stdout, "%s: %s is asked to approve SHA-256 %s until %s; request %s\n", l.Number, l.Request.Role, l.Request.Digest, l.Request.Expires, l.Request.ID)
		return err
	})
}

type approvalWithdrawCmd struct {
	Number string `arg:"" help:"A register number."`
	ID     string `arg:"" help:"The request, as approval list names it."`
	signed
}

func (c *approvalWithdrawCmd) Run(e *env) error {
	return orderApproval(e, c.Number, api.ApprovalOrder{Withdraw: c.ID, By: c.By, Reason: c.Reason}, func(o registry.Outcome) error {
		return showOutcome(e, "withdrawn", o)
	})
}

func orderApproval[T any](e *env, number string, order api.ApprovalOrder, show func(T) error) error {
	c, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(c, func() error {
		body, err := c.post(e.ctx, approvalsOf(number), order)
		if err != nil {
			return err
		}
		return print(e, body, show)
	})
}

func approvalsOf(number string) string { return "entries/" + url.PathEscape(number) + "/approvals" }

type approvalListCmd struct {
	Number string `arg:"" help:"A register number."`
}

func (c *approvalListCmd) Run(e *env) error {
	tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	err := ask(e, approvalsOf(c.Number), nil, func(l api.ApprovalLine) error {
		answered := ""
		if l.Answer != nil {
			answered = l.Answer.Login + " by " + l.Answer.Via + " at " + l.Answer.At.Format(time.RFC3339)
		}
		_, err := fmt.Fprintf(tab, "%s\t%s\t%s\tuntil %s\t%s\n", l.Request.ID, l.Request.Role, l.Status, l.Request.Expires, dash(answered))
		return err
	})
	return flushed(tab, err)
}

type approvalShowCmd struct {
	Number string `arg:"" help:"A register number."`
	ID     string `arg:"" optional:"" help:"The request; default: the newest."`
}

func (c *approvalShowCmd) Run(e *env) error {
	var found *api.ApprovalLine
	err := ask(e, approvalsOf(c.Number), nil, func(api.ApprovalLine) error { return nil }, func(l api.ApprovalLine) {
		if c.ID == "" || c.ID == l.Request.ID {
			found = &l
		}
	})
	if err != nil || e.JSON {
		return err
	}
	if found == nil {
		return fmt.Errorf("%w: no such request about %s", registry.ErrNotFound, c.Number)
	}
	r := found.Request
	fmt.Fprintf(e.stdout, "%s  %s  %s\nasked by %s at %s, until %s\nfile %s, %d bytes\nSHA-256 %s\n", r.ID, r.Role, found.Status, r.By, r.At.Format(time.RFC3339), r.Expires, cmp.Or(r.Name, "-"), r.Size, r.Digest)
	if a := found.Answer; a != nil {
		fmt.Fprintf(e.stdout, "answered by %s with %s, item %s, at %s\ncertificate SHA-256 %s\n", a.Login, a.Via, a.Item, a.At.Format(time.RFC3339), a.Certificate)
	}
	if s := found.Report; s != nil {
		fmt.Fprintf(e.stdout, "signature %s %s, covers %s, signer %s, revocation %s\n", s.Verdict, s.Reason, s.Covers, s.Signer.Name, cmp.Or(s.Revocation.State, "not_checked"))
	}
	if found.Tried > 0 {
		fmt.Fprintf(e.stdout, "%d answers did not count; see the events of %s\n", found.Tried, c.Number)
	}
	return nil
}
