package sqlite

import (
	"context"
	"fmt"

	"kancelaria/registry"
)

// Commit implements registry.Store.
func (s *Store) Commit(ctx context.Context, drafts []registry.Draft) (outcomes []registry.Outcome, err error) {
	update := s.update
	if erases(drafts) {
		update = s.updateClean
	}
	err = update(ctx, func(ctx context.Context, t *tx) error {
		st, err := t.load(ctx, func(st *registry.State) registry.Wants { return st.Missing(drafts) })
		if err != nil {
			return err
		}
		var w registry.Writes
		if w, outcomes, err = registry.Apply(st, drafts); err != nil {
			return err
		}
		return t.write(ctx, st, w)
	})
	if err != nil {
		return nil, fmt.Errorf("committing %d drafts: %w", len(drafts), err)
	}
	return outcomes, nil
}

// Replay implements registry.Store.
func (s *Store) Replay(ctx context.Context, lines []registry.Line) error {
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		fresh, err := t.beyondHead(ctx, lines)
		if err != nil {
			return err
		}
		st, err := t.load(ctx, func(st *registry.State) registry.Wants { return st.MissingForReplay(fresh) })
		if err != nil {
			return err
		}
		w, err := registry.Replay(st, fresh)
		if err != nil {
			return err
		}
		return t.write(ctx, st, w)
	})
	if err != nil {
		return fmt.Errorf("replaying %d lines: %w", len(lines), err)
	}
	return nil
}

// beyondHead compares the lines that are in the book already and gives the
// others.
func (t *tx) beyondHead(ctx context.Context, lines []registry.Line) ([]registry.Line, error) {
	head, err := t.head(ctx)
	if err != nil {
		return nil, err
	}
	for i, l := range lines {
		if l.Outcome.Leaf >= head.Size {
			return lines[i:], nil
		}
		var have registry.LeafRow
		err := t.query(ctx, "SELECT "+leafColumns+" FROM leaf WHERE idx = ?1", func(r row) (err error) {
			have, err = scanLeaf(r)
			return err
		}, l.Outcome.Leaf)
		if err != nil {
			return nil, err
		}
		if err := have.Holds(l); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// load reads what is wanted in rounds until nothing is: the first names what
// the drafts name, the next what those rows name.
func (t *tx) load(ctx context.Context, missing func(*registry.State) registry.Wants) (*registry.State, error) {
	head, err := t.head(ctx)
	if err != nil {
		return nil, err
	}
	st := registry.NewState(head)
	for w := missing(st); !w.Empty(); w = missing(st) {
		if err := t.round(ctx, st, w); err != nil {
			return nil, fmt.Errorf("reading the book: %w", err)
		}
		st.Loaded(w)
	}
	return st, nil
}
