package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"kancelaria/registry"
)

// showEntry answers show for a number or an item id.
func (a *API) showEntry(w http.ResponseWriter, r *http.Request) error {
	work, err := a.find(r.Context(), r.PathValue("number"))
	if err != nil {
		return err
	}
	s, err := a.source(r.Context(), work, true)
	if err != nil {
		return err
	}
	e := s.entry(a.Office().Zone, registry.Catalogue(a.Office().Language))
	e.addFindings(s, a.Office().Zone)
	e.Text = new(string)
	if s.line != nil {
		it := s.line.Draft.Arrival.Item
		it.Place = work.Place
		a.Access(r.Context(), a.reader(r), "shown", work.Number.String())
		text, err := a.Originals.Text(r.Context(), it)
		if err != nil { // a damaged original must not hide what the register knows
			e.Flaws = append(e.Flaws, registry.Flaw{Code: "original_unreadable", Note: err.Error()})
		}
		*e.Text = text
	}
	return newLines(w).write(e)
}

// reader is who looks, for the record of access.
func (a *API) reader(r *http.Request) registry.Actor {
	who, _ := a.actor(r.Context(), "")
	return who
}

// original answers with the bytes as they arrived.
func (a *API) original(w http.ResponseWriter, r *http.Request) error {
	work, err := a.find(r.Context(), r.PathValue("number"))
	if err != nil {
		return err
	}
	if err := a.unlock(r, work, ""); err != nil {
		return err
	}
	if scan := r.FormValue("scan"); scan != "" {
		if work, err = a.laterScan(r.Context(), work, scan); err != nil {
			return err
		}
	}
	a.Access(r.Context(), a.reader(r), "original", work.Number.String())
	body, err := a.Originals.Original(r.Context(), work)
	if err != nil {
		return err
	}
	defer body.Close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(work.Size, 10))
	if _, err := io.Copy(w, body); err != nil {
		a.Log.Error("api.original", "number", work.Number, "err", err)
		panic(http.ErrAbortHandler) // half an original must not look like a whole one
	}
	return nil
}

// laterScan gives an entry with a later scan of it in the place of its original:
// 1 is the first that was attached.
func (a *API) laterScan(ctx context.Context, work registry.Work, scan string) (registry.Work, error) {
	n, err := strconv.Atoi(scan)
	if err != nil || n < 1 {
		return work, wrong("%.20q counts no scan; the first that was attached is 1", scan)
	}
	found, err := a.Book.Find(ctx, registry.Query{Of: registry.FindEvents, Subject: work.Number.String(), Limit: 10_000})
	if err != nil {
		return work, err
	}
	for _, leaf := range found.Leaves {
		l, err := registry.ParseLine(leaf.Content)
		if leaf.Type != string(registry.Attached) || err != nil || l.Draft.Arrival == nil {
			continue
		}
		if n--; n > 0 {
			continue
		}
		it := l.Draft.Arrival.Item
		if l.Draft.Arrival.Document.Malware.State == "found" {
			return work, fmt.Errorf("%w: malware was found in this scan", errForbidden)
		}
		work.Item, work.Place, work.Digest, work.Size = it.ID, l.Draft.Arrival.Place, it.Original.Digest, it.Original.Size
		return work, nil
	}
	return work, fmt.Errorf("%w: %s has no such scan", registry.ErrNotFound, work.Number)
}

// attachment answers with one decoded part.
func (a *API) attachment(w http.ResponseWriter, r *http.Request) error {
	work, err := a.find(r.Context(), r.PathValue("number"))
	if err != nil {
		return err
	}
	s, err := a.source(r.Context(), work, false)
	if err != nil {
		return err
	}
	if s.line == nil {
		return fmt.Errorf("%w: the content of %s", registry.ErrErased, work.Number)
	}
	it := s.line.Draft.Arrival.Item
	it.Place = work.Place
	for _, at := range s.line.Draft.Arrival.Document.Attachments {
		if at.Path != r.FormValue("path") {
			continue
		}
		if err := a.unlock(r, work, at.Path); err != nil {
			return err
		}
		a.Access(r.Context(), a.reader(r), "attachment", work.Number.String())
		body, err := a.Originals.Attachment(r.Context(), it, at.Path)
		if err != nil {
			return err
		}
		defer body.Close()
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": at.Name}))
		if _, err := io.Copy(w, body); err != nil {
			a.Log.Error("api.attachment", "number", work.Number, "err", err)
			panic(http.ErrAbortHandler)
		}
		return nil
	}
	return fmt.Errorf("%w: %s has no part %q; \"kancelaria show %s\" lists them", registry.ErrNotFound, work.Number, r.FormValue("path"), work.Number)
}

// explained answers why an entry was decided as it was.
func (a *API) explained(w http.ResponseWriter, r *http.Request) error {
	work, err := a.find(r.Context(), r.PathValue("number"))
	if err != nil {
		return err
	}
	s, err := a.source(r.Context(), work, false)
	if err != nil {
		return err
	}
	if s.line == nil {
		return fmt.Errorf("%w: the decision about %s went with the letter", registry.ErrErased, work.Number)
	}
	text, err := a.Explain.Explained(r.Context(), s.line.Draft.Arrival.Decision, r.FormValue("why_not"))
	if err != nil {
		return wrong("%v", err)
	}
	return newLines(w).write(Explanation{Number: work.Number.String(), Text: text})
}

// An Explanation is a decision in words.
type Explanation struct {
	Number string `json:"number"`
	Text   string `json:"text"`
}

// maxExplain bounds a letter handed in only to be explained.
const maxExplain = 64 << 20

// explain answers what the rules would make of a letter.
func (a *API) explain(w http.ResponseWriter, r *http.Request) error {
	text, err := a.Explain.Explain(r.Context(), http.MaxBytesReader(w, r.Body, maxExplain), r.URL.Query().Get("why_not"))
	if err != nil {
		return err
	}
	return newLines(w).write(Explanation{Text: text})
}

// An Item is something accepted, whether or not it is in the book.
type Item struct {
	ItemID      string               `json:"item_id"`
	Delivery    string               `json:"delivery"`
	Disposition registry.Disposition `json:"disposition"`
	Number      string               `json:"number"`
	Register    string               `json:"register"`
	AcceptedAt  string               `json:"accepted_at"`
	Reason      string               `json:"reason"`
	Redelivered int64                `json:"redelivered"`
	Door        registry.Door        `json:"door"`
	Source      string               `json:"source"`
	Sender      registry.Sender      `json:"sender"`
	Subject     string               `json:"subject"`
	Original    Original             `json:"original"`
	Answers     string               `json:"answers"`
	Flags       []registry.Flag      `json:"flags"`
	Because     []string             `json:"because"`
}

func (a *API) item(r *http.Request, row registry.ArrivalRow) (Item, error) {
	i := Item{
		ItemID: row.Item.String(), Delivery: row.Delivery.String(), Disposition: row.Disposition, Number: row.Number.String(),
		Register: row.Register, AcceptedAt: instant(row.AcceptedAt, a.Office().Zone), Reason: row.Reason, Redelivered: row.Redelivered,
		Flags: []registry.Flag{}, Because: []string{},
	}
	// The first draft about an item has its key; it holds what was read.
	found, err := a.Book.Find(r.Context(), registry.Query{Of: registry.FindLine, Key: "item/" + row.Item.String(), Limit: 1})
	if err != nil || len(found.Leaves) == 0 {
		return i, err
	}
	var l registry.Line
	if json.Unmarshal(found.Leaves[0].Content, &l) != nil || l.Draft.Arrival == nil {
		return i, nil // erased
	}
	at := l.Draft.Arrival
	i.Door, i.Source, i.Sender, i.Subject, i.Answers = at.Item.Door, at.Item.Source, at.Sender, at.Document.Subject, at.Answers
	i.Original = Original{at.Item.Original.Digest.String(), at.Item.Original.Size, at.Item.Original.MediaType}
	i.Flags, i.Because = list(at.Decision.Flags), list(at.Decision.Because)
	return i, nil
}

// showItem answers show for an item that may have no number.
func (a *API) showItem(w http.ResponseWriter, r *http.Request) error {
	if err := a.desk(r); err != nil {
		return err
	}
	id, err := registry.ParseItemID(r.PathValue("id"))
	if err != nil {
		return wrong("%v", err)
	}
	row, err := a.heldItem(r, id)
	if err != nil {
		return err
	}
	i, err := a.item(r, row)
	if err != nil {
		return err
	}
	return newLines(w).write(i)
}

// heldItem finds an item that the caller may know of.
func (a *API) heldItem(r *http.Request, id registry.ItemID) (registry.ArrivalRow, error) {
	v, err := a.viewer(r.Context())
	if err != nil {
		return registry.ArrivalRow{}, err
	}
	found, err := a.Book.Find(r.Context(), registry.Query{Of: registry.FindArrivals, Items: []registry.ItemID{id}, Viewer: v, Limit: 1})
	if err != nil {
		return registry.ArrivalRow{}, err
	}
	if len(found.Arrivals) == 0 || !a.Office().SeesRegister(v, found.Arrivals[0].Register) {
		return registry.ArrivalRow{}, fmt.Errorf("%w: item %s; it may still wait: \"kancelaria spool list\"", registry.ErrNotFound, id)
	}
	return found.Arrivals[0], nil
}

// desk refuses whoever is neither owner nor of the front desk or secretary:
// what is kept out of the book is theirs to look through.
func (a *API) desk(r *http.Request) error {
	c, _ := CallerOf(r.Context())
	k, _ := c.clerk(a.Office())
	if c.Owner || k.Has(registry.RoleDesk) || k.Has(registry.RoleSecretary) {
		return nil
	}
	return errForbidden
}

// listItems answers quarantine list and beside list.
func (a *API) listItems(w http.ResponseWriter, r *http.Request) error {
	if err := a.desk(r); err != nil {
		return err
	}
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	v, err := a.viewer(r.Context())
	if err != nil {
		return err
	}
	out := newLines(w)
	q := registry.Query{Of: registry.FindArrivals, Viewer: v, Disposition: registry.Disposition(r.FormValue("disposition"))}
	for limit > 0 {
		q.Limit = min(limit, page)
		found, err := a.Book.Find(r.Context(), q)
		if err != nil {
			return err
		}
		for _, row := range found.Arrivals {
			if !a.Office().SeesRegister(v, row.Register) {
				continue
			}
			i, err := a.item(r, row)
			if err != nil {
				return err
			}
			if err := out.write(i); err != nil {
				return nil
			}
		}
		limit -= len(found.Arrivals)
		if q.After = found.Next; q.After == "" {
			return nil
		}
	}
	return nil
}
