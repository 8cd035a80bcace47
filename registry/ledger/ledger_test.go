package ledger

import (
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// memory stores a tree's hashes as tlog wants them read.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(m)) {
			return nil, fmt.Errorf("no hash at %d", x)
		}
		out[i] = m[x]
	}
	return out, nil
}

func leafData(i int64) []byte { return fmt.Appendf(nil, "leaf %d", i) }

func TestAnEdgeGrowsAsTheTreeDoes(t *testing.T) {
	var e Edge
	var stored memory
	if e.Root() != EmptyRoot() {
		t.Errorf("the root of nothing is %x", e.Root())
	}
	for n := range int64(300) {
		want, err := tlog.StoredHashes(n, leafData(n), stored)
		if err != nil {
			t.Fatal(err)
		}
		first := tlog.StoredHashIndex(0, n)
		nodes := e.Append(nil, LeafHash(leafData(n)))
		if len(nodes) != len(want) {
			t.Fatalf("leaf %d completes %d nodes, want %d", n, len(nodes), len(want))
		}
		for i, node := range nodes {
			if node.Pos != first+int64(i) || node.Hash != Hash(want[i]) {
				t.Fatalf("leaf %d: node %d is %v, want place %d %v", n, i, node, first+int64(i), want[i])
			}
		}
		stored = append(stored, want...)
		root, err := tlog.TreeHash(n+1, stored)
		if err != nil {
			t.Fatal(err)
		}
		if e.Root() != Hash(root) {
			t.Fatalf("root of %d leaves is %x, want %v", n+1, e.Root(), root)
		}
		if !e.Valid() || e.Size != n+1 {
			t.Fatalf("after %d leaves the edge is %+v", n+1, e)
		}
	}
}

func TestAnEdgeOfTheWrongShapeIsNotValid(t *testing.T) {
	for _, e := range []Edge{{Size: -1}, {Size: 3, Roots: make([]Hash, 1)}, {Size: 0, Roots: make([]Hash, 1)}} {
		if e.Valid() {
			t.Errorf("%+v passes as an edge", e)
		}
	}
}
