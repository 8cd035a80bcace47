package registry

import (
	"cmp"
	"fmt"
	"time"
)

// A Day is a civil date without a zone, "2026-11-23"; the zero Day is "".
// Legal terms are computed on days, never on instants or durations.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

// DayOf gives the date of an instant in the office's zone.
func DayOf(t time.Time, zone *time.Location) Day {
	y, m, d := t.In(zone).Date()
	return Day{y, m, d}
}

// IsZero reports whether no day is meant.
func (d Day) IsZero() bool { return d == Day{} }

// String gives YYYY-MM-DD, or "" for no day.
func (d Day) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day)
}

// ParseDay reads YYYY-MM-DD and refuses days that do not exist.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Day{}, fmt.Errorf("%.40q is not a date of the form YYYY-MM-DD", s)
	}
	y, m, d := t.Date()
	return Day{y, m, d}, nil
}

// AddDays moves by whole days; it never overflows into an impossible date.
func (d Day) AddDays(n int) Day {
	y, m, day := time.Date(d.Year, d.Month, d.Day+n, 12, 0, 0, 0, time.UTC).Date()
	return Day{y, m, day}
}

// Weekday gives the day of the week.
func (d Day) Weekday() time.Weekday {
	return time.Date(d.Year, d.Month, d.Day, 12, 0, 0, 0, time.UTC).Weekday()
}

// Before reports whether d is an earlier day than o.
func (d Day) Before(o Day) bool {
	return cmp.Or(cmp.Compare(d.Year, o.Year), cmp.Compare(d.Month, o.Month), cmp.Compare(d.Day, o.Day)) < 0
}

// MarshalText implements encoding.TextMarshaler.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Day) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Day{}
		return nil
	}
	parsed, err := ParseDay(string(text))
	*d = parsed
	return err
}

// A Deadline is when something must be done. Raw is the careful day, Due the
// day after it has moved off Saturdays and holidays (KPA art. 57 § 4).
type Deadline struct {
	Code  string `json:"code,omitempty"` // of the office's catalogue: UDIP_14D
	Raw   Day    `json:"raw"`
	Due   Day    `json:"due"`
	Basis string `json:"basis"` // the legal basis, or whose rule it is
	// At is set where an hour counts (ban of an assembly: 96 h before).
	At time.Time `json:"at,omitzero"`
}

// IsZero reports whether there is no deadline.
func (d Deadline) IsZero() bool { return d.Raw.IsZero() && d.At.IsZero() && d.Code == "" }
