package registry

import (
	_ "embed"
	"maps"
	"strconv"
	"strings"
	"sync"
)

// What the law calls the deadlines is data, in the language of the law.
//
//go:embed deadlines.txt
var deadlines string

// StandardDeadlines gives the catalogue an office starts from, by code; it may
// change each row in its own file.
func StandardDeadlines() map[string]DeadlineRule { return maps.Clone(standardDeadlines()) }

// The catalogue is embedded, so that a row out of form is a fault of the
// program and found by its test.
var standardDeadlines = sync.OnceValue(func() map[string]DeadlineRule {
	rules := map[string]DeadlineRule{}
	for line := range strings.Lines(deadlines) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "|")
		if len(f) != 6 {
			panic("a deadline has six fields, not: " + line)
		}
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		n, err := strconv.Atoi(f[1])
		if err != nil {
			panic("a deadline has a length, not: " + line)
		}
		rules[f[0]] = DeadlineRule{Code: f[0], N: n, Unit: f[2], From: f[3], Basis: f[4], Name: f[5]}
	}
	return rules
})
