package notify

import (
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// A Ladder says when who is told that a letter waits. The zero ladder is the
// usual one.
type Ladder struct {
	// Deputy and Head are told when nobody has accepted a letter for so long
	// in office hours: 4 h and 8 h, a day, unless told.
	Deputy, Head time.Duration
	// Clerk and Superior are told so many days before the careful end of a
	// term: 3 and 1 unless told.
	Clerk, Superior int
}

func (l Ladder) orUsual() Ladder {
	l.Deputy = orDefault(l.Deputy, 4*time.Hour)
	l.Head = orDefault(l.Head, 8*time.Hour)
	l.Clerk = orDefault(l.Clerk, 3)
	l.Superior = orDefault(l.Superior, 1)
	return l
}

// A rung is one step of a ladder that an entry has reached.
type rung struct {
	name string   // part of its key, and of its text's: remark.due.<name>
	mark string   // the day or moment that makes it this one and not the next
	text string   // key in the catalogue
	tell []string // logins
}

// reached gives the rungs of an entry that are due now, at most one for
// acceptance and one for the term: whoever was not told of the first in time,
// say after a power cut, is told of the last only. Moved is when the entry came
// to whom it is with. The same entry gives the same rungs on every node.
func (l Ladder) reached(o *registry.Office, w registry.Work, moved, now time.Time) []rung {
	l = l.orUsual()
	today := registry.DayOf(now, zone(o))
	var rungs []rung
	for _, r := range []rung{l.acceptance(o, w, moved, now), l.term(o, w, today)} {
		if r.tell = r.audience(o, w, today); len(r.tell) > 0 {
			rungs = append(rungs, r)
		}
	}
	return rungs
}

// acceptance looks how long the office was open while the letter waited.
func (l Ladder) acceptance(o *registry.Office, w registry.Work, moved, now time.Time) rung {
	switch w.Status {
	case registry.StatusAssigned, registry.StatusRegistered, registry.StatusToComplete:
	default:
		return rung{}
	}
	waited := o.Calendar.WorkingTime(moved, now, zone(o))
	r := rung{mark: moved.UTC().Format("2006-01-02T15:04")}
	switch {
	case waited < l.Deputy:
		return rung{}
	case w.Status == registry.StatusAssigned && waited >= l.Head:
		r.name, r.tell = "unaccepted_head", []string{head(o, w)}
	case w.Status == registry.StatusAssigned:
		r.name, r.tell = "unaccepted_deputy", []string{orText(deputy(o, w.Clerk, registry.DayOf(now, zone(o))), w.Clerk)}
	case w.Status == registry.StatusRegistered && waited >= l.Head:
		r.name, r.tell = "unassigned_head", []string{head(o, w)}
	case w.Status == registry.StatusRegistered:
		r.name, r.tell = "unassigned", holders(o, registry.RoleDesk)
	case w.Status == registry.StatusToComplete && waited >= l.Head:
		r.name, r.tell = "incomplete", holders(o, registry.RoleDesk)
	default:
		return rung{}
	}
	r.text = "remark." + r.name
	return r
}

// term looks at the end of the entry's term: reminders count back from the
// careful day, overdue is what the law calls so.
func (l Ladder) term(o *registry.Office, w registry.Work, today registry.Day) rung {
	raw, due := w.Deadline.Raw, w.Deadline.Due
	if !w.Deadline.At.IsZero() {
		raw = registry.DayOf(w.Deadline.At, zone(o))
		due = raw
	}
	if raw.IsZero() || due.IsZero() || today.AddDays(farthest).Before(raw) {
		return rung{}
	}
	steps := []struct {
		name string
		day  registry.Day
		tell []string
	}{
		{"due_overdue", o.Calendar.WorkingDayFrom(due.AddDays(1)), append([]string{w.Clerk, head(o, w)}, holders(o, registry.RoleSecretary)...)},
		{"due_tomorrow", o.Calendar.WorkingDayUpTo(raw.AddDays(-l.Superior)), []string{w.Clerk, head(o, w)}},
		{"due_soon", o.Calendar.WorkingDayUpTo(raw.AddDays(-l.Clerk)), []string{w.Clerk}},
	}
	registered := registry.DayOf(w.RegisteredAt, zone(o))
	for _, s := range steps {
		// On the day a letter comes its notice says it all.
		if today.Before(s.day) || !registered.Before(s.day) {
			continue
		}
		r := rung{name: s.name, mark: s.day.String(), text: "remark." + s.name, tell: s.tell}
		if s.name == "due_tomorrow" && strings.HasPrefix(w.Deadline.Code, "KPA_") {
			r.text += "_kpa" // art. 36: the parties are told of a delay and its reason
		}
		return r
	}
	return rung{}
}

// audience is who is really told: those who are there, each once, never those
// whom the letter is about. What nobody has in hand is the front desk's.
func (r rung) audience(o *registry.Office, w registry.Work, today registry.Day) []string {
	if r.name == "" {
		return nil
	}
	var logins []string
	add := func(login string) {
		login = present(o, login, today)
		if _, known := o.Clerks[login]; known && !slices.Contains(w.HideFrom, login) && !slices.Contains(logins, login) {
			logins = append(logins, login)
		}
	}
	for _, login := range r.tell {
		add(login)
	}
	if w.Clerk == "" || len(logins) == 0 {
		for _, login := range holders(o, registry.RoleDesk) {
			add(login)
		}
	}
	return logins
}

func head(o *registry.Office, w registry.Work) string { return o.Departments[w.Department].Head }
