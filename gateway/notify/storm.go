package notify

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"kancelaria/registry"
)

// storms remembers how many mails of each kind went to whom of late, so that a
// hundred letters do not bring a hundred mails. It is a memory for comfort
// only: after a restart somebody gets a few single mails more.
type storms struct {
	perSender, perClerk int

	mu   sync.Mutex
	sent map[string][]time.Time // by kind and recipient; guarded by mu
	day  registry.Day           // of today; guarded by mu
	told map[string]int         // receipts of the day by recipient; guarded by mu
}

const (
	senderWindow = 10 * time.Minute
	clerkWindow  = 15 * time.Minute
	// clerkPause is how long a clerk's further notices wait for company.
	clerkPause = time.Minute
	// maxJoined is how many entries one collective mail tells of.
	maxJoined = 300
	// freshFor is how young a row is that no collective mail can have told.
	freshFor = 30 * time.Second
	// companyPage and companyPages bound the look at who else waits.
	companyPage, companyPages = 500, 20
	// maxRemembered bounds the memory; beyond it the quiet ones are forgotten.
	maxRemembered = 20_000
)

func newStorms(perSender, perClerk int) *storms {
	return &storms{perSender: perSender, perClerk: perClerk, sent: map[string][]time.Time{}}
}

func stormKey(row registry.OutboxRow) string {
	return row.Kind + " " + strings.ToLower(row.Recipient)
}

// note counts a mail that was sent.
func (s *storms) note(row registry.OutboxRow, now time.Time) {
	if row.State != registry.OutboxSent || len(row.Rendered) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if row.Kind == registry.OutboxReceipt {
		s.countDay(registry.DayOf(now, time.UTC))
		s.told[stormKey(row)]++
	}
	if len(s.sent) >= maxRemembered {
		for k, times := range s.sent {
			if now.Sub(times[len(times)-1]) > clerkWindow {
				delete(s.sent, k)
			}
		}
	}
	if len(s.sent) < maxRemembered {
		key := stormKey(row)
		s.sent[key] = append(recent(s.sent[key], now, clerkWindow), now)
	}
}

// countDay begins the count anew with each day; the lock is held.
func (s *storms) countDay(today registry.Day) {
	if s.told == nil || s.day != today || len(s.told) >= maxRemembered {
		s.day, s.told = today, map[string]int{}
	}
}

// toldToday counts the receipts that a sender got today.
func (s *storms) toldToday(row registry.OutboxRow, now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.countDay(registry.DayOf(now, time.UTC))
	return s.told[stormKey(row)]
}

// calm tells how long a row should wait because its recipient got too much of
// late; zero is now.
func (s *storms) calm(row registry.OutboxRow, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	times := s.sent[stormKey(row)]
	if row.Kind == registry.OutboxReceipt {
		times = recent(times, now, senderWindow)
		if len(times) < s.perSender {
			return 0
		}
		return times[len(times)-s.perSender].Add(senderWindow).Sub(now)
	}
	times = recent(times, now, clerkWindow)
	if len(times) < s.perClerk {
		return 0
	}
	return times[len(times)-1].Add(clerkPause).Sub(now)
}

// recent drops what lies before the window.
func recent(times []time.Time, now time.Time, window time.Duration) []time.Time {
	i := slices.IndexFunc(times, func(t time.Time) bool { return now.Sub(t) < window })
	if i < 0 {
		return nil
	}
	return times[i:]
}

// gather decides whether a row is told alone, later, or together with those of
// its recipient that wait behind it. One that was held back and has company is
// written as a collective mail; it names the rows it tells, which is how they
// know, when their turn comes, that they were told.
func (p *press) gather(ctx context.Context, row registry.OutboxRow) (group []registry.OutboxRow, told string, wait time.Duration, err error) {
	now := p.opt.Now()
	if row.Kind == registry.OutboxReceipt && p.opt.PerSenderDay > 0 && p.storms.toldToday(row, now) >= p.opt.PerSenderDay {
		return nil, registry.ReceiptNotSent + registry.NoReceiptTooMany, 0, nil
	}
	if row.LastError != heldBack && now.Sub(row.CreatedAt) < freshFor && p.storms.isQuiet(row) {
		return nil, "", 0, nil
	}
	if told, err = p.toldBefore(ctx, row); err != nil || told != "" {
		return nil, told, 0, err
	}
	if wait = p.storms.calm(row, now); wait > 0 || row.LastError != heldBack {
		return nil, "", wait, nil
	}
	group, err = p.company(ctx, row)
	return group, "", 0, err
}

// isQuiet reports whether a recipient had nothing of late, so that nothing can
// have been told together.
func (s *storms) isQuiet(row registry.OutboxRow) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	least := s.perClerk
	if row.Kind == registry.OutboxReceipt {
		least = s.perSender
	}
	return len(s.sent[stormKey(row)]) < least
}

// company gives the rows of the same recipient and kind that wait behind row,
// oldest first.
func (p *press) company(ctx context.Context, row registry.OutboxRow) ([]registry.OutboxRow, error) {
	var group []registry.OutboxRow
	q := registry.Query{Of: registry.FindOutbox, State: registry.OutboxReady, Recipient: row.Recipient, Limit: companyPage}
	for range companyPages {
		page, err := p.store.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("looking for what else waits with %s: %w", row.ID, err)
		}
		for _, other := range page.Outbox {
			if other.Recipient == row.Recipient && other.Kind == row.Kind && other.ID != row.ID && other.Leaf >= row.Leaf &&
				other.Leaf <= p.opt.UpTo() && len(other.Rendered) == 0 {
				group = append(group, other)
			}
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	slices.SortFunc(group, func(a, b registry.OutboxRow) int { return cmp.Compare(a.Leaf, b.Leaf) })
	return group[:min(len(group), maxJoined)], nil
}

// toldBefore looks whether a collective mail that was sent names the row. Since
// each recipient hears in order, it is the last that was sent, or the last that
// was sent was told by it too and says so.
func (p *press) toldBefore(ctx context.Context, row registry.OutboxRow) (string, error) {
	last, err := p.lastSent(ctx, row, registry.Query{Recipient: row.Recipient, Limit: 5}, nil)
	if err != nil || last == nil {
		return "", err
	}
	if number, found := toldOf(last.LastError); found && len(last.Rendered) == 0 {
		isCollective := func(r registry.OutboxRow) bool { return len(r.Rendered) > 0 }
		if last, err = p.lastSent(ctx, row, registry.Query{Number: number, Limit: 50}, isCollective); err != nil || last == nil {
			return "", err
		}
	}
	if !slices.Contains(joined(last.Rendered), row.ID) {
		return "", nil
	}
	return toldIn + last.Number.String(), nil
}

// lastSent gives the newest row of the recipient and kind of row that was sent.
func (p *press) lastSent(ctx context.Context, row registry.OutboxRow, q registry.Query, accept func(registry.OutboxRow) bool) (*registry.OutboxRow, error) {
	q.Of, q.State = registry.FindOutbox, registry.OutboxSent
	page, err := p.store.Find(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("looking whether %s was told: %w", row.ID, err)
	}
	for _, sent := range page.Outbox {
		if sent.Recipient == row.Recipient && sent.Kind == row.Kind && (accept == nil || accept(sent)) {
			return &sent, nil
		}
	}
	return nil, nil
}

// What the row says, in place of an answer, that was held back and that was
// told in a collective mail.
const (
	heldBack = "held back: too many at once"
	toldIn   = "told together with "
)

func toldOf(answer string) (registry.Number, bool) {
	rest, ok := strings.CutPrefix(answer, toldIn)
	if !ok {
		return registry.Number{}, false
	}
	n, err := registry.ParseNumber(rest)
	return n, err == nil
}

// joinedField names, in a collective mail, the outbox rows it tells.
const joinedField = "X-Kancelaria-Joined"

// joined reads the rows that a mail of ours tells together.
func joined(rendered []byte) []string {
	if !bytes.Contains(rendered, []byte(joinedField)) {
		return nil
	}
	m, err := mail.ReadMessage(bytes.NewReader(rendered))
	if err != nil {
		return nil
	}
	return strings.Fields(m.Header.Get(joinedField))
}
