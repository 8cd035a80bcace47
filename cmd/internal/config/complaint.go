package config

import (
	"strings"

	"kancelaria/rules"
)

// A Complaint is one thing wrong in a file, as the other two files have it.
type Complaint = rules.Complaint

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
