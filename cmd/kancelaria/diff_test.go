package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// apply does to a text what the changes say.
func apply(was string, changes []lineChange) string {
	lines := strings.Split(was, "\n")
	gone := map[int]bool{}
	for _, c := range changes {
		if c.sign == '-' {
			gone[c.line] = true
		}
	}
	var out []string
	for i, l := range lines {
		if !gone[i+1] {
			out = append(out, l)
		}
	}
	for _, c := range changes {
		if c.sign == '+' {
			out = slices.Insert(out, c.line-1, c.text)
		}
	}
	return strings.Join(out, "\n")
}

func TestChangesLeadFromOneTextToTheOther(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		lines := make([]string, rng.IntN(12))
		for i := range lines {
			lines[i] = string(rune('a' + rng.IntN(3)))
		}
		return strings.Join(lines, "\n")
	}
	for range 3000 {
		was, now := text(), text()
		changes, err := diffLines(was, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := apply(was, changes); got != now {
			t.Fatalf("from %q to %q: the changes give %q (%v)", was, now, got, changes)
		}
		if was == now && len(changes) > 0 {
			t.Fatalf("equal texts differ: %v", changes)
		}
	}
}

func TestTextsThatHaveNothingInCommonAreNotComparedForEver(t *testing.T) {
	if _, err := diffLines(strings.Repeat("a\n", 5000), strings.Repeat("b\n", 5000)); err == nil {
		t.Error("compared")
	}
}
