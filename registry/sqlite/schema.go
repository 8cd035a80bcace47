package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pressly/goose/v3"

	"kancelaria/registry"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrationFiles are the embedded migrations, as goose wants them.
func migrationFiles() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the name is a constant
	}
	return files
}

// migrator makes goose apply migrations to db.
func migrator(db *sql.DB, files fs.FS) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
}

// migrate brings the schema to that of files. Of several processes that start
// at once one does it and the others wait.
func (s *Store) migrate(ctx context.Context, o Options, files fs.FS) (err error) {
	unlock, err := lockFolder(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := isBook(ctx, s.path, o); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dataSource(s.path, o, writing))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := migrator(db, files)
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
	case have > 0:
		copied := fmt.Sprintf("%s.v%d", s.path, have)
		if err := backup(ctx, db, copied); err != nil {
			return fmt.Errorf("copying the book before its schema is changed: %w", err)
		}
		s.log.Info("book.copied", "path", copied, "schema", have)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("%w: migrating from version %d to %d: %w", registry.ErrSchema, have, want, err)
	}
	s.log.Info("book.migrated", "from", have, "to", want)
	return nil
}

// isBook refuses somebody else's database and leaves it as it is; an empty one
// becomes a book.
func isBook(ctx context.Context, path string, o Options) (err error) {
	db, err := sql.Open("sqlite", dataSource(path, o, reading))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var tables, ours int
	err = db.QueryRowContext(ctx, "SELECT count(*), count(*) FILTER (WHERE name = 'goose_db_version') FROM sqlite_schema WHERE type = 'table'").
		Scan(&tables, &ours)
	if err == nil && tables > 0 && ours == 0 {
		return fmt.Errorf("%w: this is no book but some other database", registry.ErrSchema)
	}
	return err
}

func tooNew(have, want int64) error {
	return fmt.Errorf("%w: it is of version %d, this program knows up to %d; use the newer program", registry.ErrSchema, have, want)
}

// fits refuses a book whose schema is not of this program's version.
func (s *Store) fits(ctx context.Context) error {
	want, err := newest()
	if err != nil {
		return err
	}
	var have int64
	err = s.read.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied = 1").Scan(&have)
	switch {
	case err != nil && classed(failure(err)):
		return err
	case err != nil: // there is no such table
		return fmt.Errorf("%w: this is no book: %w", registry.ErrSchema, err)
	case have > want:
		return tooNew(have, want)
	case have < want:
		return fmt.Errorf("%w: it is of version %d and this program needs %d; it is migrated when kancelaria starts", registry.ErrSchema, have, want)
	}
	return nil
}

// newest gives the version of the last migration.
func newest() (int64, error) {
	files, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return 0, err
	}
	return goose.NumericComponent(files[len(files)-1].Name())
}

// lockFolder keeps other processes out that would migrate in the same folder.
// It is the folder that is locked, not the file: closing a second descriptor of
// the file would take SQLite's own locks away.
func lockFolder(dir string) (unlock func() error, err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(d.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", dir, err), d.Close())
	}
	return d.Close, nil
}

// Backup writes a copy of the book as it is now to a new file.
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dataSource(s.path, Options{Wait: defaultWait}, copying))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := backup(ctx, db, path); err != nil {
		return fmt.Errorf("copying the book to %s: %w", path, failure(err))
	}
	return nil
}

// backup copies into a side file first, so that a half one never has the name.
func backup(ctx context.Context, db *sql.DB, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%w: %s is there already", registry.ErrRefused, path)
	}
	half := path + ".part"
	if err := os.Remove(half); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := create(half); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?1", half); err != nil {
		return errors.Join(err, os.Remove(half))
	}
	if err := syncFile(half); err != nil {
		return err
	}
	// Unlike rename, link never overwrites.
	if err := os.Link(half, path); err != nil {
		return err
	}
	if err := os.Remove(half); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
