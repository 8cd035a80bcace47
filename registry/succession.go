package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// NoteSuccessor is the kind of notes that say who took over from a clerk, by
// the clerk's login. They only repeat what the leaves of handovers say, so that
// nobody needs to search the book for it.
const NoteSuccessor = "successor"

// A Succession says who took over a clerk's work.
type Succession struct {
	// To is the successor; "" once the clerk has taken the work back.
	To string `json:"to"`
	// On is the day of the handover: what let the clerk act by mail before it
	// does so no longer.
	On Day `json:"on"`
}

// Successions are those of an office, by the login of who left.
type Successions map[string]Succession

// succeed notes a handover. When this fails the entries have moved already and
// doing it again mends the rest.
func (r *Registrar) succeed(ctx context.Context, from, to string, on Day) error {
	var notes []Note
	for login, s := range (Successions{from: {To: to, On: on}, to: {On: on}}) {
		if login == to {
			// Whoever takes over is there, though they once had handed over.
			known, err := r.store.Find(ctx, Query{Of: FindNotes, NoteKind: NoteSuccessor, Key: to, Limit: 1})
			if err != nil {
				return fmt.Errorf("looking whether %s had handed over: %w", to, err)
			}
			if len(known.Notes) == 0 {
				continue
			}
		}
		value, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("noting who took over from %s: %w", login, err)
		}
		notes = append(notes, Note{Kind: NoteSuccessor, Key: login, Value: value})
	}
	if err := r.store.Keep(ctx, notes); err != nil {
		return fmt.Errorf("the entries of %s are with %s, but not yet what comes in future; hand over once more: %w", from, to, err)
	}
	return nil
}

// ReadSuccessions reads who took over from whom.
func ReadSuccessions(ctx context.Context, book interface {
	Find(ctx context.Context, q Query) (Page, error)
},
) (Successions, error) {
	all := Successions{}
	for page, err := range AllPages(ctx, book, Query{Of: FindNotes, NoteKind: NoteSuccessor, Limit: 500}) {
		if err != nil {
			return nil, fmt.Errorf("reading who took over from whom: %w", err)
		}
		for _, n := range page.Notes {
			var s Succession
			if err := json.Unmarshal(n.Value, &s); err != nil {
				return nil, fmt.Errorf("%w: the note of who took over from %s: %w", ErrCorrupt, n.Key, err)
			}
			all[n.Key] = s
		}
	}
	return all, nil
}

// InForce is the office as its file says, and as handovers have changed it
// since: who left is away for good, and the successor stands in, also as a
// deputy and for the classes of the file plan.
func (o *Office) InForce(all Successions) *Office {
	gone := map[string]Succession{}
	for login, s := range all {
		_, from := o.Clerks[login]
		if _, to := o.Clerks[s.To]; from && to {
			gone[login] = s
		}
	}
	if len(gone) == 0 {
		return o
	}
	now := *o
	now.Clerks, now.Classes = maps.Clone(o.Clerks), maps.Clone(o.Classes)
	for login, c := range now.Clerks {
		c.Deputies = succeeded(c.Deputies, login, gone)
		c.Absences = slices.Clone(c.Absences)
		for i := range c.Absences {
			c.Absences[i].Deputies = succeeded(c.Absences[i].Deputies, login, gone)
		}
		if s, left := gone[login]; left {
			forGood := Absence{From: s.On, To: Day{Year: 9999, Month: 12, Day: 31}, Deputies: []string{s.To}}
			c.Absences = append([]Absence{forGood}, c.Absences...)
		}
		now.Clerks[login] = c
	}
	for symbol, c := range now.Classes {
		if s, left := gone[c.Clerk]; left {
			c.Clerk = s.To
			now.Classes[symbol] = c
		}
	}
	return &now
}

// succeeded puts successors in the place of deputies who left; nobody becomes
// their own deputy.
func succeeded(deputies []string, of string, gone map[string]Succession) []string {
	var out []string
	for _, d := range deputies {
		if s, left := gone[d]; left {
			d = s.To
		}
		if d != of && !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}
