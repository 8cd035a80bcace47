package parse

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tree"
	"kancelaria/registry"
)

// A Checker says what the signatures on a document show, from what lies on
// this machine. It is bounded by ctx and never fails: what it could not find
// out is INDETERMINATE.
type Checker interface {
	Check(ctx context.Context, candidates []Candidate) []registry.SignatureReport
}

// A Candidate is a part that carries a signature, or may.
type Candidate struct {
	Path   string
	Name   string
	Format Format
	Media  string // media type by content
	Size   int64
	// Open gives the decoded bytes of the part: the signed file, or the
	// signature itself when it is detached.
	Open func(context.Context) (io.ReadCloser, error)
	// Content gives what a detached signature covers, nil if it covers what
	// Open gives. For mail it is the exact bytes of the signed part in the
	// original, header and body, as RFC 1847 § 2.1 counts them.
	Content func(context.Context) (io.ReadCloser, error)
	// ContentPath is the part that Content gives.
	ContentPath string
	// Start and End say where Content lies in the original; both zero when it
	// does not lie there as it is.
	Start, End int64
	// MicAlg and Protocol are the parameters of multipart/signed.
	MicAlg, Protocol string
	// Missing says that multipart/signed has no second part; Extra names parts
	// beyond it, which nobody signed.
	Missing bool
	Extra   []string
	// Received is when the office had it, zero if it never did.
	Received time.Time
	// Letter is what stands around a signature on mail, nil of files.
	Letter *Letter
	// Siblings are the files beside it, one of which a detached signature may
	// cover. Not of mail.
	Siblings []Sibling
}

// A Letter is what a signature on mail is compared with.
type Letter struct {
	// Whole: the signed part is all of the letter, or all of what an outer
	// signature covers; Layer counts the signatures around it.
	Whole bool
	Layer int
	// From holds every address of every From field; Fields how many such
	// fields there are. Loose: an address had to be guessed.
	From   []string
	Fields int
	Loose  bool
	// Inner: the letter is one inside another, say a forwarded one.
	Inner bool
}

// A Sibling is a file beside a signature.
type Sibling struct {
	Path, Name string
	Size       int64
	Digest     registry.Digest
	Open       func(context.Context) (io.ReadCloser, error)
}

// A Format is the way of signing that a candidate shows.
type Format string

// The formats.
const (
	SMIME   Format = "smime" // detached, multipart/signed
	PGPMIME Format = "pgp-mime"
	CMS     Format = "cms" // .p7m, .p7s, .sig, opaque S/MIME
	PDF     Format = "pdf"
	XML     Format = "xml"
	ASiC    Format = "asic"
	OOXML   Format = "ooxml"
	PGP     Format = "pgp"   // clear-signed text, detached .asc and .sig
	Other   Format = "other" // a kind of signature that nobody here checks
)

// signedPart notes a multipart/signed with the exact bytes that are signed.
func (run *reading) signedPart(w *walker, n *tree.Node, p place) {
	if len(n.Children) == 0 || run.seek != nil {
		return
	}
	if _, onDisk := w.src.(*os.File); onDisk {
		run.flag(registry.FlagSigned) // unpacked for a moment only: too late to look
		return
	}
	content := n.Children[0]
	c := Candidate{
		Path: w.prefix + n.Path, Format: SMIME, MicAlg: strings.ToLower(string(n.Param("micalg"))),
		Protocol: strings.ToLower(string(n.Param("protocol"))), ContentPath: w.prefix + content.Path,
		Letter: p.letterAround(), Missing: len(n.Children) < 2,
	}
	src := w.src
	if !c.Missing {
		sig := n.Children[1]
		c.Path, c.Name, c.Media = w.prefix+sig.Path, run.rawFileName(sig, w.set), sig.Type
		c.Open = func(context.Context) (io.ReadCloser, error) {
			return run.r.openRange(src, sig.BodyStart, sig.BodyEnd, sig.Encoding), nil
		}
		for _, extra := range n.Children[2:] {
			c.Extra = append(c.Extra, w.prefix+extra.Path)
		}
	}
	if strings.Contains(c.Media, "pgp") || strings.Contains(c.Protocol, "pgp") {
		c.Format = PGPMIME
	}
	c.Content = func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(src, content.Start, content.BodyEnd-content.Start)), nil
	}
	if w.prefix == "" {
		c.Start, c.End = content.Start, content.BodyEnd
	}
	run.candidate(c)
}

// letterAround says what stands around a place.
func (p place) letterAround() *Letter {
	l := &Letter{Whole: p.whole, Layer: p.layer, Inner: p.nested}
	if p.author == nil {
		return l
	}
	set := &charset.Decoder{}
	for _, f := range p.author.Fields {
		if f.Name != "from" {
			continue
		}
		l.Fields++
		list, strict := strictAddresses(f.Value)
		if !strict {
			list, l.Loose = lenientAddresses(f.Value, set), true
		}
		for _, a := range list {
			l.From = append(l.From, a.Email)
		}
	}
	return l
}

const maxCandidates = 200

func (run *reading) candidate(c Candidate) {
	if len(run.candidates) < maxCandidates {
		c.Received = run.it.AcceptedAt
		run.candidates = append(run.candidates, c)
	}
}
