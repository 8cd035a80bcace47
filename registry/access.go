package registry

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// An Access is that somebody looked at what the office holds of a letter.
type Access struct {
	At      time.Time `json:"at"`
	Login   string    `json:"login"`
	As      string    `json:"as,omitempty"` // the clerk acted for
	What    string    `json:"what"`         // shown, original, attachment, report, …
	Subject string    `json:"-"`            // a register number or an item id
}

// accessKept is for how long it is known who looked at what (KRI § 20).
const accessKept = 2 * 366 * 24 * time.Hour

// Note gives the access as the book keeps it, under its subject and an id of
// the look: each is written once.
func (a Access) Note() (Note, error) {
	value, err := json.Marshal(a)
	if err != nil {
		return Note{}, fmt.Errorf("noting an access to %s: %w", a.Subject, err)
	}
	return Note{Kind: NoteAccess, Key: a.Subject + "/" + NewItemID(a.At).String(), Value: value, Expires: a.At.Add(accessKept)}, nil
}

// AccessOf asks who looked at a subject.
func AccessOf(subject string) Query {
	return Query{Of: FindNotes, NoteKind: NoteAccess, Key: subject + "/*", Limit: maxPage}
}

// ReadAccess reads what Note wrote.
func ReadAccess(n Note) (Access, error) {
	subject, _, _ := strings.Cut(n.Key, "/")
	a := Access{Subject: subject}
	if err := json.Unmarshal(n.Value, &a); err != nil {
		return Access{}, fmt.Errorf("reading access %.80q: %w", n.Key, err)
	}
	return a, nil
}
