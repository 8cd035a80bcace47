package rules

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

func (r *officeReader) readCalendar(n *node) {
	cal := &r.office.Calendar
	cal.Country, cal.Hours = "PL", map[time.Weekday][2]int{}
	if n == nil {
		for d := time.Monday; d <= time.Friday; d++ {
			cal.Hours[d] = [2]int{8 * 60, 16 * 60}
		}
		return
	}
	m := r.mapping(n, "calendar", "country", "extra_free_days", "hours")
	if m["country"] != nil {
		cal.Country = r.oneOf(m["country"], "country", "PL")
	}
	for _, d := range r.items(m["extra_free_days"], "extra_free_days") {
		if day := r.day(d, "a free day"); !day.IsZero() {
			cal.ExtraFree = append(cal.ExtraFree, day)
		}
	}
	if m["hours"] == nil {
		m["hours"] = &node{}
	}
	for _, p := range r.pairs(m["hours"], "hours") {
		from, to, ok := weekdaySpan(p.key)
		if !ok {
			r.errorAt(p.line, p.col, "E103", strconv.Quote(clip(p.key, 20))+" is not a weekday", "write mon or mon-fri: mon, tue, wed, thu, fri, sat, sun")
			continue
		}
		open, ok := hours(r.str(p.value, "hours"))
		if !ok {
			r.errorf(p.value, "E103", "", "hours are written 7:30-15:30")
			continue
		}
		for d := from; ; d = (d + 1) % 7 {
			cal.Hours[d] = open
			if d == to {
				break
			}
		}
	}
}

func weekdaySpan(s string) (from, to time.Weekday, ok bool) {
	first, last, span := strings.Cut(s, "-")
	if !span {
		last = first
	}
	a, b := slices.Index(weekdays, first), slices.Index(weekdays, last)
	return time.Weekday(a), time.Weekday(b), a >= 0 && b >= 0
}

var hoursPattern = regexp.MustCompile(`^([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})$`)

func hours(s string) (open [2]int, ok bool) {
	m := hoursPattern.FindStringSubmatch(s)
	if m == nil {
		return open, false
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1]) // two digits at most
	}
	open = [2]int{n[0]*60 + n[1], n[2]*60 + n[3]}
	return open, n[1] < 60 && n[3] < 60 && open[0] < open[1] && open[1] <= 24*60
}

var (
	codePattern   = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,31}$`)
	lengthPattern = regexp.MustCompile(`^([0-9]{1,3}) (hour|day|working_day|week|month|year)s?$`)
	deadlineFrom  = []string{"received", "registered", "letter", "event"}
)

// readDeadlines lays the office's rows over the standard catalogue.
func (r *officeReader) readDeadlines(n *node) {
	list := registry.StandardDeadlines()
	r.office.Deadlines = make(map[string]registry.DeadlineRule, len(list))
	for code, d := range list {
		r.office.Deadlines[code] = d
	}
	if n != nil {
		for _, p := range r.pairs(n, "deadlines") {
			r.readDeadline(p)
		}
	}
	r.deadlines = keys(r.office.Deadlines)
}

func (r *officeReader) readDeadline(p pair) {
	m := r.mapping(p.value, "the deadline", "name", "length", "from", "basis")
	if !r.free(p, "a deadline", codePattern) {
		return
	}
	d, standard := r.office.Deadlines[p.key]
	d.Code = p.key
	if m["name"] != nil {
		d.Name = r.str(m["name"], "name")
	}
	if m["from"] != nil {
		d.From = r.oneOf(m["from"], "from", deadlineFrom...)
	}
	if m["basis"] != nil {
		d.Basis = r.str(m["basis"], "basis")
	}
	if m["length"] != nil {
		n, unit, ok := parseLength(r.str(m["length"], "length"))
		if !ok {
			r.errorf(m["length"], "E103", "write 14 days, 3 working_days, 1 month, 96 hours or none", "a length cannot be %s", m["length"].what())
			return
		}
		d.N, d.Unit = n, unit
	}
	if !standard {
		for _, needed := range []string{"name", "length", "basis"} {
			if m[needed] == nil {
				r.errorf(p.value, "E103", "add it", "the new deadline %q has no %s", p.key, needed)
			}
		}
		d.From = orElse(d.From, "received")
	}
	r.office.Deadlines[p.key] = d
}

// parseLength reads "14 days"; the unit comes back in the plural.
func parseLength(s string) (n int, unit string, ok bool) {
	if s == "none" {
		return 0, "none", true
	}
	m := lengthPattern.FindStringSubmatch(s)
	if m == nil {
		return 0, "", false
	}
	n, err := strconv.Atoi(m[1])
	return n, m[2] + "s", err == nil && n > 0
}
