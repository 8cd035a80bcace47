package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// write puts down what the law has decided. The order matters only where
// triggers look: leaves before what names them, entries before their series.
// Whatever fails takes the whole transaction back.
func (t *tx) write(ctx context.Context, st *registry.State, w registry.Writes) error {
	if len(w.Leaves) == 0 {
		return nil
	}
	for _, kind := range []func(context.Context, *registry.State, registry.Writes) error{
		t.writeLeaves, t.writeNodes, t.writeEntries, t.writeSeries, t.writeArrivals, t.writeWorks, t.writeMarks,
		t.writeFolders, t.writeCounters, t.writeBalances, t.writeTraces, t.writeOutbox, t.writeErasures,
	} {
		if err := kind(ctx, st, w); err != nil {
			return fmt.Errorf("writing the book: %w", err)
		}
	}
	return t.writeHead(ctx, st.Head, w.Head)
}

// writeHead moves the ledger's edge from where it was read.
func (t *tx) writeHead(ctx context.Context, was, now registry.Head) error {
	edge := make([]byte, 0, len(now.Edge)*len(registry.Digest{}))
	for _, d := range now.Edge {
		edge = append(edge, d[:]...)
	}
	n, err := t.exec(ctx, "UPDATE head SET size = ?1, edge = ?2, last_at = ?3, origin = ?4 WHERE size = ?5",
		now.Size, edge, micros(now.LastAt), now.Origin, was.Size)
	if err == nil && n != 1 {
		err = fmt.Errorf("%w: the head of the ledger is not at %d", registry.ErrCorrupt, was.Size)
	}
	return err
}

var leafRows = newBulk("INSERT OR ROLLBACK INTO leaf ("+leafColumns+")", 11)

func (t *tx) writeLeaves(ctx context.Context, _ *registry.State, w registry.Writes) error {
	return t.put(ctx, &leafRows, len(w.Leaves), func(v []any, i int) []any {
		l := &w.Leaves[i]
		return append(v, l.Index, l.Type, l.Subject, l.Key, micros(l.At), l.Actor, l.OnBehalfOf, l.Salt[:], l.Body, l.Hash[:], l.Content)
	})
}

var nodeRows = newBulk("INSERT OR ROLLBACK INTO node (pos, hash)", 2)

func (t *tx) writeNodes(ctx context.Context, _ *registry.State, w registry.Writes) error {
	return t.put(ctx, &nodeRows, len(w.Nodes), func(v []any, i int) []any {
		return append(v, w.Nodes[i].Pos, w.Nodes[i].Hash[:])
	})
}

var entryRows = newBulk("INSERT OR ROLLBACK INTO entry (leaf, register, year, seq, item, registered_at)", 6)

// writeEntries gives the numbers, in order. Where the law jumped over numbers
// that were lost, they are counted as taken first: only so the table lets the
// next one in.
func (t *tx) writeEntries(ctx context.Context, st *registry.State, w registry.Writes) error {
	for rest := w.Entries; len(rest) > 0; {
		run := 1
		for run < len(rest) && rest[run].Number.Series() == rest[0].Number.Series() && rest[run].Number.Seq == rest[run-1].Number.Seq+1 {
			run++
		}
		first := rest[0].Number
		if len(rest) < len(w.Entries) || first.Seq > st.Series[first.Series()].Taken+1 {
			if err := t.skipTo(ctx, w, first); err != nil {
				return err
			}
		}
		err := t.put(ctx, &entryRows, run, func(v []any, i int) []any {
			e := &rest[i]
			return append(v, e.Leaf, e.Number.Register, e.Number.Year, e.Number.Seq, e.Item[:], micros(e.RegisteredAt))
		})
		if err != nil {
			return err
		}
		rest = rest[run:]
	}
	return nil
}

// skipTo counts numbers as taken up to the one before first, if a gap says so.
// The series may be begun by that very gap.
func (t *tx) skipTo(ctx context.Context, w registry.Writes, first registry.Number) error {
	const text = `INSERT INTO series (` + seriesColumns + `)
SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM leaf WHERE type = ?7 AND subject = ?8)
    ON CONFLICT (register, year) DO UPDATE SET taken = excluded.taken WHERE taken < excluded.taken`
	for _, s := range w.Series {
		if s.Series != first.Series() {
			continue
		}
		_, err := t.exec(ctx, text, s.Register, s.Year, first.Seq-1, micros(s.LastAt), micros(s.OpenedAt), micros(time.Time{}),
			string(registry.ActGap), first.Series().String())
		return err
	}
	return nil
}

const (
	insertSeries = "INSERT INTO series (" + seriesColumns + ") VALUES (?1, ?2, ?3, ?4, ?5, ?6)" +
		" ON CONFLICT (register, year) DO UPDATE SET taken = ?3, last_at = ?4, opened_at = ?5, closed_at = ?6"
	updateSeries = "UPDATE OR ROLLBACK series SET taken = ?3, last_at = ?4, opened_at = ?5, closed_at = ?6 WHERE register = ?1 AND year = ?2"
)

func (t *tx) writeSeries(ctx context.Context, st *registry.State, w registry.Writes) error {
	for i := range w.Series {
		s := &w.Series[i]
		text := insertSeries
		if !st.Series[s.Series].OpenedAt.IsZero() {
			text = updateSeries
		}
		err := t.one(ctx, text, s.Register, s.Year, s.Taken, micros(s.LastAt), micros(s.OpenedAt), micros(s.ClosedAt))
		if err != nil {
			return err
		}
	}
	return nil
}

var arrivalRows = newBulk("INSERT OR ROLLBACK INTO arrival ("+arrivalColumns+")", 13)

const updateArrival = `UPDATE OR ROLLBACK arrival
   SET disposition = ?3, leaf = ?4, number_register = ?5, number_year = ?6, number_seq = ?7, place = ?8, register = ?10, reason = ?11,
       redelivered = ?12, first = ?13
 WHERE item = ?1 AND delivery = ?2 AND accepted_at = ?9`

func (t *tx) writeArrivals(ctx context.Context, st *registry.State, w registry.Writes) error {
	fresh, known := split(w.Arrivals, func(a *registry.ArrivalRow) bool { return st.Arrivals[a.Item].Found })
	return t.insertAndUpdate(ctx, &arrivalRows, len(fresh), updateArrival, len(known), func(v []any, i int) []any {
		a := pick(fresh, known, i)
		var register, year, seq, first any
		if !a.Number.IsZero() {
			register, year, seq = a.Number.Register, a.Number.Year, a.Number.Seq
		}
		if !a.First.IsZero() {
			first = a.First[:]
		}
		return append(v, a.Item[:], a.Delivery[:], string(a.Disposition), a.Leaf, register, year, seq, string(a.Place),
			micros(a.AcceptedAt), a.Register, a.Reason, a.Redelivered, first)
	})
}

// split parts the rows that are new from those that are there.
func split[R any](rows []R, there func(*R) bool) (fresh, known []*R) {
	fresh = make([]*R, 0, len(rows))
	for i := range rows {
		if there(&rows[i]) {
			known = append(known, &rows[i])
		} else {
			fresh = append(fresh, &rows[i])
		}
	}
	return fresh, known
}

// pick counts through the new rows and on through those that are there.
func pick[R any](fresh, known []*R, i int) *R {
	if i < len(fresh) {
		return fresh[i]
	}
	return known[i-len(fresh)]
}

// insertAndUpdate inserts rows 0 to fresh and updates the known ones after
// them; both take the same values.
func (t *tx) insertAndUpdate(ctx context.Context, b *bulk, fresh int, update string, known int, fill func(v []any, i int) []any) error {
	if err := t.put(ctx, b, fresh, fill); err != nil {
		return err
	}
	for i := range known {
		t.values = fill(t.values[:0], fresh+i)
		if err := t.one(ctx, update, t.values...); err != nil {
			return err
		}
	}
	return nil
}

// one runs a statement that must touch one row.
func (t *tx) one(ctx context.Context, text string, args ...any) error {
	n, err := t.exec(ctx, text, args...)
	if err == nil && n != 1 {
		err = fmt.Errorf("%w: %d rows were touched by %.40q", registry.ErrCorrupt, n, text)
	}
	return err
}

var workRows = newBulk(`INSERT OR ROLLBACK INTO work (leaf, register, year, status, open, department, clerk, class, folder, due, flags,
       sender, restricted, readers, hide_from, body)`, 16)

const updateWork = `UPDATE OR ROLLBACK work
   SET status = ?4, open = ?5, department = ?6, clerk = ?7, class = ?8, folder = ?9, due = ?10, flags = ?11, sender = ?12, restricted = ?13,
       readers = ?14, hide_from = ?15, body = ?16
 WHERE leaf = ?1 AND register = ?2 AND year = ?3`

func (t *tx) writeWorks(ctx context.Context, st *registry.State, w registry.Writes) error {
	fresh, known := split(w.Works, func(k *registry.Work) bool { return st.Entries[k.Number].Found })
	bodies := make([]string, len(w.Works))
	for i := range bodies {
		k := pick(fresh, known, i)
		body, err := json.Marshal(k)
		if err != nil {
			return fmt.Errorf("%w: entry %s: %w", registry.ErrData, k.Number, err)
		}
		bodies[i] = string(body)
	}
	return t.insertAndUpdate(ctx, &workRows, len(fresh), updateWork, len(known), func(v []any, i int) []any {
		k := pick(fresh, known, i)
		return append(v, k.Leaf, k.Number.Register, k.Number.Year, string(k.Status), k.Status.Open(), k.Department, k.Clerk, k.Class,
			k.Folder, k.Deadline.Due.String(), flagColumn(k.Flags), strings.ToLower(k.Sender.Email), k.Restricted,
			arrayOrNull(k.Readers), arrayOrNull(k.HideFrom), bodies[i])
	})
}

var markRows = newBulk("INSERT OR ROLLBACK INTO mark (rowid, marks)", 2)

// writeMarks notes by what entries, notices and traces are looked for. An entry
// that is changed is marked again: it may have another sender now.
func (t *tx) writeMarks(ctx context.Context, _ *registry.State, w registry.Writes) error {
	marks := map[int64][]string{}
	for i := range w.Entries {
		if k := &w.Entries[i]; k.MessageID != "" {
			marks[k.Leaf] = append(marks[k.Leaf], mark(markMessage, k.MessageID))
		}
	}
	for i := range w.Works {
		k := &w.Works[i]
		if sender := strings.ToLower(k.Sender.Email); sender != "" {
			marks[k.Leaf] = append(marks[k.Leaf], mark(markSender, sender))
		}
	}
	for i := range w.Outbox {
		o := &w.Outbox[i]
		marks[o.Leaf] = append(marks[o.Leaf], mark(markRecipient, o.Recipient))
	}
	leafOf := leavesOf(w)
	for i := range w.Traces {
		tr := &w.Traces[i]
		marks[leafOf[tr.Item]] = append(marks[leafOf[tr.Item]], traceMark(tr.TraceKey))
	}
	leaves := slices.Sorted(maps.Keys(marks))
	return t.put(ctx, &markRows, len(leaves), func(v []any, i int) []any {
		return append(v, leaves[i], strings.Join(marks[leaves[i]], " "))
	})
}

var folderRows = newBulk("INSERT OR ROLLBACK INTO folder ("+folderColumns+", year)", 18)

const updateFolder = `UPDATE OR ROLLBACK folder
   SET state = ?2, case_number = ?3, class = ?4, department = ?5, clerk = ?6, title = ?7, joined_into = ?8, moved_to = ?9, moved_from = ?10,
       entries = ?11, opened_at = ?12, closed_at = ?13, case_at = ?14, leaf = ?15, last_leaf = ?16, restricted = ?17, year = ?18
 WHERE id = ?1`

// writeFolders updates before it inserts: what a moved case leaves behind takes
// over its number.
func (t *tx) writeFolders(ctx context.Context, st *registry.State, w registry.Writes) error {
	fresh, known := split(w.Folders, func(f *registry.Folder) bool { return st.Folders[f.ID].Found })
	fill := func(v []any, i int) []any {
		f := pick(known, fresh, i)
		return append(v, f.ID, f.State, f.Case, f.Class, f.Department, f.Clerk, f.Title, f.JoinedInto, f.MovedTo, f.MovedFrom, f.Entries,
			micros(f.OpenedAt), micros(f.ClosedAt), micros(f.CaseAt), f.Leaf, f.LastLeaf, f.Restricted, yearIn(cmp.Or(f.Case, f.ID)))
	}
	for i := range known {
		t.values = fill(t.values[:0], i)
		if err := t.one(ctx, updateFolder, t.values...); err != nil {
			return err
		}
	}
	return t.put(ctx, &folderRows, len(fresh), func(v []any, i int) []any { return fill(v, len(known)+i) })
}

// writeCounters: a replayed case number sets its counter without looking.
func (t *tx) writeCounters(ctx context.Context, _ *registry.State, w registry.Writes) error {
	const text = `INSERT INTO counter (department, class, subgroup, year, taken) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (department, class, subgroup, year) DO UPDATE SET taken = excluded.taken`
	for c, taken := range w.Counters {
		if err := t.one(ctx, text, c.Department, c.Class, c.Group, c.Year, taken); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) writeBalances(ctx context.Context, _ *registry.State, w registry.Writes) error {
	// A clerk who has nothing in hand may have a row or not.
	const text = "INSERT OR REPLACE INTO balance (" + balanceColumns + ") VALUES (?1, ?2, ?3, ?4)"
	for i := range w.Balances {
		b := &w.Balances[i]
		if err := t.one(ctx, text, b.Clerk, b.Open, b.Given, b.LastLeaf); err != nil {
			return err
		}
	}
	return nil
}

// leavesOf gives the leaves of the items that have traces: they arrived now.
func leavesOf(w registry.Writes) map[registry.ItemID]int64 {
	out := make(map[registry.ItemID]int64, len(w.Arrivals))
	for i := range w.Arrivals {
		out[w.Arrivals[i].Item] = w.Arrivals[i].Leaf
	}
	return out
}

var traceRows = newBulk("INSERT OR ROLLBACK INTO trace (leaf, kind, key, week, item, digest, register, year, seq, at)", 10)

func (t *tx) writeTraces(ctx context.Context, _ *registry.State, w registry.Writes) error {
	leafOf := leavesOf(w)
	if err := t.freshen(ctx); err != nil {
		return err
	}
	for i := range w.Traces {
		t.pen.sieve.add(w.Traces[i].TraceKey)
	}
	err := t.put(ctx, &traceRows, len(w.Traces), func(v []any, i int) []any {
		r := &w.Traces[i]
		return append(v, leafOf[r.Item], r.Kind, r.Key[:], r.Week, r.Item[:], r.Digest[:], r.Number.Register, r.Number.Year, r.Number.Seq,
			micros(r.At))
	})
	if err != nil || w.ForgetTraces == 0 {
		return err
	}
	_, err = t.exec(ctx, "DELETE FROM trace WHERE week < ?1", w.ForgetTraces)
	return err
}

// What is not known of a row before it is claimed has its default.
var outboxRows = newBulk(`INSERT OR ROLLBACK INTO outbox (leaf, n, turn, node, kind, recipient, whose, register, year, seq, item, variant, state,
       attempts, not_before, message_id, created_at)`, 17)

// writeOutbox gives a row its recipient's turn if nothing of his is undone.
func (t *tx) writeOutbox(ctx context.Context, _ *registry.State, w registry.Writes) error {
	if len(w.Outbox) == 0 {
		return nil
	}
	type place struct {
		leaf, n, whose int64
		turn           bool
	}
	places := make([]place, len(w.Outbox))
	waiting, err := t.waiting(ctx, w.Outbox)
	if err != nil {
		return err
	}
	for i := range w.Outbox {
		o := &w.Outbox[i]
		leaf, n, err := outboxKey(o.ID)
		if err != nil {
			return err
		}
		undone := o.State == registry.OutboxReady || o.State == registry.OutboxLeased
		places[i] = place{leaf, n, number(o.Recipient), undone && !waiting[o.Recipient]}
		waiting[o.Recipient] = waiting[o.Recipient] || undone
	}
	return t.put(ctx, &outboxRows, len(w.Outbox), func(v []any, i int) []any {
		o, p := &w.Outbox[i], places[i]
		return append(v, p.leaf, p.n, p.turn, o.Node, o.Kind, o.Recipient, p.whose, o.Number.Register, o.Number.Year, o.Number.Seq,
			o.Item[:], o.Variant, o.State, o.Attempts, micros(o.NotBefore), o.MessageID, micros(o.CreatedAt))
	})
}

// waiting gives the recipients for whom something is undone.
func (t *tx) waiting(ctx context.Context, rows []registry.OutboxRow) (map[string]bool, error) {
	out := map[string]bool{}
	marks := make([]int64, len(rows))
	for i := range rows {
		marks[i] = number(rows[i].Recipient)
	}
	slices.Sort(marks)
	const text = "SELECT recipient FROM json_each(?1) AS want CROSS JOIN outbox ON whose = want.value AND turn = 1"
	err := t.query(ctx, text, func(r row) error {
		var recipient string
		err := r.Scan(&recipient)
		out[recipient] = true
		return err
	}, array(slices.Compact(marks)))
	return out, err
}

// An erasure takes away what the leaves of the item's arrivals hold. Their
// bodies stay, and so does what was done since.
func (t *tx) writeErasures(ctx context.Context, _ *registry.State, w registry.Writes) error {
	for i := range w.Leaves {
		l := &w.Leaves[i]
		if l.Type != string(registry.ActErased) {
			continue
		}
		item, err := registry.ParseItemID(l.Subject)
		if err != nil {
			continue // an erasure of something else: nothing here holds it
		}
		// What is put out leaves zeros, not bytes that nothing points at.
		if _, err := t.pen.conn.ExecContext(ctx, "PRAGMA secure_delete = ON"); err != nil {
			return err
		}
		t.erased = true
		if _, err := t.exec(ctx, erasureText, l.Index, item[:], "item/"+item.String(), l.Subject); err != nil {
			return err
		}
		if _, err := t.exec(ctx, "UPDATE leaf SET content = NULL WHERE idx IN (SELECT leaf FROM erasure WHERE ordered_by = ?1)", l.Index); err != nil {
			return err
		}
	}
	return nil
}

const erasureText = `INSERT INTO erasure (leaf, ordered_by)
SELECT idx, ?1 FROM leaf
 WHERE idx < ?1 AND content IS NOT NULL AND type IN ('registered', 'redelivered', 'quarantined', 'beside')
   AND (idx = (SELECT leaf FROM arrival WHERE item = ?2) OR key = ?3 OR subject = ?4)`
