package paper

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"kancelaria/registry"
)

// A Person is everything the office holds about one person, and who looked at
// it: what the person may ask for (GDPR art. 15), and what the office must
// know before it answers.
type Person struct {
	Asked   string        `json:"asked"` // an e-mail address or a name
	MadeAt  time.Time     `json:"made_at"`
	Entries []PersonEntry `json:"entries"`
	Items   []PersonItem  `json:"items"` // accepted and kept out of the register
	// Deliveries are the attempts to hand us mail, also refused ones; of an
	// e-mail address only.
	Deliveries []PersonDelivery `json:"deliveries"`
	// More says that there is more than is listed.
	More bool `json:"more"`
}

// A PersonEntry is an entry that has to do with the person.
type PersonEntry struct {
	Number       string             `json:"number"`
	Role         string             `json:"role"` // sender, mentioned
	ReceivedOn   string             `json:"received_on"`
	RegisteredAt time.Time          `json:"registered_at"`
	Door         registry.Door      `json:"door"`
	Sender       registry.Sender    `json:"sender"`
	Title        string             `json:"title"`
	Subject      string             `json:"subject"`
	Status       registry.Status    `json:"status"`
	Folder       string             `json:"folder"`
	Department   string             `json:"department"`
	Clerk        string             `json:"clerk"`
	Remarks      string             `json:"remarks"`
	SHA256       string             `json:"sha256"`
	Size         int64              `json:"size"`
	Attachments  []PersonAttachment `json:"attachments"`
	Events       []PersonEvent      `json:"events"`
	Mails        []PersonMail       `json:"mails"` // what we sent to the person
	Looks        []registry.Access  `json:"looks"`
	Flags        []registry.Flag    `json:"flags"`
	Restricted   bool               `json:"restricted"`
	Readers      []string           `json:"readers,omitempty"`
	Deadline     registry.Deadline  `json:"deadline"`
	Signatures   []registry.Signer  `json:"signatures,omitempty"`
	Recipients   []string           `json:"recipients,omitempty"`
	Envelope     *registry.Envelope `json:"envelope,omitempty"`
}

// A PersonAttachment is a file that came with a letter.
type PersonAttachment struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// A PersonEvent is something that was done to an entry.
type PersonEvent struct {
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason,omitempty"`
}

// A PersonMail is a receipt to the person.
type PersonMail struct {
	To     string    `json:"to"`
	State  string    `json:"state"`
	DoneAt time.Time `json:"done_at,omitzero"`
}

// A PersonItem is something of the person's that has no number.
type PersonItem struct {
	ItemID      string               `json:"item_id"`
	Disposition registry.Disposition `json:"disposition"`
	Reason      string               `json:"reason"`
	AcceptedAt  time.Time            `json:"accepted_at"`
	Subject     string               `json:"subject"`
	Looks       []registry.Access    `json:"looks"`
}

// A PersonDelivery is an attempt to hand us mail.
type PersonDelivery struct {
	At     time.Time `json:"at"`
	Peer   string    `json:"peer"`
	Code   int       `json:"code"`
	Answer string    `json:"answer"`
}

// What a report about a person may list, and how far it looks for it.
const (
	mostPersonEntries = 5_000
	mostPersonItems   = 50_000
)

// Person gathers all about a person, named by an e-mail address or a name.
// Every entry is looked at: of a person nothing may be left out because an
// index was behind; the index adds the letters that only mention the person.
func (r Reports) Person(ctx context.Context, v *registry.Viewer, asked string) (Person, error) {
	p := Person{
		Asked: strings.TrimSpace(asked), MadeAt: r.Now().UTC(),
		Entries: []PersonEntry{}, Items: []PersonItem{}, Deliveries: []PersonDelivery{},
	}
	who := newSought(p.Asked)
	if len(who.words) == 0 {
		return p, fmt.Errorf("%w: name a person, or an e-mail address", registry.ErrRefused)
	}
	seen := map[registry.Number]bool{}
	for _, q := range []registry.Query{
		{Of: registry.FindNumbers, Viewer: v, Limit: 1000},
		{Of: registry.FindSearch, Viewer: v, Limit: 1000, Words: who.words},
	} {
		found := q.Of == registry.FindSearch
		err := r.each(ctx, q, func(w registry.Work) error {
			role := who.roleIn(w)
			if seen[w.Number] || role == "" && !found || p.full() {
				return nil
			}
			if role == "" {
				role = "mentioned"
			}
			seen[w.Number] = true
			e, err := r.personEntry(ctx, w, role)
			p.Entries = append(p.Entries, e)
			return err
		})
		if err != nil {
			return p, fmt.Errorf("gathering what concerns a person: %w", err)
		}
	}
	if err := r.personItems(ctx, v, who, &p); err != nil {
		return p, fmt.Errorf("gathering what concerns a person: %w", err)
	}
	return p, nil
}

// full reports, and notes, that no more entries are listed.
func (p *Person) full() bool {
	p.More = p.More || len(p.Entries) >= mostPersonEntries
	return p.More
}

// each goes through the entries of a query.
func (r Reports) each(ctx context.Context, q registry.Query, do func(registry.Work) error) error {
	for {
		page, err := r.Book.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, w := range page.Works {
			if err := do(w); err != nil {
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}

// A sought person, in folded words.
type sought struct {
	email string
	words []string
}

func newSought(asked string) sought {
	s := sought{words: strings.Fields(registry.Fold(asked))}
	if len(s.words) > 20 {
		s.words = s.words[:20]
	}
	if len(s.words) == 1 && strings.Contains(s.words[0], "@") {
		s.email = s.words[0]
	}
	return s
}

// roleIn says what the person is in an entry, as far as the register shows.
func (s sought) roleIn(w registry.Work) string {
	switch {
	case s.email != "" && strings.EqualFold(w.Sender.Email, s.email), s.in(w.Sender.Name, w.Sender.Email, w.Sender.Postal):
		return "sender"
	case s.in(w.Title, w.Subject, w.Remarks):
		return "mentioned"
	default:
		return ""
	}
}

// in reports whether every word stands in the texts.
func (s sought) in(texts ...string) bool {
	folded := registry.Fold(strings.Join(texts, " "))
	for _, word := range s.words {
		if !strings.Contains(folded, word) {
			return false
		}
	}
	return true
}

func (r Reports) personEntry(ctx context.Context, w registry.Work, role string) (PersonEntry, error) {
	e := PersonEntry{
		Number: w.Number.String(), Role: role, ReceivedOn: w.ReceivedOn.String(), RegisteredAt: w.RegisteredAt, Door: w.Door, Sender: w.Sender,
		Title: w.Title, Subject: w.Subject, Status: w.Status, Folder: w.Folder, Department: w.Department, Clerk: w.Clerk, Remarks: w.Remarks,
		SHA256: digestText(w.Digest), Size: w.Size, Flags: w.Flags, Restricted: w.Restricted, Readers: w.Readers, Deadline: w.Deadline,
		Attachments: []PersonAttachment{}, Events: []PersonEvent{}, Mails: []PersonMail{}, Looks: []registry.Access{},
	}
	events, err := r.Book.Find(ctx, registry.Query{Of: registry.FindEvents, Subject: w.Number.String(), Limit: 1000})
	if err != nil {
		return e, err
	}
	for _, leaf := range events.Leaves {
		e.addEvent(leaf)
	}
	mails, err := r.Book.Find(ctx, registry.Query{Of: registry.FindOutbox, Number: w.Number, Limit: 1000})
	if err != nil {
		return e, err
	}
	for _, row := range mails.Outbox {
		if row.Kind == registry.OutboxReceipt {
			e.Mails = append(e.Mails, PersonMail{row.Recipient, row.State, row.DoneAt})
		}
	}
	e.Looks, err = r.looks(ctx, w.Number.String())
	return e, err
}

// addEvent adds what happened, and from the registration what came.
func (e *PersonEntry) addEvent(leaf registry.LeafRow) {
	event := PersonEvent{At: leaf.At, Kind: leaf.Type, Actor: leaf.Actor}
	var l registry.Line
	if json.Unmarshal(leaf.Content, &l) == nil {
		event.Reason = l.Draft.Reason
		if a := l.Draft.Arrival; a != nil && leaf.Type == string(registry.Registered) {
			e.Recipients, e.Envelope = a.Item.Recipients, a.Item.Envelope
			for _, at := range a.Document.Attachments {
				e.Attachments = append(e.Attachments, PersonAttachment{at.Name, at.Size, at.Digest.String()})
			}
			for _, s := range a.Document.Signatures {
				e.Signatures = append(e.Signatures, s.Signer)
			}
		}
	}
	e.Events = append(e.Events, event)
}

// looks gives who looked at a subject.
func (r Reports) looks(ctx context.Context, subject string) ([]registry.Access, error) {
	all := []registry.Access{}
	page, err := r.Book.Find(ctx, registry.AccessOf(subject))
	if err != nil {
		return all, err
	}
	for _, n := range page.Notes {
		if a, err := registry.ReadAccess(n); err == nil {
			all = append(all, a)
		}
	}
	return all, nil
}

// personItems finds what the person sent and has no number.
func (r Reports) personItems(ctx context.Context, v *registry.Viewer, who sought, p *Person) error {
	looked := 0
	for _, d := range []registry.Disposition{registry.Quarantined, registry.Beside, registry.Rejected} {
		q := registry.Query{Of: registry.FindArrivals, Disposition: d, Limit: 500}
		for {
			page, err := r.Book.Find(ctx, q)
			if err != nil {
				return err
			}
			for _, row := range page.Arrivals {
				if looked++; looked > mostPersonItems {
					p.More = true
					return nil
				}
				if err := r.personItem(ctx, v, who, row, p); err != nil {
					return err
				}
			}
			if q.After = page.Next; q.After == "" {
				break
			}
		}
	}
	return nil
}

func (r Reports) personItem(ctx context.Context, v *registry.Viewer, who sought, row registry.ArrivalRow, p *Person) error {
	if !r.Office().SeesRegister(v, row.Register) {
		return nil
	}
	page, err := r.Book.Find(ctx, registry.Query{Of: registry.FindLine, Key: "item/" + row.Item.String(), Limit: 1})
	if err != nil || len(page.Leaves) == 0 {
		return err
	}
	var l registry.Line
	if json.Unmarshal(page.Leaves[0].Content, &l) != nil || l.Draft.Arrival == nil {
		return nil // erased: nothing is held
	}
	a := l.Draft.Arrival
	from := a.Document.Sender()
	envelope := ""
	if a.Item.Envelope != nil {
		envelope = a.Item.Envelope.MailFrom
	}
	if !who.in(a.Sender.Name, a.Sender.Email, from.Name, from.Email, envelope, a.Document.Subject) {
		return nil
	}
	looks, err := r.looks(ctx, row.Item.String())
	p.Items = append(p.Items, PersonItem{row.Item.String(), row.Disposition, row.Reason, row.AcceptedAt, a.Document.Subject, looks})
	return err
}

// Text writes what is held about a person, for people.
func (p Person) Text(w io.Writer, texts *registry.Texts, zone *time.Location) error {
	var out strings.Builder
	say := func(key string, pairs ...string) { out.WriteString(texts.Say(key, pairs...) + "\n") }
	say("paper.person.title", "asked", plain(p.Asked, 200), "at", texts.Minute(p.MadeAt.In(zone)))
	for _, e := range p.Entries {
		out.WriteByte('\n')
		say("paper.person.entry", "number", e.Number, "role", texts.Say("paper.person.role."+e.Role), "day", e.ReceivedOn, "door", texts.Say("door."+string(e.Door)),
			"status", texts.Say("status."+string(e.Status)))
		say("paper.person.sender", "sender", plain(strings.Join(strings.Fields(e.Sender.Name+" "+e.Sender.Email+" "+e.Sender.Postal), " "), 300))
		say("paper.person.what", "title", plain(e.Title, 300))
		say("paper.person.holds", "attachments", texts.Count("count.attachments", int64(len(e.Attachments))), "size", texts.Size(e.Size), "folder", e.Folder)
		for _, v := range e.Events {
			say("paper.person.event", "at", texts.Minute(v.At.In(zone)), "what", texts.Say("event."+v.Kind), "who", v.Actor)
		}
		for _, m := range e.Mails {
			say("paper.person.mail", "to", plain(m.To, 100), "state", m.State)
		}
		for _, l := range e.Looks {
			say("paper.person.look", "at", texts.Minute(l.At.In(zone)), "who", l.Login, "what", plain(l.What, 60))
		}
	}
	for _, i := range p.Items {
		out.WriteByte('\n')
		say("paper.person.item", "item", i.ItemID, "at", texts.Minute(i.AcceptedAt.In(zone)), "what", texts.Say("event."+string(i.Disposition)),
			"reason", texts.Say("reason."+i.Reason))
	}
	if len(p.Deliveries) > 0 {
		out.WriteByte('\n')
	}
	for _, d := range p.Deliveries {
		say("paper.person.delivery", "at", texts.Minute(d.At.In(zone)), "peer", d.Peer, "code", fmt.Sprint(d.Code))
	}
	if len(p.Entries)+len(p.Items)+len(p.Deliveries) == 0 {
		say("paper.person.nothing")
	}
	if p.More {
		say("paper.person.more")
	}
	_, err := io.WriteString(w, out.String())
	return err
}
