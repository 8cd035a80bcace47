package registry

import (
	"slices"
	"time"
)

// The units of a term.
const (
	UnitDays        = "days"
	UnitWorkingDays = "working_days"
	UnitWeeks       = "weeks"
	UnitMonths      = "months"
	UnitYears       = "years"
	UnitHours       = "hours"
	UnitNone        = "none"
)

// Holiday reports whether d is a statutory holiday that is no Sunday by
// itself, or a further free day of the calendar. Days off that an office gives
// for a holiday on a Saturday are none and do not belong here.
func (c Calendar) Holiday(d Day) bool {
	if slices.Contains(c.ExtraFree, d) {
		return true
	}
	return (c.Country == "PL" || c.Country == "") && polishHoliday(d)
}

// Free reports whether d is a Saturday, a Sunday or a holiday: a day on which
// no term ends (KPA art. 57 § 4).
func (c Calendar) Free(d Day) bool {
	switch d.Weekday() {
	case time.Saturday, time.Sunday:
		return true
	default:
		return c.Holiday(d)
	}
}

// Roll gives d, or the first day after it that is not free.
func (c Calendar) Roll(d Day) Day {
	for c.Free(d) {
		d = d.AddDays(1)
	}
	return d
}

// AddWorkingDays gives the n-th day after d that is not free.
func (c Calendar) AddWorkingDays(d Day, n int) Day {
	for range n {
		d = c.Roll(d.AddDays(1))
	}
	return d
}

// Count gives the last day of a term that an event begins, before it moves off
// free days (KPA art. 57 § 1-3a): the day of the event does not count, weeks
// and months end on the same-named day, a month without it on its last.
func (c Calendar) Count(event Day, n int, unit string) Day {
	switch unit {
	case UnitDays:
		return event.AddDays(n)
	case UnitWorkingDays:
		return c.AddWorkingDays(event, n)
	case UnitWeeks:
		return event.AddDays(7 * n)
	case UnitMonths:
		return event.addMonths(n)
	case UnitYears:
		return event.addMonths(12 * n) // 29 February ends on the 28th
	default:
		return Day{}
	}
}

// Deadline computes the term of a rule from an event. Hours are counted by the
// clock and end when they end, on a free day too.
func (c Calendar) Deadline(rule DeadlineRule, event time.Time, zone *time.Location) Deadline {
	d := Deadline{Code: rule.Code, Basis: rule.Basis}
	switch rule.Unit {
	case UnitHours:
		d.At = event.Add(time.Duration(rule.N) * time.Hour).UTC()
		d.Raw = DayOf(d.At, zone)
		d.Due = d.Raw
	case UnitNone, "":
	default:
		d.Raw = c.Count(DayOf(event, zone), rule.N, rule.Unit)
		if !d.Raw.IsZero() {
			d.Due = c.Roll(d.Raw)
		}
	}
	return d
}

// addMonths keeps within the month, which time.AddDate does not: 31 January
// and a month is the last of February.
func (d Day) addMonths(n int) Day {
	months := d.Year*12 + int(d.Month) - 1 + n
	year, month := months/12, time.Month(months%12+1)
	last := Day{year, month + 1, 0}.AddDays(0).Day
	return Day{year, month, min(d.Day, last)}
}

// polishHoliday knows the days of the act of 18 January 1951 on days free of
// work, as amended: Epiphany since 2011, Christmas Eve since 2025, and the one
// day of 12 November 2018.
func polishHoliday(d Day) bool {
	type monthDay struct {
		month time.Month
		day   int
	}
	switch (monthDay{d.Month, d.Day}) {
	case monthDay{time.January, 1}, monthDay{time.May, 1}, monthDay{time.May, 3}, monthDay{time.August, 15},
		monthDay{time.November, 1}, monthDay{time.November, 11}, monthDay{time.December, 25}, monthDay{time.December, 26}:
		return true
	case monthDay{time.January, 6}:
		return d.Year >= 2011
	case monthDay{time.December, 24}:
		return d.Year >= 2025
	case monthDay{time.November, 12}:
		return d.Year == 2018
	}
	easter := Easter(d.Year)
	return d == easter || // Sunday
		d == easter.AddDays(1) ||
		d == easter.AddDays(49) || // Pentecost, a Sunday
		d == easter.AddDays(60) // Corpus Christi
}

// Easter gives Easter Sunday of a year by the anonymous Gregorian algorithm
// (Meeus, Jones, Butcher).
func Easter(year int) Day {
	a, b, c := year%19, year/100, year%100
	d, e := b/4, b%4
	f := (b + 8) / 25
	g := (b - f + 1) / 3
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return Day{year, time.Month(n / 31), n%31 + 1}
}
