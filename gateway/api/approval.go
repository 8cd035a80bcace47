package api

import (
	"context"
	"encoding/json"
	"net/http"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// Approvals asks for approvals (gateway.Approvals).
type Approvals interface {
	Ask(ctx context.Context, who registry.Actor, number registry.Number, asking gateway.Asking) (registry.ApprovalRequest, registry.Outcome, error)
	States(ctx context.Context, number registry.Number) ([]registry.ApprovalState, error)
	Withdraw(ctx context.Context, who registry.Actor, number registry.Number, id, reason string) (registry.Outcome, error)
}

// An ApprovalOrder is the body of POST /api/v1/entries/{number}/approvals.
type ApprovalOrder struct {
	Role     string `json:"role,omitempty"`
	Path     string `json:"path,omitempty"`     // of a part; empty: the original
	Expires  string `json:"expires,omitempty"`  // the last day
	Withdraw string `json:"withdraw,omitempty"` // id of a request, to take it back
	By       string `json:"by,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// An ApprovalLine is a request and how it stands: a line of the list.
type ApprovalLine struct {
	Number string `json:"number"`
	Status string `json:"status"` // open, approved, refused, withdrawn, expired
	registry.ApprovalState
}

// approvals lists the requests about an entry.
func (a *API) approvals(w http.ResponseWriter, r *http.Request) error {
	work, err := a.find(r.Context(), r.PathValue("number"))
	if err != nil {
		return err
	}
	states, err := a.Approvals.States(r.Context(), work.Number)
	if err != nil {
		return err
	}
	today := registry.DayOf(a.Now(), a.Office().Zone)
	out := newLines(w)
	for _, s := range states {
		if err := out.write(ApprovalLine{work.Number.String(), statusOf(s, today), s}); err != nil {
			return err
		}
	}
	return nil
}

func statusOf(s registry.ApprovalState, today registry.Day) string {
	switch {
	case s.Answer != nil && s.Answer.Yes:
		return "approved"
	case s.Answer != nil:
		return "refused"
	case s.Withdrawn:
		return "withdrawn"
	case s.Request.Expires.Before(today):
		return "expired"
	default:
		return "open"
	}
}

// ask asks for an approval, or takes a request back.
func (a *API) ask(w http.ResponseWriter, r *http.Request) error {
	var in ApprovalOrder
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAct))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return wrong("%v", err)
	}
	work, err := a.find(r.Context(), r.PathValue("number"))
	if err != nil {
		return err
	}
	who, err := a.actor(r.Context(), in.By)
	if err != nil {
		return err
	}
	if in.Withdraw != "" {
		out, err := a.Approvals.Withdraw(r.Context(), who, work.Number, in.Withdraw, in.Reason)
		return a.done(w, out, err)
	}
	var expires registry.Day
	if in.Expires != "" {
		if expires, err = registry.ParseDay(in.Expires); err != nil {
			return wrong("%v", err)
		}
	}
	request, out, err := a.Approvals.Ask(r.Context(), who, work.Number, gateway.Asking{Role: in.Role, Path: in.Path, Expires: expires, Reason: in.Reason})
	if err == nil {
		err = out.Err()
	}
	if err != nil {
		return err
	}
	return newLines(w).write(ApprovalLine{work.Number.String(), "open", registry.ApprovalState{Request: request, Leaf: out.Leaf}})
}
