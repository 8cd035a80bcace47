package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kancelaria/registry"
)

// Keep implements registry.Store. All notes are kept, or none. Versions are
// instants, so that a note that was deleted and made again never has a version
// that somebody read before.
func (s *Store) Keep(ctx context.Context, notes []registry.Note) error {
	now := s.now()
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		for _, n := range notes {
			keep := t.keep
			if n.Kind == registry.NoteAccess {
				keep = t.keepAccess
			}
			if err := keep(ctx, n, now); err != nil {
				return fmt.Errorf("note %s %.80q: %w", n.Kind, n.Key, err)
			}
		}
		return t.prune(ctx, now)
	})
	if err != nil {
		return fmt.Errorf("keeping %d notes: %w", len(notes), err)
	}
	return nil
}

func (t *tx) keep(ctx context.Context, n registry.Note, now time.Time) error {
	have, err := t.noteVersion(ctx, n, now)
	if err != nil {
		return err
	}
	if n.IfVersion != nil && *n.IfVersion != have {
		return fmt.Errorf("%w: it is of version %d, not %d", registry.ErrConflict, have, *n.IfVersion)
	}
	if n.Value == nil {
		_, err = t.exec(ctx, "DELETE FROM note WHERE kind = ?1 AND key = ?2", n.Kind, n.Key)
		return err
	}
	_, err = t.exec(ctx, `INSERT INTO note (kind, key, value, expires, version) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, expires = excluded.expires, version = excluded.version`,
		n.Kind, n.Key, n.Value, micros(n.Expires), max(have+1, now.UnixMicro()))
	return err
}

// noteVersion gives the version of a note that is there, 0 if none is.
func (t *tx) noteVersion(ctx context.Context, n registry.Note, now time.Time) (have int64, err error) {
	err = t.query(ctx, "SELECT version FROM note WHERE kind = ?1 AND key = ?2 AND (expires IS NULL OR expires > ?3)",
		func(r row) error { return r.Scan(&have) }, n.Kind, n.Key, now.UnixMicro())
	return have, err
}

// keepAccess writes who looked at what, once; offering it again changes nothing.
func (t *tx) keepAccess(ctx context.Context, n registry.Note, _ time.Time) error {
	if n.Value == nil || n.IfVersion != nil || n.Expires.IsZero() {
		return fmt.Errorf("%w: an access event has a value and a term and is not written over", registry.ErrImmutable)
	}
	_, err := t.exec(ctx, `INSERT INTO access (key, value, expires)
SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM access WHERE key = ?1 AND value = ?2)`, n.Key, n.Value, n.Expires.UnixMicro())
	return err
}

// prune takes away some of what is over, a little with each call.
func (t *tx) prune(ctx context.Context, now time.Time) error {
	for _, text := range []string{
		"DELETE FROM note WHERE rowid IN (SELECT rowid FROM note WHERE expires <= ?1 LIMIT 100)",
		"DELETE FROM access WHERE key IN (SELECT key FROM access WHERE expires <= ?1 LIMIT 100)",
	} {
		if _, err := t.exec(ctx, text, now.UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}

const noteColumns = "kind, key, value, expires, version"

func scanNote(r row) (n registry.Note, err error) {
	var expires sql.NullInt64
	err = r.Scan(&n.Kind, &n.Key, &n.Value, &expires, &n.Version)
	n.Expires = instant(expires)
	return n, err
}
