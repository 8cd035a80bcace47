package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kancelaria/registry"
	"kancelaria/registry/archive"
)

// sealed takes a seal of a segment on its way to the ledger. It must not block:
// the archive is in the middle of its work. What finds no room is found again
// at the next start.
func (h *house) sealed(s archive.Seal) {
	select {
	case h.seals <- s:
	default:
		h.log.Warn("archive.seal_waits", "segment", s.Segment)
	}
}

// writeSeals makes a leaf of each seal, so that a segment cannot be exchanged
// behind the ledger's back. The key makes repeating harmless.
func (h *house) writeSeals(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-h.seals:
			content, err := json.Marshal(s)
			if err != nil {
				return err
			}
			name := fmt.Sprintf("%s/%d", h.cfg.Node, s.Segment)
			_, err = h.registrar.Submit(ctx, registry.Draft{
				Key: "seal/" + name, Actor: registry.Daemon,
				Act: &registry.Act{Kind: registry.ActSealed, Subject: "segment/" + name, Text: s.Digest.String(), Content: content},
			})
			if err != nil && !errors.Is(err, context.Canceled) {
				h.log.Warn("archive.seal_not_written", "segment", s.Segment, "err", err)
			}
		}
	}
}
