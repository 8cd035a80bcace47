package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"

	"kancelaria/gateway/api"
)

type listCmd struct {
	Since      string `placeholder:"WHEN" help:"Registered at or after: a day, an instant, or a span back (30d)."`
	Until      string `placeholder:"WHEN" help:"Registered before; a day counts whole."`
	Register   string `help:"Of one register."`
	Department string `help:"Of one department."`
	Clerk      string `help:"Of one clerk."`
	Class      string `help:"Of one class of the file plan."`
	Status     string `help:"registered, assigned, accepted, to_complete, forwarded, closed or annulled."`
	Flag       string `help:"With a flag; \"kancelaria help flags\" names them."`
	Case       string `help:"In a case or folder."`
	Limit      int    `default:"100" help:"At most so many."`
}

func (c *listCmd) Run(e *env) error {
	q := url.Values{}
	for key, v := range map[string]string{
		"since": c.Since, "until": c.Until, "register": c.Register, "department": c.Department, "clerk": c.Clerk,
		"class": c.Class, "status": c.Status, "flag": c.Flag, "case": c.Case,
	} {
		if v != "" {
			q.Set(key, v)
		}
	}
	q.Set("limit", strconv.Itoa(c.Limit))
	return listing(e, "entries", q)
}

type searchCmd struct {
	Words []string `arg:"" help:"Words to find; a * at the end stands for any ending."`
	Limit int      `default:"100" help:"At most so many."`
}

func (c *searchCmd) Run(e *env) error {
	return listing(e, "search", url.Values{"q": {strings.Join(c.Words, " ")}, "limit": {strconv.Itoa(c.Limit)}})
}

// listing prints entries, one a line.
func listing(e *env, path string, q url.Values) error {
	tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
	err := ask(e, path, q, func(v api.Entry) error {
		who := v.Clerk
		if who == "" {
			who = v.Department
		}
		_, err := fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			v.Number, v.ReceivedOn, v.Status, dash(v.Class), dash(who), dash(v.Due), cell(v.Title, 60), flags(v))
		return err
	})
	return flushed(tab, err)
}

func flags(v api.Entry) string {
	words := make([]string, len(v.Flags))
	for i, f := range v.Flags {
		words[i] = string(f)
	}
	return strings.Join(words, " ")
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// cell makes foreign text safe for a terminal: one line, no controls, bounded.
func cell(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}
