package postgres

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"kancelaria/registry"
)

func TestOfManyMigratorsOneWorks(t *testing.T) {
	w := emptyTown(t)
	var starters sync.WaitGroup
	for range 4 {
		starters.Go(func() {
			if err := Migrate(t.Context(), w.owner, "service", Options{}); err != nil {
				t.Error(err)
			}
		})
	}
	starters.Wait()
	if n := w.pg.Exec(t, w.owner, "SELECT count(*) FROM kancelaria.goose_db_version WHERE version_id = 1"); n != "1" {
		t.Errorf("the first migration was applied %s times", n)
	}
	if _, err := w.open(t, Options{}).Commit(t.Context(), letters(1, 1)); err != nil {
		t.Error(err)
	}
}

func TestASchemaOfAnotherVersionIsRefused(t *testing.T) {
	t.Run("none", func(t *testing.T) {
		_, err := Open(t.Context(), emptyTown(t).service, Options{})
		if !errors.Is(err, registry.ErrSchema) || !strings.Contains(err.Error(), "kancelaria migrate") {
			t.Errorf("Open = %v, want ErrSchema that says what to do", err)
		}
	})
	t.Run("an older one", func(t *testing.T) {
		w := newTown(t)
		w.pg.Exec(t, w.owner, "DELETE FROM kancelaria.goose_db_version WHERE version_id > 0")
		_, err := Open(t.Context(), w.service, Options{})
		if !errors.Is(err, registry.ErrSchema) || !strings.Contains(err.Error(), "kancelaria migrate") {
			t.Errorf("Open = %v, want ErrSchema that says what to do", err)
		}
	})
	t.Run("a newer one", func(t *testing.T) {
		w := newTown(t)
		w.pg.Exec(t, w.owner, "INSERT INTO kancelaria.goose_db_version (version_id, is_applied) VALUES (99, true)")
		if _, err := Open(t.Context(), w.service, Options{}); !errors.Is(err, registry.ErrSchema) {
			t.Errorf("Open = %v, want ErrSchema", err)
		}
		if err := Migrate(t.Context(), w.owner, "service", Options{}); !errors.Is(err, registry.ErrSchema) {
			t.Errorf("Migrate = %v, want ErrSchema", err)
		}
	})
}

// One DSN is enough for a start: who logs in as the owner works under a role
// that owns nothing.
func TestTheOwnerWorksUnderAnotherRole(t *testing.T) {
	for _, who := range []string{"owner", "superuser"} {
		t.Run(who, func(t *testing.T) {
			w := emptyTown(t)
			dsn := w.owner
			if who == "superuser" {
				dsn = w.superuser
			}
			for range 2 { // again changes nothing
				if err := Migrate(t.Context(), dsn, "", Options{}); err != nil {
					t.Fatal(err)
				}
			}
			w.service = dsn
			s := w.open(t, Options{})
			if _, err := s.Commit(t.Context(), letters(1, 3)); err != nil {
				t.Fatal(err)
			}
			if _, err := s.pool.Exec(t.Context(), "UPDATE leaf SET actor = 'x'"); codeOf(err) != "42501" {
				t.Errorf("UPDATE = %v, want permission denied", err)
			}
			if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
				t.Errorf("Check = %+v, %v", found, err)
			}
		})
	}
}

func TestARoleThatCouldChangeTheBookIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(w town) (dsn string)
		says string
	}{
		{"the owner", func(w town) string { return w.owner }, "owns the schema"},
		{"a superuser", func(w town) string { return w.superuser }, "is a superuser"},
		{"a role with one right too many", func(w town) string {
			w.pg.Exec(t, w.owner, "GRANT UPDATE ON kancelaria.entry TO service")
			return w.service
		}, "may change entry"},
		{"a role that may take the triggers away", func(w town) string {
			w.pg.Exec(t, w.owner, "GRANT TRIGGER ON kancelaria.leaf TO service")
			return w.service
		}, "may change leaf"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newTown(t)
			dsn := tt.make(w)
			_, err := Open(t.Context(), dsn, Options{})
			if !errors.Is(err, registry.ErrRefused) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open = %v, want ErrRefused that says %q", err, tt.says)
			}
			w.service = dsn
			s := w.open(t, Options{AllowOwner: true})
			found, err := s.Check(t.Context())
			if err != nil || len(found) == 0 || found[0].Code != "role_too_strong" {
				t.Errorf("Check = %+v, %v; want role_too_strong", found, err)
			}
		})
	}
}

func TestMigrateTakesBackWhatWasGrantedBeside(t *testing.T) {
	w := newTown(t)
	w.pg.Exec(t, w.owner, "GRANT UPDATE, DELETE ON kancelaria.entry TO service; REVOKE INSERT ON kancelaria.node FROM service")
	if err := Migrate(t.Context(), w.owner, "service", Options{}); err != nil {
		t.Fatal(err)
	}
	found, err := w.open(t, Options{}).Check(t.Context())
	if err != nil || len(found) > 0 {
		t.Errorf("Check = %+v, %v", found, err)
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	c := newTown(t).connect(t)
	for _, tt := range []struct{ statement, code, subject string }{
		{"DROP TRIGGER leaf_stays ON kancelaria.leaf", "trigger_missing", "trigger leaf.leaf_stays"},
		{"ALTER TABLE kancelaria.entry DISABLE TRIGGER entry_stays", "schema_changed", "trigger entry.entry_stays"},
		{"ALTER TABLE kancelaria.entry ENABLE TRIGGER entry_stays", "schema_changed", "trigger entry.entry_stays"},
		{"CREATE OR REPLACE FUNCTION kancelaria.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", "schema_changed", "function refuse()"},
		{"DROP INDEX kancelaria.work_clerk", "schema_missing", "index work_clerk"},
		{"CREATE RULE evil AS ON INSERT TO kancelaria.node DO INSTEAD NOTHING", "schema_foreign", "rule node.evil"},
		{"ALTER TABLE kancelaria.note ADD COLUMN evil text", "schema_foreign", "column note.evil"},
		{"REVOKE INSERT ON kancelaria.node FROM service", "grant_missing", "table node"},
	} {
		t.Run(tt.statement, func(t *testing.T) {
			tx, err := c.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(context.WithoutCancel(t.Context()))
			if _, err := tx.Exec(t.Context(), tt.statement+"; SET LOCAL ROLE service"); err != nil {
				t.Fatal(err)
			}
			found, err := examine(t.Context(), tx, "service")
			if err != nil || len(found) != 1 || found[0].Code != tt.code || found[0].Subject != tt.subject {
				t.Errorf("found %+v, %v; want %s of %s", found, err, tt.code, tt.subject)
			}
		})
	}
}

func TestWhatNoColumnHoldsIsADataError(t *testing.T) {
	s := newTown(t).open(t, Options{})
	d := letter(1)
	d.Arrival.Item.Source = "a\x00b"
	// The law cleans what it lays into columns; what it might forget must not
	// stop the others.
	err := s.session(t.Context(), func(ctx context.Context, c *pgx.Conn) error {
		_, err := c.Exec(ctx, "INSERT INTO balance (clerk, open, given, last_leaf) VALUES ($1, 0, 0, 0)", "a\x00b")
		return err
	})
	if !errors.Is(err, registry.ErrData) {
		t.Errorf("NUL in a text = %v, want ErrData", err)
	}
	if _, err := s.Commit(t.Context(), []registry.Draft{d}); err != nil {
		t.Errorf("Commit = %v", err)
	}
}
