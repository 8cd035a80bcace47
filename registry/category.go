package registry

import (
	"strconv"
	"strings"
	"time"
)

// DisposableFrom gives the day from which papers of an archival category may be
// disposed of: B and a number of full calendar years after the year in which
// their case was closed. There is no such day for A (kept for ever) and BE (an
// archivist looks first), nor for Bc and whatever else names no years (nobody
// but a person can say); then ok is false. Source: the classification of
// archival materials, ordinance of the Minister of Culture of 20 October 2015.
func DisposableFrom(category string, closed Day) (from Day, ok bool) {
	years, found := strings.CutPrefix(category, "B")
	n, err := strconv.Atoi(years)
	if !found || err != nil || n < 1 || n > 100 || closed.IsZero() {
		return Day{}, false
	}
	return Day{Year: closed.Year + n + 1, Month: time.January, Day: 1}, true
}
