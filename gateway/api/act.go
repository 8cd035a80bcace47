package api

import (
	"encoding/json"
	"net/http"

	"kancelaria/registry"
)

// An Act is something to be done: the body of POST /api/v1/acts. Number is any
// accepted form of a register number where an entry is meant.
type Act struct {
	Kind       registry.ActKind  `json:"kind"`
	Number     string            `json:"number,omitempty"`
	Folder     string            `json:"folder,omitempty"` // or case number
	Subject    string            `json:"subject,omitempty"`
	To         string            `json:"to,omitempty"`
	Outside    bool              `json:"outside,omitempty"`
	Text       string            `json:"text,omitempty"`
	Class      string            `json:"class,omitempty"`
	Department string            `json:"department,omitempty"`
	Clerk      string            `json:"clerk,omitempty"`
	Due        string            `json:"due,omitempty"` // YYYY-MM-DD
	Fields     map[string]string `json:"fields,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	By         string            `json:"by,omitempty"`
	After      *int64            `json:"after,omitempty"`
}

// maxAct bounds the body of an act.
const maxAct = 1 << 20

// act does something to an entry, a folder or a clerk's matters.
func (a *API) act(w http.ResponseWriter, r *http.Request) error {
	var in Act
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAct))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return wrong("%v", err)
	}
	who, err := a.actor(r.Context(), in.By)
	if err != nil {
		return err
	}
	if in.Kind == registry.ActErased {
		return wrong("an erasure is ordered at items/ID/erase: the archive has a part in it")
	}
	act := registry.Act{
		Kind: in.Kind, Subject: in.Subject, To: in.To, Outside: in.Outside, Text: in.Text, Class: in.Class,
		Department: in.Department, Clerk: in.Clerk, Fields: in.Fields,
	}
	switch {
	case in.Number != "":
		work, err := a.find(r.Context(), in.Number)
		if err != nil {
			return err
		}
		act.Subject = work.Number.String()
	case in.Folder != "":
		act.Subject = in.Folder
	}
	if in.Due != "" {
		day, err := registry.ParseDay(in.Due)
		if err != nil {
			return wrong("%v", err)
		}
		act.Deadline = &registry.Deadline{Raw: day, Due: day, Basis: in.Reason}
	}
	out, err := a.Acts.Act(r.Context(), who, act, in.After, in.Reason)
	return a.done(w, out, err)
}

// release takes an item that was kept out into the book.
func (a *API) release(w http.ResponseWriter, r *http.Request) error {
	if err := a.desk(r); err != nil {
		return err
	}
	id, err := registry.ParseItemID(r.PathValue("id"))
	if err != nil {
		return wrong("%v", err)
	}
	who, err := a.actor(r.Context(), r.FormValue("by"))
	if err != nil {
		return err
	}
	if _, err := a.heldItem(r, id); err != nil {
		return err
	}
	out, err := a.Acts.Release(r.Context(), who, id, r.FormValue("reason"))
	return a.done(w, out, err)
}

func (a *API) done(w http.ResponseWriter, out registry.Outcome, err error) error {
	if err == nil {
		err = out.Err()
	}
	if err != nil {
		return err
	}
	return newLines(w).write(out)
}
