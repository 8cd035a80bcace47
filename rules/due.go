package rules

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

// setDeadline computes the deadline from the civil day of arrival, or from the
// day that the letter names. A day the machine cannot find is left to a
// person, and the entry says so.
func (x *deciding) setDeadline(rule registry.DeadlineRule) {
	var d registry.Deadline
	switch rule.From {
	case "letter":
		x.flag(registry.FlagNoRegisterDeadline)
		day, at, ok := x.set.dates.within(x.v, x.v.day)
		if !ok {
			return
		}
		d = registry.Deadline{Raw: day, Due: day, At: at}
		if at.IsZero() {
			d.Due = x.set.office.Calendar.Roll(day)
		}
	case "event":
		event, at, ok := x.set.dates.event(x.v)
		if !ok {
			x.flag(registry.FlagNoRegisterDeadline)
			return
		}
		d = countBack(rule, event, at, x.set.office.Zone)
	default:
		d = x.set.office.Calendar.Deadline(rule, x.v.item.ReceivedAt(), x.set.office.Zone)
	}
	d.Code, d.Basis = rule.Code, rule.Basis
	if d.Raw.IsZero() {
		return
	}
	x.d.Deadline = d
	x.because("because.deadline", "code", deadlineName(&rule), "basis", rule.Basis, "due", x.texts.Day(d.Due))
}

// countBack is for what must be done a time before an event (Prawo o
// zgromadzeniach art. 14: 96 hours before the assembly).
func countBack(rule registry.DeadlineRule, event registry.Day, at time.Time, zone *time.Location) registry.Deadline {
	if rule.Unit != "hours" {
		day := event.AddDays(-rule.N)
		return registry.Deadline{Raw: day, Due: day}
	}
	if at.IsZero() {
		at = time.Date(event.Year, event.Month, event.Day, 0, 0, 0, 0, zone)
	}
	at = at.Add(-time.Duration(rule.N) * time.Hour)
	day := registry.DayOf(at, zone)
	return registry.Deadline{Raw: day, Due: day, At: at}
}

// A dateFinder finds dates as letters write them; the words come from the
// catalogue of the office's language.
type dateFinder struct {
	numeric *regexp.Regexp // 5.12.2026 12:00
	named   *regexp.Regexp // 5 grudnia 2026 r., godz. 12:00
	terms   *regexp.Regexp // w terminie 7 dni
	months  map[string]time.Month
}

// hour may follow a date within a few words.
const hourPattern = `(?:[^0-9\n]{0,24}([0-9]{1,2})[:.]([0-9]{2})(?:[^0-9]|$))?`

func newDateFinder(texts *registry.Texts) *dateFinder {
	f := &dateFinder{months: map[string]time.Month{}}
	var names []string
	for m := time.January; m <= time.December; m++ {
		name := foldString(texts.Say("month." + strconv.Itoa(int(m))))
		f.months[name] = m
		names = append(names, regexp.QuoteMeta(name))
	}
	f.numeric = regexp.MustCompile(`(?:^|[^0-9.])([0-9]{1,2})[.](?: )?([0-9]{1,2})[.](?: )?([0-9]{4})` + hourPattern)
	f.named = regexp.MustCompile(`(?:^|[^0-9])([0-9]{1,2}) (` + strings.Join(names, "|") + `) ([0-9]{4})` + hourPattern)
	var terms []string
	for _, t := range strings.Split(texts.Say("letter.within_days"), "|") {
		before, after, _ := strings.Cut(t, "{n}")
		terms = append(terms, regexp.QuoteMeta(foldString(before))+` ([0-9]{1,3}) `+regexp.QuoteMeta(foldString(after)))
	}
	f.terms = regexp.MustCompile(`(?:` + strings.Join(terms, "|") + `)`)
	return f
}

// lowered is the text to search: subject first, folded letter by letter with
// its signs kept.
func lowered(v *view) string {
	var b strings.Builder
	for _, s := range [...]string{v.subject, "\n", v.text} {
		for _, r := range s {
			if folded, word := foldRune(r); word {
				b.WriteString(folded)
			} else {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

// event finds the first date after the arrival.
func (f *dateFinder) event(v *view) (registry.Day, time.Time, bool) {
	return f.first(lowered(v), v)
}

// within finds the day that the letter sets: a term in days, else a date.
func (f *dateFinder) within(v *view, from registry.Day) (registry.Day, time.Time, bool) {
	text := lowered(v)
	if m := f.terms.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(strings.Join(m[1:], ""))
		if err == nil && n > 0 {
			return from.AddDays(n), time.Time{}, true
		}
	}
	return f.first(text, v)
}

// maxDates bounds the search in a letter that is all dates.
const maxDates = 50

func (f *dateFinder) first(text string, v *view) (registry.Day, time.Time, bool) {
	best, bestAt := -1, [5]string{}
	for _, re := range []*regexp.Regexp{f.numeric, f.named} {
		for _, m := range re.FindAllStringSubmatchIndex(text, maxDates) {
			var part [5]string
			for i := range part {
				if m[2+2*i] >= 0 {
					part[i] = text[m[2+2*i]:m[3+2*i]]
				}
			}
			day, ok := f.day(part)
			if ok && v.day.Before(day) && (best < 0 || m[2] < best) {
				best, bestAt = m[2], part
			}
		}
	}
	if best < 0 {
		return registry.Day{}, time.Time{}, false
	}
	day, _ := f.day(bestAt)
	hour, err := strconv.Atoi(bestAt[3])
	minute, err2 := strconv.Atoi(bestAt[4])
	if err != nil || err2 != nil || hour > 23 || minute > 59 {
		return day, time.Time{}, true
	}
	return day, time.Date(day.Year, day.Month, day.Day, hour, minute, 0, 0, v.set.office.Zone), true
}

// day reads the parts of a date; impossible dates are none.
func (f *dateFinder) day(part [5]string) (registry.Day, bool) {
	d, err := strconv.Atoi(part[0])
	month, known := f.months[part[1]]
	if !known {
		n, err := strconv.Atoi(part[1])
		if err != nil {
			return registry.Day{}, false
		}
		month = time.Month(n)
	}
	y, err2 := strconv.Atoi(part[2])
	if err != nil || err2 != nil || month < 1 || month > 12 {
		return registry.Day{}, false
	}
	day := registry.Day{Year: y, Month: month, Day: d}
	_, err = registry.ParseDay(day.String())
	return day, err == nil
}
