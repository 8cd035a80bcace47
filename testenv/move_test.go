package testenv_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kancelaria/testenv"
)

var rootLine = regexp.MustCompile(`(\d+) in the ledger, root ([0-9a-f]{64})`)

// ledgerOf verifies the book and gives size and root of its ledger.
func ledgerOf(t *testing.T, h *testenv.House) string {
	t.Helper()
	m := rootLine.FindStringSubmatch(h.Run(t, "verify"))
	if m == nil {
		t.Fatal("verify tells no root")
	}
	return m[1] + " " + m[2]
}

func handIn(t *testing.T, h *testenv.House, titles ...string) {
	t.Helper()
	for _, title := range titles {
		name := filepath.Join(t.TempDir(), "pismo.txt")
		if err := os.WriteFile(name, []byte(title), 0o600); err != nil {
			t.Fatal(err)
		}
		h.Run(t, "register", name, "--title", title, "--by", "pk1")
	}
}

// A book moves from its file into PostgreSQL with the same root, and from there
// by backup to another machine.
func TestABookMovesIntoPostgresAndOn(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL")
	}
	h := testenv.Office(t, testenv.Options{})
	handIn(t, h, "Wniosek", "Skarga")
	h.Run(t, "accept", "RPW-000001-2026", "--by", "os1")
	before := ledgerOf(t, h)

	pg := testenv.Postgres(t)
	owner := pg.NewDatabase(t)
	service := pg.As(t, "service", owner)
	out := h.Run(t, "migrate-store", "--to", service, "--owner-dsn", owner)
	if !strings.Contains(out, "store: {dsn:") {
		t.Errorf("migrate-store said %s", out)
	}
	h.Run(t, "migrate-store", "--to", service, "--owner-dsn", owner) // again: harmless
	h.EditFile(t, "kancelaria.yaml", func(text string) string {
		return regexp.MustCompile(`(?m)^store:.*$`).ReplaceAllString(text, fmt.Sprintf("store: {dsn: %q, owner_dsn: %q}", service, owner))
	})
	if after := ledgerOf(t, h); after != before {
		t.Errorf("the ledger was %s and is %s", before, after)
	}
	handIn(t, h, "Petycja")
	after := ledgerOf(t, h)

	// The database is lost; the archive knows every line.
	lost := pg.NewDatabase(t)
	h.EditFile(t, "kancelaria.yaml", func(text string) string {
		return regexp.MustCompile(`(?m)^store:.*$`).ReplaceAllString(text, fmt.Sprintf("store: {dsn: %q, owner_dsn: %q}", pg.As(t, "service", lost), lost))
	})
	h.Run(t, "migrate")
	h.Run(t, "recover")
	if again := ledgerOf(t, h); again != after {
		t.Errorf("recovered, the ledger is %s, want %s", again, after)
	}

	// A target that holds another book is refused.
	other := testenv.Office(t, testenv.Options{})
	handIn(t, other, "Inne")
	if r := other.Try(t, "migrate-store", "--to", service, "--owner-dsn", owner); r.Code != 6 || !strings.Contains(r.Stderr, "not empty") {
		t.Errorf("into another book: exit %d, %s", r.Code, r.Stderr)
	}
	dir := filepath.Join(t.TempDir(), "backup")
	h.Run(t, "backup", "-o", dir)
	machine := testenv.Office(t, testenv.Options{})
	if r := machine.Try(t, "restore", dir, "--last-number", "RPW-000003-2026"); r.Code != 0 {
		t.Fatalf("restore into a file: exit %d, %s%s", r.Code, r.Stdout, r.Stderr)
	}
	machine.Run(t, "verify", "--full")
	handIn(t, machine, "Dalej")
	if list := machine.Run(t, "list"); !strings.Contains(list, "RPW-000004-2026") {
		t.Errorf("the numbers do not go on: %s", list)
	}
}
