package paper_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/postgres"
	"kancelaria/registry/sqlite"
	"kancelaria/registry/storetest"
	"kancelaria/testenv"
)

// The same lines give the same export, whatever store keeps the book: whoever
// moves from one to the other can compare.
func TestEveryStoreGivesTheSameExport(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL")
	}
	now := func() time.Time { return storetest.Noon }
	file, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "book.db"), sqlite.Options{Now: now, Origin: "aleksandrowo.example/ksiega"})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	pg := testenv.Postgres(t)
	dsn := pg.NewDatabase(t)
	o := postgres.Options{Now: now, Node: "n1", Origin: "aleksandrowo.example/ksiega"}
	if err := postgres.Migrate(t.Context(), pg.As(t, "owner", dsn), "service", o); err != nil {
		t.Fatal(err)
	}
	server, err := postgres.Open(t.Context(), pg.As(t, "service", dsn), o)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	model := newBook(t, townBook()...)
	want, done := export(t, model)
	for name, store := range map[string]registry.Store{"sqlite": file, "postgres": server} {
		commit(t, store, townBook()...)
		commit(t, store, act("later", 40, registry.Act{Kind: registry.ActClose, Subject: "1/2026"}, "koniec"))
		got, _ := export(t, store, at(done.Size))
		checkBag(t, got)
		if a, b := read(t, want, "manifest-sha256.txt"), read(t, got, "manifest-sha256.txt"); a != b {
			t.Errorf("%s gives other files than the model:\n%s", name, differing(a, b))
		}
	}
}

// differing gives the lines of b that are not in a.
func differing(a, b string) string {
	var out []string
	for line := range strings.Lines(b) {
		if !strings.Contains(a, line) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}
