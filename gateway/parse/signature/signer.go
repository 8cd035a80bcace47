package signature

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"kancelaria/registry"
)

// The attributes of names that are looked at.
var (
	idMail         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	idGivenName    = asn1.ObjectIdentifier{2, 5, 4, 42}
	idSurname      = asn1.ObjectIdentifier{2, 5, 4, 4}
	idOrganisation = asn1.ObjectIdentifier{2, 5, 4, 97} // organizationIdentifier: of legal persons only
	idQualified    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 3}
	idTypeSeal     = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6, 2}
)

// signerOf says whom a certificate names.
func signerOf(raw []byte, subject []byte, c *x509.Certificate) registry.Signer {
	s := registry.Signer{Digest: registry.Digest(sha256.Sum256(raw))}
	name := readName(subject)
	s.Name = personName(name)
	s.Person = masked(name.SerialNumber)
	s.Organisation = clean(strings.Join(name.Organization, ", "))
	s.Emails = mailsOf(name)
	if c != nil {
		s.Serial, s.Issuer = c.SerialNumber.Text(16), clean(c.Issuer.String())
		for _, m := range c.EmailAddresses {
			s.Emails = append(s.Emails, clean(m))
		}
		s.Seal = isSeal(name, c)
	}
	slices.Sort(s.Emails)
	s.Emails = slices.Compact(s.Emails)
	if len(s.Emails) > 0 {
		s.Email = s.Emails[0]
	}
	return s
}

func readName(raw []byte) (name pkix.Name) {
	var seq pkix.RDNSequence
	if _, err := asn1.Unmarshal(raw, &seq); err == nil {
		name.FillFromRDNSequence(&seq)
	}
	return name
}

// personName gives the name that people use: the common one, else given name
// and surname, else the organisation.
func personName(name pkix.Name) string {
	if name.CommonName != "" {
		return clean(name.CommonName)
	}
	var parts []string
	for _, id := range []asn1.ObjectIdentifier{idGivenName, idSurname} {
		for _, a := range name.Names {
			if v, ok := a.Value.(string); ok && a.Type.Equal(id) {
				parts = append(parts, v)
			}
		}
	}
	if parts == nil {
		parts = name.Organization
	}
	return clean(strings.Join(parts, " "))
}

func mailsOf(name pkix.Name) (list []string) {
	for _, a := range name.Names {
		if v, ok := a.Value.(string); ok && a.Type.Equal(idMail) {
			list = append(list, clean(v))
		}
	}
	return list
}

// isSeal reports whether a certificate stands for an organisation: it says so
// in its qualified statements, or names a legal person by its number.
func isSeal(name pkix.Name, c *x509.Certificate) bool {
	for _, e := range c.Extensions {
		if e.Id.Equal(idQualified) {
			der, err := asn1.Marshal(idTypeSeal)
			if err == nil && strings.Contains(string(e.Value), string(der)) {
				return true
			}
		}
	}
	return slices.ContainsFunc(name.Names, func(a pkix.AttributeTypeAndValue) bool { return a.Type.Equal(idOrganisation) }) && name.SerialNumber == ""
}

var digits = regexp.MustCompile(`[0-9]{5,}`)

// masked hides a personal number but its last three digits.
func masked(serial string) string {
	return digits.ReplaceAllStringFunc(clean(serial), func(n string) string {
		return strings.Repeat("*", len(n)-3) + n[len(n)-3:]
	})
}

// clean makes a name safe to be shown: what does not show, or turns the
// direction of writing, becomes a mark.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "")
	}
	return strings.Map(func(r rune) rune {
		if hides(r) {
			return '\ufffd'
		}
		return r
	}, s)
}

// hides reports whether a rune shows nothing, or misleads about what shows.
func hides(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co)
}

// misleading reports whether a name mixes scripts within a word, or had to be
// cleaned: it may look like another.
func misleading(s string) bool {
	if strings.ContainsRune(s, '\ufffd') {
		return true
	}
	for word := range strings.FieldsSeq(s) {
		latin, other := false, false
		for _, r := range word {
			switch {
			case !unicode.IsLetter(r):
			case unicode.Is(unicode.Latin, r):
				latin = true
			default:
				other = true
			}
		}
		if latin && other {
			return true
		}
	}
	return false
}
