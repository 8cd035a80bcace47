package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// compareRows compares what stores keep beside the leaves, because it is the
// fold of them, with that fold.
func (v *verifier) compareRows(ctx context.Context) error {
	if v.o.Since > 0 {
		return nil
	}
	for _, compare := range []func(context.Context) error{v.compareEntries, v.compareFolders, v.compareArrivals, v.compareSmall} {
		if err := compare(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pages asks a query page by page.
func (v *verifier) pages(ctx context.Context, q Query, each func(Page) error) error {
	q.Limit = 1000
	for {
		page, err := v.store.Find(ctx, q)
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

func (v *verifier) compareEntries(ctx context.Context) error {
	want := v.fold.entries.changed
	seen := make(map[Number]bool, len(want))
	var last Number
	err := v.pages(ctx, Query{Of: FindNumbers}, func(p Page) error {
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
			if !seen[n] && compareNumbers(n, last) < 0 { // they come in order of number
				if err := v.find(FoundEntryChanged, n.String(), "%s stands in the row of another entry", n); err != nil {
					return err
				}
			}
			seen[n], last = true, n
			must, ok := want[n]
			var err error
			switch {
			case v.lost[have.Leaf], v.lost[have.LastLeaf]:
				// what it must be is not known, and that was found already
			case !ok:
				err = v.find(FoundEntryWithout, n.String(), "%s has no leaf: it was put in behind the book's back", n)
			case have.LastLeaf >= v.head.Size || have.Version != must.Version && have.LastLeaf == must.LastLeaf && v.grown(ctx):
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
func (v *verifier) grown(ctx context.Context) bool {
	now, err := v.store.Head(ctx)
	return err != nil || now.Size != v.head.Size
}

func (v *verifier) compareFolders(ctx context.Context) error {
	want, seen := v.fold.folders.changed, map[string]bool{}
	err := v.pages(ctx, Query{Of: FindFolders}, func(p Page) error {
		for _, have := range p.Folders {
			seen[have.ID] = true
			must, ok := want[have.ID]
			known := have.LastLeaf < v.head.Size && !v.lost[have.Leaf] && !v.lost[have.LastLeaf]
			if known && (!ok || !same(have, must)) {
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

func (v *verifier) compareArrivals(ctx context.Context) error {
	want, seen := v.fold.arrivals.changed, 0
	err := v.pages(ctx, Query{Of: FindArrivals}, func(p Page) error {
		for _, have := range p.Arrivals {
			if have.Leaf >= v.head.Size {
				continue
			}
			seen++
			must, ok := want[have.Item]
			if have.Redelivered > must.Redelivered && v.grown(ctx) {
				must.Redelivered = have.Redelivered // it came again while we were reading
			}
			if !v.lost[have.Leaf] && !v.erased[have.Item] && (!ok || !same(have, must)) {
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
	if seen < len(want) && !v.grown(ctx) {
		return v.find(FoundArrivalChanged, "items", "%d items are missing", len(want)-seen)
	}
	return nil
}

// compareSmall compares series, case counters and balances, which are few. If
// the book has grown meanwhile they have too, and say nothing.
func (v *verifier) compareSmall(ctx context.Context) error {
	series, err := v.store.Find(ctx, Query{Of: FindSeries})
	if err != nil {
		return err
	}
	counters, err := v.store.Find(ctx, Query{Of: FindCounters})
	if err != nil {
		return err
	}
	balances, err := v.store.Find(ctx, Query{Of: FindBalances})
	if err != nil {
		return err
	}
	if v.blind || v.grown(ctx) {
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
	if reflect.DeepEqual(a, b) {
		return true
	}
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
