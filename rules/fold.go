package rules

import (
	"strings"
	"unicode"

	"kancelaria/registry"
)

// Words are compared folded: lower case, without marks, since letters are
// typed on phones without Polish keys. A word is a run of letters and digits;
// combining marks belong to the letter before them and vanish.

// foldRune gives the folded bytes of a rune, "" for one that vanishes, and
// reports whether it is part of a word. It folds as registry.Fold does.
func foldRune(r rune) (string, bool) {
	if r < foldedRunes {
		return foldTable[r], foldWord[r]
	}
	switch {
	case unicode.Is(unicode.Mn, r) || strings.ContainsRune(invisible, r):
		return "", true
	case r >= 0x1E00 && r <= 0x1EFF: // Latin letters with more marks
		return registry.Fold(string(r)), true
	case unicode.IsLetter(r) || unicode.IsDigit(r):
		return string(unicode.ToLower(r)), true
	default:
		return " ", false
	}
}

const (
	foldedRunes = 0x180 // ASCII, Latin-1, Latin Extended-A
	invisible   = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
)

// The table of folding for the runes of European letters; built once, never
// changed.
var foldTable, foldWord = buildFold()

func buildFold() (table [foldedRunes]string, word [foldedRunes]bool) {
	for r := range rune(foldedRunes) {
		switch {
		case strings.ContainsRune(invisible, r):
			word[r] = true
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			table[r], word[r] = registry.Fold(string(r)), true
		default:
			table[r] = " "
		}
	}
	return table, word
}

// foldString folds a whole string; what is not part of a word becomes a space.
func foldString(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		f, _ := foldRune(r)
		b.WriteString(f)
	}
	return strings.TrimSpace(b.String())
}

// foldWords splits a string into its folded words.
func foldWords(s string) []string { return strings.Fields(foldString(s)) }
