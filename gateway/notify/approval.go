package notify

import (
	"context"
	"strings"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// An approvalPage is what the text of a request for approval says.
type approvalPage struct {
	noticePage
	Role    string
	Asked   string // by whom
	Expires registry.Day
	File    string
	Digest  string // whole, as the decision line repeats it
	Groups  string // the same for people who compare by eye
	Code    string
	Mail    bool // a signed mail can be answered: there is an address for it
}

// approvalNotice asks somebody who holds a role to approve exact bytes. The
// address to answer to is good for nothing else; the code binds a signed mail
// to this request.
func (p *press) approvalNotice(ctx context.Context, o *registry.Office, who addressee, t told, r registry.ApprovalRequest) (mailing, error) {
	texts := registry.Catalogue(who.language)
	page := approvalPage{
		noticePage: p.noticePage(o, texts, who, t), Role: oneLine(r.Role, 40), Asked: orText(o.Clerks[r.By].Name, r.By), Expires: r.Expires,
		File: mask(oneLine(orText(r.Name, texts.Say("title.empty")), 200)), Digest: r.Digest.String(), Groups: r.Digest.Groups(),
	}
	s := p.noticeSheet(o, who, t)
	s.subject = texts.Say("notice.subject.approval", "number", page.Number)
	if p.opt.Tokens != nil && who.login != "" {
		to, err := p.opt.Tokens.Reply(t.number(), who.login, gateway.MayApprove, r.Expires)
		if err == nil {
			name, _, _ := strings.Cut(p.opt.From, "<")
			s.replyTo = mailbox(strings.Trim(name, ` "`), to)
			page.Mail, page.Code = true, p.opt.Tokens.Code(r.ID)
		}
	}
	version := texts.Current("notice/approval")
	var err error
	if s.text, err = texts.Render(version, page); err != nil {
		return mailing{}, err
	}
	s.files = p.documents(ctx, o, t)
	return p.noticeMailing(o, s, t, who, version)
}
