package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// show prints what became of the plays, one line each, in aligned columns.
func show(w io.Writer, plays []*play, full bool) {
	rows := [][]string{{"LETTER OR SCAN", "NUMBER", "CASE", "CLASS", "DEPT", "CLERK", "DEADLINE", "FLAGS", "WHY"}}
	for _, p := range plays {
		rows = append(rows, row(p, full))
	}
	writeTable(w, rows)
}

func row(p *play, full bool) []string {
	e := p.Entry
	if e == nil {
		return []string{p.Name, "…", "", "", "", "", "", "", p.ID}
	}
	number, because := e.Number, e.Decision.Because
	if number == "" {
		number, because = e.Disposition, e.Because
	}
	if !full && len(because) > 1 {
		because = because[:1]
	}
	return []string{p.Name, number, e.Case, e.Class, e.Department, e.Clerk, e.Due, strings.Join(e.Flags, " "), strings.Join(because, "; ")}
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
