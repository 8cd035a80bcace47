package registry_test

import (
	"testing"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

func TestEachLookAtALetterIsKept(t *testing.T) {
	now := time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)
	book := storetest.NewMemory("aleksandrowo.example", func() time.Time { return now })
	for _, a := range []registry.Access{
		{At: now, Login: "os1", What: "original", Subject: "RPW-000001-2026"},
		{At: now, Login: "os1", What: "original", Subject: "RPW-000001-2026"},
		{At: now, Login: "os2", What: "preview", Subject: "RPW-000001-2026"},
		{At: now, Login: "os2", What: "preview", Subject: "RPW-000002-2026"},
	} {
		note, err := a.Note()
		if err != nil {
			t.Fatal(err)
		}
		if err := book.Keep(t.Context(), []registry.Note{note}); err != nil {
			t.Fatal(err)
		}
	}
	found, err := book.Find(t.Context(), registry.AccessOf("RPW-000001-2026"))
	if err != nil || len(found.Notes) != 3 {
		t.Fatalf("%d looks, %v; want 3", len(found.Notes), err)
	}
	if a, err := registry.ReadAccess(found.Notes[0]); err != nil || a.Subject != "RPW-000001-2026" {
		t.Errorf("read back %+v, %v", a, err)
	}
}
