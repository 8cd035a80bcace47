package bench_test

import (
	"fmt"
	"html"
	"strings"
)

// picture draws one panel a cell: a bar a subject, as long as its median rate,
// with a whisker from its slowest to its fastest round.
func (r *run) picture() string {
	const labels, bars, row, head = 230, 380, 20, 40
	subjects, cells := r.subjects(), r.cells()
	panel := head + row*len(subjects)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n",
		labels+bars+90, panel*len(cells)+20)
	b.WriteString(`<rect width="100%" height="100%" fill="white"/>` + "\n")
	for i, c := range cells {
		top := i * panel
		fmt.Fprintf(&b, `<text x="10" y="%d" font-weight="bold">%s: letters a second to 250</text>`+"\n", top+28, html.EscapeString(c.String()))
		longest := 1.0
		for _, s := range subjects {
			longest = max(longest, r.rate(s, c).Max)
		}
		for j, s := range subjects {
			y := top + head + j*row
			rate := r.rate(s, c)
			scale := func(v float64) float64 { return v / longest * bars }
			fill := "#8a9bb0"
			if strings.HasPrefix(s, "kancelaria") {
				fill = "#2f6f4f"
			}
			fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, labels-8, y+12, html.EscapeString(s))
			fmt.Fprintf(&b, `<rect x="%d" y="%d" width="%.1f" height="14" fill="%s"/>`, labels, y, scale(rate.Median), fill)
			fmt.Fprintf(&b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="black"/>`, labels+scale(rate.Min), labels+scale(rate.Max), y+7, y+7)
			fmt.Fprintf(&b, `<text x="%.1f" y="%d">%.0f</text>`+"\n", labels+scale(rate.Max)+6, y+12, rate.Median)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func (r *run) rate(subject string, c cell) spread {
	return spreadOf(r.values(subject, c, func(f figure) float64 { return f.PerSecond }))
}
