package registry

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// compareRows compares what stores keep beside the leaves, because it is the
// fold of them, with that fold.
func (v *verifier) compareRows() error {
	if v.o.Since > 0 {
		return nil
	}
	for _, compare := range []func() error{v.compareEntries, v.compareFolders, v.compareArrivals, v.compareSmall} {
		if err := compare(); err != nil {
			return err
		}
	}
	return nil
}

// pages asks a query page by page.
func (v *verifier) pages(q Query, each func(Page) error) error {
	q.Limit = 1000
	for {
		page, err := v.store.Find(v.ctx, q)
		if err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}

func (v *verifier) compareEntries() error {
	want := v.fold.entries.changed
	seen := make(map[Number]bool, len(want))
	err := v.pages(Query{Of: FindNumbers}, func(p Page) error {
		for _, have := range p.Works {
			if have.Leaf >= v.head.Size {
				continue // came while we were reading
			}
			n := have.Number
			if seen[n] {
				if err := v.find(FoundNumberTwice, n.String(), "%s is there twice", n); err != nil {
					return err
				}
			}
			seen[n] = true
			must, ok := want[n]
			var err error
			switch {
			case !ok:
				err = v.find(FoundEntryWithout, n.String(), "%s has no leaf: it was put in behind the book's back", n)
			case have.LastLeaf >= v.head.Size || have.Version != must.Version && have.LastLeaf == must.LastLeaf && v.grown():
				// changed while we were reading
			case !same(have, must):
				err = v.find(FoundEntryChanged, n.String(), "%s is not what its events say: %s", n, differing(have, must))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, n := range sortedKeys(want, compareNumbers) {
		if !seen[n] {
			if err := v.find(FoundEntryMissing, n.String(), "%s has a leaf and no entry", n); err != nil {
				return err
			}
		}
	}
	return nil
}

// grown reports whether the book has grown since we began to read.
func (v *verifier) grown() bool {
	now, err := v.store.Head(v.ctx)
	return err != nil || now.Size != v.head.Size
}

func (v *verifier) compareFolders() error {
	want, seen := v.fold.folders.changed, map[string]bool{}
	err := v.pages(Query{Of: FindFolders}, func(p Page) error {
		for _, have := range p.Folders {
			seen[have.ID] = true
			must, ok := want[have.ID]
			if have.LastLeaf < v.head.Size && (!ok || !same(have, must)) {
				if err := v.find(FoundFolderChanged, have.ID, "folder %s is not what its events say: %s", have.ID, differing(have, must)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id := range want {
		if !seen[id] {
			if err := v.find(FoundFolderChanged, id, "folder %s is missing", id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) compareArrivals() error {
	want, seen := v.fold.arrivals.changed, 0
	err := v.pages(Query{Of: FindArrivals}, func(p Page) error {
		for _, have := range p.Arrivals {
			if have.Leaf >= v.head.Size {
				continue
			}
			seen++
			must, ok := want[have.Item]
			// What came again while we were reading counts later.
			must.Redelivered = max(must.Redelivered, have.Redelivered)
			if !ok || !same(have, must) {
				if err := v.find(FoundArrivalChanged, have.Item.String(), "item %s is not what its leaves say: %s", have.Item, differing(have, must)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if seen < len(want) && !v.grown() {
		return v.find(FoundArrivalChanged, "items", "%d items are missing", len(want)-seen)
	}
	return nil
}

// compareSmall compares series, case counters and balances, which are few. If
// the book has grown meanwhile they have too, and say nothing.
func (v *verifier) compareSmall() error {
	series, err := v.store.Find(v.ctx, Query{Of: FindSeries})
	if err != nil {
		return err
	}
	counters, err := v.store.Find(v.ctx, Query{Of: FindCounters})
	if err != nil {
		return err
	}
	balances, err := v.store.Find(v.ctx, Query{Of: FindBalances})
	if err != nil {
		return err
	}
	if v.grown() {
		return nil
	}
	for _, have := range series.Series {
		if must := v.fold.series.get(have.Series); !same(have, must) {
			if err := v.find(FoundCounterChanged, have.Series.String(), "the series %s stands at %d, and %d numbers were given", have.Series, have.Taken, must.Taken); err != nil {
				return err
			}
		}
	}
	for key, must := range v.fold.counters.changed {
		if have := counters.Counters[key]; have != must {
			name := CaseNumber{key, must}.String()
			if err := v.find(FoundCounterChanged, name, "the counter of cases stands at %d, and %s was given", have, name); err != nil {
				return err
			}
		}
	}
	for _, have := range balances.Balances {
		if must := v.fold.balances.get(have.Clerk); !same(have, must) {
			if err := v.find(FoundBalanceChanged, have.Clerk, "%s is said to have %d entries in hand, and has %d", have.Clerk, have.Open, must.Open); err != nil {
				return err
			}
		}
	}
	return nil
}

// same compares two rows as they are written down: an empty list is no list.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// differing names the fields in which two rows differ, never their values:
// findings are shown and logged.
func differing(a, b any) string {
	var x, y map[string]json.RawMessage
	rawA, _ := json.Marshal(a) // what cannot be written differs in no named field
	rawB, _ := json.Marshal(b)
	_ = json.Unmarshal(rawA, &x)
	_ = json.Unmarshal(rawB, &y)
	var names []string
	for name := range x {
		if !bytes.Equal(x[name], y[name]) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
