package rules

import (
	"fmt"
	"slices"
)

// DidYouMean words the remedy for a name that is none of those known: the
// nearest one, or the whole list if it is short.
func DidYouMean(name string, known []string) string {
	best, least := "", 1+max(1, len(name)/3)
	for _, k := range slices.Sorted(slices.Values(known)) {
		if d := distance(foldString(name), foldString(k)); d < least {
			best, least = k, d
		}
	}
	switch {
	case best != "":
		return fmt.Sprintf("did you mean %q?", best)
	case len(known) == 0:
		return ""
	case len(known) <= 12:
		return "known: " + joinSorted(known)
	default:
		return ""
	}
}

func joinSorted(list []string) string {
	out := ""
	for i, s := range slices.Sorted(slices.Values(list)) {
		if i > 0 {
			out += ", "
		}
		out += s
	}
	return out
}

// distance is the optimal string alignment distance over the first 64 bytes:
// insert, delete, replace, swap of neighbours.
func distance(a, b string) int {
	a, b = a[:min(len(a), 64)], b[:min(len(b), 64)]
	var rows [3][65]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur, prev, before := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}
