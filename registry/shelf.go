package registry

import (
	"cmp"
	"maps"
	"slices"
)

// A shelf holds the rows of one kind while drafts are folded: as loaded, and
// as changed since. What is asked for and was never loaded is noted as wanted;
// so the law itself says what it reads, and nobody keeps a second list of it.
type shelf[K comparable, V any] struct {
	loaded  map[K]V // the State's; never written to
	changed map[K]V
	wanted  map[K]bool
	size    int // how many rows are expected
}

func newShelf[K comparable, V any](loaded map[K]V, size int) shelf[K, V] {
	return shelf[K, V]{loaded: loaded, size: size}
}

// get gives the row as it stands now; the zero row if it is not there, or not
// loaded yet.
func (s *shelf[K, V]) get(k K) V {
	if v, ok := s.changed[k]; ok {
		return v
	}
	v, ok := s.loaded[k]
	if !ok {
		if s.wanted == nil {
			s.wanted = make(map[K]bool, s.size)
		}
		s.wanted[k] = true
	}
	return v
}

func (s *shelf[K, V]) set(k K, v V) {
	if s.changed == nil {
		s.changed = make(map[K]V, s.size)
	}
	s.changed[k] = v
}

// wants gives the keys that were asked for and not loaded.
func (s *shelf[K, V]) wants(less func(a, b K) int) []K {
	return sortedKeys(s.wanted, less)
}

// rows gives the changed rows, sorted by key.
func (s *shelf[K, V]) rows(less func(a, b K) int) []V {
	if len(s.changed) == 0 {
		return nil
	}
	out := make([]V, 0, len(s.changed))
	for _, k := range sortedKeys(s.changed, less) {
		out = append(out, s.changed[k])
	}
	return out
}

func sortedKeys[K comparable, V any](m map[K]V, less func(a, b K) int) []K {
	if len(m) == 0 {
		return nil
	}
	return slices.SortedFunc(maps.Keys(m), less)
}

func compareItems(a, b ItemID) int { return slices.Compare(a[:], b[:]) }

func compareSeries(a, b Series) int {
	return cmp.Or(cmp.Compare(a.Register, b.Register), cmp.Compare(a.Year, b.Year))
}

func compareNumbers(a, b Number) int {
	return cmp.Or(compareSeries(a.Series(), b.Series()), cmp.Compare(a.Seq, b.Seq))
}

func compareTraces(a, b TraceKey) int {
	return cmp.Or(cmp.Compare(a.Week, b.Week), cmp.Compare(a.Kind, b.Kind), slices.Compare(a.Key[:], b.Key[:]))
}

func compareCaseSeries(a, b CaseSeries) int {
	return cmp.Or(cmp.Compare(a.Department, b.Department), cmp.Compare(a.Class, b.Class),
		cmp.Compare(a.Group, b.Group), cmp.Compare(a.Year, b.Year))
}
