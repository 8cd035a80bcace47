package notify

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// A noticePage is what the texts of notices say, in sentences already.
type noticePage struct {
	Event      string
	For        string
	OnBehalfOf string
	Number     string
	Day        registry.Day
	At         time.Time
	Door       string
	Sender     string
	Auth       string
	Title      string
	Deadline   string
	Reason     string
	By         string
	KPA63      bool
	Flags      []string
	Files      []noticeFile
	More       int // attachments not listed
	Folder     string
	Proposal   string
	Because    []string
	Link       string

	Commands    bool
	Links       []noticeLink
	CaseExample string
	DueExample  string

	Entries []noticeEntry // of a collective notice
}

type noticeFile struct {
	Name      string
	Size      int64
	Signature string
}

type noticeLink struct{ Text, URL string }

type noticeEntry struct {
	Number string
	What   string
	Due    registry.Day
	Link   string
}

// notice writes the mail that tells a clerk.
func (p *press) notice(ctx context.Context, row registry.OutboxRow, group []registry.OutboxRow) (mailing, error) {
	t, err := p.read(ctx, row)
	if err != nil {
		return mailing{}, err
	}
	o := p.office()
	who := p.addressee(o, row.Recipient, t.hiddenFrom())
	switch {
	case len(group) > 0:
		return p.collectiveNotice(ctx, o, who, t, group)
	case t.remark != nil:
		return p.remark(ctx, o, who, t)
	case t.number().IsZero() && t.act == nil && t.arrival != nil:
		return p.heldNotice(o, who, t)
	case t.number().IsZero():
		return p.officeNotice(o, who, t)
	case t.restricted(o):
		return p.restrictedNotice(o, who, t)
	}
	if step, ok := gateway.ApprovalOf(t.act); ok && step.Kind == registry.ApprovalAsked {
		return p.approvalNotice(ctx, o, who, t, step.Request)
	}
	texts := registry.Catalogue(who.language)
	page := p.noticePage(o, texts, who, t)
	s := p.noticeSheet(o, who, t)
	s.subject = noticeSubject(o, texts, t)
	s.fields = append(s.fields,
		[2]string{"List-Id", listID(o, department(t))},
		[2]string{"X-Kancelaria-Reason", reasonField(t)})
	if s.replyTo, page.Links = p.replies(o, who, t, s.subject, texts); page.Links != nil {
		page.Commands = true
	}
	version := texts.Current("notice/standard")
	if s.text, err = texts.Render(version, page); err != nil {
		return mailing{}, err
	}
	if s.html, err = texts.RenderHTML(version, page); err != nil {
		return mailing{}, err
	}
	if t.act == nil {
		s.files = p.documents(ctx, o, t)
	}
	return p.noticeMailing(o, s, t, who, version)
}

// officeNotice tells of an act that is about no entry: a handover, a deputy, a
// register that was closed.
func (p *press) officeNotice(o *registry.Office, who addressee, t told) (mailing, error) {
	texts := registry.Catalogue(who.language)
	page := noticePage{For: who.name, At: t.row.CreatedAt.In(zone(o)), Event: texts.Say("event.recorded")}
	if t.act != nil {
		page.Event = texts.Say("event." + string(t.act.Kind))
		page.Title = mask(oneLine(t.act.Subject, 100))
		page.Reason = mask(oneLine(t.actDraft.Reason, 500))
		page.By = oneLine(orText(t.actDraft.OnBehalfOf, t.actDraft.Actor), 60)
	}
	version := texts.Current("notice/office")
	text, err := texts.Render(version, page)
	if err != nil {
		return mailing{}, err
	}
	s := p.noticeSheet(o, who, t)
	s.subject = texts.Say("notice.subject.office", "event", page.Event, "subject", page.Title)
	s.text = text
	return p.noticeMailing(o, s, t, who, version)
}

// restrictedNotice says number and day and nothing else.
func (p *press) restrictedNotice(o *registry.Office, who addressee, t told) (mailing, error) {
	texts := registry.Catalogue(who.language)
	page := noticePage{Number: t.number().String(), Day: t.day(o), Link: p.link(t.number())}
	version := texts.Current("notice/restricted")
	text, err := texts.Render(version, page)
	if err != nil {
		return mailing{}, err
	}
	s := p.noticeSheet(o, who, t)
	s.subject = texts.Say("notice.subject.restricted", "number", page.Number)
	s.text = text
	return p.noticeMailing(o, s, t, who, version)
}

// collectiveNotice lists what came, one line each.
func (p *press) collectiveNotice(ctx context.Context, o *registry.Office, who addressee, first told, group []registry.OutboxRow) (mailing, error) {
	texts := registry.Catalogue(who.language)
	page := noticePage{For: who.name}
	ids := []string{}
	all := []told{first}
	for _, row := range group {
		t, err := p.read(ctx, row)
		if err != nil {
			return mailing{}, err
		}
		all = append(all, t)
	}
	for _, t := range all {
		entry := noticeEntry{Number: t.number().String(), What: texts.Say("notice.subject.bare"), Link: p.link(t.number())}
		if t.number().IsZero() && t.arrival != nil {
			entry.Number, entry.What, entry.Link = heldEvent(texts, t), texts.Say("reason."+t.arrival.Reason), ""
		} else if !t.restricted(o) {
			entry.What = orText(className(o, t), entry.What)
			entry.Due = deadline(t).Due
		}
		page.Entries = append(page.Entries, entry)
		ids = append(ids, t.row.ID)
	}
	version := texts.Current("notice/collective")
	text, err := texts.Render(version, page)
	if err != nil {
		return mailing{}, err
	}
	s := p.noticeSheet(o, who, first)
	s.inReply, s.refs = "", nil
	s.subject = texts.Say("notice.collective.subject", "entries", texts.Count("count.entries", int64(len(all))))
	s.text = text
	s.fields = append(s.fields, [2]string{joinedField, strings.Join(ids, " ")})
	return p.noticeMailing(o, s, first, who, version)
}

// noticeSheet has what every notice has, and From as the address to answer to.
func (p *press) noticeSheet(o *registry.Office, who addressee, t told) sheet {
	n := t.number()
	s := sheet{
		id:      messageID("item", n, t.row.ID, domainOf(o)),
		from:    p.opt.From,
		to:      mailbox("", who.mail),
		replyTo: p.opt.From,
		date:    p.opt.Now().In(zone(o)),
		fields: [][2]string{
			{"Auto-Submitted", "auto-generated"},
			{"X-Auto-Response-Suppress", "All"},
			{"X-Kancelaria-Item", n.String()},
		},
	}
	if !n.IsZero() {
		s.inReply = rootID(n, domainOf(o))
		s.refs = []string{s.inReply}
	}
	return s
}

func (p *press) noticeMailing(o *registry.Office, s sheet, t told, who addressee, version string) (mailing, error) {
	s.fields = append(s.fields, [2]string{versionField, version})
	raw, err := s.encode()
	if err != nil {
		return mailing{}, fmt.Errorf("writing notice %s: %w", t.row.ID, err)
	}
	m := mailing{bytes: raw, messageID: s.id, to: p.goals(o, who, t.hiddenFrom()), variant: version, from: address(p.opt.From)}
	if p.opt.Tokens != nil {
		if bounce, err := p.opt.Tokens.Bounce(t.row.ID); err == nil {
			m.from = bounce
		}
	}
	return m, nil
}

func (p *press) noticePage(o *registry.Office, texts *registry.Texts, who addressee, t told) noticePage {
	a, doc := t.arrival, t.arrival.Document
	flags := flags(t)
	page := noticePage{
		Event:    texts.Say("notice.event." + eventOf(t)),
		For:      who.line(texts, department(t)),
		Number:   t.number().String(),
		At:       a.ReceivedAt.In(zone(o)),
		Door:     doorLine(o, texts, a.Item),
		Sender:   senderLine(texts, a),
		Title:    mask(oneLine(orText(a.Title, texts.Say("title.empty")), 200)),
		Deadline: deadlineLine(o, texts, deadline(t)),
		KPA63:    slices.Contains(flags, registry.FlagKPA63),
		Because:  because(texts, t),
		Link:     p.link(t.number()),
	}
	if a.ReceivedAt.IsZero() {
		page.At = a.Item.ReceivedAt().In(zone(o))
	}
	if a.Item.Door.IsMail() {
		page.Auth = authLine(texts, doc.Auth) + sealLine(texts, doc)
	}
	if login := t.outcome.OnBehalfOf; login != "" && login != who.login {
		page.OnBehalfOf = orText(o.Clerks[login].Name, login)
	}
	if t.act != nil {
		page.Reason = mask(oneLine(t.actDraft.Reason, 300))
	}
	for _, f := range flags {
		if !slices.Contains(unsaid, f) {
			page.Flags = append(page.Flags, texts.Say("flag."+string(f)))
		}
	}
	page.Files, page.More = files(texts, doc)
	page.Folder, page.Proposal = folderLine(o, texts, t)
	page.CaseExample, page.DueExample = examples(o, t)
	return page
}

// unsaid are flags that a notice says elsewhere or need not say.
var unsaid = []registry.Flag{
	registry.FlagKPA63, registry.FlagEmailOK, registry.FlagUnsigned, registry.FlagSigned, registry.FlagSigPair,
	registry.FlagLangEN, registry.FlagReplyToItem, registry.FlagCaseRef, registry.FlagFullMapping, registry.FlagCharsetGuessed,
	registry.FlagYearEdge, registry.FlagRedelivered,
}

// noticeSubject stays the same for all notices of an entry, so that programs
// which thread by subject keep them together; what changed is said in the text.
func noticeSubject(o *registry.Office, texts *registry.Texts, t told) string {
	class, ok := o.Classes[t.outcomeClass()]
	if !ok {
		return texts.Say("notice.subject.plain", "number", t.number().String())
	}
	return texts.Say("notice.subject", "number", t.number().String(), "class", class.Name, "symbol", class.Symbol)
}

// commands are those that a notice offers, in this order; the room that reads
// the answers knows the same.
var commands = []string{"accept", "return", "forward", "case", "due", "note", "close"}

// replies gives the address to answer to and a link for each command.
func (p *press) replies(o *registry.Office, who addressee, t told, subject string, texts *registry.Texts) (string, []noticeLink) {
	if p.opt.Tokens == nil || who.login == "" {
		return p.opt.From, nil
	}
	expires := registry.DayOf(p.opt.Now(), zone(o)).AddDays(gateway.TokenLife)
	to, err := p.opt.Tokens.Reply(t.number(), who.login, gateway.MayHandle, expires)
	if err != nil {
		return p.opt.From, nil
	}
	var links []noticeLink
	for _, command := range commands {
		words := texts.Say("command." + command)
		q := "subject=" + mailtoText("Re: "+subject) + "&body=" + mailtoText(words+" ")
		links = append(links, noticeLink{words, "mailto:" + to + "?" + q})
	}
	name, _, _ := strings.Cut(p.opt.From, "<")
	return mailbox(strings.Trim(name, ` "`), to), links
}

// mailtoText escapes for a mailto link, where a plus is a plus (RFC 6068).
func mailtoText(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

func (p *press) link(n registry.Number) string {
	if p.opt.Web == "" {
		return ""
	}
	return strings.TrimSuffix(p.opt.Web, "/") + "/" + n.String()
}
