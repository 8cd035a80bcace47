package notify

import (
	"kancelaria/registry"
)

// heldNotice tells of what the rules keep out of the book and want somebody to
// know at once. Of a closed register it says no more than that.
func (p *press) heldNotice(o *registry.Office, who addressee, t told) (mailing, error) {
	texts := registry.Catalogue(who.language)
	a := t.arrival
	page := noticePage{For: who.name, At: a.Item.ReceivedAt().In(zone(o)), Event: heldEvent(texts, t), Title: texts.Say("nodata"), Reason: texts.Say("reason." + a.Reason)}
	if !a.Decision.Restricted && !o.Registers[a.Item.Register].Restricted {
		page.Title = mask(oneLine(orText(a.Title, texts.Say("title.empty")), 200))
		page.By = senderLine(texts, a)
	}
	version := texts.Current("notice/office")
	text, err := texts.Render(version, page)
	if err != nil {
		return mailing{}, err
	}
	s := p.noticeSheet(o, who, t)
	s.subject = texts.Say("notice.subject.office", "event", page.Event, "subject", page.Reason)
	s.text = text
	return p.noticeMailing(o, s, t, who, version)
}

func heldEvent(texts *registry.Texts, t told) string {
	return texts.Say("event." + string(t.outcome.Disposition))
}
