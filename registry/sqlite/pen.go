package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"kancelaria/registry"
)

// A pen is the one connection that writes, with its prepared statements.
// Whoever holds its token writes, one transaction at a time.
type pen struct {
	token chan struct{}
	db    *sql.DB
	conn  *sql.Conn            // owned by the token's holder, as is what follows
	stmts map[string]*sql.Stmt // by text
	sieve sieve                // of this connection: versions are not comparable
}

func newPen() pen { return pen{token: make(chan struct{}, 1)} }

// take waits for the token and the connection.
func (p *pen) take(ctx context.Context) error {
	if p.db == nil {
		return fmt.Errorf("%w: the book was opened to be read only", registry.ErrUnavailable)
	}
	select {
	case p.token <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting to write: %w", registry.ErrRetry, ctx.Err())
	}
	if p.conn != nil {
		return nil
	}
	conn, err := p.db.Conn(ctx)
	if err != nil {
		p.give()
		return err
	}
	p.conn, p.stmts = conn, map[string]*sql.Stmt{}
	return nil
}

func (p *pen) give() { <-p.token }

// drop lets go of a connection that can't be trusted any more. Closing it ends
// its transaction.
func (p *pen) drop() error {
	if p.conn == nil {
		return nil
	}
	var err error
	for _, s := range p.stmts {
		err = errors.Join(err, s.Close())
	}
	err = errors.Join(err, p.conn.Close())
	p.conn, p.stmts, p.sieve = nil, nil, sieve{}
	return err
}

// close waits for who writes and lets go of the connection.
func (p *pen) close() error {
	p.token <- struct{}{}
	defer p.give()
	return p.drop()
}

// A tx is one transaction of the pen.
type tx struct {
	pen    *pen
	wrote  bool
	erased bool
	values []any // of the statement being filled
}

// update runs one verb that writes as one transaction; what do wrote is kept
// only if it gives no error. A transaction is short and local, so it is never
// cut off half way: the context it gets does not end with the caller's.
func (s *Store) update(ctx context.Context, do func(ctx context.Context, t *tx) error) error {
	if err := s.pen.take(ctx); err != nil {
		return failure(err)
	}
	defer s.pen.give()
	ctx = context.WithoutCancel(ctx)
	t := &tx{pen: &s.pen}
	if _, err := t.pen.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		s.forsake(err)
		return failure(err)
	}
	err := do(ctx, t)
	if err == nil && t.wrote {
		registry.FailStoreWritten.Hit()
		if _, err = t.pen.conn.ExecContext(ctx, "COMMIT"); err == nil {
			if t.erased {
				s.clearJournal(ctx)
			}
			return nil
		}
		err = commitFailure(err)
	}
	// SQLite has rolled back by itself after some errors; then this fails.
	if _, lost := t.pen.conn.ExecContext(ctx, "ROLLBACK"); lost != nil {
		s.forsake(lost)
	}
	return failure(err)
}

// clearJournal writes the pages of the write-ahead log home and empties it, so
// that what was erased is not to be read there any more. A reader that looks at
// an older page holds it up; then the next erasure or close does it.
func (s *Store) clearJournal(ctx context.Context) {
	if _, err := s.pen.conn.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		s.log.Warn("book.journal_not_cleared", "err", err)
	}
}

// forsake drops a connection that can't be trusted any more; the next verb
// makes a new one.
func (s *Store) forsake(cause error) {
	if err := s.pen.drop(); err != nil {
		s.log.Debug("book.connection_lost", "cause", cause, "err", err)
	}
}

// statement gives the prepared form of a text; there are few of them.
func (t *tx) statement(ctx context.Context, text string) (*sql.Stmt, error) {
	if st, ok := t.pen.stmts[text]; ok {
		return st, nil
	}
	st, err := t.pen.conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	t.pen.stmts[text] = st
	return st, nil
}

// exec runs a statement that writes and tells how many rows it touched.
func (t *tx) exec(ctx context.Context, text string, args ...any) (int64, error) {
	st, err := t.statement(ctx, text)
	if err != nil {
		return 0, err
	}
	t.wrote = true
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// query reads all rows of a statement.
func (t *tx) query(ctx context.Context, text string, scan func(row) error, args ...any) error {
	st, err := t.statement(ctx, text)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return each(rows, scan)
}

// query reads all rows beside whoever writes.
func (s *Store) query(ctx context.Context, text string, scan func(row) error, args ...any) error {
	rows, err := s.read.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	return each(rows, scan)
}

// A row is what can be scanned.
type row interface{ Scan(dest ...any) error }

func each(rows *sql.Rows, scan func(row) error) error {
	for rows.Next() {
		if err := scan(rows); err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// A bulk writes many rows of one table: INSERT … VALUES (…), (…) …. Its texts are made once for each number of rows that one statement writes: a
// statement a row costs half as much again.
type bulk struct {
	columns int
	texts   [len(handfuls)]string
}

// How many rows one statement writes, most first.
var handfuls = [...]int{32, 16, 8, 4, 2, 1}

// newBulk takes the number of columns that are given.
func newBulk(insert string, columns int) bulk {
	b := bulk{columns: columns}
	one := "(?" + strings.Repeat(", ?", columns-1) + ")"
	for i, rows := range handfuls {
		b.texts[i] = insert + " VALUES " + one + strings.Repeat(", "+one, rows-1)
	}
	return b
}

// put writes n rows; fill appends the values of row i.
func (t *tx) put(ctx context.Context, b *bulk, n int, fill func(values []any, i int) []any) error {
	next := 0
	for i, rows := range handfuls {
		for ; n-next >= rows; next += rows {
			t.values = t.values[:0]
			for k := range rows {
				t.values = fill(t.values, next+k)
			}
			if _, err := t.exec(ctx, b.texts[i], t.values...); err != nil {
				return err
			}
		}
	}
	return nil
}
