package postgres

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
		c.and("(w.hide_from IS NULL OR NOT jsonb_exists(w.hide_from, ?))", v.Login)
	}
	registers := append([]string{}, v.Registers...) // never NULL
	switch {
	case v.Unlimited:
	case v.Login == "":
		c.and("(NOT w.restricted OR w.register = ANY (?::text[]))", registers)
	default:
		c.and("(NOT w.restricted OR w.register = ANY (?::text[]) OR w.clerk = ? OR jsonb_exists(w.readers, ?))", registers, v.Login, v.Login)
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
		c.and("strpos(w.flags, ?) > 0", " "+string(q.Flag)+" ")
	}
	if q.Open {
		c.and("w.open")
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
func (s *Store) firstLeafAt(ctx context.Context, t time.Time) (first int64, err error) {
	const text = `WITH RECURSIVE half (low, high) AS (
	SELECT 0::bigint, size FROM head
	UNION ALL
	SELECT CASE WHEN leaf.at < $1 THEN leaf.idx + 1 ELSE low END, CASE WHEN leaf.at < $1 THEN high ELSE leaf.idx END
	  FROM half JOIN leaf ON leaf.idx = low + (high - low) / 2
	 WHERE low < high
)
SELECT low FROM half WHERE low >= high LIMIT 1`
	err = s.query(ctx, text, func(r row) error { return r.Scan(&first) }, t)
	return first, err
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

func (s *Store) numberOfItem(ctx context.Context, item registry.ItemID) (n registry.Number, err error) {
	err = s.query(ctx, "SELECT "+arrivalColumns+" FROM arrival WHERE item = $1", func(r row) error {
		a, err := scanArrival(r)
		n = a.Number
		return err
	}, uuid(item))
	return n, err
}

// numberOfKey finds the entry that the draft of a key concerned.
func (s *Store) numberOfKey(ctx context.Context, key string) (n registry.Number, err error) {
	err = s.query(ctx, "SELECT subject FROM leaf WHERE key = $1", func(r row) error {
		var subject string
		if err := r.Scan(&subject); err != nil {
			return err
		}
		if number, bad := registry.ParseNumber(subject); bad == nil {
			n = number
		}
		return nil
	}, key)
	return n, err
}

// marked lists entries by a mark, newest first. The text itself is compared
// too: marks may be equal by chance.
func (s *Store) marked(ctx context.Context, q registry.Query, column, value string) (registry.Page, error) {
	c, err := s.filters(ctx, q)
	if err != nil || value == "" {
		return registry.Page{}, err
	}
	c.and("w."+column+" = ?", value)
	return s.works(ctx, q, fromWork, c, newestFirst)
}

func (s *Store) findMessage(ctx context.Context, q registry.Query) (registry.Page, error) {
	return s.marked(ctx, q, "message_mark = "+strconv.FormatInt(mark(q.MessageID), 10)+" AND w.message_id", q.MessageID)
}

func (s *Store) findSender(ctx context.Context, q registry.Query) (registry.Page, error) {
	sender := strings.ToLower(q.Sender)
	return s.marked(ctx, q, "sender_mark = "+strconv.FormatInt(mark(sender), 10)+" AND w.sender", sender)
}
