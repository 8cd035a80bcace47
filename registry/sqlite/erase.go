package sqlite

import (
	"context"
	"slices"
	"time"

	"kancelaria/registry"
)

// mopUp bounds how long readers may keep the log of changes from being emptied.
const mopUp = 10 * time.Second

// erases reports whether a draft takes content away for good.
func erases(drafts []registry.Draft) bool {
	return slices.ContainsFunc(drafts, func(d registry.Draft) bool { return d.Act != nil && d.Act.Kind == registry.ActErased })
}

// updateClean is update for what must not be found on the disk afterwards:
// SQLite otherwise leaves in free pages, and in the log of changes, what was
// there before.
func (s *Store) updateClean(ctx context.Context, do func(ctx context.Context, t *tx) error) error {
	err := s.update(ctx, func(ctx context.Context, t *tx) error {
		// A connection where this fails is given up with its transaction.
		if _, err := t.pen.conn.ExecContext(ctx, "PRAGMA secure_delete = ON"); err != nil {
			return err
		}
		return do(ctx, t)
	})
	if err != nil {
		return err
	}
	s.emptyLog(ctx)
	return nil
}

// emptyLog moves the log of changes into the book and cuts it off, and ends the
// careful deleting. A reader can hold that up; then the next start does it.
func (s *Store) emptyLog(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mopUp)
	defer cancel()
	if err := s.pen.take(ctx); err != nil {
		s.log.Warn("book.log_not_emptied", "err", err)
		return
	}
	defer s.pen.give()
	var busy, pages, moved int
	err := s.pen.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &pages, &moved)
	if err != nil || busy != 0 {
		s.log.Warn("book.log_not_emptied", "busy", busy, "err", err)
	}
	if _, err := s.pen.conn.ExecContext(ctx, "PRAGMA secure_delete = FAST"); err != nil {
		s.forsake(err)
	}
}
