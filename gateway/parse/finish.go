package parse

import (
	"strings"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tree"
	"kancelaria/registry"
)

// decorative is the size below which a picture shown inside the text is taken
// for ornament: a logo, a signature.
const decorative = 50 << 10

// wrap is how much text a letter may have of its own and still be no more than
// the wrapping of the one inside.
const wrap = 600

// An innerLetter is a letter found inside the letter.
type innerLetter struct {
	index  int // of its attachment
	from   registry.Address
	nested bool // inside another one
	report bool
}

// noteInner remembers a letter inside the letter and gives its number.
func (run *reading) noteInner(inner *tree.Node, index int, p place, set *charset.Decoder) int {
	author := innerLetter{index: index, nested: p.nested, report: p.report}
	if v := inner.Get("from"); v != nil {
		if list, ok := strictAddresses(v); ok {
			author.from = list[0]
		} else if list := lenientAddresses(v, set); len(list) > 0 {
			author.from = list[0]
		}
	}
	run.inner = append(run.inner, author)
	return len(run.inner)
}

// returned notes the Message-ID of a letter that a report gives back: the
// report answers it.
func (run *reading) returned(inner *tree.Node) {
	run.doc.References = messageIDs(run.doc.References, inner.Get("message-id"))
}

// page takes what a page of HTML refers to.
func (run *reading) page(p page, nested bool) {
	for _, cid := range p.cids {
		if len(run.cids) < maxLinks {
			run.cids[cid] = true
		}
	}
	run.links = append(run.links, p.links[:min(len(p.links), maxLinks)]...)
}

// finish decides what only the whole letter shows.
func (run *reading) finish() {
	run.pictures()
	wrapping := run.wrapping()
	run.assemble(wrapping)
	run.doc.Title = run.r.words.title(run.doc.Subject)
	run.doc.BodyDigest = bodyDigest(run.doc)
	run.doc.Language = run.r.words.language(orElse(run.doc.Own, run.doc.Subject))
	if run.doc.Language == "en" {
		run.flag(registry.FlagLangEN)
	}
	if hasPESEL(run.doc.Text) || hasPESEL(run.doc.Subject) {
		run.flag(registry.FlagPersonalData)
	}
	if run.r.words.cloud(run.doc.Text, run.links) {
		run.flag(registry.FlagCloudLink)
	}
	run.signatures()
	for _, p := range run.texts {
		if p.role == registry.RoleBody && strings.HasPrefix(p.text, "-----BEGIN PGP MESSAGE-----") {
			run.flag(registry.FlagEncryptedBody)
		}
	}
	run.scanHints()
	if run.ctx.Err() != nil {
		run.limit("", "no time left")
	}
}

// scanHints reads the name of what a device sent by mail.
func (run *reading) scanHints() {
	for _, a := range run.doc.Attachments {
		if run.it.Door == registry.DoorScan && run.doc.Hints == nil && a.Role == registry.RoleAttachment {
			run.doc.Hints = run.r.scanHints(a.Name)
		}
	}
}

// pictures takes small pictures that the text shows off the list of what was
// attached.
func (run *reading) pictures() {
	for i := range run.doc.Attachments {
		a := &run.doc.Attachments[i]
		if a.Role == registry.RoleAttachment && a.ContentID != "" && run.cids[a.ContentID] &&
			strings.HasPrefix(a.MediaType, "image/") && a.Size < decorative {
			a.Role = registry.RoleEmbedded
		}
	}
}

// wrapping finds the letter inside, if the outer one is only its wrapping, and
// promotes what is inside it; 0 if there is none.
func (run *reading) wrapping() int {
	number, outer := 0, 0
	for i, l := range run.inner {
		if l.report || l.nested {
			continue
		}
		if number > 0 {
			return 0
		}
		number = i + 1
	}
	if number == 0 {
		return 0
	}
	for _, p := range run.texts {
		if !p.nested && p.role == registry.RoleBody && !p.skip {
			outer += len(run.r.words.own(p.text))
		}
	}
	if outer > wrap {
		return 0
	}
	letter := run.inner[number-1]
	for i, a := range run.doc.Attachments {
		if a.Role == registry.RoleAttachment && i != letter.index {
			return 0
		}
	}
	run.doc.Attachments[letter.index].Role = registry.RoleContainer
	if letter.from.Email != "" || letter.from.Name != "" {
		run.doc.Inner = &letter.from
	}
	return number
}
