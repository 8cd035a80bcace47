package registry

import (
	"fmt"
	"runtime"
	"sync"

	"kancelaria/registry/ledger"
)

// leavesAtOnce is how many leaves are read in one page.
const leavesAtOnce = 4096

// A readLeaf is a leaf with what can be computed of it alone.
type readLeaf struct {
	row  LeafRow
	hash Digest
	body LeafBody
	line Line
	bad  error // body or content cannot be read
	lies string
}

// readLeaves goes through the leaves in order. What depends on one leaf alone
// is computed on all cores.
func (v *verifier) readLeaves() error {
	if err := v.meet(); err != nil {
		return err
	}
	for from := v.o.Since; from < v.head.Size; {
		to := min(from+leavesAtOnce, v.head.Size)
		rows, err := v.store.Leaves(v.ctx, from, to)
		if err != nil {
			return err
		}
		for _, l := range readAll(rows) {
			for ; from < l.row.Index; from++ {
				if err := v.missing(from); err != nil {
					return err
				}
			}
			if err := v.leaf(l); err != nil {
				return err
			}
			from = l.row.Index + 1
		}
		if len(rows) == 0 {
			for ; from < to; from++ {
				if err := v.missing(from); err != nil {
					return err
				}
			}
		}
		if err := v.compareNodes(); err != nil {
			return err
		}
		if v.o.Progress != nil {
			v.o.Progress(from-v.o.Since, v.head.Size-v.o.Since)
		}
	}
	return nil
}

// readAll computes what can be of each leaf alone.
func readAll(rows []LeafRow) []readLeaf {
	out := make([]readLeaf, len(rows))
	var workers sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for core := range cores {
		workers.Go(func() {
			for i := core; i < len(rows); i += cores {
				out[i] = readOne(rows[i])
			}
		})
	}
	workers.Wait()
	return out
}

func readOne(row LeafRow) readLeaf {
	l := readLeaf{row: row, hash: LeafHash(row.Type, row.Salt, row.Body)}
	if l.body, l.bad = DecodeLeaf(row.Body); l.bad != nil {
		return l
	}
	b := l.body
	switch {
	case b.Kind != row.Type || b.Subject != row.Subject || b.Key != row.Key:
		l.lies = "kind, subject or key"
	case !b.At.Equal(row.At):
		l.lies = "time"
	case b.Actor != row.Actor || b.OnBehalfOf != row.OnBehalfOf:
		l.lies = "actor"
	}
	if len(row.Content) == 0 {
		return l
	}
	if ContentDigest(row.Salt, row.Content) != b.Content {
		l.bad = errContent
		return l
	}
	l.line, l.bad = ParseLine(row.Content)
	return l
}

var errContent = fmt.Errorf("%w: the content is not the one the leaf commits to", ErrCorrupt)

// missing notes a leaf that is not there and goes on with its stored hash, so
// that one deletion is one finding.
func (v *verifier) missing(index int64) error {
	v.out.Leaves++
	if err := v.find(FoundLeafMissing, fmt.Sprintf("leaf %d", index), "leaf %d is missing", index); err != nil {
		return err
	}
	stored, err := v.hashes([]int64{ledger.LeafPlace(index)})
	if err != nil {
		stored = []ledger.Hash{{}}
	}
	v.nodes = v.edge.Append(v.nodes, stored[0])
	v.nodes = v.nodes[:0] // nothing to compare with
	return v.meet()
}

// leaf checks one leaf and folds its line.
func (v *verifier) leaf(l readLeaf) error {
	v.out.Leaves++
	name := fmt.Sprintf("leaf %d", l.row.Index)
	v.nodes = v.edge.Append(v.nodes, ledger.Hash(l.hash))
	switch {
	case l.hash != l.row.Hash:
		if err := v.find(FoundLeafChanged, name, "leaf %d (%s of %s) was changed: its hash is another one", l.row.Index, l.row.Type, l.row.Subject); err != nil {
			return err
		}
	case l.bad == nil && l.lies != "":
		if err := v.find(FoundLeafChanged, name, "the %s of leaf %d is not the one it commits to", l.lies, l.row.Index); err != nil {
			return err
		}
	case l.bad == errContent:
		if err := v.find(FoundContentChanged, name, "the content of leaf %d (%s of %s) was changed", l.row.Index, l.row.Type, l.row.Subject); err != nil {
			return err
		}
	case l.bad != nil:
		if err := v.find(FoundLineUnreadable, name, "leaf %d cannot be read: %v", l.row.Index, l.bad); err != nil {
			return err
		}
	}
	if l.row.At.Before(v.last) {
		if err := v.find(FoundTimeBack, name, "leaf %d is of %s, before the leaf before it", l.row.Index, l.row.At.Format("2006-01-02T15:04:05.000000Z07:00")); err != nil {
			return err
		}
	}
	v.last = l.row.At
	if err := v.meet(); err != nil {
		return err
	}
	return v.foldLeaf(l)
}

// foldLeaf makes the line part of the book as it must be.
func (v *verifier) foldLeaf(l readLeaf) error {
	if ActKind(l.row.Type) == ActErased {
		if id, err := ParseItemID(l.row.Subject); err == nil {
			v.erased[id] = true
		}
	}
	if l.bad != nil {
		return nil
	}
	if len(l.row.Content) == 0 {
		v.bare = append(v.bare, bareLeaf{l.row.Index, l.body.Item})
		return nil
	}
	o := l.line.Outcome
	if o.Leaf != l.row.Index || !o.At.Equal(l.row.At) || l.body.Number != l.numbered() {
		return v.find(FoundLineUnreadable, fmt.Sprintf("leaf %d", l.row.Index), "the content of leaf %d is of another leaf", l.row.Index)
	}
	if v.o.Since > 0 {
		return nil
	}
	if l.line.Draft.Arrival != nil {
		if err := v.fold.mayReplayArrival(l.line); err != nil {
			if err := v.find(FoundGap, l.body.Number.String(), "leaf %d: %v", l.row.Index, err); err != nil {
				return err
			}
		}
	} else if !l.line.Draft.known() {
		return v.find(FoundEventImpossible, fmt.Sprintf("leaf %d", l.row.Index), "leaf %d is of an act this program does not know: %s", l.row.Index, l.row.Type)
	}
	v.fold.head.Size = l.row.Index
	v.fold.enter(l.line)
	v.forget()
	return nil
}

// numbered is the number that a line's leaf names: arrivals name theirs.
func (l readLeaf) numbered() Number {
	if l.line.Draft.Arrival == nil {
		return Number{}
	}
	return l.line.Outcome.Number
}

// forget drops what a fold keeps for a commit and verification does not need.
func (v *verifier) forget() {
	f := v.fold
	f.entered, f.outbox, f.newTraces = f.entered[:0], f.outbox[:0], f.newTraces[:0]
	clear(f.known.changed)
	clear(f.traces.changed)
	clear(f.born)
	for _, wanted := range []func(){
		func() { clear(f.known.wanted) }, func() { clear(f.traces.wanted) }, func() { clear(f.arrivals.wanted) },
		func() { clear(f.entries.wanted) }, func() { clear(f.subjects.wanted) },
	} {
		wanted()
	}
}

// compareNodes compares the computed nodes of the tree with those stored,
// from which proofs are made.
func (v *verifier) compareNodes() error {
	places := make([]int64, len(v.nodes))
	for i, n := range v.nodes {
		places[i] = n.Pos
	}
	if len(places) == 0 {
		return nil
	}
	stored, err := v.hashes(places)
	if err != nil {
		v.nodes = v.nodes[:0]
		return v.find(FoundTreeChanged, "ledger", "hashes %d to %d of the tree cannot be read: %v", places[0], places[len(places)-1], err)
	}
	for i, n := range v.nodes {
		if stored[i] != n.Hash {
			v.nodes = v.nodes[:0]
			return v.find(FoundTreeChanged, "ledger", "hash %d of the tree is not the one its leaves give", n.Pos)
		}
	}
	v.nodes = v.nodes[:0]
	return nil
}
