package registry

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

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

// readLeaves goes through the leaves in order. While one page is folded the
// next is read; what depends on one leaf alone is computed on all cores.
func (v *verifier) readLeaves(ctx context.Context) error {
	if err := v.meet(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	pages := make(chan leafPage, 1)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(pages)
		v.readPages(ctx, pages)
	})
	defer reader.Wait()
	defer stop()
	next := v.o.Since
	for page := range pages {
		if page.err != nil {
			return page.err
		}
		var err error
		if next, err = v.page(ctx, page, next); err != nil {
			return err
		}
		if v.o.Progress != nil {
			v.o.Progress(next-v.o.Since, v.head.Size-v.o.Since)
		}
	}
	return ctx.Err()
}

// A leafPage is the leaves below an index that were not read before.
type leafPage struct {
	leaves []readLeaf
	below  int64
	err    error
}

func (v *verifier) readPages(ctx context.Context, pages chan<- leafPage) {
	for from := v.o.Since; from < v.head.Size; {
		to := min(from+leavesAtOnce, v.head.Size)
		rows, err := v.store.Leaves(ctx, from, to)
		if n := len(rows); n > 0 && rows[n-1].Index < to-1 && err == nil {
			to = rows[n-1].Index + 1 // the store gives less at once
		}
		page := leafPage{leaves: readAll(rows, v.o.Since == 0), below: to, err: err}
		select {
		case pages <- page:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		from = to
	}
}

// page checks and folds the leaves of a page; next is the first one not seen.
func (v *verifier) page(ctx context.Context, page leafPage, next int64) (int64, error) {
	for _, l := range page.leaves {
		for ; next < l.row.Index; next++ {
			if err := v.missing(ctx, next); err != nil {
				return next, err
			}
		}
		if err := v.leaf(l); err != nil {
			return next, err
		}
		next = l.row.Index + 1
	}
	for ; next < page.below; next++ {
		if err := v.missing(ctx, next); err != nil {
			return next, err
		}
	}
	return next, v.compareNodes(ctx)
}

// readAll computes what can be of each leaf alone; lines, which cost most, only
// if they are to be folded.
func readAll(rows []LeafRow, lines bool) []readLeaf {
	out := make([]readLeaf, len(rows))
	var workers sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for core := range cores {
		workers.Go(func() {
			for i := core; i < len(rows); i += cores {
				out[i] = readOne(rows[i], lines)
			}
		})
	}
	workers.Wait()
	return out
}

func readOne(row LeafRow, line bool) readLeaf {
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
	if line {
		l.line, l.bad = ParseLine(row.Content)
	}
	return l
}

var errContent = fmt.Errorf("%w: the content is not the one the leaf commits to", ErrCorrupt)

// missing notes a leaf that is not there and goes on with its stored hash, so
// that one deletion is one finding.
func (v *verifier) missing(ctx context.Context, index int64) error {
	v.out.Leaves++
	if err := v.find(FoundLeafMissing, fmt.Sprintf("leaf %d", index), "leaf %d is missing", index); err != nil {
		return err
	}
	stored, err := StoredHashes(ctx, v.store)([]int64{ledger.LeafPlace(index)})
	if err != nil {
		stored = []ledger.Hash{{}}
	}
	v.lost[index], v.blind = true, true
	v.edge.Append(nil, stored[0])
	return v.meet()
}

// leaf checks one leaf and folds its line.
func (v *verifier) leaf(l readLeaf) error {
	v.out.Leaves++
	v.nodes = v.edge.Append(v.nodes, ledger.Hash(l.hash))
	if code, text := l.wrong(v.last); code != "" {
		v.lost[l.row.Index], v.blind = true, true
		if err := v.find(code, fmt.Sprintf("leaf %d", l.row.Index), "leaf %d (%s of %s) %s", l.row.Index, l.row.Type, l.row.Subject, text); err != nil {
			return err
		}
	}
	v.last = l.row.At
	if err := v.meet(); err != nil {
		return err
	}
	return v.foldLeaf(l)
}

// wrong says what is wrong with a leaf, in one finding.
func (l readLeaf) wrong(last time.Time) (code, text string) {
	switch {
	case l.hash != l.row.Hash:
		return FoundLeafChanged, "was changed: its hash is another one"
	case l.bad != nil && errors.Is(l.bad, errContent):
		return FoundContentChanged, "has another content than the one it commits to"
	case l.bad != nil:
		return FoundLineUnreadable, "cannot be read: " + l.bad.Error()
	case l.lies != "":
		return FoundLeafChanged, "has another " + l.lies + " than it commits to"
	case l.line.Draft.Key != "" && !l.own():
		return FoundLineUnreadable, "has the content of another leaf"
	case l.row.At.Before(last):
		return FoundTimeBack, "is earlier than the leaf before it"
	default:
		return "", ""
	}
}

// foldLeaf makes the line part of the book as it must be.
func (v *verifier) foldLeaf(l readLeaf) error {
	if ActKind(l.row.Type) == ActErased {
		if id, err := ParseItemID(l.row.Subject); err == nil {
			v.erased[id] = true
			v.out.Erasures = append(v.out.Erasures, ErasureLeaf{l.row.Index, l.row.Key, id})
		}
	}
	if v.lost[l.row.Index] {
		return nil
	}
	if len(l.row.Content) == 0 {
		v.lost[l.row.Index] = true
		v.bare = append(v.bare, bareLeaf{l.row.Index, l.body.Item, l.row.Subject})
		v.foldBare(l)
		return nil
	}
	if v.o.Since > 0 {
		return nil
	}
	if err := v.possible(l.line); err != nil {
		// What happened to something that was lost is lost with it.
		v.lost[l.row.Index] = true
		if v.blind {
			return nil
		}
		code := FoundEventImpossible
		if l.line.Draft.Arrival != nil {
			code = FoundGap
		}
		return v.find(code, l.row.Subject, "leaf %d: %v", l.row.Index, err)
	}
	v.fold.head.Size = l.row.Index
	v.fold.enter(l.line)
	v.forget()
	return nil
}

// foldBare takes what can be of a leaf without content. An item that was kept
// out of the book touched nothing else; what an entry was made of is gone.
func (v *verifier) foldBare(l readLeaf) {
	d := Disposition(l.row.Type)
	if d != Quarantined && d != Beside {
		v.blind = true
		return
	}
	v.fold.arrivals.set(l.body.Item, ArrivalRow{Item: l.body.Item, Disposition: d, Leaf: l.row.Index, Found: true})
}

// possible says why a line cannot follow those before it.
func (v *verifier) possible(l Line) error {
	if l.Draft.Arrival == nil {
		return v.fold.mayReplayAct(l)
	}
	v.adopt(l)
	return v.fold.mayReplayArrival(l)
}

// adopt lets the numbering go on past entries whose leaves were found lost, so
// that each is found once.
func (v *verifier) adopt(l Line) {
	n := l.Outcome.Number
	if !v.blind || n.IsZero() || !l.Outcome.First.IsZero() {
		return
	}
	if s := v.fold.series.get(n.Series()); n.Seq > s.Taken+1 && n.Seq-s.Taken-1 <= int64(len(v.lost)) {
		s.Series, s.Taken = n.Series(), n.Seq-1
		v.fold.series.set(s.Series, s)
	}
}

// own reports whether the line is that of the leaf it was found in.
func (l readLeaf) own() bool {
	o := l.line.Outcome
	number := o.Number
	if l.line.Draft.Arrival == nil {
		number = Number{} // only arrivals name theirs
	}
	return o.Leaf == l.row.Index && o.At.Equal(l.row.At) && l.body.Number == number
}

// forget drops what a fold keeps for a commit and verification does not need.
func (v *verifier) forget() {
	f := v.fold
	f.entered, f.outbox, f.newTraces = f.entered[:0], f.outbox[:0], f.newTraces[:0]
	clear(f.fresh)
	clear(f.traces.changed)
	clear(f.born)
	clear(f.known.wanted)
	clear(f.traces.wanted)
	clear(f.arrivals.wanted)
	clear(f.entries.wanted)
	clear(f.subjects.wanted)
}

// compareNodes compares the computed nodes of the tree with those stored,
// from which proofs are made.
func (v *verifier) compareNodes(ctx context.Context) error {
	places := make([]int64, len(v.nodes))
	for i, n := range v.nodes {
		places[i] = n.Pos
	}
	if len(places) == 0 {
		return nil
	}
	stored, err := StoredHashes(ctx, v.store)(places)
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
