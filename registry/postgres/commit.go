package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"kancelaria/registry"
)

// Commit implements registry.Store. It needs three round trips for arrivals:
// lock and first round of reading, second round, writing and COMMIT.
func (s *Store) Commit(ctx context.Context, drafts []registry.Draft) (outcomes []registry.Outcome, err error) {
	err = s.session(ctx, func(ctx context.Context, c *pgx.Conn) error {
		st, err := load(ctx, c, registry.WantsOf(drafts), func(st *registry.State) registry.Wants { return st.Missing(drafts) })
		if err != nil {
			return err
		}
		var w registry.Writes
		if w, outcomes, err = registry.Apply(st, drafts); err != nil {
			return err
		}
		return s.write(ctx, c, st, w)
	})
	if err != nil {
		return nil, fmt.Errorf("committing %d drafts: %w", len(drafts), err)
	}
	return outcomes, nil
}

// Replay implements registry.Store.
func (s *Store) Replay(ctx context.Context, lines []registry.Line) error {
	err := s.session(ctx, func(ctx context.Context, c *pgx.Conn) error {
		// The head is locked before anything is compared.
		st, err := load(ctx, c, registry.Wants{}, func(*registry.State) registry.Wants { return registry.Wants{} })
		if err != nil {
			return err
		}
		fresh, err := beyondHead(ctx, c, st.Head, lines)
		if err != nil {
			return err
		}
		if err := rounds(ctx, c, st, func(st *registry.State) registry.Wants { return st.MissingForReplay(fresh) }); err != nil {
			return err
		}
		w, err := registry.Replay(st, fresh)
		if err != nil {
			return err
		}
		return s.write(ctx, c, st, w)
	})
	if err != nil {
		return fmt.Errorf("replaying %d lines: %w", len(lines), err)
	}
	return nil
}

// beyondHead compares the lines that are in the book already and gives the
// others.
func beyondHead(ctx context.Context, c *pgx.Conn, head registry.Head, lines []registry.Line) ([]registry.Line, error) {
	for i, l := range lines {
		if l.Outcome.Leaf >= head.Size {
			return lines[i:], nil
		}
		have, err := scanLeaf(c.QueryRow(ctx, "SELECT "+leafColumns+" FROM leaf WHERE idx = $1", l.Outcome.Leaf))
		if err != nil {
			return nil, err
		}
		if err := have.Holds(l); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// lockHead comes before everything else. READ COMMITTED: what is read after it
// is what was committed before the lock was granted.
const lockHead = headText + " FOR UPDATE"

// load begins the transaction, locks the head, reads what is wanted, and then
// in rounds what that leads to.
func load(ctx context.Context, c *pgx.Conn, first registry.Wants, missing func(*registry.State) registry.Wants) (*registry.State, error) {
	var head registry.Head
	st := registry.NewState(head)
	b := &pgx.Batch{}
	b.Queue("BEGIN")
	b.Queue(lockHead).QueryRow(func(r pgx.Row) (err error) {
		st.Head, err = scanHead(r)
		return err
	})
	queueRound(b, st, first)
	if err := c.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("reading the book: %w", err)
	}
	st.Loaded(first)
	return st, rounds(ctx, c, st, missing)
}

// rounds reads until nothing is wanted.
func rounds(ctx context.Context, c *pgx.Conn, st *registry.State, missing func(*registry.State) registry.Wants) error {
	for w := missing(st); !w.Empty(); w = missing(st) {
		b := &pgx.Batch{}
		queueRound(b, st, w)
		if err := c.SendBatch(ctx, b).Close(); err != nil {
			return fmt.Errorf("reading the book: %w", err)
		}
		st.Loaded(w)
	}
	return nil
}
