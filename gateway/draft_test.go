package gateway

import (
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

func TestADocumentWithoutASubjectIsNamedByTheOffice(t *testing.T) {
	d := Drafter{
		Office: draftTown, Now: func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) },
		Untitled: func(registry.Item, registry.Document) string { return "untitled" },
	}
	for _, tt := range []struct {
		name, title, want string
		dec               registry.Decision
	}{
		{"registered", "", "untitled", registry.Decision{}},
		{"with a subject", "Wniosek", "Wniosek", registry.Decision{}},
		{"kept out of the book", "", "", registry.Decision{Screen: registry.ScreenQuarantine, ScreenReason: "malware"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			it := registry.Item{ID: registry.NewItemID(d.Now()), Door: registry.DoorFolder, Register: "RPW", AcceptedAt: d.Now()}
			if got := d.Arrival(it, registry.Document{Title: tt.title}, registry.Facts{}, tt.dec).Arrival.Title; got != tt.want {
				t.Errorf("title %q, want %q", got, tt.want)
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
