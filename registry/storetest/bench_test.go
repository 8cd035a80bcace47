package storetest

import (
	"fmt"
	"testing"

	"kancelaria/registry"
)

// batches makes n letters in groups as the committer does.
func batches(n, group int) [][]registry.Draft {
	var out [][]registry.Draft
	for from := 0; from < n; from += group {
		var batch []registry.Draft
		for i := from; i < min(from+group, n); i++ {
			batch = append(batch, Letter(i))
		}
		out = append(out, batch)
	}
	return out
}

// The law alone, the loading included: what a store adds is its database.
func BenchmarkCommit(b *testing.B) {
	for _, group := range []int{1, 16, 256} {
		b.Run(fmt.Sprint("group", group), func(b *testing.B) {
			all := batches(b.N, group)
			m := NewMemory(origin, nil)
			b.ResetTimer()
			for _, batch := range all {
				if _, err := m.Commit(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

func BenchmarkVerifyBook(b *testing.B) {
	const entries = 20_000
	m := NewMemory(origin, nil)
	for _, batch := range batches(entries, 256) {
		if _, err := m.Commit(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	for name, o := range map[string]registry.VerifyOptions{"full": {}, "leaves": {Since: 1}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				v, err := registry.VerifyBook(b.Context(), m, o)
				if err != nil || len(v.Findings) > 0 {
					b.Fatal(v.Findings, err)
				}
			}
			b.ReportMetric(float64(b.N)*entries/b.Elapsed().Seconds(), "entries/s")
		})
	}
}
