package trust

import (
	"crypto/x509/pkix"
	"regexp"
	"strings"
	"unicode"
)

var digits = regexp.MustCompile(`[0-9]{5,}`)

// nameOf writes a subject for people: without the numbers of persons, and
// without letters that do not show or turn the writing round.
func nameOf(n pkix.Name) string {
	var parts []string
	for _, a := range n.Names {
		v, ok := a.Value.(string)
		key := map[string]string{
			"2.5.4.3": "CN", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C", "2.5.4.97": "organizationIdentifier",
			"2.5.4.5": "serialNumber", "1.2.840.113549.1.9.1": "emailAddress",
		}[a.Type.String()]
		if !ok || key == "" {
			continue
		}
		if key == "serialNumber" {
			v = digits.ReplaceAllStringFunc(v, func(s string) string { return strings.Repeat("*", len(s)-3) + s[len(s)-3:] })
		}
		parts = append(parts, key+"="+visible(v))
	}
	return strings.Join(parts, ", ")
}

func visible(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "")
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co) {
			return '\ufffd'
		}
		return r
	}, s)
}
