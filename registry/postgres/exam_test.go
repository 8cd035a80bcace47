package postgres

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

const origin = "aleksandrowo.example/ksiega"

func TestTheExamOfStores(t *testing.T) {
	books := map[registry.Store]town{}
	storetest.Run(t, func(t *testing.T) registry.Store {
		w := newTown(t)
		s := w.open(t, Options{Origin: origin})
		books[s] = w
		return s
	}, storetest.Options{Attempts: attempts(t, books), Short: testing.Short()})
}

// changes are what nobody may do to a book. Each is tried as the service, which
// privileges keep from most of it, and as the owner, whom triggers keep from
// it, also as a replica, where ordinary triggers are asleep.
var changes = []struct{ name, before, text string }{
	{"a leaf is changed", "", "UPDATE leaf SET actor = 'x' WHERE idx = 1"},
	{"a leaf's content is changed", "", "UPDATE leaf SET content = '\\x00' WHERE idx = 1"},
	{"a leaf's content is put out by nobody", "", "UPDATE leaf SET content = NULL WHERE idx = 1"},
	{"an erasure is made up", "", "INSERT INTO erasure (leaf, ordered_by) VALUES (1, 2)"},
	{"a leaf is deleted", "", "DELETE FROM leaf WHERE idx = 1"},
	{"all leaves are truncated", "", "TRUNCATE leaf"},
	{"a leaf is left out", "", "INSERT INTO leaf SELECT 100, type, subject, 'x', at, actor, on_behalf_of, salt, body, hash, content FROM leaf WHERE idx = 1"},
	{"a tree hash is changed", "", "UPDATE node SET hash = sha256('x') WHERE pos = 1"},
	{"a tree hash is deleted", "", "DELETE FROM node WHERE pos = 1"},
	{"all tree hashes are truncated", "", "TRUNCATE node"},
	{"the ledger shrinks", "", "UPDATE head SET size = size - 1"},
	{"the ledger is deleted", "", "DELETE FROM head"},
	{"the ledger is truncated", "", "TRUNCATE head"},
	{"a number is taken back", "", "UPDATE series SET taken = taken - 1"},
	{"a series is deleted", "", "DELETE FROM series"},
	{"all series are truncated", "", "TRUNCATE series"},
	{"an entry is changed", "", "UPDATE entry SET registered_at = registered_at + interval '1 day'"},
	{"an entry is deleted", "", "DELETE FROM entry WHERE seq = 1"},
	{"all entries are truncated", "", "TRUNCATE entry"},
	{"a number is left out", "", "INSERT INTO entry SELECT 100, 'RPW', 2026, 100, gen_random_uuid(), clock_timestamp()"},
	{"an arrival is forgotten", "", "DELETE FROM arrival"},
	{"all arrivals are truncated", "", "TRUNCATE arrival"},
	{"a notice is forgotten", "", "DELETE FROM outbox"},
	{"the outbox is truncated", "", "TRUNCATE outbox"},
	{"a case number is given back", "INSERT INTO counter VALUES ('OS', '6131', 0, 2025, 7)", "UPDATE counter SET taken = taken - 1"},
	{"a list of cases is deleted", "INSERT INTO counter VALUES ('OS', '6131', 0, 2025, 7)", "DELETE FROM counter"},
	{"a checkpoint is changed", "INSERT INTO checkpoint VALUES (1, sha256('x'), '', now())", "UPDATE checkpoint SET note = 'x'"},
	{"a checkpoint is deleted", "INSERT INTO checkpoint VALUES (1, sha256('x'), '', now())", "DELETE FROM checkpoint"},
	{"a checkpoint is set back", "INSERT INTO checkpoint VALUES (2, sha256('x'), '', now())", "INSERT INTO checkpoint VALUES (1, sha256('x'), '', now())"},
	{"an access event is changed", "INSERT INTO access VALUES ('k', '', now() + interval '1 day')", "UPDATE access SET value = 'x'"},
	{"an access event goes before its term", "INSERT INTO access VALUES ('k', '', now() + interval '1 day')", "DELETE FROM access"},
	{"access events are truncated", "", "TRUNCATE access"},
}

func attempts(t *testing.T, books map[registry.Store]town) []storetest.Attempt {
	all := func(dsn func(town) string, first string) func(context.Context, registry.Store) error {
		return func(ctx context.Context, s registry.Store) error {
			refused := errRefused
			for _, c := range changes {
				if err := try(ctx, dsn(books[s]), first, c.before, c.text); err == nil {
					t.Errorf("%s: %s succeeded", c.name, c.text)
					refused = nil
				}
			}
			return refused
		}
	}
	return []storetest.Attempt{
		{Name: "by the service", Do: all(func(w town) string { return w.service }, "")},
		{Name: "by the owner", Do: all(func(w town) string { return w.owner }, "")},
		{Name: "by a superuser, as a replica", Do: all(func(w town) string { return w.superuser }, "SET session_replication_role = replica")},
	}
}

var errRefused = errors.New("refused")

// try runs statements in a transaction that is never kept; it gives an error
// if the last was refused for the right reason.
func try(ctx context.Context, dsn, first, before, text string) error {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		panic(err)
	}
	prepare(cfg, Options{})
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		panic(err)
	}
	defer c.Close(ctx)
	for _, prepared := range []string{"BEGIN", first, before} {
		if _, err := c.Exec(ctx, prepared); err != nil {
			panic(fmt.Sprintf("%s: %v", prepared, err))
		}
	}
	_, err = c.Exec(ctx, text)
	if code := codeOf(err); err != nil && code != "KN001" && code != "42501" {
		panic(fmt.Sprintf("%s: %v", text, err))
	}
	return err
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}
