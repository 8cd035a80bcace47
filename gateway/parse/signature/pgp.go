package signature

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"kancelaria/gateway/parse/signature/cms"
	"kancelaria/registry"
)

// Keys that came with a letter prove nothing about who wrote it: only those
// that the office put into its keyring speak for somebody.

const largestSignature = 256 << 10

// pgpMIME looks at multipart/signed of PGP (RFC 3156 § 5): line ends are CR LF
// there, whatever the transport made of them.
func (l *look) pgpMIME(ctx context.Context) {
	src, err := l.Open(ctx)
	if err != nil {
		l.doubt(registry.Generic, "malformed", err.Error())
		return
	}
	defer closing(src)
	sig, err := io.ReadAll(io.LimitReader(src, largestSignature))
	if err != nil {
		l.doubt(registry.Generic, "malformed", err.Error())
		return
	}
	exact := opening(ctx, l.Content)
	l.detachedPGP(ctx, sig, []cms.Content{canonical(exact), exact}, "clear")
}

// pgpText looks at a clear-signed text, or at a signature that lies beside its
// file.
func (l *look) pgpText(ctx context.Context) {
	b, ok := l.whole(ctx)
	if !ok {
		return
	}
	if block, rest := clearsign.Decode(b); block != nil {
		l.inline(b, block, rest)
		return
	}
	if l.Letter != nil { // a text that only shows the mark
		return
	}
	if l.Content != nil {
		l.detachedPGP(ctx, b, []cms.Content{opening(ctx, l.Content)}, "detached")
		return
	}
	for _, s := range l.Siblings {
		r := l.verifyPGP(ctx, b, []cms.Content{opening(ctx, s.Open)})
		if r.err == nil && r.signer != nil {
			from := len(l.reports)
			l.fromPGP(r, "detached")
			l.paired(from, s.Path)
			return
		}
	}
	r := l.verifyPGP(ctx, b, nil)
	if r.sig == nil && r.err != nil && !bytes.Contains(b, []byte("PGP SIGNATURE")) {
		return // a key, a list of packets: no signature
	}
	if !errors.Is(r.err, pgperrors.ErrUnknownIssuer) {
		r.err = errContent
	}
	l.fromPGP(r, "detached")
}

// errContent says that none of the files is what was signed.
var errContent = errors.New("the signed file is not there")

// inline checks the one signed block of a text. What stands around it was not
// signed by anybody.
func (l *look) inline(all []byte, block *clearsign.Block, rest []byte) {
	from := len(l.reports)
	sig, err := io.ReadAll(io.LimitReader(block.ArmoredSignature.Body, largestSignature))
	if err != nil {
		l.fail(registry.FormatFailure, "malformed", err.Error())
		return
	}
	r := l.verifyPackets(sig, [][]byte{block.Bytes})
	l.fromPGP(r, "inline")
	before, _, _ := bytes.Cut(all, []byte("-----BEGIN PGP SIGNED MESSAGE-----"))
	if len(bytes.TrimSpace(before))+len(bytes.TrimSpace(rest)) > 0 {
		for i := range l.reports[from:] {
			l.reports[from+i].Covers = registry.CoversPart
			l.reports[from+i].Coverage.Uncovered = append(l.reports[from+i].Coverage.Uncovered, l.Path)
		}
	}
}

func (l *look) detachedPGP(ctx context.Context, sig []byte, contents []cms.Content, packaging string) {
	l.fromPGP(l.verifyPGP(ctx, sig, contents), packaging)
}

// A pgpResult is what one signature packet showed.
type pgpResult struct {
	sig     *packet.Signature
	signer  *openpgp.Entity
	err     error
	reading int
}

// verifyPGP checks a detached signature over the readings of a content.
func (l *look) verifyPGP(ctx context.Context, sig []byte, contents []cms.Content) pgpResult {
	if block, err := armor.Decode(bytes.NewReader(sig)); err == nil {
		plain, err := io.ReadAll(io.LimitReader(block.Body, largestSignature))
		if err != nil {
			return pgpResult{err: err}
		}
		sig = plain
	}
	var readings [][]byte
	for _, c := range contents {
		b, err := l.held(ctx, c)
		if err != nil {
			return pgpResult{err: err}
		}
		readings = append(readings, b)
	}
	return l.verifyPackets(sig, readings)
}

// held reads a content into memory, up to the limit.
func (l *look) held(ctx context.Context, c cms.Content) ([]byte, error) {
	src, err := c()
	if err != nil {
		return nil, fmt.Errorf("opening the content: %w", err)
	}
	defer closing(src)
	b, err := io.ReadAll(io.LimitReader(src, l.c.Limits.File+1))
	if err == nil && int64(len(b)) > l.c.Limits.File {
		err = errors.New("larger than what is read")
	}
	if err == nil {
		err = ctx.Err()
	}
	return b, err
}

func (l *look) verifyPackets(sig []byte, readings [][]byte) (r pgpResult) {
	config := &packet.Config{Time: func() time.Time { return l.received }}
	r.sig, r.err = firstSignature(sig)
	if r.err != nil {
		return r
	}
	if len(readings) == 0 {
		readings = [][]byte{nil}
	}
	for i, b := range readings {
		found, signer, err := openpgp.VerifyDetachedSignature(l.c.Keys, bytes.NewReader(b), bytes.NewReader(sig), config)
		r.err, r.reading = err, i
		if found != nil {
			r.sig = found
		}
		if signer != nil { // the value is right, whatever else is said of the key
			r.signer = signer
			return r
		}
	}
	return r
}

// firstSignature reads the packet that says what kind of signature it is.
func firstSignature(b []byte) (*packet.Signature, error) {
	p, err := packet.NewReader(bytes.NewReader(b)).Next()
	if err != nil {
		return nil, err
	}
	sig, ok := p.(*packet.Signature)
	if !ok {
		return nil, errors.New("no signature packet")
	}
	return sig, nil
}

// fromPGP draws the report of a PGP signature.
func (l *look) fromPGP(p pgpResult, packaging string) {
	r := l.report("PGP")
	r.Packaging, r.Identity = packaging, "pgp_uid"
	if p.sig != nil {
		r.SignedAt, r.Times.Claimed = p.sig.CreationTime.UTC(), p.sig.CreationTime.UTC()
		r.Algorithms = []string{hashName(p.sig.Hash)}
	}
	for _, why := range pgpReasons(p) {
		r.Because(why)
	}
	if p.signer != nil {
		r.Intact = registry.SignatureIntact
		r.Signer = pgpSigner(p.signer, l.received)
		r.Trust = registry.SignatureTrust{State: registry.Trusted, Source: "keyring", Qualified: registry.NotQualified}
	} else if r.Verdict == registry.TotalFailed {
		r.Intact = registry.SignatureBroken
	}
	if p.sig != nil && (p.sig.Hash == crypto.SHA1 || p.sig.Hash == crypto.MD5) {
		r.Because(doubt(registry.CryptoConstraintsFailure, "weak_digest", hashName(p.sig.Hash)))
	}
	l.late(&r)
	l.cover(&r)
	l.reports = append(l.reports, r)
	l.author(len(l.reports) - 1)
	if last := &l.reports[len(l.reports)-1]; len(last.Reasons) == 0 {
		last.Verdict = registry.TotalPassed
	}
}

// pgpReasons translates what the library says.
func pgpReasons(p pgpResult) []registry.SignatureReason {
	failed := func(reason, code string) []registry.SignatureReason {
		return []registry.SignatureReason{{Verdict: registry.TotalFailed, Reason: reason, Code: code, Note: p.err.Error()}}
	}
	unsupported, structural := pgperrors.UnsupportedError(""), pgperrors.StructuralError("")
	switch {
	case p.err == nil:
		return nil
	case errors.Is(p.err, pgperrors.ErrUnknownIssuer):
		return []registry.SignatureReason{doubt(registry.NoSigningCertificateFound, "key_unknown", "")}
	case errors.Is(p.err, errContent):
		return []registry.SignatureReason{doubt(registry.SignedDataNotFound, "content_missing", "")}
	case errors.Is(p.err, pgperrors.ErrKeyRevoked):
		return []registry.SignatureReason{doubt(registry.Revoked, "key_bad", p.err.Error())}
	case errors.Is(p.err, pgperrors.ErrKeyExpired), errors.Is(p.err, pgperrors.ErrSignatureExpired):
		return []registry.SignatureReason{doubt(registry.OutOfBoundsNoPOE, "key_bad", p.err.Error())}
	case p.signer != nil:
		return []registry.SignatureReason{doubt(registry.SigConstraintsFailure, "key_bad", p.err.Error())}
	case errors.As(p.err, &unsupported):
		return []registry.SignatureReason{doubt(registry.CryptoConstraintsFailure, "unsupported_algorithm", p.err.Error())}
	case errors.As(p.err, &structural), p.sig == nil:
		return failed(registry.FormatFailure, "malformed")
	case errors.Is(p.err, context.DeadlineExceeded), errors.Is(p.err, context.Canceled):
		return []registry.SignatureReason{doubt(registry.NotChecked, "not_yet", "no time left")}
	}
	var wrong pgperrors.SignatureError
	if errors.As(p.err, &wrong) {
		return failed(registry.HashFailure, "content_changed")
	}
	return []registry.SignatureReason{doubt(registry.Generic, "malformed", p.err.Error())}
}

// pgpSigner names the owner of a key by its user ids that are not revoked.
func pgpSigner(e *openpgp.Entity, at time.Time) registry.Signer {
	s := registry.Signer{Serial: fmt.Sprintf("%X", e.PrimaryKey.Fingerprint)}
	primary := e.PrimaryIdentity()
	if primary != nil && primary.UserId != nil {
		s.Name, s.Email = clean(primary.UserId.Name), clean(primary.UserId.Email)
	}
	if s.Name == "" {
		s.Name = s.Email
	}
	for _, id := range e.Identities {
		if id.UserId != nil && id.UserId.Email != "" && !id.Revoked(at) {
			s.Emails = append(s.Emails, clean(id.UserId.Email))
		}
	}
	return s
}

func hashName(h crypto.Hash) string {
	if h == 0 {
		return ""
	}
	return h.String()
}

// largestKeyring bounds a file of keys.
const largestKeyring = 32 << 20

// ReadKeyring reads public keys that somebody has confirmed, armored or not.
func ReadKeyring(file string) (openpgp.EntityList, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("opening the keyring: %w", err)
	}
	defer closing(f)
	b, err := io.ReadAll(io.LimitReader(f, largestKeyring))
	if err != nil {
		return nil, fmt.Errorf("reading the keyring %s: %w", file, err)
	}
	keys, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(b))
	if err != nil {
		keys, err = openpgp.ReadKeyRing(bytes.NewReader(b))
	}
	if err != nil {
		return nil, fmt.Errorf("the keyring %s holds no public keys: %w", file, err)
	}
	return keys, nil
}
