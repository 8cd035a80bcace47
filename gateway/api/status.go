package api

import (
	"net/http"
	"time"

	"kancelaria/registry"
)

// A Status is everything the office knows of its own health. Each line names
// a part, a colour and a sentence; red needs a person now.
type Status struct {
	At      time.Time    `json:"at"`
	Version string       `json:"version"`
	Running bool         `json:"running"` // a daemon answered
	Lines   []StatusLine `json:"lines"`
}

// A StatusLine is one part of the house.
type StatusLine struct {
	Part   string         `json:"part"`
	Colour string         `json:"colour"` // green, amber, red
	Text   string         `json:"text"`
	Help   string         `json:"help,omitempty"` // the command that helps
	Facts  map[string]any `json:"facts,omitempty"`
}

// Red reports whether anything is.
func (s Status) Red() bool {
	for _, l := range s.Lines {
		if l.Colour == "red" {
			return true
		}
	}
	return false
}

func (a *API) status(w http.ResponseWriter, r *http.Request) error {
	return newLines(w).write(a.Keeper.Status(r.Context()))
}

// An Outbox is a row to be sent, as scripts see it.
type Outbox struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"`
	Recipient string `json:"recipient"`
	Number    string `json:"number"`
	State     string `json:"state"`
	Attempts  int    `json:"attempts"`
	NotBefore string `json:"not_before"`
	DoneAt    string `json:"done_at"`
	LastError string `json:"last_error"`
}

func (a *API) outbox(w http.ResponseWriter, r *http.Request) error {
	if err := a.desk(r); err != nil {
		return err
	}
	limit, err := limitOf(r)
	if err != nil {
		return err
	}
	zone, out := a.Office().Zone, newLines(w)
	q := registry.Query{Of: registry.FindOutbox, State: r.FormValue("state"), Limit: limit}
	found, err := a.Book.Find(r.Context(), q)
	if err != nil {
		return err
	}
	for _, row := range found.Outbox {
		if err := out.write(Outbox{
			ID: row.ID, Kind: row.Kind, Recipient: row.Recipient, Number: row.Number.String(), State: row.State, Attempts: row.Attempts,
			NotBefore: instant(row.NotBefore, zone), DoneAt: instant(row.DoneAt, zone), LastError: row.LastError,
		}); err != nil {
			return nil
		}
	}
	return nil
}

func (a *API) retryOutbox(w http.ResponseWriter, r *http.Request) error {
	if err := a.desk(r); err != nil {
		return err
	}
	if err := a.Keeper.RetryOutbox(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// A SpoolItem is something accepted and not yet settled.
type SpoolItem struct {
	ItemID     string `json:"item_id"`
	AcceptedAt string `json:"accepted_at"`
	State      string `json:"state"` // waiting, in_hand, parked
	Why        string `json:"why"`
}

func (a *API) spool(w http.ResponseWriter, r *http.Request) error {
	if err := a.desk(r); err != nil {
		return err
	}
	items, err := a.Keeper.Spool(r.Context())
	if err != nil {
		return err
	}
	out := newLines(w)
	for _, it := range items {
		if err := out.write(it); err != nil {
			return nil
		}
	}
	return nil
}

func (a *API) retrySpool(w http.ResponseWriter, r *http.Request) error {
	if err := a.desk(r); err != nil {
		return err
	}
	id, err := registry.ParseItemID(r.PathValue("id"))
	if err != nil {
		return wrong("%v", err)
	}
	if err := a.Keeper.RetrySpool(r.Context(), id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
