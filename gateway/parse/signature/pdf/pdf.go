// Package pdf finds the signatures inside a PDF and says what each of them
// covers, and what was done to the document afterwards.
//
// It checks no cryptography: a Signature holds the CMS blob and the byte ranges
// it is said to cover, once these are known to be exact. What came after a
// signature is judged by comparing what is reachable from the catalogue in the
// signed revision with what is reachable now, path by path; a whitelist by what
// an object calls itself would be open to whoever writes the update
// (ISO 32000-2 § 12.8; the "shadow" and "universal forgery" families of
// attacks).
//
// The reader never repairs anything inside signed bytes and has a bound for
// everything; what it cannot understand counts as changed.
package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Limits bound what one document may cost. Zero values stand for the defaults.
type Limits struct {
	Size       int64 // bytes of the file
	Objects    int   // objects read, all revisions together
	Revisions  int
	Signatures int
	Stream     int64 // bytes of one decoded stream
	Decoded    int64 // bytes of all decoded streams together
	Depth      int   // of nested objects and trees
}

func (l Limits) orDefault() Limits {
	l.Size = or(l.Size, 200<<20)
	l.Objects = or(l.Objects, 500_000)
	l.Revisions = or(l.Revisions, 100)
	l.Signatures = or(l.Signatures, 100)
	l.Stream = or(l.Stream, 64<<20)
	l.Decoded = or(l.Decoded, 256<<20)
	l.Depth = or(l.Depth, 64)
	return l
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// A Document is what was found in one file.
type Document struct {
	Signatures  []Signature
	EmptyFields int // signature fields that nobody has signed yet
	Revisions   int // how often the document was saved, at least 1
	// Repaired says that the cross-reference table could not be used and the
	// objects were found by searching: two viewers may show two documents.
	Repaired bool
	// Encrypted names how the document is encrypted, "" if it is not.
	// Unreadable then says that it does not open without a password.
	Encrypted  string
	Unreadable bool
	// LeadingBytes stand before the header: the file may also be something
	// else.
	LeadingBytes int64
	Evidence     Evidence
	LimitsHit    []string // sentences
}

// Evidence are the validation values kept in the document security store
// (ETSI EN 319 142-1 § 5.4). Anybody may have added them: each proves only what
// its own signature proves.
type Evidence struct {
	Certificates, OCSPs, CRLs [][]byte
}

// A Kind tells a person's signature from a time stamp over the document.
type Kind string

// The kinds.
const (
	KindSignature Kind = "signature"
	KindTimestamp Kind = "timestamp"
)

// A Signature is one signature dictionary with what it covers.
type Signature struct {
	Field     string // full name of the field
	Kind      Kind
	Filter    string
	SubFilter string
	// What the signer claims. A name, a reason and a time in the dictionary
	// are signed, but nobody vouches for them except the signer.
	Name, Reason, Location, ContactInfo string
	ClaimedAt                           time.Time

	// CMS is the value of Contents without its padding; for
	// adbe.x509.rsa_sha1 an OCTET STRING with the bare value, whose
	// certificates are in Certificates.
	CMS          []byte
	Certificates [][]byte
	// Ranges are the bytes covered, two ranges with Contents between them.
	// Empty when Problem is not nil.
	Ranges  []Range
	Problem *Problem

	Revision  int // the revision this signature completes, counted from 1
	Revisions int
	End       int64 // where the signed revision ends in the file
	Covers    Coverage
	Update    Update

	Certifies  bool // a certification signature (DocMDP)
	Permission int  // of DocMDP: 1 nothing, 2 forms, 3 forms and annotations; 0 without
	Removed    bool // its field is not in the form of the latest revision
	Visible    bool // draws something on a page
}

// A Range is a run of bytes of the file.
type Range struct{ Start, Length int64 }

// Open gives the covered bytes in order.
func (s Signature) Open(ra io.ReaderAt) io.Reader {
	readers := make([]io.Reader, 0, len(s.Ranges))
	for _, r := range s.Ranges {
		readers = append(readers, io.NewSectionReader(ra, r.Start, r.Length))
	}
	return io.MultiReader(readers...)
}

// A Problem is why a signature cannot be checked at all. Sub is a
// sub-indication of ETSI EN 319 102-1.
type Problem struct {
	Sub  string
	Code string // of the closed list below
	Text string
}

// The codes of problems.
const (
	ProblemByteRange = "byte_range" // missing, malformed, or not exactly around Contents
	ProblemContents  = "contents"   // missing, empty, or not readable
	ProblemSubFilter = "sub_filter" // a way of signing nobody knows
	ProblemAmbiguous = "ambiguous"  // two values under one key
	ProblemRevision  = "revision"   // the covered bytes end in the middle of a revision
	ProblemPadding   = "padding"    // unsigned bytes beside the CMS inside Contents
)

const (
	formatFailure = "FORMAT_FAILURE"
	generic       = "GENERIC"
)

func malformed(code, format string, args ...any) *Problem {
	return &Problem{Sub: formatFailure, Code: code, Text: fmt.Sprintf(format, args...)}
}

// Coverage is how much of the document a signature speaks for.
type Coverage string

// The coverages, in the words of registry.SignatureReport.
const (
	CoversWhole Coverage = "whole"
	CoversOlder Coverage = "older_revision"
	CoversPart  Coverage = "part" // unknown or not exact
)

// errUnreadable stands for every reason why bytes are no PDF that this reader
// understands; the texts differ.
var errUnreadable = errors.New("not a readable PDF")

// Read finds the signatures of a document. An error means that the file could
// not be read as a PDF at all, or that ctx was over: nothing is said then.
func Read(ctx context.Context, ra io.ReaderAt, size int64, limits Limits) (*Document, error) {
	limits = limits.orDefault()
	if size > limits.Size {
		return nil, fmt.Errorf("the PDF has %d bytes, more than the %d that are looked at: %w", size, limits.Size, errUnreadable)
	}
	data := make([]byte, size)
	if n, err := ra.ReadAt(data, 0); int64(n) < size {
		return nil, fmt.Errorf("reading the PDF: %w", err)
	}
	f, err := open(ctx, data, limits)
	if err != nil {
		return nil, err
	}
	doc, err := f.document()
	if stopped := ctx.Err(); stopped != nil {
		// What there was no time for must not be called changed.
		return nil, fmt.Errorf("reading the PDF: %w", stopped)
	}
	return doc, err
}
