package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"kancelaria/registry"
)

// intake is the way in for everything but mail: drops and hands.
type intake struct{ *house }

// Put makes items durable. In a command it also wakes the desk.
func (i intake) Put(ctx context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error) {
	put, err := i.spool.Put(ctx, items, r)
	if err == nil {
		i.deskOnce.Do(func() { close(i.deskGo) })
	}
	return put, err
}

// Wait gives the outcome of an item put just now.
func (i intake) Wait(ctx context.Context, id registry.ItemID) (registry.Outcome, error) {
	return i.desk.Wait(ctx, id)
}

// Look says what is known of an item claimed before a restart: the spool knows
// what waits, the book what is settled.
func (i intake) Look(ctx context.Context, id registry.ItemID) (bool, *registry.Outcome, error) {
	if i.spool.Waits(id) {
		return true, nil, nil
	}
	found, err := i.book.Find(ctx, registry.Query{Of: registry.FindArrivals, Items: []registry.ItemID{id}, Limit: 1})
	if err != nil {
		return false, nil, err
	}
	if len(found.Arrivals) == 0 {
		return false, nil, nil
	}
	a := found.Arrivals[0]
	return true, &registry.Outcome{Disposition: a.Disposition, Number: a.Number, Leaf: a.Leaf}, nil
}

// acts are what people do to the book.
type acts struct{ *house }

// Act implements api.Acts.
func (a acts) Act(ctx context.Context, who registry.Actor, act registry.Act, after *int64, reason string) (registry.Outcome, error) {
	out, err := a.registrar.Act(ctx, who, act, after, reason)
	return out, a.followed(ctx, act, err)
}

// ActOnce implements web.Acts.
func (a acts) ActOnce(ctx context.Context, key string, who registry.Actor, act registry.Act, after *int64, reason string) (registry.Outcome, error) {
	out, err := a.registrar.ActOnce(ctx, key, who, act, after, reason)
	return out, a.followed(ctx, act, err)
}

// followed lets an act that changes the office in force count at once.
func (a acts) followed(ctx context.Context, act registry.Act, err error) error {
	if err == nil && act.Kind == registry.ActHandover {
		err = a.refresh(ctx)
	}
	return err
}

// Release takes an item that was kept out into the book: it is read and decided
// again, without the screen, and keeps its arrival.
func (a acts) Release(ctx context.Context, who registry.Actor, id registry.ItemID, reason string) (registry.Outcome, error) {
	it, err := a.item(ctx, id)
	if err != nil {
		return registry.Outcome{}, err
	}
	doc, err := a.originals.Read(ctx, it)
	if err != nil {
		return registry.Outcome{}, fmt.Errorf("reading the item again: %w", err)
	}
	if err := a.refresh(ctx); err != nil {
		return registry.Outcome{}, err
	}
	if err := a.screened(ctx, id, &doc); err != nil {
		return registry.Outcome{}, err
	}
	facts, err := a.facts.Facts(ctx, it, doc)
	if err != nil {
		return registry.Outcome{}, err
	}
	decision := a.orders.rules().DecideAdmitted(it, doc, facts)
	a.citing.Cite(ctx, decision)
	draft := a.drafter.Arrival(it, doc, facts, decision)
	return a.registrar.Release(ctx, who, draft, reason)
}

// screened puts into a document what screening said when the item arrived: a
// release does not make a sender honest, and what is infected stays locked.
func (a acts) screened(ctx context.Context, id registry.ItemID, doc *registry.Document) error {
	found, err := a.book.Find(ctx, registry.Query{Of: registry.FindLine, Key: "item/" + id.String(), Limit: 1})
	if err != nil {
		return fmt.Errorf("looking how item %s arrived: %w", id, err)
	}
	if len(found.Leaves) == 0 {
		return nil
	}
	line, err := registry.LineOf(found.Leaves[0])
	if err != nil || line.Draft.Arrival == nil {
		return nil
	}
	then := line.Draft.Arrival.Document
	doc.Auth, doc.Malware = then.Auth, then.Malware
	for _, f := range []registry.Flag{registry.FlagMalware, registry.FlagNotScanned, registry.FlagForgedSender} {
		if slices.Contains(then.Flags, f) {
			doc.Flags = registry.AddFlags(doc.Flags, f)
		}
	}
	return nil
}

// item reads an item's manifest back from the archive.
func (a acts) item(ctx context.Context, id registry.ItemID) (registry.Item, error) {
	found, err := a.book.Find(ctx, registry.Query{Of: registry.FindArrivals, Items: []registry.ItemID{id}, Limit: 1})
	if err != nil {
		return registry.Item{}, err
	}
	if len(found.Arrivals) == 0 {
		return registry.Item{}, fmt.Errorf("%w: item %s", registry.ErrNotFound, id)
	}
	return a.spool.Item(ctx, found.Arrivals[0].Place, id)
}
