package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kancelaria/registry"
)

// Keep implements registry.Store. All notes are kept, or none. Versions are
// instants, so that a note that was deleted and made again never has a version
// that somebody read before.
func (s *Store) Keep(ctx context.Context, notes []registry.Note) error {
	now := s.now()
	// Rows are locked in order of their keys, so that two calls never wait for
	// each other.
	notes = slices.Clone(notes)
	slices.SortStableFunc(notes, func(a, b registry.Note) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key)) })
	err := s.session(ctx, func(ctx context.Context, c *pgx.Conn) error {
		b := &pgx.Batch{}
		b.Queue("BEGIN")
		for _, n := range notes {
			if err := queueNote(b, n, now); err != nil {
				return fmt.Errorf("note %s %.80q: %w", n.Kind, n.Key, err)
			}
		}
		if err := c.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		return s.commit(ctx, c, prune(now))
	})
	if err != nil {
		return fmt.Errorf("keeping %d notes: %w", len(notes), err)
	}
	return nil
}

func queueNote(b *pgx.Batch, n registry.Note, now time.Time) error {
	const there = "note.kind = $1 AND note.key = $2"
	const insert = "INSERT INTO note (kind, key, value, expires, version) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (kind, key) DO UPDATE "
	const over = "SET value = excluded.value, expires = excluded.expires, version = greatest(note.version + 1, excluded.version)"
	switch {
	case n.Kind == registry.NoteAccess:
		return queueAccess(b, n)
	case n.Value == nil && n.IfVersion == nil:
		b.Queue("DELETE FROM note WHERE "+there, n.Kind, n.Key)
	case n.Value == nil && *n.IfVersion == 0:
		// It is wanted gone if it is not there: nothing to do, if that is so.
		text := "SELECT FROM note WHERE " + there + " AND (expires IS NULL OR expires > $3)"
		b.Queue(text, n.Kind, n.Key, now).Exec(func(t pgconn.CommandTag) error { return conflict(n, t.RowsAffected() == 0) })
	case n.Value == nil:
		text := "DELETE FROM note WHERE " + there + " AND version = $3 AND (expires IS NULL OR expires > $4)"
		b.Queue(text, n.Kind, n.Key, *n.IfVersion, now).Exec(func(t pgconn.CommandTag) error { return conflict(n, t.RowsAffected() == 1) })
	case n.IfVersion == nil:
		b.Queue(insert+over, n.Kind, n.Key, n.Value, moment(n.Expires), now.UnixMicro())
	case *n.IfVersion == 0:
		text := insert + over + " WHERE note.expires <= $6"
		b.Queue(text, n.Kind, n.Key, n.Value, moment(n.Expires), now.UnixMicro(), now).
			Exec(func(t pgconn.CommandTag) error { return conflict(n, t.RowsAffected() == 1) })
	default:
		text := `UPDATE note SET value = $3, expires = $4, version = greatest(version + 1, $5)
 WHERE ` + there + " AND version = $6 AND (expires IS NULL OR expires > $7)"
		b.Queue(text, n.Kind, n.Key, n.Value, moment(n.Expires), now.UnixMicro(), *n.IfVersion, now).
			Exec(func(t pgconn.CommandTag) error { return conflict(n, t.RowsAffected() == 1) })
	}
	return nil
}

func conflict(n registry.Note, as bool) error {
	if as {
		return nil
	}
	return fmt.Errorf("%w: note %s %.80q is not of version %d", registry.ErrConflict, n.Kind, n.Key, *n.IfVersion)
}

// queueAccess writes who looked at what, once; offering it again changes
// nothing.
func queueAccess(b *pgx.Batch, n registry.Note) error {
	if n.Value == nil || n.IfVersion != nil || n.Expires.IsZero() {
		return fmt.Errorf("%w: an access event has a value and a term and is not written over", registry.ErrImmutable)
	}
	b.Queue(`INSERT INTO access (key, value, expires)
SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM access WHERE key = $1 AND value = $2)`, n.Key, n.Value, n.Expires)
	return nil
}

// prune takes away some of what is over, a little with each call; notes that
// another call is taking away are left to it.
func prune(now time.Time) *pgx.Batch {
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM note USING (SELECT kind AS k, key AS y FROM note WHERE expires <= $1 LIMIT 100 FOR UPDATE SKIP LOCKED) AS old
 WHERE kind = k AND key = y`, now)
	b.Queue("DELETE FROM access WHERE key IN (SELECT key FROM access WHERE expires <= $1 ORDER BY key LIMIT 100)", now)
	return b
}

const noteColumns = "kind, key, value, expires, version"

func scanNote(r row) (n registry.Note, err error) {
	var expires *time.Time
	err = r.Scan(&n.Kind, &n.Key, &n.Value, &expires, &n.Version)
	n.Expires = instant(expires)
	return n, err
}
