package registry

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestFoldingIsWhatPeopleTypeWithoutPolishKeys(t *testing.T) {
	for in, want := range map[string]string{
		"ZŁOŻA":                  "zloza",
		"Łódź":                   "lodz",
		"zażółć gęślą jaźń":      "zazolc gesla jazn",
		"za\u017co\u0301\u0142c": "zazolc", // ó as two runes
		"Straße, Æsir, Œuvre":    "strasse, aesir, oeuvre",
		"Đorđe Ørsted":           "dorde orsted",
		"OS.6131.12.2026":        "os.6131.12.2026",
		"wnio\u00adsek":          "wniosek",
		"bad \xff byte":          "bad   byte",
	} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"", "Złoża", "e\u0301", "\xff", "İstanbul", "ŁÓDŹ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := Fold(s)
		if !utf8.ValidString(once) {
			t.Errorf("Fold(%q) = %q is not UTF-8", s, once)
		}
		if again := Fold(once); again != once {
			t.Errorf("folding %q twice gives %q, then %q", s, once, again)
		}
		if i := strings.IndexFunc(once, func(r rune) bool { return unicode.Is(unicode.Mn, r) }); i >= 0 {
			t.Errorf("Fold(%q) = %q keeps a mark", s, once)
		}
	})
}
