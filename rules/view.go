package rules

import (
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"kancelaria/registry"
)

// A view is a letter as conditions see it: values by field, normalised once,
// and the sightings of phrases, found once. It is scratch of one decision and
// used again for the next.
type view struct {
	set     *Set
	item    *registry.Item
	doc     *registry.Document
	facts   *registry.Facts
	day     registry.Day // of the arrival that counts, in the office's zone
	text    string       // Own text, as much of it as rules look at
	subject string
	values  [fieldCount][]string
	numbers [fieldCount][]int64
	folded  [fieldCount][]string // of text fields, on demand
	reading *reading
	read    [fieldCount]bool // zones already read
}

// fill puts a letter into the view.
func (v *view) fill(it *registry.Item, doc *registry.Document, facts *registry.Facts) {
	v.item, v.doc, v.facts = it, doc, facts
	v.reading.begin()
	v.day = registry.DayOf(it.ReceivedAt(), v.set.office.Zone)
	v.text = window(doc.Own, v.set.window)
	v.fillEnvelope()
	v.fillHeaders()
	v.fillParts()
	v.fillSignatures()
	v.fillFacts()
	v.fillTime()
}

// forget lets go of the letter; the view stays for the next.
func (v *view) forget() {
	v.item, v.doc, v.facts, v.text, v.subject = nil, nil, nil, "", ""
	for f := range v.values {
		clear(v.values[f])
		clear(v.folded[f])
		v.values[f], v.numbers[f], v.folded[f] = v.values[f][:0], v.numbers[f][:0], v.folded[f][:0]
	}
	clear(v.read[:])
}

// window cuts a text to at most n bytes, not inside a letter.
func window(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func (v *view) add(f fieldID, value string) {
	if value != "" {
		v.values[f] = append(v.values[f], value)
	}
}

func (v *view) lower(f fieldID, value string) { v.add(f, strings.ToLower(value)) }

func (v *view) number(f fieldID, n int64) { v.numbers[f] = append(v.numbers[f], n) }

func (v *view) bool(f fieldID, b bool) {
	n := int64(0)
	if b {
		n = 1
	}
	v.number(f, n)
}

func (v *view) fillEnvelope() {
	it := v.item
	v.add(fDoor, string(it.Door))
	v.lower(fSource, it.Source)
	v.add(fRegister, it.Register)
	for _, r := range it.Recipients {
		r = strings.ToLower(r)
		v.add(fToAddress, r)
		if at := strings.LastIndexByte(r, '@'); at > 0 {
			v.add(fToLocal, r[:at])
		}
		if m, ok := v.set.office.Mailbox(r); ok {
			v.add(fMailbox, m.Address)
			v.add(fMailboxKind, m.Kind)
		}
	}
	if it.Envelope != nil {
		v.lower(fMailFrom, it.Envelope.MailFrom)
	}
	if it.File != nil {
		if dir := path.Dir(it.File.Path); dir != "." {
			v.add(fFolder, dir)
		}
		v.add(fFile, path.Base(it.File.Path))
	}
}

func (v *view) fillHeaders() {
	d, h := v.doc, &v.doc.Headers
	v.subject = d.Subject
	from := d.Sender()
	if hand := v.item.Hand; hand != nil { // paper has no header: what a person typed stands for it
		v.subject = orElse(hand.Title, v.subject)
		from.Name, from.Email = orElse(hand.Sender.Name, from.Name), orElse(hand.Sender.Email, from.Email)
	}
	v.add(fSubject, v.subject)
	v.add(fText, v.text)
	email := strings.ToLower(from.Email)
	v.add(fSenderEmail, email)
	v.add(fSenderName, from.Name)
	if at := strings.LastIndexByte(email, '@'); at >= 0 {
		v.add(fSenderDomain, email[at+1:])
		if in, ok := v.set.institutionOf(email[at+1:]); ok {
			v.add(fSenderInstitution, in.ID)
			v.lower(fSenderInstitutionKind, in.Kind)
		}
	}
	v.lower(fAutoSubmitted, h.AutoSubmitted)
	v.lower(fPrecedence, h.Precedence)
	v.add(fListID, h.ListID)
	v.bool(fListUnsubscribe, h.ListUnsubscribe)
	if h.ContentType == "multipart/report" {
		v.add(fReport, orElse(h.ReportType, "report"))
	}
	v.bool(fLoop, h.KancelariaLoop)
	v.bool(fSpam, h.SpamFlag)
	v.lower(fLanguage, d.Language)
	v.lower(fSPF, d.Auth.SPF)
	v.lower(fDKIM, d.Auth.DKIM)
	v.lower(fDMARC, d.Auth.DMARC)
	v.lower(fAuth, string(d.Auth.Verdict))
	v.lower(fMalware, d.Malware.State)
	for _, f := range d.Flags {
		v.add(fFlag, string(f))
	}
}

// fillParts shows attachments; bodies are text, not attachments. What lies in
// containers counts: a program inside an archive is a program.
func (v *view) fillParts() {
	count := int64(0)
	for i := range v.doc.Attachments {
		a := &v.doc.Attachments[i]
		if a.Role == registry.RoleAttachment {
			count++
		}
		for _, f := range a.Flags {
			v.add(fAttachmentFlag, string(f))
			v.add(fFlag, string(f))
		}
		if a.Role == registry.RoleBody || a.Role == registry.RoleEvidence {
			continue
		}
		v.add(fAttachmentName, a.Name)
		if ext := path.Ext(a.Name); ext != "" {
			v.lower(fAttachmentExt, ext[1:])
		}
		v.lower(fAttachmentType, a.MediaType)
		v.lower(fAttachmentDeclared, a.DeclaredType)
		v.number(fAttachmentSize, a.Size)
	}
	v.number(fAttachmentCount, count)
}

func (v *view) fillSignatures() {
	for i := range v.doc.Signatures {
		s := &v.doc.Signatures[i]
		v.lower(fSignatureFormat, s.Format)
		v.lower(fSignatureCovers, s.Covers)
		v.lower(fSignatureSigner, s.Signer.Email)
		v.lower(fSignatureVerdict, s.Verdict)
		v.lower(fSignatureReason, s.Reason)
		v.lower(fSignatureLevel, s.Level)
	}
	v.number(fSignatureCount, int64(len(v.doc.Signatures)))
}

func (v *view) fillFacts() {
	if t := v.facts.Thread; t != nil {
		v.add(fThreadHow, t.How)
		v.bool(fThreadCertain, t.Certain)
		v.bool(fThreadOpen, t.Open)
		v.add(fThreadClerk, t.Clerk)
		v.add(fThreadDepartment, t.Department)
		v.add(fThreadClass, t.Class)
	}
	for _, c := range v.facts.Cases {
		v.lower(fCaseMark, c.Mark)
	}
	if c := bestCase(v.facts.Cases); c != nil {
		v.bool(fCaseForeign, c.Foreign)
		v.bool(fCaseExists, c.Exists)
		v.bool(fCaseOpen, c.Exists && c.Open)
		v.bool(fCaseSenderKnown, c.SenderKnown)
		v.add(fCaseClerk, c.Clerk)
		v.add(fCaseDepartment, c.Department)
		v.add(fCaseClass, c.Class)
	}
}

// bestCase picks the mark that a letter is most likely about: an existing case
// before others, an open one before closed ones, a known sender before
// strangers; among equals the first.
func bestCase(list []registry.CaseRef) *registry.CaseRef {
	var best *registry.CaseRef
	weight := func(c *registry.CaseRef) (n int) {
		if c.Exists && !c.Foreign {
			n += 4
		}
		if c.Open {
			n += 2
		}
		if c.SenderKnown {
			n++
		}
		return n
	}
	for i := range list {
		if best == nil || weight(&list[i]) > weight(best) {
			best = &list[i]
		}
	}
	return best
}

func (v *view) fillTime() {
	at := v.item.ReceivedAt().In(v.set.office.Zone)
	v.number(fReceived, ordinal(v.day))
	v.add(fWeekday, weekdays[v.day.Weekday()])
	free := v.set.office.Calendar.Holiday(v.day)
	v.bool(fHoliday, free || v.day.Weekday() == time.Sunday)
	hours, open := v.set.office.Calendar.Hours[at.Weekday()]
	minute := at.Hour()*60 + at.Minute()
	v.bool(fOfficeHours, open && !free && minute >= hours[0] && minute < hours[1])
}

// ordinal numbers days, so that they can be compared.
func ordinal(d registry.Day) int64 {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// others gives the values of a header or a hint.
func (v *view) others(name string) []string {
	if header, ok := strings.CutPrefix(name, headerPrefix); ok {
		return v.doc.Headers.All[header]
	}
	if hint := v.doc.Hints[strings.TrimPrefix(name, hintPrefix)]; hint != "" {
		return []string{hint}
	}
	return nil
}

// look finds the phrases of a text field, once.
func (v *view) look(f fieldID) {
	if v.read[f] {
		return
	}
	v.read[f] = true
	zone := v.set.zoneOf[f]
	for i, s := range v.values[f] {
		v.set.lexicon.read(v.reading, int(zone), i, s)
	}
}

// foldedValues gives the values of a text field folded, for comparing.
func (v *view) foldedValues(f fieldID) []string {
	if len(v.folded[f]) == 0 {
		for _, s := range v.values[f] {
			v.folded[f] = append(v.folded[f], foldString(s))
		}
	}
	return v.folded[f]
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
