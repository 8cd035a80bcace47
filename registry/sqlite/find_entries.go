package sqlite

import (
	"context"
	"math"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// An order says how pages of entries follow each other.
type order struct {
	by    string                               // ORDER BY
	after func(c *clause, mark string) error   // what lies behind the mark
	mark  func(last registry.Work) (of string) // the mark of a page's last row
}

var newestFirst = order{
	by: "w.leaf DESC",
	after: func(c *clause, mark string) error {
		leaf, err := afterNumbers(mark, 1)
		c.and("w.leaf < ?", leaf...)
		return err
	},
	mark: leafMark,
}

var oldestFirst = order{
	by: "w.leaf",
	after: func(c *clause, mark string) error {
		leaf, err := afterNumbers(mark, 1)
		c.and("w.leaf > ?", leaf...)
		return err
	},
	mark: leafMark,
}

func leafMark(w registry.Work) string { return strconv.FormatInt(w.Leaf, 10) }

var byDueDay = order{
	by: "w.due, w.leaf",
	after: func(c *clause, mark string) error {
		due, leaf, _ := strings.Cut(mark, ".")
		n, err := afterNumbers(leaf, 1)
		c.and("(w.due, w.leaf) > (?, ?)", append([]any{due}, n...)...)
		return err
	},
	mark: func(w registry.Work) string { return w.Deadline.Due.String() + "." + leafMark(w) },
}

var byNumber = order{
	by: "w.register, w.year, w.seq",
	after: func(c *clause, mark string) error {
		n, err := registry.ParseNumber(mark)
		if err != nil {
			return badMark(mark)
		}
		c.and("(w.register, w.year, w.seq) > (?, ?, ?)", n.Register, n.Year, n.Seq)
		return nil
	},
	mark: func(w registry.Work) string { return w.Number.String() },
}

// works reads one page of entries that the viewer may see.
func (s *Store) works(ctx context.Context, q registry.Query, from string, c *clause, o order) (page registry.Page, err error) {
	visible(c, q.Viewer)
	if q.After != "" {
		if err := o.after(c, q.After); err != nil {
			return page, err
		}
	}
	c.add(" ORDER BY " + o.by)
	rows, more, err := collect(ctx, s, from, c, q.PageSize(), scanWork)
	page.Works = rows
	if more {
		page.Next = o.mark(rows[len(rows)-1])
	}
	return page, err
}

// visible says in SQL what registry.Viewer.Sees says.
func visible(c *clause, v *registry.Viewer) {
	if v == nil {
		return
	}
	if v.Login != "" {
		c.and("(w.hide_from IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(w.hide_from) WHERE value = ?))", v.Login)
	}
	switch {
	case v.Unlimited:
	case v.Login == "":
		c.and("(w.restricted = 0 OR w.register IN (SELECT value FROM json_each(?)))", array(v.Registers))
	default:
		c.and(`(w.restricted = 0 OR w.register IN (SELECT value FROM json_each(?)) OR w.clerk = ?
   OR EXISTS (SELECT 1 FROM json_each(w.readers) WHERE value = ?))`, array(v.Registers), v.Login, v.Login)
	}
}

const fromWork = "SELECT w.body FROM work AS w"

// filters are those of lists. Instants are turned into leaves first: numbers of
// leaves and times of registration grow together.
func filters(q registry.Query) *clause {
	c := &clause{}
	c.fits("w.register", q.Register)
	c.fits("w.department", q.Department)
	c.fits("w.clerk", q.Clerk)
	c.fits("w.class", q.Class)
	c.fits("w.status", string(q.Status))
	c.fits("w.folder", q.Folder)
	if q.Case != "" {
		c.and("w.folder = (SELECT id FROM folder WHERE case_number = ? AND case_number <> '')", q.Case)
	}
	if q.Year != 0 {
		c.and("w.year = ?", q.Year)
	}
	if q.Flag != "" {
		c.and("instr(w.flags, ?) > 0", " "+string(q.Flag)+" ")
	}
	if q.Open {
		c.and("w.open = 1")
	}
	const firstSince = "coalesce((SELECT leaf FROM work WHERE registered_at >= ? ORDER BY registered_at, leaf LIMIT 1), ?)"
	if !q.Since.IsZero() {
		c.and("w.leaf >= "+firstSince, q.Since.UnixMicro(), int64(math.MaxInt64))
	}
	if !q.Until.IsZero() {
		c.and("w.leaf < "+firstSince, q.Until.UnixMicro(), int64(math.MaxInt64))
	}
	return c
}

func (s *Store) findEntries(ctx context.Context, q registry.Query) (registry.Page, error) {
	return s.works(ctx, q, fromWork, filters(q), newestFirst)
}

func (s *Store) findCaseEntries(ctx context.Context, q registry.Query) (registry.Page, error) {
	if q.Folder == "" && q.Case == "" {
		return registry.Page{}, nil
	}
	return s.works(ctx, q, fromWork, filters(q), oldestFirst)
}

func (s *Store) findNumbers(ctx context.Context, q registry.Query) (registry.Page, error) {
	c := filters(q)
	if n := q.Number; !n.IsZero() {
		c.and("w.register = ? AND w.year = ? AND w.seq >= ?", n.Register, n.Year, n.Seq)
	}
	return s.works(ctx, q, fromWork, c, byNumber)
}

func (s *Store) findDue(ctx context.Context, q registry.Query) (registry.Page, error) {
	q.Open = true
	c := filters(q)
	c.and("w.due <> ''")
	if !q.DueUntil.IsZero() {
		c.and("w.due <= ?", q.DueUntil.String())
	}
	return s.works(ctx, q, fromWork, c, byDueDay)
}

// findEntry finds one entry by its number, by an item that became it or came
// again, or by the key of a draft on it.
func (s *Store) findEntry(ctx context.Context, q registry.Query) (registry.Page, error) {
	n := q.Number
	var err error
	switch {
	case !q.Item.IsZero():
		n, err = s.numberOfItem(ctx, q.Item)
	case q.Key != "":
		n, err = s.numberOfKey(ctx, q.Key)
	}
	if err != nil || n.IsZero() {
		return registry.Page{}, err
	}
	c := &clause{}
	c.and("w.register = ? AND w.year = ? AND w.seq = ?", n.Register, n.Year, n.Seq)
	return s.works(ctx, q, fromWork, c, newestFirst)
}

func (s *Store) numberOfItem(ctx context.Context, item registry.ItemID) (registry.Number, error) {
	a, err := scanArrival(s.read.QueryRowContext(ctx, "SELECT "+arrivalColumns+" FROM arrival WHERE item = ?1", item[:]))
	if none(err) {
		return registry.Number{}, nil
	}
	return a.Number, err
}

// numberOfKey finds the entry that the draft of a key concerned.
func (s *Store) numberOfKey(ctx context.Context, key string) (registry.Number, error) {
	var subject string
	err := s.read.QueryRowContext(ctx, "SELECT subject FROM leaf WHERE key = ?1", key).Scan(&subject)
	if none(err) {
		return registry.Number{}, nil
	}
	if n, bad := registry.ParseNumber(subject); err == nil && bad == nil {
		return n, nil
	}
	return registry.Number{}, err
}

// byMark looks into each stretch of leaves once, newest first. The text itself
// is compared too: marks may be equal by chance.
func (s *Store) byMark(ctx context.Context, q registry.Query, column, field, value string) (registry.Page, error) {
	if value == "" {
		return registry.Page{}, nil
	}
	const stretches = `WITH RECURSIVE stretch (n) AS (
	SELECT max(leaf) >> 12 FROM work UNION ALL SELECT n - 1 FROM stretch WHERE n > 0
)
SELECT w.body FROM stretch CROSS JOIN work AS w`
	c := filters(q)
	c.and("w.leaf >> 12 = stretch.n AND w."+column+" = ? AND lower(w.body ->> ?) = lower(?)", mark(value), field, value)
	return s.works(ctx, q, stretches, c, newestFirst)
}

func (s *Store) findMessage(ctx context.Context, q registry.Query) (registry.Page, error) {
	return s.byMark(ctx, q, "message_mark", "$.MessageID", q.MessageID)
}

func (s *Store) findSender(ctx context.Context, q registry.Query) (registry.Page, error) {
	return s.byMark(ctx, q, "sender_mark", "$.Sender.email", strings.ToLower(q.Sender))
}
