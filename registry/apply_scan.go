package registry

import (
	"cmp"
	"slices"
)

// decideAttach lets the scan of a paper that has its number join its entry:
// Arrival.To names it, as our label on the paper does. Whatever a label names
// that is not in the book, or struck out of it, is a letter like any other and
// gets a number of its own: paper that was scanned is never lost for a code.
func (f *fold) decideAttach(l *Line) error {
	a, o := l.Draft.Arrival, &l.Outcome
	n, err := ParseNumber(a.To)
	var w Work
	if err == nil {
		w = f.entries.get(n)
	}
	if !w.Found || w.Status == StatusAnnulled {
		a.Disposition, o.Disposition = Registered, Registered
		a.Decision.Flags = AddFlags(slices.Clip(a.Decision.Flags), FlagUnknownCode)
		return f.decideEntry(l)
	}
	a.To = n.String()
	// What is told of the scan is what may be told of the entry.
	a.Title, a.Sender = w.Title, w.Sender
	d := &a.Decision
	d.Restricted, d.Readers, d.HideFrom = w.Restricted, w.Readers, w.HideFrom
	d.Class, d.Department, d.Deadline = w.Class, w.Department, w.Deadline
	f.describe(o, w)
	mapping := FlagFullMapping
	if w.Door.IsScan() || slices.Contains(w.Flags, FlagFullMapping) {
		mapping = FlagMappingVersion
	}
	o.Flags = AddFlags(slices.Clip(w.Flags), mapping)
	return nil
}

// enterAttach notes a later scan on its entry. The entry's own original stays
// what it is; this one lies under its item. Who has the entry in hand is told.
func (f *fold) enterAttach(l Line) (subject string, previous int64) {
	a, o := l.Draft.Arrival, l.Outcome
	w := f.entries.get(o.Number)
	w.Flags = o.Flags
	w.Version++
	f.entries.set(w.Number, w)
	f.tell(OutboxRow{
		Leaf: o.Leaf, Node: cmp.Or(l.Draft.Node, a.Item.Node), Kind: OutboxNotice, Number: o.Number, Item: a.Item.ID,
		Variant: string(Attached), NotBefore: o.At, CreatedAt: o.At,
	}, without([]string{w.Clerk}, w.HideFrom)...)
	return o.Number.String(), w.LastLeaf
}
