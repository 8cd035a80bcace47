package main

import (
	"log/slog"
	"time"

	"kancelaria/registry"
)

// A journal writes down what the office did, one method an event, with ids
// only: no subject, name or address of anybody.
type journal struct{ log *slog.Logger }

// Settled: an item went its whole way.
func (j journal) Settled(it registry.Item, out registry.Outcome, took time.Duration) {
	attrs := []any{"item", it.ID, "door", it.Door, "size", it.Original.Size, "took", took}
	switch out.Disposition {
	case registry.Registered:
		j.log.Info("office.registered", append(attrs, "number", out.Number, "clerk", out.Clerk, "case", out.Case)...)
	case registry.Redelivered:
		j.log.Info("office.redelivered", append(attrs, "number", out.Number)...)
	default:
		j.log.Info("office."+string(out.Disposition), attrs...)
	}
}

// Parked: an item waits for a person.
func (j journal) Parked(it registry.Item, why string) {
	j.log.Error("office.parked", "item", it.ID, "door", it.Door, "err", why, "see", "kancelaria spool list --parked")
}

// Delayed: an item is tried again.
func (j journal) Delayed(it registry.Item, err error) {
	j.log.Warn("office.delayed", "item", it.ID, "door", it.Door, "err", err)
}

// Erased: the bytes of an item are gone for good.
func (j journal) Erased(id registry.ItemID, by registry.Draft) {
	j.log.Warn("office.erased", "item", id, "reason", by.Act.Text, "clerk", registry.Actor{Login: by.Actor, OnBehalfOf: by.OnBehalfOf}.Acting())
}

// Told: a notice or receipt left, or was given up.
func (j journal) Told(row registry.OutboxRow) {
	j.log.Info("office.told", "row", row.ID, "kind", row.Kind, "number", row.Number, "state", row.State, "attempt", row.Attempts)
}

// Access: somebody opened an original or its content.
func (j journal) Access(who registry.Actor, what, subject string) {
	j.log.Info("office.access", "clerk", who.Acting(), "actor", who.Login, "what", what, "number", subject)
}
