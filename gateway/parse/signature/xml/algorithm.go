package xml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha1"   // SHA-1
	_ "crypto/sha256" // SHA-2
	_ "crypto/sha3"   // SHA-3
	_ "crypto/sha512" // SHA-2
	"crypto/x509"
	"encoding/asn1"
	"math/big"
	"strconv"
	"strings"
)

const (
	spaceDS   = "http://www.w3.org/2000/09/xmldsig#"
	spaceMore = "http://www.w3.org/2001/04/xmldsig-more#"
	spaceEnc  = "http://www.w3.org/2001/04/xmlenc#"
	space2007 = "http://www.w3.org/2007/05/xmldsig-more#"
	space2021 = "http://www.w3.org/2021/04/xmldsig-more#"
	spaceDS11 = "http://www.w3.org/2009/xmldsig11#"
)

// digestOf finds a digest algorithm, 0 if it is not known.
func digestOf(uri string) crypto.Hash {
	switch uri {
	case spaceDS + "sha1":
		return crypto.SHA1
	case spaceMore + "sha224":
		return crypto.SHA224
	case spaceEnc + "sha256":
		return crypto.SHA256
	case spaceMore + "sha384":
		return crypto.SHA384
	case spaceEnc + "sha512":
		return crypto.SHA512
	case space2007 + "sha3-224":
		return crypto.SHA3_224
	case space2007 + "sha3-256":
		return crypto.SHA3_256
	case space2007 + "sha3-384":
		return crypto.SHA3_384
	case space2007 + "sha3-512":
		return crypto.SHA3_512
	}
	return 0
}

type scheme int

const (
	schemeNone scheme = iota
	schemeRSA
	schemePSS
	schemeECDSA
	schemeEdDSA
	schemeHMAC
)

// schemeOf finds a signature algorithm.
func schemeOf(uri string, element *node) (scheme, crypto.Hash) {
	short := uri
	for _, prefix := range []string{spaceDS, spaceMore, space2007, space2021, spaceDS11} {
		short = strings.TrimPrefix(short, prefix)
	}
	digest := func(s string) crypto.Hash {
		for _, uri := range []string{spaceDS + s, spaceMore + s, spaceEnc + s, space2007 + s} {
			if h := digestOf(uri); h != 0 {
				return h
			}
		}
		return 0
	}
	switch {
	case strings.HasPrefix(short, "hmac-"):
		return schemeHMAC, 0
	case strings.HasPrefix(short, "rsa-sha"):
		return schemeRSA, digest(strings.TrimPrefix(short, "rsa-"))
	case strings.HasSuffix(short, "-rsa-MGF1"):
		return schemePSS, digest(strings.TrimSuffix(short, "-rsa-MGF1"))
	case short == "rsa-pss":
		return schemePSS, pssDigest(element)
	case strings.HasPrefix(short, "ecdsa-"):
		return schemeECDSA, digest(strings.TrimPrefix(short, "ecdsa-"))
	case short == "eddsa-ed25519":
		return schemeEdDSA, crypto.SHA512
	}
	return schemeNone, 0
}

// pssDigest reads RSAPSSParams (RFC 9231 § 2.3.9); only sets where the mask
// uses the same digest.
func pssDigest(element *node) crypto.Hash {
	params := element.child(space2007, "RSAPSSParams")
	if params == nil {
		return crypto.SHA256
	}
	h := crypto.SHA256
	if m := params.child(spaceDS, "DigestMethod"); m != nil {
		h = digestOf(m.attr("Algorithm"))
	}
	if mask := params.child(space2007, "MaskGenerationFunction").child(spaceDS, "DigestMethod"); mask != nil && digestOf(mask.attr("Algorithm")) != h {
		return 0
	}
	return h
}

// verify checks a value. A false answer without a problem means that it does
// not fit.
func verify(s scheme, h crypto.Hash, key crypto.PublicKey, message, value []byte) (bool, *Problem) {
	sum := message
	if s != schemeEdDSA {
		hash := h.New()
		hash.Write(message)
		sum = hash.Sum(nil)
	}
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() > 8192 || key.E > 1<<31-1 {
			return false, problem(subGeneric, CodeLimit, "an RSA key of %d bits is larger than any that is checked", key.N.BitLen())
		}
		switch s {
		case schemeRSA:
			return verifyRSA(key, h, sum, value), nil
		case schemePSS:
			return rsa.VerifyPSS(key, h, sum, value, nil) == nil, nil
		}
	case *ecdsa.PublicKey:
		if s == schemeECDSA {
			return verifyECDSA(key, sum, value), nil
		}
	case ed25519.PublicKey:
		if s == schemeEdDSA {
			return ed25519.Verify(key, message, value), nil
		}
	case nil:
		return false, problem(subGeneric, CodeUnsupported, "the key of the certificate is of a kind that is not supported")
	}
	return false, nil // an algorithm for another kind of key
}

// verifyRSA pads short values: some writers drop leading zeros.
func verifyRSA(key *rsa.PublicKey, h crypto.Hash, sum, value []byte) bool {
	if size := key.Size(); len(value) < size && len(value) > size-4 {
		value = append(make([]byte, size-len(value)), value...)
	}
	return rsa.VerifyPKCS1v15(key, h, sum, value) == nil
}

// verifyECDSA takes r and s one after the other (RFC 9231 § 2.3.6), and the
// DER that some programs write instead.
func verifyECDSA(key *ecdsa.PublicKey, sum, value []byte) bool {
	size := (key.Curve.Params().BitSize + 7) / 8
	// QUIRK: old Java wrote numbers with a zero in front (enveloped-ecdsa-java-bug.xml).
	if half := len(value) / 2; len(value)%2 == 0 && half <= size+1 {
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(value[:half]), new(big.Int).SetBytes(value[half:])})
		if err == nil && ecdsa.VerifyASN1(key, sum, der) {
			return true
		}
	}
	return ecdsa.VerifyASN1(key, sum, value)
}

// weakKey names a key nobody should rely on.
func weakKey(key crypto.PublicKey) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key.N.BitLen() < 2048 {
			return "RSA-" + strconv.Itoa(key.N.BitLen())
		}
		if key.E < 65537 {
			return "RSA-e" + strconv.Itoa(key.E)
		}
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P224() {
			return "P-224"
		}
	}
	return ""
}

// publicKey reads the key of a certificate, also of one that the standard
// library refuses for another field.
func publicKey(der []byte) crypto.PublicKey {
	if c := parseCertificate(der); c != nil {
		return c.PublicKey
	}
	outer := asn1.RawValue{}
	if _, err := asn1.Unmarshal(der, &outer); err != nil {
		return nil
	}
	// The first element of the outer sequence is the part that is signed.
	var tbs asn1.RawValue
	if _, err := asn1.Unmarshal(outer.Bytes, &tbs); err != nil {
		return nil
	}
	rest := tbs.Bytes
	for i := 0; len(rest) > 0 && i < 8; i++ {
		var v asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &v); err != nil {
			return nil
		}
		if key, err := x509.ParsePKIXPublicKey(v.FullBytes); err == nil {
			return key
		}
	}
	return nil
}
