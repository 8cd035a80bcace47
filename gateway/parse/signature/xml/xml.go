// Package xml checks signatures in XML: XMLDSig and XAdES, enveloped,
// enveloping and detached, with podpis zaufany in both its layouts.
//
// It follows no link and asks nobody. What a signature covers is said from the
// nodes that its references led to, never from what lies where one would expect
// it: most attacks on signed XML move the signed element away and put another
// one in its place. Names, times and roles are read from signed properties
// only.
package xml

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"time"
)

// Limits bound what one document may cost. Zero values stand for the defaults.
type Limits struct {
	Size       int64 // bytes of the file
	Elements   int
	Attributes int // of one element
	Depth      int
	References int // of one signature
	Transforms int // of one reference
	Signatures int
	Digested   int64 // octets canonicalised and digested, all together
}

func (l Limits) orDefault() Limits {
	l.Size = or(l.Size, 50<<20)
	l.Elements = or(l.Elements, 200_000)
	l.Attributes = or(l.Attributes, 1000)
	l.Depth = or(l.Depth, 500)
	l.References = or(l.References, 100)
	l.Transforms = or(l.Transforms, 8)
	l.Signatures = or(l.Signatures, 100)
	l.Digested = or(l.Digested, 500<<20)
	return l
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

// A Resolver opens the file that a detached signature names, from what came
// with it. An empty name asks for the only one there is. It returns nil if
// there is no such file.
type Resolver func(name string) ([]byte, error)

// A Document is what was found in one file. Problem says why the file as a
// whole was refused; then there are no signatures.
type Document struct {
	Root       string // local name of the root element
	Signatures []Signature
	Problem    *Problem
	LimitsHit  []string // sentences
}

// A Problem says what keeps a signature from passing. Sub is a sub-indication
// of ETSI EN 319 102-1.
type Problem struct {
	Sub  string
	Code string
	Text string
}

// Error gives the sentence.
func (p *Problem) Error() string { return p.Text }

// The sub-indications this room can find.
const (
	subFormat     = "FORMAT_FAILURE"
	subHash       = "HASH_FAILURE"
	subCrypto     = "SIG_CRYPTO_FAILURE"
	subNotFound   = "SIGNED_DATA_NOT_FOUND"
	subNoCert     = "NO_SIGNING_CERTIFICATE_FOUND"
	subConstraint = "SIG_CONSTRAINTS_FAILURE"
	subGeneric    = "GENERIC"
)

// The codes of problems.
const (
	CodeMalformed   = "malformed"    // no XML
	CodeDoctype     = "doctype"      // a document type declaration
	CodeDuplicate   = "duplicate_id" // two elements of one Id
	CodeStructure   = "structure"    // a signature without what it needs, or with it twice
	CodeReference   = "reference"    // a reference that leads nowhere
	CodeDigest      = "digest"       // what was signed was changed
	CodeValue       = "value"        // the signature value does not fit the certificate
	CodeCertificate = "certificate"  // no certificate, or not the one that was signed
	CodeProperties  = "properties"   // XAdES properties not signed, or twice
	CodeIdentity    = "identity"     // a person named outside the signed properties
	CodeCounter     = "counter"      // a countersignature of something else
	CodeUnsupported = "unsupported"  // an algorithm or transform that is not known
	CodeMissing     = "missing_file" // the signed file did not come with the signature
	CodeLimit       = "limit"
)

// problem builds one; it is an error so that it travels.
func problem(sub, code, format string, args ...any) *Problem {
	return &Problem{Sub: sub, Code: code, Text: fmt.Sprintf(format, args...)}
}

// A Signature is one ds:Signature with what was found out about it without
// asking who the signer is.
type Signature struct {
	ID   string
	Path string // where it stands: /pismo/Signature
	// Packaging is enveloped, enveloping, detached or internal (beside the
	// signed element).
	Packaging string
	XAdES     bool
	// Counters says that it signs the value of the signature at that path.
	Counters string

	// Intact says that all digests and the value fit; nothing about by whom.
	Intact  bool
	Problem *Problem
	Weak    []string // algorithms nobody should rely on any more: "SHA-1", "RSA-1024"

	SignatureAlgorithm string
	DigestAlgorithms   []string
	References         []Reference
	Covers             Coverage
	Uncovered          []string // paths, or names of what no reference covers

	Certificate  []byte   // of the signer, DER; nil if there is none
	Certificates [][]byte // all others that came along
	OCSPs, CRLs  [][]byte // revocation values that came along
	Properties   Properties
	Timestamps   []Timestamp
	Objects      []Object // files inside the signature
	Level        string   // XAdES level by what is there: B-B, B-T, B-LT, B-LTA; "" without XAdES
}

// Coverage is how much of the file a signature speaks for.
type Coverage string

// The coverages, in the words of registry.SignatureReport.
const (
	CoversWhole Coverage = "whole"
	CoversPart  Coverage = "part"
	CoversFiles Coverage = "files" // other files
)

// A Reference is one thing that was signed.
type Reference struct {
	URI  string
	Type string
	What What
	Path string // of the node it led to
	OK   bool   // its digest fits
	// Digest is what the signature says, for pairing with a file by content.
	Digest          []byte
	DigestAlgorithm string
	Plain           bool // no transforms: the digest of a file is that of its bytes
	Listed          bool // in a manifest that was signed
	Problem         *Problem
}

// What a reference leads to.
type What string

// The kinds of what.
const (
	WhatDocument   What = "document"   // the whole file, but for the signature
	WhatElement    What = "element"    // a part of it
	WhatObject     What = "object"     // inside the signature
	WhatProperties What = "properties" // XAdES signed properties
	WhatKeyInfo    What = "key_info"
	WhatManifest   What = "manifest"
	WhatSignature  What = "signature" // the value of another signature
	WhatFile       What = "file"      // another file
	WhatNothing    What = ""
)

// Properties are the signed properties of XAdES.
type Properties struct {
	SignedAt  time.Time // claimed
	Policy    string
	Roles     []string
	City      string
	Formats   []Format
	Bound     bool // the certificate is named in them and is the one used
	Person    *Person
	Published []string // commitments, by identifier
}

// A Format is what the signer says of a signed object.
type Format struct{ Reference, MediaType, Description string }

// A Person is whom the ministry names inside a podpis zaufany. It is worth
// something only under the ministry's seal, which the caller checks.
type Person struct {
	Given, Family string
	PESEL         string // as written; to be masked wherever it is shown
	Account       string
	Layout        string // PodpisZP or EPSignature
}

// A Timestamp is a token with what it must be a time stamp of.
type Timestamp struct {
	Kind  string // signature, archive, data, refs
	Token []byte // CMS
	// Messages are what its imprint may be the digest of: one, or two where
	// programs read the standard in two ways. Empty if unknown.
	Messages [][]byte
}

// An Object is a file or a fragment inside an enveloping signature.
type Object struct {
	ID, MediaType string
	Content       []byte
	Signed        bool
}

// Read checks all signatures of a document. It fails only if the bytes cannot
// be read or ctx is over; what is wrong with the document is said in it.
func Read(ctx context.Context, r io.Reader, resolve Resolver, limits Limits) (*Document, error) {
	limits = limits.orDefault()
	b, err := io.ReadAll(io.LimitReader(r, limits.Size+1))
	if err != nil {
		return nil, fmt.Errorf("reading the XML: %w", err)
	}
	tree, err := parse(b, limits)
	if err != nil {
		return &Document{Problem: refused(err)}, nil
	}
	d := &document{tree: tree, resolve: resolve, limits: limits, left: limits.Digested, stop: ctx.Err, parsed: map[string]*node{}}
	d.index()
	out := d.signatures()
	return out, ctx.Err()
}

func refused(err error) *Problem {
	switch {
	case errors.Is(err, errDoctype):
		return problem(subFormat, CodeDoctype, "%v", err)
	case errors.Is(err, errTooMuch):
		return problem(subGeneric, CodeLimit, "%v", err)
	}
	return problem(subFormat, CodeMalformed, "%v", err)
}

// parseCertificate reads what came along; some real certificates do not pass.
func parseCertificate(der []byte) *x509.Certificate {
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	return c
}
