package pdf

import (
	"bytes"
	"fmt"
	"strconv"
)

// A lexer reads objects from bytes.
type lexer struct {
	b      []byte
	pos    int
	placed bool // positions in b are positions in the file
	depth  int  // how deep objects may nest
	count  *int // objects that may still be read
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func (l *lexer) space() {
	for l.pos < len(l.b) {
		c := l.b[l.pos]
		if c == '%' {
			for l.pos < len(l.b) && l.b[l.pos] != '\n' && l.b[l.pos] != '\r' {
				l.pos++
			}
			continue
		}
		if !isSpace(c) {
			return
		}
		l.pos++
	}
}

// word takes the regular characters at hand.
func (l *lexer) word() string {
	start := l.pos
	for l.pos < len(l.b) && !isSpace(l.b[l.pos]) && !isDelimiter(l.b[l.pos]) {
		l.pos++
	}
	return string(l.b[start:l.pos])
}

// accept takes a keyword if it is next.
func (l *lexer) accept(keyword string) bool {
	l.space()
	if !bytes.HasPrefix(l.b[l.pos:], []byte(keyword)) {
		return false
	}
	if end := l.pos + len(keyword); end < len(l.b) && !isSpace(l.b[end]) && !isDelimiter(l.b[end]) {
		return false
	}
	l.pos += len(keyword)
	return true
}

func (l *lexer) fail(format string, args ...any) error {
	return fmt.Errorf("at byte %d: %s: %w", l.pos, fmt.Sprintf(format, args...), errUnreadable)
}

// object reads one object; references are left as they are.
func (l *lexer) object() (object, error) {
	l.space()
	if l.pos >= len(l.b) {
		return nil, l.fail("the file ends where an object is expected")
	}
	if *l.count--; *l.count < 0 {
		return nil, errTooMany
	}
	switch c := l.b[l.pos]; {
	case c == '/':
		return l.name()
	case c == '(':
		return l.literal()
	case c == '[':
		return l.array()
	case c == '<' && l.pos+1 < len(l.b) && l.b[l.pos+1] == '<':
		return l.dict()
	case c == '<':
		return l.hex()
	case c == '+' || c == '-' || c == '.' || c >= '0' && c <= '9':
		return l.number()
	}
	start := l.pos
	switch w := l.word(); w {
	case "null":
		return nil, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		l.pos = start
		return nil, l.fail("%.20q is no object", w)
	}
}

func (l *lexer) name() (object, error) {
	l.pos++
	w := []byte(l.word())
	if bytes.IndexByte(w, '#') < 0 {
		return name(w), nil
	}
	out := w[:0]
	for i := 0; i < len(w); i++ {
		if w[i] == '#' && i+2 < len(w) && unhex(w[i+1]) >= 0 && unhex(w[i+2]) >= 0 {
			out = append(out, byte(unhex(w[i+1])<<4|unhex(w[i+2])))
			i += 2
			continue
		}
		out = append(out, w[i])
	}
	return name(out), nil
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// number reads a number, or a reference if two more tokens make it one.
func (l *lexer) number() (object, error) {
	w := l.word()
	n, err := strconv.ParseInt(w, 10, 64) // base 10: numbers padded with zeros are not octal
	if err != nil {
		f, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return nil, l.fail("%.20q is no number", w)
		}
		return f, nil
	}
	if n < 0 || n > maxObject || w[0] == '+' {
		return n, nil
	}
	back := l.pos
	l.space()
	gen, ok := l.digits()
	if ok && gen <= 65535 && l.accept("R") {
		return ref{int(n), gen}, nil
	}
	l.pos = back
	return n, nil
}

const maxObject = 8_388_607 // ISO 32000-1 Annex C

// digits takes a short run of digits.
func (l *lexer) digits() (int, bool) {
	start := l.pos
	for l.pos < len(l.b) && l.b[l.pos] >= '0' && l.b[l.pos] <= '9' {
		l.pos++
	}
	if l.pos == start || l.pos-start > 10 {
		return 0, false
	}
	n, err := strconv.Atoi(string(l.b[start:l.pos]))
	return n, err == nil
}

func (l *lexer) str(start int, b []byte, hex bool) *str {
	if !l.placed {
		return &str{b: b, start: -1, end: -1, hex: hex}
	}
	return &str{b: b, start: start, end: l.pos, hex: hex}
}

func (l *lexer) hex() (object, error) {
	start := l.pos
	end := bytes.IndexByte(l.b[l.pos:], '>')
	if end < 0 {
		return nil, l.fail("a string does not end")
	}
	in := l.b[l.pos+1 : l.pos+end]
	out := make([]byte, 0, len(in)/2+1)
	half := -1
	for _, c := range in {
		v := unhex(c)
		switch {
		case v >= 0 && half < 0:
			half = v
		case v >= 0:
			out = append(out, byte(half<<4|v))
			half = -1
		case !isSpace(c):
			return nil, l.fail("%q in a hexadecimal string", c)
		}
	}
	if half >= 0 {
		out = append(out, byte(half<<4))
	}
	l.pos += end + 1
	s := l.str(start, out, true)
	s.odd = half >= 0
	return s, nil
}

// literal reads a string in parentheses (ISO 32000-1 § 7.3.4.2).
func (l *lexer) literal() (object, error) {
	start, open := l.pos, 1
	var out []byte
	for l.pos++; l.pos < len(l.b); l.pos++ {
		c := l.b[l.pos]
		switch c {
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				l.pos++
				return l.str(start, out, false), nil
			}
		case '\\':
			out = l.escape(out)
			continue
		case '\r':
			if l.pos+1 < len(l.b) && l.b[l.pos+1] == '\n' {
				l.pos++
			}
			c = '\n'
		}
		out = append(out, c)
	}
	return nil, l.fail("a string does not end")
}

// escape reads what follows a backslash; pos is left on its last byte.
func (l *lexer) escape(out []byte) []byte {
	l.pos++
	if l.pos >= len(l.b) {
		return out
	}
	switch c := l.b[l.pos]; c {
	case 'n':
		return append(out, '\n')
	case 'r':
		return append(out, '\r')
	case 't':
		return append(out, '\t')
	case 'b':
		return append(out, '\b')
	case 'f':
		return append(out, '\f')
	case '\n':
		return out
	case '\r':
		if l.pos+1 < len(l.b) && l.b[l.pos+1] == '\n' {
			l.pos++
		}
		return out
	default:
		if c < '0' || c > '7' {
			return append(out, c)
		}
		v := 0
		i := 0
		for ; i < 3 && l.pos+i < len(l.b) && l.b[l.pos+i] >= '0' && l.b[l.pos+i] <= '7'; i++ {
			v = v<<3 | int(l.b[l.pos+i]-'0')
		}
		l.pos += i - 1
		return append(out, byte(v))
	}
}

func (l *lexer) array() (object, error) {
	if l.depth--; l.depth < 0 {
		return nil, l.fail("objects are nested too deeply")
	}
	defer func() { l.depth++ }()
	l.pos++
	out := array{}
	for {
		l.space()
		if l.pos < len(l.b) && l.b[l.pos] == ']' {
			l.pos++
			return out, nil
		}
		o, err := l.object()
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
}

func (l *lexer) dict() (object, error) {
	if l.depth--; l.depth < 0 {
		return nil, l.fail("objects are nested too deeply")
	}
	defer func() { l.depth++ }()
	l.pos += 2
	d := &dict{keys: map[name]object{}}
	for {
		l.space()
		if bytes.HasPrefix(l.b[l.pos:], []byte(">>")) {
			l.pos += 2
			return d, nil
		}
		if l.pos >= len(l.b) || l.b[l.pos] != '/' {
			return nil, l.fail("a key is expected in a dictionary")
		}
		k, err := l.name()
		if err != nil {
			return nil, err
		}
		v, err := l.object()
		if err != nil {
			return nil, err
		}
		key := k.(name)
		if _, known := d.keys[key]; known {
			d.twice = key
		}
		d.keys[key] = v
	}
}
