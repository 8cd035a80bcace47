package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kancelaria/registry"
)

// A gateway shows that it lives by a lease of its own name. Others may send
// what it left in the outbox once that is over, and see what it works with.
const (
	presentFor   = time.Minute
	presentEvery = 20 * time.Second
)

// A presence is what gateways tell of themselves in their lease.
type presence struct {
	Rules    string `json:"rules"`              // digest of the set in force
	Office   string `json:"office,omitempty"`   // digest of office.yaml
	Rejected bool   `json:"rejected,omitempty"` // the files on its disk are not in force
	Home     string `json:"home,omitempty"`     // the second home, empty if the archive is private
	ID       string `json:"id,omitempty"`       // of the gateway's data: two may be called alike by mistake
	Since    string `json:"since,omitempty"`    // of the daemon
	Oldest   string `json:"oldest,omitempty"`   // when the oldest item was accepted that waits with it
}

// present renews the lease until ctx ends, then gives it back.
func (d *daemon) present(ctx context.Context) error {
	tick := time.NewTicker(presentEvery)
	defer tick.Stop()
	for {
		if err := d.show(ctx, presentFor); err != nil && ctx.Err() == nil && !errors.Is(err, registry.ErrUnavailable) {
			d.log.Warn("office.presence", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			_ = d.show(closing, time.Millisecond) // the lease would end by itself
			return nil
		}
	}
}

func (d *daemon) show(ctx context.Context, ttl time.Duration) error {
	note, err := json.Marshal(presence{ID: d.id, Rules: d.orders.rules().Digest().String(), Office: d.orders.office().Digest.String(), Rejected: d.orders.Problem() != "", Home: d.homeName(), Since: d.began.UTC().Format(time.RFC3339), Oldest: d.oldestWaiting()})
	if err != nil {
		return err
	}
	_, err = d.book.Lease(ctx, registry.NodeLease(d.cfg.Node), d.cfg.Node, ttl, string(note))
	return err
}

// homeName names the second home, so that gateways notice if they have not the
// same.
func (d *daemon) homeName() string {
	c := d.cfg.Archive.S3
	if c.Endpoint == "" {
		return ""
	}
	return strings.TrimSuffix(c.Endpoint, "/") + "/" + c.Bucket + "/" + c.Prefix
}

// gatewayID gives the name that a gateway's data were given when they were
// made; nobody chooses it, so no two have the same.
func gatewayID(data string) (string, error) {
	file := filepath.Join(data, "gateway.id")
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		id := registry.NewItemID(time.Now()).String()
		return id, os.WriteFile(file, []byte(id+"\n"), 0o644)
	}
	return strings.TrimSpace(string(b)), err
}

// errAlone means that this gateway may not work beside another.
var errAlone = errors.New("another gateway works on this book")

// mayJoin refuses a start beside another gateway unless both keep originals in
// the same second home: what one accepts the other could not show. While the
// database is down nobody can be asked; the lease is looked at again when it is
// back.
func (d *daemon) mayJoin(ctx context.Context) error {
	if d.cfg.Store.DSN == "" {
		return nil // one book, one gateway
	}
	var err error
	if d.id, err = gatewayID(string(d.cfg.Data)); err != nil {
		return fmt.Errorf("naming the gateway: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	others, err := d.gateways(ctx)
	if err != nil {
		d.log.Warn("office.alone_unknown", "err", err)
		return nil
	}
	for node, p := range others {
		switch {
		case node == d.cfg.Node && p.ID != "" && p.ID != d.id:
			return withCode(exitConfig, fmt.Errorf("%w and calls itself %s too; give each gateway a name of its own (node: in kancelaria.yaml)", errAlone, node))
		case node == d.cfg.Node, p.Home != "" && p.Home == d.homeName():
			continue
		}
		return withCode(exitFailed, fmt.Errorf("%w: %s; several gateways need one second home for originals: give all of them the same archive.s3, or stop %s first (its lease ends a minute after it)", errAlone, node, node))
	}
	return nil
}

// gateways lists who lives, by name.
func (h *house) gateways(ctx context.Context) (map[string]presence, error) {
	page, err := h.book.Find(ctx, registry.Query{Of: registry.FindLeases})
	if err != nil {
		return nil, fmt.Errorf("asking who else works on the book: %w", err)
	}
	return living(page.Leases, h.now()), nil
}

// living reads what gateways tell of themselves in leases that are not over.
// One that cannot be read tells nothing: another version may say other things.
func living(leases []registry.Lease, now time.Time) map[string]presence {
	alive := map[string]presence{}
	for _, l := range leases {
		node, ok := strings.CutPrefix(l.Name, registry.NodeLease(""))
		if !ok || !l.Until.After(now) {
			continue
		}
		var p presence
		if json.Unmarshal([]byte(l.Note), &p) != nil {
			p = presence{}
		}
		alive[node] = p
	}
	return alive
}
