package storetest

import (
	"slices"
	"testing"
	"time"

	"kancelaria/registry"
)

func years(t *testing.T, x *exam) {
	// Days are the office's, in Warsaw; the drafts carry them.
	in := func(n int, received, registered string) registry.Draft {
		return Letter(n, func(d *registry.Draft) {
			accepted, _ := time.Parse(time.RFC3339Nano, received)
			made, _ := time.Parse(time.RFC3339Nano, registered)
			warsaw := time.FixedZone("CET", 3600)
			d.At, d.On = made, registry.DayOf(made, warsaw)
			d.Arrival.Item.AcceptedAt, d.Arrival.ReceivedAt, d.Arrival.ReceivedOn = accepted, accepted, registry.DayOf(accepted, warsaw)
		})
	}
	late := in(3, "2026-12-30T20:00:00Z", "2027-01-04T08:00:00Z")
	late.Arrival.Late = true
	out := x.written(
		in(0, "2026-12-31T22:59:59.4Z", "2026-12-31T23:00:00.2Z"),
		in(1, "2026-12-31T23:00:00.1Z", "2026-12-31T23:00:00.3Z"),
		in(2, "2026-12-31T22:59:59.9Z", "2027-01-01T10:00:00Z"),
		late,
		Act("close 2026", 60*24*43, "kancelaria", registry.Act{Kind: registry.ActClosed, Subject: "RPW-2026"}),
		in(4, "2026-12-31T22:00:00Z", "2027-01-06T08:00:00Z"),
	)
	for i, want := range []string{"RPW-000001-2026", "RPW-000001-2027", "RPW-000002-2026", "RPW-000002-2027", "", "RPW-000003-2027"} {
		if got := out[i].Number.String(); got != want {
			t.Errorf("draft %d is %s, want %s", i, got, want)
		}
	}
	if !slices.Contains(out[2].Flags, registry.FlagYearEdge) || !slices.Contains(out[5].Flags, registry.FlagLateRegistration) {
		t.Errorf("flags %v and %v", out[2].Flags, out[5].Flags)
	}
	if w := x.entry("3/2027"); w.ReceivedOn.String() != "2026-12-31" {
		t.Errorf("received on %s", w.ReceivedOn)
	}
	if o := x.commit(Act("open 2026", 60*24*44, "kancelaria", registry.Act{Kind: registry.ActOpened, Subject: "RPW-2026"}))[0]; o.State != registry.Refused || !o.Immutable {
		t.Errorf("a closed year is opened: %+v", o)
	}
}

func clocks(t *testing.T, x *exam) {
	hour := func(n int, when string) registry.Draft {
		return Letter(n, func(d *registry.Draft) {
			made, _ := time.Parse(time.RFC3339Nano, when)
			at(made)(d)
		})
	}
	// The hour that comes twice, a step back, and the same instant three times.
	out := x.written(
		hour(0, "2026-10-25T02:30:00+02:00"),
		hour(1, "2026-10-25T02:30:00+01:00"),
		hour(2, "2026-10-25T02:29:00+01:00"),
		hour(3, "2026-10-25T02:30:00+01:00"),
		hour(4, "2026-10-25T02:30:00.0000005+01:00"),
	)
	for i := 1; i < len(out); i++ {
		if !out[i-1].At.Before(out[i].At) {
			t.Errorf("number %d is of %s, number %d of %s", i, out[i-1].At, i+1, out[i].At)
		}
		if out[i].Number.Seq != int64(i+1) {
			t.Errorf("number %d is %s", i+1, out[i].Number)
		}
	}
	if w := x.entry("3/2026"); !w.AcceptedAt.Equal(time.Date(2026, 10, 25, 1, 29, 0, 0, time.UTC)) {
		t.Errorf("the arrival was changed to %s", w.AcceptedAt)
	}
}
