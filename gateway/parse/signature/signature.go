// Package signature says what the signatures on a document prove, in the words
// of ETSI EN 319 102-1, and never more than was checked.
//
// The inner rooms know one matter each: cms and xml the cryptography of a
// format, pdf and asic what is covered inside a file, trust who vouches for a
// certificate. This hall joins them: it finds the file a signature belongs to,
// compares the signer with the author of the letter, and draws the verdict.
// Nothing here reaches for the network, and everything is bounded in size and
// time: what was not looked at in time is said to be not yet checked.
package signature

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"

	"kancelaria/gateway/parse"
	"kancelaria/gateway/parse/signature/cms"
	"kancelaria/registry"
)

// Limits bound what the signatures of one document may cost. Zero fields take
// the defaults.
type Limits struct {
	Time       time.Duration // for all; default 250 ms
	Signatures int           // default 100
	File       int64         // bytes of a signed file that is read whole; default 64 MiB
	CMS        cms.Limits
}

func (l Limits) withDefaults() Limits {
	if l.Time <= 0 {
		l.Time = 250 * time.Millisecond
	}
	if l.Signatures <= 0 {
		l.Signatures = 100
	}
	if l.File <= 0 {
		l.File = 64 << 20
	}
	return l
}

// Options of a Checker. The zero value works: integrity, format and coverage
// are checked and nobody is trusted.
type Options struct {
	Limits Limits
	Trust  Trust              // nil: nobody vouches for anybody
	Keys   openpgp.EntityList // the office's keyring; keys from letters are never taken
	Now    func() time.Time
	Log    *slog.Logger
}

// A Trust answers who vouches for a signer. It reads what lies on this machine
// and is bounded by ctx.
type Trust func(ctx context.Context, q Question) Answer

// A Question is a signer's certificate with all that came along.
type Question struct {
	Signer       []byte   // certificate
	Certificates [][]byte // others
	CRLs, OCSPs  [][]byte
	// At is the best proof of when the signature was there: an intact
	// timestamp, else the arrival.
	At       time.Time
	Received time.Time
	Mail     bool // the certificate signs mail, not documents
	Stamping bool // it is a time-stamping authority's
}

// An Answer is what is known of a certificate at that time. Reasons are empty
// if it is trusted in every respect.
type Answer struct {
	Reasons    []registry.SignatureReason
	Trust      registry.SignatureTrust
	Chain      []registry.SignatureCert
	Revocation registry.SignatureRevocation
	Warnings   []string
	Store      string // digest over the anchors and lists used
}

// A Checker checks signatures. It may be used by many at once.
type Checker struct{ Options }

// New makes a Checker.
func New(o Options) *Checker {
	o.Limits = o.Limits.withDefaults()
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Checker{o}
}

// Policy names the rules that reports are drawn up by; its digest changes with
// them.
const Policy = `kancelaria-1
SHA-1, MD5 and RSA below 2048 bits: CRYPTO_CONSTRAINTS_FAILURE; RSA below 3072 bits: warning
a reception time is the proof of existence; a claimed time is shown and not believed
mail: one From address, equal to an address of the certificate
a document changed after signing, other than by what signing itself adds: TOTAL-FAILED
revocation not known: TRY_LATER
`

// schema is the version of the report's fields.
const schema = 1

// Check implements parse.Checker.
func (c *Checker) Check(ctx context.Context, candidates []parse.Candidate) []registry.SignatureReport {
	ctx, cancel := context.WithTimeout(ctx, c.Limits.Time)
	defer cancel()
	sum := sha256.Sum256([]byte(Policy))
	var all []registry.SignatureReport
	for _, one := range candidates {
		l := look{c: c, Candidate: one, received: one.Received}
		if l.received.IsZero() {
			l.received = c.Now()
		}
		switch {
		case len(all) >= c.Limits.Signatures:
			l.doubt(registry.NotChecked, "limit", "more signatures than are checked")
		case ctx.Err() != nil:
			l.doubt(registry.NotChecked, "not_yet", "no time left")
		default:
			l.run(ctx)
		}
		for _, r := range l.reports {
			r.CheckedAt, r.Policy, r.PolicySum = c.Now(), "kancelaria-1", hex.EncodeToString(sum[:])
			all = append(all, r)
		}
	}
	layers(all)
	return all
}

// layers tells apart what lies inside a container that is signed itself.
func layers(all []registry.SignatureReport) {
	for i := range all {
		for _, outer := range all {
			if strings.HasPrefix(all[i].Path, outer.Path+"!") {
				all[i].Layer = max(all[i].Layer, outer.Layer+1)
			}
		}
	}
}

// A look is one candidate being looked at.
type look struct {
	parse.Candidate
	c        *Checker
	received time.Time
	reports  []registry.SignatureReport
}

// run looks at the candidate. Whatever hostile bytes make of a parser, the
// item is registered and its signature not believed.
func (l *look) run(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			l.c.Log.Error("signature.panic", "path", l.Path, "err", fmt.Sprint(p))
			l.reports = nil
			l.doubt(registry.Generic, "program", "")
		}
	}()
	if l.Missing {
		l.fail(registry.FormatFailure, "no_signer", "multipart/signed without a signature")
		return
	}
	head := l.head(ctx)
	switch {
	case l.Format == parse.SMIME:
		l.detachedMail(ctx)
	case l.Format == parse.PGPMIME:
		l.pgpMIME(ctx)
	default:
		l.file(ctx, sniff(head, l.Format))
	}
}

// file looks at a file by what its bytes are.
func (l *look) file(ctx context.Context, format parse.Format) {
	switch format {
	case parse.CMS:
		l.cmsFile(ctx)
	case parse.PGP:
		l.pgpText(ctx)
	case parse.PDF:
		l.pdfFile(ctx)
	case parse.XML:
		l.xmlFile(ctx)
	case parse.ASiC:
		l.container(ctx)
	case parse.OOXML:
		l.format("OOXML")
		l.doubt(registry.Generic, "unsupported_format", "the signature of an office program")
	case parse.Other:
		l.format("unsupported")
		l.doubt(registry.Generic, "unsupported_format", "")
	}
}

// report begins a report about the candidate.
func (l *look) report(format string) registry.SignatureReport {
	return registry.SignatureReport{
		Path: l.Path, Format: format, Schema: schema, Intact: registry.SignatureUnchecked, Level: "none",
		Covers: registry.CoversWhole, Times: registry.SignatureTimes{Received: l.received}, Layer: l.layer(),
		Trust: registry.SignatureTrust{State: registry.TrustNotChecked, Qualified: registry.QualifiedUnknown},
	}
}

func (l *look) layer() int {
	if l.Letter == nil {
		return 0
	}
	return l.Letter.Layer
}

// format names the format of the candidate, where nothing else is reported.
func (l *look) format(name string) { l.Format = parse.Format(name) }

// doubt reports that the candidate could not be checked.
func (l *look) doubt(reason, code, note string) { l.only(doubt(reason, code, note)) }

// fail reports that the candidate is no good.
func (l *look) fail(reason, code, note string) {
	l.only(registry.SignatureReason{Verdict: registry.TotalFailed, Reason: reason, Code: code, Note: note})
}

func (l *look) only(why registry.SignatureReason) {
	r := l.report(formatName(l.Format))
	r.Because(why)
	if why.Verdict == registry.TotalFailed {
		r.Intact = registry.SignatureBroken
	}
	l.cover(&r)
	l.reports = append(l.reports, r)
}

func doubt(reason, code, note string) registry.SignatureReason {
	return registry.SignatureReason{Verdict: registry.Indeterminate, Reason: reason, Code: code, Note: note}
}

// formatName writes a format as reports have it.
func formatName(f parse.Format) string {
	name, ok := map[parse.Format]string{
		parse.SMIME: "SMIME", parse.PGPMIME: "PGP", parse.PGP: "PGP", parse.CMS: "CAdES", parse.PDF: "PAdES",
		parse.XML: "XAdES", parse.ASiC: "ASiC", parse.OOXML: "OOXML",
	}[f]
	if !ok {
		return string(f)
	}
	return name
}

// head reads the first bytes of the candidate.
func (l *look) head(ctx context.Context) []byte {
	src, err := l.Open(ctx)
	if err != nil {
		return nil
	}
	defer closing(src)
	head := make([]byte, 4<<10)
	n, _ := io.ReadFull(src, head)
	return head[:n]
}

// whole reads the candidate into memory, up to the limit.
func (l *look) whole(ctx context.Context) ([]byte, bool) {
	src, err := l.Open(ctx)
	if err != nil {
		l.doubt(registry.Generic, "malformed", err.Error())
		return nil, false
	}
	defer closing(src)
	b, err := io.ReadAll(io.LimitReader(src, l.c.Limits.File+1))
	switch {
	case err != nil:
		l.doubt(registry.Generic, "malformed", err.Error())
	case int64(len(b)) > l.c.Limits.File:
		l.doubt(registry.Generic, "limit", "larger than what is read")
		l.reports[len(l.reports)-1].Limits = []string{"file_size"}
	default:
		return b, true
	}
	return nil, false
}

// closing closes what was only read: its error changes nothing.
func closing(c io.Closer) { _ = c.Close() }
