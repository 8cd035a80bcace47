package tree

import (
	"bytes"
	"context"
)

// A splitter is one run of Split.
type splitter struct {
	ctx     context.Context
	c       *cursor
	limits  Limits
	tree    *Tree
	stack   []boundary // of the multiparts around the cursor, outermost first
	kept    int64      // header bytes
	rescans int64      // bytes that guessing may still read again
	lines   int
}

// A boundary is the delimiter of an open multipart.
type boundary struct {
	text []byte
}

// match reports whether line (with its end) is the delimiter, or closes.
func (b boundary) match(line []byte) (hit, closing bool) {
	if len(line) < len(b.text)+2 || !bytes.Equal(line[2:len(b.text)+2], b.text) {
		return false, false
	}
	rest := line[len(b.text)+2:]
	if tail, ok := bytes.CutPrefix(rest, []byte("--")); ok && len(bytes.TrimRight(tail, " \t\r\n\x00")) == 0 {
		return true, true
	}
	return len(bytes.TrimRight(rest, " \t\r\n\x00")) == 0, false
}

// match gives the innermost open multipart whose delimiter line is, or -1.
func (s *splitter) match(line []byte) (hit int, closing bool) {
	for i := len(s.stack) - 1; i >= 0; i-- {
		if ok, closing := s.stack[i].match(line); ok {
			return i, closing
		}
	}
	return -1, false
}

// letter reads a letter; prefix is the path of the part that holds it.
func (s *splitter) letter(n *Node, prefix string, depth int) (hit int, closing bool) {
	s.tree.Parts++
	s.header(n)
	n.classify("text/plain")
	n.Path = prefix
	if !n.IsMultipart() {
		n.Path = child(prefix, 1)
	}
	return s.body(n, prefix, depth)
}

// part reads one part of a multipart.
func (s *splitter) part(n *Node, fallback string, depth int) (hit int, closing bool) {
	s.tree.Parts++
	s.header(n)
	n.classify(fallback)
	return s.body(n, n.Path, depth)
}

// body reads the body of n up to a delimiter of a multipart around it. It
// gives that multipart's place in the stack, -1 at the end of the original.
func (s *splitter) body(n *Node, prefix string, depth int) (hit int, closing bool) {
	open := n.IsMultipart() || n.IsMessage() && n.Identity()
	if open && depth >= s.limits.Depth {
		n.defect(TooDeep)
		s.tree.Limited = true
		open = false
	}
	switch {
	case open && n.IsMultipart():
		return s.multipart(n, prefix, depth)
	case open:
		inner := &Node{Letter: true}
		n.Children = []*Node{inner}
		hit, closing = s.letter(inner, n.Path, depth+1)
		n.BodyEnd = inner.BodyEnd
		return hit, closing
	}
	hit, closing, n.BodyEnd = s.skip(n.BodyStart, nil)
	return hit, closing
}

// skip moves behind the next delimiter and says where the body before it
// ended. Lines that could be one are shown to seen.
func (s *splitter) skip(from int64, seen *candidates) (hit int, closing bool, end int64) {
	for s.c.toDashes() {
		if s.lines++; s.lines%1024 == 0 && s.ctx.Err() != nil {
			s.tree.Root.defect(Interrupted)
			s.tree.Limited = true
			s.c.limit = s.c.at()
			s.c.n = s.c.pos
			break
		}
		line, _ := s.c.peek()
		if hit, closing = s.match(line); hit >= 0 {
			end = max(s.c.beforeLineEnd(from), from)
			s.c.skipLine()
			return hit, closing, end
		}
		if seen != nil {
			seen.add(line, s.c)
		}
		s.c.skipLine()
	}
	return -1, false, max(s.c.at(), from)
}

// multipart reads the parts of n.
func (s *splitter) multipart(n *Node, prefix string, depth int) (hit int, closing bool) {
	own := len(s.stack)
	declared := bytes.TrimRight(n.Param("boundary"), " \t\r\n")
	if len(declared) > 0 {
		s.stack = append(s.stack, boundary{declared})
		defer func() { s.stack = s.stack[:own] }()
	}
	var seen candidates
	hit, closing, n.BodyEnd = s.skip(n.BodyStart, &seen)
	if len(declared) == 0 || hit != own {
		s.guess(n, &seen, prefix, depth)
		return hit, closing
	}
	hit, closing = s.parts(n, own, hit, closing, prefix, depth)
	n.orPlain()
	return hit, closing
}

// parts reads parts until a delimiter of a multipart around n, or the end.
func (s *splitter) parts(n *Node, own, hit int, closing bool, prefix string, depth int) (int, bool) {
	fallback := "text/plain"
	if n.Type == "multipart/digest" {
		fallback = "message/rfc822"
	}
	closed := false
	for {
		switch {
		case hit != own:
			if !closed {
				n.defect(NoClose)
			}
			return hit, closing
		case closing:
			closed = true
			// The line end behind the closing delimiter may belong to the
			// delimiter of a multipart around this one (RFC 2046 § 5.1.1).
			hit, closing, n.BodyEnd = s.skip(s.c.beforeLineEnd(n.BodyStart), nil)
			continue
		case closed:
			n.defect(AfterClose)
		}
		if s.tree.Parts >= s.limits.Parts {
			n.defect(TooMany)
			s.tree.Limited = true
			hit, closing, n.BodyEnd = s.skip(s.c.at(), nil)
			closed = closed || hit == own && closing
			continue
		}
		part := &Node{Path: child(prefix, len(n.Children)+1)}
		n.Children = append(n.Children, part)
		hit, closing = s.part(part, fallback, depth+1)
		n.BodyEnd = part.BodyEnd
	}
}

// classify reads what the header says of the body.
func (n *Node) classify(fallback string) {
	n.Type = fallback
	for i := range n.Fields {
		if n.Fields[i].Name != "content-type" {
			continue
		}
		typ, params := ParseValue(n.Fields[i].Value)
		if typ = mediaType(typ); typ != "" {
			n.Type, n.Params = typ, params
			break
		}
		if n.Params == nil {
			n.Params = params
		}
	}
	n.Encoding = transferEncoding(n.Get("content-transfer-encoding"))
	if n.IsMultipart() {
		return
	}
	// QUIRK: a boundary makes a multipart, whatever the type says it is.
	if len(n.Param("boundary")) > 0 && n.Type == "text/plain" && n.Get("content-type") != nil && !bytes.Contains(bytes.ToLower(n.Get("content-type")), []byte("text/plain")) {
		n.Type = "multipart/mixed"
	}
}
