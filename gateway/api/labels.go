package api

import (
	"net/http"

	"kancelaria/registry"
)

// A Labeller makes the codes that are printed on paper.
type Labeller interface {
	Label(n registry.Number) string
	Slip(n registry.Number) string
	Separator() string
}

// A Label is what is printed for an entry.
type Label struct {
	Number     registry.Number `json:"number"`
	ReceivedOn registry.Day    `json:"received_on"`
	ReceivedAt string          `json:"received_at"`
	Parts      int             `json:"parts"`
	Code       string          `json:"code"`
	Slip       string          `json:"slip"`
}

// A Separator is the code of the sheets between letters.
type Separator struct {
	Code string `json:"code"`
}

// mostLabels bounds one answer.
const mostLabels = 2400

// labels answers with the codes of the entries from one number to another that
// exist for the caller; what is annulled is no longer stuck on anything.
func (a *API) labels(w http.ResponseWriter, r *http.Request) error {
	v, err := a.viewer(r.Context())
	if err != nil {
		return err
	}
	from, err := registry.ParseNumber(r.FormValue("from"))
	if err != nil {
		return wrong("%v", err)
	}
	to := from
	if last := r.FormValue("to"); last != "" {
		if to, err = registry.ParseNumber(last); err != nil {
			return wrong("%v", err)
		}
	}
	if to.Series() != from.Series() || to.Seq < from.Seq || to.Seq-from.Seq >= mostLabels {
		return wrong("%s to %s is no run of at most %d numbers", from, to, mostLabels)
	}
	out := newLines(w)
	q := registry.Query{Of: registry.FindNumbers, Number: from, Viewer: v, Limit: page}
	for {
		found, err := a.Book.Find(r.Context(), q)
		if err != nil {
			return err
		}
		for _, work := range found.Works {
			if work.Number.Seq > to.Seq {
				return nil
			}
			if work.Status == registry.StatusAnnulled {
				continue
			}
			n := work.Number
			if err := out.write(Label{n, work.ReceivedOn, instant(work.ReceivedAt, a.Office().Zone), work.Attachments, a.Labels.Label(n), a.Labels.Slip(n)}); err != nil {
				return nil // who asked has gone
			}
		}
		if q.After = found.Next; q.After == "" {
			return nil
		}
	}
}

// separator answers with the code of the sheets between letters.
func (a *API) separator(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.viewer(r.Context()); err != nil {
		return err
	}
	return newLines(w).write(Separator{a.Labels.Separator()})
}
