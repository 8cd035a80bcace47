package gateway_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

// A cellar is where what was kept out lies until its term is over.
type cellar struct {
	*backroom
	erased []registry.ItemID
	why    []string
	looked int
}

func (c *cellar) look(t *testing.T) {
	t.Helper()
	r := gateway.NewRetention(gateway.RetentionOptions{
		Book: c, Node: "n1", Now: func() time.Time { return c.now }, Office: func() *registry.Office { return &registry.Office{Zone: time.UTC} },
		Terms: gateway.Terms{Spam: 30 * 24 * time.Hour, Malware: 90 * 24 * time.Hour, Beside: 20 * 24 * time.Hour},
		Erase: func(_ context.Context, id registry.ItemID, reason string) error {
			c.erased, c.why = append(c.erased, id), append(c.why, reason)
			return nil
		},
		Erased: func(_ context.Context, row registry.ArrivalRow) (bool, error) {
			c.looked++
			return slices.Contains(c.erased, row.Item), nil
		},
	})
	if err := r.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func keptOut(n int, disposition registry.Disposition, reason string) registry.Draft {
	return storetest.Letter(n, func(d *registry.Draft) {
		d.Arrival.Disposition, d.Arrival.Reason, d.Arrival.Receipt = disposition, reason, registry.ReceiptPlan{}
	})
}

func TestWhatWasKeptOutIsErasedWhenItsTermIsOver(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name        string
		disposition registry.Disposition
		reason      string
		reject      bool
		after       time.Duration
		want        string
	}{
		{"spam before its term", registry.Quarantined, "spam", false, 29 * day, ""},
		{"spam after it", registry.Quarantined, "spam", false, 31 * day, registry.ErasedSpam},
		{"malware lies longer", registry.Quarantined, "malware", false, 89 * day, ""},
		{"malware after its term", registry.Quarantined, "malware", false, 91 * day, registry.ErasedMalware},
		{"a program is treated like malware", registry.Quarantined, "executable", false, 91 * day, registry.ErasedMalware},
		{"an advertisement", registry.Beside, "ad", false, 21 * day, registry.ErasedBeside},
		{"a letter to somebody's own box waits for them", registry.Beside, "individual", false, 1000 * day, ""},
		{"a signed decision is evidence", registry.Beside, "approval", false, 1000 * day, ""},
		{"a scan waits to be confirmed", registry.Quarantined, "to_confirm", false, 1000 * day, ""},
		{"a forged sender waits for a person", registry.Quarantined, "spoof_internal", false, 1000 * day, ""},
		{"what a person rejected goes after the longest term", registry.Quarantined, "spoof_internal", true, 91 * day, registry.ErasedSpam},
		{"and not before", registry.Quarantined, "spoof_internal", true, 89 * day, ""},
		{"an entry of the book never does", registry.Registered, "", false, 1000 * day, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &cellar{backroom: newBackroom(t, keptOut(1, tt.disposition, tt.reason))}
			if tt.reject {
				act := registry.Act{Kind: registry.ActReject, Subject: storetest.Item(1).String()}
				if out, err := c.record(t.Context(), registry.Draft{Key: "reject", Actor: "pk1", Act: &act}); err != nil || out.Err() != nil {
					t.Fatal(err, out.Err())
				}
			}
			c.now = storetest.Noon.Add(tt.after)
			c.look(t)
			c.now = c.now.Add(day) // the next day it is not erased again
			c.look(t)
			var want []string
			if tt.want != "" {
				want = []string{tt.want}
			}
			if !slices.Equal(c.why, want) {
				t.Errorf("erased for %q, want %q", c.why, want)
			}
		})
	}
}

func TestOnceADayIsEnough(t *testing.T) {
	c := &cellar{backroom: newBackroom(t, keptOut(1, registry.Quarantined, "spam"))}
	c.now = storetest.Noon.Add(40 * 24 * time.Hour)
	c.look(t)
	c.now = c.now.Add(time.Hour)
	c.look(t)
	if c.looked != 1 {
		t.Errorf("it was looked for %d times on one day", c.looked)
	}
}
