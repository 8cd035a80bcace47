package registry

import (
	"encoding/json"
	"fmt"
	"time"
)

// An Access is that somebody looked at what the office holds of a letter.
type Access struct {
	At         time.Time `json:"at"`
	Login      string    `json:"login"`
	OnBehalfOf string    `json:"on_behalf_of,omitempty"`
	What       string    `json:"what"`    // shown, original, attachment, report
	Subject    string    `json:"subject"` // a register number or an item id
}

// accessKept is for how long it is kept who looked: the two years that KRI
// § 20 asks for at least, and the year they began in.
const accessKept = 3 * 366 * 24 * time.Hour

// Note gives the access as the book keeps it. The key begins with the subject,
// so that all that looked at it are one question (AccessOf).
func (a Access) Note() (Note, error) {
	value, err := json.Marshal(a)
	if err != nil {
		return Note{}, fmt.Errorf("noting an access to %s: %w", a.Subject, err)
	}
	return Note{Kind: NoteAccess, Key: a.Subject + "/" + NewItemID(a.At).String(), Value: value, Expires: a.At.Add(accessKept)}, nil
}

// AccessOf asks who looked at a subject, oldest first.
func AccessOf(subject string) Query {
	return Query{Of: FindNotes, NoteKind: NoteAccess, Key: subject + "/*", Limit: 1000}
}

// ReadAccess reads what Note wrote.
func ReadAccess(n Note) (Access, error) {
	var a Access
	if err := json.Unmarshal(n.Value, &a); err != nil {
		return Access{}, fmt.Errorf("reading access %.80q: %w", n.Key, err)
	}
	return a, nil
}
