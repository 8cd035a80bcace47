package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// A source is a file being read: its name and what is wrong with it so far.
type source struct {
	file       string
	complaints []Complaint
}

// maxComplaints bounds what a hostile file can make us write.
const maxComplaints = 200

func (s *source) add(c Complaint) {
	if len(s.complaints) < maxComplaints {
		c.File = s.file
		s.complaints = append(s.complaints, c)
	}
}

func (s *source) errorAt(line, col int, code, text, fix string) {
	s.add(Complaint{Code: code, Line: line, Column: col, Text: text, Fix: fix})
}

func (s *source) errorf(n *node, code, fix, format string, args ...any) {
	s.errorAt(n.line, n.col, code, fmt.Sprintf(format, args...), fix)
}

func (s *source) warnf(n *node, code, fix, format string, args ...any) {
	s.add(Complaint{Code: code, Line: n.line, Column: n.col, Text: fmt.Sprintf(format, args...), Fix: fix, Warning: true})
}

// pairs gives the entries of a mapping whose keys are free names; a repeated
// key is a complaint.
func (s *source) pairs(n *node, what string) []pair {
	if n.kind == nullNode {
		return nil
	}
	if n.kind != mapNode {
		s.errorf(n, "E103", "", "%s must be a mapping, not %s", what, n.what())
		return nil
	}
	seen := make(map[string]int, len(n.pairs))
	out := make([]pair, 0, len(n.pairs))
	for _, p := range n.pairs {
		if line, ok := seen[p.key]; ok {
			s.errorAt(p.line, p.col, "E103", fmt.Sprintf("%q is there already, in line %d", clip(p.key, 40), line), "keep one of them")
			continue
		}
		seen[p.key] = p.line
		out = append(out, p)
	}
	return out
}

// mapping gives the values of a mapping with a closed list of keys; each
// unknown key is a complaint.
func (s *source) mapping(n *node, what string, known ...string) map[string]*node {
	out := map[string]*node{}
	for _, p := range s.pairs(n, what) {
		if !slices.Contains(known, p.key) {
			s.errorAt(p.line, p.col, "E103", fmt.Sprintf("unknown key %q in %s", clip(p.key, 40), what), DidYouMean(p.key, known))
			continue
		}
		out[p.key] = p.value
	}
	return out
}

// items gives the entries of a list; nothing is an empty list.
func (s *source) items(n *node, what string) []*node {
	switch {
	case n == nil || n.kind == nullNode:
		return nil
	case n.kind != listNode:
		s.errorf(n, "E103", "write [a, b] or lines beginning with -", "%s must be a list, not %s", what, n.what())
		return nil
	default:
		return n.items
	}
}

// oneOrMore takes a scalar for a list of one.
func (s *source) oneOrMore(n *node, what string) []*node {
	if n != nil && n.kind == scalarNode {
		return []*node{n}
	}
	return s.items(n, what)
}

// maxScalar bounds names, words and sentences.
const maxScalar = 1_000

// str gives the text of a scalar; "" with a complaint if it is none.
func (s *source) str(n *node, what string) string {
	switch {
	case n == nil:
		return ""
	case n.kind != scalarNode || n.text == "":
		s.errorf(n, "E103", "", "%s must be a text, not %s", what, n.what())
		return ""
	case len(n.text) > maxScalar:
		s.errorf(n, "E103", "", "%s is longer than %d bytes", what, maxScalar)
		return ""
	default:
		return n.text
	}
}

func (s *source) strs(n *node, what string) []string {
	var out []string
	for _, i := range s.oneOrMore(n, what) {
		if t := s.str(i, what); t != "" {
			out = append(out, t)
		}
	}
	return out
}

// oneOf takes one of a closed list of words.
func (s *source) oneOf(n *node, what string, known ...string) string {
	t := s.str(n, what)
	if t == "" || slices.Contains(known, t) {
		return t
	}
	s.errorf(n, "E103", DidYouMean(t, known), "%s cannot be %q", what, clip(t, 40))
	return ""
}

func (s *source) boolean(n *node, what string, otherwise bool) bool {
	if n == nil {
		return otherwise
	}
	if n.kind == scalarNode && !n.quoted && (n.text == "true" || n.text == "false") {
		return n.text == "true"
	}
	s.errorf(n, "E103", "", "%s must be true or false, not %s", what, n.what())
	return otherwise
}

func (s *source) integer(n *node, what string, lo, hi int64) int64 {
	if n == nil {
		return lo
	}
	i, err := strconv.ParseInt(n.text, 10, 64)
	if n.kind != scalarNode || err != nil || i < lo || i > hi {
		s.errorf(n, "E103", "", "%s must be a whole number from %d to %d, not %s", what, lo, hi, n.what())
		return lo
	}
	return i
}

var sizePattern = regexp.MustCompile(`^([0-9]{1,9})\s?(B|kB|MB|GB)?$`)

// parseSize reads "10MB"; units are thousands, as everybody counts mail.
func parseSize(text string) (int64, bool) {
	m := sizePattern.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	unit := map[string]int64{"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[m[2]]
	return n * unit, err == nil
}

func (s *source) size(n *node, what string) int64 {
	t := s.str(n, what)
	size, ok := parseSize(t)
	if t != "" && !ok {
		s.errorf(n, "E103", "write 10MB, 200kB or a number of bytes", "%s cannot be %q", what, clip(t, 40))
	}
	return size
}

func (s *source) day(n *node, what string) registry.Day {
	t := s.str(n, what)
	if t == "" {
		return registry.Day{}
	}
	d, err := registry.ParseDay(t)
	if err != nil || d.Year < 1900 || d.Year > 2200 {
		s.errorf(n, "E103", "write it as 2026-11-23", "%s cannot be %q", what, clip(t, 40))
		return registry.Day{}
	}
	return d
}

// named takes a name that must be declared; kind says as what.
func (s *source) named(n *node, kind refKind, known []string) string {
	return s.namedAt(n, s.str(n, "a "+kind.String()), kind, known)
}

func (s *source) namedAt(n *node, name string, kind refKind, known []string) string {
	if name == "" || slices.Contains(known, name) {
		return name
	}
	s.errorf(n, kind.code(), DidYouMean(name, known), "no %s %q", kind, clip(name, 40))
	return ""
}

func (s *source) allNamed(n *node, kind refKind, known []string) []string {
	var out []string
	for _, i := range s.oneOrMore(n, "a list of names") {
		name := s.named(i, kind, known)
		switch {
		case name == "":
		case slices.Contains(out, name):
			s.errorf(i, "E103", "keep one of them", "%s %q is there twice", kind, clip(name, 40))
		default:
			out = append(out, name)
		}
	}
	return out
}

var addressPattern = regexp.MustCompile(`^[a-z0-9._+-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+$`)

// address takes an e-mail address, in lower case.
func (s *source) address(n *node, what string) string {
	t := strings.ToLower(s.str(n, what))
	if t != "" && !addressPattern.MatchString(t) {
		s.errorf(n, "E103", "", "%s cannot be %q: it is not an e-mail address", what, clip(t, 60))
		return ""
	}
	return t
}
