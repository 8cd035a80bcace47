package notify

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// The bounds of the daily list of what was kept out of the book: entries
// listed, and how many days it looks back, for the list before and for
// arrivals.
const (
	maxHeld      = 200
	heldLookback = 14
)

// The groups of that list, by what became of an arrival.
var heldGroups = []struct {
	disposition registry.Disposition
	text        string
}{{registry.Quarantined, "remark.held.quarantined"}, {registry.Beside, "remark.held.beside"}}

// held tells the front desk each morning what has been kept out of the book
// since the list before. Where nothing was, nothing is said.
func (w *Watch) held(ctx context.Context, now time.Time) error {
	o := w.office()
	today := registry.DayOf(now, zone(o))
	midnight := time.Date(today.Year, today.Month, today.Day, 0, 0, 0, 0, zone(o))
	_, closes, open := o.Calendar.OfficeHours(today, zone(o))
	done := "held/" + today.String()
	if _, said := w.said[done]; said || !open || now.Sub(midnight) < w.o.Morning || !now.Before(closes) {
		return nil
	}
	since, err := w.heldUpTo(ctx, today)
	if err != nil {
		return err
	}
	lines, counts, err := w.heldLines(ctx, since, now)
	if err != nil {
		return err
	}
	for _, login := range holders(o, registry.RoleDesk) {
		if len(lines) == 0 {
			break
		}
		remark := gateway.Remark{
			Text:  "remark.held",
			Pairs: []string{"day", today.String(), "quarantined", strconv.Itoa(counts[0]), "beside", strconv.Itoa(counts[1])},
			List:  lines,
		}
		if err := w.say(ctx, done+"/"+login, remark, login, login); err != nil {
			return err
		}
	}
	w.said[done] = today
	return nil
}

// heldUpTo gives the leaf of the list before: what has one behind it is new.
func (w *Watch) heldUpTo(ctx context.Context, today registry.Day) (int64, error) {
	for back := 1; back <= heldLookback; back++ {
		day := today.AddDays(-back).String()
		for _, login := range holders(w.office(), registry.RoleDesk) {
			page, err := w.book.Find(ctx, registry.Query{Of: registry.FindLine, Key: "held/" + day + "/" + login, Limit: 1})
			if err != nil {
				return 0, fmt.Errorf("looking for the list before: %w", err)
			}
			if len(page.Leaves) > 0 {
				return page.Leaves[0].Index, nil
			}
		}
	}
	return -1, nil
}

// heldLines lists the arrivals behind a leaf by id and reason only: what they
// are is read when the mail is written, so that nothing of them is left in the
// book once they are erased.
func (w *Watch) heldLines(ctx context.Context, since int64, now time.Time) (lines []gateway.RemarkLine, counts [2]int, err error) {
	oldest := now.AddDate(0, 0, -heldLookback)
	for i, group := range heldGroups {
		q := registry.Query{Of: registry.FindArrivals, Disposition: group.disposition, Limit: 500}
		for more := true; more; {
			page, err := w.book.Find(ctx, q)
			if err != nil {
				return nil, counts, fmt.Errorf("looking for what was kept out: %w", err)
			}
			q.After = page.Next
			more = page.Next != "" && len(page.Arrivals) > 0 && page.Arrivals[len(page.Arrivals)-1].Leaf > since
			for _, row := range page.Arrivals {
				if row.Leaf <= since || row.AcceptedAt.Before(oldest) || !row.First.IsZero() {
					continue
				}
				if counts[i]++; counts[i] <= maxHeld {
					lines = append(lines, gateway.RemarkLine{Group: group.text, Number: row.Item.String(), Text: "@reason." + row.Reason})
				}
			}
		}
	}
	return lines, counts, nil
}

// heldWhat says of an arrival that was kept out who sent it and what about; of
// a closed register, or once it was erased, nothing.
func (p *press) heldWhat(ctx context.Context, texts *registry.Texts, id registry.ItemID, reason string) (string, error) {
	line, err := p.line(ctx, registry.Query{Of: registry.FindLine, Key: "item/" + id.String(), Limit: 1})
	if err != nil && !errors.Is(err, errNoLine) {
		return "", fmt.Errorf("reading item %s: %w", id, err)
	}
	a := line.Draft.Arrival
	if a == nil || a.Decision.Restricted || p.office().Registers[a.Item.Register].Restricted {
		return reason, nil
	}
	title := orText(mask(oneLine(a.Title, 120)), texts.Say("title.empty"))
	return reason + ": " + senderLine(texts, a) + " – " + title, nil
}
