package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kancelaria/registry"
)

// A receiptPage is what the texts of receipts may say: when, which number, how
// many attachments, and whom to turn to. Nothing of the letter itself: not its
// subject, not its text, no file name, and no clerk.
type receiptPage struct {
	At          time.Time
	Number      string
	Register    string
	Attachments int
	Entries     []receiptEntry // of a collective receipt

	Office, Genitive, English string
	ADE, BIP, Privacy, Phone  string
}

type receiptEntry struct {
	Number      string
	At          time.Time
	Attachments int
}

// A proofPage is what the attached file says to those who want to check.
type proofPage struct {
	At     time.Time
	Number string
	Size   int64
	Digest string
	Files  []proofFile
	Proof  string
}

type proofFile struct {
	Ordinal int
	Size    int64
	Digest  string
}

// proofPatience is how long a receipt waits for a checkpoint to cover its
// entry; the sealer signs about once a second.
const (
	proofPatience = 4 * time.Second
	proofWait     = 1200 * time.Millisecond
)

// receipt writes the confirmation for a sender: to the envelope sender, from
// nobody (RFC 3834 § 3.1.1).
func (p *press) receipt(ctx context.Context, row registry.OutboxRow, group []registry.OutboxRow) (mailing, error) {
	t, err := p.read(ctx, row)
	if err != nil {
		return mailing{}, err
	}
	if t.arrival == nil { // erased meanwhile: there is nothing to confirm
		return mailing{told: "the letter was erased"}, nil
	}
	proof, wait, err := p.proof(ctx, row, len(group) > 0)
	if err != nil || wait > 0 {
		return mailing{wait: wait}, err
	}
	if len(group) > 0 {
		return p.collectiveReceipt(ctx, t, group)
	}

	o := p.office()
	plan := t.arrival.Receipt
	page := p.receiptPage(o, t)
	name := "receipt/" + orText(plan.Variant, registry.ReceiptStandard)
	text, version, err := p.receiptText(name, page, plan.English)
	if err != nil {
		return mailing{}, err
	}
	subject := "receipt.subject"
	if plan.Variant == registry.ReceiptWhistle {
		subject = "receipt.subject.whistle"
	}
	pl := registry.Catalogue("pl")
	s := p.receiptSheet(o, t, pl.Say(subject, "number", page.Number), text)
	if plan.Variant != registry.ReceiptWhistle {
		file, err := proofFileOf(t, page, proof, plan.English)
		if err != nil {
			return mailing{}, err
		}
		s.files = append(s.files, file)
	}
	return p.receiptMailing(s, t, version)
}

// receiver is the envelope sender as it was written; the outbox keeps it in
// lower case.
func receiver(t told) string {
	if to := t.arrival.Receipt.To; strings.EqualFold(to, t.row.Recipient) {
		return to
	}
	return t.row.Recipient
}

// collectiveReceipt confirms several letters of one sender in one mail.
func (p *press) collectiveReceipt(ctx context.Context, first told, group []registry.OutboxRow) (mailing, error) {
	o := p.office()
	page := p.receiptPage(o, first)
	page.Entries = []receiptEntry{{page.Number, page.At, page.Attachments}}
	english := first.arrival.Receipt.English
	ids := []string{first.row.ID}
	for _, row := range group {
		t, err := p.read(ctx, row)
		if err != nil {
			return mailing{}, err
		}
		if t.arrival == nil || t.arrival.Receipt.Variant == registry.ReceiptWhistle {
			continue // told in a mail of its own
		}
		one := p.receiptPage(o, t)
		page.Entries = append(page.Entries, receiptEntry{one.Number, one.At, one.Attachments})
		english = english || t.arrival.Receipt.English
		ids = append(ids, row.ID)
	}
	text, version, err := p.receiptText("receipt/collective", page, english)
	if err != nil {
		return mailing{}, err
	}
	pl := registry.Catalogue("pl")
	subject := pl.Say("receipt.subject.collective", "messages", pl.Count("count.messages", int64(len(page.Entries))))
	s := p.receiptSheet(o, first, subject, text)
	s.inReply, s.refs = "", nil // it answers several
	s.fields = append(s.fields, [2]string{joinedField, strings.Join(ids, " ")})
	return p.receiptMailing(s, first, version)
}

// proof asks for the ledger's proof. A fresh receipt waits a moment for it, a
// collective one goes without.
func (p *press) proof(ctx context.Context, row registry.OutboxRow, collective bool) (proof string, wait time.Duration, err error) {
	if p.opt.Prover == nil || collective {
		return "", 0, nil
	}
	raw, ok, err := p.opt.Prover.Prove(ctx, row.Leaf)
	switch {
	case err != nil:
		// A receipt without its proof is better than none; the reason is logged.
		p.opt.Log.Warn("notify.no_proof", "row", row.ID, "number", row.Number.String(), "err", err)
		return "", 0, nil
	case !ok && p.opt.Now().Sub(row.CreatedAt) < proofPatience:
		return "", proofWait, nil
	default:
		return string(raw), 0, nil
	}
}

func (p *press) receiptPage(o *registry.Office, t told) receiptPage {
	n := t.number()
	return receiptPage{
		At:          t.arrival.Item.AcceptedAt.In(zone(o)),
		Number:      n.String(),
		Register:    n.Register,
		Attachments: t.arrival.Document.CountAttachments(),
		Office:      o.Name,
		Genitive:    registry.Catalogue("pl").Genitive(o.Name),
		English:     o.EnglishName,
		ADE:         o.ADE, BIP: o.BIP, Privacy: o.Privacy, Phone: o.Phone,
	}
}

// receiptText is Polish, with English below where it is wanted.
func (p *press) receiptText(name string, page receiptPage, english bool) (text, version string, err error) {
	pl := registry.Catalogue("pl")
	version = pl.Current(name)
	if text, err = pl.Render(version, page); err != nil {
		return "", "", err
	}
	if !english && !p.opt.EnglishAlways {
		return text, version, nil
	}
	en := registry.Catalogue("en")
	more, err := en.Render(en.Current(name), page)
	return text + "\n* * *\n\n" + more, version + "+en", err
}

func (p *press) receiptSheet(o *registry.Office, t told, subject, text string) sheet {
	n := t.number()
	s := sheet{
		id:      messageID("receipt", n, t.row.ID, domainOf(o)),
		from:    p.opt.From,
		to:      "<" + receiver(t) + ">",
		replyTo: p.senderReplyTo(o, t),
		date:    p.opt.Now().In(zone(o)),
		subject: subject,
		text:    text,
		fields: [][2]string{
			{"Auto-Submitted", "auto-replied"},
			{"X-Auto-Response-Suppress", "All"},
			{"X-Kancelaria-Item", n.String()},
		},
	}
	if id := t.arrival.Document.MessageID; quotableID(id) {
		s.inReply, s.refs = id, []string{id}
	}
	return s
}

// senderReplyTo is where an answer to the receipt arrives: the very mailbox the
// letter came to, with a detail that names its entry.
func (p *press) senderReplyTo(o *registry.Office, t told) string {
	for _, box := range t.arrival.Item.Recipients {
		m, ok := o.Mailbox(box)
		if !ok || m.Kind == "noreply" {
			continue
		}
		if p.opt.Tokens != nil {
			if address, err := p.opt.Tokens.Sender(box, t.number()); err == nil {
				return "<" + address + ">"
			}
		}
		return "<" + box + ">"
	}
	return p.opt.From
}

func (p *press) receiptMailing(s sheet, t told, version string) (mailing, error) {
	s.fields = append(s.fields, [2]string{versionField, version})
	raw, err := s.encode()
	if err != nil {
		return mailing{}, fmt.Errorf("writing receipt %s: %w", t.row.ID, err)
	}
	return mailing{bytes: raw, messageID: s.id, from: "", to: []string{receiver(t)}, variant: version}, nil
}

// proofFileOf writes the figures by which a sender can check what arrived:
// sizes and digests, no names.
func proofFileOf(t told, page receiptPage, proof string, english bool) (attached, error) {
	figures := proofPage{
		At: page.At, Number: page.Number,
		Size: t.arrival.Item.Original.Size, Digest: t.arrival.Item.Original.Digest.String(),
	}
	for _, a := range t.arrival.Document.Attachments {
		if a.Role == registry.RoleAttachment {
			figures.Files = append(figures.Files, proofFile{len(figures.Files) + 1, a.Size, a.Digest.String()})
		}
	}
	// The proof stands last and once: what checks it reads to the end.
	pl := registry.Catalogue("pl")
	langs := []*registry.Texts{pl}
	if english {
		langs = append(langs, registry.Catalogue("en"))
	}
	text := ""
	for i, texts := range langs {
		if figures.Proof = ""; i == len(langs)-1 {
			figures.Proof = proof
		}
		part, err := texts.Render(texts.Current("receipt/proof"), figures)
		if err != nil {
			return attached{}, err
		}
		if i > 0 {
			text += "\n* * *\n\n"
		}
		text += part
	}
	// Windows opens it right only with a byte order mark and its line ends.
	content := append([]byte("\ufeff"), crlf(text)...)
	return attached{name: pl.Say("receipt.proof_name", "number", page.Number), mediaType: "text/plain", content: content}, nil
}
