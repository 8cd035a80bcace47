package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kancelaria/registry"
	"kancelaria/registry/archive"
)

// A copybook is what archives hold of the book: each line of it that their
// nodes wrote. It keeps where each lies and reads one record at a time.
type copybook struct {
	archives []*archive.Archive
	lines    []copied // by leaf
	stubs    map[int64]registry.Stub
	damaged  []registry.Finding

	// The record read last: lines of a group lie in one.
	at     registry.Place
	of     int
	sheets []registry.Sheet
}

// A copied line lies on a sheet of a record of an archive.
type copied struct {
	leaf    int64
	gives   registry.Gap
	mark    bool    // it stands for a line that was lost, or could not be entered
	digest  [8]byte // the beginning of the content's: two lines of one leaf must agree
	archive int32
	sheet   int32
	place   registry.Place
}

// lostKey begins the keys of marks (registry.Rebuild).
const lostKey = "lost/"

// errTwice means that two copies of the book differ: numbers were given twice.
var errTwice = errors.New("two copies of the book differ")

// readCopybook finds every line in the archives given.
func readCopybook(ctx context.Context, archives []*archive.Archive, progress func(done, of int64)) (*copybook, error) {
	c := &copybook{archives: archives, stubs: map[int64]registry.Stub{}, of: -1}
	for i, a := range archives {
		nodes, err := a.Nodes()
		if err != nil {
			return nil, fmt.Errorf("reading the copybook: %w", err)
		}
		for _, node := range nodes {
			for r, err := range a.Records(ctx, archive.BeginOf(node)) {
				if err != nil {
					return nil, fmt.Errorf("reading the copybook of %s: %w", node, err)
				}
				if r.Kind != registry.RecordOutcomes {
					continue
				}
				if err := c.record(ctx, i, r.Place); err != nil {
					return nil, err
				}
				if progress != nil {
					progress(int64(len(c.lines)), int64(len(c.lines)))
				}
			}
		}
	}
	return c, c.sort()
}

// record takes in the lines of one record. What is damaged is lacking.
func (c *copybook) record(ctx context.Context, from int, p registry.Place) error {
	sheets, err := c.archives[from].Sheets(ctx, p)
	if errors.Is(err, registry.ErrDamaged) {
		c.damaged = append(c.damaged, registry.Finding{Code: "copybook_damaged", Subject: string(p), Text: err.Error()})
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the copybook at %s: %w", p, err)
	}
	for i, s := range sheets {
		if len(s.Bytes) == 0 {
			continue // lawfully erased: the leaf that ordered it has the stub
		}
		l, err := registry.ParseLine(s.Bytes)
		if err != nil {
			c.damaged = append(c.damaged, registry.Finding{Code: "copybook_damaged", Subject: string(p), Text: err.Error()})
			continue
		}
		sum := sha256.Sum256(s.Bytes)
		c.lines = append(c.lines, copied{
			leaf: l.Outcome.Leaf, mark: strings.HasPrefix(l.Draft.Key, lostKey), gives: registry.GivenBy(l), digest: [8]byte(sum[:8]), archive: int32(from), sheet: int32(i), place: p,
		})
		for _, stub := range l.Stubs() {
			c.stubs[stub.Index] = stub
		}
	}
	return nil
}

// sort puts the lines in the book's order, each once.
func (c *copybook) sort() error {
	slices.SortStableFunc(c.lines, func(a, b copied) int {
		if a.leaf == b.leaf && a.mark != b.mark { // the mark came last, and counts
			if a.mark {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.leaf, b.leaf)
	})
	for i := 1; i < len(c.lines); i++ {
		if a, b := c.lines[i-1], c.lines[i]; a.leaf == b.leaf && a.mark == b.mark && a.digest != b.digest {
			return fmt.Errorf("%w: the records at %s and %s hold different lines for leaf %d; nothing can be built from both", errTwice, a.place, b.place, a.leaf)
		}
	}
	c.lines = slices.CompactFunc(c.lines, func(a, b copied) bool { return a.leaf == b.leaf })
	return nil
}

// Last implements registry.Known.
func (c *copybook) Last() int64 {
	last := int64(-1)
	if n := len(c.lines); n > 0 {
		last = c.lines[n-1].leaf
	}
	for leaf := range c.stubs {
		last = max(last, leaf)
	}
	return last
}

func (c *copybook) find(leaf int64) (copied, bool) {
	i, ok := slices.BinarySearchFunc(c.lines, leaf, func(l copied, leaf int64) int { return cmp.Compare(l.leaf, leaf) })
	if !ok {
		return copied{}, false
	}
	return c.lines[i], true
}

// Gives implements registry.Known.
func (c *copybook) Gives(leaf int64) (registry.Gap, bool) {
	if l, ok := c.find(leaf); ok {
		return l.gives, true
	}
	if s, ok := c.stubs[leaf]; ok {
		return registry.GivenBy(s.Line), true
	}
	return registry.Gap{}, false
}

// Line implements registry.Known.
func (c *copybook) Line(ctx context.Context, leaf int64) (registry.Line, error) {
	l, ok := c.find(leaf)
	if !ok {
		stub := c.stubs[leaf]
		return stub.Restored()
	}
	if c.of != int(l.archive) || c.at != l.place {
		sheets, err := c.archives[l.archive].Sheets(ctx, l.place)
		if err != nil {
			return registry.Line{}, err
		}
		c.at, c.of, c.sheets = l.place, int(l.archive), sheets
	}
	return registry.ParseLine(c.sheets[l.sheet].Bytes)
}
