package main

import (
	"context"
	"errors"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// newRetention makes the part that erases what was kept out of the book when
// its term is over.
func (h *house) newRetention() *gateway.Retention {
	t := h.cfg.Retention
	return gateway.NewRetention(gateway.RetentionOptions{
		Book: h.book, Erase: h.Expired, Erased: h.erased, Terms: gateway.Terms{Spam: t.Spam, Malware: t.Malware, Beside: t.Beside},
		Office: h.orders.office, Node: h.cfg.Node, Now: h.now, Log: h.log,
	})
}

// erased reports whether the bytes of an item have gone.
func (h *house) erased(ctx context.Context, row registry.ArrivalRow) (bool, error) {
	src, err := h.archive.Original(ctx, row.Place, row.Item)
	if errors.Is(err, registry.ErrErased) {
		return true, nil
	}
	if err == nil {
		err = src.Close()
	}
	if errors.Is(err, registry.ErrDamaged) {
		err = nil // what is damaged is erased too
	}
	return false, err
}
