package main

import (
	"fmt"
	"strconv"
	"text/tabwriter"

	"kancelaria/gateway/api"
)

type statusCmd struct{}

func (statusCmd) Run(e *env) error {
	red := false
	err := ask(e, "status", nil, func(s api.Status) error {
		if !s.Running {
			fmt.Fprintln(e.stdout, "No daemon runs; this is what lies on the disk.")
		}
		tab := tabwriter.NewWriter(e.stdout, 0, 4, 2, ' ', 0)
		for _, l := range s.Lines {
			help := ""
			if l.Help != "" && l.Colour != "green" {
				help = "; see " + strconv.Quote(l.Help)
			}
			fmt.Fprintf(tab, "%s\t%s\t%s%s\n", l.Colour, l.Part, l.Text, help)
		}
		return tab.Flush()
	}, func(s api.Status) { red = s.Red() })
	if err == nil && red {
		return silent{exitFindings}
	}
	return err
}
