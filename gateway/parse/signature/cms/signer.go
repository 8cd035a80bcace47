package cms

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"

	"kancelaria/registry"
)

// A checking is one signer being checked.
type checking struct {
	ctx    context.Context
	o      Options
	sd     *signedData
	info   *signerInfo
	sums   *digests
	pool   []*Certificate
	key    crypto.PublicKey
	scheme scheme
	digest crypto.Hash
	stated signedAttributes
	out    Signer

	valueOK, contentOK bool
}

// pool lists the certificates that a signer may mean.
func (sd *signedData) pool(o Options) []*Certificate {
	list := sd.certificates
	for _, raw := range o.Certificates {
		if c, err := ParseCertificate(raw); err == nil {
			list = append(list[:len(list):len(list)], c)
		}
	}
	return list
}

func (c *checking) signer() Signer {
	c.out = Signer{Value: c.info.value, Level: "none"}
	c.identify()
	c.algorithms()
	c.attributes()
	c.content()
	c.value()
	c.constraints()
	c.unsigned()
	c.out.Intact, c.out.Covered = c.intact(), c.contentOK
	return c.out
}

func (c *checking) because(reasons ...registry.SignatureReason) {
	c.out.Reasons = append(c.out.Reasons, reasons...)
}

// intact sums up: one failure breaks it, what was not checked leaves it open.
func (c *checking) intact() string {
	for _, r := range c.out.Reasons {
		if r.Verdict == registry.TotalFailed {
			return registry.SignatureBroken
		}
	}
	if c.valueOK && c.contentOK {
		return registry.SignatureIntact
	}
	return registry.SignatureUnchecked
}

// identify finds the certificate that the signer names.
func (c *checking) identify() {
	for _, cert := range c.pool {
		if c.info.keyID != nil && cert.hasKeyID(c.info.keyID) ||
			c.info.keyID == nil && bytes.Equal(cert.Serial, c.info.serial) && bytes.Equal(cert.Issuer, c.info.issuer) {
			c.out.Certificate = cert
			break
		}
	}
	if c.out.Certificate == nil {
		c.because(doubt(registry.NoSigningCertificateFound, "no_certificate", "not among the certificates enclosed"))
		return
	}
	key, err := c.out.Certificate.key()
	switch {
	case errors.Is(err, errUnsupported):
		c.because(doubt(registry.CryptoConstraintsFailure, "unsupported_algorithm", err.Error()))
	case err != nil:
		c.because(doubt(registry.NoSigningCertificateFound, "certificate_unreadable", err.Error()))
	case c.out.Certificate.X509 == nil:
		c.because(doubt(registry.NoSigningCertificateFound, "certificate_unreadable", c.out.Certificate.Refused.Error()))
	}
	if err == nil { // a nil key of some type is not nil
		c.key = key
	}
}

// algorithms reads which were used. Digest and signature must agree: else the
// weaker of two could be smuggled in.
func (c *checking) algorithms() {
	c.digest = digestOf(c.info.digest)
	s, err := schemeOf(c.info.scheme, c.info.schemeParams)
	switch {
	case c.digest == 0:
		c.because(doubt(registry.CryptoConstraintsFailure, "unsupported_algorithm", "digest "+c.info.digest))
		return
	case errors.Is(err, errUnsupported):
		c.because(doubt(registry.CryptoConstraintsFailure, "unsupported_algorithm", err.Error()))
		return
	case err != nil:
		c.because(failure(registry.FormatFailure, "malformed", err.Error()))
		return
	}
	c.out.Digest, c.out.Algorithm = hashName(c.digest), s.name
	if s.digest != 0 && s.digest != c.digest {
		c.because(failure(registry.SigCryptoFailure, "algorithm_mismatch", fmt.Sprintf("digest %s, signature with %s", hashName(c.digest), hashName(s.digest))))
		return
	}
	c.scheme = s
}

// attributes reads what the signer stated.
func (c *checking) attributes() {
	if c.info.signed == nil {
		c.bare()
		return
	}
	stated, err := readSigned(c.info.signed, c.o.Limits.Attributes)
	switch {
	case err == nil:
	case errors.Is(err, errLimit):
		c.because(doubt(registry.Generic, "limit", err.Error()))
	case errors.Is(err, errTwice):
		c.because(failure(registry.FormatFailure, "duplicate_attribute", err.Error()))
	case errors.Is(err, errMissing):
		c.because(failure(registry.FormatFailure, "missing_attribute", err.Error()))
	default:
		c.because(failure(registry.FormatFailure, "malformed", err.Error()))
	}
	if err != nil {
		stated.certificates = nil // of two it would be chance which counts
	}
	c.stated = stated
	c.out.SigningTime, c.out.ContentType, c.out.Policy = stated.signingTime, stated.contentType, stated.policy
	c.out.Named = len(stated.certificates) > 0
	if err == nil && stated.contentType != c.sd.contentType && c.sd.contentType != "" {
		c.because(failure(registry.FormatFailure, "content_type_differs", stated.contentType+" is signed, "+c.sd.contentType+" stands there"))
	}
}

// bare checks a signature over the content alone, which is right for plain
// data only (RFC 5652 § 5.3). A content that is itself a set of signed
// attributes was lifted out of another signature.
func (c *checking) bare() {
	if c.sd.contentType != typeData {
		c.because(failure(registry.FormatFailure, "missing_attribute", "no signed attributes over "+c.sd.contentType))
		return
	}
	if len(c.sums.contents) == 0 {
		return
	}
	src, err := c.sums.contents[0]()
	if err != nil {
		return
	}
	defer closing(src)
	head := make([]byte, 64<<10)
	n, _ := readHead(src, head)
	if n > 0 && head[0] == tagSet {
		if _, err := readSigned(head[:n], c.o.Limits.Attributes); err == nil || errors.Is(err, errTwice) {
			c.because(failure(registry.FormatFailure, "malformed", "the content is the signed attributes of another signature"))
		}
	}
}

// content compares the content with the digest that was signed.
func (c *checking) content() {
	switch {
	case len(c.sums.contents) == 0:
		c.because(doubt(registry.SignedDataNotFound, "content_missing", ""))
		return
	case c.info.signed == nil || c.digest == 0 || c.stated.messageDigest == nil:
		return // the value itself covers the content
	}
	for i := range c.sums.contents {
		sum, err := c.sums.of(c.ctx, i, c.digest)
		if err != nil {
			c.unread(err)
			return
		}
		if bytes.Equal(sum, c.stated.messageDigest) {
			c.out.Reading, c.contentOK = i, true
			return
		}
	}
	c.because(failure(registry.HashFailure, "content_changed", "message digest differs"))
}

// unread tells why a content could not be read.
func (c *checking) unread(err error) {
	switch {
	case c.ctx.Err() != nil:
		c.because(doubt(registry.NotChecked, "not_yet", "no time left"))
	case errors.Is(err, errLimit):
		c.because(doubt(registry.Generic, "limit", err.Error()))
	default:
		c.because(doubt(registry.SignedDataNotFound, "content_missing", err.Error()))
	}
}

// value checks the signature value: over the attributes as they came, then in
// the order of DER, or over the content itself.
func (c *checking) value() {
	if c.key == nil || c.scheme.kind == 0 {
		return
	}
	if c.info.signed != nil {
		err := c.verify(c.info.signed)
		if errors.Is(err, errValue) {
			if other := sorted(c.info.signed); !bytes.Equal(other, c.info.signed) {
				err = c.verify(other)
			}
		}
		c.verdict(err)
		return
	}
	var err error
	for i := range c.sums.contents {
		if err = c.overContent(i); err == nil {
			c.out.Reading, c.contentOK = i, true
			break
		}
	}
	if len(c.sums.contents) > 0 {
		c.verdict(err)
	}
}

func (c *checking) verify(message []byte) error {
	h := c.digest.New()
	_, _ = h.Write(message)
	return c.scheme.verify(c.key, c.digest, message, h.Sum(nil), c.info.value)
}

func (c *checking) overContent(reading int) error {
	if c.scheme.kind == edKey {
		message, err := c.sums.bytes(c.ctx, reading)
		if err != nil {
			return err
		}
		return c.scheme.verify(c.key, c.digest, message, nil, c.info.value)
	}
	sum, err := c.sums.of(c.ctx, reading, c.digest)
	if err != nil {
		return err
	}
	return c.scheme.verify(c.key, c.digest, nil, sum, c.info.value)
}

func (c *checking) verdict(err error) {
	switch {
	case err == nil:
		c.valueOK = true
	case errors.Is(err, errWeakKey):
		c.because(doubt(registry.CryptoConstraintsFailure, "weak_key", err.Error()))
	case errors.Is(err, errUnsupported):
		c.because(doubt(registry.CryptoConstraintsFailure, "unsupported_algorithm", err.Error()))
	case errors.Is(err, errValue), errors.Is(err, errKeyKind):
		c.because(failure(registry.SigCryptoFailure, "value_wrong", err.Error()))
	default:
		c.unread(err)
	}
}

// constraints judges what is right by itself and still too weak, or names
// another certificate.
func (c *checking) constraints() {
	if weak(c.digest) {
		c.because(doubt(registry.CryptoConstraintsFailure, "weak_digest", hashName(c.digest)))
	}
	if k, ok := c.key.(*rsa.PublicKey); ok {
		switch bits := k.N.BitLen(); {
		case bits < leastRSA && bits >= verifiableRSA:
			c.because(doubt(registry.CryptoConstraintsFailure, "weak_key", fmt.Sprintf("RSA of %d bits", bits)))
		case bits >= leastRSA && bits < shortRSA:
			c.out.Warnings = append(c.out.Warnings, "small_key")
		}
		if k.E < 65537 {
			c.out.Warnings = append(c.out.Warnings, "small_exponent")
		}
	}
	if c.out.Certificate == nil {
		return
	}
	for _, id := range c.stated.certificates {
		known, same := id.names(c.out.Certificate)
		switch {
		case !known:
			c.out.Warnings = append(c.out.Warnings, "not_ades")
		case !same:
			c.because(doubt(registry.SigConstraintsFailure, "certificate_differs", "signing-certificate attribute"))
		}
	}
	if !c.out.Named {
		c.out.Warnings = append(c.out.Warnings, "not_ades")
	}
}
