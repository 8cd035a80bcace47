package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// A press writes mails: from a row of the outbox and the line of the book that
// it tells of. It keeps nothing but the recent crowd of mails.
type press struct {
	store  Store
	office func() *registry.Office
	opt    Options
	storms *storms
	// unreachable are clerks whose mail came back.
	unreachable *marks
}

func newPress(store Store, office func() *registry.Office, o Options) *press {
	return &press{store: store, office: office, opt: o, storms: newStorms(o.PerSender, o.PerClerk), unreachable: &marks{until: map[string]time.Time{}}}
}

// A mailing is a finished mail, or why there is none now.
type mailing struct {
	bytes     []byte
	messageID string
	from      string
	to        []string
	variant   string // kept with the row: the text's version

	wait time.Duration // not now
	why  string        // it waits
	told string        // another mail told it
}

// compose writes the mail of a row.
func (p *press) compose(ctx context.Context, row registry.OutboxRow) (mailing, error) {
	group, told, wait, err := p.gather(ctx, row)
	if err != nil || wait > 0 || told != "" {
		return mailing{wait: wait, why: heldBack, told: told}, err
	}
	var m mailing
	switch row.Kind {
	case registry.OutboxReceipt:
		m, err = p.receipt(ctx, row, group)
	case registry.OutboxNotice:
		m, err = p.notice(ctx, row, group)
	default:
		err = fmt.Errorf("outbox row %s is of the kind %q, which the bell does not write", row.ID, row.Kind)
	}
	if err != nil || m.wait > 0 || p.opt.Signer == nil {
		return m, err
	}
	if m.bytes, err = p.opt.Signer.Sign(m.bytes); err != nil {
		return mailing{}, fmt.Errorf("signing the mail: %w", err)
	}
	return m, nil
}

// A told is what a row tells of: the registration and, if the row is about
// something that was done later, that line too.
type told struct {
	row      registry.OutboxRow
	arrival  *registry.Arrival // nil when its content was erased
	outcome  registry.Outcome  // of the registration
	act      *registry.Act     // nil for the arrival itself
	actDraft registry.Draft
	work     *registry.Work // the present of the entry, for acts
	// caseNumber of the folder the entry lies in now, for acts.
	caseNumber string
	remark     *gateway.Remark // what the house says itself
}

// versionField says by which version of which text a mail was written.
const versionField = "X-Kancelaria-Text"

var errNoLine = errors.New("the book has no such line")

// read finds what a row tells of.
func (p *press) read(ctx context.Context, row registry.OutboxRow) (told, error) {
	t := told{row: row}
	line, err := p.line(ctx, registry.Query{Of: registry.FindLine, Leaf: &row.Leaf, Limit: 1})
	if err != nil {
		return t, fmt.Errorf("reading leaf %d: %w", row.Leaf, err)
	}
	if line.Draft.Act == nil {
		t.arrival, t.outcome = line.Draft.Arrival, line.Outcome
		return t, nil
	}
	t.act, t.actDraft = line.Draft.Act, line.Draft
	if remark, ok := gateway.RemarkOf(t.act); ok {
		t.remark = &remark
	}
	if row.Number.IsZero() {
		return t, nil
	}
	first, err := p.line(ctx, registry.Query{Of: registry.FindLine, Number: row.Number, Limit: 1})
	if err != nil {
		return t, fmt.Errorf("reading the registration of %s: %w", row.Number, err)
	}
	t.arrival, t.outcome = first.Draft.Arrival, first.Outcome
	page, err := p.store.Find(ctx, registry.Query{Of: registry.FindEntry, Number: row.Number, Limit: 1})
	if err != nil {
		return t, fmt.Errorf("reading entry %s: %w", row.Number, err)
	}
	if len(page.Works) == 0 {
		return t, nil
	}
	t.work = &page.Works[0]
	folder, err := p.store.Find(ctx, registry.Query{Of: registry.FindFolders, Folder: t.work.Folder, Limit: 1})
	if err != nil {
		return t, fmt.Errorf("reading folder %s: %w", t.work.Folder, err)
	}
	if len(folder.Folders) > 0 {
		t.caseNumber = folder.Folders[0].Case
	}
	return t, nil
}

// line reads one line of the book; erased content gives an empty line.
func (p *press) line(ctx context.Context, q registry.Query) (registry.Line, error) {
	page, err := p.store.Find(ctx, q)
	if err != nil {
		return registry.Line{}, err
	}
	if len(page.Leaves) == 0 {
		return registry.Line{}, errNoLine
	}
	var line registry.Line
	if content := page.Leaves[0].Content; len(content) > 0 {
		if err := json.Unmarshal(content, &line); err != nil {
			return registry.Line{}, fmt.Errorf("reading a line of the book: %w", err)
		}
	}
	return line, nil
}

// number is that of the entry told of.
func (t told) number() registry.Number {
	if !t.row.Number.IsZero() {
		return t.row.Number
	}
	return t.outcome.Number
}

// restricted reports whether only number and day may be told. What cannot be
// read any more is treated so too.
func (t told) restricted(o *registry.Office) bool {
	return t.arrival == nil || t.arrival.Decision.Restricted ||
		o.Registers[t.number().Register].Restricted || (t.work != nil && t.work.Restricted)
}

// hiddenFrom are those whom the letter is about.
func (t told) hiddenFrom() []string {
	if t.arrival == nil {
		return nil
	}
	return t.arrival.Decision.HideFrom
}

// messageID names a mail: derived from entry and outbox row, so that a mail
// that is sent again is the same mail.
func messageID(kind string, n registry.Number, outboxID, domain string) string {
	if n.IsZero() {
		return fmt.Sprintf("office.n%s@%s", outboxID, domain)
	}
	return fmt.Sprintf("%s.%s.n%s@%s", kind, n, outboxID, domain)
}

// rootID is what all notices of an entry refer to: mail programs make one
// thread of them.
func rootID(n registry.Number, domain string) string {
	return fmt.Sprintf("item.%s@%s", n, domain)
}

func domainOf(o *registry.Office) string {
	if o.Domain == "" {
		return "kancelaria.invalid"
	}
	return strings.ToLower(o.Domain)
}

func zone(o *registry.Office) *time.Location {
	if o.Zone == nil {
		return time.UTC
	}
	return o.Zone
}
