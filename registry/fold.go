package registry

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold makes a text comparable as people type it: lower case, without marks,
// so that "zloza" finds "Złoża" and "lodz" finds "Łódź". Store and queries are
// folded the same way; nothing else about it is promised.
func Fold(s string) string {
	if isPlain(s) {
		return strings.ToLower(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range norm.NFD.String(strings.ToLower(strings.ToValidUTF8(s, " "))) {
		// The stroke of ł and its like is part of the letter for Unicode: it
		// does not decompose and is taken off by hand.
		switch r {
		case 'ł':
			b.WriteByte('l')
		case 'đ', 'ð':
			b.WriteByte('d')
		case 'ø':
			b.WriteByte('o')
		case 'ħ':
			b.WriteByte('h')
		case 'ŧ':
			b.WriteByte('t')
		case 'ı':
			b.WriteByte('i')
		case 'ß':
			b.WriteString("ss")
		case 'æ':
			b.WriteString("ae")
		case 'œ':
			b.WriteString("oe")
		case 'þ':
			b.WriteString("th")
		case '\u00ad', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff': // invisible within words
		default:
			if !unicode.Is(unicode.Mn, r) {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
