package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kancelaria/registry"
)

// Head implements registry.Store.
func (s *Store) Head(ctx context.Context) (registry.Head, error) {
	head, err := scanHead(s.read.QueryRowContext(ctx, headText))
	if err != nil {
		return registry.Head{}, fmt.Errorf("reading the head of the ledger: %w", failure(err))
	}
	return head, nil
}

// Seal implements registry.Store.
func (s *Store) Seal(ctx context.Context, c registry.Checkpoint) error {
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		head, err := t.head(ctx)
		if err != nil {
			return err
		}
		if c.Size > head.Size {
			return fmt.Errorf("%w: a checkpoint of %d leaves, and the ledger has %d", registry.ErrRefused, c.Size, head.Size)
		}
		_, err = t.exec(ctx, `INSERT INTO checkpoint (size, root, note, signed_at)
SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (SELECT 1 FROM checkpoint WHERE size >= ?1)`, c.Size, c.Root[:], c.Note, c.SignedAt.UnixMicro())
		return err
	})
	if err != nil {
		return fmt.Errorf("storing checkpoint %d: %w", c.Size, err)
	}
	return nil
}

// Hashes implements registry.Store.
func (s *Store) Hashes(ctx context.Context, pos []int64) ([]registry.Digest, error) {
	out := make([]registry.Digest, len(pos))
	found := 0
	const text = "SELECT want.key, hash FROM json_each(?1) AS want JOIN node ON pos = want.value"
	err := s.query(ctx, text, func(r row) error {
		var (
			i    int
			hash []byte
		)
		if err := r.Scan(&i, &hash); err != nil {
			return err
		}
		found++
		return blob(out[i][:], hash, "tree hash")
	}, array(pos))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading tree hashes: %w", failure(err))
	case found != len(pos):
		return nil, fmt.Errorf("reading tree hashes: %w: %d of %d are there", registry.ErrNotFound, found, len(pos))
	}
	return out, nil
}

// mostLeaves bounds what one call of Leaves reads.
const mostLeaves = 10_000

// Leaves implements registry.Store.
func (s *Store) Leaves(ctx context.Context, from, to int64) ([]registry.LeafRow, error) {
	var out []registry.LeafRow
	const text = "SELECT " + leafColumns + " FROM leaf WHERE idx >= ?1 AND idx < ?2 ORDER BY idx LIMIT ?3"
	err := s.query(ctx, text, func(r row) error {
		l, err := scanLeaf(r)
		out = append(out, l)
		return err
	}, from, to, mostLeaves)
	if err != nil {
		return nil, fmt.Errorf("reading leaves %d to %d: %w", from, to, failure(err))
	}
	return out, nil
}

// Lease implements registry.Store.
func (s *Store) Lease(ctx context.Context, name, node string, ttl time.Duration, note string) (l registry.Lease, err error) {
	now := s.now()
	err = s.update(ctx, func(ctx context.Context, t *tx) error {
		_, err := t.exec(ctx, `INSERT INTO lease (name, node, until, note) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name) DO UPDATE SET node = excluded.node, until = excluded.until, note = excluded.note
 WHERE lease.node = excluded.node OR lease.until <= ?5`, name, node, now.Add(ttl).UnixMicro(), note, now.UnixMicro())
		if err != nil {
			return err
		}
		return t.query(ctx, "SELECT "+leaseColumns+" FROM lease WHERE name = ?1", func(r row) (err error) {
			l, err = scanLease(r)
			return err
		}, name)
	})
	if err != nil {
		return registry.Lease{}, fmt.Errorf("taking the lease %s: %w", name, err)
	}
	l.Held = l.Node == node && l.Until.After(now)
	return l, nil
}

const leaseColumns = "name, node, until, note"

func scanLease(r row) (l registry.Lease, err error) {
	var until sql.NullInt64
	err = r.Scan(&l.Name, &l.Node, &until, &l.Note)
	l.Until = instant(until)
	return l, err
}

func scanCheckpoint(r row) (c registry.Checkpoint, err error) {
	var (
		root   []byte
		signed sql.NullInt64
	)
	if err := r.Scan(&c.Size, &root, &c.Note, &signed); err != nil {
		return c, err
	}
	c.SignedAt = instant(signed)
	return c, blob(c.Root[:], root, "tree root")
}

// none reports whether a single row was looked for and is not there.
func none(err error) bool { return errors.Is(err, sql.ErrNoRows) }
