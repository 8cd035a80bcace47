package registry

import "time"

// usualHours are those of an office that names none: Monday to Friday, half
// past seven to half past three.
var usualHours = map[time.Weekday][2]int{
	time.Monday: {450, 930}, time.Tuesday: {450, 930}, time.Wednesday: {450, 930}, time.Thursday: {450, 930}, time.Friday: {450, 930},
}

// OfficeHours gives when the office is open on a day; ok is false on days on
// which it is closed.
func (c Calendar) OfficeHours(d Day, zone *time.Location) (from, to time.Time, ok bool) {
	hours := c.Hours
	if len(hours) == 0 {
		hours = usualHours
	}
	h, open := hours[d.Weekday()]
	if !open || h[1] <= h[0] || c.Holiday(d) {
		return from, to, false
	}
	at := func(minutes int) time.Time {
		return time.Date(d.Year, d.Month, d.Day, minutes/60, minutes%60, 0, 0, zone)
	}
	return at(h[0]), at(h[1]), true
}

// maxWorkingDays bounds how far back working time is counted.
const maxWorkingDays = 60

// WorkingTime is how long the office was open between two instants. What lies
// more than sixty days back counts as sixty days.
func (c Calendar) WorkingTime(from, to time.Time, zone *time.Location) time.Duration {
	var total time.Duration
	last := DayOf(to, zone)
	day := DayOf(from, zone)
	for range maxWorkingDays {
		if last.Before(day) {
			break
		}
		if opens, closes, ok := c.OfficeHours(day, zone); ok {
			if opens.Before(from) {
				opens = from
			}
			if closes.After(to) {
				closes = to
			}
			total += max(0, closes.Sub(opens))
		}
		day = day.AddDays(1)
	}
	return total
}

// WorkingDayUpTo gives d, or the last day before it on which the office is open.
func (c Calendar) WorkingDayUpTo(d Day) Day {
	for range 30 {
		if _, _, ok := c.OfficeHours(d, time.UTC); ok {
			return d
		}
		d = d.AddDays(-1)
	}
	return d
}

// WorkingDayFrom gives d, or the first day after it on which the office is open.
func (c Calendar) WorkingDayFrom(d Day) Day {
	for range 30 {
		if _, _, ok := c.OfficeHours(d, time.UTC); ok {
			return d
		}
		d = d.AddDays(1)
	}
	return d
}
