package signature

import (
	_ "embed"
	"strings"

	"kancelaria/registry"
)

// What the ministry writes into a podpis zaufany.
//
//go:embed seals.txt
var seals string

// sealWord gives a line of seals.txt.
func sealWord(key string) string {
	for line := range strings.Lines(seals) {
		if k, v, ok := strings.Cut(line, " = "); ok && k == key {
			return plainDashes(strings.TrimSpace(v))
		}
	}
	return ""
}

// plainDashes writes the dashes that people use for each other in one way.
func plainDashes(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("–", "-", "—", "-", "‑", "-").Replace(s)), " ")
}

// isMinistry reports whether a name is the one under which the ministry seals a
// podpis zaufany. Anybody can write it into a certificate of his own: it counts
// under a trusted chain only.
func isMinistry(name string) bool { return strings.EqualFold(plainDashes(name), sealWord("subject")) }

// onBehalf takes the person from the reason that the ministry's seal gives.
func (l *look) onBehalf(r *registry.SignatureReport, reason string) {
	person, ok := strings.CutPrefix(plainDashes(clean(reason)), sealWord("reason"))
	if !ok || !isMinistry(r.Signer.Name) || r.Intact != registry.SignatureIntact {
		return
	}
	if r.Trust.State != registry.Trusted {
		r.Because(doubt(registry.NoCertificateChainFound, "ministry_unproved", ""))
		return
	}
	l.sealedFor(r, strings.TrimSpace(person), "", "reason")
}

// sealedFor names the person for whom the ministry sealed.
func (l *look) sealedFor(r *registry.SignatureReport, name, person, source string) {
	r.Signer.Organisation, r.Signer.Name, r.Signer.Seal = r.Signer.Name, name, false
	r.Signer.Person, r.Identity, r.Trust.Qualified = masked(person), source, registry.PodpisZaufany
	if misleading(name) {
		r.Warnings = append(r.Warnings, "odd_name")
	}
}
