package paper

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"kancelaria/registry"
)

// Reports are counted and gathered from the book, for whoever may see it.
type Reports struct {
	Book   Finder
	Office func() *registry.Office
	Now    func() time.Time
}

// A Finder answers queries.
type Finder interface {
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
}

// A Month is how the office fared with what it registered in a month: how it
// came, and whether it was dealt with in time. Annulled entries count nowhere
// else.
type Month struct {
	Month       string       `json:"month"` // 2026-11
	MadeAt      time.Time    `json:"made_at"`
	Office      string       `json:"office"`
	Departments []MonthLine  `json:"departments"`
	Total       MonthLine    `json:"total"`
	Annulled    int64        `json:"annulled"`
	as          registry.Day // the day against which open entries are late
}

// A MonthLine counts for one department.
type MonthLine struct {
	Department string `json:"department"`
	Name       string `json:"name,omitempty"`
	Entries    int64  `json:"entries"`
	Email      int64  `json:"email"`
	Paper      int64  `json:"paper"`
	Delivered  int64  `json:"delivered"`   // by e-Delivery or ePUAP
	Web        int64  `json:"web"`         // uploaded
	InTime     int64  `json:"in_time"`     // dealt with by the day it was due
	Late       int64  `json:"late"`        // dealt with after it
	OpenInTime int64  `json:"open"`        // not dealt with, not due yet
	Overdue    int64  `json:"overdue"`     // not dealt with, and due
	NoDeadline int64  `json:"no_deadline"` // of those, and of those dealt with, without a day
}

// Month counts a month, first being its first day.
func (r Reports) Month(ctx context.Context, v *registry.Viewer, first registry.Day) (Month, error) {
	o := r.Office()
	now := r.Now()
	from := time.Date(first.Year, first.Month, 1, 0, 0, 0, 0, o.Zone)
	m := Month{Month: from.Format("2006-01"), MadeAt: now.UTC(), Office: o.Name, as: registry.DayOf(now, o.Zone)}
	lines := map[string]*MonthLine{}
	q := registry.Query{Of: registry.FindEntries, Since: from, Until: from.AddDate(0, 1, 0), Viewer: v, Limit: 500}
	for {
		page, err := r.Book.Find(ctx, q)
		if err != nil {
			return Month{}, fmt.Errorf("counting %s: %w", m.Month, err)
		}
		for _, w := range page.Works {
			if w.Status == registry.StatusAnnulled {
				m.Annulled++
				continue
			}
			l := lines[w.Department]
			if l == nil {
				l = &MonthLine{Department: w.Department, Name: o.Departments[w.Department].Name}
				lines[w.Department] = l
			}
			done, err := r.doneOn(ctx, w)
			if err != nil {
				return Month{}, fmt.Errorf("counting %s: %w", w.Number, err)
			}
			l.count(w, done, m.as)
			m.Total.count(w, done, m.as)
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	for _, l := range lines {
		m.Departments = append(m.Departments, *l)
	}
	slices.SortFunc(m.Departments, func(a, b MonthLine) int { return cmp.Compare(a.Department, b.Department) })
	return m, nil
}

// count adds an entry that was done with on a day; none: it is open.
func (l *MonthLine) count(w registry.Work, done, today registry.Day) {
	l.Entries++
	switch {
	case w.Door.IsMail():
		l.Email++
	case w.Door == registry.DoorPackage:
		l.Delivered++
	case w.Door == registry.DoorWeb:
		l.Web++
	default:
		l.Paper++
	}
	due := w.Deadline.Due
	switch {
	case due.IsZero():
		l.NoDeadline++
	case done.IsZero() && due.Before(today):
		l.Overdue++
	case done.IsZero():
		l.OpenInTime++
	case due.Before(done):
		l.Late++
	default:
		l.InTime++
	}
}

// doneOn gives the day on which an entry was dealt with or handed to another
// body; none while it is open.
func (r Reports) doneOn(ctx context.Context, w registry.Work) (registry.Day, error) {
	if w.Status != registry.StatusClosed && w.Status != registry.StatusForwarded || w.Deadline.Due.IsZero() {
		return registry.Day{}, nil
	}
	zone := r.Office().Zone
	events, err := r.Book.Find(ctx, registry.Query{Of: registry.FindEvents, Subject: w.Number.String(), Limit: 1000})
	if err != nil {
		return registry.Day{}, err
	}
	for _, leaf := range slices.Backward(events.Leaves) {
		if leaf.Type == string(registry.ActClose) || leaf.Type == string(registry.ActForward) && w.Status == registry.StatusForwarded {
			return registry.DayOf(leaf.At, zone), nil
		}
	}
	folder, err := r.Book.Find(ctx, registry.Query{Of: registry.FindFolders, Folder: w.Folder, Limit: 1})
	if err != nil || len(folder.Folders) == 0 || folder.Folders[0].ClosedAt.IsZero() {
		return registry.DayOf(w.RegisteredAt, zone), err
	}
	return registry.DayOf(folder.Folders[0].ClosedAt, zone), nil
}

// monthColumns are the figures of a line, in order.
var monthColumns = []string{"entries", "email", "paper", "delivered", "web", "in_time", "late", "open", "overdue", "no_deadline"}

func (l MonthLine) figures() []int64 {
	return []int64{l.Entries, l.Email, l.Paper, l.Delivered, l.Web, l.InTime, l.Late, l.OpenInTime, l.Overdue, l.NoDeadline}
}

// Text writes the month for a terminal.
func (m Month) Text(w io.Writer, texts *registry.Texts) error {
	tab := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tab, texts.Say("paper.month.department"), "\t")
	for _, c := range monthColumns {
		fmt.Fprint(tab, texts.Say("paper.month."+c), "\t")
	}
	fmt.Fprintln(tab)
	for _, l := range m.lines(texts) {
		fmt.Fprint(tab, cmp.Or(l.Department, texts.Say("nodata")), "\t")
		for _, n := range l.figures() {
			fmt.Fprint(tab, n, "\t")
		}
		fmt.Fprintln(tab)
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, texts.Say("paper.month.annulled", "n", strconv.FormatInt(m.Annulled, 10)))
	return err
}

// lines are those of the departments, and their sum.
func (m Month) lines(texts *registry.Texts) []MonthLine {
	total := m.Total
	total.Department = texts.Say("paper.month.total")
	return append(slices.Clone(m.Departments), total)
}

// mostMonthLines is what one page holds; the lines grow narrower before that.
const mostMonthLines = 70

// Month prints the month on one page.
func (p Press) Month(w io.Writer, m Month) error {
	lines := m.lines(p.Texts)
	if len(lines) > mostMonthLines {
		return fmt.Errorf("%d departments do not fit on a page", len(lines)-1)
	}
	s := newSheet(sideways, p.Texts.Say("paper.month.title", "month", m.Month), p.Now())
	s.AddPage()
	s.SetFont(letters, "B", 13)
	s.line(bookLeft, 12, bookWidth, "L", p.Texts.Say("paper.month.title", "month", m.Month))
	s.SetFont(letters, "", 9)
	s.line(bookLeft, 19, bookWidth, "L", m.Office)
	height := min(7, 150/float64(len(lines)+1))
	s.SetFont(letters, "", min(9, height*1.6))
	const first = 77.0
	column := (bookWidth - first) / float64(len(monthColumns))
	y := 44.0
	for i, c := range monthColumns {
		s.SetFont(letters, "B", 7)
		s.block(bookLeft+first+float64(i)*column+1, 29, column-2, 3, 4, p.Texts.Say("paper.month."+c))
	}
	s.Line(bookLeft, y-1, bookLeft+bookWidth, y-1)
	for n, l := range lines {
		s.SetFont(letters, "", min(9, height*1.6))
		if n == len(lines)-1 {
			s.Line(bookLeft, y-0.5, bookLeft+bookWidth, y-0.5)
			s.SetFont(letters, "B", min(9, height*1.6))
		}
		s.line(bookLeft, y+1, first-2, "L", joined(cmp.Or(l.Department, p.Texts.Say("nodata")), l.Name))
		for i, figure := range l.figures() {
			s.line(bookLeft+first+float64(i)*column, y+1, column-3, "R", strconv.FormatInt(figure, 10))
		}
		y += height
	}
	s.SetFont(letters, "", 8)
	y = s.block(bookLeft, y+4, bookWidth, 4, 3, p.Texts.Say("paper.month.annulled", "n", strconv.FormatInt(m.Annulled, 10)))
	s.block(bookLeft, y+1, bookWidth, 4, 4, p.Texts.Say("paper.month.how", "at", p.Texts.Minute(m.MadeAt.In(p.Office.Zone))))
	return s.write(w)
}

func joined(id, name string) string {
	if name == "" {
		return id
	}
	return id + " – " + name
}
