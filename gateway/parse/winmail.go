package parse

import (
	"fmt"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tnef"
	"kancelaria/registry"
)

// winmail opens the container that Outlook makes of a letter: its texts and
// its files are what was sent.
func (b *box) winmail() {
	run := b.run
	run.flag(registry.FlagTNEF)
	msg := tnef.Decode(b.src, b.size)
	if msg.Err != nil {
		run.flaw(flawContainer, b.file.path, msg.Err.Error())
	}
	label := ""
	if msg.Codepage > 0 {
		label = fmt.Sprintf("cp%d", msg.Codepage)
	}
	set := &charset.Decoder{Order: run.r.DefaultCharsets}
	decode := func(t tnef.Text) string {
		if t.Wide {
			return set.Text("utf-16le", t.Bytes)
		}
		return set.Text(label, t.Bytes)
	}
	for i, f := range msg.Files {
		if run.done() || run.full(b.file.path) || i >= run.r.Limits.Entries {
			break
		}
		name := decode(f.Name)
		if f.Embedded && name == "" {
			name = "winmail.dat"
		}
		m := file{
			path: b.key(name), raw: name, declared: f.MediaType, role: b.memberRole(), level: b.file.level,
			cid: f.ContentID, at: section(b.src, f.Start, f.Size), size: f.Size, open: b.piece(f.Start, f.Size),
		}
		if f.Embedded {
			m.role = registry.RoleEmbedded
		}
		b.member(m)
	}
	if run.seek == nil {
		b.winmailText(msg, decode, set, label)
	}
}

// winmailText keeps the text of the letter in the container, if the letter
// around it has none.
func (b *box) winmailText(msg *tnef.Message, decode func(tnef.Text) string, set *charset.Decoder, label string) {
	run := b.run
	text := decode(msg.Body)
	if text == "" && len(msg.HTML) > 0 {
		page := htmlText(set.Text(orElse(metaCharset(msg.HTML), label), msg.HTML))
		text = page.text
		run.page(page, b.place.nested)
	}
	if text == "" && len(msg.RTF) > 0 {
		text = rtfText(msg.RTF)
	}
	if text = lines(text); text == "" || run.hasText(text) {
		return
	}
	role := registry.RoleBody
	if b.place.nested || b.file.role == registry.RoleEmbedded {
		role = registry.RoleEmbedded
	}
	run.texts = append(run.texts, passage{text: text, role: role, index: b.index, nested: role == registry.RoleEmbedded, letter: b.place.letter})
}

// hasText reports whether the letter says the same already.
func (run *reading) hasText(text string) bool {
	for _, p := range run.texts {
		if p.role == registry.RoleBody && squeeze(p.text) == squeeze(text) {
			return true
		}
	}
	return false
}
