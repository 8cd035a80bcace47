package paper

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

// A Row is one line of the register book: an entry with the columns that the
// Instruction asks for, or a gap.
type Row struct {
	Past registry.Past
	// Annulled says why and when, for an entry that was struck out.
	Annulled *registry.LeafRow
	// From and To are the numbers of a gap, and Reason why nobody has them.
	From, To int64
	Reason   string
}

// IsGap reports whether nobody has these numbers.
func (r Row) IsGap() bool { return r.To > 0 }

// A speller writes what stands in a row for people.
type speller struct {
	office *registry.Office
	texts  *registry.Texts
}

// known gives a text, or says that there is no data: a register has no empty
// columns (Instruction, annex).
func (s speller) known(text string) string {
	return cmp.Or(strings.TrimSpace(text), s.texts.Say("nodata"))
}

// sender is from whom it comes.
func (s speller) sender(w registry.Work) string {
	return s.known(cmp.Or(w.Sender.Name, w.Sender.Email, w.Sender.Postal))
}

// assigned is to whom it was given: department and person.
func (s speller) assigned(w registry.Work) string {
	switch {
	case w.Clerk == "":
		return s.known(w.Department)
	case s.office.Clerks[w.Clerk].Name == "":
		return strings.Trim(w.Department+", "+w.Clerk, ", ")
	default:
		return strings.Trim(w.Department+", "+s.office.Clerks[w.Clerk].Name+" ("+w.Clerk+")", ", ")
	}
}

// remarks are what the clerk wrote, and what became of it if it is struck out.
func (s speller) remarks(r Row) string {
	text := r.Past.Work.Remarks
	if r.Annulled != nil {
		text = strings.TrimSpace(s.annulled(r) + " " + text)
	}
	return text
}

func (s speller) annulled(r Row) string {
	reason := ""
	if l, err := registry.ParseLine(r.Annulled.Content); err == nil {
		reason = l.Draft.Reason
	}
	day := registry.DayOf(r.Annulled.At, s.office.Zone).String()
	return s.texts.Say("paper.annulled", "day", day, "reason", reason, "who", cmp.Or(r.Annulled.OnBehalfOf, r.Annulled.Actor))
}

// gap says which numbers are missing, and why.
func (s speller) gap(r Row) string {
	reason := cmp.Or(r.Reason, s.texts.Say("paper.gap.unknown"))
	from, to := strconv.FormatInt(r.From, 10), strconv.FormatInt(r.To, 10)
	if r.From == r.To {
		return s.texts.Say("paper.gap.one", "number", from, "reason", reason)
	}
	return s.texts.Say("paper.gap", "from", from, "to", to, "reason", reason)
}

// instant writes a time with the office's offset.
func (s speller) instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(s.office.Zone).Format(time.RFC3339)
}
