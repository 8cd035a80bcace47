package parse

import (
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// parseDate reads a date as letters write it: by RFC 5322 first, then piece by
// piece in any order, with months in the languages around us.
func parseDate(s string) (time.Time, bool) {
	if t, err := time.Parse("Mon, 2 Jan 2006 15:04:05 -0700", s); err == nil && plausible(t) {
		return t, true // as nearly all do
	}
	if t, err := mail.ParseDate(s); err == nil && plausible(t) && !invented(t) {
		return t, true
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05"} {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil && plausible(t) {
			return t, true
		}
	}
	d := dateReader{day: -1, year: -1, hour: -1}
	for _, word := range dateWords(s) {
		d.take(word)
	}
	return d.time()
}

// invented reports whether the library met a zone whose name it does not know
// and took it for that of Greenwich.
func invented(t time.Time) bool {
	name, offset := t.Zone()
	hours, known := zoneOf(name)
	return offset == 0 && known && hours != 0
}

func plausible(t time.Time) bool { return t.Year() >= 1900 && t.Year() <= 9999 }

const maxDateWords = 20

// dateWords cuts at blanks, commas and comments, keeping signs with numbers.
func dateWords(s string) []string {
	if i := strings.IndexByte(s, '('); i >= 0 {
		s = s[:i]
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ';' || r == '"' || unicode.IsSpace(r) })
	return words[:min(len(words), maxDateWords)]
}

// A dateReader gathers the pieces of a date.
type dateReader struct {
	day, year, hour, minute, second int
	month                           time.Month
	zone                            *time.Location
}

func (d *dateReader) take(word string) {
	switch {
	case strings.Count(word, ":") >= 1 && d.hour < 0 && d.clock(word):
	case strings.Count(word, ".") == 2 && d.hour < 0 && d.month != 0 && d.clock(strings.ReplaceAll(word, ".", ":")):
	case len(word) > 1 && (word[0] == '+' || word[0] == '-') && d.offset(word):
	case strings.ContainsAny(word, "-/.") && d.compound(word):
	case d.named(word):
	default:
		d.number(word)
	}
}

// clock reads 10:11, 10:11:12, 10:11:12.345 and such with a zone behind.
func (d *dateReader) clock(word string) bool {
	if i := strings.IndexAny(word, "+-"); i > 0 {
		if !d.offset(word[i:]) {
			return false
		}
		word = word[:i]
	}
	word = strings.TrimSuffix(word, "Z")
	parts := strings.Split(word, ":")
	if len(parts) < 2 || len(parts) > 3 {
		return false
	}
	var n [3]int
	for i, p := range parts {
		p, _, _ = strings.Cut(p, ".")
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 {
			return false
		}
		n[i] = v
	}
	if n[0] > 24 || n[1] > 59 || n[2] > 60 {
		return false
	}
	d.hour, d.minute, d.second = n[0], n[1], n[2]
	return true
}

// offset reads +0100, +01:00, -5.
func (d *dateReader) offset(word string) bool {
	digits := strings.ReplaceAll(word[1:], ":", "")
	v, err := strconv.Atoi(digits)
	if err != nil || len(digits) > 4 || v < 0 {
		return false
	}
	if len(digits) <= 2 {
		v *= 100
	}
	seconds := (v/100*60 + v%100) * 60
	if seconds > 15*3600 {
		return true // nonsense: as if no zone were given
	}
	if word[0] == '-' {
		seconds = -seconds
	}
	d.zone = time.FixedZone("", seconds)
	return true
}

// compound reads 23-11-2026, 2026/11/23, 23.11.2026, 23-Nov-26.
func (d *dateReader) compound(word string) bool {
	parts := strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune("-/.", r) })
	if len(parts) < 2 || len(parts) > 3 {
		return false
	}
	if m := monthOf(parts[1]); m != 0 && len(parts) == 3 {
		d.month = m
		d.number(parts[0])
		d.number(parts[2])
		return true
	}
	var n [3]int
	for i, p := range parts {
		v, err := strconv.Atoi(p)
		if err != nil || v < 0 {
			return d.named(strings.Trim(word, "."))
		}
		n[i] = v
	}
	if len(parts) != 3 || d.day >= 0 {
		return false
	}
	if n[0] > 31 {
		n[0], n[2] = n[2], n[0]
	}
	if n[1] > 12 && n[0] <= 12 {
		n[0], n[1] = n[1], n[0]
	}
	if n[1] < 1 || n[1] > 12 {
		return false
	}
	d.day, d.month = n[0], time.Month(n[1])
	d.setYear(n[2])
	return true
}

// named reads names: months, zones; of anything else it says nothing.
func (d *dateReader) named(word string) bool {
	if m := monthOf(word); m != 0 && d.month == 0 {
		d.month = m
		return true
	}
	upper := strings.ToUpper(word)
	switch upper {
	case "AM":
		if d.hour == 12 {
			d.hour = 0
		}
		return true
	case "PM":
		if d.hour >= 0 && d.hour < 12 {
			d.hour += 12
		}
		return true
	}
	if hours, ok := zoneOf(upper); ok {
		if d.zone == nil {
			d.zone = time.FixedZone(upper, hours*3600)
		}
		return true
	}
	return false
}

func (d *dateReader) number(word string) {
	v, err := strconv.Atoi(strings.TrimRight(strings.TrimSuffix(word, "."), "thndsr"))
	if err != nil || v < 0 {
		return
	}
	switch {
	case v > 31 && d.year < 0:
		d.setYear(v)
	case d.day < 0:
		d.day = v
	case d.year < 0:
		d.setYear(v)
	}
}

// setYear reads years of two and three digits as RFC 5322 § 4.3 says.
func (d *dateReader) setYear(v int) {
	switch {
	case v < 50:
		v += 2000
	case v < 1000:
		v += 1900
	}
	d.year = v
}

func (d *dateReader) time() (time.Time, bool) {
	if d.day < 1 || d.day > 31 || d.month == 0 || d.year < 1900 || d.year > 9999 {
		return time.Time{}, false
	}
	zone := d.zone
	if zone == nil {
		zone = time.UTC
	}
	t := time.Date(d.year, d.month, d.day, max(d.hour, 0), d.minute, min(d.second, 59), 0, zone)
	return t, t.Month() == d.month
}

// monthOf knows months by their beginnings: English, Polish, German, Czech,
// French, Spanish.
func monthOf(word string) time.Month {
	w := strings.ToLower(strings.Trim(word, "."))
	if len(w) < 3 {
		return 0
	}
	w = strings.NewReplacer("\u0142", "l", "\u017a", "z", "\u00e4", "a", "\u00fb", "u", "\u00e9", "e", "\u00ed", "i", "\u010d", "c", "\u0159", "r", "\u00fa", "u", "\u00e1", "a", "\u011b", "e").Replace(w)
	for m, names := range [...]string{
		time.January: "jan sty led ene", time.February: "feb lut uno fev", time.March: "mar brz mrz", time.April: "apr kwi dub avr abr",
		time.May: "may maj mai kve may", time.June: "jun cze juin", time.July: "jul lip juil", time.August: "aug sie srp aou ago",
		time.September: "sep wrz zar", time.October: "oct paz okt rij", time.November: "nov lis", time.December: "dec gru dez pro dic",
	} {
		for name := range strings.FieldsSeq(names) {
			if strings.HasPrefix(w, name) && (len(name) > 3 || !strings.HasPrefix(w, "juin") && !strings.HasPrefix(w, "juil")) {
				return time.Month(m)
			}
		}
	}
	return 0
}

// zoneOf knows the names of zones that letters use, in hours.
func zoneOf(name string) (hours int, ok bool) {
	switch name {
	case "UT", "UTC", "GMT", "Z", "WET":
		return 0, true
	case "CET", "MET", "MEZ", "WEST", "BST":
		return 1, true
	case "CEST", "MEST", "MESZ", "EET":
		return 2, true
	case "EEST", "MSK":
		return 3, true
	case "MSD":
		return 4, true
	case "EST":
		return -5, true
	case "EDT":
		return -4, true
	case "CST":
		return -6, true
	case "CDT":
		return -5, true
	case "MST":
		return -7, true
	case "MDT", "PDT":
		return map[string]int{"MDT": -6, "PDT": -7}[name], true
	case "PST":
		return -8, true
	case "JST":
		return 9, true
	}
	return 0, false
}
