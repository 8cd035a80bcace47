package gateway

import (
	"crypto/rand"
	"time"

	"kancelaria/registry"
)

// A Drafter writes what the desk has found out into a draft for the book.
type Drafter struct {
	Office   func() *registry.Office
	Now      func() time.Time
	Receipts bool // whether the office sends receipts at all
	// Untitled names a document without a subject, in the office's language.
	Untitled func(it registry.Item, doc registry.Document) string
	// Extract keeps what the rules look at; nil keeps nothing.
	Extract func(doc registry.Document) registry.Extract
	// Shadow: the office only tries kancelaria; nobody outside is written to.
	Shadow bool
}

// Arrival drafts the registration, quarantine or filing beside of an item.
func (d Drafter) Arrival(it registry.Item, doc registry.Document, facts registry.Facts, dec registry.Decision) registry.Draft {
	office := d.Office()
	dec.Flags = registry.AddFlags(dec.Flags, doc.Flags...)
	if office.Registers[it.Register].Restricted {
		dec.Restricted = true
		dec.Readers = append(dec.Readers, office.Registers[it.Register].Readers...)
	}
	a := &registry.Arrival{
		Item: it, Place: it.Place, Document: doc, Decision: dec, Facts: facts,
		Disposition: registry.Registered,
		Title:       doc.Title,
		Sender:      sender(doc),
		BodyDigest:  doc.BodyDigest,
		ReceivedAt:  it.ReceivedAt(),
	}
	a.ReceivedOn = registry.DayOf(a.ReceivedAt, office.Zone)
	switch dec.Screen {
	case "quarantine":
		a.Disposition, a.Reason = registry.Quarantined, dec.ScreenReason
	case "beside":
		a.Disposition, a.Reason = registry.Beside, dec.ScreenReason
	}
	if it.File != nil && it.File.Attach != "" && a.Disposition == registry.Registered {
		a.Disposition, a.To = registry.Attached, it.File.Attach
	}
	if it.File != nil && it.File.OnConfirm && a.Disposition == registry.Registered {
		a.Disposition, a.Reason = registry.Quarantined, "to_confirm"
	}
	if it.File != nil && it.File.Incomplete {
		a.Decision.Flags = registry.AddFlags(a.Decision.Flags, registry.FlagIncomplete)
	}
	if facts.Thread != nil && a.Disposition == registry.Beside {
		a.Answers = facts.Thread.Entry
	}
	for _, c := range facts.Cases {
		if c.Foreign && a.SenderRef == "" {
			a.SenderRef = c.Raw // the mark under which they write
		}
	}
	d.hand(a)
	if a.Title == "" && (a.Disposition == registry.Registered || a.Disposition == registry.Attached) {
		a.Title = d.Untitled(it, doc)
	}
	if it.Door == registry.DoorScan {
		a.Sender = registry.Sender{} // the device is not who writes
	}
	a.ToComplete = it.Door.IsScan() && a.Sender == registry.Sender{}
	a.Receipt = registry.PlanReceipt(it, doc, a.Decision, office, d.Receipts && !d.Shadow)
	if d.Extract != nil {
		a.Extract = d.Extract(doc)
	}
	draft := registry.Draft{Key: "item/" + it.ID.String(), At: d.Now().UTC(), Actor: "kancelaria", Arrival: a}
	_, _ = rand.Read(draft.Salt[:])
	return draft
}

// hand takes over what a person typed with a document.
func (d Drafter) hand(a *registry.Arrival) {
	h := a.Item.Hand
	if h == nil {
		return
	}
	if h.Title != "" {
		a.Title = h.Title
	}
	if h.Sender != (registry.Sender{}) {
		a.Sender = h.Sender
	}
	a.LetterDate, a.PostedOn, a.Remarks = h.LetterDate, h.PostedOn, h.Remarks
	if h.SenderRef != "" {
		a.SenderRef = h.SenderRef
	}
	a.Late = !h.ReceivedAt.IsZero()
}

// sender is the author as the register shows it; what is not known stays empty
// and is shown as "brak danych".
func sender(doc registry.Document) registry.Sender {
	from := doc.Sender()
	name := from.Name
	if name == "" && from.Email == "" {
		name = from.Raw
	}
	return registry.Sender{Name: name, Email: from.Email}
}
