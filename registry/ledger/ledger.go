// Package ledger is the tamper-evident log under the book.
//
// It knows trees, proofs, keys and signed heads and nothing of letters: its
// leaves are bytes. The tree is that of RFC 6962 as golang.org/x/mod/sumdb/tlog
// stores it; heads and proofs leave the house in the formats of C2SP
// (tlog-checkpoint, signed-note, tlog-proof), so that others can check them
// without our programs.
package ledger

import (
	"crypto/sha256"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// A Hash is a SHA-256 of the tree.
type Hash = [sha256.Size]byte

// LeafHash gives the hash of a leaf (RFC 6962 § 2.1).
func LeafHash(data []byte) Hash { return Hash(tlog.RecordHash(data)) }

// NodeHash gives the hash of an inner node.
func NodeHash(left, right Hash) Hash {
	return Hash(tlog.NodeHash(tlog.Hash(left), tlog.Hash(right)))
}

// EmptyRoot is the root of a tree without leaves.
func EmptyRoot() Hash { return sha256.Sum256(nil) }

// A Node is a hash of the tree and the place it is stored at, as
// tlog.StoredHashIndex counts places.
type Node struct {
	Pos  int64
	Hash Hash
}

// An Edge is the right edge of a tree: all that is needed to append to it.
// Roots holds the roots of the complete subtrees that Size splits into,
// largest first. The zero Edge is the empty tree.
type Edge struct {
	Size  int64
	Roots []Hash
}

// Valid reports whether there are as many roots as the size demands.
func (e Edge) Valid() bool { return e.Size >= 0 && len(e.Roots) == bits.OnesCount64(uint64(e.Size)) }

// Append adds a leaf by its hash and appends the nodes that are complete by it
// to nodes: first the leaf's own, places ascending. The edge must be valid and
// its roots are not shared with another edge that is still in use.
func (e *Edge) Append(nodes []Node, leaf Hash) []Node {
	pos := tlog.StoredHashIndex(0, e.Size)
	nodes = append(nodes, Node{pos, leaf})
	// Each trailing one of the size is a complete subtree waiting for its
	// right sibling; tlog stores the joined ones right after the leaf.
	for n := e.Size; n&1 == 1; n >>= 1 {
		last := len(e.Roots) - 1
		leaf = NodeHash(e.Roots[last], leaf)
		e.Roots = e.Roots[:last]
		pos++
		nodes = append(nodes, Node{pos, leaf})
	}
	e.Roots = append(e.Roots, leaf)
	e.Size++
	return nodes
}

// Root gives the root of the whole tree.
func (e Edge) Root() Hash {
	if len(e.Roots) == 0 {
		return EmptyRoot()
	}
	root := e.Roots[len(e.Roots)-1]
	for i := len(e.Roots) - 2; i >= 0; i-- {
		root = NodeHash(e.Roots[i], root)
	}
	return root
}
