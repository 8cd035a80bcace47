package storetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"kancelaria/registry"
)

// Find implements registry.Store.
func (m *Memory) Find(_ context.Context, q registry.Query) (page registry.Page, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch q.Of {
	case registry.FindEntries, registry.FindCaseEntries, registry.FindNumbers, registry.FindDue, registry.FindEntry,
		registry.FindMessage, registry.FindSender, registry.FindSearch:
		page.Works, page.Next, err = paged(m.entriesFor(q), q, func(w registry.Work) string { return w.Number.String() })
	case registry.FindLine, registry.FindEvents:
		page.Leaves, page.Next, err = paged(m.leavesFor(q), q, func(l registry.LeafRow) string { return strconv.FormatInt(l.Index, 10) })
	case registry.FindArrivals:
		page.Arrivals, page.Next, err = paged(m.arrivalsFor(q), q, func(a registry.ArrivalRow) string { return a.Item.String() })
	case registry.FindFolders:
		page.Folders, page.Next, err = paged(m.foldersFor(q), q, func(f registry.Folder) string { return f.ID })
	case registry.FindOutbox:
		page.Outbox, page.Next, err = paged(m.outboxFor(q), q, func(o registry.OutboxRow) string { return o.ID })
	case registry.FindNotes:
		page.Notes, page.Next, err = paged(m.notesFor(q), q, func(n registry.Note) string { return n.Kind + "/" + n.Key })
	case registry.FindCheckpoints:
		newest := slices.Clone(m.checkpoints)
		slices.Reverse(newest)
		page.Checkpoints, page.Next, err = paged(newest, q, func(c registry.Checkpoint) string { return strconv.FormatInt(c.Size, 10) })
	case registry.FindSeries:
		page.Series = slices.SortedFunc(maps.Values(m.book.Series), func(a, b registry.SeriesRow) int {
			return cmp.Or(cmp.Compare(a.Register, b.Register), cmp.Compare(a.Year, b.Year))
		})
	case registry.FindBalances:
		page.Balances = slices.SortedFunc(maps.Values(m.book.Balances), func(a, b registry.Balance) int { return cmp.Compare(a.Clerk, b.Clerk) })
	case registry.FindLeases:
		page.Leases = slices.SortedFunc(maps.Values(m.leases), func(a, b registry.Lease) int { return cmp.Compare(a.Name, b.Name) })
	case registry.FindCounters:
		page.Counters = maps.Clone(m.book.Counters)
	default:
		err = fmt.Errorf("%w: nothing is found by %q", registry.ErrRefused, q.Of)
	}
	return page, err
}

// paged cuts the page out of rows that a query asks for.
func paged[T any](rows []T, q registry.Query, mark func(T) string) (page []T, next string, err error) {
	if q.After != "" {
		at := slices.IndexFunc(rows, func(r T) bool { return mark(r) == q.After })
		if at < 0 {
			return nil, "", fmt.Errorf("%w: %q does not name a page", registry.ErrRefused, q.After)
		}
		rows = rows[at+1:]
	}
	if size := q.PageSize(); len(rows) > size {
		return rows[:size], mark(rows[size-1]), nil
	}
	return rows, "", nil
}

func byNumber(a, b registry.Work) int {
	return cmp.Or(cmp.Compare(a.Number.Register, b.Number.Register), cmp.Compare(a.Number.Year, b.Number.Year), cmp.Compare(a.Number.Seq, b.Number.Seq))
}

// entriesFor gives the entries a query finds, in its order.
func (m *Memory) entriesFor(q registry.Query) []registry.Work {
	works := slices.DeleteFunc(m.works(), func(w registry.Work) bool { return !q.Viewer.Sees(w) || !m.found(q, w) })
	switch q.Of {
	case registry.FindCaseEntries:
	case registry.FindNumbers:
		slices.SortFunc(works, byNumber)
	case registry.FindDue:
		slices.SortStableFunc(works, func(a, b registry.Work) int { return cmp.Compare(a.Deadline.Due.String(), b.Deadline.Due.String()) })
	default:
		slices.Reverse(works)
	}
	return works
}

func (m *Memory) found(q registry.Query, w registry.Work) bool {
	switch q.Of {
	case registry.FindEntry:
		return w.Number == m.numberFor(q)
	case registry.FindMessage:
		return q.MessageID != "" && w.MessageID == q.MessageID
	case registry.FindSender:
		return q.Sender != "" && strings.ToLower(w.Sender.Email) == q.Sender
	case registry.FindSearch:
		return m.matches(q, w) && m.filtered(q, w)
	case registry.FindDue:
		due := w.Deadline.Due
		return w.Status.Open() && !due.IsZero() && (q.DueUntil.IsZero() || !q.DueUntil.Before(due)) && m.filtered(q, w)
	case registry.FindCaseEntries:
		return (q.Folder != "" || q.Case != "") && m.filtered(q, w)
	case registry.FindNumbers:
		n := q.Number
		return (n.IsZero() || n.Series() == w.Number.Series() && w.Number.Seq >= n.Seq) && m.filtered(q, w)
	default:
		return m.filtered(q, w)
	}
}

// filtered applies the filters of lists.
func (m *Memory) filtered(q registry.Query, w registry.Work) bool {
	fits := func(want, have string) bool { return want == "" || want == have }
	return fits(q.Register, w.Number.Register) && fits(q.Department, w.Department) && fits(q.Clerk, w.Clerk) && fits(q.Class, w.Class) &&
		fits(string(q.Status), string(w.Status)) && fits(q.Folder, w.Folder) &&
		(q.Case == "" || m.book.Cases[q.Case] == w.Folder) &&
		(q.Year == 0 || q.Year == w.Number.Year) &&
		(q.Flag == "" || slices.Contains(w.Flags, q.Flag)) &&
		(!q.Open || w.Status.Open()) &&
		(q.Since.IsZero() || !w.RegisteredAt.Before(q.Since)) && (q.Until.IsZero() || w.RegisteredAt.Before(q.Until))
}

func (m *Memory) numberFor(q registry.Query) registry.Number {
	switch {
	case !q.Item.IsZero():
		return m.book.Arrivals[q.Item].Number
	case q.Key != "":
		leaf, ok := m.keys[q.Key]
		if !ok {
			return registry.Number{}
		}
		n, _ := registry.ParseNumber(m.leaves[leaf].Subject) // else it is of no entry
		return n
	default:
		return q.Number
	}
}

// words takes a folded text apart.
func words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

func (m *Memory) matches(q registry.Query, w registry.Work) bool {
	have, asked := m.texts[w.Number], 0
	for _, a := range q.Words {
		prefix := strings.HasSuffix(a, "*")
		parts := words(a)
		for i, part := range parts {
			asked++
			begins := prefix && i == len(parts)-1
			if !slices.ContainsFunc(have, func(h string) bool { return h == part || begins && strings.HasPrefix(h, part) }) {
				return false
			}
		}
	}
	return asked > 0
}

func (m *Memory) leavesFor(q registry.Query) []registry.LeafRow {
	var out []registry.LeafRow
	for _, l := range m.leaves {
		found := l.Subject == q.Subject
		if q.Of == registry.FindLine {
			w := m.book.Entries[q.Number]
			switch {
			case q.Leaf != nil:
				found = l.Index == *q.Leaf
			case !q.Number.IsZero():
				found = w.Found && w.Leaf == l.Index
			default:
				found = q.Key != "" && l.Key == q.Key
			}
		}
		if found && m.seesSubject(q.Viewer, l.Subject) {
			out = append(out, l)
		}
	}
	return out
}

// seesSubject reports whether a viewer may know of what a leaf is about.
func (m *Memory) seesSubject(v *registry.Viewer, subject string) bool {
	n, err := registry.ParseNumber(subject)
	if err != nil {
		if id, bad := registry.ParseItemID(subject); bad == nil {
			n = m.book.Arrivals[id].Number
		}
	}
	if w := m.book.Entries[n]; w.Found {
		return v.Sees(w)
	}
	if f := m.book.Folders[subject]; f.Found {
		return m.seesFolder(v, f)
	}
	return true
}

func (m *Memory) seesFolder(v *registry.Viewer, f registry.Folder) bool {
	if v == nil {
		return true
	}
	seen := false
	for _, w := range m.book.Entries {
		if w.Folder != f.ID {
			continue
		}
		if v.Login != "" && slices.Contains(w.HideFrom, v.Login) {
			return false
		}
		seen = seen || v.Sees(w)
	}
	return v.Unlimited || !f.Restricted || seen
}

func (m *Memory) arrivalsFor(q registry.Query) []registry.ArrivalRow {
	rows := slices.Collect(maps.Values(m.book.Arrivals))
	rows = slices.DeleteFunc(rows, func(a registry.ArrivalRow) bool {
		return len(q.Items) > 0 && !slices.Contains(q.Items, a.Item) || q.Disposition != "" && a.Disposition != q.Disposition ||
			q.Register != "" && a.Register != q.Register || !a.Number.IsZero() && !q.Viewer.Sees(m.book.Entries[a.Number])
	})
	slices.SortFunc(rows, func(a, b registry.ArrivalRow) int {
		if q.Disposition != "" && a.Leaf != b.Leaf {
			return cmp.Compare(b.Leaf, a.Leaf)
		}
		return bytes.Compare(b.Item[:], a.Item[:])
	})
	return rows
}

func (m *Memory) foldersFor(q registry.Query) []registry.Folder {
	fits := func(want, have string) bool { return want == "" || want == have }
	rows := slices.DeleteFunc(slices.Collect(maps.Values(m.book.Folders)), func(f registry.Folder) bool {
		name := cmp.Or(f.Case, f.ID)
		year := name[max(0, len(name)-4):]
		return !fits(q.Folder, f.ID) || !fits(q.Class, f.Class) || !fits(q.Department, f.Department) || !fits(q.Clerk, f.Clerk) ||
			!fits(q.State, f.State) || !fits(q.Case, f.Case) || q.Year != 0 && strconv.Itoa(q.Year) != year || !m.seesFolder(q.Viewer, f)
	})
	slices.SortFunc(rows, func(a, b registry.Folder) int {
		return cmp.Or(cmp.Compare(b.Leaf, a.Leaf), cmp.Compare(b.ID, a.ID))
	})
	return rows
}

func (m *Memory) outboxFor(q registry.Query) []registry.OutboxRow {
	rows := slices.DeleteFunc(m.outboxRows(), func(o registry.OutboxRow) bool {
		return q.State != "" && o.State != q.State || !q.Number.IsZero() && o.Number != q.Number ||
			q.Recipient != "" && o.Recipient != q.Recipient || !o.Number.IsZero() && !q.Viewer.Sees(m.book.Entries[o.Number])
	})
	slices.Reverse(rows)
	return rows
}

func (m *Memory) notesFor(q registry.Query) []registry.Note {
	rows := slices.Collect(maps.Values(m.notes))
	if q.NoteKind == registry.NoteAccess {
		rows = slices.Clone(m.access)
	}
	now := m.now()
	prefix, begins := strings.CutSuffix(q.Key, "*")
	rows = slices.DeleteFunc(rows, func(n registry.Note) bool {
		key := q.Key == "" || n.Key == q.Key
		if begins {
			key = strings.HasPrefix(n.Key, prefix)
		}
		return q.NoteKind != "" && n.Kind != q.NoteKind || !key || over(n.Expires, now)
	})
	slices.SortFunc(rows, func(a, b registry.Note) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Key, b.Key)) })
	return rows
}

func over(expires, now time.Time) bool { return !expires.IsZero() && !expires.After(now) }
