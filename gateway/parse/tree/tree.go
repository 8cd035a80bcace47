// Package tree splits a letter into its parts and never refuses one.
//
// Split reads the raw bytes once, forward, and gives a tree whose nodes know
// where in the original their header and body lie, so that each part can be
// cut out again byte for byte: signatures and evidence need that. Whatever is
// damaged becomes a defect beside a node; there is no error.
package tree

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A Defect says what is wrong with a node, in one lower-case word.
type Defect string

// The defects.
const (
	NoClose        Defect = "no_closing_boundary" // the letter, or an enclosing part, ended first
	NoBoundary     Defect = "no_boundary"         // none declared, or it never occurs, and none to guess
	Guessed        Defect = "boundary_guessed"
	JunkHeader     Defect = "junk_in_header"    // a line that is no field, between fields
	NoBlankLine    Defect = "no_header_end"     // the body began without an empty line
	AfterClose     Defect = "part_after_close"  // a part after the closing boundary
	HeaderTooLarge Defect = "header_too_large"  // the surplus was not read
	TooDeep        Defect = "too_deep"          // not opened
	TooMany        Defect = "too_many_parts"    // the surplus was not opened
	BareCR         Defect = "line_ends_are_cr"  // the whole letter is written so
	Interrupted    Defect = "reading_was_cut"   // the context ended
	Unreadable     Defect = "bytes_unreadable"  // the source failed
	ByteOrderMark  Defect = "byte_order_mark"   // before the header
	Envelope       Defect = "mailbox_separator" // a "From " line before the header
)

// Limits bound what a letter may cost. Zero fields take the defaults.
type Limits struct {
	Header int64 // bytes of one header section; default 1 MiB
	Kept   int64 // bytes of all header sections together; default 8 MiB
	Fields int   // of one header section; default 5,000
	Depth  int   // nesting; default 50
	Parts  int   // default 5,000
}

func (l Limits) withDefaults() Limits {
	if l.Header <= 0 {
		l.Header = 1 << 20
	}
	if l.Kept <= 0 {
		l.Kept = 8 << 20
	}
	if l.Fields <= 0 {
		l.Fields = 5000
	}
	if l.Depth <= 0 {
		l.Depth = 50
	}
	if l.Parts <= 0 {
		l.Parts = 5000
	}
	return l
}

// A Node is one entity: a letter, a multipart, a leaf. All offsets count bytes
// of the original.
type Node struct {
	// Path is the part path of IMAP (RFC 3501 § 6.4.5): "1.2". Empty for the
	// outermost letter when that is a multipart.
	Path     string
	Fields   []Field
	Type     string  // media type, lower case, never empty
	Params   []Param // of Content-Type
	Encoding string  // transfer encoding, normalised: "7bit", "base64", …, or an unknown word
	Children []*Node // of a multipart; the inner letter of a message
	Letter   bool    // starts a letter, has fields like From
	Defects  []Defect

	Start     int64 // of the header
	HeaderEnd int64 // behind the header, before the empty line
	BodyStart int64
	BodyEnd   int64 // before the line end that belongs to the next boundary
}

// A Tree is what Split found.
type Tree struct {
	Root  *Node
	Parts int // nodes
	// Limited: some of the letter was not opened, see the nodes' defects.
	Limited bool
	CR      bool // lines end in CR alone
}

// Options of Split. The zero value works.
type Options struct {
	Limits Limits
	// Tee is given every byte once, in order, before Split returns.
	Tee io.Writer
	// Window is room to work in; by default Split makes its own.
	Window []byte
}

// Split reads size bytes of src.
func Split(ctx context.Context, src io.ReaderAt, size int64, o Options) *Tree {
	s := &splitter{ctx: ctx, limits: o.Limits.withDefaults(), tree: &Tree{}, rescans: 4*size + 1<<20}
	s.c = newCursor(src, 0, size, o.Window)
	s.c.tee = o.Tee
	root := &Node{Letter: true}
	s.tree.Root = root
	s.c.detectLineEnd()
	s.tree.CR = s.c.end == '\r'
	if s.tree.CR {
		root.defect(BareCR)
	}
	s.preface(root)
	s.letter(root, "", 0)
	if s.c.failed {
		root.defect(Unreadable)
	}
	s.c.drain()
	return s.tree
}

func (n *Node) defect(d Defect) {
	if !slices.Contains(n.Defects, d) {
		n.Defects = append(n.Defects, d)
	}
}

// IsMultipart reports whether the type says that parts are inside.
func (n *Node) IsMultipart() bool { return strings.HasPrefix(n.Type, "multipart/") }

// IsMessage reports whether the body is a letter of its own.
func (n *Node) IsMessage() bool {
	switch n.Type {
	case "message/rfc822", "message/global", "message/news", "message/rfc2822":
		return true
	}
	return false
}

// Identity reports whether the body stands in the original as it is.
func (n *Node) Identity() bool {
	switch n.Encoding {
	case "base64", "quoted-printable", "x-uuencode":
		return false
	}
	return true
}

// Get gives the raw value of the first field of that name (lower case).
func (n *Node) Get(name string) []byte {
	for i := range n.Fields {
		if n.Fields[i].Name == name {
			return n.Fields[i].Value
		}
	}
	return nil
}

// Param gives the raw value of a parameter of Content-Type.
func (n *Node) Param(name string) []byte { return get(n.Params, name) }

// Walk calls visit for n and all below it, in order, until it says false.
func (n *Node) Walk(visit func(*Node) bool) bool {
	if !visit(n) {
		return false
	}
	for _, child := range n.Children {
		if !child.Walk(visit) {
			return false
		}
	}
	return true
}

// child gives the path of the i-th part (from 1) below prefix.
func child(prefix string, i int) string {
	if prefix == "" {
		return strconv.Itoa(i)
	}
	return prefix + "." + strconv.Itoa(i)
}
