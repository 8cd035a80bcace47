package pdf

import (
	"bytes"
	"fmt"
	"math"
	"slices"
)

// An entry says where an object lies.
type entry struct {
	at   int // offset in the file; inside an object stream, the number of that stream
	gen  int // inside an object stream, the index in it
	kind entryKind
}

type entryKind byte

const (
	entryFree entryKind = iota
	entryPlaced
	entryPacked
)

// A section is one cross-reference section, table or stream, with its trailer.
type section struct {
	at      int
	end     int // after its table or stream
	entries map[int]entry
	trailer *dict
	hybrid  *section // the stream beside a table, for newer readers
}

// sectionAt reads the section at an offset. Sections never change: they are
// read once for all revisions.
func (f *file) sectionAt(at int) (*section, error) {
	if s, known := f.sections[at]; known {
		if s == nil {
			return nil, fmt.Errorf("no cross-reference section at byte %d: %w", at, errUnreadable)
		}
		return s, nil
	}
	f.sections[at] = nil
	s, err := f.readSection(at)
	if err != nil {
		return nil, err
	}
	f.sections[at] = s
	return s, nil
}

func (f *file) readSection(at int) (*section, error) {
	if at < 0 || at >= len(f.data) {
		return nil, fmt.Errorf("a cross-reference section is said to lie at byte %d of %d: %w", at, len(f.data), errUnreadable)
	}
	l := f.lexerAt(at)
	if !l.accept("xref") {
		return f.readStreamSection(at)
	}
	s := &section{at: at, entries: map[int]entry{}}
	for !l.accept("trailer") {
		if err := f.readSubsection(l, s); err != nil {
			return nil, err
		}
	}
	o, err := l.object()
	if err != nil {
		return nil, err
	}
	d, ok := o.(*dict)
	if !ok {
		return nil, l.fail("the trailer is no dictionary")
	}
	s.trailer, s.end = d, l.pos
	if beside, ok := d.get("XRefStm").(int64); ok {
		if s.hybrid, err = f.readStreamSection(int(beside) + f.shift); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (f *file) readSubsection(l *lexer, s *section) error {
	l.space()
	first, ok1 := l.digits()
	l.space()
	count, ok2 := l.digits()
	if !ok1 || !ok2 || first > maxObject || count > maxObject-first {
		return l.fail("a cross-reference table is malformed")
	}
	for num := first; num < first+count; num++ {
		l.space()
		at, ok1 := l.digits()
		l.space()
		gen, ok2 := l.digits()
		if !ok1 || !ok2 {
			return l.fail("a cross-reference table is malformed")
		}
		if *l.count--; *l.count < 0 {
			return errTooMany
		}
		if _, known := s.entries[num]; known {
			return l.fail("object %d is listed twice in one table", num)
		}
		switch {
		case l.accept("n"):
			s.entries[num] = entry{at: at + f.shift, gen: gen, kind: entryPlaced}
		case l.accept("f"):
			s.entries[num] = entry{gen: gen, kind: entryFree}
		default:
			return l.fail("a cross-reference table is malformed")
		}
	}
	return nil
}

// readStreamSection reads a cross-reference stream (ISO 32000-1 § 7.5.8).
func (f *file) readStreamSection(at int) (*section, error) {
	if at < 0 || at >= len(f.data) {
		return nil, fmt.Errorf("a cross-reference stream is said to lie at byte %d of %d: %w", at, len(f.data), errUnreadable)
	}
	_, o, end, err := f.indirectAt(at, len(f.data), nil)
	if err != nil {
		return nil, err
	}
	st, ok := o.(*stream)
	if !ok || st.dict.get("Type") != name("XRef") {
		return nil, fmt.Errorf("no cross-reference section at byte %d: %w", at, errUnreadable)
	}
	b, err := f.decode(st, nil)
	if err != nil {
		return nil, err
	}
	s := &section{at: at, end: end, entries: map[int]entry{}, trailer: st.dict}
	return s, f.readRows(s, b)
}

func (f *file) readRows(s *section, b []byte) error {
	bad := fmt.Errorf("the cross-reference stream at byte %d is malformed: %w", s.at, errUnreadable)
	var w [3]int
	widths, ok := s.trailer.get("W").(array)
	if !ok || len(widths) != 3 {
		return bad
	}
	for i, o := range widths {
		n, ok := o.(int64)
		if !ok || n < 0 || n > 8 {
			return bad
		}
		w[i] = int(n)
	}
	index, ok := s.trailer.get("Index").(array)
	if !ok {
		index = array{int64(0), s.trailer.get("Size")}
	}
	row := w[0] + w[1] + w[2]
	if row == 0 || len(index)%2 != 0 {
		return bad
	}
	for i := 0; i < len(index); i += 2 {
		first, ok1 := index[i].(int64)
		count, ok2 := index[i+1].(int64)
		if !ok1 || !ok2 || first < 0 || count < 0 || first > maxObject || count > maxObject-first {
			return bad
		}
		for num := int(first); num < int(first+count) && len(b) >= row; num++ {
			if f.count--; f.count < 0 {
				return errTooMany
			}
			kind, at, gen := 1, field(b[w[0]:][:w[1]]), field(b[w[0]+w[1]:][:w[2]])
			if w[0] > 0 {
				kind = field(b[:w[0]])
			}
			b = b[row:]
			switch kind {
			case 0:
				s.entries[num] = entry{gen: gen, kind: entryFree}
			case 1:
				s.entries[num] = entry{at: at + f.shift, gen: gen, kind: entryPlaced}
			case 2:
				s.entries[num] = entry{at: at, gen: gen, kind: entryPacked}
			}
		}
	}
	return nil
}

func field(b []byte) int {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return int(min(v, math.MaxInt32))
}

// chain follows a section to its predecessors, newest first.
func (f *file) chain(at, before int) ([]*section, error) {
	var all []*section
	for seen := map[int]bool{}; ; {
		if seen[at] {
			return nil, fmt.Errorf("the cross-reference sections run in a circle at byte %d: %w", at, errUnreadable)
		}
		if at >= before {
			return nil, fmt.Errorf("a cross-reference section lies beyond its revision, at byte %d: %w", at, errUnreadable)
		}
		if len(all) >= 2*f.limits.Revisions {
			return nil, fmt.Errorf("the document was saved more than %d times: %w", f.limits.Revisions, errTooMany)
		}
		seen[at] = true
		s, err := f.sectionAt(at)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		prev, ok := s.trailer.get("Prev").(int64)
		if !ok {
			return all, nil
		}
		at = int(min(prev, math.MaxInt32)) + f.shift
	}
}

// startOf finds the last startxref of a revision; tail is what stands behind
// its %%EOF, or all of it when that is missing.
func startOf(b []byte) (at int, tail []byte, ok bool) {
	i := bytes.LastIndex(b, []byte("startxref"))
	if i < 0 {
		return 0, nil, false
	}
	budget := 3
	l := &lexer{b: b, pos: i + len("startxref"), count: &budget}
	for l.pos < len(b) && isSpace(b[l.pos]) {
		l.pos++
	}
	n, ok := l.digits()
	if !ok {
		return 0, nil, false
	}
	for l.pos < len(b) && isSpace(b[l.pos]) {
		l.pos++
	}
	if !bytes.HasPrefix(b[l.pos:], []byte("%%EOF")) {
		return n, b[i:], true
	}
	return n, bytes.TrimLeft(b[l.pos+len("%%EOF"):], "\r\n\t\f \x00"), true
}

// saved counts the revisions whose sections lie before an offset. A linearised
// file has two sections for its first revision.
func saved(sections []*section, before int) int {
	var at []int
	for i, s := range sections {
		linear := i+1 < len(sections) && sections[i+1].at > s.at
		if !linear && s.at < before {
			at = append(at, s.at)
		}
	}
	slices.Sort(at)
	return max(1, len(slices.Compact(at)))
}
