package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"kancelaria/registry"
)

// Claim implements registry.Store. A row whose lease is over is claimed again.
func (s *Store) Claim(ctx context.Context, c registry.Claim) ([]registry.OutboxRow, error) {
	var out []registry.OutboxRow
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		// Looked at first: an empty hand writes nothing.
		ready, err := t.claimable(ctx, c)
		if err != nil {
			return err
		}
		for _, o := range ready {
			o.State, o.LeaseBy, o.LeaseTill = registry.OutboxLeased, c.Node, c.Now.Add(c.For).UTC().Truncate(time.Microsecond)
			o.Attempts++
			leaf, n, err := outboxKey(o.ID)
			if err != nil {
				return err
			}
			_, err = t.exec(ctx, "UPDATE outbox SET state = ?1, lease_by = ?2, lease_till = ?3, attempts = ?4 WHERE leaf = ?5 AND n = ?6",
				o.State, o.LeaseBy, micros(o.LeaseTill), o.Attempts, leaf, n)
			if err != nil {
				return err
			}
			out = append(out, o)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("claiming what is to be sent: %w", err)
	}
	return out, nil
}

func (t *tx) claimable(ctx context.Context, c registry.Claim) (out []registry.OutboxRow, err error) {
	const text = "SELECT " + outboxColumns + ` FROM outbox
 WHERE turn = 1 AND leaf <= ?1
   AND (state = 'ready' AND (not_before IS NULL OR not_before <= ?2) OR state = 'leased' AND lease_till <= ?2)
   AND (node = ?3 OR NOT EXISTS (SELECT 1 FROM lease WHERE name = ?5 || outbox.node AND until > ?2))
 ORDER BY leaf, n LIMIT ?4`
	err = t.query(ctx, text, func(r row) error {
		o, err := scanOutbox(r)
		out = append(out, o)
		return err
	}, c.UpTo, c.Now.UnixMicro(), c.Node, c.Limit, registry.NodeLease(""))
	return out, err
}

// Finish implements registry.Store. Rows that are not as they were claimed are
// left alone: somebody else has them.
func (s *Store) Finish(ctx context.Context, rows []registry.OutboxRow) error {
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		turns := map[string]bool{}
		for i := range rows {
			done, err := t.finish(ctx, &rows[i])
			if err != nil {
				return err
			}
			if done {
				turns[rows[i].Recipient] = true
			}
		}
		for recipient := range turns {
			if err := t.nextTurn(ctx, recipient); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("storing how sending went: %w", err)
	}
	return nil
}

func (t *tx) finish(ctx context.Context, o *registry.OutboxRow) (bool, error) {
	leaf, n, err := outboxKey(o.ID)
	if err != nil {
		return false, err
	}
	leaseBy, leaseTill := "", any(nil)
	switch o.State {
	case registry.OutboxLeased:
		leaseBy, leaseTill = o.LeaseBy, micros(o.LeaseTill)
	case registry.OutboxReady, registry.OutboxSent, registry.OutboxDead:
	default:
		return false, fmt.Errorf("%w: an outbox row does not become %.20q", registry.ErrData, o.State)
	}
	const text = `UPDATE outbox
   SET state = ?1, turn = turn AND ?1 IN ('ready', 'leased'), not_before = ?2, lease_by = ?3, lease_till = ?4, message_id = ?5,
       rendered = ?6, sender = ?7, addresses = ?8, last_error = ?9, done_at = ?10,
       variant = ?15
 WHERE leaf = ?11 AND n = ?12 AND attempts = ?13 AND lease_by = ?14 AND state <> 'sent'`
	touched, err := t.exec(ctx, text, o.State, micros(o.NotBefore), leaseBy, leaseTill, o.MessageID, o.Rendered, o.From, array(o.To),
		o.LastError, micros(o.DoneAt), leaf, n, o.Attempts, o.LeaseBy, o.Variant)
	return touched == 1, err
}

// nextTurn gives the turn to the first row of a recipient that is undone. A
// row that is ready again may come before the one that had it.
func (t *tx) nextTurn(ctx context.Context, recipient string) error {
	const undone = `SELECT leaf, n, turn FROM outbox WHERE whose = ?1 AND recipient = ?2 AND turn = 1
UNION ALL
SELECT leaf, n, turn FROM outbox WHERE whose = ?1 AND recipient = ?2 AND turn = 0 AND state IN ('ready', 'leased')
 ORDER BY leaf, n`
	type place struct {
		leaf, n int64
		turn    bool
	}
	var first, had []place
	err := t.query(ctx, undone+" LIMIT 1", func(r row) error {
		first = append(first, place{})
		p := &first[0]
		return r.Scan(&p.leaf, &p.n, &p.turn)
	}, number(recipient), recipient)
	if err != nil || len(first) == 0 || first[0].turn {
		return err
	}
	err = t.query(ctx, "SELECT leaf, n FROM outbox WHERE whose = ?1 AND recipient = ?2 AND turn = 1", func(r row) error {
		had = append(had, place{})
		p := &had[len(had)-1]
		return r.Scan(&p.leaf, &p.n)
	}, number(recipient), recipient)
	if err != nil {
		return err
	}
	const text = "UPDATE outbox SET turn = ?1 WHERE leaf = ?2 AND n = ?3"
	for _, p := range had {
		if _, err := t.exec(ctx, text, false, p.leaf, p.n); err != nil {
			return err
		}
	}
	_, err = t.exec(ctx, text, true, first[0].leaf, first[0].n)
	return err
}

const outboxColumns = "outbox.leaf || '.' || outbox.n, outbox.leaf, node, kind, recipient, register, year, seq, item, variant, state, attempts, not_before, " +
	"lease_by, lease_till, message_id, rendered, sender, addresses, last_error, created_at, done_at"

func scanOutbox(r row) (registry.OutboxRow, error) {
	var (
		o                              registry.OutboxRow
		item                           []byte
		notBefore, till, created, done sql.NullInt64
		to                             sql.NullString
	)
	err := r.Scan(&o.ID, &o.Leaf, &o.Node, &o.Kind, &o.Recipient, &o.Number.Register, &o.Number.Year, &o.Number.Seq, &item, &o.Variant,
		&o.State, &o.Attempts, &notBefore, &o.LeaseBy, &till, &o.MessageID, &o.Rendered, &o.From, &to, &o.LastError, &created, &done)
	if err != nil {
		return o, err
	}
	o.NotBefore, o.LeaseTill, o.CreatedAt, o.DoneAt = instant(notBefore), instant(till), instant(created), instant(done)
	if o.To, err = list(to); err != nil {
		return o, err
	}
	return o, blob(o.Item[:], item, "item id")
}
