package tree

import (
	"bytes"
	"strings"
)

// A Field is one line of a header, folds included.
type Field struct {
	Name  string // lower case
	Value []byte // behind the colon, as written, without the last line end
	Start int64  // offset of the name in the original
}

// ahead is how far the header reader looks to tell a junk line from a body
// that began without an empty line.
const ahead = 8 << 10

// preface skips what may stand before a header: a byte order mark, NULs,
// empty lines, a mailbox separator.
func (s *splitter) preface(n *Node) {
	c := s.c
	for c.n-c.pos < 4 && c.fill() {
	}
	if bytes.HasPrefix(c.buf[c.pos:c.n], []byte("\xef\xbb\xbf")) {
		c.pos += 3
		n.defect(ByteOrderMark)
	}
	for !c.done() && strings.IndexByte("\x00\r\n", c.buf[c.pos]) >= 0 {
		c.pos++
	}
	line, _ := c.peek()
	if bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From ")) {
		c.skipLine()
		n.defect(Envelope)
	}
}

// header reads the fields of n and leaves the cursor at the start of the body.
func (s *splitter) header(n *Node) {
	n.Start = s.c.at()
	h := headerReader{s: s, n: n, budget: min(s.limits.Header, s.limits.Kept-s.kept)}
	h.read()
	s.kept += h.used
	h.fold()
	n.BodyStart = s.c.at()
	if n.HeaderEnd == 0 {
		n.HeaderEnd = n.BodyStart
	}
}

// A headerReader gathers the lines of one header section.
type headerReader struct {
	s      *splitter
	n      *Node
	block  []byte // the section, bounded
	marks  []mark // where fields begin in block
	budget int64
	used   int64
	typeAt int    // where in block the value of Content-Type begins
	own    []byte // its boundary, once it was needed; empty if it has none
}

// A mark is a field's place in the block.
type mark struct {
	name, value int // start of the name, start of the value
	colon       int
	at          int64
}

func (h *headerReader) read() {
	c := h.s.c
	for !c.done() {
		if c.n-c.pos < ahead {
			c.fill()
		}
		line, whole := c.peek()
		text := bytes.TrimRight(line, "\r\n")
		switch {
		case len(text) == 0, h.blankEnds(text):
			h.n.HeaderEnd = c.at()
			c.skipLine()
			return
		case h.boundary(line):
			h.n.HeaderEnd = c.at()
			if len(h.n.Fields)+len(h.marks) > 0 {
				h.n.defect(NoBlankLine)
			}
			return
		case text[0] == ' ' || text[0] == '\t':
			if len(h.marks) > 0 {
				h.take(line, whole)
				continue
			}
			if i := fieldColon(bytes.TrimLeft(text, " \t")); i > 0 {
				h.field(line, whole, i+len(text)-len(bytes.TrimLeft(text, " \t")))
				h.n.defect(JunkHeader)
				continue
			}
			if h.bodyBegins() {
				return
			}
			h.junk()
		default:
			if i := fieldColon(text); i > 0 {
				h.field(line, whole, i)
				continue
			}
			if h.bodyBegins() {
				return
			}
			h.junk()
		}
	}
}

// blankEnds reports whether a line of blanks stands for the empty line: it is
// a fold only if the header goes on behind it.
func (h *headerReader) blankEnds(text []byte) bool {
	if len(bytes.TrimLeft(text, " \t\x00")) > 0 {
		return false
	}
	_, next := h.s.c.lineAhead(h.s.c.pos)
	after, _ := h.s.c.lineAhead(next)
	after = bytes.TrimRight(after, "\r\n")
	return len(after) == 0 || after[0] != ' ' && after[0] != '\t' && fieldColon(after) <= 0
}

// boundary reports whether line is a boundary of ours or of a part around us,
// or in the first line of a header at least looks like one.
func (h *headerReader) boundary(line []byte) bool {
	if !bytes.HasPrefix(line, []byte("--")) {
		return false
	}
	if i, _ := h.s.match(line); i >= 0 {
		return true
	}
	if h.own == nil && h.typeAt > 0 {
		_, params := ParseValue(h.block[h.typeAt:])
		h.own = append([]byte{}, bytes.TrimRight(get(params, "boundary"), " \t\r\n")...)
	}
	if len(h.own) > 0 {
		hit, _ := boundary{text: h.own}.match(line)
		return hit
	}
	return false
}

// bodyBegins decides what a line is that is no field: junk if the header
// visibly goes on behind it, else the first line of a body whose empty line is
// missing.
func (h *headerReader) bodyBegins() bool {
	c := h.s.c
	_, p := c.lineAhead(c.pos)
	for range 40 {
		line, next := c.lineAhead(p)
		text := bytes.TrimRight(line, "\r\n")
		if len(text) == 0 || bytes.HasPrefix(text, []byte("--")) {
			break
		}
		if i := fieldColon(text); i > 0 && known(text[:i]) {
			return false
		}
		p = next
	}
	h.n.defect(NoBlankLine)
	h.n.HeaderEnd = c.at()
	return true
}

// junk skips a line that belongs to nothing; what stands in it may be the rest
// of the field before, so it is kept with that as a fold.
func (h *headerReader) junk() {
	h.n.defect(JunkHeader)
	line, whole := h.s.c.peek()
	if len(h.marks) == 0 || bytes.HasPrefix(line, []byte("From ")) || bytes.HasPrefix(line, []byte(">From ")) {
		h.s.c.skipLine()
		return
	}
	h.append([]byte{' '})
	h.take(line, whole)
}

// field begins a field whose colon stands at i of line.
func (h *headerReader) field(line []byte, whole bool, i int) {
	if len(h.marks) >= h.s.limits.Fields {
		h.budget = h.used // the surplus is passed over
		h.take(line, whole)
		return
	}
	name := len(h.block) + len(line) - len(bytes.TrimLeft(line, " \t"))
	if h.typeAt == 0 && len(line) > 12 && bytes.EqualFold(bytes.TrimSpace(line[:i]), []byte("content-type")) {
		h.typeAt = len(h.block) + i + 1
	}
	h.marks = append(h.marks, mark{name: name, colon: len(h.block) + i, value: len(h.block) + i + 1, at: h.s.c.at()})
	h.take(line, whole)
}

// take appends the line at the cursor, all pieces of it, and moves behind it.
func (h *headerReader) take(line []byte, whole bool) {
	c := h.s.c
	for {
		h.append(line)
		c.pos += len(line)
		if whole {
			return
		}
		if c.done() {
			return
		}
		line, whole = c.peek()
	}
}

func (h *headerReader) append(b []byte) {
	if room := h.budget - h.used; int64(len(b)) > room {
		h.n.defect(HeaderTooLarge)
		h.s.tree.Limited = true
		b = b[:max(room, 0)]
	}
	h.block = append(h.block, b...)
	h.used += int64(len(b))
}

// fold turns the marks into fields.
func (h *headerReader) fold() {
	h.n.Fields = make([]Field, 0, len(h.marks))
	for i, m := range h.marks {
		end := len(h.block)
		if i+1 < len(h.marks) {
			end = min(h.marks[i+1].name, end)
		}
		if m.colon > end || m.value > end {
			break // cut by the limit
		}
		name := strings.ToLower(string(unfold(bytes.TrimRight(h.block[m.name:m.colon], " \t"))))
		h.n.Fields = append(h.n.Fields, Field{Name: name, Value: bytes.TrimRight(h.block[m.value:end], "\r\n"), Start: m.at})
	}
}

// fieldColon gives the place of the colon if text looks like a field: printable
// ASCII without blanks, then perhaps blanks, then the colon.
func fieldColon(text []byte) int {
	blank := false
	for i, b := range text {
		switch {
		case b == ':':
			return i
		case b == ' ' || b == '\t':
			blank = true
		case b == 0 && !blank:
		case b < 33 || b > 126 || blank || i > 200:
			return -1
		}
	}
	return -1
}

// known reports whether a name is one that headers surely have; it decides
// only whether a header goes on behind a line of junk.
func known(name []byte) bool {
	n := strings.ToLower(strings.TrimRight(string(name), " \t"))
	if strings.HasPrefix(n, "content-") || strings.HasPrefix(n, "x-") || strings.HasPrefix(n, "list-") || strings.HasPrefix(n, "resent-") || strings.HasPrefix(n, "arc-") {
		return true
	}
	switch n {
	case "received", "return-path", "date", "from", "sender", "to", "cc", "bcc", "subject", "message-id", "reply-to",
		"in-reply-to", "references", "mime-version", "dkim-signature", "authentication-results", "received-spf",
		"delivered-to", "precedence", "importance", "user-agent", "organization", "thread-index", "thread-topic", "auto-submitted":
		return true
	}
	return false
}
