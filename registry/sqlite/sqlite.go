// Package sqlite keeps the book in one file on this machine: the store of an
// office that needs nothing but kancelaria itself.
//
// One connection writes (WAL, every commit synced), a few others read beside
// it. What must never change is refused by triggers; whoever owns the file can
// take those away, which Check and the ledger reveal.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite" // the driver

	"kancelaria/registry"
)

// Options of Open; the zero value works.
type Options struct {
	// Now is the clock; it serves leases and terms, never what is registered.
	Now func() time.Time
	Log *slog.Logger
	// Origin names the ledger of a book that has no name yet.
	Origin string
	// Wait is how long to wait for another process that writes; 0 is 5s.
	Wait time.Duration
	// ReadOnly opens a book to look at: nothing is migrated and every verb
	// that writes is refused.
	ReadOnly bool
	// MaxPages, if set, keeps the file from growing beyond it (8,192 bytes a
	// page): what a full disk does, sooner.
	MaxPages int
}

// A Store is a book in a file. It implements registry.Store.
type Store struct {
	path  string
	now   func() time.Time
	log   *slog.Logger
	write *sql.DB // one connection; nil when read only
	read  *sql.DB
	pen   pen
}

var _ registry.Store = (*Store)(nil)

const defaultWait = 5 * time.Second

// pageSize in bytes: an entry's leaf fits thrice into a page. Smaller pages leave
// half of themselves empty, larger ones make each commit write more.
const pageSize = 8192

// How many look at the book at once. Reading costs processor time only, so
// more would but wait for each other.
const readers = 4

// Open opens the book at path, or begins one. An older schema is migrated after
// a copy of the file was laid beside it; a newer one is refused (ErrSchema).
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("opening the book %s: %w", path, err)
	}
	if err := localDisk(filepath.Dir(abs)); err != nil {
		return nil, fmt.Errorf("opening the book %s: %w", path, err)
	}
	s := &Store{path: abs, now: o.Now, log: o.Log, pen: newPen()}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if o.Wait == 0 {
		o.Wait = defaultWait
	}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the book %s: %w", path, failure(err)), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) error {
	if o.ReadOnly {
		if _, err := os.Stat(s.path); err != nil {
			return fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
		}
	} else {
		if err := create(s.path); err != nil {
			return err
		}
		if err := s.migrate(ctx, o, migrationFiles()); err != nil {
			return err
		}
		var err error
		if s.write, err = sql.Open("sqlite", dataSource(s.path, o, writing)); err != nil {
			return err
		}
		s.write.SetMaxOpenConns(1)
		s.pen.db = s.write
	}
	var err error
	if s.read, err = sql.Open("sqlite", dataSource(s.path, o, reading)); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	if err := s.fits(ctx); err != nil {
		return err
	}
	return s.name(ctx, o)
}

// name gives the ledger its origin, once.
func (s *Store) name(ctx context.Context, o Options) error {
	if o.ReadOnly || o.Origin == "" {
		return nil
	}
	return s.update(ctx, func(ctx context.Context, t *tx) error {
		head, err := t.head(ctx)
		if err != nil || head.Origin != "" {
			return err
		}
		_, err = t.exec(ctx, "UPDATE head SET origin = ?1", o.Origin)
		return err
	})
}

// create makes an empty file that nobody else may read, unless there is one.
// SQLite gives its side files the same permissions.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// What a connection is for.
type purpose int

const (
	reading purpose = iota
	copying         // reads, and writes to another file
	writing
)

// dataSource spells how a connection is set up. Nothing in the file is trusted
// to run (trusted_schema, defensive), "x" is never a string (dqs), and REPLACE
// asks delete triggers (recursive_triggers).
func dataSource(path string, o Options, p purpose) string {
	v := url.Values{}
	pragma := func(format string, args ...any) { v.Add("_pragma", fmt.Sprintf(format, args...)) }
	pragma("busy_timeout(%d)", o.Wait.Milliseconds())
	pragma("trusted_schema(0)")
	pragma("recursive_triggers(1)")
	pragma("cell_size_check(1)")
	switch p {
	case reading:
		pragma("query_only(1)")
	case copying:
	case writing:
		pragma("page_size(%d)", pageSize) // of a new file
		v.Set("_journal_mode", "WAL")     // after the page size
		pragma("synchronous(FULL)")
		pragma("foreign_keys(1)")
		pragma("secure_delete(fast)") // what moves within a page leaves no copy of itself
		pragma("cache_size(-65536)")
		pragma("wal_autocheckpoint(4000)")
		pragma("journal_size_limit(67108864)")
		if o.MaxPages > 0 {
			pragma("max_page_count(%d)", o.MaxPages)
		}
		v.Set("_txlock", "immediate")
	}
	v.Set("_defensive", "1")
	v.Set("_dqs", "0")
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + v.Encode()
}

// Close lets go of the file.
func (s *Store) Close() error {
	err := s.pen.close()
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}
