package bench_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A goal is a ratio to another subject in the same round. Goals are measured
// here and asserted nowhere.
type goal struct {
	what           string
	subject, other string
	cell           cell
	least          float64
}

var goals = []goal{
	{"safe before 250", acceptSQLite, postfix, cell{"4KB", 1}, 2},
	{"safe before 250", acceptSQLite, postfix, cell{"4KB", 8}, 4},
	{"safe before 250", acceptSQLite, postfix, cell{"4KB", 64}, 7},
	{"safe before 250", acceptSQLite, postfix, cell{"60KB", 8}, 2},
	{"safe before 250", acceptSQLite, postfix, cell{"1MB", 8}, 0.9},
	{"numbered before 250", numberSQLite, acceptSQLite, cell{"4KB", 64}, 0.6},
	{"numbered before 250", numberPostgres, acceptPostgres, cell{"4KB", 64}, 0.6},
}

// A spread is the least, the median and the most of several values.
type spread struct{ Min, Median, Max float64 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	slices.Sort(values)
	return spread{values[0], values[len(values)/2], values[len(values)-1]}
}

func (r *run) values(subject string, c cell, of func(figure) float64) []float64 {
	var values []float64
	for _, f := range r.Figures {
		if f.Subject == subject && f.Cell == c {
			values = append(values, of(f))
		}
	}
	return values
}

// ratios pairs the figures of each round.
func (r *run) ratios(subject, other string, c cell) []float64 {
	var ratios []float64
	for _, a := range r.Figures {
		for _, b := range r.Figures {
			if a.Subject == subject && b.Subject == other && a.Cell == c && b.Cell == c && a.Round == b.Round && b.PerSecond > 0 {
				ratios = append(ratios, a.PerSecond/b.PerSecond)
			}
		}
	}
	return ratios
}

func (r *run) subjects() (names []string) {
	for _, f := range r.Figures {
		if !slices.Contains(names, f.Subject) {
			names = append(names, f.Subject)
		}
	}
	slices.Sort(names)
	return names
}

func (r *run) cells() (cells []cell) {
	for _, f := range r.Figures {
		if !slices.Contains(cells, f.Cell) {
			cells = append(cells, f.Cell)
		}
	}
	return cells
}

// write leaves bench.json, bench.md and bench.svg in dir.
func (r *run) write(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"bench.json": string(raw), "bench.md": r.table(), "bench.svg": r.picture()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("the table and the picture are in %s\n\n%s", dir, r.table())
}

func (r *run) table() string {
	var b strings.Builder
	sync := spreadOf(slices.Clone(r.Syncs))
	fmt.Fprintf(&b, "%s; commit %s\n\nThe disk's own sync of 4 KB: p50 %.2f ms (%.2f to %.2f over the rounds), p99 up to %.2f ms; %d noisy rounds were put off.\n",
		r.Machine, r.Commit, sync.Median, sync.Min, sync.Max, r.SyncP99, r.Noisy)
	for peer, why := range r.Missing {
		fmt.Fprintf(&b, "\nMissing: %s, %s\n", peer, why)
	}
	for peer, version := range r.Peers {
		fmt.Fprintf(&b, "\n%s: version %s", peer, version)
	}
	b.WriteString("\n\n| letters | subject | to 250 /s (min–max) | × Postfix (min–max) | registered /s | p50 ms | p99 ms | CPU µs a letter | memory MB |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range r.cells() {
		for _, s := range r.subjects() {
			r.line(&b, s, c)
		}
	}
	b.WriteString("\n| goal | letters | ratio, median (min–max) | wanted | |\n|---|---|---|---|---|\n")
	for _, g := range goals {
		paired := r.ratios(g.subject, g.other, g.cell)
		if len(paired) == 0 {
			continue // not measured this time
		}
		ratio := spreadOf(paired)
		verdict := "reached"
		if ratio.Median < g.least {
			verdict = "SHORT"
		}
		fmt.Fprintf(&b, "| %s: %s / %s | %s | %.2f (%.2f–%.2f) | ≥ %.1f | %s |\n", g.what, g.subject, g.other, g.cell, ratio.Median, ratio.Min, ratio.Max, g.least, verdict)
	}
	return b.String()
}

func (r *run) line(b *strings.Builder, subject string, c cell) {
	rate := spreadOf(r.values(subject, c, func(f figure) float64 { return f.PerSecond }))
	against := "–"
	if paired := r.ratios(subject, postfix, c); len(paired) > 0 {
		ratio := spreadOf(paired)
		against = fmt.Sprintf("%.2f (%.2f–%.2f)", ratio.Median, ratio.Min, ratio.Max)
	}
	median := func(of func(figure) float64) float64 { return spreadOf(r.values(subject, c, of)).Median }
	registered := "–"
	if n := median(func(f figure) float64 { return f.Registered }); n > 0 {
		registered = fmt.Sprintf("%.0f", n)
	}
	fmt.Fprintf(b, "| %s | %s | %.0f (%.0f–%.0f) | %s | %s | %.2f | %.2f | %.0f | %.0f |\n",
		c, subject, rate.Median, rate.Min, rate.Max, against, registered,
		median(func(f figure) float64 { return f.P50 }), median(func(f figure) float64 { return f.P99 }),
		median(func(f figure) float64 { return f.CPU }), median(func(f figure) float64 { return f.Memory }))
}
