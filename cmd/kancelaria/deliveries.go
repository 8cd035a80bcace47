package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kancelaria/gateway/smtpd"
)

type deliveriesCmd struct {
	Sender string `help:"Part of the sender's address."`
	Since  string `default:"30d" placeholder:"WHEN" help:"A day, or a span back (30d, 4h)."`
}

// Run reads the log itself: it answers even while everything else is down.
func (c *deliveriesCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	since, err := back(c.Since, e.now(), cfg.Zone)
	if err != nil {
		return withCode(exitUsage, err)
	}
	search := smtpd.Search{Sender: c.Sender, Since: since}
	for d, err := range smtpd.FindDeliveries(filepath.Join(string(cfg.Data), "deliveries"), search) {
		if err != nil {
			return err
		}
		if e.JSON {
			if err := json.NewEncoder(e.stdout).Encode(d); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(e.stdout, "%s  %s  %s  %s -> %s  %d %s\n", d.At.In(cfg.Zone).Format(time.RFC3339), d.Peer, d.Command,
			dash(cell(d.Sender, 60)), cell(strings.Join(d.Recipients, ","), 80), d.Code, cell(d.Answer, 100))
	}
	return nil
}

// back reads a day or a span back from now.
func back(s string, now time.Time, zone *time.Location) (time.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 36500 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	return parseMoment(s, zone)
}
