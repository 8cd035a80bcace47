package registry_test

import (
	"testing"
	"time"

	"kancelaria/registry"
)

func TestWorkingTimeIsThatOfTheOpenOffice(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	long := registry.Calendar{Hours: map[time.Weekday][2]int{time.Monday: {8 * 60, 17 * 60}}}
	for _, tt := range []struct {
		name     string
		calendar registry.Calendar
		from, to string
		want     time.Duration
	}{
		{"within a day", registry.Calendar{}, "2026-11-23 09:00", "2026-11-23 13:00", 4 * time.Hour},
		{"over the night", registry.Calendar{}, "2026-11-23 14:30", "2026-11-24 08:30", 2 * time.Hour},
		{"over a weekend", registry.Calendar{}, "2026-11-27 15:00", "2026-11-30 08:00", time.Hour},
		{"over a holiday", registry.Calendar{}, "2026-11-10 15:00", "2026-11-12 08:00", time.Hour},
		{"at night only", registry.Calendar{}, "2026-11-23 22:00", "2026-11-24 06:00", 0},
		{"backwards", registry.Calendar{}, "2026-11-24 10:00", "2026-11-23 10:00", 0},
		{"over the change to winter time", registry.Calendar{}, "2026-10-23 15:00", "2026-10-26 08:00", time.Hour},
		{"an office open on Mondays", long, "2026-11-23 08:00", "2026-11-30 09:00", 10 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.calendar.WorkingTime(at(tt.from), at(tt.to), zone); got != tt.want {
				t.Errorf("working time = %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTheNearestDayOnWhichTheOfficeIsOpen(t *testing.T) {
	c := registry.Calendar{}
	sunday := registry.Day{Year: 2026, Month: 11, Day: 29}
	if got := c.WorkingDayUpTo(sunday).String(); got != "2026-11-27" {
		t.Errorf("up to Sunday: %s", got)
	}
	if got := c.WorkingDayFrom(sunday).String(); got != "2026-11-30" {
		t.Errorf("from Sunday: %s", got)
	}
	if got := c.WorkingDayFrom(registry.Day{Year: 2026, Month: 12, Day: 24}).String(); got != "2026-12-28" {
		t.Errorf("from Christmas Eve: %s", got)
	}
}
