package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/cmd/internal/ops"
	"kancelaria/gateway/drop"
	"kancelaria/gateway/drop/folder"
	"kancelaria/gateway/drop/share"
	"kancelaria/registry"
)

// A source is where a drop lies.
type source interface {
	drop.FS
	io.Closer
}

// openSource opens the place of a drop. A share is not connected to before it
// is used.
func openSource(p config.Drop, guard *share.Guard, now func() time.Time, log *slog.Logger) (source, error) {
	if p.SMB == "" {
		return folder.Open(string(p.Folder))
	}
	o := share.Options{Username: p.Username, Domain: p.Domain, Signing: p.Signing, Driver: p.Driver, Guard: guard, Now: now, Log: log.With("source", p.Name)}
	if p.PasswordFile != "" {
		o.Password = func() (string, error) { return readSecret(string(p.PasswordFile)) }
	}
	return share.Open(p.SMB, o)
}

// place is how a drop's place is written for people.
func placeOf(p config.Drop) string {
	if p.SMB != "" {
		return p.SMB
	}
	return string(p.Folder)
}

// newDrops makes a watcher for every drop. Shares that log on by one account
// have one guard, so that together they do not lock it.
func (d *daemon) newDrops() error {
	guard := share.NewGuard(d.now)
	for _, p := range d.cfg.Drops {
		if err := d.newDrop(p, guard); err != nil {
			return withCode(exitConfig, fmt.Errorf("drop %q: %w", p.Name, err))
		}
	}
	return nil
}

func (d *daemon) newDrop(p config.Drop, guard *share.Guard) error {
	if p.Folder != "" {
		if err := os.MkdirAll(string(p.Folder), 0o770); err != nil {
			return err
		}
	}
	fs, err := openSource(p, guard, d.now, d.log)
	if err != nil {
		return err
	}
	d.sources = append(d.sources, fs)
	o := drop.Options{
		Name: p.Name, Node: d.cfg.Node, Door: doorOf(p), Register: p.Register, Settle: p.Settle, GiveUp: p.GiveUp, Every: p.Every,
		MaxSize: int64(p.MaxSize), Group: groupOf(p), OnConfirm: p.Numbering == "on_confirm", Move: p.After.Move, Delete: p.After.Delete, Keep: p.After.Keep, Zone: d.cfg.Zone,
		Now: d.now, Log: d.log, Texts: dropTexts{d.texts, int64(p.MaxSize)},
	}
	if p.Codes != "off" {
		o.Codes, o.AllPages = d.codes(), p.Codes == "all"
	}
	if p.After.Leave {
		if o.Leave, err = d.openLedger(p.Name); err != nil {
			return err
		}
		o.Move, o.Alone = "", d.aloneAt(p.Name)
	}
	var hints <-chan struct{}
	if p.Folder != "" {
		if mode, _ := folder.Mode(string(p.Folder)); mode == "notify" {
			watch := folder.NewWatch(string(p.Folder), d.log)
			d.watches = append(d.watches, watch)
			hints = watch.Hints()
		}
	}
	d.watchers = append(d.watchers, drop.New(fs, intake{d.house}, hints, o))
	return nil
}

func (d *daemon) openLedger(name string) (*drop.Ledger, error) {
	dir := filepath.Join(string(d.cfg.Data), "drops")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	l, err := drop.OpenLedger(filepath.Join(dir, name+".taken"))
	if err == nil {
		d.sources = append(d.sources, l)
	}
	return l, err
}

// aloneFor is how long a gateway has a source that it leaves as it is to
// itself; it renews with each scan.
const aloneFor = 5 * time.Minute

// aloneAt asks the book which gateway watches a source: what was taken from it
// is remembered by that gateway only.
func (d *daemon) aloneAt(name string) func(context.Context) (bool, error) {
	if d.cfg.Store.DSN == "" {
		return nil // one book, one gateway
	}
	return func(ctx context.Context) (bool, error) {
		l, err := d.book.Lease(ctx, "drop/"+name, d.cfg.Node, aloneFor, "")
		return l.Held, err
	}
}

func (d *daemon) closeSources() error {
	var all []error
	for _, s := range d.sources {
		all = append(all, s.Close())
	}
	return errors.Join(all...)
}

func doorOf(p config.Drop) registry.Door {
	switch {
	case p.Kind == "package":
		return registry.DoorPackage
	case p.SMB != "":
		return registry.DoorShare
	default:
		return registry.DoorFolder
	}
}

func groupOf(p config.Drop) string {
	if p.Kind == "package" {
		return drop.GroupPackage
	}
	return p.Group
}

// dropGauges are the figures of one source.
func dropGauges(h drop.Health, now time.Time) []ops.Gauge {
	source := map[string]string{"source": h.Name}
	all := []ops.Gauge{
		{Name: "kancelaria_drop_claimed_items", Help: "Items taken that have not got their final names.", Labels: source, Value: float64(h.Claimed)},
		{Name: "kancelaria_drop_taken_total", Help: "Items that got their final names since the start.", Labels: source, Value: float64(h.Taken)},
		{Name: "kancelaria_drop_failed_scans", Help: "Looks at the source in a row that failed.", Labels: source, Value: float64(h.Failed)},
	}
	if !h.LastOK.IsZero() {
		all = append(all, ops.Gauge{Name: "kancelaria_drop_last_scan_seconds", Help: "Time since the source was looked at without an error.", Labels: source, Value: now.Sub(h.LastOK).Seconds()})
	}
	for _, why := range slices.Sorted(maps.Keys(h.Waiting)) {
		all = append(all, ops.Gauge{Name: "kancelaria_drop_waiting_files", Help: "Files seen and not taken, by why.", Labels: map[string]string{"source": h.Name, "why": why}, Value: float64(h.Waiting[why])})
	}
	return all
}
