package sqlite

import (
	"context"
	"strconv"
	"strings"
	"time"

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
	by: "e.register, e.year, e.seq",
	after: func(c *clause, mark string) error {
		n, err := registry.ParseNumber(mark)
		if err != nil {
			return badMark(mark)
		}
		c.and("(e.register, e.year, e.seq) > (?, ?, ?)", n.Register, n.Year, n.Seq)
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

// filters are those of lists.
func (s *Store) filters(ctx context.Context, q registry.Query) (*clause, error) {
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
	if !q.Since.IsZero() {
		first, err := s.firstLeafAt(ctx, q.Since)
		if err != nil {
			return nil, err
		}
		c.and("w.leaf >= ?", first)
	}
	if !q.Until.IsZero() {
		first, err := s.firstLeafAt(ctx, q.Until)
		if err != nil {
			return nil, err
		}
		c.and("w.leaf < ?", first)
	}
	return c, nil
}

// firstLeafAt finds the first leaf that is not earlier than t. Leaves and their
// times grow together, so no index is needed: it halves.
func (s *Store) firstLeafAt(ctx context.Context, t time.Time) (int64, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return 0, err
	}
	low, high := int64(0), head.Size
	for low < high {
		middle := low + (high-low)/2
		var at int64
		if err := s.read.QueryRowContext(ctx, "SELECT at FROM leaf WHERE idx = ?1", middle).Scan(&at); err != nil {
			return 0, err
		}
		if at < t.UnixMicro() {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

func (s *Store) findEntries(ctx context.Context, q registry.Query) (registry.Page, error) {
	c, err := s.filters(ctx, q)
	if err != nil {
		return registry.Page{}, err
	}
	return s.works(ctx, q, fromWork, c, newestFirst)
}

func (s *Store) findCaseEntries(ctx context.Context, q registry.Query) (registry.Page, error) {
	c, err := s.filters(ctx, q)
	if err != nil || q.Folder == "" && q.Case == "" {
		return registry.Page{}, err
	}
	return s.works(ctx, q, fromWork, c, oldestFirst)
}

const fromEntry = "SELECT w.body FROM entry AS e JOIN work AS w ON w.leaf = e.leaf"

func (s *Store) findNumbers(ctx context.Context, q registry.Query) (registry.Page, error) {
	if n := q.Number; !n.IsZero() {
		q.Register, q.Year = n.Register, n.Year
	}
	c, err := s.filters(ctx, q)
	if err != nil {
		return registry.Page{}, err
	}
	c.fits("e.register", q.Register)
	if q.Year != 0 {
		c.and("e.year = ? AND e.seq >= ?", q.Year, q.Number.Seq)
	}
	return s.works(ctx, q, fromEntry, c, byNumber)
}

func (s *Store) findDue(ctx context.Context, q registry.Query) (registry.Page, error) {
	q.Open = true
	c, err := s.filters(ctx, q)
	if err != nil {
		return registry.Page{}, err
	}
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
	c.and("e.register = ? AND e.year = ? AND e.seq = ?", n.Register, n.Year, n.Seq)
	return s.works(ctx, q, fromEntry, c, newestFirst)
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

// marked lists entries by a mark, newest first. The text itself is compared
// too: marks may be equal by chance, and the entry may have changed since.
func (s *Store) marked(ctx context.Context, q registry.Query, kind byte, column, value string) (registry.Page, error) {
	c, err := s.filters(ctx, q)
	if err != nil || value == "" {
		return registry.Page{}, err
	}
	c.and("mark MATCH ? AND "+column+" = ?", mark(kind, value), value)
	return s.works(ctx, q, "SELECT w.body FROM mark JOIN work AS w ON w.leaf = mark.rowid", c, markNewestFirst)
}

// markNewestFirst is newestFirst in the words of the index, which reads
// backwards without sorting.
var markNewestFirst = order{
	by: "mark.rowid DESC",
	after: func(c *clause, mark string) error {
		leaf, err := afterNumbers(mark, 1)
		c.and("mark.rowid < ?", leaf...)
		return err
	},
	mark: leafMark,
}

func (s *Store) findMessage(ctx context.Context, q registry.Query) (registry.Page, error) {
	return s.marked(ctx, q, markMessage, "w.body ->> '$.MessageID'", q.MessageID)
}

func (s *Store) findSender(ctx context.Context, q registry.Query) (registry.Page, error) {
	return s.marked(ctx, q, markSender, "w.sender", strings.ToLower(q.Sender))
}
