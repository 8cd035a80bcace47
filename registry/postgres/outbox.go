package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"kancelaria/registry"
)

// Claim implements registry.Store. A row whose lease is over is claimed again.
// The condition stands twice: rows may change between being found and locked.
func (s *Store) Claim(ctx context.Context, c registry.Claim) ([]registry.OutboxRow, error) {
	const claimable = `o.turn AND (o.state = 'ready' AND (o.not_before IS NULL OR o.not_before <= $2) OR o.state = 'leased' AND o.lease_till <= $2)`
	const text = `UPDATE outbox AS o SET state = 'leased', lease_by = $3, lease_till = $4, attempts = o.attempts + 1
  FROM (
	SELECT o.leaf, o.n FROM outbox AS o
	 WHERE o.leaf <= $1 AND ` + claimable + `
	   AND (o.node = $3 OR NOT EXISTS (SELECT FROM lease AS l WHERE l.name = $6 || o.node AND l.until > $2))
	 ORDER BY o.leaf, o.n LIMIT $5 FOR UPDATE OF o SKIP LOCKED
  ) AS mine
 WHERE o.leaf = mine.leaf AND o.n = mine.n AND ` + claimable + `
RETURNING ` + outboxColumns
	var out []registry.OutboxRow
	err := s.query(ctx, text, func(r row) error {
		o, err := scanOutbox(r)
		out = append(out, o)
		return err
	}, c.UpTo, c.Now, c.Node, c.Now.Add(c.For), c.Limit, registry.NodeLease(""))
	if err != nil {
		return nil, fmt.Errorf("claiming what is to be sent: %w", err)
	}
	slices.SortFunc(out, func(a, b registry.OutboxRow) int {
		return cmp.Or(cmp.Compare(a.Leaf, b.Leaf), cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// Finish implements registry.Store. Rows that are not as they were claimed are
// left alone: somebody else has them.
func (s *Store) Finish(ctx context.Context, rows []registry.OutboxRow) error {
	if len(rows) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(turns)
	recipients, err := queueFinish(b, rows)
	if err != nil {
		return fmt.Errorf("storing how sending went: %w", err)
	}
	b.Queue(nextTurns, recipients)
	err = s.session(ctx, func(ctx context.Context, c *pgx.Conn) error { return s.commit(ctx, c, b) })
	if err != nil {
		return fmt.Errorf("storing how sending went: %w", err)
	}
	return nil
}

func queueFinish(b *pgx.Batch, rows []registry.OutboxRow) (recipients []string, err error) {
	type R = registry.OutboxRow
	leaf, n := make([]int64, len(rows)), make([]int64, len(rows))
	for i := range rows {
		if leaf[i], n[i], err = outboxKey(rows[i].ID); err != nil {
			return nil, err
		}
		switch rows[i].State {
		case registry.OutboxLeased, registry.OutboxReady, registry.OutboxSent, registry.OutboxDead:
		default:
			return nil, fmt.Errorf("%w: an outbox row does not become %.20q", registry.ErrData, rows[i].State)
		}
		recipients = append(recipients, rows[i].Recipient)
	}
	b.Queue(`UPDATE outbox AS o
   SET state = v.state, turn = o.turn AND v.state IN ('ready', 'leased'), not_before = v.not_before,
       lease_by = CASE v.state WHEN 'leased' THEN v.lease_by ELSE '' END, lease_till = CASE v.state WHEN 'leased' THEN v.lease_till END,
       message_id = v.message_id, rendered = v.rendered, sender = v.sender, addresses = v.addresses, last_error = v.last_error, done_at = v.done_at,
       variant = v.variant
  FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::integer[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[], $9::bytea[],
       $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::text[])
    AS v (leaf, n, state, attempts, lease_by, not_before, lease_till, message_id, rendered, sender, addresses, last_error, done_at, variant)
 WHERE o.leaf = v.leaf AND o.n = v.n AND o.attempts = v.attempts AND o.lease_by = v.lease_by AND o.state <> 'sent'`,
		leaf, n,
		column(rows, func(o *R) string { return o.State }),
		column(rows, func(o *R) int32 { return int32(o.Attempts) }),
		column(rows, func(o *R) string { return o.LeaseBy }),
		column(rows, func(o *R) *time.Time { return moment(o.NotBefore) }),
		column(rows, func(o *R) *time.Time { return moment(o.LeaseTill) }),
		column(rows, func(o *R) string { return o.MessageID }),
		column(rows, func(o *R) []byte { return o.Rendered }),
		column(rows, func(o *R) string { return o.From }),
		column(rows, func(o *R) string { return array(o.To) }),
		column(rows, func(o *R) string { return o.LastError }),
		column(rows, func(o *R) *time.Time { return moment(o.DoneAt) }),
		column(rows, func(o *R) string { return o.Variant }))
	return recipients, nil
}

// nextTurns gives the turn to the first row of each recipient that is undone.
const nextTurns = `UPDATE outbox AS o SET turn = NOT o.turn
  FROM unnest($1::text[]) AS want (recipient)
 CROSS JOIN LATERAL (
	SELECT leaf, n FROM outbox AS f WHERE f.recipient = want.recipient AND f.state IN ('ready', 'leased') ORDER BY leaf, n LIMIT 1
  ) AS first
 WHERE o.recipient = want.recipient AND o.state IN ('ready', 'leased') AND o.turn <> ((o.leaf, o.n) = (first.leaf, first.n))`

const outboxColumns = "o.leaf || '.' || o.n, o.leaf, o.node, o.kind, o.recipient, o.register, o.year, o.seq, o.item, o.variant, o.state, o.attempts, " +
	"o.not_before, o.lease_by, o.lease_till, o.message_id, o.rendered, o.sender, o.addresses, o.last_error, o.created_at, o.done_at"

func scanOutbox(r row) (registry.OutboxRow, error) {
	var (
		o                              registry.OutboxRow
		notBefore, till, created, done *time.Time
		to                             string
	)
	err := r.Scan(&o.ID, &o.Leaf, &o.Node, &o.Kind, &o.Recipient, &o.Number.Register, &o.Number.Year, &o.Number.Seq, (*[16]byte)(&o.Item),
		&o.Variant, &o.State, &o.Attempts, &notBefore, &o.LeaseBy, &till, &o.MessageID, &o.Rendered, &o.From, &to, &o.LastError, &created, &done)
	if err != nil {
		return o, err
	}
	o.NotBefore, o.LeaseTill, o.CreatedAt, o.DoneAt = instant(notBefore), instant(till), instant(created), instant(done)
	o.To, err = list(to)
	return o, err
}
