package cms

import (
	"context"
	"crypto"
	"errors"

	"kancelaria/registry"
)

// CheckBare checks a PKCS #1 value that stands alone in an OCTET STRING, with
// its certificates beside it, the signer's first (adbe.x509.rsa_sha1, ISO
// 32000-1 § 12.8.3.2).
func CheckBare(ctx context.Context, octets []byte, certificates [][]byte, over []Content) Result {
	r := Result{}
	value, _, err := take(octets, tagOctets)
	if err != nil {
		r.Reasons = append(r.Reasons, failure(registry.FormatFailure, "malformed", err.Error()))
		return r
	}
	for _, raw := range certificates {
		if c, err := ParseCertificate(raw); err == nil {
			r.Certificates = append(r.Certificates, c)
		}
	}
	c := checking{
		ctx: ctx, o: Options{Limits: Limits{}.withDefaults()}, info: &signerInfo{value: value.content}, digest: crypto.SHA1, sums: &digests{contents: over}, scheme: scheme{name: "RSA", kind: rsaKey},
	}
	c.out = Signer{Value: value.content, Level: "none", Digest: hashName(crypto.SHA1), Algorithm: "RSA"}
	if len(r.Certificates) == 0 {
		c.because(doubt(registry.NoSigningCertificateFound, "no_certificate", ""))
	} else {
		c.bareValue(r.Certificates[0])
	}
	c.out.Intact, c.out.Covered = c.intact(), c.contentOK
	r.Signers = []Signer{c.out}
	return r
}

func (c *checking) bareValue(cert *Certificate) {
	c.out.Certificate = cert
	key, err := cert.key()
	if err != nil {
		c.because(doubt(registry.NoSigningCertificateFound, "certificate_unreadable", err.Error()))
		return
	}
	c.key = key
	for _, h := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		sum, err := c.sums.of(c.ctx, 0, h)
		if err != nil {
			c.unread(err)
			return
		}
		err = c.scheme.verify(key, h, nil, sum, c.info.value)
		if err == nil {
			c.digest, c.valueOK, c.contentOK = h, true, true
			c.out.Digest = hashName(h)
			break
		}
		if !errors.Is(err, errValue) {
			c.verdict(err)
			return
		}
	}
	if !c.valueOK {
		c.verdict(errValue)
	}
	c.constraints()
}
