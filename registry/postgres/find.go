package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// finders answer the kinds of queries.
var finders = map[registry.QueryKind]func(*Store, context.Context, registry.Query) (registry.Page, error){
	registry.FindEntries:     (*Store).findEntries,
	registry.FindEntry:       (*Store).findEntry,
	registry.FindCaseEntries: (*Store).findCaseEntries,
	registry.FindNumbers:     (*Store).findNumbers,
	registry.FindDue:         (*Store).findDue,
	registry.FindSearch:      (*Store).findSearch,
	registry.FindMessage:     (*Store).findMessage,
	registry.FindSender:      (*Store).findSender,
	registry.FindLine:        (*Store).findLine,
	registry.FindEvents:      (*Store).findEvents,
	registry.FindArrivals:    (*Store).findArrivals,
	registry.FindFolders:     (*Store).findFolders,
	registry.FindOutbox:      (*Store).findOutbox,
	registry.FindNotes:       (*Store).findNotes,
	registry.FindSeries:      (*Store).findSeries,
	registry.FindBalances:    (*Store).findBalances,
	registry.FindCounters:    (*Store).findCounters,
	registry.FindLeases:      (*Store).findLeases,
	registry.FindCheckpoints: (*Store).findCheckpoints,
}

// Find implements registry.Store.
func (s *Store) Find(ctx context.Context, q registry.Query) (registry.Page, error) {
	find, ok := finders[q.Of]
	if !ok {
		return registry.Page{}, fmt.Errorf("%w: nothing is found by %.40q", registry.ErrRefused, string(q.Of))
	}
	page, err := find(s, ctx, q)
	if err != nil {
		return registry.Page{}, fmt.Errorf("looking for %s: %w", q.Of, failure(ctx, err))
	}
	return page, nil
}

// A clause is a growing WHERE with its arguments.
type clause struct {
	text strings.Builder
	args []any
}

// and adds a condition; each ? in it is the next argument.
func (c *clause) and(condition string, args ...any) {
	c.glue()
	c.add(condition, args...)
}

func (c *clause) glue() {
	if c.text.Len() == 0 {
		c.text.WriteString(" WHERE ")
	} else {
		c.text.WriteString(" AND ")
	}
}

// nest adds a condition around another clause, which was begun with c's
// arguments and so goes on counting where c stopped.
func (c *clause) nest(before string, inner *clause, after string) {
	c.glue()
	c.text.WriteString(before + inner.text.String() + after)
	c.args = inner.args
}

// add adds any text; each ? in it is the next argument.
func (c *clause) add(text string, args ...any) {
	n := len(c.args)
	for before, rest, more := strings.Cut(text, "?"); ; before, rest, more = strings.Cut(rest, "?") {
		c.text.WriteString(before)
		if !more {
			break
		}
		n++
		c.text.WriteString("$" + strconv.Itoa(n))
	}
	c.args = append(c.args, args...)
}

// fits adds a condition for each filter that is set.
func (c *clause) fits(column, value string) {
	if value != "" {
		c.and(column+" = ?", value)
	}
}

// collect reads up to size rows and one more, which only says that there are
// more.
func collect[T any](ctx context.Context, s *Store, text string, c *clause, size int, scan func(row) (T, error)) (rows []T, more bool, err error) {
	c.add(" LIMIT ?", size+1)
	err = s.query(ctx, text+c.text.String(), func(r row) error {
		v, err := scan(r)
		rows = append(rows, v)
		return err
	}, c.args...)
	if len(rows) > size {
		rows, more = rows[:size], true
	}
	return rows, more, err
}

// badMark refuses the mark of a page that no answer of ours gave.
func badMark(after string) error {
	return fmt.Errorf("%w: %.60q does not name a page", registry.ErrRefused, after)
}

// afterNumbers reads a page mark of numbers divided by points.
func afterNumbers(after string, n int) ([]any, error) {
	parts := strings.Split(after, ".")
	if len(parts) != n {
		return nil, badMark(after)
	}
	out := make([]any, n)
	for i, p := range parts {
		v, err := strconv.ParseInt(p, 10, 64)
		if err != nil {
			return nil, badMark(after)
		}
		out[i] = v
	}
	return out, nil
}
