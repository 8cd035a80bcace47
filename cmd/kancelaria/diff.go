package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// A lineChange is a line that is only in one of two texts.
type lineChange struct {
	sign byte // '-' or '+'
	line int  // in its text, from 1
	text string
}

// maxApart bounds the work of a comparison: files that differ in more lines
// have little to do with each other.
const maxApart = 4000

var errTooFarApart = errors.New("the two files differ in more than 4,000 lines; they cannot be compared line by line")

// diffLines gives the shortest way from one text to another (Myers, 1986): the
// lines to take out and to put in, in order.
func diffLines(was, now string) ([]lineChange, error) {
	a, b := strings.Split(was, "\n"), strings.Split(now, "\n")
	var trail [][]int // for each number of changes how far each diagonal got
	far := map[int]int{1: 0}
	for d := 0; d <= min(len(a)+len(b), maxApart); d++ {
		row := make([]int, 2*d+1)
		for k := -d; k <= d; k += 2 {
			x := far[k-1] + 1
			if k == -d || k != d && far[k-1] < far[k+1] {
				x = far[k+1]
			}
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			far[k], row[k+d] = x, x
			if x >= len(a) && x-k >= len(b) {
				return walkBack(a, b, append(trail, row)), nil
			}
		}
		trail = append(trail, row)
	}
	return nil, errTooFarApart
}

// walkBack follows the trail from the end to the beginning.
func walkBack(a, b []string, trail [][]int) []lineChange {
	var changes []lineChange
	x, y := len(a), len(b)
	for d := len(trail) - 1; d > 0; d-- {
		before, k := trail[d-1], x-y
		at := func(k int) int {
			if i := k + d - 1; i >= 0 && i < len(before) {
				return before[i]
			}
			return -1
		}
		from := k - 1
		if k == -d || k != d && at(k-1) < at(k+1) {
			from = k + 1
		}
		x, y = at(from), at(from)-from
		if from == k+1 {
			changes = append(changes, lineChange{'+', y + 1, b[y]})
		} else {
			changes = append(changes, lineChange{'-', x + 1, a[x]})
		}
	}
	slices.Reverse(changes)
	return changes
}

// printDiff writes the changes, each with its line.
func printDiff(w io.Writer, was, now string, changes []lineChange) error {
	_, err := fmt.Fprintf(w, "--- %s\n+++ %s\n", was, now)
	for _, c := range changes {
		if err == nil {
			_, err = fmt.Fprintf(w, "%c%5d  %s\n", c.sign, c.line, c.text)
		}
	}
	return err
}
