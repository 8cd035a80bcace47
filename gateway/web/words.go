package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// words say things of an office in one language, at one moment.
type words struct {
	*registry.Texts
	office *registry.Office
	now    time.Time
}

func newWords(lang string, office *registry.Office, now time.Time) *words {
	return &words{registry.Catalogue(lang), office, now}
}

// Office names the office.
func (o *words) Office() string { return o.office.Name }

// A due day in words, with its colour.
type dueWords struct {
	Text, Day, Colour string // colour: over, soon, later, none
}

// Due says how far off a deadline is: in words first, the colour only repeats
// them.
func (o *words) Due(w registry.Work) dueWords {
	due := w.Deadline.Due
	if due.IsZero() {
		return dueWords{Text: o.Say("web.due.none"), Colour: "none"}
	}
	d := dueWords{Day: o.Day(due), Colour: "none"}
	n := daysBetween(registry.DayOf(o.now, o.office.Zone), due)
	switch {
	case !w.Status.Open():
		d.Text = d.Day
		return d
	case n < 0:
		d.Text, d.Colour = o.Count("web.due.over", int64(-n)), "over"
	case n == 0:
		d.Text, d.Colour = o.Say("web.due.today"), "over"
	case n == 1:
		d.Text, d.Colour = o.Say("web.due.tomorrow"), "soon"
	case n <= 3:
		d.Text, d.Colour = o.Count("web.due.in", int64(n)), "soon"
	default:
		d.Text, d.Colour = o.Count("web.due.in", int64(n)), "later"
	}
	return d
}

func daysBetween(a, b registry.Day) int {
	at := func(d registry.Day) time.Time { return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC) }
	return int(at(b).Sub(at(a)).Hours() / 24)
}

// At writes an instant in the office's zone.
func (o *words) At(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return o.Stamp(t.In(o.office.Zone))
}

// Or gives the text, or that there are no data: the register's columns are
// never silently empty.
func (o *words) Or(s string) string { return cmp.Or(strings.TrimSpace(s), o.Say("nodata")) }

// Who writes a sender in one line.
func (o *words) Who(s registry.Sender) string {
	switch {
	case s.Name != "" && s.Email != "":
		return s.Name + " <" + s.Email + ">"
	default:
		return o.Or(cmp.Or(s.Name, s.Email, s.Postal))
	}
}

// Clerk gives a clerk as people call them.
func (o *words) Clerk(login string) string {
	if login == "" {
		return o.Say("web.nobody")
	}
	if login == registry.Daemon {
		return o.Say("web.daemon")
	}
	if k, ok := o.office.Clerks[login]; ok && k.Name != "" {
		return k.Name
	}
	return login
}

// Class names a class of the file plan.
func (o *words) Class(symbol string) string {
	if c, ok := o.office.Classes[symbol]; ok {
		return symbol + " – " + c.Name
	}
	return cmp.Or(symbol, o.Say("web.noclass"))
}

// Department names a department.
func (o *words) Department(id string) string {
	if d, ok := o.office.Departments[id]; ok && d.Name != "" {
		return d.Name
	}
	return cmp.Or(id, "–")
}

// Flag says a flag; grave ones ask for a person's eye.
func (o *words) Flag(f registry.Flag) string { return o.Say("flag." + string(f)) }

// grave flags are shown first and marked.
var grave = []registry.Flag{
	registry.FlagMalware, registry.FlagNotScanned, registry.FlagForgedSender, registry.FlagSpoofInternal, registry.FlagPaymentFraud, registry.FlagClassified,
	registry.FlagSealed, registry.FlagSignatureFailed, registry.FlagUrgent, registry.FlagKPA63, registry.FlagOP168, registry.FlagExecutable,
	registry.FlagNeedsRouting, registry.FlagPossibleDuplicate, registry.FlagUnreadable, registry.FlagIncomplete,
}

// Grave reports whether a flag asks for a person's eye.
func (o *words) Grave(f registry.Flag) bool { return slices.Contains(grave, f) }

// Event says what happened, by the leaf's kind.
func (o *words) Event(kind string) string { return o.Say("event." + kind) }

// Signature says a report in one sentence, the first thing to be read.
func (o *words) Signature(s registry.SignatureReport) string {
	sentence := s.Sentence(o.Texts)
	if s.Signer.Name == "" {
		return sentence
	}
	return o.Say("signature.by", "verdict", sentence, "name", s.Signer.Name)
}
