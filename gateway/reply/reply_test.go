package reply

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// fakeBook is the Registrar and the store as the room sees them.
type fakeBook struct {
	drafts  []registry.Draft
	known   map[string]registry.Outcome
	work    registry.Work
	outbox  []registry.OutboxRow
	actErr  error
	offers  int
	reports map[registry.ItemID]string
	parts   map[string]string
}

func (f *fakeBook) Submit(_ context.Context, d registry.Draft) (registry.Outcome, error) {
	if out, ok := f.known[d.Key]; ok {
		out.State = registry.Repeated
		return out, nil
	}
	f.drafts = append(f.drafts, d)
	out := registry.Outcome{State: registry.Written, Key: d.Key, Leaf: int64(len(f.drafts)), Number: f.work.Number, Folder: f.work.Folder, Case: f.work.Folder}
	f.known[d.Key] = out
	return out, nil
}

func (f *fakeBook) ActOnce(ctx context.Context, key string, who registry.Actor, act registry.Act, _ *int64, reason string) (registry.Outcome, error) {
	if f.actErr != nil {
		return registry.Outcome{}, f.actErr
	}
	out, err := f.Submit(ctx, registry.Draft{Key: key, Actor: who.Login, Reason: reason, Act: &act})
	if act.Kind == registry.ActAccept {
		out.Case = "OS.6131.12.2026"
	}
	return out, err
}

func (f *fakeBook) Find(_ context.Context, q registry.Query) (registry.Page, error) {
	var page registry.Page
	switch {
	case q.Of == registry.FindEntry && q.Number == f.work.Number:
		page.Works = append(page.Works, f.work)
	case q.Of == registry.FindLine && q.Key != "":
		if _, ok := f.known[q.Key]; ok {
			page.Leaves = append(page.Leaves, registry.LeafRow{Key: q.Key})
		}
	case q.Of == registry.FindLine && q.Leaf != nil:
		content, _ := json.Marshal(registry.Line{Outcome: registry.Outcome{Number: f.work.Number}})
		page.Leaves = append(page.Leaves, registry.LeafRow{Index: *q.Leaf, Content: content})
	case q.Of == registry.FindEvents:
		for i, d := range f.drafts {
			content, _ := registry.Line{Draft: d}.Encode()
			page.Leaves = append(page.Leaves, registry.LeafRow{Index: int64(i), Type: string(d.Act.Kind), Content: content})
		}
	case q.Of == registry.FindOutbox:
		page.Outbox = f.outbox
	}
	return page, nil
}

func (f *fakeBook) Offer(_ context.Context, d registry.Draft) func(context.Context) (registry.Outcome, error) {
	f.offers++
	return func(context.Context) (registry.Outcome, error) {
		return registry.Outcome{State: registry.Written, Disposition: d.Arrival.Disposition}, nil
	}
}

func (f *fakeBook) Prompt() bool { return true }

func (f *fakeBook) Hurry() {}

func (f *fakeBook) Original(_ context.Context, it registry.Item) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(f.reports[it.ID])), nil
}

func (f *fakeBook) Attachment(_ context.Context, _ registry.Item, path string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(f.parts[path])), nil
}

// said lists the remarks that were told, as text and whom.
func (f *fakeBook) said() []string {
	var list []string
	for _, d := range f.drafts {
		if r, ok := gateway.RemarkOf(d.Act); ok {
			list = append(list, r.Text+" to "+strings.Join(d.Act.Tell, ","))
		}
	}
	return list
}

// acts lists what was done to the entry, by whom.
func (f *fakeBook) acts() []string {
	var list []string
	for _, d := range f.drafts {
		if _, ok := gateway.RemarkOf(d.Act); !ok {
			list = append(list, string(d.Act.Kind)+" by "+d.Actor)
		}
	}
	return list
}

var (
	now    = time.Date(2026, 11, 23, 11, 0, 0, 0, time.UTC)
	number = registry.Number{Register: "RPW", Year: 2026, Seq: 4512}
	tokens = gateway.NewTokens("aleksandrowo.example", []byte("key"))
)

func office() *registry.Office {
	return &registry.Office{
		Domain: "aleksandrowo.example", Zone: time.UTC,
		Clerks: map[string]registry.Clerk{
			"os1": {Login: "os1", Name: "referent", Mail: "os1@aleksandrowo.example"},
			"os2": {Login: "os2", Mail: "os2@aleksandrowo.example"},
			"osk": {Login: "osk", Mail: "osk@aleksandrowo.example"},
			"pk1": {Login: "pk1", Mail: "pk1@aleksandrowo.example", Roles: []registry.OfficeRole{registry.RoleDesk}},
			"sek": {Login: "sek", Mail: "sek@aleksandrowo.example", Roles: []registry.OfficeRole{registry.RoleSecretary}},
		},
		Departments: map[string]registry.Department{"OS": {ID: "OS", Head: "osk", Clerks: []string{"os1", "os2"}, Marks: []string{"OŚ"}}},
	}
}

type scene struct {
	book    *fakeBook
	room    *Room
	bounced []string
	at      time.Time
}

func newScene() *scene {
	s := &scene{at: now, book: &fakeBook{
		known: map[string]registry.Outcome{}, reports: map[registry.ItemID]string{},
		work: registry.Work{Number: number, Clerk: "os1", Department: "OS", Folder: number.Folder(), Found: true},
	}}
	s.room = New(Options{
		Office: office, Tokens: tokens, Acts: s.book, Book: s.book, Originals: s.book, Now: func() time.Time { return s.at },
		Undelivered: func(_ context.Context, row registry.OutboxRow, answer string) error {
			s.bounced = append(s.bounced, row.ID+" "+answer)
			return nil
		},
	})
	return s
}

// admit is what rules say that know nothing of answers.
type admit struct{}

func (admit) Decide(registry.Item, registry.Document, registry.Facts) registry.Decision {
	return registry.Decision{Class: "6131"}
}

// arrive plays the desk: decides, and offers a draft of it.
func (s *scene) arrive(t *testing.T, it registry.Item, doc registry.Document) registry.Decision {
	t.Helper()
	dec := s.room.Decider(admit{}).Decide(it, doc, registry.Facts{})
	a := &registry.Arrival{Item: it, Document: doc, Decision: dec, Disposition: registry.Registered}
	if dec.Screen == "beside" {
		a.Disposition, a.Reason = registry.Beside, dec.ScreenReason
	}
	draft := registry.Draft{Key: "item/" + it.ID.String(), Arrival: a}
	if _, err := s.room.Around(s.book).Offer(t.Context(), draft)(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dec
}

func replyTo(t *testing.T, clerk string, rights gateway.Rights, expires registry.Day) string {
	t.Helper()
	address, err := tokens.Reply(number, clerk, rights, expires)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

var farDay = registry.Day{Year: 2027, Month: 1, Day: 1}

// answerOf is a clerk's answer to a notice.
func answerOf(t *testing.T, text string) (registry.Item, registry.Document) {
	return registry.Item{
		ID: registry.NewItemID(now), Door: registry.DoorSMTP,
		Envelope: &registry.Envelope{MailFrom: "os1@aleksandrowo.example", Recipients: []string{replyTo(t, "os1", gateway.MayHandle, farDay)}},
	}, registry.Document{
		From: []registry.Address{{Email: "OS1@aleksandrowo.example"}}, MessageID: "a1@aleksandrowo.example", Own: text,
		Auth: registry.Authentication{Verdict: registry.Confirmed},
	}
}

func TestACommandIsDoneOnceAndAnswered(t *testing.T) {
	for _, tt := range []struct {
		text     string
		act      registry.Act
		reason   string
		answered string
	}{
		{"przyjmuję", registry.Act{Kind: registry.ActAccept, Subject: number.String()}, "", "remark.reply.done_case"},
		{"zwracam nie nasze", registry.Act{Kind: registry.ActReturn, Subject: number.String()}, "nie nasze", "remark.reply.done"},
		{"przekaż OŚ bo tak", registry.Act{Kind: registry.ActForward, Subject: number.String(), To: "OS"}, "bo tak", "remark.reply.done"},
		{"przekaż os2@aleksandrowo.example", registry.Act{Kind: registry.ActForward, Subject: number.String(), To: "os2"}, "", "remark.reply.done"},
		{"do sprawy os.6131.12.2026", registry.Act{Kind: registry.ActJoinCase, Subject: number.Folder(), To: "OS.6131.12.2026"}, "", "remark.reply.done"},
		{"notatka dzwoniła strona", registry.Act{Kind: registry.ActNote, Subject: number.String(), Text: "dzwoniła strona"}, "dzwoniła strona", "remark.reply.done"},
		{"zakończ", registry.Act{Kind: registry.ActClose, Subject: number.String()}, "", "remark.reply.done"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			s := newScene()
			for range 3 { // the same letter, delivered again, changes nothing
				it, doc := answerOf(t, tt.text)
				if dec := s.arrive(t, it, doc); dec.Screen != "beside" || dec.ScreenReason != "command" {
					t.Fatalf("decision = %+v", dec)
				}
			}
			if len(s.book.drafts) != 2 {
				t.Fatalf("%d drafts, want an act and an answer: %v %v", len(s.book.drafts), s.book.acts(), s.book.said())
			}
			d := s.book.drafts[0]
			if d.Actor != "os1" || d.Reason != tt.reason || d.Act.Kind != tt.act.Kind || d.Act.Subject != tt.act.Subject ||
				d.Act.To != tt.act.To || d.Act.Text != tt.act.Text || !strings.Contains(string(d.Act.Content), "sha256") {
				t.Errorf("draft = %+v, act %+v", d, d.Act)
			}
			if got := s.book.said(); !slices.Equal(got, []string{tt.answered + " to os1"}) {
				t.Errorf("said %v", got)
			}
		})
	}
}

func TestWhatIsNoCommandIsANoteAndOneHelpAnHour(t *testing.T) {
	s := newScene()
	for i := range 5 {
		it, doc := answerOf(t, "Przyjmuję do wiadomości, że…")
		doc.MessageID = fmt.Sprintf("a%d@aleksandrowo.example", i)
		s.arrive(t, it, doc)
	}
	if got := s.book.acts(); len(got) != 5 || got[0] != "noted by os1" {
		t.Errorf("acts = %v", got)
	}
	if got := s.book.said(); !slices.Equal(got, []string{"remark.reply.unclear to os1"}) {
		t.Errorf("said %v", got)
	}
	s.at = s.at.Add(time.Hour)
	it, doc := answerOf(t, "co to?")
	doc.MessageID = "b@aleksandrowo.example"
	s.arrive(t, it, doc)
	if got := s.book.said(); len(got) != 2 {
		t.Errorf("an hour later said %v", got)
	}
}

func TestWhoeverIsNotTheClerkDoesNothing(t *testing.T) {
	for name, spoil := range map[string]func(*registry.Item, *registry.Document){
		"another clerk": func(_ *registry.Item, d *registry.Document) { d.From[0].Email = "os2@aleksandrowo.example" },
		"a stranger":    func(_ *registry.Item, d *registry.Document) { d.From[0].Email = "x@r1.example" },
		"unconfirmed":   func(_ *registry.Item, d *registry.Document) { d.Auth.Verdict = registry.Unconfirmed },
		"forged, through a relay": func(it *registry.Item, d *registry.Document) {
			d.Auth.Verdict, it.Envelope.TrustedRelay = registry.Forged, true
		},
		"two authors": func(_ *registry.Item, d *registry.Document) {
			d.From = append(d.From, registry.Address{Email: "x@r1.example"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			it, doc := answerOf(t, "przyjmuję")
			spoil(&it, &doc)
			if dec := s.arrive(t, it, doc); dec.Screen != "beside" {
				t.Errorf("decision = %+v", dec)
			}
			if len(s.book.drafts) != 0 {
				t.Errorf("done: %v, said: %v", s.book.acts(), s.book.said())
			}
		})
	}
}

func TestTheOwnRelayOrAPasswordProvesTheClerk(t *testing.T) {
	for name, prove := range map[string]func(*registry.Envelope){
		"relay":    func(e *registry.Envelope) { e.TrustedRelay = true },
		"password": func(e *registry.Envelope) { e.Auth = "os1" },
	} {
		s := newScene()
		it, doc := answerOf(t, "przyjmuję")
		doc.Auth.Verdict = registry.Unchecked
		prove(it.Envelope)
		s.arrive(t, it, doc)
		if got := s.book.acts(); !slices.Equal(got, []string{"accepted by os1"}) {
			t.Errorf("%s: acts = %v", name, got)
		}
	}
}

func TestAnAddressAllowsWhatItWasMadeFor(t *testing.T) {
	for name, tt := range map[string]struct {
		rights  gateway.Rights
		expires registry.Day
		want    string
	}{
		"expired":     {gateway.MayHandle, registry.Day{Year: 2026, Month: 11, Day: 22}, "remark.reply.expired to os1"},
		"other right": {gateway.MayNote, farDay, "remark.reply.not_allowed to os1"},
	} {
		s := newScene()
		it, doc := answerOf(t, "przyjmuję")
		it.Envelope.Recipients = []string{replyTo(t, "os1", tt.rights, tt.expires)}
		s.arrive(t, it, doc)
		if got := s.book.said(); len(s.book.acts()) != 0 || !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: acts %v, said %v", name, s.book.acts(), got)
		}
	}
}

func TestARefusalIsAnsweredAndAnOutageRepeated(t *testing.T) {
	s := newScene()
	s.book.actErr = fmt.Errorf("%w: not yours", registry.ErrForbidden)
	it, doc := answerOf(t, "przyjmuję")
	s.arrive(t, it, doc)
	if got := s.book.said(); !slices.Equal(got, []string{"remark.reply.refused to os1"}) {
		t.Errorf("said %v", got)
	}

	s = newScene()
	s.book.actErr = fmt.Errorf("%w: connection reset", registry.ErrUnavailable)
	it, doc = answerOf(t, "przyjmuję")
	dec := s.room.Decider(admit{}).Decide(it, doc, registry.Facts{})
	draft := registry.Draft{Arrival: &registry.Arrival{Item: it, Document: doc, Disposition: registry.Beside, Reason: dec.ScreenReason}}
	if _, err := s.room.Around(s.book).Offer(t.Context(), draft)(t.Context()); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("err = %v, want the desk to offer it again", err)
	}
}

func TestOrdinaryLettersAreLeftAlone(t *testing.T) {
	sender, _ := tokens.Sender("urzad@aleksandrowo.example", number)
	for name, alter := range map[string]func(*registry.Item, *registry.Document){
		"to a mailbox": func(it *registry.Item, _ *registry.Document) {
			it.Envelope.Recipients = []string{"urzad@aleksandrowo.example"}
		},
		"a sender's answer": func(it *registry.Item, _ *registry.Document) { it.Envelope.Recipients = []string{sender} },
		"a scan":            func(it *registry.Item, _ *registry.Document) { it.Envelope = nil },
		"a stranger writes to us and to a token": func(it *registry.Item, d *registry.Document) {
			d.From[0].Email = "x@r1.example"
			it.Envelope.Recipients = append(it.Envelope.Recipients, "urzad@aleksandrowo.example")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			it, doc := answerOf(t, "przyjmuję")
			alter(&it, &doc)
			if dec := s.arrive(t, it, doc); dec.Screen != "" || len(s.book.drafts) != 0 {
				t.Errorf("decision %+v, drafts %v", dec, s.book.acts())
			}
		})
	}
}

func TestAnAutomaticReplyAsksTheHeadOnceADay(t *testing.T) {
	s := newScene()
	for i := range 10 {
		it, doc := answerOf(t, "Jestem na urlopie")
		doc.Headers.AutoSubmitted, doc.MessageID = "auto-replied", fmt.Sprintf("ooo%d@x", i)
		if dec := s.arrive(t, it, doc); dec.ScreenReason != "auto_reply" {
			t.Errorf("decision = %+v", dec)
		}
	}
	if got := s.book.said(); len(s.book.acts()) != 0 || !slices.Equal(got, []string{"remark.away to osk"}) {
		t.Errorf("acts %v, said %v", s.book.acts(), got)
	}
}

const hardReport = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nAction: delayed\r\n" +
	"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; os1@aleksandrowo.example\r\nAction: failed\r\nStatus: 5.1.1 (no such box)\r\n--b--\r\n"

// bounceOf is a delivery report to the reverse path of an outbox row.
func (s *scene) bounceOf(t *testing.T, row, report string) (registry.Item, registry.Document) {
	t.Helper()
	to, err := tokens.Bounce(row)
	if err != nil {
		t.Fatal(err)
	}
	it := registry.Item{ID: registry.NewItemID(now), Door: registry.DoorSMTP, Envelope: &registry.Envelope{Recipients: []string{to}}}
	s.book.reports[it.ID] = report
	return it, registry.Document{Headers: registry.Headers{ContentType: "multipart/report"}}
}

func TestAReturnedNoticeIsReportedAndMakesNoEntry(t *testing.T) {
	for name, tt := range map[string]struct {
		kind, report string
		want         []string
	}{
		"for good":          {registry.OutboxNotice, hardReport, []string{"7.0 5.1.1"}},
		"for now":           {registry.OutboxNotice, strings.Replace(hardReport, "failed", "delayed", 1), nil},
		"nothing to read":   {registry.OutboxNotice, "", nil},
		"not one of notice": {registry.OutboxReceipt, hardReport, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene()
			s.book.outbox = []registry.OutboxRow{{ID: "7.0", Kind: tt.kind, Recipient: "os1", Number: number, State: registry.OutboxSent}}
			it, doc := s.bounceOf(t, "7.0", tt.report)
			if dec := s.arrive(t, it, doc); dec.Screen != "beside" || dec.ScreenReason != "bounce" {
				t.Errorf("decision = %+v", dec)
			}
			if !slices.Equal(s.bounced, tt.want) || len(s.book.drafts) != 0 {
				t.Errorf("reported %v, drafts %v", s.bounced, s.book.said())
			}
		})
	}
}

func TestWhatADeliveryReportSays(t *testing.T) {
	for name, tt := range map[string]struct {
		report string
		want   deliveryReport
	}{
		"failed":                 {hardReport, deliveryReport{true, "5.1.1"}},
		"delayed":                {strings.Replace(hardReport, "failed", "delayed", 1), deliveryReport{false, "5.1.1"}},
		"failed for now":         {strings.Replace(hardReport, "5.1.1", "4.2.2", 1), deliveryReport{false, "4.2.2"}},
		"delivered":              {strings.NewReplacer("failed", "delivered", "5.1.1", "2.0.0").Replace(hardReport), deliveryReport{false, "2.0.0"}},
		"words in the text only": {"Content-Type: text/plain\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n", deliveryReport{}},
		"nothing":                {"", deliveryReport{}},
		"nonsense for a status":  {"Content-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1\n", deliveryReport{true, ""}},
		"fields in the letter":   {"Content-Type: message/delivery-status\n\nAction: delayed\n\n--b\nContent-Type: message/rfc822\n\nAction: failed\nStatus: 5.0.0\n", deliveryReport{}},
	} {
		if got := parseReport(strings.NewReader(tt.report)); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add(hardReport)
	f.Add("Content-Type: message/delivery-status\nAction:\nStatus: 5..\n")
	f.Add(strings.Repeat("x", 100_000))
	f.Fuzz(func(t *testing.T, report string) {
		if got := parseReport(strings.NewReader(report)); got.status != "" && !isStatus(got.status) {
			t.Errorf("status = %q", got.status)
		}
	})
}

func TestWhatWasSentToAClerkWhoLeftIsAnsweredNoLonger(t *testing.T) {
	made := farDay.AddDays(-gateway.TokenLife)
	for name, tt := range map[string]struct {
		left registry.Day
		want string // what was done
	}{
		"sent before":        {made.AddDays(3), ""},
		"sent on the day":    {made, ""},
		"sent after the day": {made.AddDays(-1), "accepted by os1"},
		"another has left":   {registry.Day{}, "accepted by os1"},
	} {
		s := newScene()
		s.room.o.Left = func(login string) (registry.Day, bool) { return tt.left, login == "os1" && !tt.left.IsZero() }
		it, doc := answerOf(t, "przyjmuję")
		s.arrive(t, it, doc)
		if got := strings.Join(s.book.acts(), "; "); got != tt.want {
			t.Errorf("%s: done %q, want %q", name, got, tt.want)
		}
		if said := s.book.said(); tt.want == "" && !slices.Equal(said, []string{"remark.reply.expired to os1"}) {
			t.Errorf("%s: said %v", name, said)
		}
	}
}
