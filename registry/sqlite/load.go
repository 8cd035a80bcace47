package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"kancelaria/registry"
)

// round loads the rows that w names and that are there, kind by kind.
func (t *tx) round(ctx context.Context, st *registry.State, w registry.Wants) error {
	for _, kind := range []struct {
		wanted int
		load   func(context.Context, *registry.State, registry.Wants) error
	}{
		{len(w.Keys), t.loadKnown},
		{len(w.Items), t.loadArrivals},
		{len(w.Series), t.loadSeries},
		{len(w.Traces), t.loadTraces},
		{len(w.Entries), t.loadEntries},
		{len(w.OpenOf), t.loadOpen},
		{len(w.Within), t.loadWithin},
		{len(w.Folders), t.loadFolders},
		{len(w.Cases), t.loadCases},
		{len(w.Counters), t.loadCounters},
		{len(w.Balances), t.loadBalances},
		{len(w.Subjects), t.loadSubjects},
	} {
		if kind.wanted == 0 {
			continue
		}
		if err := kind.load(ctx, st, w); err != nil {
			return err
		}
	}
	return nil
}

// head reads the ledger's edge.
func (t *tx) head(ctx context.Context) (h registry.Head, err error) {
	err = t.query(ctx, headText, func(r row) error {
		h, err = scanHead(r)
		return err
	})
	return h, err
}

const headText = "SELECT size, edge, last_at, origin FROM head"

func scanHead(r row) (registry.Head, error) {
	var (
		h    registry.Head
		edge []byte
		last sql.NullInt64
	)
	if err := r.Scan(&h.Size, &edge, &last, &h.Origin); err != nil {
		return h, err
	}
	h.LastAt = instant(last)
	for ; len(edge) >= len(registry.Digest{}); edge = edge[len(registry.Digest{}):] {
		h.Edge = append(h.Edge, registry.Digest(edge[:len(registry.Digest{})]))
	}
	return h, nil
}

func (t *tx) loadKnown(ctx context.Context, st *registry.State, w registry.Wants) error {
	const text = "SELECT " + leafColumnsOf + " FROM json_each(?1) AS want CROSS JOIN leaf ON leaf.key = want.value"
	return t.query(ctx, text, func(r row) error {
		leaf, err := scanLeaf(r)
		if err != nil {
			return err
		}
		line, err := registry.LineOf(leaf)
		if err != nil {
			return fmt.Errorf("%w: %w", registry.ErrCorrupt, err)
		}
		st.Known[leaf.Key] = line
		return nil
	}, array(w.Keys))
}

// json_each has columns of its own called key, type and id.
const (
	leafColumns   = "idx, type, subject, key, at, actor, on_behalf_of, salt, body, hash, content"
	leafColumnsOf = "idx, leaf.type, subject, leaf.key, at, actor, on_behalf_of, salt, body, hash, content"
)

func scanLeaf(r row) (registry.LeafRow, error) {
	var (
		l          registry.LeafRow
		at         sql.NullInt64
		salt, hash []byte
	)
	if err := r.Scan(&l.Index, &l.Type, &l.Subject, &l.Key, &at, &l.Actor, &l.OnBehalfOf, &salt, &l.Body, &hash, &l.Content); err != nil {
		return l, err
	}
	l.At = instant(at)
	if err := blob(l.Salt[:], salt, "salt"); err != nil {
		return l, err
	}
	return l, blob(l.Hash[:], hash, "leaf hash")
}

func (t *tx) loadArrivals(ctx context.Context, st *registry.State, w registry.Wants) error {
	const text = "SELECT " + arrivalColumns + " FROM json_each(?1) AS want CROSS JOIN arrival ON item = unhex(want.value)"
	return t.query(ctx, text, func(r row) error {
		a, err := scanArrival(r)
		st.Arrivals[a.Item] = a
		return err
	}, array(hexes(w.Items)))
}

const arrivalColumns = "item, delivery, disposition, leaf, number_register, number_year, number_seq, place, accepted_at, register, reason, redelivered, first"

func scanArrival(r row) (registry.ArrivalRow, error) {
	var (
		a                     = registry.ArrivalRow{Found: true}
		item, delivery, first []byte
		register              sql.NullString
		year, seq, accepted   sql.NullInt64
	)
	err := r.Scan(&item, &delivery, &a.Disposition, &a.Leaf, &register, &year, &seq, &a.Place, &accepted, &a.Register, &a.Reason, &a.Redelivered, &first)
	if err != nil {
		return a, err
	}
	a.AcceptedAt = instant(accepted)
	if register.Valid {
		a.Number = registry.Number{Register: register.String, Year: int(year.Int64), Seq: seq.Int64}
	}
	if err := blob(a.Item[:], item, "item id"); err != nil {
		return a, err
	}
	if first != nil {
		if err := blob(a.First[:], first, "item id"); err != nil {
			return a, err
		}
	}
	return a, blob(a.Delivery[:], delivery, "delivery id")
}

func (t *tx) loadSeries(ctx context.Context, st *registry.State, w registry.Wants) error {
	wanted := make([][2]any, len(w.Series))
	for i, s := range w.Series {
		wanted[i] = [2]any{s.Register, s.Year}
	}
	const text = `SELECT ` + seriesColumns + `
  FROM json_each(?1) AS want CROSS JOIN series ON register = want.value ->> 0 AND year = want.value ->> 1`
	return t.query(ctx, text, func(r row) error {
		s, err := scanSeries(r)
		st.Series[s.Series] = s
		return err
	}, array(wanted))
}

const seriesColumns = "register, year, taken, last_at, opened_at, closed_at"

func scanSeries(r row) (s registry.SeriesRow, err error) {
	var last, opened, closed sql.NullInt64
	err = r.Scan(&s.Register, &s.Year, &s.Taken, &last, &opened, &closed)
	s.LastAt, s.OpenedAt, s.ClosedAt = instant(last), instant(opened), instant(closed)
	return s, err
}

func (t *tx) loadTraces(ctx context.Context, st *registry.State, w registry.Wants) error {
	names, err := t.sift(ctx, w.Traces)
	if err != nil {
		return err
	}
	const text = `SELECT week, kind, key, item, digest, register, year, seq, at
  FROM mark JOIN trace ON trace.leaf = mark.rowid
 WHERE mark MATCH ?1 AND kind = ?2 AND key = ?3
 ORDER BY at, item`
	for _, k := range names {
		err := t.query(ctx, text, func(r row) error {
			tr, err := scanTrace(r)
			if slices.Contains(w.Traces, tr.TraceKey) {
				st.Traces[tr.TraceKey] = append(st.Traces[tr.TraceKey], tr)
			}
			return err
		}, traceMark(k), k.Kind, k.Key[:])
		if err != nil {
			return err
		}
	}
	return nil
}

func scanTrace(r row) (registry.TraceRow, error) {
	var (
		tr                registry.TraceRow
		key, item, digest []byte
		at                sql.NullInt64
	)
	err := r.Scan(&tr.Week, &tr.Kind, &key, &item, &digest, &tr.Number.Register, &tr.Number.Year, &tr.Number.Seq, &at)
	if err != nil {
		return tr, err
	}
	tr.At = instant(at)
	if err := blob(tr.Key[:], key, "trace key"); err != nil {
		return tr, err
	}
	if err := blob(tr.Item[:], item, "item id"); err != nil {
		return tr, err
	}
	return tr, blob(tr.Digest[:], digest, "digest")
}

func (t *tx) loadEntries(ctx context.Context, st *registry.State, w registry.Wants) error {
	wanted := make([][3]any, len(w.Entries))
	for i, n := range w.Entries {
		wanted[i] = [3]any{n.Register, n.Year, n.Seq}
	}
	const text = `SELECT body
  FROM json_each(?1) AS want
 CROSS JOIN entry AS e ON e.register = want.value ->> 0 AND e.year = want.value ->> 1 AND e.seq = want.value ->> 2
  JOIN work AS w ON w.leaf = e.leaf`
	return t.query(ctx, text, func(r row) error {
		work, err := scanWork(r)
		st.Entries[work.Number] = work
		return err
	}, array(wanted))
}

// scanWork reads the whole of an entry's present; its columns only find it.
func scanWork(r row) (w registry.Work, err error) {
	var body []byte
	if err := r.Scan(&body); err != nil {
		return w, err
	}
	if err := json.Unmarshal(body, &w); err != nil {
		return w, fmt.Errorf("%w: the present of an entry: %w", registry.ErrCorrupt, err)
	}
	w.Found = true
	return w, nil
}

// loadOpen loads all open entries of clerks: a handover needs them.
func (t *tx) loadOpen(ctx context.Context, st *registry.State, w registry.Wants) error {
	for _, clerk := range w.OpenOf {
		err := t.query(ctx, "SELECT body FROM work WHERE clerk = ?1 AND open = 1 ORDER BY leaf", func(r row) error {
			work, err := scanWork(r)
			st.Open[clerk] = append(st.Open[clerk], work.Number)
			keepLoaded(st, work)
			return err
		}, clerk)
		if err != nil {
			return err
		}
	}
	return nil
}

// loadWithin loads all entries of folders: joining and closing need them.
func (t *tx) loadWithin(ctx context.Context, st *registry.State, w registry.Wants) error {
	for _, folder := range w.Within {
		err := t.query(ctx, "SELECT body FROM work WHERE folder = ?1 ORDER BY leaf", func(r row) error {
			work, err := scanWork(r)
			st.Within[folder] = append(st.Within[folder], work.Number)
			keepLoaded(st, work)
			return err
		}, folder)
		if err != nil {
			return err
		}
	}
	return nil
}

func keepLoaded(st *registry.State, w registry.Work) { st.Entries[w.Number] = w }

func (t *tx) loadFolders(ctx context.Context, st *registry.State, w registry.Wants) error {
	const text = "SELECT " + folderColumnsOf + " FROM json_each(?1) AS want CROSS JOIN folder ON folder.id = want.value"
	return t.query(ctx, text, func(r row) error {
		f, err := scanFolder(r)
		st.Folders[f.ID] = f
		return err
	}, array(w.Folders))
}

const (
	folderColumns   = "id, " + folderRest
	folderColumnsOf = "folder.id, " + folderRest
)

const folderRest = "state, case_number, class, department, clerk, title, joined_into, moved_to, moved_from, " +
	"entries, opened_at, closed_at, case_at, leaf, last_leaf, restricted"

func scanFolder(r row) (f registry.Folder, err error) {
	var opened, closed, became sql.NullInt64
	err = r.Scan(&f.ID, &f.State, &f.Case, &f.Class, &f.Department, &f.Clerk, &f.Title, &f.JoinedInto, &f.MovedTo, &f.MovedFrom,
		&f.Entries, &opened, &closed, &became, &f.Leaf, &f.LastLeaf, &f.Restricted)
	f.OpenedAt, f.ClosedAt, f.CaseAt = instant(opened), instant(closed), instant(became)
	f.Found = true
	return f, err
}

func (t *tx) loadCases(ctx context.Context, st *registry.State, w registry.Wants) error {
	const text = "SELECT case_number, folder.id FROM json_each(?1) AS want CROSS JOIN folder ON case_number = want.value AND case_number <> ''"
	return t.query(ctx, text, func(r row) error {
		var number, folder string
		err := r.Scan(&number, &folder)
		st.Cases[number] = folder
		return err
	}, array(w.Cases))
}

func (t *tx) loadCounters(ctx context.Context, st *registry.State, w registry.Wants) error {
	wanted := make([][4]any, len(w.Counters))
	for i, c := range w.Counters {
		wanted[i] = [4]any{c.Department, c.Class, c.Group, c.Year}
	}
	const text = `SELECT department, class, subgroup, year, taken
  FROM json_each(?1) AS want CROSS JOIN counter
    ON department = want.value ->> 0 AND class = want.value ->> 1 AND subgroup = want.value ->> 2 AND year = want.value ->> 3`
	return t.query(ctx, text, func(r row) error {
		c, taken, err := scanCounter(r)
		st.Counters[c] = taken
		return err
	}, array(wanted))
}

func scanCounter(r row) (c registry.CaseSeries, taken int64, err error) {
	err = r.Scan(&c.Department, &c.Class, &c.Group, &c.Year, &taken)
	return c, taken, err
}

func (t *tx) loadBalances(ctx context.Context, st *registry.State, w registry.Wants) error {
	const text = "SELECT " + balanceColumns + " FROM json_each(?1) AS want CROSS JOIN balance ON clerk = want.value"
	return t.query(ctx, text, func(r row) error {
		b, err := scanBalance(r)
		st.Balances[b.Clerk] = b
		return err
	}, array(w.Balances))
}

const balanceColumns = "clerk, open, given, last_leaf"

func scanBalance(r row) (b registry.Balance, err error) {
	err = r.Scan(&b.Clerk, &b.Open, &b.Given, &b.LastLeaf)
	return b, err
}

// loadSubjects finds the last leaf of subjects that have no row of their own.
func (t *tx) loadSubjects(ctx context.Context, st *registry.State, w registry.Wants) error {
	const text = `SELECT want.value, (SELECT idx FROM leaf WHERE subject = want.value ORDER BY idx DESC LIMIT 1)
  FROM json_each(?1) AS want`
	return t.query(ctx, text, func(r row) error {
		var (
			subject string
			last    sql.NullInt64
		)
		err := r.Scan(&subject, &last)
		if last.Valid {
			st.Subjects[subject] = last.Int64
		}
		return err
	}, array(w.Subjects))
}
