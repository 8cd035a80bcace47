package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kancelaria/registry"
)

// write puts down what the law has decided. The order matters only where
// triggers look: leaves before what names them, entries before their series.
func (t *tx) write(ctx context.Context, was registry.Head, w registry.Writes) error {
	if len(w.Leaves) == 0 {
		return nil
	}
	for _, kind := range []func(context.Context, registry.Writes) error{
		t.writeLeaves, t.writeNodes, t.writeEntries, t.writeSeries, t.writeArrivals, t.writeWorks, t.writeMarks,
		t.writeFolders, t.writeCounters, t.writeBalances, t.writeTraces, t.writeOutbox, t.writeErasures,
	} {
		if err := kind(ctx, w); err != nil {
			return fmt.Errorf("writing the book: %w", err)
		}
	}
	return t.writeHead(ctx, was, w.Head)
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

var leafRows = newBulk("INSERT OR ROLLBACK INTO leaf ("+leafColumns+")", 11, "")

func (t *tx) writeLeaves(ctx context.Context, w registry.Writes) error {
	return t.put(ctx, &leafRows, len(w.Leaves), func(v []any, i int) []any {
		l := &w.Leaves[i]
		return append(v, l.Index, l.Type, l.Subject, l.Key, micros(l.At), l.Actor, l.OnBehalfOf, l.Salt[:], l.Body, l.Hash[:], l.Content)
	})
}

var nodeRows = newBulk("INSERT OR ROLLBACK INTO node (pos, hash)", 2, "")

func (t *tx) writeNodes(ctx context.Context, w registry.Writes) error {
	return t.put(ctx, &nodeRows, len(w.Nodes), func(v []any, i int) []any {
		return append(v, w.Nodes[i].Pos, w.Nodes[i].Hash[:])
	})
}

var entryRows = newBulk("INSERT OR ROLLBACK INTO entry (leaf, register, year, seq, item, registered_at)", 6, "")

// writeEntries gives the numbers, in order. Where the law jumped over numbers
// that were lost, they are counted as taken first: only so the table lets the
// next one in.
func (t *tx) writeEntries(ctx context.Context, w registry.Writes) error {
	for rest := w.Entries; len(rest) > 0; {
		run := 1
		for run < len(rest) && rest[run].Number.Series() == rest[0].Number.Series() && rest[run].Number.Seq == rest[run-1].Number.Seq+1 {
			run++
		}
		first := rest[0].Number
		if err := t.skipTo(ctx, first); err != nil {
			return err
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

func (t *tx) skipTo(ctx context.Context, first registry.Number) error {
	const text = `UPDATE series SET taken = ?1
 WHERE register = ?2 AND year = ?3 AND taken < ?1
   AND EXISTS (SELECT 1 FROM leaf WHERE type = ?4 AND subject = ?5)`
	_, err := t.exec(ctx, text, first.Seq-1, first.Register, first.Year, string(registry.ActGap), first.Series().String())
	return err
}

var seriesRows = newBulk("INSERT OR ROLLBACK INTO series ("+seriesColumns+")", 6, `ON CONFLICT (register, year) DO UPDATE
   SET taken = excluded.taken, last_at = excluded.last_at, opened_at = excluded.opened_at, closed_at = excluded.closed_at`)

func (t *tx) writeSeries(ctx context.Context, w registry.Writes) error {
	return t.put(ctx, &seriesRows, len(w.Series), func(v []any, i int) []any {
		s := &w.Series[i]
		return append(v, s.Register, s.Year, s.Taken, micros(s.LastAt), micros(s.OpenedAt), micros(s.ClosedAt))
	})
}

var arrivalRows = newBulk("INSERT OR ROLLBACK INTO arrival ("+arrivalColumns+")", 13, `ON CONFLICT (item) DO UPDATE
   SET disposition = excluded.disposition, leaf = excluded.leaf, number_register = excluded.number_register,
       number_year = excluded.number_year, number_seq = excluded.number_seq, place = excluded.place,
       register = excluded.register, reason = excluded.reason, redelivered = excluded.redelivered, first = excluded.first`)

func (t *tx) writeArrivals(ctx context.Context, w registry.Writes) error {
	return t.put(ctx, &arrivalRows, len(w.Arrivals), func(v []any, i int) []any {
		a := &w.Arrivals[i]
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

var workRows = newBulk(`INSERT OR ROLLBACK INTO work (leaf, register, year, status, open, department, clerk, class, folder, due, flags,
       sender, restricted, readers, hide_from, body)`, 16, `ON CONFLICT (leaf) DO UPDATE
   SET status = excluded.status, open = excluded.open, department = excluded.department, clerk = excluded.clerk,
       class = excluded.class, folder = excluded.folder, due = excluded.due, flags = excluded.flags, sender = excluded.sender,
       restricted = excluded.restricted, readers = excluded.readers, hide_from = excluded.hide_from, body = excluded.body`)

func (t *tx) writeWorks(ctx context.Context, w registry.Writes) error {
	bodies := make([]string, len(w.Works))
	for i := range w.Works {
		body, err := json.Marshal(&w.Works[i])
		if err != nil {
			return fmt.Errorf("%w: entry %s: %w", registry.ErrData, w.Works[i].Number, err)
		}
		bodies[i] = string(body)
	}
	return t.put(ctx, &workRows, len(w.Works), func(v []any, i int) []any {
		k := &w.Works[i]
		return append(v, k.Leaf, k.Number.Register, k.Number.Year, string(k.Status), k.Status.Open(), k.Department, k.Clerk, k.Class,
			k.Folder, k.Deadline.Due.String(), flagColumn(k.Flags), strings.ToLower(k.Sender.Email), k.Restricted,
			arrayOrNull(k.Readers), arrayOrNull(k.HideFrom), bodies[i])
	})
}

var markRows = newBulk("INSERT OR ROLLBACK INTO mark (rowid, marks)", 2, "")

// writeMarks notes by what entries and notices are looked for. An entry that
// is changed is marked again: it may have another sender now.
func (t *tx) writeMarks(ctx context.Context, w registry.Writes) error {
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
	leaves := slices.Sorted(maps.Keys(marks))
	return t.put(ctx, &markRows, len(leaves), func(v []any, i int) []any {
		return append(v, leaves[i], strings.Join(marks[leaves[i]], " "))
	})
}

var folderRows = newBulk("INSERT OR ROLLBACK INTO folder ("+folderColumns+", year)", 18, `ON CONFLICT (id) DO UPDATE
   SET year = excluded.year, state = excluded.state, case_number = excluded.case_number, class = excluded.class,
       department = excluded.department, clerk = excluded.clerk, title = excluded.title, joined_into = excluded.joined_into,
       moved_to = excluded.moved_to, moved_from = excluded.moved_from, entries = excluded.entries, opened_at = excluded.opened_at,
       closed_at = excluded.closed_at, case_at = excluded.case_at, leaf = excluded.leaf, last_leaf = excluded.last_leaf, restricted = excluded.restricted`)

func (t *tx) writeFolders(ctx context.Context, w registry.Writes) error {
	return t.put(ctx, &folderRows, len(w.Folders), func(v []any, i int) []any {
		f := &w.Folders[i]
		return append(v, f.ID, f.State, f.Case, f.Class, f.Department, f.Clerk, f.Title, f.JoinedInto, f.MovedTo, f.MovedFrom, f.Entries,
			micros(f.OpenedAt), micros(f.ClosedAt), micros(f.CaseAt), f.Leaf, f.LastLeaf, f.Restricted, yearIn(cmp.Or(f.Case, f.ID)))
	})
}

var counterRows = newBulk("INSERT OR ROLLBACK INTO counter (department, class, subgroup, year, taken)", 5,
	"ON CONFLICT (department, class, subgroup, year) DO UPDATE SET taken = excluded.taken")

func (t *tx) writeCounters(ctx context.Context, w registry.Writes) error {
	series := slices.Collect(maps.Keys(w.Counters))
	return t.put(ctx, &counterRows, len(series), func(v []any, i int) []any {
		c := series[i]
		return append(v, c.Department, c.Class, c.Group, c.Year, w.Counters[c])
	})
}

var balanceRows = newBulk("INSERT OR ROLLBACK INTO balance ("+balanceColumns+")", 4, `ON CONFLICT (clerk) DO UPDATE
   SET open = excluded.open, given = excluded.given, last_leaf = excluded.last_leaf`)

func (t *tx) writeBalances(ctx context.Context, w registry.Writes) error {
	return t.put(ctx, &balanceRows, len(w.Balances), func(v []any, i int) []any {
		b := &w.Balances[i]
		return append(v, b.Clerk, b.Open, b.Given, b.LastLeaf)
	})
}

var traceRows = newBulk("INSERT OR ROLLBACK INTO trace (week, kind, key, item, digest, register, year, seq, at)", 9,
	`ON CONFLICT (week, kind, key, item) DO UPDATE
   SET digest = excluded.digest, register = excluded.register, year = excluded.year, seq = excluded.seq, at = excluded.at`)

func (t *tx) writeTraces(ctx context.Context, w registry.Writes) error {
	err := t.put(ctx, &traceRows, len(w.Traces), func(v []any, i int) []any {
		r := &w.Traces[i]
		return append(v, r.Week, r.Kind, r.Key[:], r.Item[:], r.Digest[:], r.Number.Register, r.Number.Year, r.Number.Seq, micros(r.At))
	})
	if err != nil || w.ForgetTraces == 0 {
		return err
	}
	_, err = t.exec(ctx, "DELETE FROM trace WHERE week < ?1", w.ForgetTraces)
	return err
}

// A row has its recipient's turn if nothing of his is undone.
var outboxRows = newBulk(`INSERT OR ROLLBACK INTO outbox (turn, leaf, n, node, kind, recipient, register, year, seq, item, variant, state, attempts,
       not_before, lease_by, lease_till, message_id, rendered, sender, addresses, last_error, created_at, done_at)`, 24, "",
	"? AND NOT EXISTS (SELECT 1 FROM outbox WHERE recipient = ? AND state IN ('ready', 'leased'))")

func (t *tx) writeOutbox(ctx context.Context, w registry.Writes) error {
	type place struct {
		leaf, n int64
		turn    bool // first of its recipient among these
	}
	places := make([]place, len(w.Outbox))
	waiting := map[string]bool{}
	for i := range w.Outbox {
		o := &w.Outbox[i]
		leaf, n, err := outboxKey(o.ID)
		if err != nil {
			return err
		}
		undone := o.State == registry.OutboxReady || o.State == registry.OutboxLeased
		places[i] = place{leaf, n, undone && !waiting[o.Recipient]}
		waiting[o.Recipient] = waiting[o.Recipient] || undone
	}
	return t.put(ctx, &outboxRows, len(w.Outbox), func(v []any, i int) []any {
		o, p := &w.Outbox[i], places[i]
		return append(v, p.turn, o.Recipient, p.leaf, p.n, o.Node, o.Kind, o.Recipient, o.Number.Register, o.Number.Year, o.Number.Seq,
			o.Item[:], o.Variant, o.State, o.Attempts, micros(o.NotBefore), o.LeaseBy, micros(o.LeaseTill), o.MessageID, o.Rendered,
			o.From, array(o.To), o.LastError, micros(o.CreatedAt), micros(o.DoneAt))
	})
}

// An erasure takes away what the leaves of the item's arrivals hold. Their
// bodies stay, and so does what was done since.
func (t *tx) writeErasures(ctx context.Context, w registry.Writes) error {
	for i := range w.Leaves {
		l := &w.Leaves[i]
		if l.Type != string(registry.ActErased) {
			continue
		}
		item, err := registry.ParseItemID(l.Subject)
		if err != nil {
			continue // an erasure of something else: nothing here holds it
		}
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
