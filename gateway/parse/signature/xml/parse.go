package xml

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// What a file may be refused for, before anything in it is believed.
var (
	errMalformed = errors.New("not well-formed XML")
	errDoctype   = errors.New("a document type declaration, which could change what the document says, is not accepted")
	errTooMuch   = errors.New("a limit was reached")
)

// A parser reads a document into a tree. It is its own because encoding/xml
// forgets what canonicalisation needs: which line break in an attribute was
// written as one, and which as a reference.
type parser struct {
	b      string
	pos    int
	limits Limits
	nodes  int
	depth  int
}

func parse(b []byte, limits Limits) (*node, error) {
	if int64(len(b)) > limits.Size {
		return nil, fmt.Errorf("the document has %d bytes, more than the %d that are looked at: %w", len(b), limits.Size, errTooMuch)
	}
	text, err := decode(b)
	if err != nil {
		return nil, err
	}
	p := &parser{b: text, limits: limits}
	doc := &node{kind: kindDocument}
	if err := p.document(doc); err != nil {
		return nil, err
	}
	return doc, nil
}

func (p *parser) fail(format string, args ...any) error {
	line := 1 + strings.Count(p.b[:min(p.pos, len(p.b))], "\n")
	return fmt.Errorf("line %d: %s: %w", line, fmt.Sprintf(format, args...), errMalformed)
}

// decode gives the text in UTF-8 with line ends as XML sees them.
func decode(b []byte) (string, error) {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		b = b[3:]
	case bytes.HasPrefix(b, []byte("\xfe\xff")), bytes.HasPrefix(b, []byte("\xff\xfe")):
		b = fromUTF16(b)
	default:
		if table := declared(b); table != nil {
			var err error
			if b, err = table.NewDecoder().Bytes(b); err != nil {
				return "", fmt.Errorf("decoding: %w: %w", err, errMalformed)
			}
		}
	}
	if !utf8.Valid(b) {
		return "", fmt.Errorf("the text is not in the character set it is said to be in: %w", errMalformed)
	}
	return strings.ReplaceAll(strings.ReplaceAll(string(b), "\r\n", "\n"), "\r", "\n"), nil
}

func fromUTF16(b []byte) []byte {
	little := b[0] == 0xff
	units := make([]uint16, 0, len(b)/2)
	for b = b[2:]; len(b) > 1; b = b[2:] {
		if little {
			units = append(units, uint16(b[1])<<8|uint16(b[0]))
		} else {
			units = append(units, uint16(b[0])<<8|uint16(b[1]))
		}
	}
	return []byte(string(utf16.Decode(units)))
}

// declared reads the character set of the XML declaration, nil for UTF-8.
func declared(b []byte) encoding.Encoding {
	head, _, found := bytes.Cut(b[:min(len(b), 200)], []byte("?>"))
	_, after, named := bytes.Cut(head, []byte("encoding"))
	if !found || !named || !bytes.HasPrefix(head, []byte("<?xml")) {
		return nil
	}
	switch strings.ToLower(strings.Trim(strings.TrimLeft(strings.TrimSpace(string(after)), "= "), `"' `)) {
	case "iso-8859-1", "latin1":
		return charmap.ISO8859_1
	case "iso-8859-2", "latin2":
		return charmap.ISO8859_2
	case "iso-8859-15":
		return charmap.ISO8859_15
	case "windows-1250", "cp1250":
		return charmap.Windows1250
	case "windows-1252", "cp1252":
		return charmap.Windows1252
	}
	return nil
}

// document reads prolog, root and what may stand behind it.
func (p *parser) document(doc *node) error {
	if strings.HasPrefix(p.b, "<?xml") && len(p.b) > 5 && space(p.b[5]) {
		end := strings.Index(p.b, "?>")
		if end < 0 {
			return p.fail("the XML declaration does not end")
		}
		p.pos = end + 2
	}
	for p.pos < len(p.b) {
		rest := p.b[p.pos:]
		switch {
		case space(rest[0]):
			p.pos++
		case strings.HasPrefix(rest, "<!DOCTYPE"):
			return errDoctype
		case strings.HasPrefix(rest, "<!--"), strings.HasPrefix(rest, "<?"):
			if err := p.misc(doc); err != nil {
				return err
			}
		case rest[0] == '<' && doc.root() == nil:
			if err := p.tree(doc); err != nil {
				return err
			}
		default:
			return p.fail("text outside the document")
		}
	}
	if doc.root() == nil {
		return p.fail("no document")
	}
	return nil
}

func space(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

func (p *parser) add(parent, n *node) error {
	if p.nodes++; p.nodes > 4*p.limits.Elements {
		return fmt.Errorf("more than %d nodes: %w", 4*p.limits.Elements, errTooMuch)
	}
	n.parent = parent
	parent.kids = append(parent.kids, n)
	return nil
}

// misc reads a comment or an instruction.
func (p *parser) misc(parent *node) error {
	if strings.HasPrefix(p.b[p.pos:], "<!--") {
		end := strings.Index(p.b[p.pos+4:], "--")
		if end < 0 || !strings.HasPrefix(p.b[p.pos+4+end:], "-->") {
			return p.fail("a comment does not end")
		}
		text := p.b[p.pos+4 : p.pos+4+end]
		p.pos += end + 7
		if !legal(text) {
			return p.fail("a character that XML does not know")
		}
		return p.add(parent, &node{kind: kindComment, text: text})
	}
	body, _, found := strings.Cut(p.b[p.pos+2:], "?>")
	if !found {
		return p.fail("an instruction does not end")
	}
	target, data := body, ""
	if i := strings.IndexAny(body, " \n\t"); i >= 0 {
		target, data = body[:i], strings.TrimLeft(body[i:], " \n\t")
	}
	if !isName(target) || strings.EqualFold(target, "xml") || !legal(data) {
		return p.fail("an instruction is malformed")
	}
	p.pos += len(body) + len("<??>")
	return p.add(parent, &node{kind: kindInstruction, target: target, text: data})
}

func blankToSpace(r rune) rune {
	if r == '\n' || r == '\t' {
		return ' '
	}
	return r
}

// tree reads the root element with all below it, without recursion.
func (p *parser) tree(doc *node) error {
	at := doc
	for {
		if p.pos >= len(p.b) {
			return p.fail("the document ends in the middle")
		}
		rest := p.b[p.pos:]
		var err error
		switch {
		case strings.HasPrefix(rest, "</"):
			at, err = p.closing(at)
			if at == doc {
				return err
			}
		case strings.HasPrefix(rest, "<!--"), strings.HasPrefix(rest, "<?"):
			err = p.misc(at)
		case strings.HasPrefix(rest, "<![CDATA["):
			err = p.cdata(at)
		case strings.HasPrefix(rest, "<!DOCTYPE"):
			return errDoctype
		case rest[0] == '<':
			var empty bool
			var n *node
			if n, empty, err = p.opening(at); err == nil && !empty {
				at = n
			}
			if err == nil && at == doc {
				return nil // an empty root
			}
		default:
			err = p.characters(at)
		}
		if err != nil {
			return err
		}
	}
}

func (p *parser) closing(at *node) (*node, error) {
	end := strings.IndexByte(p.b[p.pos:], '>')
	if end < 0 || at.kind == kindDocument {
		return nil, p.fail("a tag does not end, or nothing was opened")
	}
	written := strings.TrimRight(p.b[p.pos+2:p.pos+end], " \n\t")
	if written != qualified(at.prefix, at.local) {
		return nil, p.fail("<%s> is closed by </%.40s>", qualified(at.prefix, at.local), written)
	}
	p.pos += end + 1
	p.depth--
	return at.parent, nil
}

func qualified(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}

func (p *parser) cdata(at *node) error {
	end := strings.Index(p.b[p.pos:], "]]>")
	if end < 0 {
		return p.fail("a CDATA section does not end")
	}
	text := p.b[p.pos+len("<![CDATA[") : p.pos+end]
	p.pos += end + 3
	return p.appendText(at, text)
}

func (p *parser) characters(at *node) error {
	end := strings.IndexByte(p.b[p.pos:], '<')
	if end < 0 {
		end = len(p.b) - p.pos
	}
	raw := p.b[p.pos : p.pos+end]
	if strings.Contains(raw, "]]>") {
		return p.fail("]]> in text")
	}
	text, err := p.expand(raw)
	if err != nil {
		return err
	}
	p.pos += end
	return p.appendText(at, text)
}

// appendText joins text to text: canonical XML knows no borders in it.
func (p *parser) appendText(at *node, text string) error {
	if !legal(text) {
		return p.fail("a character that XML does not know")
	}
	if n := len(at.kids); n > 0 && at.kids[n-1].kind == kindText {
		at.kids[n-1].text += text
		return nil
	}
	if text == "" {
		return nil
	}
	return p.add(at, &node{kind: kindText, text: text})
}

// expand replaces references. There are no entities but the five.
func (p *parser) expand(s string) (string, error) {
	if !strings.Contains(s, "&") {
		return s, nil
	}
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "&")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		entity, rest, found := strings.Cut(after, ";")
		r := reference(entity)
		if !found || r < 0 {
			return "", p.fail("an entity that is not known: &%.20s", entity)
		}
		b.WriteRune(r)
		s = rest
	}
}

func reference(entity string) rune {
	switch entity {
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "amp":
		return '&'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	digits, base := "", 10
	switch {
	case strings.HasPrefix(entity, "#x"):
		digits, base = entity[2:], 16
	case strings.HasPrefix(entity, "#"):
		digits = entity[1:]
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > unicode.MaxRune || !legalRune(rune(n)) {
		return -1
	}
	return rune(n)
}

func legal(s string) bool {
	for _, r := range s {
		if !legalRune(r) {
			return false
		}
	}
	return true
}

func legalRune(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r < 0xd800 || r >= 0xe000 && r != 0xfffe && r != 0xffff
}

func isName(s string) bool {
	for i, r := range s {
		switch {
		case r == '_' || r == ':' || unicode.IsLetter(r):
		case i > 0 && (r == '-' || r == '.' || r == 0xb7 || unicode.IsDigit(r) || unicode.IsMark(r)):
		default:
			return false
		}
	}
	return s != ""
}
