package registry

import (
	"slices"
	"strings"
)

// Why a sender gets no receipt: the codes of ReceiptPlan.Reason. The catalogue
// has a sentence for each under receipt.not.
const (
	NoReceiptDoor         = "door" // not by mail, or a scanner's mail
	NoReceiptDisabled     = "disabled"
	NoReceiptNullPath     = "null_path"
	NoReceiptAuto         = "auto_submitted"
	NoReceiptList         = "list"
	NoReceiptPrecedence   = "precedence"
	NoReceiptSuppressed   = "suppressed"
	NoReceiptReport       = "report"
	NoReceiptLoop         = "loop"
	NoReceiptNoReply      = "no_reply_sender"
	NoReceiptNoAddress    = "no_address"
	NoReceiptForged       = "forged"
	NoReceiptQuarantine   = "quarantine"
	NoReceiptUnregistered = "not_registered"
	NoReceiptSpam         = "spam"
	NoReceiptOwnDomain    = "own_domain"
	NoReceiptIndividual   = "individual"
	NoReceiptMailboxOff   = "mailbox_off"
	NoReceiptNotAddressed = "not_addressed"
	NoReceiptFromDiffers  = "from_domain_differs"
	NoReceiptRule         = "rule"
	NoReceiptAlreadySent  = "already_sent" // of a redelivery; said where that is known
	NoReceiptTooMany      = "too_many"     // the sender had as many as one gets in a day
)

// ReceiptNotSent begins, in place of a relay's answer, why a receipt that was
// planned was not sent after all; a code follows.
const ReceiptNotSent = "not sent: "

// The variants of the receipt.
const (
	ReceiptStandard = "standard"
	ReceiptAssembly = "assembly" // the minute of entry counts
	ReceiptWhistle  = "whistle"  // restricted registers
)

// PlanReceipt decides whether the sender of an item is told that it arrived.
// Every condition must hold (RFC 3834, and what an office may say to whom), so
// that two automata never talk to each other and nobody whose address was
// forged gets mail from us. The reason of the first condition that fails is
// kept with the entry. The receipt goes to the envelope sender.
func PlanReceipt(it Item, doc Document, dec Decision, office *Office, enabled bool) ReceiptPlan {
	if reason := whyNoReceipt(it, doc, dec, office, enabled); reason != "" {
		return ReceiptPlan{Reason: reason}
	}
	return ReceiptPlan{
		Send:    true,
		To:      it.Envelope.MailFrom,
		Variant: receiptVariant(it, dec, office),
		English: doc.Language != "" && doc.Language != "pl" || slices.Contains(dec.Flags, FlagLangEN),
	}
}

func whyNoReceipt(it Item, doc Document, dec Decision, office *Office, enabled bool) string {
	switch {
	case !it.Door.IsMail() || it.Envelope == nil:
		return NoReceiptDoor
	case !enabled:
		return NoReceiptDisabled
	}
	for _, why := range []string{
		whyNoAnswer(it.Envelope.MailFrom, doc.Headers),
		whyNotTrusted(it, doc, dec),
		whyNotAddressed(it, doc, office),
	} {
		if why != "" {
			return why
		}
	}
	if dec.Receipt == "none" {
		return NoReceiptRule
	}
	return ""
}

// whyNoAnswer looks at what the letter says of itself: an automatic reply is
// never given to a machine (RFC 3834 § 2).
func whyNoAnswer(mailFrom string, h Headers) string {
	switch {
	case mailFrom == "":
		return NoReceiptNullPath
	case !isAnswerable(mailFrom):
		return NoReceiptNoAddress
	case h.KancelariaLoop:
		return NoReceiptLoop
	case h.AutoSubmitted != "" && firstWord(h.AutoSubmitted) != "no":
		return NoReceiptAuto
	case h.ListID != "" || h.ListUnsubscribe || hasListField(h.All):
		return NoReceiptList
	case slices.Contains([]string{"bulk", "junk", "list", "auto_reply"}, firstWord(h.Precedence)):
		return NoReceiptPrecedence
	case suppresses(h.AutoSuppress):
		return NoReceiptSuppressed
	case h.ReportType != "" || h.ContentType == "multipart/report":
		return NoReceiptReport
	case isRobot(mailFrom):
		return NoReceiptNoReply
	default:
		return ""
	}
}

// whyNotTrusted looks at what screening and rules made of it.
func whyNotTrusted(it Item, doc Document, dec Decision) string {
	flags := AddFlags(slices.Clone(doc.Flags), dec.Flags...)
	auth := doc.Auth
	switch {
	case auth.Verdict == Forged, auth.SPF == "fail" && auth.Verdict != Confirmed,
		it.Envelope.SPF == "fail" && auth.Verdict != Confirmed,
		slices.Contains(flags, FlagSpoofInternal), slices.Contains(flags, FlagForgedSender):
		return NoReceiptForged
	case dec.Screen == "quarantine":
		return NoReceiptQuarantine
	case dec.Screen != "":
		return NoReceiptUnregistered
	case doc.Headers.SpamFlag, slices.Contains(flags, FlagSpam):
		return NoReceiptSpam
	default:
		return ""
	}
}

// whyNotAddressed looks at who wrote to which of our mailboxes.
func whyNotAddressed(it Item, doc Document, office *Office) string {
	from := strings.ToLower(doc.Sender().Email)
	switch {
	case office.owns(it.Envelope.MailFrom), from != "" && office.owns(from):
		return NoReceiptOwnDomain
	case !slices.ContainsFunc(it.Recipients, office.isOfficial):
		return NoReceiptIndividual
	case !slices.ContainsFunc(it.Recipients, office.givesReceipts):
		return NoReceiptMailboxOff
	case it.Door == DoorSMTP && !namesUs(doc, office):
		return NoReceiptNotAddressed
	case domainOf(from) != domainOf(it.Envelope.MailFrom):
		return NoReceiptFromDiffers
	default:
		return ""
	}
}

func receiptVariant(it Item, dec Decision, office *Office) string {
	switch {
	case office.Registers[it.Register].Restricted:
		return ReceiptWhistle
	case dec.Receipt == ReceiptAssembly, slices.Contains(dec.Flags, FlagMinutePrecision):
		return ReceiptAssembly
	default:
		return ReceiptStandard
	}
}

// owns reports whether an address is one of ours.
func (o *Office) owns(address string) bool {
	if _, ours := o.Mailbox(address); ours {
		return true
	}
	return o.Domain != "" && domainOf(address) == strings.ToLower(o.Domain)
}

// isOfficial reports whether the address is a box of the office rather than of
// one person. Boxes that take no answers are nobody's.
func (o *Office) isOfficial(address string) bool {
	m, ok := o.Mailbox(address)
	return ok && m.Kind != "individual"
}

func (o *Office) givesReceipts(address string) bool {
	m, ok := o.Mailbox(address)
	return ok && m.Receipts && m.Kind != "individual" && m.Kind != "noreply"
}

// namesUs reports whether the letter is addressed to us in its own header, as
// RFC 3834 § 2 wants before one answers by oneself. A letter that names nobody
// at all passes: some devices write no To.
func namesUs(doc Document, office *Office) bool {
	named := slices.Concat(doc.To, doc.Cc)
	return len(named) == 0 || slices.ContainsFunc(named, func(a Address) bool { return office.owns(a.Email) })
}

// hasListField finds any List-… field (RFC 2369, RFC 2919).
func hasListField(all map[string][]string) bool {
	for name := range all {
		if strings.HasPrefix(name, "list-") {
			return true
		}
	}
	return false
}

// suppresses reads X-Auto-Response-Suppress: only the words that mean replies
// like ours count, "DR" or "RN" alone do not.
func suppresses(field string) bool {
	for word := range strings.FieldsFuncSeq(strings.ToLower(field), func(r rune) bool { return r == ',' || r == ';' || r == ' ' }) {
		if word == "all" || word == "autoreply" {
			return true
		}
	}
	return false
}

// isRobot knows the local parts behind which nobody reads (RFC 3834 § 2).
func isRobot(address string) bool {
	at := strings.LastIndexByte(address, '@')
	local, _, _ := strings.Cut(strings.ToLower(address[:at]), "+")
	plain := strings.NewReplacer("-", "", "_", "", ".", "").Replace(local)
	for _, robot := range []string{"mailerdaemon", "noreply", "donotreply", "nieodpowiadaj", "bounce"} {
		if strings.HasPrefix(plain, robot) {
			return true
		}
	}
	return local == "postmaster" || strings.HasPrefix(local, "owner-") ||
		strings.HasSuffix(local, "-request") || strings.HasSuffix(local, "-owner") ||
		strings.HasSuffix(plain, "noreply")
}

// isAnswerable reports whether a reverse path can be put into a header and an
// envelope of ours as it stands.
func isAnswerable(address string) bool {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 || len(address) > 254 || at > 64 {
		return false
	}
	return !strings.ContainsFunc(address, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`<>()[]\,;:"`, r)
	})
}

func domainOf(address string) string {
	at := strings.LastIndexByte(address, '@')
	return strings.TrimSuffix(strings.ToLower(address[at+1:]), ".")
}

// firstWord cuts parameters and comments off a header's value.
func firstWord(s string) string {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), ";")
	word, _, _ = strings.Cut(strings.TrimSpace(word), " ")
	return word
}
