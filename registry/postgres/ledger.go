package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kancelaria/registry"
)

// Head implements registry.Store.
func (s *Store) Head(ctx context.Context) (h registry.Head, err error) {
	err = s.query(ctx, headText, func(r row) (err error) {
		h, err = scanHead(r)
		return err
	})
	if err != nil {
		return registry.Head{}, fmt.Errorf("reading the head of the ledger: %w", err)
	}
	return h, nil
}

// Seal implements registry.Store. Sealers of several nodes go one by one.
func (s *Store) Seal(ctx context.Context, c registry.Checkpoint) error {
	err := s.session(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		var size int64
		b := &pgx.Batch{}
		b.Queue("BEGIN")
		b.Queue("SELECT pg_advisory_xact_lock(hashtext('kancelaria.checkpoint'))")
		b.Queue("SELECT size FROM head").QueryRow(func(r pgx.Row) error { return r.Scan(&size) })
		if err := conn.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		if c.Size > size {
			return fmt.Errorf("%w: a checkpoint of %d leaves, and the ledger has %d", registry.ErrRefused, c.Size, size)
		}
		b = &pgx.Batch{}
		b.Queue(`INSERT INTO checkpoint (size, root, note, signed_at)
SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM checkpoint WHERE size >= $1)`, c.Size, c.Root[:], c.Note, c.SignedAt)
		return s.commit(ctx, conn, b)
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
	const text = "SELECT want.i, hash FROM unnest($1::bigint[]) WITH ORDINALITY AS want (p, i) JOIN node ON pos = p"
	err := s.query(ctx, text, func(r row) error {
		var (
			i    int
			hash []byte
		)
		if err := r.Scan(&i, &hash); err != nil {
			return err
		}
		found++
		return blob(out[i-1][:], hash, "tree hash")
	}, pos)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading tree hashes: %w", err)
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
	const text = "SELECT " + leafColumns + " FROM leaf WHERE idx >= $1 AND idx < $2 ORDER BY idx LIMIT $3"
	err := s.query(ctx, text, func(r row) error {
		l, err := scanLeaf(r)
		out = append(out, l)
		return err
	}, from, to, mostLeaves)
	if err != nil {
		return nil, fmt.Errorf("reading leaves %d to %d: %w", from, to, err)
	}
	return out, nil
}

// Lease implements registry.Store. The statement that takes it waits for who
// takes it at the same time; the one that reads sees what came of it.
func (s *Store) Lease(ctx context.Context, name, node string, ttl time.Duration, note string) (l registry.Lease, err error) {
	now := s.now()
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(`INSERT INTO lease (name, node, until, note) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET node = excluded.node, until = excluded.until, note = excluded.note
 WHERE lease.node = excluded.node OR lease.until <= $5`, name, node, now.Add(ttl), note, now)
	b.Queue("SELECT "+leaseColumns+" FROM lease WHERE name = $1", name).QueryRow(func(r pgx.Row) (err error) {
		l, err = scanLease(r)
		return err
	})
	err = s.session(ctx, func(ctx context.Context, c *pgx.Conn) error { return s.commit(ctx, c, b) })
	if err != nil {
		return registry.Lease{}, fmt.Errorf("taking the lease %s: %w", name, err)
	}
	l.Held = l.Node == node && l.Until.After(now)
	return l, nil
}

const leaseColumns = "name, node, until, note"

func scanLease(r row) (l registry.Lease, err error) {
	err = r.Scan(&l.Name, &l.Node, &l.Until, &l.Note)
	l.Until = l.Until.UTC()
	return l, err
}

func scanCheckpoint(r row) (c registry.Checkpoint, err error) {
	var root []byte
	if err := r.Scan(&c.Size, &root, &c.Note, &c.SignedAt); err != nil {
		return c, err
	}
	c.SignedAt = c.SignedAt.UTC()
	return c, blob(c.Root[:], root, "tree root")
}
