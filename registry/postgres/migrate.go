package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"kancelaria/registry"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrating is the session lock that lets one migrator work and the others
// wait; it is an arbitrary number and never changes.
const migrating = 7_305_811_402

// Migrate brings the schema of the owner's database to this program's version
// and gives the service's role what it needs and no more. Without a role of
// its own, or if that is the owner's, the service gets one that nobody can log
// in as and that Open takes on after logging in as the owner. Run it on a
// direct connection: a pooler does not keep session locks.
func Migrate(ctx context.Context, ownerDSN, serviceRole string, o Options) error {
	o.fill()
	cfg, err := pgx.ParseConfig(ownerDSN)
	if err != nil {
		return fmt.Errorf("migrating the book: %w: %w", registry.ErrUnavailable, err)
	}
	prepare(cfg, o)
	if err := migrate(ctx, cfg, serviceRole, o); err != nil {
		return fmt.Errorf("migrating the book at %s: %w", where(cfg), failure(ctx, err))
	}
	return nil
}

func migrate(ctx context.Context, cfg *pgx.ConnConfig, serviceRole string, o Options) (err error) {
	db := stdlib.OpenDB(*cfg)
	defer func() { err = errors.Join(err, db.Close()) }()
	lock, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }() // and lets go of the lock
	if _, err := lock.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrating); err != nil {
		return err
	}
	if _, err := lock.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+schema); err != nil {
		return err
	}
	if err := up(ctx, db, o); err != nil {
		return err
	}
	return grant(ctx, lock, serviceRole, cfg)
}

// up applies what is missing. A newer schema is left alone.
func up(ctx context.Context, db *sql.DB, o Options) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	have, want, err := p.GetVersions(ctx)
	switch {
	case err != nil:
		return err
	case have > want:
		return tooNew(have, want)
	case have == want:
		return nil
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("%w: from version %d to %d: %w", registry.ErrSchema, have, want, err)
	}
	o.Log.Info("book.migrated", "from", have, "to", want)
	return nil
}

func tooNew(have, want int64) error {
	return fmt.Errorf("%w: it is of version %d, this program knows up to %d; use the newer program", registry.ErrSchema, have, want)
}

// newest gives the version of the last migration.
func newest() (int64, error) {
	files, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	return goose.NumericComponent(files[len(files)-1].Name())
}

// fits refuses a book whose schema is not of this program's version.
func fits(ctx context.Context, c *pgx.Conn) error {
	want, err := newest()
	if err != nil {
		return err
	}
	var have int64
	err = c.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&have)
	switch {
	case err != nil && errors.Is(failure(ctx, err), registry.ErrSchema):
		return fmt.Errorf("%w: there is no book in this database; run kancelaria migrate", registry.ErrSchema)
	case err != nil:
		return err
	case have > want:
		return tooNew(have, want)
	case have < want:
		return fmt.Errorf("%w: it is of version %d and this program needs %d; run kancelaria migrate", registry.ErrSchema, have, want)
	}
	return nil
}
