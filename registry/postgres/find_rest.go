package postgres

import (
	"context"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// findNotes lists notes whose term is not over, by kind and key.
func (s *Store) findNotes(ctx context.Context, q registry.Query) (page registry.Page, err error) {
	from := "SELECT " + noteColumns + " FROM note"
	if q.NoteKind == registry.NoteAccess {
		from = "SELECT " + noteColumns + " FROM (SELECT '" + registry.NoteAccess + "' COLLATE \"C\" AS kind, key, value, expires, 0::bigint AS version FROM access) AS access"
	}
	c := &clause{}
	c.fits("kind", q.NoteKind)
	if prefix, ok := strings.CutSuffix(q.Key, "*"); ok {
		c.and("key >= ? AND starts_with(key, ?)", prefix, prefix)
	} else {
		c.fits("key", q.Key)
	}
	c.and("(expires IS NULL OR expires > ?)", s.now())
	if q.After != "" {
		kind, key, ok := strings.Cut(q.After, "/")
		if !ok {
			return page, badMark(q.After)
		}
		c.and("(kind, key) > (?, ?)", kind, key)
	}
	c.add(" ORDER BY kind, key")
	rows, more, err := collect(ctx, s, from, c, q.PageSize(), scanNote)
	page.Notes = rows
	if more {
		last := rows[len(rows)-1]
		page.Next = last.Kind + "/" + last.Key
	}
	return page, err
}

func (s *Store) findCheckpoints(ctx context.Context, q registry.Query) (page registry.Page, err error) {
	c := &clause{}
	if q.After != "" {
		after, err := afterNumbers(q.After, 1)
		if err != nil {
			return page, err
		}
		c.and("size < ?", after...)
	}
	c.add(" ORDER BY size DESC")
	rows, more, err := collect(ctx, s, "SELECT size, root, note, signed_at FROM checkpoint", c, q.PageSize(), scanCheckpoint)
	page.Checkpoints = rows
	if more {
		page.Next = strconv.FormatInt(rows[len(rows)-1].Size, 10)
	}
	return page, err
}

// The kinds that follow are few and given whole.

func (s *Store) findSeries(ctx context.Context, _ registry.Query) (page registry.Page, err error) {
	err = s.query(ctx, "SELECT "+seriesColumns+" FROM series ORDER BY register, year", func(r row) error {
		v, err := scanSeries(r)
		page.Series = append(page.Series, v)
		return err
	})
	return page, err
}

func (s *Store) findBalances(ctx context.Context, _ registry.Query) (page registry.Page, err error) {
	err = s.query(ctx, "SELECT "+balanceColumns+" FROM balance ORDER BY clerk", func(r row) error {
		v, err := scanBalance(r)
		page.Balances = append(page.Balances, v)
		return err
	})
	return page, err
}

func (s *Store) findLeases(ctx context.Context, _ registry.Query) (page registry.Page, err error) {
	err = s.query(ctx, "SELECT "+leaseColumns+" FROM lease ORDER BY name", func(r row) error {
		v, err := scanLease(r)
		page.Leases = append(page.Leases, v)
		return err
	})
	return page, err
}

func (s *Store) findCounters(ctx context.Context, _ registry.Query) (page registry.Page, err error) {
	page.Counters = map[registry.CaseSeries]int64{}
	err = s.query(ctx, "SELECT department, class, subgroup, year, taken FROM counter", func(r row) error {
		series, taken, err := scanCounter(r)
		page.Counters[series] = taken
		return err
	})
	return page, err
}
