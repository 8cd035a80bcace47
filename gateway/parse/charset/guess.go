package charset

import (
	"strings"
	"unicode"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// sample bounds what a guess looks at.
const sample = 64 << 10

// margin is by how much another set must beat the label.
const margin = 3

// languages are the letters beyond ASCII that go together. A text in one
// language read in its true set uses one of these groups nearly alone.
func languages() []string {
	return []string{
		"\u0105\u0107\u0119\u0142\u0144\u00f3\u015b\u017a\u017c",                                                 // Polish
		"\u00e1\u010d\u010f\u00e9\u011b\u00ed\u0148\u00f3\u0159\u0161\u0165\u00fa\u016f\u00fd\u017e\u013e\u00f4", // Czech, Slovak
		"\u00e1\u00e9\u00ed\u00f3\u00f6\u0151\u00fa\u00fc\u0171",                                                 // Hungarian
		"\u00e4\u00f6\u00fc\u00df",       // German
		"\u0103\u00e2\u00ee\u015f\u0163", // Romanian
		"\u010d\u0107\u0111\u0161\u017e", // Croatian
		"\u00e0\u00e2\u00e6\u00e7\u00e8\u00e9\u00ea\u00eb\u00ee\u00ef\u00f4\u0153\u00f9\u00fb\u00fc", // French
		"\u00e1\u00e9\u00ed\u00f1\u00f3\u00fa\u00fc",                                                 // Spanish
		"\u00e1\u00e0\u00e2\u00e3\u00e7\u00e9\u00ea\u00ed\u00f3\u00f4\u00f5\u00fa",                   // Portuguese
		"\u00e0\u00e8\u00e9\u00ec\u00f2\u00f9",                                                       // Italian
		"\u00e5\u00e4\u00f6\u00e6\u00f8",                                                             // Nordic
	}
}

// guess gives the likeliest single-byte set of b, and whether that is not what
// the label says.
func (d *Decoder) guess(label string, b []byte) (name string, doubt bool) {
	order := d.Order
	if len(order) == 0 {
		order = DefaultOrder()
	}
	b = b[:min(len(b), sample)]
	best, points := "", 0
	try := func(name string, bonus int) {
		_, enc := Lookup(name)
		if enc == nil || wide(name) || multibyte(name) || name == "utf-8" {
			return
		}
		if p := score(enc, b) + bonus; best == "" || p > points {
			best, points = name, p
		}
	}
	known, enc := Lookup(label)
	if enc != nil && known != "utf-8" && !multibyte(known) {
		// A label is believed unless the bytes clearly speak against it.
		try(known, margin)
		if !latin(known) {
			return best, false
		}
	} else if hint, enc := Lookup(d.Hint); enc != nil {
		try(hint, margin)
	}
	for _, name := range order {
		if n, _ := Lookup(name); n != known {
			try(n, 0)
		}
	}
	if best == "" {
		best = "windows-1252"
	}
	return best, best != known
}

// latin reports whether a set is of the family that programs mix up.
func latin(name string) bool {
	switch name {
	case "windows-1250", "iso-8859-2", "windows-1252", "iso-8859-15", "iso-8859-1", "iso-8859-16":
		return true
	}
	return false
}

// score says how much b, read in a set, looks like one language: letters of
// the best fitting group count for it, all others and signs inside words
// against it.
func score(enc encoding.Encoding, b []byte) int {
	var table [256]rune
	cm, ok := enc.(*charmap.Charmap)
	if !ok {
		return 0
	}
	for i := range table {
		table[i] = cm.DecodeByte(byte(i))
	}
	var counts [256]int
	bad := 0
	for i, c := range b {
		if c < 0x80 {
			continue
		}
		counts[c]++
		r := table[c]
		inWord := i > 0 && asciiLetter(b[i-1]) || i+1 < len(b) && asciiLetter(b[i+1])
		both := i > 0 && asciiLetter(b[i-1]) && i+1 < len(b) && asciiLetter(b[i+1])
		switch {
		case r == unicode.ReplacementChar || r < 0xa0:
			bad += 3
		case both && !unicode.IsLetter(r) && r != '\u2019' && r != '\u2013' && r != '\u00ad':
			bad += 2
		case inWord && (r == '\u00b9' || r == '\u00bf' || r == '\u00b3' || r == '\u00b6' || r == '\u00bc' || r == '\u00be' || r == '\u00af' || r == '\u00a3' || r == '\u00a5'):
			bad++
		}
	}
	letters, best := 0, 0
	lower := map[rune]int{}
	for c := 0x80; c < 0x100; c++ {
		if r := table[c]; counts[c] > 0 && unicode.IsLetter(r) {
			letters += counts[c]
			lower[unicode.ToLower(r)] += counts[c]
		}
	}
	for _, group := range languages() {
		n := 0
		for r, count := range lower {
			if strings.ContainsRune(group, r) {
				n += count
			}
		}
		best = max(best, n)
	}
	return 2*best - 3*(letters-best) - 2*bad
}

func asciiLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
