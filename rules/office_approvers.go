package rules

import (
	"encoding/hex"
	"strings"

	"kancelaria/registry"
)

// readApprovers reads who approves in which role, by which certificate, from
// when to when.
func (r *officeReader) readApprovers(n *node) {
	if n == nil {
		return
	}
	r.office.Approvers = map[string][]registry.Approver{}
	for _, p := range r.pairs(n, "approvers") {
		if !r.free(p, "a role", namePattern) {
			continue
		}
		for _, item := range r.oneOrMore(p.value, "approvers") {
			m := r.mapping(item, "the approver", "clerk", "certificate", "from", "to")
			a := registry.Approver{Clerk: r.optional(m["clerk"], refClerk, r.clerks), From: r.day(m["from"], "from"), To: r.day(m["to"], "to")}
			for _, needed := range []string{"clerk", "certificate", "from"} {
				if m[needed] == nil {
					r.errorf(item, "E103", "add it", "an approver of %q has no %s", p.key, needed)
				}
			}
			if m["certificate"] != nil {
				a.Certificate = r.fingerprint(m["certificate"])
			}
			if !a.To.IsZero() && a.To.Before(a.From) {
				r.errorf(m["to"], "E103", "", "an appointment ends on %s before it begins on %s", a.To, a.From)
			}
			r.office.Approvers[p.key] = append(r.office.Approvers[p.key], a)
		}
	}
}

// fingerprint reads a SHA-256 as openssl x509 -fingerprint and others print it.
func (r *officeReader) fingerprint(n *node) (d registry.Digest) {
	text := r.str(n, "certificate")
	plain := strings.NewReplacer(":", "", " ", "").Replace(text)
	b, err := hex.DecodeString(plain)
	if err != nil || len(b) != len(d) {
		r.errorf(n, "E103", `take it from "openssl x509 -in FILE -noout -fingerprint -sha256"`, "%q is not the SHA-256 of a certificate", clip(text, 80))
		return d
	}
	return registry.Digest(b)
}
