package api

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// An Entry is an entry as scripts see it (show --json, list --json); the names
// are stable. Days are dates, instants RFC 3339 with the office's offset, empty
// lists are [].
type Entry struct {
	Number          string                     `json:"number"`
	Register        string                     `json:"register"`
	ItemID          string                     `json:"item_id"`
	Folder          string                     `json:"folder"`
	Case            string                     `json:"case"`
	CaseState       string                     `json:"case_state"`
	CaseSuggestion  string                     `json:"case_suggestion"`
	DuplicateOf     string                     `json:"duplicate_of"`
	Door            registry.Door              `json:"door"`
	Source          string                     `json:"source"`
	Delivery        string                     `json:"delivery"`
	AcceptedAt      string                     `json:"accepted_at"`
	ReceivedAt      string                     `json:"received_at"`
	ReceivedOn      string                     `json:"received_on"`
	RegisteredAt    string                     `json:"registered_at"`
	Year            int                        `json:"year"`
	Sender          registry.Sender            `json:"sender"`
	Recipients      []string                   `json:"recipients"`
	Subject         string                     `json:"subject"`
	Title           string                     `json:"title"`
	LetterDate      string                     `json:"letter_date"`
	SenderRef       string                     `json:"sender_ref"`
	PostedOn        string                     `json:"posted_on"`
	Remarks         string                     `json:"remarks"`
	Access          string                     `json:"access"`
	MessageID       string                     `json:"message_id"`
	Original        Original                   `json:"original"`
	AttachmentCount int                        `json:"attachment_count"`
	Attachments     []Attachment               `json:"attachments"`
	Text            *string                    `json:"text,omitempty"` // show only
	Signatures      []registry.SignatureReport `json:"signatures"`
	Authentication  registry.Authentication    `json:"authentication"`
	Decision        Decision                   `json:"decision"`
	Class           string                     `json:"class"`
	Department      string                     `json:"department"`
	Clerk           string                     `json:"clerk"`
	Due             string                     `json:"due"`
	Status          registry.Status            `json:"status"`
	Flags           []registry.Flag            `json:"flags"`
	Flaws           []registry.Flaw            `json:"flaws"`
	Receipt         Receipt                    `json:"receipt"`
	Events          []Event                    `json:"events"`
	// Notices are who was told what, and what became of it; newest first.
	Notices  []Notice  `json:"notices"`
	Findings []Finding `json:"findings,omitempty"` // show only
	// Leaf is the place in the ledger, LastLeaf that of the last event: what an
	// act may name to be sure nothing happened since.
	Leaf     int64 `json:"leaf"`
	LastLeaf int64 `json:"last_leaf"`
}

// An Original names the bytes as they arrived.
type Original struct {
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	MediaType string `json:"media_type"`
}

// An Attachment is a part as scripts see it.
type Attachment struct {
	Path         string          `json:"path"`
	Name         string          `json:"name"`
	DeclaredType string          `json:"declared_type"`
	MediaType    string          `json:"media_type"`
	Size         int64           `json:"size"`
	SHA256       string          `json:"sha256"`
	Role         registry.Role   `json:"role"`
	Flags        []registry.Flag `json:"flags"`
}

// A Decision is what the rules proposed, and why.
type Decision struct {
	Class      string   `json:"class"`
	Department string   `json:"department"`
	Clerk      string   `json:"clerk"`
	OnBehalfOf string   `json:"on_behalf_of"`
	Deadline   Deadline `json:"deadline"`
	Rules      []string `json:"rules"`
	Because    []string `json:"because"`
}

// A Deadline is a day to act by.
type Deadline struct {
	Code  string `json:"code"`
	Raw   string `json:"raw"`
	Due   string `json:"due"`
	Basis string `json:"basis"`
}

// A Receipt says when the sender was told, or why not.
type Receipt struct {
	SentAt        string `json:"sent_at"`
	ReasonNotSent string `json:"reason_not_sent"`
}

// A Notice is a mail of ours about an entry.
type Notice struct {
	ID        string `json:"id"`
	Kind      string `json:"kind"` // notice, receipt
	Recipient string `json:"recipient"`
	State     string `json:"state"` // ready, leased, sent, dead, replayed
	At        string `json:"at"`    // done at; else not before
	Attempts  int    `json:"attempts"`
	Answer    string `json:"answer"` // of the relay or channel, or why it waits
}

func notice(row registry.OutboxRow, zone *time.Location) Notice {
	at := row.DoneAt
	if at.IsZero() {
		at = row.NotBefore
	}
	return Notice{row.ID, row.Kind, row.Recipient, row.State, instant(at, zone), row.Attempts, row.LastError}
}

// An Event is something that was done to an entry.
type Event struct {
	At         string `json:"at"`
	Actor      string `json:"actor"`
	OnBehalfOf string `json:"on_behalf_of"`
	Kind       string `json:"kind"`
	Reason     string `json:"reason"`
	Leaf       int64  `json:"leaf"`
}

// A source is all that an Entry is made from.
type source struct {
	work   registry.Work
	folder registry.Folder
	line   *registry.Line     // of the registration, nil if its content was erased
	events []registry.LeafRow // oldest first
	outbox []registry.OutboxRow
}

func (s source) entry(zone *time.Location, texts *registry.Texts) Entry {
	w := s.work
	e := Entry{
		Number: w.Number.String(), Register: w.Number.Register, ItemID: w.Item.String(), Year: w.Number.Year,
		Folder: w.Folder, Case: cmp.Or(s.folder.Case, w.Folder), CaseState: cmp.Or(s.folder.State, "working"), CaseSuggestion: w.Suggestion,
		DuplicateOf: w.DuplicateOf, Door: w.Door, Source: w.Source,
		AcceptedAt: instant(w.AcceptedAt, zone), ReceivedAt: instant(w.ReceivedAt, zone), ReceivedOn: w.ReceivedOn.String(),
		RegisteredAt: instant(w.RegisteredAt, zone), Sender: w.Sender, Subject: w.Subject, Title: w.Title, LetterDate: w.LetterDate,
		SenderRef: w.SenderRef, PostedOn: w.PostedOn, Remarks: w.Remarks, Access: w.Access, MessageID: w.MessageID,
		Original:        Original{SHA256: w.Digest.String(), Size: w.Size, MediaType: w.MediaType},
		AttachmentCount: w.Attachments, Attachments: []Attachment{}, Recipients: []string{}, Signatures: []registry.SignatureReport{},
		Class: w.Class, Department: w.Department, Clerk: w.Clerk, Due: w.Deadline.Due.String(), Status: w.Status,
		Flags: list(w.Flags), Flaws: []registry.Flaw{}, Events: []Event{}, Decision: Decision{Rules: []string{}, Because: []string{}},
		Leaf: w.Leaf, LastLeaf: w.LastLeaf,
	}
	if s.line != nil && s.line.Draft.Arrival != nil {
		e.addLine(*s.line)
	}
	for _, leaf := range s.events {
		e.Events = append(e.Events, event(leaf, zone, texts))
		e.addRecipients(leaf)
	}
	e.Notices = []Notice{}
	for _, row := range s.outbox {
		e.Notices = append(e.Notices, notice(row, zone))
	}
	e.Receipt.of(s, zone)
	return e
}

func (e *Entry) addLine(l registry.Line) {
	a := l.Draft.Arrival
	e.Delivery = a.Item.Delivery.String()
	e.Recipients = list(a.Item.Recipients)
	for _, at := range a.Document.Attachments {
		e.Attachments = append(e.Attachments, Attachment{
			Path: at.Path, Name: at.Name, DeclaredType: at.DeclaredType, MediaType: at.MediaType, Size: at.Size,
			SHA256: at.Digest.String(), Role: at.Role, Flags: list(at.Flags),
		})
	}
	e.Signatures = list(a.Document.Signatures)
	e.Authentication = a.Document.Auth
	e.Flaws = list(a.Document.Flaws)
	d := a.Decision
	e.Decision = Decision{
		Class: d.Class, Department: d.Department, Clerk: l.Outcome.Clerk, OnBehalfOf: l.Outcome.OnBehalfOf,
		Deadline: Deadline{d.Deadline.Code, d.Deadline.Raw.String(), d.Deadline.Due.String(), d.Deadline.Basis},
		Rules:    list(d.Rules), Because: list(d.Because),
	}
	if !a.Receipt.Send {
		e.Receipt.ReasonNotSent = a.Receipt.Reason
	}
}

// addRecipients adds those of our mailboxes to which the same letter came in a
// delivery of its own.
func (e *Entry) addRecipients(leaf registry.LeafRow) {
	var l registry.Line
	if leaf.Type != string(registry.Redelivered) || json.Unmarshal(leaf.Content, &l) != nil || l.Draft.Arrival == nil {
		return
	}
	for _, box := range l.Draft.Arrival.Item.Recipients {
		if !slices.Contains(e.Recipients, box) {
			e.Recipients = append(e.Recipients, box)
		}
	}
}

// of fills in when a receipt left, from the outbox as it stands.
func (r *Receipt) of(s source, zone *time.Location) {
	for _, row := range s.outbox {
		if row.Kind != registry.OutboxReceipt || row.State != registry.OutboxSent {
			continue
		}
		if why, not := strings.CutPrefix(row.LastError, registry.ReceiptNotSent); not {
			r.ReasonNotSent = why
		} else {
			r.SentAt = instant(row.DoneAt, zone)
		}
	}
}

func event(leaf registry.LeafRow, zone *time.Location, texts *registry.Texts) Event {
	e := Event{At: instant(leaf.At, zone), Actor: leaf.Actor, OnBehalfOf: leaf.OnBehalfOf, Kind: leaf.Type, Leaf: leaf.Index}
	var l registry.Line
	if json.Unmarshal(leaf.Content, &l) == nil {
		e.Reason = l.Draft.Reason
		if r, ok := gateway.RemarkOf(l.Draft.Act); ok {
			e.Reason = strings.ReplaceAll(r.Say(texts, r.Text, nil), "¶", " ")
		} else if l.Draft.Act != nil && e.Reason == "" {
			e.Reason = l.Draft.Act.Text
		}
	}
	return e
}

// instant gives RFC 3339 with the office's offset, or "" for none.
func instant(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format("2006-01-02T15:04:05.000000Z07:00")
}

// list gives [] rather than null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
