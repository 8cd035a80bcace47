package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kancelaria/registry"
)

// fakeBook keeps an outbox in memory by the contracts of registry.Store.
type fakeBook struct {
	mu     sync.Mutex
	rows   []*registry.OutboxRow // in order of leaf
	lines  map[int64]registry.LeafRow
	first  map[registry.Number]int64
	works  map[registry.Number]registry.Work
	claims int
	// caseNumber is that of every folder.
	caseNumber string
	// finishErr, if set, may refuse a Finish before or after it took effect.
	finishErr func(rows []registry.OutboxRow) (before, after error)
}

func newFakeBook() *fakeBook {
	return &fakeBook{
		lines: map[int64]registry.LeafRow{}, first: map[registry.Number]int64{}, works: map[registry.Number]registry.Work{},
	}
}

func (f *fakeBook) Claim(_ context.Context, c registry.Claim) ([]registry.OutboxRow, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claims++
	busy := map[string]bool{}
	var got []registry.OutboxRow
	for _, r := range f.rows {
		if r.State == registry.OutboxSent || r.State == registry.OutboxDead || busy[r.Recipient] {
			continue
		}
		busy[r.Recipient] = true
		if r.State == registry.OutboxLeased && c.Now.Before(r.LeaseTill) {
			continue
		}
		if r.Leaf > c.UpTo || c.Now.Before(r.NotBefore) || len(got) == c.Limit {
			continue
		}
		r.State, r.LeaseBy, r.LeaseTill = registry.OutboxLeased, c.Node, c.Now.Add(c.For)
		r.Attempts++
		got = append(got, *r)
	}
	return got, nil
}

func (f *fakeBook) Finish(ctx context.Context, rows []registry.OutboxRow) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var before, after error
	if f.finishErr != nil {
		before, after = f.finishErr(rows)
	}
	if before != nil {
		return before
	}
	for _, row := range rows {
		for _, r := range f.rows {
			if r.ID == row.ID && r.State == registry.OutboxLeased && r.LeaseBy == row.LeaseBy && r.Attempts == row.Attempts {
				*r = row
			}
		}
	}
	return after
}

func (f *fakeBook) Find(_ context.Context, q registry.Query) (registry.Page, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var page registry.Page
	switch q.Of {
	case registry.FindLine:
		leaf := f.first[q.Number]
		if q.Leaf != nil {
			leaf = *q.Leaf
		}
		if l, ok := f.lines[leaf]; ok {
			page.Leaves = append(page.Leaves, l)
		}
	case registry.FindEntry:
		if w, ok := f.works[q.Number]; ok {
			page.Works = append(page.Works, w)
		}
	case registry.FindFolders:
		if f.caseNumber != "" {
			page.Folders = append(page.Folders, registry.Folder{ID: q.Folder, Case: f.caseNumber})
		}
	case registry.FindOutbox:
		for _, r := range slices.Backward(f.rows) {
			if (q.State == "" || r.State == q.State) && (q.Recipient == "" || r.Recipient == q.Recipient) &&
				(q.Number.IsZero() || r.Number == q.Number) && len(page.Outbox) < q.Limit {
				page.Outbox = append(page.Outbox, *r)
			}
		}
	default:
		return page, fmt.Errorf("the fake book does not look for %s", q.Of)
	}
	return page, nil
}

// write puts a line into the book and rows of it into the outbox.
func (f *fakeBook) write(t *testing.T, line registry.Line, at time.Time, rows ...registry.OutboxRow) {
	t.Helper()
	content, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	leaf := line.Outcome.Leaf
	f.lines[leaf] = registry.LeafRow{Index: leaf, Content: content}
	if line.Draft.Arrival != nil {
		f.first[line.Outcome.Number] = leaf
	}
	for i, row := range rows {
		row.ID, row.Leaf, row.Number = fmt.Sprintf("%d.%d", leaf, i), leaf, line.Outcome.Number
		row.State, row.CreatedAt = registry.OutboxReady, at
		f.rows = append(f.rows, &row)
	}
}

func (f *fakeBook) all() []registry.OutboxRow {
	f.mu.Lock()
	defer f.mu.Unlock()
	rows := make([]registry.OutboxRow, len(f.rows))
	for i, r := range f.rows {
		rows[i] = *r
	}
	return rows
}

func (f *fakeBook) countState(state string) int {
	n := 0
	for _, r := range f.all() {
		if r.State == state {
			n++
		}
	}
	return n
}

// fakeChannel takes what it is given, or does what the test says instead.
type fakeChannel struct {
	mu   sync.Mutex
	sent []Parcel
	do   func(p Parcel) error
}

func (c *fakeChannel) Send(_ context.Context, p Parcel) (string, error) {
	if c.do != nil {
		if err := c.do(p); err != nil {
			return "", err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = append(c.sent, p)
	return "250 taken", nil
}

func (c *fakeChannel) parcels() []Parcel {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.sent)
}

var warsaw = func() *time.Location {
	z, err := time.LoadLocation("Europe/Warsaw")
	if err != nil {
		panic(err)
	}
	return z
}()

func sampleOffice() *registry.Office {
	return &registry.Office{
		Name: "Urząd Miejski w Aleksandrowie", EnglishName: "Aleksandrowo Town Office",
		Domain: "aleksandrowo.example", ADE: "AE:PL-00000-00000-AAAAA-00", BIP: "https://bip.aleksandrowo.example",
		Privacy: "https://aleksandrowo.example/rodo", Phone: "00 000 00 00", Zone: warsaw, Language: "pl",
		Registers: map[string]registry.Register{"RPW": {ID: "RPW"}, "ZS": {ID: "ZS", Restricted: true}},
		Mailboxes: map[string]registry.Mailbox{
			"urzad@aleksandrowo.example":   {Address: "urzad@aleksandrowo.example", Kind: "official", Register: "RPW", Receipts: true},
			"sygnaly@aleksandrowo.example": {Address: "sygnaly@aleksandrowo.example", Kind: "official", Register: "ZS", Receipts: true},
		},
		Departments: map[string]registry.Department{
			"OS": {ID: "OS", Name: "Ochrona środowiska", Head: "os1", Clerks: []string{"os1", "os2"}},
			"OR": {ID: "OR", Name: "Organizacyjny", Head: "or1", Clerks: []string{"or1"}},
		},
		Clerks: map[string]registry.Clerk{
			"os1": {Login: "os1", Name: "referent ds. zieleni", Mail: "os1@aleksandrowo.example"},
			"os2": {Login: "os2", Name: "officer for water", Mail: "os2@aleksandrowo.example", Language: "en"},
			"or1": {Login: "or1", Name: "sekretariat", Mail: "or1@aleksandrowo.example"},
		},
		Classes: map[string]registry.Class{
			"6131": {Symbol: "6131", Name: "Usuwanie drzew i krzewów", Department: "OS", Case: "on_accept"},
		},
	}
}

var (
	arrivedAt = time.Date(2026, 11, 23, 10, 2, 14, 0, warsaw)
	today     = time.Date(2026, 11, 23, 10, 2, 15, 0, warsaw)
)

// sampleLine is the letter of the specification: an application to fell trees.
func sampleLine(seq int64) registry.Line {
	n := registry.Number{Register: "RPW", Year: 2026, Seq: seq}
	return registry.Line{
		Draft: registry.Draft{
			Key: "item/" + n.String(), Actor: "kancelaria",
			Arrival: &registry.Arrival{
				Item: registry.Item{
					Door: registry.DoorSMTP, Register: "RPW", Recipients: []string{"urzad@aleksandrowo.example"},
					Envelope: &registry.Envelope{MailFrom: "resident@poczta.example"}, AcceptedAt: arrivedAt.UTC(),
					Original: registry.Original{Size: 261_344, Digest: registry.Digest{1, 2, 3}},
				},
				Document: registry.Document{
					From:      []registry.Address{{Name: "Mieszkanka", Email: "resident@poczta.example"}},
					Subject:   "Wniosek o zezwolenie na usunięcie drzewa",
					MessageID: "letter-1@poczta.example", Language: "pl",
					Attachments: []registry.Attachment{
						{Path: "1", Role: registry.RoleBody, Size: 400},
						{Path: "2", Name: "wniosek.pdf", Role: registry.RoleAttachment, Size: 182_300, Digest: registry.Digest{0xab}},
					},
					Auth: registry.Authentication{SPF: "pass", DKIM: "none", DMARC: "none", Verdict: registry.Unconfirmed},
				},
				Decision: registry.Decision{
					Class: "6131", CasePolicy: "on_accept", Department: "OS", Clerk: "os1",
					Deadline: registry.Deadline{
						Code: "INT_3WD", Raw: registry.Day{Year: 2026, Month: 11, Day: 26}, Due: registry.Day{Year: 2026, Month: 11, Day: 26},
					},
					Flags: []registry.Flag{registry.FlagKPA63, registry.FlagUnsigned}, Rules: []string{"drzewa"},
					Because: []string{"reguła „drzewa” (rules.yaml:41): w temacie „usunięcie drzewa”"},
				},
				Receipt:    registry.ReceiptPlan{Send: true, To: "resident@poczta.example", Variant: "standard"},
				Title:      "Wniosek o zezwolenie na usunięcie drzewa",
				Sender:     registry.Sender{Name: "Mieszkanka", Email: "resident@poczta.example"},
				ReceivedOn: registry.Day{Year: 2026, Month: 11, Day: 23}, ReceivedAt: arrivedAt.UTC(),
			},
		},
		Outcome: registry.Outcome{
			State: registry.Written, Disposition: registry.Registered, Number: n, At: arrivedAt.UTC(), Leaf: 1000 + seq,
			Folder: n.Folder(), Case: n.Folder(), CaseState: "working", Clerk: "os1",
		},
	}
}

func noticeRow(login string) registry.OutboxRow {
	return registry.OutboxRow{Kind: registry.OutboxNotice, Recipient: login}
}

func receiptRow(to string) registry.OutboxRow {
	return registry.OutboxRow{Kind: registry.OutboxReceipt, Recipient: to, Variant: "standard"}
}
