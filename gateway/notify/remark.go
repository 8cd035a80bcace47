package notify

import (
	"context"
	"strings"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// A remarkPage is what the text of a remark says.
type remarkPage struct {
	For   string
	Text  []string // paragraphs
	Lists []remarkList

	Number   string
	Title    string
	Deadline string
	Link     string
	Commands bool
	At       time.Time
}

// A remarkList is a heading and the entries below it.
type remarkList struct {
	Title   string
	Entries []noticeEntry
}

// remark writes what the house itself says: about an entry in that entry's
// thread, about a clerk or the office in a mail of its own.
func (p *press) remark(ctx context.Context, o *registry.Office, who addressee, t told) (mailing, error) {
	texts := registry.Catalogue(who.language)
	s := p.noticeSheet(o, who, t)
	page := remarkPage{For: who.name, At: t.row.CreatedAt.In(zone(o))}
	var err error
	if page.Lists, err = p.remarkLists(ctx, texts, t.remark.List); err != nil {
		return mailing{}, err
	}
	page.Text = strings.Split(remarkText(texts, t.remark.Text, t.remark.Pairs), "¶")
	switch n := t.number(); {
	case n.IsZero():
		s.subject = remarkText(texts, t.remark.Text+".subject", t.remark.Pairs)
	case t.restricted(o):
		page.Number, page.Link = n.String(), p.link(n)
		page.Text, page.Lists = []string{texts.Say("remark.restricted")}, nil
		s.subject = texts.Say("notice.subject.restricted", "number", n.String())
	default:
		page.Number, page.Link = n.String(), p.link(n)
		page.Title = mask(oneLine(t.arrival.Title, 200))
		page.Deadline = deadlineLine(o, texts, deadline(t))
		s.subject = noticeSubject(o, texts, t)
		s.fields = append(s.fields, [2]string{"List-Id", listID(o, department(t))})
		var links []noticeLink
		s.replyTo, links = p.replies(o, who, t, s.subject, texts)
		page.Commands = links != nil
	}
	if id := t.remark.InReplyTo; quotableID(id) {
		s.inReply = id
		s.refs = append(s.refs, id)
	}
	version := texts.Current("notice/remark")
	if s.text, err = texts.Render(version, page); err != nil {
		return mailing{}, err
	}
	return p.noticeMailing(o, s, t, who, version)
}

// remarkText says a remark in a language; what it quotes is masked.
func remarkText(texts *registry.Texts, key string, pairs []string) string {
	return gateway.Remark{Pairs: pairs}.Say(texts, key, func(v string) string { return mask(oneLine(v, 300)) })
}

// remarkLists groups the lines of a remark under their headings, in the order
// in which they come.
func (p *press) remarkLists(ctx context.Context, texts *registry.Texts, lines []gateway.RemarkLine) ([]remarkList, error) {
	var lists []remarkList
	for i, l := range lines {
		if i == 0 || l.Group != lines[i-1].Group {
			lists = append(lists, remarkList{Title: texts.Say(l.Group)})
		}
		entry := noticeEntry{Number: oneLine(l.Number, 60), What: mask(oneLine(l.Text, 200)), Due: l.Due}
		if name, ok := strings.CutPrefix(l.Text, "@"); ok && texts.Has(name) {
			entry.What = texts.Say(name)
		}
		if id, err := registry.ParseItemID(l.Number); err == nil {
			if entry.What, err = p.heldWhat(ctx, texts, id, entry.What); err != nil {
				return nil, err
			}
		}
		if n, err := registry.ParseNumber(l.Number); err == nil {
			entry.Link = p.link(n)
		}
		last := &lists[len(lists)-1]
		last.Entries = append(last.Entries, entry)
	}
	return lists, nil
}
