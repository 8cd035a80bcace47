package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"kancelaria/gateway/paper"
	"kancelaria/gateway/smtpd"
	"kancelaria/registry"
)

type reportCmd struct {
	Month  reportMonthCmd  `cmd:"" help:"A month in figures: paper against e-mail, in time against late, by department."`
	Person reportPersonCmd `cmd:"" help:"Everything the office holds about one person, and who looked at it."`
}

type reportMonthCmd struct {
	Month  string `arg:"" optional:"" placeholder:"YYYY-MM" help:"Default: the month before this one."`
	Output string `short:"o" placeholder:"FILE" help:"A PDF of one page; it must not be there yet."`
}

func (c *reportMonthCmd) Run(e *env) error {
	press, err := e.press()
	if err != nil {
		return err
	}
	if c.Month == "" {
		now := e.now().In(press.Office.Zone)
		c.Month = time.Date(now.Year(), now.Month()-1, 1, 0, 0, 0, 0, now.Location()).Format("2006-01")
	}
	asking := e
	if c.Output != "" {
		asking = e.quietly()
	}
	return ask(asking, "reports/month", url.Values{"month": {c.Month}}, func(m paper.Month) error {
		if c.Output == "" {
			return m.Text(e.stdout, press.Texts)
		}
		return e.newFile(c.Output, func(w io.Writer) error { return press.Month(w, m) })
	})
}

type reportPersonCmd struct {
	Who []string `arg:"" help:"An e-mail address, or a name."`
}

// Run asks for writing: each letter shown gets a mark that says so.
func (c *reportPersonCmd) Run(e *env) error {
	press, err := e.press()
	if err != nil {
		return err
	}
	o, err := e.office(true)
	if err != nil {
		return err
	}
	return e.closing(o, func() error {
		body, err := o.get(e.ctx, "reports/person", url.Values{"who": {strings.Join(c.Who, " ")}})
		if err != nil {
			return err
		}
		return print(e, body, func(p paper.Person) error { return p.Text(e.stdout, press.Texts, press.Office.Zone) })
	})
}

// A reporter makes reports out of the book and, about a person, the log of
// deliveries.
type reporter struct{ *house }

func (r reporter) reports() paper.Reports {
	return paper.Reports{Book: r.book, Office: r.orders.office, Now: r.now}
}

// Month implements api.Reporter.
func (r reporter) Month(ctx context.Context, v *registry.Viewer, first registry.Day) (any, error) {
	return r.reports().Month(ctx, v, first)
}

// mostDeliveries bounds what is listed of a person's mail server.
const mostDeliveries = 1000

// deliveriesKept is for how long the log of deliveries is.
const deliveriesKept = 2 * 366 * 24 * time.Hour

// Person implements api.Reporter.
func (r reporter) Person(ctx context.Context, v *registry.Viewer, asked string) (any, []string, error) {
	p, err := r.reports().Person(ctx, v, asked)
	if err != nil {
		return nil, nil, err
	}
	if strings.Contains(p.Asked, "@") {
		if err := r.deliveries(&p); err != nil {
			return nil, nil, fmt.Errorf("reading the log of deliveries: %w", err)
		}
	}
	var subjects []string
	for _, e := range p.Entries {
		subjects = append(subjects, e.Number)
	}
	for _, i := range p.Items {
		subjects = append(subjects, i.ItemID)
	}
	return p, subjects, nil
}

func (r reporter) deliveries(p *paper.Person) error {
	search := smtpd.Search{Sender: p.Asked, Since: r.now().Add(-deliveriesKept)}
	for d, err := range smtpd.FindDeliveries(filepath.Join(string(r.cfg.Data), "deliveries"), search) {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the mail door was never opened
		}
		if err != nil {
			return err
		}
		if len(p.Deliveries) == mostDeliveries {
			p.More = true
			return nil
		}
		p.Deliveries = append(p.Deliveries, paper.PersonDelivery{At: d.At, Peer: d.Peer, Code: d.Code, Answer: d.Answer})
	}
	return nil
}
