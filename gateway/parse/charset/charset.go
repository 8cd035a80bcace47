// Package charset turns the bytes of letters into text, whatever they are
// called and whatever they are.
//
// People's programs name character sets wrongly, in spellings of their own, or
// not at all. A Decoder believes a label as long as the bytes agree with it,
// and says when it had to guess. What it returns is always valid UTF-8 in
// normal form C, without NUL.
package charset

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/unicode/norm"
)

// DefaultOrder is what a Polish office expects of bytes without a label.
func DefaultOrder() []string { return []string{"windows-1250", "iso-8859-2", "windows-1252"} }

// A Decoder decodes the texts of one letter.
type Decoder struct {
	// Order of the sets to try on bytes that say nothing; the first wins a tie.
	Order []string
	// Hint is the label of the letter's text, for bytes without one.
	Hint string
	// Guessed: at least once the label was missing or not believed.
	Guessed bool
}

// Text decodes b, which is said to be of the set label.
func (d *Decoder) Text(label string, b []byte) string {
	s, guessed := d.decode(label, b)
	d.Guessed = d.Guessed || guessed
	return clean(s)
}

func (d *Decoder) decode(label string, b []byte) (s string, guessed bool) {
	name, enc := Lookup(label)
	if wide(name) {
		return utf16Text(name, enc, b), false
	}
	if isASCII(b) {
		switch name {
		case "utf-7":
			return utf7(b), false
		case "iso-2022-jp", "hz-gb-2312", "iso-2022-kr":
			return run(enc, b), false
		}
		return string(b), false
	}
	if utf8.Valid(b) {
		// Valid multi-byte UTF-8 is hardly ever anything else, and without a
		// label it is what RFC 6532 allows.
		return string(b), name != "" && name != "utf-8" && !multibyte(name)
	}
	if multibyte(name) {
		if s := run(enc, b); sound(s) {
			return s, false
		}
		if s, ok := japanese(name, b); ok {
			return s, true
		}
	}
	if good, bad := countUTF8(b); name == "utf-8" && good > 0 && 2*good >= bad || name == "" && good >= 4 && good > 8*bad {
		// Something of it was broken: in other sets, two bytes that look like
		// one character of UTF-8 are rare.
		return strings.ToValidUTF8(string(b), "\ufffd"), false
	}
	best, doubt := d.guess(name, b)
	_, enc = Lookup(best)
	return run(enc, b), doubt
}

// sound reports whether hardly anything of a text was lost in decoding.
func sound(s string) bool { return strings.Count(s, "\ufffd")*20 <= utf8.RuneCountInString(s) }

// japanese tries the other sets of Japan on text labelled with one of them.
func japanese(name string, b []byte) (string, bool) {
	if name != "iso-2022-jp" && name != "shift_jis" && name != "euc-jp" {
		return "", false
	}
	for _, other := range [...]string{"euc-jp", "shift_jis"} {
		_, enc := Lookup(other)
		if s := run(enc, b); other != name && sound(s) {
			return s, true
		}
	}
	return "", false
}

// countUTF8 counts the characters beyond ASCII and the bytes that are none.
func countUTF8(b []byte) (good, bad int) {
	for len(b) > 0 {
		if b[0] < utf8.RuneSelf {
			b = b[1:]
			continue
		}
		_, n := utf8.DecodeRune(b)
		if n > 1 {
			good++
		} else {
			bad++
		}
		b = b[n:]
	}
	return good, bad
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func run(enc encoding.Encoding, b []byte) string {
	if enc == nil {
		return string(b)
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return string(out)
}

// clean makes text that a database takes: valid, without NUL, in form C.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	s = strings.TrimPrefix(s, "\ufeff")
	if !norm.NFC.IsNormalString(s) {
		s = norm.NFC.String(s)
	}
	return s
}

// Clean is for text that is UTF-8 already: it drops what a database refuses.
func Clean(s string) string { return clean(s) }

// wide reports whether characters are of two or four bytes.
func wide(name string) bool {
	return strings.HasPrefix(name, "utf-16") || strings.HasPrefix(name, "utf-32")
}

// multibyte reports whether a set has structure of its own to check bytes by.
func multibyte(name string) bool {
	switch name {
	case "gbk", "gb18030", "hz-gb-2312", "big5", "shift_jis", "euc-jp", "euc-kr", "iso-2022-jp", "iso-2022-kr":
		return true
	}
	return false
}

// utf16Text decodes UTF-16 and UTF-32 with or without a mark of byte order.
func utf16Text(name string, enc encoding.Encoding, b []byte) string {
	if name != "utf-16" || len(b) < 2 || b[0] == 0xfe && b[1] == 0xff || b[0] == 0xff && b[1] == 0xfe {
		return run(enc, b)
	}
	// Without a mark: text of our letters has most zero bytes on one side.
	even, odd := 0, 0
	for i, c := range b[:min(len(b), 1024)] {
		if c == 0 && i%2 == 0 {
			even++
		} else if c == 0 {
			odd++
		}
	}
	order := unicode.BigEndian // RFC 2781 § 4.3
	if odd > even {
		order = unicode.LittleEndian
	}
	return run(unicode.UTF16(order, unicode.IgnoreBOM), b)
}

// Lookup finds the set for a label as people write it. The name is canonical,
// "" if the label names nothing we know; ASCII is "us-ascii" without encoding.
func Lookup(label string) (name string, enc encoding.Encoding) {
	l := tidy(label)
	if to, ok := alias(l); ok {
		l = to
	}
	switch l {
	case "":
		return "", nil
	case "us-ascii", "utf-7":
		return l, nil
	case "utf-8":
		return l, unicode.UTF8
	case "utf-16", "utf-32":
	}
	if enc, err := htmlindex.Get(l); err == nil {
		if n, err := htmlindex.Name(enc); err == nil && n != "replacement" && n != "x-user-defined" {
			if l == "utf-16" { // browsers take it for little endian; mail means the mark
				return l, unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
			}
			return n, enc
		}
	}
	if enc, err := ianaindex.MIME.Encoding(l); err == nil && enc != nil {
		return l, enc
	}
	if enc, err := ianaindex.IANA.Encoding(l); err == nil && enc != nil {
		return l, enc
	}
	return "", nil
}

// tidy takes from a label what does not belong: quotes, "charset=", a language
// behind a star (RFC 2231 § 5), text behind a blank.
func tidy(label string) string {
	l := strings.ToLower(strings.Trim(label, " \t\r\n\x00\"'`<>;,="))
	for strings.HasPrefix(l, "charset") {
		l = strings.TrimLeft(strings.TrimPrefix(l, "charset"), "= \t\"'")
	}
	if i := strings.IndexAny(l, "*;, \t\"'()"); i >= 0 {
		l = l[:i]
	}
	if len(l) > 60 {
		return ""
	}
	return l
}
