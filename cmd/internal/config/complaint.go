package config

import (
	"fmt"
	"strings"
)

// A Complaint is one thing wrong in a file, with its place and remedy.
type Complaint struct {
	File         string
	Line, Column int // from 1; 0 when the file as a whole is meant
	Text         string
	Fix          string
}

// String gives file:line:column: text; fix.
func (c Complaint) String() string {
	place := c.File
	if c.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", c.File, c.Line, c.Column)
	}
	if c.Fix == "" {
		return place + ": " + c.Text
	}
	return place + ": " + c.Text + "; " + c.Fix
}

// Complaints are all that is wrong in a file; an error with one line for each.
type Complaints []Complaint

// Error implements error.
func (cs Complaints) Error() string {
	lines := make([]string, len(cs))
	for i, c := range cs {
		lines[i] = c.String()
	}
	return strings.Join(lines, "\n")
}

// nearest gives the known word closest to what was written, if close enough to
// have been meant.
func nearest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
