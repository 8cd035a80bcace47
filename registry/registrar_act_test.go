package registry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

// acting runs a Registrar over a book with three entries: 1 of os1, 2 for
// nobody yet, 3 restricted to or1.
func acting(t *testing.T) (*registry.Registrar, *storetest.Memory) {
	t.Helper()
	book := storetest.NewMemory(origin, nil)
	r := run(t, book, registry.RegistrarOptions{})
	submit(t, r, storetest.Letter(0, func(d *registry.Draft) { d.Arrival.Decision.Candidates = []string{"os1"} }))
	submit(t, r, storetest.Letter(1, func(d *registry.Draft) { d.Arrival.Decision.Candidates = nil }))
	submit(t, r, storetest.Letter(2, func(d *registry.Draft) {
		d.Arrival.Decision.Candidates, d.Arrival.Decision.Restricted, d.Arrival.Decision.Readers = []string{"or1"}, true, []string{"or1"}
		d.Arrival.Decision.HideFrom = []string{"sekretarz"}
	}))
	return r, book
}

func TestWhoMayDoWhat(t *testing.T) {
	accept := registry.Act{Kind: registry.ActAccept, Subject: "1/2026"}
	for _, tt := range []struct {
		name string
		who  registry.Actor
		act  registry.Act
		want error // nil: it is done
	}{
		{"the clerk accepts", registry.Actor{Login: "os1"}, accept, nil},
		{"the deputy accepts", registry.Actor{Login: "os2"}, accept, nil},
		{"another department accepts", registry.Actor{Login: "or1"}, accept, registry.ErrForbidden},
		{"the administrator accepts", registry.Actor{Login: "admin"}, accept, registry.ErrForbidden},
		{"a stranger accepts", registry.Actor{Login: "nobody"}, accept, registry.ErrForbidden},
		{"the owner accepts for nobody", registry.Actor{Login: "root", Owner: true}, accept, registry.ErrRefused},
		{"the owner accepts for the clerk", registry.Actor{Login: "root", OnBehalfOf: "os1", Owner: true}, accept, nil},
		{"the desk acts for the clerk", registry.Actor{Login: "pk1", OnBehalfOf: "os1"}, accept, nil},
		{"a member takes from the queue", registry.Actor{Login: "os2"}, registry.Act{Kind: registry.ActAccept, Subject: "2/2026"}, nil},
		{"the desk routes", registry.Actor{Login: "pk1"}, registry.Act{Kind: registry.ActForward, Subject: "2/2026", To: "os2"}, nil},
		{"the desk annuls on the day", registry.Actor{Login: "pk1"}, registry.Act{Kind: registry.ActAnnul, Subject: "1/2026"}, nil},
		{"the clerk annuls", registry.Actor{Login: "os1"}, registry.Act{Kind: registry.ActAnnul, Subject: "1/2026"}, registry.ErrForbidden},
		{"a restricted entry does not exist for others", registry.Actor{Login: "os1"}, registry.Act{Kind: registry.ActNote, Subject: "3/2026", Text: "x"}, registry.ErrNotFound},
		{"nor for whom it is about", registry.Actor{Login: "sekretarz"}, registry.Act{Kind: registry.ActNote, Subject: "3/2026", Text: "x"}, registry.ErrNotFound},
		{"but for its reader", registry.Actor{Login: "or1"}, registry.Act{Kind: registry.ActNote, Subject: "3/2026", Text: "x"}, nil},
		{"its folder neither", registry.Actor{Login: "os1"}, registry.Act{Kind: registry.ActCloseCase, Subject: "K-RPW-000003-2026"}, registry.ErrNotFound},
		{"the clerk opens a case", registry.Actor{Login: "os1"}, registry.Act{Kind: registry.ActOpenCase, Subject: "K-RPW-000001-2026"}, nil},
		{"a folder that is not there", registry.Actor{Login: "os1"}, registry.Act{Kind: registry.ActOpenCase, Subject: "OS.6131.9.2026"}, registry.ErrNotFound},
		{"the head hands over", registry.Actor{Login: "os1"}, registry.Act{Kind: registry.ActHandover, Subject: "os2", To: "os1"}, nil},
		{"a clerk hands over another's work", registry.Actor{Login: "os2"}, registry.Act{Kind: registry.ActHandover, Subject: "os1", To: "os2"}, registry.ErrForbidden},
		{"the secretary enters a gap", registry.Actor{Login: "sekretarz"}, registry.Act{Kind: registry.ActGap, Subject: "RPW-2026", Fields: map[string]string{"to": "9"}}, registry.ErrForbidden},
		{"the owner enters a gap", registry.Actor{Login: "root", Owner: true}, registry.Act{Kind: registry.ActGap, Subject: "RPW-2026", Fields: map[string]string{"to": "9"}}, nil},
		{"to a clerk that is none", registry.Actor{Login: "os1"}, registry.Act{Kind: registry.ActForward, Subject: "1/2026", To: "0s2"}, registry.ErrRefused},
		{"of a class that is none", registry.Actor{Login: "os1"}, registry.Act{Kind: registry.ActClassify, Subject: "1/2026", Class: "9999"}, registry.ErrRefused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, _ := acting(t)
				out, err := r.Act(t.Context(), tt.who, tt.act, nil, "powód")
				if tt.want == nil && err == nil {
					err = out.Err()
				}
				if !errors.Is(err, tt.want) {
					t.Errorf("%+v, %v; want %v", out, err, tt.want)
				}
			})
		})
	}
}

func TestTheDeskAnnulsOnTheSameDayOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := acting(t)
		time.Sleep(24 * time.Hour)
		annul := registry.Act{Kind: registry.ActAnnul, Subject: "1/2026"}
		if _, err := r.Act(t.Context(), registry.Actor{Login: "pk1"}, annul, nil, "pomyłka"); !errors.Is(err, registry.ErrForbidden) {
			t.Errorf("the day after: %v", err)
		}
		if out, err := r.Act(t.Context(), registry.Actor{Login: "sekretarz"}, annul, nil, "pomyłka"); err != nil || out.Err() != nil {
			t.Errorf("the secretary: %+v, %v", out, err)
		}
	})
}

func TestWhatTheOfficeAddsToAnAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, book := acting(t)
		do := func(login string, act registry.Act) registry.Work {
			t.Helper()
			out, err := r.Act(t.Context(), registry.Actor{Login: login}, act, nil, "powód")
			if err == nil {
				err = out.Err()
			}
			if err != nil {
				t.Fatalf("%s: %v", act.Kind, err)
			}
			page, err := book.Find(t.Context(), registry.Query{Of: registry.FindEntry, Number: out.Number})
			if err != nil {
				t.Fatal(err)
			}
			return page.Works[0]
		}
		if w := do("os1", registry.Act{Kind: registry.ActForward, Subject: "1/2026", To: "OR"}); w.Department != "OR" || w.Clerk != "" {
			t.Errorf("forwarded to a department: %s, %s", w.Department, w.Clerk)
		}
		if w := do("pk1", registry.Act{Kind: registry.ActForward, Subject: "1/2026", To: "os2"}); w.Department != "OS" || w.Clerk != "os2" {
			t.Errorf("forwarded to a clerk: %s, %s", w.Department, w.Clerk)
		}
		if w := do("os2", registry.Act{Kind: registry.ActReturn, Subject: "1/2026"}); w.Department != "OR" || w.Clerk != "" {
			t.Errorf("returned: %s, %s", w.Department, w.Clerk)
		}
		if w := do("pk1", registry.Act{Kind: registry.ActClassify, Subject: "1/2026", Class: "1431", Clerk: "or1"}); w.CasePolicy != registry.CaseAtOnce ||
			w.Department != "OR" || w.Deadline.Code != "UDIP_14D" || w.Deadline.Due.String() != "2026-12-07" {
			t.Errorf("classified: %+v", w)
		}
		w := do("or1", registry.Act{Kind: registry.ActCorrect, Subject: "1/2026", Fields: map[string]string{"received_at": "2026-11-19 23:30"}})
		if w.ReceivedOn.String() != "2026-11-19" || w.Deadline.Due.String() != "2026-12-03" || w.ReceivedAt.Format(time.RFC3339) != "2026-11-19T22:30:00Z" {
			t.Errorf("corrected: on %s at %s, due %s", w.ReceivedOn, w.ReceivedAt, w.Deadline.Due)
		}
		if _, err := r.Act(t.Context(), registry.Actor{Login: "or1"}, registry.Act{Kind: registry.ActCorrect, Subject: "1/2026", Fields: map[string]string{"received_at": "gestern"}}, nil, "x"); !errors.Is(err, registry.ErrRefused) {
			t.Errorf("a time that is none: %v", err)
		}
	})
}

func TestAQuarantinedItemIsReleasedByTheDesk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, book := acting(t)
		kept := storetest.Letter(7, func(d *registry.Draft) { d.Arrival.Disposition, d.Arrival.Reason = registry.Quarantined, "spam" })
		submit(t, r, kept)
		if _, err := r.Release(t.Context(), registry.Actor{Login: "os1"}, storetest.Letter(7), "to pismo"); !errors.Is(err, registry.ErrForbidden) {
			t.Errorf("a clerk releases: %v", err)
		}
		if _, err := r.Release(t.Context(), registry.Actor{Login: "pk1"}, storetest.Letter(7), ""); !errors.Is(err, registry.ErrRefused) {
			t.Errorf("without a reason: %v", err)
		}
		out, err := r.Release(t.Context(), registry.Actor{Login: "pk1"}, storetest.Letter(7), "to pismo")
		if err != nil || out.Number.Seq != 4 {
			t.Fatalf("%+v, %v", out, err)
		}
		again, err := r.Release(t.Context(), registry.Actor{Login: "pk1"}, storetest.Letter(7), "to pismo")
		if err != nil || again.State != registry.Repeated || again.Number != out.Number {
			t.Errorf("released again: %+v, %v", again, err)
		}
		if err := storetest.Sound(t.Context(), book); err != nil {
			t.Error(err)
		}
	})
}

func TestAYearIsClosedAfterThreeDaysAndNotWhileALetterWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, book := acting(t)
		waiting := true
		waits := func(_ context.Context, before time.Time) (bool, error) {
			if want := time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC); !before.Equal(want) {
				t.Errorf("asked for letters accepted before %s, want %s", before, want)
			}
			return waiting, nil
		}
		closed := func() bool {
			t.Helper()
			if err := r.CloseYears(t.Context(), waits); err != nil {
				t.Fatal(err)
			}
			page, err := book.Find(t.Context(), registry.Query{Of: registry.FindSeries})
			if err != nil {
				t.Fatal(err)
			}
			return !page.Series[0].ClosedAt.IsZero()
		}
		until := func(when string) {
			at, err := time.Parse(time.RFC3339, when)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(at.Sub(storetest.Noon.Add(time.Since(bubble))))
		}
		until("2027-01-03T22:59:59Z")
		if closed() {
			t.Error("closed within three days")
		}
		until("2027-01-03T23:00:00Z")
		if closed() {
			t.Error("closed while a letter waits")
		}
		waiting = false
		for range 2 { // asking again changes nothing
			if !closed() {
				t.Error("not closed")
			}
		}
	})
}
