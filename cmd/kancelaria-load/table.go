package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// show prints what became of the plays, one line each, in aligned columns.
func show(w io.Writer, plays []*play) {
	rows := [][]string{{"LETTER OR SCAN", "NUMBER", "CASE", "CLASS", "DEPT", "CLERK", "DEADLINE", "FLAGS", "WHY"}}
	for _, p := range plays {
		rows = append(rows, row(p))
	}
	writeTable(w, rows)
}

func row(p *play) []string {
	e := p.Entry
	if e == nil {
		return []string{p.Name, "…", "", "", "", "", "", "", p.ID}
	}
	number, why := e.Number, strings.Join(e.Decision.Because, "; ")
	if number == "" {
		number = "–"
		why = strings.Trim(e.Status+": "+why, ": ")
	}
	return []string{p.Name, number, e.Case, e.Class, e.Department, e.Clerk, e.Due, strings.Join(e.Flags, " "), why}
}

// writeTable aligns all columns but the last, which ends where it ends.
func writeTable(w io.Writer, rows [][]string) {
	var widths []int
	for _, r := range rows {
		for i, cell := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for i, cell := range r {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}
