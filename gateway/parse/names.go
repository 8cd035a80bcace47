package parse

import (
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tree"
)

const (
	maxName    = 180  // bytes of a safe name
	maxRawName = 1000 // bytes of a name as written
)

// rawFileName finds the name that a part gives its file, decoded but not made
// safe: RFC 2231 before the plain form, the disposition before the type.
func (run *reading) rawFileName(n *tree.Node, set *charset.Decoder) string {
	_, disposition := tree.ParseValue(n.Get("content-disposition"))
	for _, list := range []struct {
		params []tree.Param
		name   string
	}{{disposition, "filename"}, {n.Params, "name"}, {disposition, "name"}, {n.Params, "filename"}} {
		if s := param(list.params, list.name, set); s != "" {
			return s
		}
	}
	return ""
}

// param decodes a parameter in whatever way it was written.
func param(params []tree.Param, name string, set *charset.Decoder) string {
	if s, ok := extended(params, name, set); ok && s != "" {
		return s
	}
	for _, p := range params {
		if p.Name == name && len(p.Value) > 0 {
			return set.Header(p.Value)
		}
	}
	return ""
}

// A piece is one continuation of a parameter (RFC 2231 § 3).
type piece struct {
	seen    bool
	encoded bool
	value   []byte
}

const maxPieces = 1000

// extended puts together the pieces of an extended parameter in the order of
// their numbers, not of their appearance, before decoding: programs cut inside
// a character.
func extended(params []tree.Param, name string, set *charset.Decoder) (string, bool) {
	var pieces []piece
	for _, p := range params {
		rest, ok := strings.CutPrefix(p.Name, name+"*")
		if !ok {
			continue
		}
		number, star := strings.CutSuffix(rest, "*")
		i, plain := 0, rest == ""
		if !plain && number != "" {
			if _, err := fmt.Sscanf(number, "%d", &i); err != nil || i < 0 || i >= maxPieces {
				continue
			}
		}
		for len(pieces) <= i {
			pieces = append(pieces, piece{})
		}
		if !pieces[i].seen {
			pieces[i] = piece{true, star || plain, p.Value}
		}
	}
	if len(pieces) == 0 {
		return "", false
	}
	label, text, coded := "", []byte(nil), []byte(nil)
	words := true
	for i, p := range pieces {
		if !p.encoded { // a missing number is a gap, not the end
			text = append(append(text, charset.Percent(coded)...), p.value...)
			coded = nil
			continue
		}
		words = false
		v := p.value
		if i == 0 {
			label, v = splitCharset(v)
		}
		coded = append(coded, v...) // QUIRK: some cut inside "%C5"
	}
	text = append(text, charset.Percent(coded)...)
	if words { // QUIRK: RFC 2047 words in pieces of RFC 2231
		return set.Header(text), true
	}
	return strings.TrimSpace(set.Text(label, text)), true
}

// splitCharset takes charset'language' from the front of an extended value.
func splitCharset(v []byte) (label string, rest []byte) {
	s := string(v)
	first := strings.IndexByte(s, '\'')
	if first < 0 || first > 60 {
		return "", v
	}
	second := strings.IndexByte(s[first+1:], '\'')
	if second < 0 {
		return s[:first], v[first+1:]
	}
	return s[:first], v[first+second+2:]
}

// safeName makes a name that every screen and file system takes: the last
// element of a path, without controls and without signs that turn the writing
// direction, short, with its extension. What is left empty is named by kind
// and number.
func safeName(raw, ext, unnamed string, number int) string {
	s := raw
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, isBidi(r), isInvisible(r):
			return -1
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r):
			return -1
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		}
		return r
	}, s)
	s = strings.Trim(strings.Join(strings.Fields(s), " "), " ")
	s = strings.TrimRight(s, ". ")
	if strings.Trim(s, "._- ") == "" {
		return fmt.Sprintf("%s-%d%s", unnamed, number, ext)
	}
	if reserved(s) {
		s = "_" + s
	}
	return shorten(s)
}

// reserved reports names that Windows gives to devices.
func reserved(s string) bool {
	base, _, _ := strings.Cut(strings.ToUpper(s), ".")
	base = strings.TrimRight(base, " ")
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "COM") || strings.HasPrefix(base, "LPT")) && base[3] >= '0' && base[3] <= '9'
}

// shorten cuts a name to maxName bytes and keeps its extension.
func shorten(s string) string {
	if len(s) <= maxName {
		return s
	}
	ext := path.Ext(s)
	if len(ext) > 20 {
		ext = ""
	}
	base := s[:maxName-len(ext)]
	for !utf8.ValidString(base) {
		base = base[:len(base)-1]
	}
	return strings.TrimRight(base, ". ") + ext
}

// isBidi reports signs that turn the direction of writing (UAX 9 § 2).
func isBidi(r rune) bool {
	return r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x200e || r == 0x200f || r == 0x061c
}

func hasBidi(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return isBidi(r) && r != 0x200e && r != 0x200f })
}

// isInvisible reports signs of no width.
func isInvisible(r rune) bool {
	return r >= 0x200b && r <= 0x200d || r == 0x2060 || r == 0xfeff || r == 0x00ad || r >= 0xfff9 && r <= 0xfffb || r >= 0xe0000 && r <= 0xe007f
}
