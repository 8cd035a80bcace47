package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"kancelaria/registry"
)

// write puts down what the law has decided, one statement a table, and commits,
// all in one round trip. The order matters only where triggers look: leaves
// before what names them, entries before their series.
func (s *Store) write(ctx context.Context, c *pgx.Conn, st *registry.State, w registry.Writes) error {
	if len(w.Leaves) == 0 {
		return nil
	}
	b := &pgx.Batch{}
	writeLeaves(b, w)
	writeNodes(b, w)
	writeEntries(b, st, w)
	writeSeries(b, w)
	writeArrivals(b, w)
	if err := writeWorks(b, w); err != nil {
		return err
	}
	writeFolders(b, w)
	writeCounters(b, w)
	writeBalances(b, w)
	writeTraces(b, w)
	writeErasures(b, w)
	writeHead(b, w.Head)
	if err := writeOutbox(b, w); err != nil {
		return err
	}
	registry.FailStoreWritten.Hit() // the head is locked; what is written goes with the COMMIT
	if err := s.commit(ctx, c, b); err != nil {
		return fmt.Errorf("writing the book: %w", err)
	}
	return nil
}

func writeHead(b *pgx.Batch, h registry.Head) {
	edge := make([]byte, 0, len(h.Edge)*len(registry.Digest{}))
	for _, d := range h.Edge {
		edge = append(edge, d[:]...)
	}
	b.Queue("UPDATE head SET size = $1, edge = $2, last_at = $3, origin = $4", h.Size, edge, moment(h.LastAt), h.Origin)
}

func writeLeaves(b *pgx.Batch, w registry.Writes) {
	type R = registry.LeafRow
	b.Queue(`INSERT INTO leaf (`+leafColumns+`)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[])`,
		column(w.Leaves, func(l *R) int64 { return l.Index }),
		column(w.Leaves, func(l *R) string { return l.Type }),
		column(w.Leaves, func(l *R) string { return l.Subject }),
		column(w.Leaves, func(l *R) string { return l.Key }),
		column(w.Leaves, func(l *R) time.Time { return l.At }),
		column(w.Leaves, func(l *R) string { return l.Actor }),
		column(w.Leaves, func(l *R) string { return l.OnBehalfOf }),
		column(w.Leaves, func(l *R) []byte { return l.Salt[:] }),
		column(w.Leaves, func(l *R) []byte { return l.Body }),
		column(w.Leaves, func(l *R) []byte { return l.Hash[:] }),
		column(w.Leaves, func(l *R) []byte { return l.Content }))
}

func writeNodes(b *pgx.Batch, w registry.Writes) {
	type R = registry.NodeRow
	b.Queue("INSERT INTO node (pos, hash) SELECT * FROM unnest($1::bigint[], $2::bytea[])",
		column(w.Nodes, func(n *R) int64 { return n.Pos }),
		column(w.Nodes, func(n *R) []byte { return n.Hash[:] }))
}

// writeEntries gives the numbers, in order. Where the law jumped over numbers
// that were lost, they are counted as taken first: only so the table lets the
// next one in.
func writeEntries(b *pgx.Batch, st *registry.State, w registry.Writes) {
	for rest := w.Entries; len(rest) > 0; {
		run := 1
		for run < len(rest) && rest[run].Number.Series() == rest[0].Number.Series() && rest[run].Number.Seq == rest[run-1].Number.Seq+1 {
			run++
		}
		first := rest[0].Number
		if len(rest) < len(w.Entries) || first.Seq > st.Series[first.Series()].Taken+1 {
			skipTo(b, w, first)
		}
		insertEntries(b, rest[:run])
		rest = rest[run:]
	}
}

// skipTo counts numbers as taken up to the one before first, if a gap says so.
// The series may be begun by that very gap.
func skipTo(b *pgx.Batch, w registry.Writes, first registry.Number) {
	for _, s := range w.Series {
		if s.Series != first.Series() {
			continue
		}
		b.Queue(`INSERT INTO series (`+seriesColumns+`)
SELECT $1::text, $2::integer, $3::bigint, $4::timestamptz, $5::timestamptz, NULL WHERE EXISTS (SELECT FROM leaf WHERE type = $6 AND subject = $7)
    ON CONFLICT (register, year) DO UPDATE SET taken = excluded.taken WHERE series.taken < excluded.taken`,
			s.Register, int32(s.Year), first.Seq-1, moment(s.LastAt), moment(s.OpenedAt), string(registry.ActGap), first.Series().String())
	}
}

func insertEntries(b *pgx.Batch, entries []registry.Work) {
	type R = registry.Work
	b.Queue(`INSERT INTO entry (leaf, register, year, seq, item, registered_at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::bigint[], $5::uuid[], $6::timestamptz[])`,
		column(entries, func(e *R) int64 { return e.Leaf }),
		column(entries, func(e *R) string { return e.Number.Register }),
		column(entries, func(e *R) int32 { return int32(e.Number.Year) }),
		column(entries, func(e *R) int64 { return e.Number.Seq }),
		column(entries, func(e *R) [16]byte { return e.Item }),
		column(entries, func(e *R) time.Time { return e.RegisteredAt }))
}

func writeSeries(b *pgx.Batch, w registry.Writes) {
	if len(w.Series) == 0 {
		return
	}
	type R = registry.SeriesRow
	b.Queue(`INSERT INTO series (`+seriesColumns+`)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[])
ON CONFLICT (register, year) DO UPDATE
   SET taken = excluded.taken, last_at = excluded.last_at, opened_at = excluded.opened_at, closed_at = excluded.closed_at`,
		column(w.Series, func(s *R) string { return s.Register }),
		column(w.Series, func(s *R) int32 { return int32(s.Year) }),
		column(w.Series, func(s *R) int64 { return s.Taken }),
		column(w.Series, func(s *R) *time.Time { return moment(s.LastAt) }),
		column(w.Series, func(s *R) *time.Time { return moment(s.OpenedAt) }),
		column(w.Series, func(s *R) *time.Time { return moment(s.ClosedAt) }))
}

func writeArrivals(b *pgx.Batch, w registry.Writes) {
	if len(w.Arrivals) == 0 {
		return
	}
	type R = registry.ArrivalRow
	numbered := func(a *R) bool { return !a.Number.IsZero() }
	b.Queue(`INSERT INTO arrival (`+arrivalColumns+`)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::integer[], $7::bigint[], $8::text[], $9::timestamptz[],
       $10::text[], $11::text[], $12::bigint[], $13::uuid[])
ON CONFLICT (item) DO UPDATE
   SET disposition = excluded.disposition, leaf = excluded.leaf, number_register = excluded.number_register,
       number_year = excluded.number_year, number_seq = excluded.number_seq, place = excluded.place, register = excluded.register,
       reason = excluded.reason, redelivered = excluded.redelivered, first = excluded.first`,
		column(w.Arrivals, func(a *R) [16]byte { return a.Item }),
		column(w.Arrivals, func(a *R) [16]byte { return a.Delivery }),
		column(w.Arrivals, func(a *R) string { return string(a.Disposition) }),
		column(w.Arrivals, func(a *R) int64 { return a.Leaf }),
		column(w.Arrivals, func(a *R) *string { return when(numbered(a), &a.Number.Register) }),
		column(w.Arrivals, func(a *R) *int { return when(numbered(a), &a.Number.Year) }),
		column(w.Arrivals, func(a *R) *int64 { return when(numbered(a), &a.Number.Seq) }),
		column(w.Arrivals, func(a *R) string { return string(a.Place) }),
		column(w.Arrivals, func(a *R) time.Time { return a.AcceptedAt }),
		column(w.Arrivals, func(a *R) string { return a.Register }),
		column(w.Arrivals, func(a *R) string { return a.Reason }),
		column(w.Arrivals, func(a *R) int64 { return a.Redelivered }),
		column(w.Arrivals, func(a *R) *[16]byte { return uuidOrNull(a.First) }))
}

// when gives a value, or NULL.
func when[T any](there bool, value *T) *T {
	if !there {
		return nil
	}
	return value
}

func writeWorks(b *pgx.Batch, w registry.Writes) error {
	if len(w.Works) == 0 {
		return nil
	}
	bodies := make([]string, len(w.Works))
	for i := range w.Works {
		body, err := json.Marshal(&w.Works[i])
		if err != nil {
			return fmt.Errorf("%w: entry %s: %w", registry.ErrData, w.Works[i].Number, err)
		}
		bodies[i] = string(body)
	}
	type R = registry.Work
	b.Queue(`INSERT INTO work (leaf, register, year, status, open, department, clerk, class, folder, due, flags, sender, message_id,
       message_mark, sender_mark, restricted, readers, hide_from, body)
SELECT leaf, register, year, status, open, department, clerk, class, folder, due, flags, sender, message_id, message_mark, sender_mark,
       restricted, readers::jsonb, hide_from::jsonb, body
  FROM unnest($1::bigint[], $2::text[], $3::integer[], $4::text[], $5::boolean[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
       $11::text[], $12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::boolean[], $17::text[], $18::text[], $19::text[])
    AS v (leaf, register, year, status, open, department, clerk, class, folder, due, flags, sender, message_id, message_mark, sender_mark,
       restricted, readers, hide_from, body)
ON CONFLICT (leaf) DO UPDATE
   SET status = excluded.status, open = excluded.open, department = excluded.department, clerk = excluded.clerk, class = excluded.class,
       folder = excluded.folder, due = excluded.due, flags = excluded.flags, sender = excluded.sender, message_id = excluded.message_id,
       message_mark = excluded.message_mark, sender_mark = excluded.sender_mark, restricted = excluded.restricted,
       readers = excluded.readers, hide_from = excluded.hide_from, body = excluded.body`,
		column(w.Works, func(k *R) int64 { return k.Leaf }),
		column(w.Works, func(k *R) string { return k.Number.Register }),
		column(w.Works, func(k *R) int32 { return int32(k.Number.Year) }),
		column(w.Works, func(k *R) string { return string(k.Status) }),
		column(w.Works, func(k *R) bool { return k.Status.Open() }),
		column(w.Works, func(k *R) string { return k.Department }),
		column(w.Works, func(k *R) string { return k.Clerk }),
		column(w.Works, func(k *R) string { return k.Class }),
		column(w.Works, func(k *R) string { return k.Folder }),
		column(w.Works, func(k *R) string { return k.Deadline.Due.String() }),
		column(w.Works, func(k *R) string { return flagColumn(k.Flags) }),
		column(w.Works, func(k *R) string { return strings.ToLower(k.Sender.Email) }),
		column(w.Works, func(k *R) string { return k.MessageID }),
		column(w.Works, func(k *R) *int64 { return markOrNull(k.MessageID) }),
		column(w.Works, func(k *R) *int64 { return markOrNull(strings.ToLower(k.Sender.Email)) }),
		column(w.Works, func(k *R) bool { return k.Restricted }),
		column(w.Works, func(k *R) *string { return arrayOrNull(k.Readers) }),
		column(w.Works, func(k *R) *string { return arrayOrNull(k.HideFrom) }),
		bodies)
	return nil
}

func writeFolders(b *pgx.Batch, w registry.Writes) {
	if len(w.Folders) == 0 {
		return
	}
	type R = registry.Folder
	b.Queue(`INSERT INTO folder (`+folderColumns+`, year)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
       $11::bigint[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::bigint[], $16::bigint[], $17::boolean[], $18::integer[])
ON CONFLICT (id) DO UPDATE
   SET year = excluded.year, state = excluded.state, case_number = excluded.case_number, class = excluded.class,
       department = excluded.department, clerk = excluded.clerk, title = excluded.title, joined_into = excluded.joined_into,
       moved_to = excluded.moved_to, moved_from = excluded.moved_from, entries = excluded.entries, opened_at = excluded.opened_at,
       closed_at = excluded.closed_at, case_at = excluded.case_at, leaf = excluded.leaf, last_leaf = excluded.last_leaf, restricted = excluded.restricted`,
		column(w.Folders, func(f *R) string { return f.ID }),
		column(w.Folders, func(f *R) string { return f.State }),
		column(w.Folders, func(f *R) string { return f.Case }),
		column(w.Folders, func(f *R) string { return f.Class }),
		column(w.Folders, func(f *R) string { return f.Department }),
		column(w.Folders, func(f *R) string { return f.Clerk }),
		column(w.Folders, func(f *R) string { return f.Title }),
		column(w.Folders, func(f *R) string { return f.JoinedInto }),
		column(w.Folders, func(f *R) string { return f.MovedTo }),
		column(w.Folders, func(f *R) string { return f.MovedFrom }),
		column(w.Folders, func(f *R) int64 { return f.Entries }),
		column(w.Folders, func(f *R) *time.Time { return moment(f.OpenedAt) }),
		column(w.Folders, func(f *R) *time.Time { return moment(f.ClosedAt) }),
		column(w.Folders, func(f *R) *time.Time { return moment(f.CaseAt) }),
		column(w.Folders, func(f *R) int64 { return f.Leaf }),
		column(w.Folders, func(f *R) int64 { return f.LastLeaf }),
		column(w.Folders, func(f *R) bool { return f.Restricted }),
		column(w.Folders, func(f *R) int32 { return int32(yearIn(cmp.Or(f.Case, f.ID))) }))
}

func writeCounters(b *pgx.Batch, w registry.Writes) {
	if len(w.Counters) == 0 {
		return
	}
	type R = registry.CaseSeries
	series := slices.Collect(maps.Keys(w.Counters))
	b.Queue(`INSERT INTO counter (department, class, subgroup, year, taken)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::integer[], $5::bigint[])
ON CONFLICT (department, class, subgroup, year) DO UPDATE SET taken = excluded.taken`,
		column(series, func(c *R) string { return c.Department }),
		column(series, func(c *R) string { return c.Class }),
		column(series, func(c *R) int64 { return c.Group }),
		column(series, func(c *R) int32 { return int32(c.Year) }),
		column(series, func(c *R) int64 { return w.Counters[*c] }))
}

func writeBalances(b *pgx.Batch, w registry.Writes) {
	if len(w.Balances) == 0 {
		return
	}
	type R = registry.Balance
	b.Queue(`INSERT INTO balance (`+balanceColumns+`)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
ON CONFLICT (clerk) DO UPDATE SET open = excluded.open, given = excluded.given, last_leaf = excluded.last_leaf`,
		column(w.Balances, func(v *R) string { return v.Clerk }),
		column(w.Balances, func(v *R) int64 { return v.Open }),
		column(w.Balances, func(v *R) int64 { return v.Given }),
		column(w.Balances, func(v *R) int64 { return v.LastLeaf }))
}

func writeTraces(b *pgx.Batch, w registry.Writes) {
	type R = registry.TraceRow
	if len(w.Traces) > 0 {
		b.Queue(`INSERT INTO trace (week, kind, key, item, digest, register, year, seq, at)
SELECT * FROM unnest($1::integer[], $2::smallint[], $3::bytea[], $4::uuid[], $5::bytea[], $6::text[], $7::integer[], $8::bigint[], $9::timestamptz[])
ON CONFLICT (week, kind, key, item) DO UPDATE
   SET digest = excluded.digest, register = excluded.register, year = excluded.year, seq = excluded.seq, at = excluded.at`,
			column(w.Traces, func(r *R) int32 { return int32(r.Week) }),
			column(w.Traces, func(r *R) int16 { return int16(r.Kind) }),
			column(w.Traces, func(r *R) []byte { return r.Key[:] }),
			column(w.Traces, func(r *R) [16]byte { return r.Item }),
			column(w.Traces, func(r *R) []byte { return r.Digest[:] }),
			column(w.Traces, func(r *R) string { return r.Number.Register }),
			column(w.Traces, func(r *R) int32 { return int32(r.Number.Year) }),
			column(w.Traces, func(r *R) int64 { return r.Number.Seq }),
			column(w.Traces, func(r *R) time.Time { return r.At }))
	}
	if w.ForgetTraces != 0 {
		b.Queue("DELETE FROM trace WHERE week < $1", w.ForgetTraces)
	}
}

// An erasure takes away what the leaves of the item's arrivals hold. Their
// bodies stay, and so does what was done since.
func writeErasures(b *pgx.Batch, w registry.Writes) {
	for i := range w.Leaves {
		l := &w.Leaves[i]
		if l.Type != string(registry.ActErased) {
			continue
		}
		item, err := registry.ParseItemID(l.Subject)
		if err != nil {
			continue // an erasure of something else: nothing here holds it
		}
		b.Queue(`INSERT INTO erasure (leaf, ordered_by)
SELECT idx, $1 FROM leaf
 WHERE idx < $1 AND content IS NOT NULL AND type IN ('registered', 'redelivered', 'quarantined', 'beside')
   AND (idx = (SELECT leaf FROM arrival WHERE item = $2) OR key = $3 OR subject = $4)`,
			l.Index, uuid(item), "item/"+item.String(), l.Subject)
		b.Queue("UPDATE leaf SET content = NULL WHERE idx IN (SELECT leaf FROM erasure WHERE ordered_by = $1)", l.Index)
	}
}

// turns is the lock under which the turns of the outbox are given. Without it
// a row that is written and one that is finished at the same time would each
// leave the turn to the other.
const turns = "SELECT pg_advisory_xact_lock(hashtext('kancelaria.outbox'))"

// writeOutbox comes last: it holds the lock of turns until COMMIT. A row has
// its recipient's turn if nothing of his is undone.
func writeOutbox(b *pgx.Batch, w registry.Writes) error {
	if len(w.Outbox) == 0 {
		return nil
	}
	type R = registry.OutboxRow
	leaf, n, first := make([]int64, len(w.Outbox)), make([]int64, len(w.Outbox)), make([]bool, len(w.Outbox))
	waiting := map[string]bool{}
	for i := range w.Outbox {
		o := &w.Outbox[i]
		var err error
		if leaf[i], n[i], err = outboxKey(o.ID); err != nil {
			return err
		}
		undone := o.State == registry.OutboxReady || o.State == registry.OutboxLeased
		first[i] = undone && !waiting[o.Recipient]
		waiting[o.Recipient] = waiting[o.Recipient] || undone
	}
	b.Queue(turns)
	b.Queue(`INSERT INTO outbox (leaf, n, turn, node, kind, recipient, register, year, seq, item, variant, state, attempts, not_before, lease_by,
       lease_till, message_id, rendered, sender, addresses, last_error, created_at, done_at)
SELECT leaf, n, first AND NOT EXISTS (SELECT FROM outbox AS o WHERE o.recipient = v.recipient AND o.state IN ('ready', 'leased')),
       node, kind, recipient, register, year, seq, item, variant, state, attempts, not_before, lease_by,
       lease_till, message_id, rendered, sender, addresses, last_error, created_at, done_at
  FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::text[], $5::text[], $6::text[], $7::text[], $8::integer[], $9::bigint[],
       $10::uuid[], $11::text[], $12::text[], $13::integer[], $14::timestamptz[], $15::text[], $16::timestamptz[], $17::text[], $18::bytea[],
       $19::text[], $20::text[], $21::text[], $22::timestamptz[], $23::timestamptz[])
    AS v (leaf, n, first, node, kind, recipient, register, year, seq, item, variant, state, attempts, not_before, lease_by,
       lease_till, message_id, rendered, sender, addresses, last_error, created_at, done_at)`,
		leaf, n, first,
		column(w.Outbox, func(o *R) string { return o.Node }),
		column(w.Outbox, func(o *R) string { return o.Kind }),
		column(w.Outbox, func(o *R) string { return o.Recipient }),
		column(w.Outbox, func(o *R) string { return o.Number.Register }),
		column(w.Outbox, func(o *R) int32 { return int32(o.Number.Year) }),
		column(w.Outbox, func(o *R) int64 { return o.Number.Seq }),
		column(w.Outbox, func(o *R) [16]byte { return o.Item }),
		column(w.Outbox, func(o *R) string { return o.Variant }),
		column(w.Outbox, func(o *R) string { return o.State }),
		column(w.Outbox, func(o *R) int32 { return int32(o.Attempts) }),
		column(w.Outbox, func(o *R) *time.Time { return moment(o.NotBefore) }),
		column(w.Outbox, func(o *R) string { return o.LeaseBy }),
		column(w.Outbox, func(o *R) *time.Time { return moment(o.LeaseTill) }),
		column(w.Outbox, func(o *R) string { return o.MessageID }),
		column(w.Outbox, func(o *R) []byte { return o.Rendered }),
		column(w.Outbox, func(o *R) string { return o.From }),
		column(w.Outbox, func(o *R) string { return array(o.To) }),
		column(w.Outbox, func(o *R) string { return o.LastError }),
		column(w.Outbox, func(o *R) *time.Time { return moment(o.CreatedAt) }),
		column(w.Outbox, func(o *R) *time.Time { return moment(o.DoneAt) }))
	return nil
}
