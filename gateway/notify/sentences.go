package notify

import (
	"fmt"
	"net/mail"
	"path"
	"regexp"
	"slices"
	"strings"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// An addressee is whom a notice is for: a clerk, or a department when nobody
// is named.
type addressee struct {
	login    string // "" for a department
	name     string // as a notice calls them
	mail     string
	language string
	channels []string
}

// addressee finds the recipient of a row: a clerk's login or a department.
// Of a department its head is told, or the first of its clerks from whom the
// entry is not hidden.
func (p *press) addressee(o *registry.Office, recipient string, hidden []string) addressee {
	if c, ok := o.Clerks[recipient]; ok {
		return addressee{login: recipient, name: orText(c.Name, recipient), mail: c.Mail, language: orText(c.Language, o.Language), channels: c.Channels}
	}
	d, ok := o.Departments[recipient]
	if !ok {
		return addressee{name: recipient, language: o.Language}
	}
	for _, login := range append([]string{d.Head}, d.Clerks...) {
		if c, ok := o.Clerks[login]; ok && c.Mail != "" && !slices.Contains(hidden, login) {
			return addressee{name: orText(d.Name, d.ID), mail: c.Mail, language: o.Language}
		}
	}
	return addressee{name: orText(d.Name, d.ID), language: o.Language}
}

// goals are where the mail goes: by each channel the clerk chose, in that
// order, and by mail unless they chose otherwise. While a clerk's mail comes
// back, it goes to the head of the department too.
func (p *press) goals(o *registry.Office, who addressee, hidden []string) []string {
	channels := who.channels
	if len(channels) == 0 {
		channels = []string{ChannelMail}
	}
	var goals []string
	for _, c := range channels[:min(len(channels), maxGoals-1)] {
		switch {
		case c == ChannelMail && who.mail != "":
			goals = append(goals, who.mail)
		case c != ChannelMail:
			goals = append(goals, c+":"+orText(who.login, who.name))
		}
	}
	if who.login == "" || !p.unreachable.marked(who.login, p.opt.Now()) {
		return goals
	}
	head := o.Departments[o.DepartmentOf(who.login)].Head
	if c, ok := o.Clerks[head]; ok && head != who.login && c.Mail != "" && !slices.Contains(hidden, head) {
		goals = append(goals, c.Mail)
	}
	return goals
}

// line names the addressee as the first line of a notice does.
func (w addressee) line(texts *registry.Texts, department string) string {
	if w.login == "" {
		return w.name
	}
	if department == "" {
		return w.name + " (" + w.login + ")"
	}
	return texts.Say("notice.to_department", "department", department, "clerk", w.name, "login", w.login)
}

func eventOf(t told) string {
	switch {
	case t.act != nil:
	case t.row.Variant == string(registry.Attached):
		return "changed" // a further scan of what the clerk has
	default:
		return "assigned"
	}
	if step, ok := gateway.ApprovalOf(t.act); ok {
		switch {
		case step.Kind == registry.ApprovalAnswered && step.Answer != nil && step.Answer.Yes:
			return "approved"
		case step.Kind == registry.ApprovalAnswered:
			return "not_approved"
		case step.Kind == registry.ApprovalWithdrawn:
			return "approval_withdrawn"
		}
		return "approval_asked"
	}
	switch t.act.Kind {
	case registry.ActForward, registry.ActHandover, registry.ActClassify:
		return "forwarded"
	case registry.ActReturn:
		return "returned"
	case registry.ActAnnul:
		return "annulled"
	default:
		return "changed"
	}
}

// The present of an entry where it is known, else what was registered.

func department(t told) string {
	if t.work != nil {
		return t.work.Department
	}
	return t.arrival.Decision.Department
}

func (t told) outcomeClass() string {
	if t.arrival == nil {
		return ""
	}
	return t.arrival.Decision.Class
}

func className(o *registry.Office, t told) string {
	symbol := t.outcomeClass()
	if t.work != nil {
		symbol = t.work.Class
	}
	c, ok := o.Classes[symbol]
	if !ok {
		return ""
	}
	return c.Name + " (" + c.Symbol + ")"
}

func deadline(t told) registry.Deadline {
	if t.work != nil {
		return t.work.Deadline
	}
	return t.arrival.Decision.Deadline
}

func flags(t told) []registry.Flag {
	if t.work != nil {
		return t.work.Flags
	}
	if len(t.outcome.Flags) > 0 {
		return t.outcome.Flags
	}
	return registry.AddFlags(slices.Clone(t.arrival.Decision.Flags), t.arrival.Document.Flags...)
}

func (t told) day(o *registry.Office) registry.Day {
	switch {
	case t.arrival == nil && t.outcome.At.IsZero():
		return registry.DayOf(t.row.CreatedAt, zone(o))
	case t.arrival == nil:
		return registry.DayOf(t.outcome.At, zone(o))
	case t.arrival.ReceivedOn.IsZero():
		return registry.DayOf(t.arrival.Item.ReceivedAt(), zone(o))
	default:
		return t.arrival.ReceivedOn
	}
}

// doorLine: "e-mail na urzad@", "skan".
func doorLine(o *registry.Office, texts *registry.Texts, it registry.Item) string {
	door := texts.Say("door." + string(it.Door))
	if len(it.Recipients) == 0 {
		return door
	}
	local, _, _ := strings.Cut(it.Recipients[0], "@")
	return texts.Say("notice.door", "door", door, "box", oneLine(local, 64)+"@")
}

func senderLine(texts *registry.Texts, a *registry.Arrival) string {
	name, email := mask(oneLine(a.Sender.Name, 120)), oneLine(a.Sender.Email, 120)
	switch {
	case name == "" && email == "":
		return orText(mask(oneLine(a.Sender.Postal, 160)), texts.Say("nodata"))
	case email == "":
		return name
	case name == "":
		return "<" + email + ">"
	default:
		return name + " <" + email + ">"
	}
}

func authLine(texts *registry.Texts, a registry.Authentication) string {
	switch {
	case a.Verdict == "":
		return texts.Say("auth.unchecked")
	case a.Verdict != registry.Unconfirmed:
		return texts.Say("auth." + string(a.Verdict))
	case a.DKIM != "pass":
		return texts.Say("auth.unconfirmed_dkim")
	case a.DMARC != "pass":
		return texts.Say("auth.unconfirmed_dmarc")
	default:
		return texts.Say("auth.unconfirmed")
	}
}

// sealLine says what a signature on the letter itself comes to, behind what is
// known of the sender; nothing if only files are signed.
func sealLine(texts *registry.Texts, doc registry.Document) string {
	letter := registry.Document{}
	for _, r := range doc.Signatures {
		switch r.Packaging {
		case "clear", "opaque", "inline":
			letter.Signatures = append(letter.Signatures, r)
		}
	}
	if _, signed := letter.SignatureVerdict(); !signed {
		return ""
	}
	return "; " + texts.Say("signature.letter", "verdict", letter.SignatureSentence(texts))
}

// deadlineLine says a legal term with its basis and what the office wants of
// itself as that.
func deadlineLine(o *registry.Office, texts *registry.Texts, d registry.Deadline) string {
	basis := oneLine(d.Basis, 200)
	switch {
	case d.IsZero():
		return ""
	case !d.At.IsZero():
		return texts.Say("notice.deadline.at", "stamp", texts.Stamp(d.At.In(zone(o))), "basis", basis)
	case d.Due.IsZero() && d.Raw.IsZero():
		return ""
	case strings.HasPrefix(d.Code, "INT_"):
		return texts.Say("notice.deadline.internal", "day", texts.Day(d.Due))
	case !d.Raw.IsZero() && d.Raw != d.Due:
		return texts.Say("notice.deadline.raw", "day", texts.Day(d.Due), "raw", texts.Day(d.Raw), "basis", basis)
	default:
		return texts.Say("notice.deadline.legal", "day", texts.Day(d.Due), "basis", basis)
	}
}

// maxFiles is how many attachments a notice lists.
const maxFiles = 20

func files(texts *registry.Texts, doc registry.Document) (list []noticeFile, more int) {
	for _, a := range doc.Attachments {
		if a.Role != registry.RoleAttachment {
			continue
		}
		if len(list) == maxFiles {
			more++
			continue
		}
		name := mask(oneLine(orText(path.Base(a.Name), a.Path), 120))
		list = append(list, noticeFile{name, a.Size, signatureLine(texts, doc.Signatures, a.Path)})
	}
	return list, more
}

// signatureLine says what is known of the signatures on one attachment; never
// more than was checked.
func signatureLine(texts *registry.Texts, reports []registry.SignatureReport, part string) string {
	var said []string
	for _, r := range reports {
		if r.Path != part {
			continue
		}
		verdict := r.Sentence(texts)
		if name := mask(oneLine(r.Signer.Name, 100)); name != "" && r.Verdict == registry.TotalPassed {
			verdict = texts.Say("signature.by", "verdict", verdict, "name", name)
		}
		said = append(said, verdict)
	}
	if said == nil {
		return texts.Say("signature.none")
	}
	return strings.Join(said, ", ")
}

// folderLine says where the entry lies and what is proposed; a case number is
// never promised.
func folderLine(o *registry.Office, texts *registry.Texts, t told) (folder, proposal string) {
	caseNumber, name, suggestion := t.outcome.Case, t.outcome.Folder, t.arrival.Decision.CaseSuggestion
	if t.work != nil {
		caseNumber, name, suggestion = t.caseNumber, t.work.Folder, t.work.Suggestion
	}
	if caseNumber != "" && caseNumber != name {
		return texts.Say("notice.case", "case", caseNumber), ""
	}
	folder = texts.Say("notice.folder", "folder", name)
	class, known := o.Classes[t.outcomeClass()]
	switch {
	case suggestion != "":
		proposal = texts.Say("notice.proposal.join", "case", oneLine(suggestion, 60))
	case !known:
	case t.arrival.Decision.CasePolicy == "none":
		proposal = texts.Say("notice.proposal.none", "class", class.Name+" ("+class.Symbol+")")
	case department(t) != "":
		proposal = texts.Say("notice.proposal.case", "mark", department(t)+"."+class.Symbol)
	}
	return folder, proposal
}

// because gives the sentences of the rules that brought the entry here.
func because(texts *registry.Texts, t told) []string {
	var list []string
	for _, b := range t.arrival.Decision.Because[:min(len(t.arrival.Decision.Because), 5)] {
		list = append(list, mask(oneLine(b, 300)))
	}
	if list == nil {
		list = []string{texts.Say("notice.why.none")}
	}
	return list
}

// examples are what the list of commands shows in place of a case and a date.
func examples(o *registry.Office, t told) (caseNumber, day string) {
	d := t.day(o)
	due := deadline(t).Due
	if due.IsZero() {
		due = d.AddDays(14)
	}
	if s := t.arrival.Decision.CaseSuggestion; s != "" {
		return oneLine(s, 60), due.String()
	}
	return fmt.Sprintf("%s.%s.12.%d", orText(department(t), "OR"), orText(t.outcomeClass(), "1431"), d.Year), due.String()
}

// listID: Kancelaria / OS <os.kancelaria.aleksandrowo.example>.
func listID(o *registry.Office, department string) string {
	if department == "" {
		return "Kancelaria <kancelaria." + domainOf(o) + ">"
	}
	department = clip(registry.ASCII(department), 60)
	label := strings.ToLower(department)
	label = strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(label, "-"), "-")
	return "Kancelaria / " + department + " <" + orText(label, "x") + ".kancelaria." + domainOf(o) + ">"
}

// reasonField: "assign drzewa, wedlug-klasy; deputy-for os2".
func reasonField(t told) string {
	reason := "assign " + strings.Join(t.arrival.Decision.Rules, ", ")
	if t.act != nil {
		reason = string(t.act.Kind)
	}
	if t.outcome.OnBehalfOf != "" {
		reason += "; deputy-for " + t.outcome.OnBehalfOf
	}
	return clip(registry.ASCII(reason), 300)
}

// address takes the bare address out of "Name <address>".
func address(from string) string {
	a, err := mail.ParseAddress(from)
	if err != nil {
		return from
	}
	return a.Address
}

// mask hides what looks like a PESEL: a notice may travel, and the number of a
// person has no business in it.
func mask(s string) string {
	return pesel.ReplaceAllStringFunc(s, func(n string) string {
		sum := 0
		for i, w := range []int{1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1} {
			sum += w * int(n[i]-'0')
		}
		if sum%10 != 0 {
			return n
		}
		return n[:2] + "*********"
	})
}

var pesel = regexp.MustCompile(`\b\d{11}\b`)
