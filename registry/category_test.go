package registry_test

import (
	"testing"

	"kancelaria/registry"
)

func TestPapersAreDisposableAfterTheFullYearsOfTheirCategory(t *testing.T) {
	closed := registry.Day{Year: 2026, Month: 3, Day: 5}
	for _, c := range []struct {
		category, from string
		closed         registry.Day
	}{
		{"B5", "2032-01-01", closed},
		{"B10", "2037-01-01", closed},
		{"B5", "", registry.Day{}}, // the case is open
		{"A", "", closed},
		{"BE5", "", closed},
		{"Bc", "", closed},
		{"B0", "", closed},
		{"B-5", "", closed},
		{"", "", closed},
	} {
		from, ok := registry.DisposableFrom(c.category, c.closed)
		if ok != (c.from != "") || ok && from.String() != c.from {
			t.Errorf("%s closed %s: %s, %v; want %q", c.category, c.closed, from, ok, c.from)
		}
	}
}
