package registry

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Moment writes an instant as a letter does, to the second and in the zone it
// has: "23 listopada 2026 r., 09:41:07 (czas polski)". The caller puts it into
// the office's zone.
func (t *Texts) Moment(at time.Time) string { return t.instant("form.moment", at, "15:04:05") }

// Minute is Moment to the minute, for what the law counts in minutes.
func (t *Texts) Minute(at time.Time) string { return t.instant("form.minute", at, "15:04") }

func (t *Texts) instant(form string, at time.Time, clock string) string {
	return t.Say(form, "day", strconv.Itoa(at.Day()),
		"month", t.Say("month."+strconv.Itoa(int(at.Month()))),
		"year", strconv.Itoa(at.Year()), "time", at.Format(clock))
}

// Stamp writes an instant briefly: "pon. 23.11.2026, 10:02:14".
func (t *Texts) Stamp(at time.Time) string {
	y, m, d := at.Date()
	return t.Day(Day{y, m, d}) + ", " + at.Format("15:04:05")
}

// Day writes a date with its weekday: "czw. 26.11.2026"; no day is "–".
func (t *Texts) Day(d Day) string {
	if d.IsZero() {
		return "–"
	}
	return t.Say("form.day", "weekday", t.Say("weekday."+strconv.Itoa(int(d.Weekday()))),
		"d", fmt.Sprintf("%02d", d.Day), "m", fmt.Sprintf("%02d", int(d.Month)), "y", strconv.Itoa(d.Year))
}

// Size writes a number of bytes in units of a thousand, with the language's
// decimal mark: "182 kB", "1,4 MB".
func (t *Texts) Size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	value, unit := float64(n), 0
	// 999.5 would be written as 1000: it goes to the next unit.
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	digits := strconv.FormatFloat(value, 'f', 0, 64)
	if unit > 1 && value < 99.95 {
		digits = strings.TrimSuffix(strconv.FormatFloat(value, 'f', 1, 64), ".0")
	}
	return strings.Replace(digits, ".", t.Say("form.decimal"), 1) + " " + units[unit]
}

// Genitive declines the name of an office as sentences need it ("Urzędu
// Miejskiego w Aleksandrowie"), by the words such names begin with; "" when it
// does not know how.
func (t *Texts) Genitive(name string) string {
	best, form := "", ""
	for key, s := range t.strings {
		nominative, ok := strings.CutPrefix(key, "genitive.")
		rest, begins := strings.CutPrefix(name, nominative)
		if ok && begins && len(nominative) > len(best) && (rest == "" || rest[0] == ' ') {
			best, form = nominative, s+rest
		}
	}
	return form
}

// ASCII writes a sentence for a wire that carries nothing else: Polish letters
// lose their marks, other signs become their nearest, and what is left "?".
func ASCII(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		case r < 0x80:
			b.WriteRune(r)
		default:
			if i := strings.IndexRune(marked, r); i >= 0 {
				b.WriteByte(bare[len([]rune(marked[:i]))])
			} else {
				b.WriteByte('?')
			}
		}
	}
	return b.String()
}

// What ASCII writes: each sign of marked becomes the one below it in bare.
const (
	marked = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ–—„”“‚’…·\u00a0"
	bare   = "acelnoszzACELNOSZZ--\"\"\"''.- "
)
