package postgres

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kancelaria/registry"
)

// What the service may do with each table beside reading it. Append-only ones
// are added to; DELETE is for what has a term.
var rights = []struct{ privileges, tables string }{
	{"INSERT", "leaf, erasure, node, entry, checkpoint"},
	{"UPDATE (content)", "leaf"},
	{"INSERT, DELETE", "access"},
	{"UPDATE", "head"},
	{"INSERT, UPDATE", "series, arrival, counter, work, folder, balance, outbox, lease"},
	{"INSERT, UPDATE, DELETE", "trace, note, search"},
}

// frozen are the tables whose rows the service must not be able to change.
var frozen = []string{"leaf", "erasure", "node", "entry", "checkpoint", "access"}

// grant gives the service's role its rights and takes all others from it.
func grant(ctx context.Context, c *sql.Conn, role string, cfg *pgx.ConnConfig) error {
	if role == "" || role == cfg.User {
		role = ownRole(cfg.Database)
		if err := makeRole(ctx, c, role); err != nil {
			return err
		}
	}
	to := pgx.Identifier{role}.Sanitize()
	statements := []string{
		"REVOKE ALL ON SCHEMA " + schema + " FROM PUBLIC, " + to,
		"REVOKE ALL ON ALL TABLES IN SCHEMA " + schema + " FROM PUBLIC, " + to,
		"GRANT USAGE ON SCHEMA " + schema + " TO " + to,
		"GRANT SELECT ON ALL TABLES IN SCHEMA " + schema + " TO " + to,
	}
	for _, r := range rights {
		statements = append(statements, "GRANT "+r.privileges+" ON "+r.tables+" TO "+to)
	}
	if _, err := c.ExecContext(ctx, strings.Join(statements, "; ")); err != nil {
		return fmt.Errorf("giving the role %s its rights: %w", role, err)
	}
	return nil
}

// ownRole names the role that the service takes on when it logs in as owner.
// Roles are the server's, so the database is part of the name.
func ownRole(database string) string {
	name := "kancelaria_" + database
	if len(name) > 63 { // NAMEDATALEN
		sum := sha256.Sum256([]byte(database))
		name = "kancelaria_" + hex.EncodeToString(sum[:16])
	}
	return name
}

// makeRole makes the role unless it is there and lets the owner take it on.
func makeRole(ctx context.Context, c *sql.Conn, role string) error {
	var there bool
	if err := c.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = $1)", role).Scan(&there); err != nil {
		return err
	}
	name := pgx.Identifier{role}.Sanitize()
	if !there {
		if _, err := c.ExecContext(ctx, "CREATE ROLE "+name+" NOLOGIN"); err != nil {
			return cannotMakeRole(err)
		}
	}
	if _, err := c.ExecContext(ctx, "GRANT "+name+" TO CURRENT_USER"); err != nil {
		return cannotMakeRole(err)
	}
	return nil
}

func cannotMakeRole(err error) error {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "42501" {
		return fmt.Errorf("%w: the owner's role may not make roles; have the administrator make one for the service "+
			"(CREATE ROLE kancelaria LOGIN) and name it in store.dsn: %w", registry.ErrRefused, err)
	}
	return err
}

// look connects once to see that the schema fits and that the role the service
// works under can't change what was said. It gives the role to take on, if the
// login is not to be worked under.
func (s *Store) look(ctx context.Context, cfg *pgx.ConnConfig) (role string, err error) {
	c, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return "", failure(ctx, err)
	}
	defer func() { err = errors.Join(err, c.Close(context.WithoutCancel(ctx))) }()
	if role, err = takesOn(ctx, c, cfg.Database); err != nil {
		return "", failure(ctx, err)
	}
	if role != "" {
		if _, err := c.Exec(ctx, "SET ROLE "+pgx.Identifier{role}.Sanitize()); err != nil {
			return "", failure(ctx, err)
		}
	}
	if err := fits(ctx, c); err != nil {
		return "", failure(ctx, err)
	}
	able, err := powers(ctx, c)
	if err != nil {
		return "", failure(ctx, err)
	}
	if len(able) > 0 && !s.allowed {
		return "", fmt.Errorf("%w: the role %s %s; give the service a role that owns nothing (kancelaria migrate)",
			registry.ErrRefused, cfg.User, strings.Join(able, ", "))
	}
	return role, nil
}

// takesOn gives the role that Migrate made for a service that logs in as the
// owner, if there is one and the login may take it on.
func takesOn(ctx context.Context, c *pgx.Conn, database string) (string, error) {
	var role *string
	err := c.QueryRow(ctx, `SELECT max(r.rolname)
  FROM pg_catalog.pg_roles AS r JOIN pg_catalog.pg_namespace AS n ON n.nspname = $2
 WHERE r.rolname = $1 AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')
   AND pg_catalog.pg_has_role(session_user, n.nspowner, 'MEMBER')`, ownRole(database), schema).Scan(&role)
	if err != nil || role == nil {
		return "", err
	}
	return *role, nil
}

// powers tells by what the current role could change what must not change.
func powers(ctx context.Context, c querier) (able []string, err error) {
	rows, err := c.Query(ctx, `SELECT 'is a superuser' FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL
SELECT 'owns the schema or may act as its owner' FROM pg_catalog.pg_namespace
 WHERE nspname = $1 AND pg_catalog.pg_has_role(current_user, nspowner, 'MEMBER')
UNION ALL
SELECT 'may change ' || t FROM unnest($2::text[]) AS t
 WHERE pg_catalog.has_table_privilege(current_user, $1 || '.' || t, 'UPDATE, TRUNCATE, TRIGGER')
    OR t <> 'access' AND pg_catalog.has_table_privilege(current_user, $1 || '.' || t, 'DELETE')`, schema, frozen)
	if err != nil {
		return nil, err
	}
	err = each(rows, func(r row) error {
		var text string
		err := r.Scan(&text)
		able = append(able, text)
		return err
	})
	return able, err
}

// A querier is a connection or a pool of them.
type querier interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
}
