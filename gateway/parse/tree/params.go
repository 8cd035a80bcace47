package tree

import (
	"bytes"
	"strings"
)

// A Param is a parameter as written: name lower case with its RFC 2231 marks
// ("filename*0*"), value without quotes.
type Param struct {
	Name  string
	Value []byte
}

func get(params []Param, name string) []byte {
	for i := range params {
		if params[i].Name == name {
			return params[i].Value
		}
	}
	return nil
}

const (
	maxParams = 200
	maxField  = 64 << 10 // bytes of a value that are looked at
)

// ParseValue reads a value like that of Content-Type, as wrong as it may be:
// blanks without quotes, doubled semicolons, missing quotes, comments, text
// behind the end.
func ParseValue(value []byte) (main string, params []Param) {
	v := unfold(value[:min(len(value), maxField)])
	i := bytes.IndexByte(v, ';')
	if i < 0 {
		i = len(v)
	}
	head := v[:i]
	// QUIRK: `Content-Type: text/plain charset=utf-8`, the semicolon missing.
	if eq := bytes.IndexByte(head, '='); eq >= 0 {
		cut := bytes.LastIndexAny(bytes.TrimRight(head[:eq], " \t"), " \t")
		i = max(cut, 0)
		head = v[:i]
	}
	main = strings.ToLower(string(bytes.Trim(stripComment(head), " \t\"'")))
	p := paramReader{rest: v[i:]}
	for len(params) < maxParams {
		param, ok := p.next()
		if !ok {
			break
		}
		params = append(params, param)
	}
	return main, params
}

// unfold removes line ends and NULs; folds leave the blank they began with.
func unfold(v []byte) []byte {
	if !bytes.ContainsAny(v, "\r\n\x00") {
		return v
	}
	out := make([]byte, 0, len(v))
	for _, b := range v {
		if b != '\r' && b != '\n' && b != 0 {
			out = append(out, b)
		}
	}
	return out
}

func stripComment(v []byte) []byte {
	if i := bytes.IndexByte(v, '('); i >= 0 {
		return v[:i]
	}
	return v
}

// A paramReader takes parameters from the front of rest.
type paramReader struct {
	rest []byte
}

func (p *paramReader) next() (Param, bool) {
	for {
		p.rest = bytes.TrimLeft(p.rest, "; \t")
		if len(p.rest) == 0 {
			return Param{}, false
		}
		if p.rest[0] == '(' {
			p.skipComment()
			continue
		}
		eq := bytes.IndexByte(p.rest, '=')
		semi := bytes.IndexByte(p.rest, ';')
		if eq < 0 {
			return Param{}, false
		}
		if semi >= 0 && semi < eq { // a word without a value
			p.rest = p.rest[semi:]
			continue
		}
		name := bytes.Trim(p.rest[:eq], " \t\"'")
		if cut := bytes.LastIndexAny(name, " \t"); cut >= 0 {
			name = name[cut+1:] // text before the name is junk
		}
		p.rest = bytes.TrimLeft(p.rest[eq+1:], " \t")
		param := Param{Name: strings.ToLower(string(name))}
		param.Value = p.value()
		if param.Name != "" {
			return param, true
		}
	}
}

func (p *paramReader) skipComment() {
	if i := bytes.IndexByte(p.rest, ')'); i >= 0 {
		p.rest = p.rest[i+1:]
		return
	}
	p.rest = nil
}

func (p *paramReader) value() []byte {
	if len(p.rest) > 0 && p.rest[0] == '"' {
		if v, rest, ok := quoted(p.rest); ok {
			p.rest = rest
			return v
		}
		p.rest = p.rest[1:] // the closing quote is missing
	}
	end := bytes.IndexByte(p.rest, ';')
	if end < 0 {
		end = len(p.rest)
	}
	v := p.rest[:end]
	if i := nextParam(v); i > 0 { // the semicolon is missing
		end, v = i, v[:i]
	}
	p.rest = p.rest[end:]
	v = bytes.Trim(v, " \t")
	if i := bytes.Index(v, []byte(" (")); i > 0 && v[len(v)-1] == ')' && bytes.IndexByte(v, '.') < 0 {
		v = bytes.TrimRight(v[:i], " \t")
	}
	return bytes.Trim(v, "\"")
}

// quoted reads a quoted string. The quote that closes is the first that is
// followed by a semicolon, a comment or the end: names do hold stray quotes.
func quoted(v []byte) (value, rest []byte, ok bool) {
	var out []byte
	for i := 1; i < len(v); i++ {
		switch b := v[i]; b {
		case '\\':
			// QUIRK: Windows paths stand unescaped, so only quotes and
			// backslashes are taken for escaped.
			if i+1 < len(v) && (v[i+1] == '"' && len(bytes.TrimLeft(v[i+2:], " \t")) > 0 || v[i+1] == '\\') {
				i++
			}
			out = append(out, v[i])
		case '"':
			after := bytes.TrimLeft(v[i+1:], " \t")
			if len(after) == 0 || after[0] == ';' || after[0] == '(' || after[0] == ',' || len(after) < len(v)-i-1 && isParam(after) {
				return out, after, true
			}
			out = append(out, b)
		default:
			out = append(out, b)
		}
	}
	return nil, v, false
}

// nextParam finds " name=" in v where name is one that mail knows; the place
// of the blank before it, or 0.
func nextParam(v []byte) int {
	for from := 0; ; {
		i := bytes.IndexAny(v[from:], " \t")
		if i < 0 {
			return 0
		}
		i += from
		word := bytes.TrimLeft(v[i:], " \t")
		if isParam(word) {
			return max(i, 1)
		}
		from = len(v) - len(word)
	}
}

// isParam reports whether v begins with the name of a parameter and "=".
func isParam(v []byte) bool {
	eq := bytes.IndexByte(v[:min(len(v), 40)], '=')
	if eq <= 0 {
		return false
	}
	switch strings.TrimRight(strings.ToLower(string(v[:eq])), "* \t0123456789") {
	case "charset", "name", "filename", "boundary", "format", "type", "size", "delsp", "protocol", "micalg", "report-type", "start":
		return true
	}
	return false
}

// mediaType makes a media type of what was written, "" if it is none.
func mediaType(s string) string {
	s = strings.Trim(s, " \t\"'<>;,")
	if i := strings.IndexAny(s, " \t,"); i >= 0 {
		s = s[:i]
	}
	typ, sub, ok := strings.Cut(s, "/")
	if typ == "" {
		return ""
	}
	if !ok || sub == "" {
		switch typ {
		case "text":
			return "text/plain"
		case "multipart":
			return "multipart/mixed"
		case "message":
			return "message/rfc822"
		case "html":
			return "text/html"
		default:
			return ""
		}
	}
	for _, r := range s {
		if r <= 32 || r >= 127 {
			return ""
		}
	}
	if len(s) > 200 {
		return ""
	}
	return s
}

// transferEncoding normalises what Content-Transfer-Encoding says.
func transferEncoding(v []byte) string {
	s := strings.ToLower(string(unfold(v)))
	s = strings.Trim(stripText(s), " \t\"'<>")
	switch strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '_' {
			return -1
		}
		return r
	}, s) {
	case "", "7bit", "7bits":
		return "7bit"
	case "8bit", "8bits", "utf8":
		return "8bit"
	case "binary":
		return "binary"
	case "base64", "b64", "b":
		return "base64"
	case "quotedprintable", "qp", "q":
		return "quoted-printable"
	case "xuuencode", "uuencode", "xuue", "uue", "xuu":
		return "x-uuencode"
	}
	if len(s) > 40 {
		s = s[:40]
	}
	return strings.ToValidUTF8(s, "")
}

// stripText cuts a value at what cannot belong to one word.
func stripText(s string) string {
	if i := strings.IndexAny(s, ";,("); i >= 0 {
		s = s[:i]
	}
	return s
}
