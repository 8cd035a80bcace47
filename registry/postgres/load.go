package postgres

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kancelaria/registry"
)

// queueRound queues one statement for each kind of rows that w names.
func queueRound(b *pgx.Batch, st *registry.State, w registry.Wants) {
	for _, kind := range []struct {
		wanted int
		queue  func(*pgx.Batch, *registry.State, registry.Wants)
	}{
		{len(w.Keys), queueKnown},
		{len(w.Items), queueArrivals},
		{len(w.Series), queueSeries},
		{len(w.Traces), queueTraces},
		{len(w.Entries), queueEntries},
		{len(w.OpenOf), queueOpen},
		{len(w.Within), queueWithin},
		{len(w.Folders), queueFolders},
		{len(w.Cases), queueCases},
		{len(w.Counters), queueCounters},
		{len(w.Balances), queueBalances},
		{len(w.Subjects), queueSubjects},
	} {
		if kind.wanted > 0 {
			kind.queue(b, st, w)
		}
	}
}

// read queues a statement whose rows are scanned one by one.
func read(b *pgx.Batch, text string, scan func(row) error, args ...any) {
	b.Queue(text, args...).Query(func(rows pgx.Rows) error { return each(rows, scan) })
}

const headText = "SELECT size, edge, last_at, origin FROM head"

func scanHead(r row) (registry.Head, error) {
	var (
		h    registry.Head
		edge []byte
		last *time.Time
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

func queueKnown(b *pgx.Batch, st *registry.State, w registry.Wants) {
	read(b, "SELECT "+leafColumns+" FROM leaf WHERE key = ANY ($1::text[])", func(r row) error {
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
	}, w.Keys)
}

const leafColumns = "idx, type, subject, key, at, actor, on_behalf_of, salt, body, hash, content"

func scanLeaf(r row) (registry.LeafRow, error) {
	var (
		l          registry.LeafRow
		salt, hash []byte
	)
	if err := r.Scan(&l.Index, &l.Type, &l.Subject, &l.Key, &l.At, &l.Actor, &l.OnBehalfOf, &salt, &l.Body, &hash, &l.Content); err != nil {
		return l, err
	}
	l.At = l.At.UTC()
	if err := blob(l.Salt[:], salt, "salt"); err != nil {
		return l, err
	}
	return l, blob(l.Hash[:], hash, "leaf hash")
}

func queueArrivals(b *pgx.Batch, st *registry.State, w registry.Wants) {
	read(b, "SELECT "+arrivalColumns+" FROM arrival WHERE item = ANY ($1::uuid[])", func(r row) error {
		a, err := scanArrival(r)
		st.Arrivals[a.Item] = a
		return err
	}, uuids(w.Items))
}

func uuids(ids []registry.ItemID) [][16]byte {
	return column(ids, func(id *registry.ItemID) [16]byte { return *id })
}

const arrivalColumns = "item, delivery, disposition, leaf, number_register, number_year, number_seq, place, accepted_at, register, reason, redelivered, first"

func scanArrival(r row) (registry.ArrivalRow, error) {
	var (
		a        = registry.ArrivalRow{Found: true}
		register *string
		year     *int
		seq      *int64
		first    *[16]byte
	)
	err := r.Scan((*[16]byte)(&a.Item), (*[16]byte)(&a.Delivery), (*string)(&a.Disposition), &a.Leaf, &register, &year, &seq,
		(*string)(&a.Place), &a.AcceptedAt, &a.Register, &a.Reason, &a.Redelivered, &first)
	if err != nil {
		return a, err
	}
	a.AcceptedAt = a.AcceptedAt.UTC()
	if register != nil && year != nil && seq != nil {
		a.Number = registry.Number{Register: *register, Year: *year, Seq: *seq}
	}
	if first != nil {
		a.First = *first
	}
	return a, nil
}

func queueSeries(b *pgx.Batch, st *registry.State, w registry.Wants) {
	read(b, "SELECT "+seriesColumns+" FROM unnest($1::text[], $2::integer[]) AS want (r, y) JOIN series ON register = r AND year = y",
		func(r row) error {
			s, err := scanSeries(r)
			st.Series[s.Series] = s
			return err
		},
		column(w.Series, func(s *registry.Series) string { return s.Register }),
		column(w.Series, func(s *registry.Series) int32 { return int32(s.Year) }))
}

const seriesColumns = "register, year, taken, last_at, opened_at, closed_at"

func scanSeries(r row) (s registry.SeriesRow, err error) {
	var last, opened, closed *time.Time
	err = r.Scan(&s.Register, &s.Year, &s.Taken, &last, &opened, &closed)
	s.LastAt, s.OpenedAt, s.ClosedAt = instant(last), instant(opened), instant(closed)
	return s, err
}

func queueTraces(b *pgx.Batch, st *registry.State, w registry.Wants) {
	const text = `SELECT week, kind, key, item, digest, register, year, seq, at
  FROM unnest($1::integer[], $2::smallint[], $3::bytea[]) AS want (w, k, y) JOIN trace ON week = w AND kind = k AND key = y
 ORDER BY week, kind, key, at, item`
	read(b, text, func(r row) error {
		tr, err := scanTrace(r)
		st.Traces[tr.TraceKey] = append(st.Traces[tr.TraceKey], tr)
		return err
	},
		column(w.Traces, func(k *registry.TraceKey) int32 { return int32(k.Week) }),
		column(w.Traces, func(k *registry.TraceKey) int16 { return int16(k.Kind) }),
		column(w.Traces, func(k *registry.TraceKey) []byte { return k.Key[:] }))
}

func scanTrace(r row) (registry.TraceRow, error) {
	var (
		tr          registry.TraceRow
		kind        int16
		key, digest []byte
	)
	err := r.Scan(&tr.Week, &kind, &key, (*[16]byte)(&tr.Item), &digest, &tr.Number.Register, &tr.Number.Year, &tr.Number.Seq, &tr.At)
	if err != nil {
		return tr, err
	}
	tr.Kind, tr.At = byte(kind), tr.At.UTC()
	if err := blob(tr.Key[:], key, "trace key"); err != nil {
		return tr, err
	}
	return tr, blob(tr.Digest[:], digest, "digest")
}

func queueEntries(b *pgx.Batch, st *registry.State, w registry.Wants) {
	const text = `SELECT body
  FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS want (r, y, s)
  JOIN entry AS e ON e.register = r AND e.year = y AND e.seq = s
  JOIN work AS w ON w.leaf = e.leaf`
	read(b, text, func(r row) error {
		work, err := scanWork(r)
		st.Entries[work.Number] = work
		return err
	},
		column(w.Entries, func(n *registry.Number) string { return n.Register }),
		column(w.Entries, func(n *registry.Number) int32 { return int32(n.Year) }),
		column(w.Entries, func(n *registry.Number) int64 { return n.Seq }))
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

// queueOpen asks for all open entries of clerks: a handover needs them.
func queueOpen(b *pgx.Batch, st *registry.State, w registry.Wants) {
	for _, clerk := range w.OpenOf {
		read(b, "SELECT body FROM work WHERE clerk = $1 AND open ORDER BY leaf", func(r row) error {
			work, err := scanWork(r)
			st.Open[clerk] = append(st.Open[clerk], work.Number)
			st.Entries[work.Number] = work
			return err
		}, clerk)
	}
}

// queueWithin asks for all entries of folders: joining and closing need them.
func queueWithin(b *pgx.Batch, st *registry.State, w registry.Wants) {
	for _, folder := range w.Within {
		read(b, "SELECT body FROM work WHERE folder = $1 ORDER BY leaf", func(r row) error {
			work, err := scanWork(r)
			st.Within[folder] = append(st.Within[folder], work.Number)
			st.Entries[work.Number] = work
			return err
		}, folder)
	}
}

func queueFolders(b *pgx.Batch, st *registry.State, w registry.Wants) {
	read(b, "SELECT "+folderColumns+" FROM folder WHERE id = ANY ($1::text[])", func(r row) error {
		f, err := scanFolder(r)
		st.Folders[f.ID] = f
		return err
	}, w.Folders)
}

const folderColumns = "id, state, case_number, class, department, clerk, title, joined_into, moved_to, moved_from, " +
	"entries, opened_at, closed_at, case_at, leaf, last_leaf, restricted"

func scanFolder(r row) (f registry.Folder, err error) {
	var opened, closed, became *time.Time
	err = r.Scan(&f.ID, &f.State, &f.Case, &f.Class, &f.Department, &f.Clerk, &f.Title, &f.JoinedInto, &f.MovedTo, &f.MovedFrom,
		&f.Entries, &opened, &closed, &became, &f.Leaf, &f.LastLeaf, &f.Restricted)
	f.OpenedAt, f.ClosedAt, f.CaseAt = instant(opened), instant(closed), instant(became)
	f.Found = true
	return f, err
}

func queueCases(b *pgx.Batch, st *registry.State, w registry.Wants) {
	read(b, "SELECT case_number, id FROM folder WHERE case_number <> '' AND case_number = ANY ($1::text[])", func(r row) error {
		var number, folder string
		err := r.Scan(&number, &folder)
		st.Cases[number] = folder
		return err
	}, w.Cases)
}

func queueCounters(b *pgx.Batch, st *registry.State, w registry.Wants) {
	const text = `SELECT department, class, subgroup, year, taken
  FROM unnest($1::text[], $2::text[], $3::bigint[], $4::integer[]) AS want (d, c, g, y)
  JOIN counter ON department = d AND class = c AND subgroup = g AND year = y`
	read(b, text, func(r row) error {
		c, taken, err := scanCounter(r)
		st.Counters[c] = taken
		return err
	},
		column(w.Counters, func(c *registry.CaseSeries) string { return c.Department }),
		column(w.Counters, func(c *registry.CaseSeries) string { return c.Class }),
		column(w.Counters, func(c *registry.CaseSeries) int64 { return c.Group }),
		column(w.Counters, func(c *registry.CaseSeries) int32 { return int32(c.Year) }))
}

func scanCounter(r row) (c registry.CaseSeries, taken int64, err error) {
	err = r.Scan(&c.Department, &c.Class, &c.Group, &c.Year, &taken)
	return c, taken, err
}

func queueBalances(b *pgx.Batch, st *registry.State, w registry.Wants) {
	read(b, "SELECT "+balanceColumns+" FROM balance WHERE clerk = ANY ($1::text[])", func(r row) error {
		v, err := scanBalance(r)
		st.Balances[v.Clerk] = v
		return err
	}, w.Balances)
}

const balanceColumns = "clerk, open, given, last_leaf"

func scanBalance(r row) (b registry.Balance, err error) {
	err = r.Scan(&b.Clerk, &b.Open, &b.Given, &b.LastLeaf)
	return b, err
}

// queueSubjects finds the last leaf of subjects that have no row of their own.
func queueSubjects(b *pgx.Batch, st *registry.State, w registry.Wants) {
	const text = `SELECT want.subject, last.idx
  FROM unnest($1::text[]) AS want (subject)
 CROSS JOIN LATERAL (SELECT idx FROM leaf WHERE leaf.subject = want.subject ORDER BY idx DESC LIMIT 1) AS last`
	read(b, text, func(r row) error {
		var (
			subject string
			last    int64
		)
		err := r.Scan(&subject, &last)
		st.Subjects[subject] = last
		return err
	}, w.Subjects)
}
