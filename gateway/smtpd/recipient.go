package smtpd

import (
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"kancelaria/registry"
)

// taken is no reason to refuse.
const taken reason = -1

// mailboxFor finds whose mailbox a recipient is, or why he is none of ours:
// unknown here, or somewhere else. Letters to postmaster and abuse always have
// a reader (RFC 5321 § 4.5.1, RFC 2142 § 4).
func (s *Server) mailboxFor(named string) (registry.Mailbox, reason) {
	if _, ok := sayable(named); !ok || named == "" {
		return registry.Mailbox{}, badAddress
	}
	o := s.Office()
	at := strings.LastIndexByte(named, '@')
	local, domain := strings.ToLower(named[:at]), plainDomain(named[at+1:])
	spellings := []string{local + "@" + domain}
	if shown, err := idna.ToUnicode(domain); err == nil && shown != domain {
		spellings = append(spellings, local+"@"+shown)
	}
	for _, address := range spellings {
		if box, ok := o.Mailbox(address); ok {
			return box, taken
		}
		if s.Mailbox != nil {
			if box, ok := s.Mailbox(address); ok {
				return box, taken
			}
		}
	}
	if !ourDomain(o, domain) {
		return registry.Mailbox{}, noRelay
	}
	if user, _, _ := strings.Cut(local, "+"); user == "postmaster" || user == "abuse" {
		if box, ok := officialMailbox(o); ok {
			return box, taken
		}
	}
	return registry.Mailbox{}, noMailbox
}

// plainDomain writes a domain in lower case and in ASCII, as DNS knows it; one
// that cannot be is left as it is and matches nothing.
func plainDomain(domain string) string {
	domain = strings.ToLower(strings.TrimSuffix(domain, "."))
	if plain, err := idna.Lookup.ToASCII(domain); err == nil {
		return plain
	}
	return domain
}

// ourDomain reports whether the office has an address in the domain.
func ourDomain(o *registry.Office, domain string) bool {
	if plainDomain(o.Domain) == domain {
		return true
	}
	for address := range o.Mailboxes {
		if plainDomain(address[strings.LastIndexByte(address, '@')+1:]) == domain {
			return true
		}
	}
	return false
}

// officialMailbox is where letters go that are for the office as a whole: the
// first official mailbox, in the office's own domain if there is one, whose
// register is open.
func officialMailbox(o *registry.Office) (registry.Mailbox, bool) {
	var official []registry.Mailbox
	for _, box := range o.Mailboxes {
		if box.Kind == "official" && !o.Registers[box.Register].Restricted {
			official = append(official, box)
		}
	}
	if len(official) == 0 {
		return registry.Mailbox{}, false
	}
	away := func(b registry.Mailbox) int { return rank(!strings.HasSuffix(b.Address, "@"+o.Domain)) }
	return slices.MinFunc(official, func(a, b registry.Mailbox) int {
		if d := away(a) - away(b); d != 0 {
			return d
		}
		return strings.Compare(a.Address, b.Address)
	}), true
}
