package charset

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// Header decodes the value of a field: encoded words (RFC 2047) wherever they
// stand, raw bytes, folds. Neighbouring words of one set are joined before
// decoding, since programs cut inside a character.
func (d *Decoder) Header(value []byte) string {
	v := unfold(value)
	if !bytes.Contains(v, []byte("=?")) {
		return strings.TrimSpace(d.Text("", v))
	}
	var out strings.Builder
	var run word // words of one set, not yet decoded
	flush := func() {
		if run.open {
			out.WriteString(d.Text(run.charset, run.text))
			run = word{}
		}
	}
	for len(v) > 0 {
		i := bytes.Index(v, []byte("=?"))
		if i < 0 {
			i = len(v)
		}
		w, rest, ok := word{}, []byte(nil), false
		if i < len(v) {
			w, rest, ok = takeWord(v[i:])
		}
		if !ok {
			i = min(i+2, len(v))
			rest = v[i:]
		}
		between := v[:i]
		if !(ok && run.open && len(bytes.TrimLeft(between, " \t")) == 0) {
			flush()
			out.WriteString(d.Text("", between))
		} else if run.charset != w.charset {
			flush()
		}
		if ok {
			run.open, run.charset = true, w.charset
			run.text = append(run.text, w.text...)
		}
		v = rest
	}
	flush()
	return strings.TrimSpace(clean(out.String()))
}

// A word is an encoded word, its text decoded to bytes.
type word struct {
	open    bool
	charset string
	text    []byte
}

// maxWord bounds an encoded word. RFC 2047 § 2 allows 75 signs; programs put
// whole subjects into one.
const maxWord = 16 << 10

// takeWord reads the encoded word at the start of v.
func takeWord(v []byte) (w word, rest []byte, ok bool) {
	p := v[2:]
	q := bytes.IndexByte(p, '?')
	if q <= 0 || q > 60 || q+3 > len(p) || p[q+2] != '?' {
		return w, v, false
	}
	set, kind, p := p[:q], p[q+1]|0x20, p[q+3:]
	tail := p
	p = p[:min(len(p), maxWord)]
	if bytes.ContainsAny(set, " \t\"<>@") || kind != 'q' && kind != 'b' {
		return w, v, false
	}
	end := bytes.Index(p, []byte("?="))
	// QUIRK: in a Q word "?=41" may be text: "=3D?=41"; the word ends where a
	// blank, a quote, another word or the end follows.
	for kind == 'q' && end >= 0 && end+4 <= len(p) && hexPair(p[end+2:]) && bytes.Contains(p[end+2:], []byte("?=")) {
		next := bytes.Index(p[end+2:], []byte("?="))
		if bytes.ContainsAny(p[end+2:end+2+next], " \t") {
			break
		}
		end += 2 + next
	}
	if end < 0 {
		return w, v, false
	}
	w = word{open: true, charset: tidy(string(set))}
	if kind == 'q' {
		w.text = qDecode(p[:end])
	} else {
		w.text = bDecode(p[:end])
	}
	return w, v[len(v)-len(tail)+end+2:], true
}

func hexPair(b []byte) bool {
	_, ok := unhex(b)
	return ok
}

func unhex(b []byte) (byte, bool) {
	if len(b) < 2 {
		return 0, false
	}
	hi, ok1 := hexDigit(b[0])
	lo, ok2 := hexDigit(b[1])
	return hi<<4 | lo, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func qDecode(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '_':
			out = append(out, ' ')
		case b[i] == '=':
			if c, ok := unhex(b[i+1:]); ok {
				out = append(out, c)
				i += 2
				continue
			}
			out = append(out, '=')
		default:
			out = append(out, b[i])
		}
	}
	return out
}

// bDecode reads base64 that may lack padding, or have it in the middle where
// two words were joined by a careless program.
func bDecode(b []byte) []byte {
	var out, group []byte
	flush := func() {
		if len(group)%4 == 1 {
			group = group[:len(group)-1]
		}
		part, _ := base64.RawStdEncoding.DecodeString(string(group))
		out, group = append(out, part...), group[:0]
	}
	for _, c := range b {
		switch {
		case base64Letter(c):
			group = append(group, c)
		case c == '=':
			flush()
		}
	}
	flush()
	return out
}

// unfold removes line ends and NULs. A fold is one blank.
func unfold(v []byte) []byte {
	v = bytes.Trim(v, " \t\r\n\x00")
	if !bytes.ContainsAny(v, "\r\n\x00") {
		return v
	}
	out := make([]byte, 0, len(v))
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case 0:
		case '\r', '\n':
			for i+1 < len(v) && strings.IndexByte("\r\n \t\x00", v[i+1]) >= 0 {
				i++
			}
			out = append(bytes.TrimRight(out, " \t"), ' ')
		default:
			out = append(out, v[i])
		}
	}
	return out
}

// Percent decodes the text of an extended parameter (RFC 2231 § 4) to bytes.
func Percent(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '%' {
			if c, ok := unhex(b[i+1:]); ok {
				out = append(out, c)
				i += 2
				continue
			}
		}
		out = append(out, b[i])
	}
	return out
}
