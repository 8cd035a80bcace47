package tree

import "bytes"

// candidates are lines that may be the delimiter of a multipart whose own
// never came.
type candidates struct {
	list []candidate
}

type candidate struct {
	text   []byte
	count  int
	opens  bool // a field or an empty line follows
	fields bool // a Content- field follows
}

const maxCandidates = 32

// add notes the line at the cursor, which starts with "--".
func (s *candidates) add(line []byte, c *cursor) {
	text := bytes.TrimRight(line[2:], " \t\r\n")
	text = bytes.TrimSuffix(text, []byte("--"))
	if len(text) == 0 || len(text) > 1000 || bytes.ContainsAny(text, " \t") && bytes.IndexByte(text, '=') < 0 {
		return
	}
	_, next := c.lineAhead(c.pos)
	after, _ := c.lineAhead(next)
	opens := len(bytes.TrimRight(after, "\r\n")) == 0 || fieldColon(after) > 0
	fields := len(after) > 8 && bytes.EqualFold(after[:8], []byte("content-"))
	for i := range s.list {
		if had := &s.list[i]; bytes.Equal(had.text, text) {
			had.count++
			had.opens = had.opens && (opens || len(bytes.TrimRight(after, "\r\n\x00")) == 0)
			had.fields = had.fields || fields
			return
		}
	}
	if len(s.list) < maxCandidates {
		s.list = append(s.list, candidate{bytes.Clone(text), 1, opens, fields})
	}
}

// best gives the likeliest delimiter, nil if none is likely.
func (s *candidates) best() []byte {
	var best []byte
	points := 0
	for _, c := range s.list {
		p := 0
		switch {
		case c.fields:
			p = 100 + c.count
		case c.count > 1 && c.opens && !bytes.ContainsAny(c.text, " \t") && c.text[0] != '-':
			p = c.count
		case c.count > 1 && c.opens && len(bytes.Trim(c.text, "-")) > 0 && !bytes.ContainsAny(c.text, " \t"):
			p = 1
		}
		if p > points {
			best, points = c.text, p
		}
	}
	return best
}

// guess reads the body of n again with a delimiter that it seems to use. If
// there is none, the body is taken as it is.
func (s *splitter) guess(n *Node, seen *candidates, prefix string, depth int) {
	text := seen.best()
	size := n.BodyEnd - n.BodyStart
	if text == nil || size > s.rescans {
		n.orPlain()
		return
	}
	s.rescans -= size
	n.defect(Guessed)
	inner := *s
	inner.c = newCursor(s.c.src, n.BodyStart, n.BodyEnd, nil)
	inner.c.end = s.c.end
	inner.stack = []boundary{{text}}
	end := n.BodyEnd
	hit, closing, _ := inner.skip(n.BodyStart, nil)
	inner.parts(n, 0, hit, closing, prefix, depth)
	n.BodyEnd = end
	n.orPlain()
	s.kept, s.rescans, s.lines = inner.kept, inner.rescans, inner.lines
}

// orPlain makes a multipart without parts the text that it is.
func (n *Node) orPlain() {
	if len(n.Children) > 0 {
		return
	}
	n.defect(NoBoundary)
	n.Type = "text/plain"
	if n.Letter {
		n.Path = child(n.Path, 1)
	}
}
