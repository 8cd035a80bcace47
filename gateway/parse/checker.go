package parse

import (
	"context"
	"io"
	"os"
	"strings"

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
)

// signedPart notes a multipart/signed with the exact bytes that are signed.
func (run *reading) signedPart(w *walker, n *tree.Node) {
	if len(n.Children) < 2 || run.seek != nil {
		return
	}
	if _, onDisk := w.src.(*os.File); onDisk {
		run.flag(registry.FlagSigned) // unpacked for a moment only: too late to look
		return
	}
	content, sig := n.Children[0], n.Children[1]
	c := Candidate{
		Path: w.prefix + sig.Path, Name: run.rawFileName(sig, w.set), Media: sig.Type, Format: SMIME,
		MicAlg:   strings.ToLower(string(n.Param("micalg"))),
		Protocol: strings.ToLower(string(n.Param("protocol"))), ContentPath: w.prefix + content.Path,
	}
	if strings.Contains(sig.Type, "pgp") || strings.Contains(c.Protocol, "pgp") {
		c.Format = PGPMIME
	}
	src := w.src
	c.Open = func(context.Context) (io.ReadCloser, error) {
		return run.r.openRange(src, sig.BodyStart, sig.BodyEnd, sig.Encoding), nil
	}
	c.Content = func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.NewSectionReader(src, content.Start, content.BodyEnd-content.Start)), nil
	}
	if w.prefix == "" {
		c.Start, c.End = content.Start, content.BodyEnd
	}
	run.candidate(c)
}

const maxCandidates = 200

func (run *reading) candidate(c Candidate) {
	if len(run.candidates) < maxCandidates {
		run.candidates = append(run.candidates, c)
	}
}
