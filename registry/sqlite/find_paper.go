package sqlite

import (
	"context"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// findLine finds one leaf.
func (s *Store) findLine(ctx context.Context, q registry.Query) (registry.Page, error) {
	c := &clause{}
	switch {
	case q.Leaf != nil:
		c.and("idx = ?", *q.Leaf)
	case !q.Number.IsZero():
		n := q.Number
		c.and("idx = (SELECT leaf FROM entry WHERE register = ? AND year = ? AND seq = ?)", n.Register, n.Year, n.Seq)
	case q.Key != "":
		c.and("key = ?", q.Key)
	default:
		return registry.Page{}, nil
	}
	rows, _, err := collect(ctx, s, "SELECT "+leafColumns+" FROM leaf", c, 1, scanLeaf)
	if err != nil || len(rows) == 0 {
		return registry.Page{}, err
	}
	sees, err := s.seesSubject(ctx, q.Viewer, rows[0].Subject)
	if err != nil || !sees {
		return registry.Page{}, err
	}
	return registry.Page{Leaves: rows}, nil
}

// findEvents lists what happened to a subject.
func (s *Store) findEvents(ctx context.Context, q registry.Query) (page registry.Page, err error) {
	sees, err := s.seesSubject(ctx, q.Viewer, q.Subject)
	if err != nil || !sees {
		return page, err
	}
	c := &clause{}
	c.and("subject = ?", q.Subject)
	if q.After != "" {
		after, err := afterNumbers(q.After, 1)
		if err != nil {
			return page, err
		}
		c.and("idx > ?", after...)
	}
	c.add(" ORDER BY idx")
	rows, more, err := collect(ctx, s, "SELECT "+leafColumns+" FROM leaf", c, q.PageSize(), scanLeaf)
	page.Leaves = rows
	if more {
		page.Next = strconv.FormatInt(rows[len(rows)-1].Index, 10)
	}
	return page, err
}

// seesSubject reports whether a viewer may know of what leaves are about: an
// entry, a folder, an item that became an entry, or something else, which
// everybody may.
func (s *Store) seesSubject(ctx context.Context, v *registry.Viewer, subject string) (bool, error) {
	if v == nil {
		return true, nil
	}
	n, err := registry.ParseNumber(subject)
	if err != nil {
		if item, bad := registry.ParseItemID(subject); bad == nil {
			if n, err = s.numberOfItem(ctx, item); err != nil {
				return false, err
			}
		}
	}
	if !n.IsZero() {
		page, err := s.findEntry(ctx, registry.Query{Number: n})
		return len(page.Works) == 0 || v.Sees(page.Works[0]), err
	}
	page, err := s.findFolders(ctx, registry.Query{Folder: subject, Viewer: v})
	if err != nil || len(page.Folders) > 0 {
		return err == nil, err
	}
	page, err = s.findFolders(ctx, registry.Query{Folder: subject})
	return err == nil && len(page.Folders) == 0, err
}

// findArrivals lists what became of items: of those named, or newest first all
// of a disposition, or all that ever came.
func (s *Store) findArrivals(ctx context.Context, q registry.Query) (page registry.Page, err error) {
	c := &clause{}
	if len(q.Items) > 0 {
		c.and("a.item IN (SELECT unhex(value) FROM json_each(?))", array(hexes(q.Items)))
	}
	byLeaf := q.Disposition != ""
	c.fits("a.disposition", string(q.Disposition))
	c.fits("a.register", q.Register)
	visibleNumber(c, q.Viewer, "a.number_register", "a.number_year", "a.number_seq")
	if q.After != "" {
		if err := afterArrival(c, q.After, byLeaf); err != nil {
			return page, err
		}
	}
	if byLeaf {
		c.add(" ORDER BY a.leaf DESC, a.item DESC")
	} else {
		c.add(" ORDER BY a.item DESC") // ids begin with the time
	}
	rows, more, err := collect(ctx, s, "SELECT "+arrivalColumns+" FROM arrival AS a", c, q.PageSize(), scanArrival)
	page.Arrivals = rows
	if more {
		last := rows[len(rows)-1]
		page.Next = strconv.FormatInt(last.Leaf, 10) + "." + last.Item.String()
	}
	return page, err
}

func afterArrival(c *clause, after string, byLeaf bool) error {
	leaf, id, _ := strings.Cut(after, ".")
	n, err := strconv.ParseInt(leaf, 10, 64)
	if err != nil {
		return badMark(after)
	}
	item, err := registry.ParseItemID(id)
	if err != nil {
		return badMark(after)
	}
	if byLeaf {
		c.and("(a.leaf, a.item) < (?, ?)", n, item[:])
	} else {
		c.and("a.item < ?", item[:])
	}
	return nil
}

// visibleNumber lets through what concerns no entry, or one the viewer sees.
func visibleNumber(c *clause, v *registry.Viewer, register, year, seq string) {
	if v == nil {
		return
	}
	hidden := &clause{args: c.args}
	visible(hidden, v)
	if hidden.text.Len() == 0 {
		return
	}
	c.nest("(coalesce("+seq+", 0) = 0 OR EXISTS (SELECT 1 FROM entry AS e JOIN work AS w ON w.leaf = e.leaf", hidden,
		" AND e.register = "+register+" AND e.year = "+year+" AND e.seq = "+seq+"))")
}

// findFolders lists folders, newest first.
func (s *Store) findFolders(ctx context.Context, q registry.Query) (page registry.Page, err error) {
	c := &clause{}
	c.fits("id", q.Folder)
	c.fits("class", q.Class)
	c.fits("department", q.Department)
	c.fits("clerk", q.Clerk)
	c.fits("state", q.State)
	if q.Case != "" {
		c.and("case_number = ? AND case_number <> ''", q.Case)
	}
	if q.Year != 0 {
		c.and("year = ?", q.Year)
	}
	visibleFolder(c, q.Viewer)
	if q.After != "" {
		leaf, id, _ := strings.Cut(q.After, ".")
		n, err := afterNumbers(leaf, 1)
		if err != nil {
			return page, badMark(q.After)
		}
		c.and("(leaf, id) < (?, ?)", n[0], id)
	}
	c.add(" ORDER BY leaf DESC, id DESC")
	rows, more, err := collect(ctx, s, "SELECT "+folderColumns+" FROM folder", c, q.PageSize(), scanFolder)
	page.Folders = rows
	if more {
		last := rows[len(rows)-1]
		page.Next = strconv.FormatInt(last.Leaf, 10) + "." + last.ID
	}
	return page, err
}

// visibleFolder hides a restricted folder from those who see none of its
// entries, and any folder from those whom an entry in it is about.
func visibleFolder(c *clause, v *registry.Viewer) {
	if v == nil {
		return
	}
	if v.Login != "" {
		c.and("NOT EXISTS (SELECT 1 FROM work AS w, json_each(w.hide_from) AS h WHERE w.folder = folder.id AND h.value = ?)", v.Login)
	}
	if v.Unlimited {
		return
	}
	seen := &clause{args: c.args}
	visible(seen, v)
	c.nest("(restricted = 0 OR EXISTS (SELECT 1 FROM work AS w", seen, " AND w.folder = folder.id))")
}

// findOutbox lists what was, is or will be sent, newest first.
func (s *Store) findOutbox(ctx context.Context, q registry.Query) (page registry.Page, err error) {
	from := "SELECT " + outboxColumns + " FROM outbox"
	c := &clause{}
	switch q.State {
	case registry.OutboxReady, registry.OutboxLeased: // what is undone is few beside what is done
		from = `WITH undone AS (
	SELECT leaf, n FROM outbox WHERE turn = 1
	UNION ALL SELECT leaf, n FROM outbox WHERE turn = 0 AND state IN ('ready', 'leased')
)
SELECT ` + outboxColumns + " FROM undone CROSS JOIN outbox ON outbox.leaf = undone.leaf AND outbox.n = undone.n"
	case registry.OutboxDead, registry.OutboxReplayed:
		c.and("outbox.state IN ('dead', 'replayed')")
	}
	c.fits("outbox.state", q.State)
	if n := q.Number; !n.IsZero() {
		c.and("outbox.leaf IN (SELECT idx FROM leaf WHERE subject = ?) AND outbox.register = ? AND outbox.year = ? AND outbox.seq = ?",
			n.String(), n.Register, n.Year, n.Seq)
	}
	if q.Recipient != "" {
		c.and("outbox.recipient = ?", q.Recipient)
		if q.State != registry.OutboxReady && q.State != registry.OutboxLeased {
			from = "SELECT " + outboxColumns + " FROM mark JOIN outbox ON outbox.leaf = mark.rowid"
			c.and("mark MATCH ?", mark(markRecipient, q.Recipient))
		}
	}
	visibleNumber(c, q.Viewer, "outbox.register", "outbox.year", "outbox.seq")
	if q.After != "" {
		after, err := afterNumbers(q.After, 2)
		if err != nil {
			return page, err
		}
		c.and("(outbox.leaf, outbox.n) < (?, ?)", after...)
	}
	c.add(" ORDER BY outbox.leaf DESC, outbox.n DESC")
	rows, more, err := collect(ctx, s, from, c, q.PageSize(), scanOutbox)
	page.Outbox = rows
	if more {
		page.Next = rows[len(rows)-1].ID
	}
	return page, err
}
