package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"kancelaria/gateway/api"
	"kancelaria/gateway/paper"
	"kancelaria/registry"
)

type labelsCmd struct {
	Numbers    []string `arg:"" optional:"" name:"number" help:"Entries: a number, or a run like 1/2026..24/2026."`
	Separators int      `placeholder:"N" help:"Print N sheets to lay between letters instead."`
	Used       int      `placeholder:"N" help:"How many labels of the first sheet are gone already."`
	Output     string   `short:"o" required:"" placeholder:"FILE" help:"The PDF; it must not be there yet."`
}

func (c *labelsCmd) Run(e *env) error {
	if (len(c.Numbers) > 0) == (c.Separators > 0) {
		return withCode(exitUsage, errors.New("name entries, or --separators N"))
	}
	press, err := e.press()
	if err != nil {
		return err
	}
	if c.Separators > 0 {
		var code string
		if err := ask(e.quietly(), "separator", nil, func(s api.Separator) error { code = s.Code; return nil }); err != nil {
			return err
		}
		return e.newFile(c.Output, func(w io.Writer) error { return press.Separators(w, code, c.Separators) })
	}
	var labels []paper.Label
	for _, run := range c.Numbers {
		found, err := e.labelsOf(run)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("%w: %s", registry.ErrNotFound, run)
		}
		labels = append(labels, found...)
	}
	return e.newFile(c.Output, func(w io.Writer) error { return press.Labels(w, labels, c.Used) })
}

type slipCmd struct {
	Number string `arg:"" help:"The entry."`
	Output string `short:"o" required:"" placeholder:"FILE" help:"The PDF; it must not be there yet."`
}

func (c *slipCmd) Run(e *env) error {
	press, err := e.press()
	if err != nil {
		return err
	}
	found, err := e.labelsOf(c.Number)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("%w: %s, or it is annulled", registry.ErrNotFound, c.Number)
	}
	return e.newFile(c.Output, func(w io.Writer) error { return press.Slip(w, found[0]) })
}

// press prints in the office's language.
func (e *env) press() (paper.Press, error) {
	cfg, err := e.config()
	if err != nil {
		return paper.Press{}, err
	}
	o, err := loadOrders(cfg)
	if err != nil {
		return paper.Press{}, err
	}
	return paper.Press{Office: o.office(), Texts: registry.Catalogue(cfg.Language), Now: e.now}, nil
}

// labelsOf asks for the codes of a number, or of a run of them.
func (e *env) labelsOf(run string) ([]paper.Label, error) {
	q := url.Values{}
	from, to, _ := strings.Cut(run, "..")
	q.Set("from", from)
	q.Set("to", to)
	var labels []paper.Label
	err := ask(e.quietly(), "labels", q, func(l api.Label) error {
		at, err := time.Parse(time.RFC3339, l.ReceivedAt)
		labels = append(labels, paper.Label{Number: l.Number, ReceivedOn: l.ReceivedOn, ReceivedAt: at, Parts: l.Parts, Code: l.Code, Slip: l.Slip})
		return err
	})
	return labels, err
}

// quietly is the command without --json: what is asked for is not for the
// reader but for the printer.
func (e *env) quietly() *env {
	c := *e.cli
	c.JSON = false
	quiet := *e
	quiet.cli = &c
	return &quiet
}

// newFile writes a file that is not there yet, whole or not at all.
func (e *env) newFile(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already; nothing was overwritten", name)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	_, err = fmt.Fprintln(e.stdout, name)
	return err
}
