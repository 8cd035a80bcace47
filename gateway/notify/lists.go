package notify

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// The bounds of lists: beyond them only the count is told.
const (
	maxMorning = 60
	maxClosing = 1000
	// soon is how many days ahead a morning's list looks.
	soon = 3
)

// The groups of a morning's list, in their order.
const (
	groupOverdue = "remark.morning.overdue"
	groupSoon    = "remark.morning.soon"
	groupNew     = "remark.morning.new"
	groupDeputy  = "remark.morning.deputy"
	groupQueue   = "remark.morning.queue" // for the front desk: nobody's yet
)

var morningGroups = []string{groupOverdue, groupSoon, groupNew, groupDeputy, groupQueue}

// morning gives each clerk who is there the list of the day, on days on which
// the office is open; who has nothing to do gets none.
func (w *Watch) morning(ctx context.Context, now time.Time) error {
	o := w.office()
	today := registry.DayOf(now, zone(o))
	midnight := time.Date(today.Year, today.Month, today.Day, 0, 0, 0, 0, zone(o))
	_, closes, open := o.Calendar.OfficeHours(today, zone(o))
	if !open || now.Sub(midnight) < w.o.Morning || !now.Before(closes) {
		return nil
	}
	done := "morning/" + today.String()
	if _, ok := w.said[done]; ok {
		return nil
	}
	lists, err := w.worklists(ctx, o, today)
	if err != nil {
		return err
	}
	for _, login := range sortedKeys(lists) {
		remark := gateway.Remark{
			Text:  "remark.morning",
			Pairs: []string{"day", today.String(), "n", strconv.Itoa(lists[login].size())},
			List:  lists[login].lines(),
		}
		if err := w.say(ctx, done+"/"+login, remark, login, login); err != nil {
			return err
		}
	}
	w.said[done] = today
	return nil
}

// A worklist is what a clerk has before them, by group.
type worklist map[string][]gateway.RemarkLine

func (l worklist) size() int {
	n := 0
	for _, lines := range l {
		n += len(lines)
	}
	return n
}

// lines gives the first lines of each group, those with the nearest term first.
func (l worklist) lines() []gateway.RemarkLine {
	var all []gateway.RemarkLine
	for _, group := range morningGroups {
		lines := l[group]
		slices.SortStableFunc(lines, func(a, b gateway.RemarkLine) int { return strings.Compare(a.Due.String(), b.Due.String()) })
		all = append(all, lines[:min(len(lines), maxMorning)]...)
	}
	return all
}

// worklists walks all open entries once.
func (w *Watch) worklists(ctx context.Context, o *registry.Office, today registry.Day) (map[string]worklist, error) {
	lists := map[string]worklist{}
	err := w.each(ctx, registry.Query{Of: registry.FindEntries, Open: true}, func(work registry.Work) error {
		group, readers := place(o, work, today)
		for _, reader := range readers {
			if _, known := o.Clerks[reader]; !known || slices.Contains(work.HideFrom, reader) {
				continue
			}
			if lists[reader] == nil {
				lists[reader] = worklist{}
			}
			lists[reader][group] = append(lists[reader][group], listLine(o, group, work))
		}
		return nil
	})
	return lists, err
}

// place says in whose list an entry stands today, and under what; what is in
// hand and not due soon stands in none.
func place(o *registry.Office, work registry.Work, today registry.Day) (group string, readers []string) {
	if work.Clerk == "" {
		for _, login := range holders(o, registry.RoleDesk) {
			if _, absent := away(o.Clerks[login], today); !absent {
				readers = append(readers, login)
			}
		}
		return groupQueue, readers
	}
	reader := present(o, work.Clerk, today)
	readers = []string{reader}
	switch due := work.Deadline.Due; {
	case reader != work.Clerk:
		return groupDeputy, readers
	case !due.IsZero() && due.Before(today):
		return groupOverdue, readers
	case !due.IsZero() && due.Before(today.AddDays(soon+1)):
		return groupSoon, readers
	case work.Status == registry.StatusAssigned:
		return groupNew, readers
	default:
		return "", nil
	}
}

// listLine says of an entry what may stand in a list: its class, and of a
// restricted one nothing.
func listLine(o *registry.Office, group string, work registry.Work) gateway.RemarkLine {
	l := gateway.RemarkLine{Group: group, Number: work.Number.String(), Due: work.Deadline.Due}
	if c, ok := o.Classes[work.Class]; ok && !work.Restricted {
		l.Text = c.Name + " (" + c.Symbol + ")"
	}
	return l
}

// closing tells secretary and archivist, once a day has ended, what it brought:
// an anchor of the book outside the house.
func (w *Watch) closing(ctx context.Context, now time.Time) error {
	o := w.office()
	day := registry.DayOf(now, zone(o)).AddDays(-1)
	key := "daily/" + day.String()
	if _, ok := w.said[key]; ok {
		return nil
	}
	tell := holders(o, registry.RoleSecretary)
	for _, login := range holders(o, registry.RoleArchivist) {
		if !slices.Contains(tell, login) {
			tell = append(tell, login)
		}
	}
	if len(tell) == 0 {
		return nil
	}
	begun, err := w.begunBy(ctx, o, day)
	if err != nil || !begun {
		return err
	}
	remark, err := w.closingOf(ctx, o, day)
	if err != nil {
		return fmt.Errorf("closing %s: %w", day, err)
	}
	return w.say(ctx, key, remark, "office", tell...)
}

// begunBy reports whether the book had its first leaf by the end of a day: what
// was not there yet is not closed.
func (w *Watch) begunBy(ctx context.Context, o *registry.Office, day registry.Day) (bool, error) {
	first := int64(0)
	page, err := w.book.Find(ctx, registry.Query{Of: registry.FindLine, Leaf: &first, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("looking when the book begins: %w", err)
	}
	return len(page.Leaves) > 0 && !day.Before(registry.DayOf(page.Leaves[0].At, zone(o))), nil
}

func (w *Watch) closingOf(ctx context.Context, o *registry.Office, day registry.Day) (gateway.Remark, error) {
	from := time.Date(day.Year, day.Month, day.Day, 0, 0, 0, 0, zone(o))
	var lines []gateway.RemarkLine
	first, last, count, annulled := "", "", 0, 0
	err := w.each(ctx, registry.Query{Of: registry.FindEntries, Since: from, Until: from.AddDate(0, 0, 1)}, func(work registry.Work) error {
		if first = work.Number.String(); last == "" { // newest first
			last = first
		}
		count++
		l := listLine(o, "remark.daily.entries", work)
		if work.Status == registry.StatusAnnulled {
			annulled++
		}
		l.Text = strings.Trim(work.RegisteredAt.In(zone(o)).Format("15:04:05")+" "+l.Text, " ")
		l.Due = registry.Day{}
		lines = append(lines, l)
		return nil
	})
	if err != nil {
		return gateway.Remark{}, err
	}
	slices.Reverse(lines)
	waiting, err := w.count(ctx, registry.Query{Of: registry.FindEntries, Status: registry.StatusRegistered, Limit: 500})
	if err != nil {
		return gateway.Remark{}, err
	}
	held, err := w.count(ctx, registry.Query{Of: registry.FindArrivals, Disposition: registry.Quarantined, Limit: 500})
	if err != nil {
		return gateway.Remark{}, err
	}
	size, head, err := w.ledger(ctx)
	if err != nil {
		return gateway.Remark{}, err
	}
	return gateway.Remark{
		Text: "remark.daily",
		Pairs: []string{
			"day", day.String(), "first", orText(first, "–"), "last", orText(last, "–"), "count", strconv.Itoa(count),
			"annulled", strconv.Itoa(annulled), "waiting", strconv.Itoa(waiting), "held", strconv.Itoa(held),
			"size", size, "head", head, "red", orText(strings.Join(w.o.Red(), "; "), "–"),
		},
		List: lines[:min(len(lines), maxClosing)],
	}, nil
}

func (w *Watch) count(ctx context.Context, q registry.Query) (int, error) {
	n := 0
	for {
		page, err := w.book.Find(ctx, q)
		if err != nil {
			return 0, err
		}
		n += len(page.Works) + len(page.Arrivals)
		if q.After = page.Next; q.After == "" {
			return n, nil
		}
	}
}

// ledger gives the newest signed head in groups that a person can compare.
func (w *Watch) ledger(ctx context.Context) (size, head string, err error) {
	page, err := w.book.Find(ctx, registry.Query{Of: registry.FindCheckpoints, Limit: 1})
	if err != nil || len(page.Checkpoints) == 0 {
		return "–", "–", err
	}
	c := page.Checkpoints[0]
	return strconv.FormatInt(c.Size, 10), c.Root.Groups(), nil
}
