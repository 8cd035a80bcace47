package main

import (
	"context"
	"fmt"
	"time"

	"kancelaria/cmd/internal/ops"
	"kancelaria/gateway/api"
	"kancelaria/registry"
)

// keeper says how the house fares and mends small things.
type keeper struct{ *house }

// Status gathers a line from each part. It asks the book only briefly: a
// status that hangs helps nobody.
func (k keeper) Status(ctx context.Context) api.Status {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	s := api.Status{At: k.now().UTC(), Version: version(), Running: k.purpose == forServe}
	s.Lines = append(s.Lines, k.archiveLine(), k.spoolLine(), k.bookLine(ctx), k.clockLine(), k.rulesLine())
	s.Lines = append(s.Lines, k.outboxLine(ctx), k.lateLine(ctx))
	s.Lines = append(s.Lines, k.screenLines()...)
	s.Lines = append(s.Lines, k.trustLines()...)
	s.Lines = append(s.Lines, k.gatewayLines(ctx)...)
	s.Lines = append(s.Lines, k.sealLine())
	s.Lines = append(s.Lines, k.doors()...)
	s.Lines = append(s.Lines, k.bells()...)
	return s
}

func (k keeper) archiveLine() api.StatusLine {
	st, err := k.archive.Status()
	if err != nil {
		return api.StatusLine{Part: "archive", Colour: "red", Text: err.Error()}
	}
	l := api.StatusLine{
		Part: "archive", Colour: string(st.State), Help: "kancelaria archive fsck",
		Text:  fmt.Sprintf("%d segments, %d MB free, %d damaged", st.Segments, st.Free>>20, st.Damaged),
		Facts: map[string]any{"segments": st.Segments, "bytes": st.Bytes, "free": st.Free, "damaged": st.Damaged, "tails": st.Tails},
	}
	if st.Trouble != nil {
		l.Text += ": " + st.Trouble.Error()
	}
	return l
}

func (k keeper) spoolLine() api.StatusLine {
	st := k.spool.Stats()
	l := api.StatusLine{
		Part: "spool", Colour: "green", Help: "kancelaria spool list",
		Text:  fmt.Sprintf("%d waiting, %d parked", st.Waiting-st.Parked, st.Parked),
		Facts: map[string]any{"waiting": st.Waiting, "parked": st.Parked, "bytes": st.Bytes},
	}
	if !st.Oldest.IsZero() {
		l.Facts["oldest"] = st.Oldest
		if age := k.now().Sub(st.Oldest); age > 5*time.Minute {
			l.Colour = "amber"
			l.Text += fmt.Sprintf(", the oldest for %s", age.Round(time.Second))
		}
	}
	if st.Parked > 0 {
		l.Colour, l.Help = "red", "kancelaria spool list --parked"
	}
	return l
}

func (k keeper) bookLine(ctx context.Context) api.StatusLine {
	head, err := k.book.Head(ctx)
	if err == nil {
		err = k.registrar.Trouble()
	}
	if err == nil && k.purpose == forReading {
		err = k.behind(ctx, head)
	}
	if err != nil {
		return api.StatusLine{Part: "book", Colour: "red", Text: err.Error() + "; letters are accepted and wait", Help: "kancelaria check --live"}
	}
	findings, err := k.book.Check(ctx)
	l := api.StatusLine{Part: "book", Colour: "green", Text: fmt.Sprintf("%d leaves in the ledger", head.Size), Facts: map[string]any{"leaves": head.Size}}
	if err != nil {
		l.Colour, l.Text = "red", err.Error()
	}
	for _, f := range findings {
		l.Colour = "red"
		l.Text += "; " + f.Text
	}
	return l
}

func (k keeper) clockLine() api.StatusLine {
	l := api.StatusLine{Part: "clock", Colour: "green", Text: k.now().In(k.cfg.Zone).Format(time.RFC3339)}
	return l
}

func (k keeper) rulesLine() api.StatusLine {
	l := api.StatusLine{
		Part: "rules", Colour: "green", Help: "kancelaria check",
		Text:  fmt.Sprintf("%d rules, set %s", k.orders.rules().Len(), k.orders.rules().Digest().String()[:12]),
		Facts: map[string]any{"digest": k.orders.rules().Digest()},
	}
	if p := k.orders.Problem(); p != "" {
		l.Colour, l.Text = "red", "the files on the disk are not in force: "+p
	}
	return l
}

func (k keeper) outboxLine(ctx context.Context) api.StatusLine {
	l := api.StatusLine{Part: "outbox", Colour: "green", Help: "kancelaria outbox list --state dead"}
	dead, err := k.book.Find(ctx, registry.Query{Of: registry.FindOutbox, State: registry.OutboxDead, Limit: 1000})
	if err != nil {
		l.Colour, l.Text = "amber", "not known while the book is closed"
		return l
	}
	ready, err := k.book.Find(ctx, registry.Query{Of: registry.FindOutbox, State: registry.OutboxReady, Limit: 1000})
	if err != nil {
		l.Colour, l.Text = "amber", err.Error()
		return l
	}
	l.Text = fmt.Sprintf("%d to send, %d undeliverable", len(ready.Outbox), len(dead.Outbox))
	if len(dead.Outbox) > 0 {
		l.Colour = "amber"
	}
	return l
}

// RetryOutbox makes a row ready again at once.
func (k keeper) RetryOutbox(ctx context.Context, id string) error {
	found, err := k.book.Find(ctx, registry.Query{Of: registry.FindOutbox, Key: id, Limit: 1})
	if err != nil {
		return err
	}
	if len(found.Outbox) == 0 {
		return fmt.Errorf("%w: nothing to send is called %s", registry.ErrNotFound, id)
	}
	row := found.Outbox[0]
	row.State, row.NotBefore = registry.OutboxReady, k.now().UTC()
	if err := k.book.Finish(ctx, []registry.OutboxRow{row}); err != nil {
		return err
	}
	k.ring()
	return nil
}

// Spool lists what is not settled.
func (k keeper) Spool(context.Context) ([]api.SpoolItem, error) {
	var items []api.SpoolItem
	for _, w := range k.spool.List(false, 10_000) {
		i := api.SpoolItem{ItemID: w.ID.String(), AcceptedAt: w.At.In(k.cfg.Zone).Format(time.RFC3339), State: "waiting", Why: w.Why}
		switch {
		case w.Parked:
			i.State = "parked"
		case w.Out:
			i.State = "in_hand"
		}
		items = append(items, i)
	}
	return items, nil
}

// RetrySpool takes up a parked item again.
func (k keeper) RetrySpool(ctx context.Context, id registry.ItemID) error {
	return k.spool.Unpark(ctx, id)
}

// doorLines says how the doors fare.
func (d *daemon) doorLines() []api.StatusLine {
	all := d.codesLines()
	if err := d.spool.Room(0); err != nil {
		all = append(all, api.StatusLine{Part: "mail door", Colour: "red", Text: "letters are answered with \"later\": " + err.Error()})
	} else {
		for _, a := range d.mail.Addrs() {
			all = append(all, api.StatusLine{Part: "mail door", Colour: "green", Text: a.Kind + " on " + a.Address})
		}
	}
	for _, w := range d.watchers {
		h := w.Health()
		l := api.StatusLine{Part: "drop " + h.Name, Colour: "green", Help: "kancelaria source list", Text: fmt.Sprintf("%d taken, %d claimed", h.Taken, h.Claimed), Facts: map[string]any{"waiting": h.Waiting}}
		for why, n := range h.Waiting {
			l.Text += fmt.Sprintf(", %d %s", n, why)
		}
		if h.Error != "" {
			l.Colour, l.Text = "amber", fmt.Sprintf("%s; tried again at %s", h.Error, h.Again.In(d.cfg.Zone).Format(time.TimeOnly))
		}
		if h.Red() {
			l.Colour = "red"
		}
		all = append(all, l)
	}
	return all
}

// bellLines says how the ways out fare.
func (d *daemon) bellLines() []api.StatusLine {
	var all []api.StatusLine
	for _, c := range d.bell.Channels() {
		l := api.StatusLine{Part: "channel " + c.Name, Colour: "green", Text: "works"}
		if c.LastError != "" {
			l.Colour, l.Text = "red", c.LastError
		}
		all = append(all, l)
	}
	if d.mover != nil {
		all = append(all, moverLine(d.mover))
	}
	return all
}

// red are the sentences of what is red.
func (d *daemon) red(ctx context.Context) []string {
	var all []string
	for _, l := range (keeper{d.house}).Status(ctx).Lines {
		if l.Colour == "red" {
			all = append(all, l.Part+": "+l.Text)
		}
	}
	return all
}

// gauges are the figures of the operator's port.
func (d *daemon) gauges() []ops.Gauge {
	st := d.spool.Stats()
	oldest := 0.0
	if !st.Oldest.IsZero() {
		oldest = d.now().Sub(st.Oldest).Seconds()
	}
	all := []ops.Gauge{
		{Name: "kancelaria_spool_waiting_items", Help: "Items accepted and not settled.", Value: float64(st.Waiting)},
		{Name: "kancelaria_spool_parked_items", Help: "Items set aside for a person.", Value: float64(st.Parked)},
		{Name: "kancelaria_spool_waiting_bytes", Help: "Originals of waiting items.", Value: float64(st.Bytes)},
		{Name: "kancelaria_spool_oldest_seconds", Help: "Age of the oldest waiting item.", Value: oldest},
	}
	rejected := 0.0
	if d.orders.Problem() != "" {
		rejected = 1
	}
	all = append(all,
		ops.Gauge{Name: "kancelaria_rules_rejected", Help: "1 while the files on the disk are refused and older rules are in force.", Value: rejected},
		ops.Gauge{Name: "kancelaria_rules_reload_failures_total", Help: "Reloads refused since the start.", Value: float64(d.orders.failed.Load())})
	if a, err := d.archive.Status(); err == nil {
		all = append(all, ops.Gauge{Name: "kancelaria_archive_free_bytes", Help: "Free space under the archive.", Value: float64(a.Free)},
			ops.Gauge{Name: "kancelaria_archive_damaged_records", Help: "Damaged records set aside.", Value: float64(a.Damaged)},
			ops.Gauge{Name: "kancelaria_archive_failed_syncs_total", Help: "Syncs that failed since the start.", Value: float64(a.Failures)})
	}
	all = append(all, d.mailGauges()...)
	for _, w := range d.watchers {
		all = append(all, dropGauges(w.Health(), d.now())...)
	}
	for _, c := range d.bell.Channels() {
		channel := map[string]string{"channel": c.Name}
		all = append(all, ops.Gauge{Name: "kancelaria_notify_sent_total", Help: "Mails taken since the start.", Labels: channel, Value: float64(c.Sent)},
			ops.Gauge{Name: "kancelaria_notify_refused_total", Help: "Mails refused for good since the start.", Labels: channel, Value: float64(c.Refused)},
			ops.Gauge{Name: "kancelaria_notify_delayed_total", Help: "Attempts put off since the start.", Labels: channel, Value: float64(c.Delayed)})
	}
	return all
}

// mailGauges are the figures of the mail door.
func (d *daemon) mailGauges() []ops.Gauge {
	c := d.mail.Count()
	all := []ops.Gauge{{Name: "kancelaria_smtpd_connections", Help: "Peers that are here now.", Value: float64(c.Connections)}}
	for outcome, n := range map[string]uint64{"taken": c.Taken, "deferred": c.Deferred, "refused": c.Refused} {
		all = append(all, ops.Gauge{
			Name: "kancelaria_smtpd_attempts_total", Help: "Letters taken, attempts put off (4xx) and refused (5xx) since the start.",
			Labels: map[string]string{"outcome": outcome}, Value: float64(n),
		})
	}
	return all
}
