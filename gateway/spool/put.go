package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"kancelaria/registry"
)

// Put accepts one delivery: r is its original, items are one for each register
// among its recipients. When it returns without error the items are durable and
// will be registered; ids, delivery, node, times, digest, size and place are
// filled in. With an error nothing was accepted, and the door says so.
//
// An item that waits already may be put again with the same bytes, as a door
// does that did not learn the answer: it is accepted once.
func (s *Spool) Put(ctx context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error) {
	if len(items) == 0 {
		return nil, errors.New("accepting a delivery: no items")
	}
	out, err := s.put(ctx, items, r)
	if err != nil {
		return nil, fmt.Errorf("accepting a delivery: %w", err)
	}
	return out, nil
}

func (s *Spool) put(ctx context.Context, given []registry.Item, r io.Reader) ([]registry.Item, error) {
	items := s.name(given)
	if err := s.expect(items); err != nil {
		return nil, err
	}
	defer s.arrived(items)
	body, err := s.archive.Stage(ctx, items[0].ID, r, s.opt.MaxSize)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err := body.Close(); err != nil {
			s.log.Debug("spool.body_close", "err", err)
		}
	}()
	registry.FailSpoolStaged.Hit()
	if known, err := s.known(ctx, items, body); known != nil || err != nil {
		return known, err
	}
	order := s.stamp(items, body)
	return items, s.append(ctx, items, body, order)
}

// append makes items durable and lets them wait.
func (s *Spool) append(ctx context.Context, items []registry.Item, body registry.Body, order uint64) error {
	sheets := make([]registry.Sheet, len(items))
	for i, it := range items {
		b, err := Manifest(it)
		if err != nil {
			return err
		}
		sheets[i] = registry.Sheet{Item: it.ID, Bytes: b}
	}
	f := s.begin()
	defer s.end(f)
	place, err := s.archive.Append(ctx, registry.RecordItems, sheets, body)
	if err != nil {
		return err
	}
	registry.FailSpoolDurable.Hit()
	s.take(items, place, order)
	return nil
}

// expect notes what is on its way in; the same item can't be so twice.
func (s *Spool) expect(items []registry.Item) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.backlog(0); err != nil {
		return err
	}
	for _, it := range items {
		if s.coming[it.ID] {
			return fmt.Errorf("item %s is being accepted already", it.ID)
		}
	}
	for _, it := range items {
		s.coming[it.ID] = true
	}
	return nil
}

func (s *Spool) arrived(items []registry.Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, it := range items {
		delete(s.coming, it.ID)
	}
}

// name mints the ids that the door did not.
func (s *Spool) name(given []registry.Item) []registry.Item {
	items := make([]registry.Item, len(given))
	copy(items, given)
	now := s.now()
	delivery := items[0].Delivery
	if delivery.IsZero() {
		delivery = registry.NewItemID(now)
	}
	for i := range items {
		if items[i].ID.IsZero() {
			items[i].ID = registry.NewItemID(now)
		}
		if items[i].Delivery.IsZero() {
			items[i].Delivery = delivery
		}
		items[i].Node = s.archive.Node()
	}
	return items
}

// known answers a delivery that was accepted before and still waits.
func (s *Spool) known(ctx context.Context, items []registry.Item, body registry.Body) ([]registry.Item, error) {
	var out []registry.Item
	for _, it := range items {
		s.mu.Lock()
		e := s.waiting[it.ID]
		s.mu.Unlock()
		if e == nil {
			continue
		}
		before, err := s.read(ctx, e.place, e.id)
		if err != nil {
			return nil, err
		}
		if before.Original.Digest != body.Digest() {
			return nil, fmt.Errorf("item %s waits already, with other bytes", it.ID)
		}
		out = append(out, before)
	}
	if len(out) > 0 && len(out) < len(items) {
		return nil, fmt.Errorf("some items of delivery %s wait already", items[0].Delivery)
	}
	return out, nil
}

// stamp sets what is known once the last byte is in. The clock of a node never
// goes back, and order is that of arrival.
func (s *Spool) stamp(items []registry.Item, body registry.Body) (order uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().UTC().Truncate(time.Microsecond)
	if now.Before(s.accepted) {
		now = s.accepted
	}
	s.accepted = now
	for i := range items {
		items[i].AcceptedAt = now
		items[i].Original.Digest = body.Digest()
		items[i].Original.Size = body.Size()
	}
	order = s.order
	s.order += uint64(len(items))
	return order
}

// take makes durable items available to Next.
func (s *Spool) take(items []registry.Item, p registry.Place, order uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range items {
		items[i].Place = p
		e := &entry{
			id: items[i].ID, place: p, size: items[i].Original.Size,
			order: order + uint64(i), at: items[i].AcceptedAt,
		}
		if s.cached < maxCached {
			it := items[i]
			e.item = &it
			s.cached++
		}
		s.add(e)
	}
}

// add lets an entry wait. Callers hold mu.
func (s *Spool) add(e *entry) {
	s.waiting[e.id] = e
	s.bytes += e.size
	s.makeReady(e)
}

// makeReady queues an entry and wakes one who waits in Next. Callers hold mu.
func (s *Spool) makeReady(e *entry) {
	e.state = isReady
	s.ready.push(e)
	s.wake()
}
