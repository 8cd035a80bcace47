package web

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"kancelaria/registry"
)

// A heldRow is an item that is not in the book: quarantined, or filed beside.
type heldRow struct {
	registry.ArrivalRow
	Sender  registry.Sender
	Subject string
	Because []string
	Flags   []registry.Flag
}

// A queuePage is what the front desk looks through in the morning.
type queuePage struct {
	Sections []section
	Held     []heldRow
	Beside   []heldRow
	Key      string
}

const mostHeld = 50

// queue is the front desk's page.
func (w *Web) queue(rw http.ResponseWriter, r *http.Request, v *visit) error {
	if !v.isDesk() {
		return errRole
	}
	p := queuePage{Key: secretText()}
	ctx := r.Context()
	scans, err := v.section(ctx, "scans", "scans", v.Say("web.queue.scans"), registry.Query{Status: registry.StatusToComplete})
	if err != nil {
		return err
	}
	waiting, err := v.section(ctx, "unrouted", "unrouted", v.Say("web.queue.unrouted"), registry.Query{Status: registry.StatusRegistered, Department: v.office.Desk.Department})
	if err != nil {
		return err
	}
	returned := section{ID: "returned", Kind: "returned", Title: v.Say("web.queue.returned")}
	var first []registry.Work
	for _, work := range waiting.Rows {
		if work.Returns > 0 {
			returned.Rows = append(returned.Rows, work)
		} else {
			first = append(first, work)
		}
	}
	waiting.Rows = first
	suggested, err := v.section(ctx, "suggested", "suggested", v.Say("web.queue.suggested"), registry.Query{Flag: registry.FlagCaseRef})
	if err != nil {
		return err
	}
	p.Sections = []section{scans, waiting, returned, suggested}
	if p.Held, err = v.held(ctx, registry.Quarantined); err != nil {
		return err
	}
	if p.Beside, err = v.held(ctx, registry.Beside); err != nil {
		return err
	}
	return v.show(rw, r, "queue", "queue", v.Say("web.queue.title"), p)
}

// held lists what was kept out, without what came to registers that the visitor
// does not see.
func (v *visit) held(ctx context.Context, d registry.Disposition) ([]heldRow, error) {
	found, err := v.find(ctx, registry.Query{Of: registry.FindArrivals, Disposition: d, Limit: mostHeld})
	if err != nil {
		return nil, err
	}
	var all []heldRow
	for _, row := range found.Arrivals {
		if !v.office.SeesRegister(v.viewer, row.Register) {
			continue
		}
		h, _, err := v.heldRow(ctx, row)
		if err != nil {
			return nil, err
		}
		all = append(all, h)
	}
	return all, nil
}

// heldRow reads what was understood of an item when it was kept out. The first
// draft about an item has its key.
func (v *visit) heldRow(ctx context.Context, row registry.ArrivalRow) (heldRow, *registry.Arrival, error) {
	h := heldRow{ArrivalRow: row}
	found, err := v.find(ctx, registry.Query{Of: registry.FindLine, Key: "item/" + row.Item.String(), Limit: 1})
	if err != nil || len(found.Leaves) == 0 {
		return h, nil, err
	}
	var l registry.Line
	if json.Unmarshal(found.Leaves[0].Content, &l) != nil || l.Draft.Arrival == nil {
		return h, nil, nil // erased
	}
	a := l.Draft.Arrival
	a.Item.Place = row.Place
	h.Sender, h.Subject, h.Because, h.Flags = a.Sender, cmp.Or(a.Title, a.Document.Subject), a.Decision.Because, a.Decision.Flags
	return h, a, nil
}

// An itemPage is one item that is not in the book.
type itemPage struct {
	Row     heldRow
	Arrival *registry.Arrival
	Text    string
	Held    bool // it may still be released or rejected
	Key     string
	Reason  string // as typed, when it was refused
}

// heldItem finds the item that a path names, for the desk.
func (v *visit) heldItem(r *http.Request) (registry.ArrivalRow, error) {
	if !v.isDesk() {
		return registry.ArrivalRow{}, errRole
	}
	id, err := registry.ParseItemID(r.PathValue("id"))
	if err != nil {
		return registry.ArrivalRow{}, errNoPage
	}
	found, err := v.find(r.Context(), registry.Query{Of: registry.FindArrivals, Items: []registry.ItemID{id}, Limit: 1})
	if err != nil {
		return registry.ArrivalRow{}, err
	}
	if len(found.Arrivals) == 0 || !v.office.SeesRegister(v.viewer, found.Arrivals[0].Register) {
		return registry.ArrivalRow{}, fmt.Errorf("%w: item %s", registry.ErrNotFound, id)
	}
	return found.Arrivals[0], nil
}

// item shows an item that was kept out: as plain text only, whatever it is.
func (w *Web) item(rw http.ResponseWriter, r *http.Request, v *visit) error {
	row, err := v.heldItem(r)
	if err != nil {
		return err
	}
	if !row.Number.IsZero() {
		http.Redirect(rw, r, "/entries/"+row.Number.String(), http.StatusSeeOther)
		return nil
	}
	return v.showItem(rw, r, row, http.StatusOK, "")
}

func (v *visit) showItem(rw http.ResponseWriter, r *http.Request, row registry.ArrivalRow, status int, wrong string) error {
	p := itemPage{Key: secretText(), Held: row.Disposition == registry.Quarantined || row.Disposition == registry.Beside, Reason: r.PostForm.Get("reason")}
	var err error
	if p.Row, p.Arrival, err = v.heldRow(r.Context(), row); err != nil {
		return err
	}
	if p.Arrival != nil && row.Reason != "classified" {
		v.w.o.Access(r.Context(), v.actor(), "text", row.Item.String())
		if p.Text, err = v.w.o.Originals.Text(r.Context(), p.Arrival.Item); err != nil {
			v.w.o.Log.Warn("web.text", "item", row.Item, "err", err)
		}
	}
	s := v.sheet(r, "queue", v.Say("web.item.title"), p)
	s.Wrong = wrong
	return v.w.show(rw, status, "item", s)
}

// settleItem releases an item into the book, or keeps it out for good.
func (w *Web) settleItem(rw http.ResponseWriter, r *http.Request, v *visit) error {
	if err := v.form(rw, r); err != nil {
		return err
	}
	row, err := v.heldItem(r)
	if err != nil {
		return err
	}
	reason := field(r, "reason")
	var out registry.Outcome
	done := "released"
	switch {
	case reason == "":
		err = fmt.Errorf("%w: a reason is needed", registry.ErrRefused)
	case field(r, "kind") == "release":
		out, err = w.o.Acts.Release(r.Context(), v.actor(), row.Item, reason)
	case field(r, "kind") == "reject":
		done = "rejected"
		out, err = w.o.Acts.ActOnce(r.Context(), actKey(v, r, row.Item.String()), v.actor(), registry.Act{Kind: registry.ActReject, Subject: row.Item.String()}, nil, reason)
	default:
		return errWrong
	}
	if err = cmp.Or(err, out.Err()); err == nil {
		to := "/queue"
		if !out.Number.IsZero() {
			to = "/entries/" + out.Number.String()
		}
		return back(rw, r, to, done)
	}
	status, key := fault(err)
	if status >= http.StatusInternalServerError {
		return err
	}
	return v.showItem(rw, r, row, status, v.Say("web.error."+key)+" ("+err.Error()+")")
}
