package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kancelaria/registry"
)

// Check implements registry.Store: it compares each table, index and trigger
// with what the migrations make, and looks whether the file is sound where a
// glance shows it.
func (s *Store) Check(ctx context.Context) ([]registry.Finding, error) {
	want, err := expected(ctx)
	if err != nil {
		return nil, fmt.Errorf("checking the book: %w", err)
	}
	have, err := schemaOf(ctx, s.read)
	if err != nil {
		return nil, fmt.Errorf("checking the book: %w", failure(err))
	}
	return differences(want, have), nil
}

// differences names what lacks, what was changed and what was added.
func differences(want, have map[string]string) (found []registry.Finding) {
	finding := func(code, object, format string) {
		found = append(found, registry.Finding{Code: code, Subject: object, Text: fmt.Sprintf(format, object)})
	}
	for _, object := range slices.Sorted(maps.Keys(want)) {
		switch text, there := have[object]; {
		case !there && strings.HasPrefix(object, "trigger "):
			finding("trigger_missing", object, "the %s is missing: what it guards can be changed unnoticed by the database")
		case !there:
			finding("schema_missing", object, "the %s is missing")
		case text != want[object]:
			finding("schema_changed", object, "the %s is not as kancelaria made it")
		}
	}
	for _, object := range slices.Sorted(maps.Keys(have)) {
		if _, known := want[object]; !known {
			finding("schema_foreign", object, "the %s is not of kancelaria's making")
		}
	}
	return found
}

// expected makes an empty book in memory and describes it.
func expected(ctx context.Context) (_ map[string]string, err error) {
	db, err := sql.Open("sqlite", "file::memory:?_pragma=trusted_schema(0)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // each connection would have a memory of its own
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := migrator(db, migrationFiles())
	if err != nil {
		return nil, err
	}
	if _, err := p.Up(ctx); err != nil {
		return nil, err
	}
	return schemaOf(ctx, db)
}

// schemaOf gives the text of each object. What SQLite and goose keep for
// themselves is left out.
func schemaOf(ctx context.Context, db *sql.DB) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT type || ' ' || name, coalesce(sql, '') FROM sqlite_schema
 WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' AND tbl_name <> 'goose_db_version'`)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	err = each(rows, func(r row) error {
		var object, text string
		err := r.Scan(&object, &text)
		out[object] = strings.Join(strings.Fields(text), " ")
		return err
	})
	return out, err
}
