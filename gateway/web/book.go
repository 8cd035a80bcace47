package web

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

// A bookPage is the register as a list, or as it is printed.
type bookPage struct {
	Filter  url.Values
	Rows    []registry.Work
	Next    string
	Query   string // the filters, for links
	Choices bookChoices
	Leaves  []bookLeaf // printed pages
	Total   bookSums
}

type bookChoices struct {
	Registers, Departments, Clerks, Classes, Statuses []choice
}

// A bookLeaf is one printed page of the register, with its sums.
type bookLeaf struct {
	Page   int
	Rows   []registry.Work
	Sums   bookSums
	Before bookSums // carried from the pages before
}

// bookSums are what a page of the register adds up.
type bookSums struct {
	Entries, Attachments, Annulled int
	First, Last                    string
}

func (s *bookSums) add(w registry.Work) {
	s.Entries++
	s.Attachments += w.Attachments
	if w.Status == registry.StatusAnnulled {
		s.Annulled++
	}
	if s.First == "" {
		s.First = w.Number.String()
	}
	s.Last = w.Number.String()
}

// filters are the names of the fields that narrow the book.
var filters = []string{"register", "year", "since", "until", "department", "clerk", "class", "status", "flag"}

const (
	bookRows  = 50
	printRows = 18   // that fit an A4 page across
	mostPrint = 2000 // rows printed at once; the last page says where to go on
	mostCSV   = 200_000
)

// bookQuery reads the filters.
func (v *visit) bookQuery(r *http.Request) (registry.Query, url.Values, error) {
	kept := url.Values{}
	for _, name := range filters {
		if value := strings.TrimSpace(r.FormValue(name)); value != "" {
			kept.Set(name, value)
		}
	}
	q := registry.Query{
		Of: registry.FindEntries, Register: strings.ToUpper(kept.Get("register")), Department: kept.Get("department"), Clerk: kept.Get("clerk"),
		Class: kept.Get("class"), Status: registry.Status(kept.Get("status")), Flag: registry.Flag(kept.Get("flag")),
	}
	var err error
	if y := kept.Get("year"); y != "" {
		if q.Year, err = strconv.Atoi(y); err != nil {
			return q, kept, fmt.Errorf("%w: year %.10q", errWrong, y)
		}
	}
	if q.Since, err = v.midnight(kept.Get("since"), 0); err != nil {
		return q, kept, err
	}
	q.Until, err = v.midnight(kept.Get("until"), 1)
	return q, kept, err
}

// midnight is when a day begins at the office, or one of those after it.
func (v *visit) midnight(text string, later int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := registry.ParseDay(text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %w", errWrong, err)
	}
	day = day.AddDays(later)
	return time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, v.office.Zone), nil
}

// book lists the register, newest first.
func (w *Web) book(rw http.ResponseWriter, r *http.Request, v *visit) error {
	q, kept, err := v.bookQuery(r)
	if err != nil {
		return err
	}
	q.After, q.Limit = r.FormValue("after"), bookRows
	found, err := v.find(r.Context(), q)
	if err != nil {
		return err
	}
	p := bookPage{Filter: kept, Rows: found.Works, Query: kept.Encode(), Choices: bookChoices{v.registers(), v.departments(), v.clerks(), v.classes(), v.statuses()}}
	if found.Next != "" {
		kept = cloneValues(kept)
		kept.Set("after", found.Next)
		p.Next = "/book?" + kept.Encode()
	}
	return v.show(rw, r, "book", "book", v.Say("web.book.title"), p)
}

func cloneValues(v url.Values) url.Values {
	out := url.Values{}
	for name, values := range v {
		out[name] = slices.Clone(values)
	}
	return out
}

func (v *visit) statuses() []choice {
	var out []choice
	for _, s := range []registry.Status{registry.StatusRegistered, registry.StatusAssigned, registry.StatusAccepted, registry.StatusToComplete, registry.StatusForwarded, registry.StatusClosed, registry.StatusAnnulled} {
		out = append(out, choice{string(s), v.Say("status." + string(s))})
	}
	return out
}

// inOrder reads the book in order of numbers, page by page, and hands each
// entry to do until it returns false.
func (v *visit) inOrder(r *http.Request, q registry.Query, do func(registry.Work) bool) error {
	q.Of, q.Limit = registry.FindNumbers, 500
	for {
		found, err := v.find(r.Context(), q)
		if err != nil {
			return err
		}
		for _, work := range found.Works {
			if !do(work) {
				return nil
			}
		}
		if q.After = found.Next; q.After == "" {
			return nil
		}
	}
}

// bookPrint shows the register as it is printed: A4 across, sums on each page.
func (w *Web) bookPrint(rw http.ResponseWriter, r *http.Request, v *visit) error {
	q, kept, err := v.bookQuery(r)
	if err != nil {
		return err
	}
	q.After = r.FormValue("after")
	p := bookPage{Filter: kept, Query: kept.Encode()}
	rest := false
	err = v.inOrder(r, q, func(work registry.Work) bool {
		if len(p.Rows) == mostPrint {
			rest = true
			return false
		}
		p.Rows = append(p.Rows, work)
		return true
	})
	if err != nil {
		return err
	}
	for rows := range slices.Chunk(p.Rows, printRows) {
		leaf := bookLeaf{Page: len(p.Leaves) + 1, Rows: rows, Before: p.Total}
		for _, work := range rows {
			leaf.Sums.add(work)
			p.Total.add(work)
		}
		p.Leaves = append(p.Leaves, leaf)
	}
	if rest {
		kept.Set("after", p.Total.Last)
		p.Next = "/book/print?" + kept.Encode()
	}
	return v.show(rw, r, "book", "bookprint", v.Say("web.book.print.title", "office", v.office.Name), p)
}

// bookCSV writes the register for a spreadsheet: semicolons and a mark of UTF-8,
// as Polish ones expect; no cell can be taken for a formula.
func (w *Web) bookCSV(rw http.ResponseWriter, r *http.Request, v *visit) error {
	q, _, err := v.bookQuery(r)
	if err != nil {
		return err
	}
	handOut(rw, v.Say("web.book.csv.name")+".csv")
	rw.Header().Set("Content-Type", "text/csv; charset=utf-8")
	if _, err := rw.Write([]byte("\ufeff")); err != nil {
		return nil // who asked has gone
	}
	out := csv.NewWriter(rw)
	out.Comma, out.UseCRLF = ';', true
	head := []string{}
	for _, c := range []string{"number", "received", "title", "sender", "letter_date", "sender_ref", "assigned", "attachments", "remarks", "status", "case"} {
		head = append(head, v.Say("web.book.col."+c))
	}
	n := 0
	writeErr := out.Write(head)
	err = v.inOrder(r, q, func(work registry.Work) bool {
		n++
		writeErr = out.Write(v.csvRow(work))
		return writeErr == nil && n < mostCSV
	})
	out.Flush()
	if err != nil || writeErr != nil {
		w.o.Log.Info("web.cut", "what", "csv", "err", err)
		panic(http.ErrAbortHandler) // half a register must not look like a whole one
	}
	return nil
}

func (v *visit) csvRow(work registry.Work) []string {
	row := []string{
		work.Number.String(), work.ReceivedOn.String(), v.Or(work.Title), v.Who(work.Sender), v.Or(work.LetterDate), v.Or(work.SenderRef),
		strings.TrimSpace(work.Department + " " + work.Clerk), strconv.Itoa(work.Attachments), work.Remarks, v.Say("status." + string(work.Status)), work.Folder,
	}
	for i, cell := range row {
		row[i] = defused(cell)
	}
	return row
}

// defused keeps a spreadsheet from taking a resident's words for a formula.
func defused(cell string) string {
	cell = strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, cell)
	if cell != "" && strings.ContainsRune("=+-@|%\uff1d\uff0b\uff0d\uff20", []rune(strings.TrimSpace(cell) + " ")[0]) {
		return "'" + cell
	}
	return cell
}
