package sqlite

import (
	"context"
	"errors"
	"testing"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

const origin = "aleksandrowo.example/ksiega"

func TestTheExamOfStores(t *testing.T) {
	storetest.Run(t, func(t *testing.T) registry.Store { return open(t, Options{Origin: origin}) },
		storetest.Options{Attempts: []storetest.Attempt{{Name: "by the connection that writes", Do: attempts(t)}}, Short: testing.Short()})
}

const leafRest = "type, subject, key, at, actor, on_behalf_of, salt, body, hash, content"

// changes are what nobody may do to a book.
var changes = []struct{ name, before, text string }{
	{"a leaf is changed", "", "UPDATE leaf SET actor = 'x' WHERE idx = 1"},
	{"a leaf's content is changed", "", "UPDATE leaf SET content = x'00' WHERE idx = 1"},
	{"a leaf's content is put out by nobody", "", "UPDATE leaf SET content = NULL WHERE idx = 1"},
	{"an erasure is made up", "", "INSERT INTO erasure (leaf, ordered_by) VALUES (1, 2)"},
	{"a leaf is deleted", "", "DELETE FROM leaf WHERE idx = 1"},
	{"all leaves are deleted", "", "DELETE FROM leaf"},
	{"a leaf is replaced", "", "REPLACE INTO leaf SELECT * FROM leaf WHERE idx = 1"},
	{"a leaf is replaced by its key", "", "REPLACE INTO leaf SELECT (SELECT max(idx) + 1 FROM leaf), " + leafRest + " FROM leaf WHERE idx = 1"},
	{"a leaf is changed by a conflict", "", "INSERT INTO leaf SELECT * FROM leaf WHERE idx = 1 ON CONFLICT (idx) DO UPDATE SET actor = 'x'"},
	{"a tree hash is changed", "", "UPDATE node SET hash = zeroblob(32) WHERE pos = 1"},
	{"a tree hash is replaced", "", "REPLACE INTO node VALUES (1, zeroblob(32))"},
	{"a tree hash is deleted", "", "DELETE FROM node WHERE pos = 1"},
	{"the ledger shrinks", "", "UPDATE head SET size = size - 1"},
	{"the ledger is deleted", "", "DELETE FROM head"},
	{"a second ledger is begun", "", "INSERT INTO head VALUES (2, 0, x'', NULL, '')"},
	{"the ledger is replaced", "", "REPLACE INTO head VALUES (1, 0, x'', NULL, '')"},
	{"a number is taken back", "", "UPDATE series SET taken = taken - 1"},
	{"a series is deleted", "", "DELETE FROM series"},
	{"a series is replaced", "", "REPLACE INTO series SELECT register, year, 0, NULL, NULL, NULL FROM series"},
	{"an entry is changed", "", "UPDATE entry SET registered_at = registered_at + 1"},
	{"an entry is renumbered", "", "UPDATE entry SET seq = 99 WHERE seq = 1"},
	{"an entry is deleted", "", "DELETE FROM entry WHERE seq = 1"},
	{"an entry is replaced", "", "REPLACE INTO entry SELECT * FROM entry WHERE seq = 1"},
	{"an entry is replaced by its item", "", "REPLACE INTO entry SELECT max(leaf) + 1, register, year, max(seq) + 1, (SELECT item FROM entry WHERE seq = 1), registered_at FROM entry"},
	{"a number is left out", "", "INSERT INTO entry SELECT max(leaf) + 1, register, year, max(seq) + 2, randomblob(16), registered_at FROM entry"},
	{"an arrival is forgotten", "", "DELETE FROM arrival"},
	{"a notice is forgotten", "", "DELETE FROM outbox"},
	{"a case number is given back", "INSERT INTO counter VALUES ('OS', '6131', 0, 2025, 7)", "UPDATE counter SET taken = taken - 1"},
	{"a list of cases is begun anew", "INSERT INTO counter VALUES ('OS', '6131', 0, 2025, 7)", "REPLACE INTO counter VALUES ('OS', '6131', 0, 2025, 0)"},
	{"a list of cases is deleted", "INSERT INTO counter VALUES ('OS', '6131', 0, 2025, 7)", "DELETE FROM counter"},
	{"a checkpoint is changed", "INSERT INTO checkpoint VALUES (1, zeroblob(32), x'00', 0)", "UPDATE checkpoint SET note = x'01'"},
	{"a checkpoint is replaced", "INSERT INTO checkpoint VALUES (1, zeroblob(32), x'00', 0)", "REPLACE INTO checkpoint VALUES (1, zeroblob(32), x'01', 0)"},
	{"a checkpoint is deleted", "INSERT INTO checkpoint VALUES (1, zeroblob(32), x'00', 0)", "DELETE FROM checkpoint"},
	{"an access event is changed", "INSERT INTO access VALUES ('k', x'00', 9000000000000000)", "UPDATE access SET value = x'01'"},
	{"an access event is replaced", "INSERT INTO access VALUES ('k', x'00', 9000000000000000)", "REPLACE INTO access VALUES ('k', x'01', 0)"},
	{"an access event goes before its term", "INSERT INTO access VALUES ('k', x'00', 9000000000000000)", "DELETE FROM access"},
}

// attempts are at the rows of a book with all that the process has: the very
// connection that writes. REPLACE and UPSERT have ways past ordinary triggers.
func attempts(t *testing.T) func(context.Context, registry.Store) error {
	return func(ctx context.Context, s registry.Store) error {
		refused := errRefused
		for _, c := range changes {
			switch err := try(ctx, s.(*Store), c.before, c.text); {
			case err == nil:
				t.Errorf("%s: %s succeeded", c.name, c.text)
				refused = nil
			case !errors.Is(err, registry.ErrImmutable):
				t.Errorf("%s: %s was refused for another reason: %v", c.name, c.text, err)
			}
		}
		return refused
	}
}

var (
	errRefused = errors.New("refused")
	errBack    = errors.New("taken back")
)

// try runs statements in a transaction that is never kept.
func try(ctx context.Context, s *Store, before, text string) error {
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		if before != "" {
			if _, err := t.exec(ctx, before); err != nil {
				return err
			}
		}
		if _, err := t.exec(ctx, text); err != nil {
			return err
		}
		return errBack
	})
	if errors.Is(err, errBack) {
		return nil
	}
	return err
}

// Nobody rewrites the schema by accident either.
func TestTheSchemaIsNotWritable(t *testing.T) {
	s := open(t, Options{})
	for _, text := range []string{
		"UPDATE sqlite_schema SET sql = '' WHERE name = 'leaf_stays'",
		"DELETE FROM sqlite_schema WHERE name = 'leaf_stays'",
		"DELETE FROM search_data",
	} {
		if err := s.update(t.Context(), func(ctx context.Context, t *tx) error {
			_, err := t.exec(ctx, text)
			return err
		}); err == nil {
			t.Errorf("%s succeeded", text)
		}
	}
	if found, err := s.Check(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("Check = %v, %v", found, err)
	}
}
