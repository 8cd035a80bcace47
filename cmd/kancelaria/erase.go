package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kancelaria/gateway"
	"kancelaria/gateway/api"
	"kancelaria/registry"
	"kancelaria/registry/archive"
)

// eraseNote keeps orders to erase that are not carried out yet: those that a
// second person must confirm, and those a crash has interrupted.
const eraseNote = "erasure"

// orderStands is how long the first of two persons may wait for the second.
const orderStands = 7 * 24 * time.Hour

// An eraseOrder is one that was given for an item.
type eraseOrder struct {
	Reason    string    `json:"reason"`
	Text      string    `json:"text"`
	OrderedBy string    `json:"ordered_by"`
	At        time.Time `json:"at"`
	// Decided is the draft of the leaf once all who must have said so; from
	// then on nothing holds the erasure up.
	Decided *registry.Draft `json:"decided,omitempty"`
}

// Erase implements api.Keeper. An order for classified papers waits for another
// person; every other is carried out at once, and the same order again finishes
// what was interrupted.
func (k keeper) Erase(ctx context.Context, who registry.Actor, id registry.ItemID, reason, text string) (api.Erasure, error) {
	act := registry.Act{Kind: registry.ActErased, Subject: id.String(), Text: reason}
	asked := who
	asked.Owner = who.Owner && who.OnBehalfOf == "" // whoever he names must have the right
	if err := k.registrar.May(ctx, asked, act); err != nil {
		return api.Erasure{}, err
	}
	if strings.TrimSpace(text) == "" {
		return api.Erasure{}, fmt.Errorf("%w: an erasure needs its reason in words too", registry.ErrRefused)
	}
	standing, err := k.eraseOrder(ctx, id)
	if err != nil {
		return api.Erasure{}, err
	}
	first := who.Acting()
	if reason == registry.ErasedClassified {
		if standing == nil || standing.Reason != reason || standing.Decided == nil && k.now().Sub(standing.At) > orderStands {
			order := eraseOrder{Reason: reason, Text: text, OrderedBy: first, At: k.now().UTC()}
			return api.Erasure{ItemID: id.String(), State: api.ErasureOrdered, Reason: reason, OrderedBy: first, Redelivered: []string{}}, k.keepOrder(ctx, id, &order)
		}
		if first == standing.OrderedBy {
			return api.Erasure{}, fmt.Errorf("%w: %s ordered it; another person must confirm", registry.ErrRefused, first)
		}
		first = standing.OrderedBy
	}
	act.Fields = map[string]string{registry.OrderedBy: first}
	return k.erase(ctx, id, registry.Draft{Actor: who.Login, OnBehalfOf: who.OnBehalfOf, Reason: text, Act: &act})
}

// Expired erases an item whose term is over: the daemon's own reasons, for
// what is not in the book. It may be repeated.
func (h *house) Expired(ctx context.Context, id registry.ItemID, reason string) error {
	act := registry.Act{Kind: registry.ActErased, Subject: id.String(), Text: reason}
	_, err := h.erase(ctx, id, registry.Draft{Actor: registry.Daemon, Act: &act})
	return err
}

// erase carries an order out: a leaf says what is erased, by whom and why, then
// the archive writes its tombstone and makes the holes, then the search text
// goes. A note stands from before the first of these until after the last, so
// that a start goes on where a crash has ended it. Letters that came again go
// with the first.
func (h *house) erase(ctx context.Context, id registry.ItemID, decided registry.Draft) (api.Erasure, error) {
	row, twins, err := h.toErase(ctx, id)
	if err != nil {
		return api.Erasure{}, err
	}
	done := api.Erasure{
		ItemID: id.String(), Number: row.Number.String(), State: api.ErasureDone, Reason: decided.Act.Text,
		OrderedBy: decided.Act.Fields[registry.OrderedBy], Redelivered: []string{},
	}
	order := eraseOrder{Reason: decided.Act.Text, Text: decided.Reason, OrderedBy: done.OrderedBy, At: h.now().UTC(), Decided: &decided}
	if err := h.keepOrder(ctx, id, &order); err != nil {
		return done, err
	}
	registry.FailEraseOrdered.Hit()
	var graves []archive.Erasure
	for _, row := range append([]registry.ArrivalRow{row}, twins...) {
		grave, err := h.sentence(ctx, row, decided)
		if errors.Is(err, registry.ErrRefused) || errors.Is(err, registry.ErrImmutable) {
			return done, errors.Join(err, h.keepOrder(ctx, id, nil))
		}
		if err != nil {
			return done, err
		}
		graves = append(graves, grave)
	}
	registry.FailEraseLeaf.Hit()
	for _, g := range graves {
		if err := h.archive.Erase(ctx, []archive.Erasure{g}); err != nil {
			return done, err
		}
		if g.Item != id {
			done.Redelivered = append(done.Redelivered, g.Item.String())
		}
	}
	if err := h.unindex(ctx, row.Number); err != nil {
		return done, err
	}
	if err := h.book.Keep(ctx, []registry.Note{{Kind: gateway.LateTextNote, Key: id.String()}}); err != nil {
		return done, err
	}
	registry.FailErased.Hit()
	done.Leaf = graves[0].Leaf
	h.journal.Erased(id, decided)
	return done, h.keepOrder(ctx, id, nil)
}

// sentence writes the leaf that orders one item's erasure. Its key is made of
// the item: the order again is the same leaf.
func (h *house) sentence(ctx context.Context, row registry.ArrivalRow, decided registry.Draft) (archive.Erasure, error) {
	draft, act := decided, *decided.Act
	act.Subject = row.Item.String()
	draft.Key, draft.Act = "erase/"+row.Item.String(), &act
	out, err := h.registrar.Submit(ctx, draft)
	if err == nil {
		err = out.Err()
	}
	if err != nil {
		return archive.Erasure{}, fmt.Errorf("ordering the erasure of item %s: %w", row.Item, err)
	}
	return archive.Erasure{Item: row.Item, Place: row.Place, Reason: archive.Reason(act.Text), Event: draft.Key, Leaf: out.Leaf}, nil
}

// toErase finds an item and those that repeat its letter. They lie in this
// gateway's archive, or somebody else must erase them.
func (h *house) toErase(ctx context.Context, id registry.ItemID) (row registry.ArrivalRow, twins []registry.ArrivalRow, err error) {
	found, err := h.book.Find(ctx, registry.Query{Of: registry.FindArrivals, Items: []registry.ItemID{id}, Limit: 1})
	if err != nil {
		return row, nil, err
	}
	if len(found.Arrivals) == 0 {
		return row, nil, fmt.Errorf("%w: item %s; what still waits cannot be erased: \"kancelaria spool list\"", registry.ErrNotFound, id)
	}
	row = found.Arrivals[0]
	if !row.First.IsZero() {
		return row, nil, fmt.Errorf("%w: item %s repeats the letter of item %s; give the order for that one, and both go", registry.ErrRefused, id, row.First)
	}
	if row.Redelivered > 0 {
		if twins, err = h.repeating(ctx, id); err != nil {
			return row, nil, err
		}
	}
	for _, r := range append([]registry.ArrivalRow{row}, twins...) {
		if node, _, _ := strings.Cut(string(r.Place), "/"); node != h.archive.Node() {
			return row, nil, fmt.Errorf("%w: item %s lies in the archive of gateway %q; give the order there", registry.ErrRefused, r.Item, node)
		}
	}
	return row, twins, nil
}

// repeating finds the items that repeat another's letter.
func (h *house) repeating(ctx context.Context, id registry.ItemID) (twins []registry.ArrivalRow, err error) {
	q := registry.Query{Of: registry.FindArrivals, Disposition: registry.Redelivered, Limit: 1000}
	for {
		page, err := h.book.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range page.Arrivals {
			if row.First == id {
				twins = append(twins, row)
			}
		}
		if q.After = page.Next; q.After == "" {
			return twins, nil
		}
	}
}

// unindex leaves of an entry's search text what the register itself says.
func (h *house) unindex(ctx context.Context, n registry.Number) error {
	if n.IsZero() {
		return nil
	}
	found, err := h.book.Find(ctx, registry.Query{Of: registry.FindEntry, Number: n, Limit: 1})
	if err != nil || len(found.Works) == 0 {
		return err
	}
	w := found.Works[0]
	words := strings.Join([]string{n.String(), w.Subject, w.Title, w.Sender.Name, w.Sender.Email, w.SenderRef}, "\n")
	return h.book.Index(ctx, []registry.Text{{Number: n, Words: registry.Fold(words), Erased: true}})
}

// resumeAgain is how long after a failure interrupted erasures are tried again.
const resumeAgain = time.Minute

// finishErasures carries out what a crash has interrupted, as soon as the book
// can be reached.
func (h *house) finishErasures(ctx context.Context) error {
	for {
		err := h.resumeErasures(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		h.log.Warn("archive.erasures_interrupted", "err", err)
		again := time.NewTimer(resumeAgain)
		select {
		case <-ctx.Done():
			again.Stop()
			return nil
		case <-again.C:
		}
	}
}

// resumeErasures carries out what was decided and a crash has interrupted.
func (h *house) resumeErasures(ctx context.Context) error {
	found, err := h.book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: eraseNote, Limit: 1000})
	if err != nil {
		return fmt.Errorf("looking for interrupted erasures: %w", err)
	}
	var all []error
	for _, note := range found.Notes {
		id, order, err := readOrder(note)
		if err == nil && order.Decided != nil {
			_, err = h.erase(ctx, id, *order.Decided)
		}
		if err != nil {
			all = append(all, fmt.Errorf("the erasure of item %s: %w", note.Key, err))
		}
	}
	return errors.Join(all...)
}

// eraseOrder gives the order that stands for an item, if there is one.
func (h *house) eraseOrder(ctx context.Context, id registry.ItemID) (*eraseOrder, error) {
	found, err := h.book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: eraseNote, Key: id.String(), Limit: 1})
	i := slices.IndexFunc(found.Notes, func(n registry.Note) bool { return n.Key == id.String() })
	if err != nil || i < 0 {
		return nil, err
	}
	_, order, err := readOrder(found.Notes[i])
	return &order, err
}

func readOrder(note registry.Note) (id registry.ItemID, order eraseOrder, err error) {
	if id, err = registry.ParseItemID(note.Key); err == nil {
		err = json.Unmarshal(note.Value, &order)
	}
	return id, order, err
}

// keepOrder notes an order; nil takes it off.
func (h *house) keepOrder(ctx context.Context, id registry.ItemID, order *eraseOrder) (err error) {
	note := registry.Note{Kind: eraseNote, Key: id.String()}
	if order != nil {
		if note.Value, err = json.Marshal(order); err != nil {
			return err
		}
	}
	return h.book.Keep(ctx, []registry.Note{note})
}
