package registry_test

import (
	"slices"
	"testing"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

func TestWhoeverTakesOverStandsInEverywhere(t *testing.T) {
	on := registry.Day{Year: 2026, Month: 11, Day: 23}
	office := &registry.Office{
		Clerks: map[string]registry.Clerk{
			"a": {Login: "a", Deputies: []string{"b"}},
			"b": {Login: "b", Deputies: []string{"a", "c"}},
			"c": {Login: "c", Deputies: []string{"a"}, Absences: []registry.Absence{{From: on, To: on, Deputies: []string{"a", "b"}}}},
			"d": {Login: "d"},
		},
		Classes: map[string]registry.Class{"1": {Symbol: "1", Clerk: "a"}, "2": {Symbol: "2", Clerk: "c"}},
	}
	now := office.InForce(registry.Successions{"a": {To: "b", On: on}, "d": {On: on}, "gone": {To: "b", On: on}})
	if got := now.Clerks["a"].Absences; len(got) != 1 || got[0].From != on || !slices.Equal(got[0].Deputies, []string{"b"}) {
		t.Errorf("who left is away for good, with the successor for deputy; got %+v", got)
	}
	for login, want := range map[string][]string{"b": {"c"}, "c": {"b"}} {
		if got := now.Clerks[login].Deputies; !slices.Equal(got, want) {
			t.Errorf("deputies of %s: %v, want %v", login, got, want)
		}
	}
	if got := now.Clerks["c"].Absences[0].Deputies; !slices.Equal(got, []string{"b"}) {
		t.Errorf("deputies of an absence: %v", got)
	}
	if now.Classes["1"].Clerk != "b" || now.Classes["2"].Clerk != "c" {
		t.Errorf("classes: %+v", now.Classes)
	}
	if len(office.Clerks["a"].Absences) != 0 || office.Clerks["c"].Deputies[0] != "a" {
		t.Error("the office of the file was changed")
	}
	if office.InForce(registry.Successions{"d": {On: on}}) != office {
		t.Error("an office in which nobody left is the file's own")
	}
}

func TestAHandoverMovesEntriesAndIsRemembered(t *testing.T) {
	r, book := acting(t)
	owner := registry.Actor{Login: "root", Owner: true}
	handover := func(from, to string) registry.Outcome {
		t.Helper()
		out, err := r.Act(t.Context(), owner, registry.Act{Kind: registry.ActHandover, Subject: from, To: to}, nil, "zmiana zakresu")
		if err != nil || out.Err() != nil {
			t.Fatal(err, out.Err())
		}
		return out
	}
	if out := handover("os1", "os2"); out.Moved != 1 {
		t.Errorf("%d entries moved, want 1", out.Moved)
	}
	left := func() registry.Successions {
		t.Helper()
		all, err := registry.ReadSuccessions(t.Context(), book)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if all := left(); len(all) != 1 || all["os1"].To != "os2" || all["os1"].On.IsZero() {
		t.Errorf("noted: %+v", all)
	}
	if out := handover("os1", "os2"); out.Moved != 0 {
		t.Errorf("once more moves %d", out.Moved)
	}
	// The work comes back: nobody stands in for who is there.
	if out := handover("os2", "os1"); out.Moved != 1 {
		t.Errorf("back: %d moved, want 1", out.Moved)
	}
	if all := left(); all["os1"].To != "" || all["os2"].To != "os1" {
		t.Errorf("noted: %+v", all)
	}
}

func TestAForbiddenHandoverIsNotRemembered(t *testing.T) {
	book := storetest.NewMemory(origin, nil)
	r := run(t, book, registry.RegistrarOptions{})
	submit(t, r, storetest.Letter(0, func(d *registry.Draft) { d.Arrival.Decision.Candidates = []string{"os1"} }))
	_, err := r.Act(t.Context(), registry.Actor{Login: "os2"}, registry.Act{Kind: registry.ActHandover, Subject: "os1", To: "os2"}, nil, "x")
	if all, _ := registry.ReadSuccessions(t.Context(), book); err == nil || len(all) != 0 {
		t.Errorf("a handover that was forbidden: %v, noted %v", err, all)
	}
}
