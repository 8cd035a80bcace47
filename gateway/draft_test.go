package gateway

import (
	"slices"
	"testing"
	"time"

	"kancelaria/registry"
)

func draftTown() *registry.Office {
	return &registry.Office{
		Zone: time.UTC, Domain: "aleksandrowo.example", Desk: registry.Queue{Department: "OR", Name: "PK"},
		Registers:   map[string]registry.Register{"RPW": {ID: "RPW"}, "ZS": {ID: "ZS", Restricted: true, Readers: []string{"iod"}}},
		Departments: map[string]registry.Department{"OR": {ID: "OR", Head: "sek"}, "GK": {ID: "GK", Head: "gk0"}},
		Clerks: map[string]registry.Clerk{
			"pk2": {Login: "pk2", Roles: []registry.OfficeRole{registry.RoleDesk}}, "pk1": {Login: "pk1", Roles: []registry.OfficeRole{registry.RoleDesk}},
			"gk0": {Login: "gk0"}, "sek": {Login: "sek"}, "iod": {Login: "iod"},
		},
	}
}

func TestSomebodyIsToldOfALetterWithoutAClerk(t *testing.T) {
	d := Drafter{
		Office: draftTown, Now: func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) },
		Untitled: func(registry.Item, registry.Document) string { return "untitled" },
	}
	for _, tt := range []struct {
		name, register string
		dec            registry.Decision
		want           []string
	}{
		{"in the desk's queue", "RPW", registry.Decision{Department: "OR", Queue: "PK"}, []string{"pk1", "pk2"}},
		{"in a department's queue", "RPW", registry.Decision{Department: "GK", Queue: "GK"}, []string{"gk0"}},
		{"with a clerk", "RPW", registry.Decision{Department: "GK", Candidates: []string{"gk0"}}, nil},
		{"in a closed register", "ZS", registry.Decision{Department: "OR", Queue: "PK"}, []string{"iod"}},
		{"kept out of the book", "RPW", registry.Decision{Screen: registry.ScreenQuarantine, ScreenReason: "malware"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			it := registry.Item{ID: registry.NewItemID(d.Now()), Door: registry.DoorFolder, Register: tt.register, AcceptedAt: d.Now()}
			a := d.Arrival(it, registry.Document{}, registry.Facts{}, tt.dec).Arrival
			if !slices.Equal(a.Decision.Notify, tt.want) {
				t.Errorf("told %v, want %v", a.Decision.Notify, tt.want)
			}
			if a.Disposition == registry.Registered && a.Title != "untitled" {
				t.Errorf("title %q, want one of the office's", a.Title)
			}
		})
	}
}

func TestTheYearOfAnArrivalIsTheOfficesNotUTCs(t *testing.T) {
	zone := time.FixedZone("office", 3600)
	d := Drafter{
		Office: func() *registry.Office { o := draftTown(); o.Zone = zone; return o }, Now: time.Now,
		Untitled: func(registry.Item, registry.Document) string { return "" },
	}
	for at, want := range map[string]string{"2026-12-31T22:59:59Z": "2026-12-31", "2026-12-31T23:00:00Z": "2027-01-01"} {
		accepted, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		a := d.Arrival(registry.Item{Register: "RPW", AcceptedAt: accepted}, registry.Document{}, registry.Facts{}, registry.Decision{}).Arrival
		if got := a.ReceivedOn.String(); got != want {
			t.Errorf("%s arrived on %s, want %s", at, got, want)
		}
	}
}
