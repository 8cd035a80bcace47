package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha1"
	"crypto/x509"
	"errors"
	"fmt"
)

// A Certificate is one that came with a signature. The library refuses some
// that are in use, with a negative serial or a policy it dislikes: of those the
// key is still read, so that at least the value of the signature is checked.
type Certificate struct {
	Raw             []byte
	X509            *x509.Certificate // nil if the library refuses it
	Refused         error             // why
	Issuer, Subject []byte            // names as they stand
	Serial          []byte            // content of the INTEGER
	keyInfo         []byte
	keyID           []byte // extension subjectKeyIdentifier
}

// ParseCertificate reads a certificate leniently.
func ParseCertificate(raw []byte) (*Certificate, error) {
	outer, _, err := take(raw, tagSequence)
	if err != nil {
		return nil, err
	}
	tbs, _, err := take(outer.content, tagSequence)
	if err != nil {
		return nil, err
	}
	c := &Certificate{Raw: outer.raw}
	rest := tbs.content
	if _, rest, _, err = optional(rest, tagContext); err != nil { // version
		return nil, err
	}
	fields, err := members(rest, 20)
	if err != nil {
		return nil, err
	}
	if len(fields) < 6 || fields[0].tag != tagInteger || fields[5].tag != tagSequence {
		return nil, errors.New("a certificate lacks fields")
	}
	c.Serial, c.Issuer, c.Subject, c.keyInfo = fields[0].content, fields[2].raw, fields[4].raw, fields[5].raw
	if last := fields[len(fields)-1]; last.tag == tagContext+3 {
		c.keyID = keyIdentifier(last.content)
	}
	c.X509, c.Refused = x509.ParseCertificate(outer.raw)
	return c, nil
}

// keyIdentifier finds the extension of that name.
func keyIdentifier(explicit []byte) []byte {
	list, _, err := take(explicit, tagSequence)
	if err != nil {
		return nil
	}
	extensions, err := members(list.content, 100)
	if err != nil {
		return nil
	}
	for _, e := range extensions {
		fields, err := members(e.content, 3)
		if err != nil || len(fields) < 2 || oid(fields[0].content) != "2.5.29.14" {
			continue
		}
		if id, _, err := take(fields[len(fields)-1].content, tagOctets); err == nil {
			return id.content
		}
	}
	return nil
}

// key gives the public key, also of keys marked for RSA-PSS alone.
func (c *Certificate) key() (crypto.PublicKey, error) {
	info, _, err := take(c.keyInfo, tagSequence)
	if err != nil {
		return nil, err
	}
	alg, rest, err := take(info.content, tagSequence)
	if err != nil {
		return nil, err
	}
	id, params, err := algorithm(alg.content)
	if err != nil {
		return nil, err
	}
	bits, _, err := take(rest, tagBits)
	if err != nil || len(bits.content) < 2 || bits.content[0] != 0 {
		return nil, errors.New("the public key cannot be read")
	}
	return publicKey(id, params, bits.content[1:])
}

func publicKey(id string, params, bits []byte) (crypto.PublicKey, error) {
	switch id {
	case "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10":
		return x509.ParsePKCS1PublicKey(bits)
	case "1.2.840.10045.2.1":
		e, _, err := take(params, tagOID)
		if err != nil {
			return nil, fmt.Errorf("%w: a curve without a name", errUnsupported)
		}
		curve := curveOf(oid(e.content))
		if curve == nil {
			return nil, fmt.Errorf("%w: curve %s", errUnsupported, oid(e.content))
		}
		return ecdsa.ParseUncompressedPublicKey(curve, bits)
	case "1.3.101.112":
		if len(bits) != ed25519.PublicKeySize {
			return nil, errors.New("the public key cannot be read")
		}
		return ed25519.PublicKey(bits), nil
	}
	return nil, fmt.Errorf("%w: key %s", errUnsupported, id)
}

// hasKeyID reports whether the certificate is named by that key identifier.
func (c *Certificate) hasKeyID(id []byte) bool {
	if len(c.keyID) > 0 {
		return bytes.Equal(c.keyID, id)
	}
	info, _, err := take(c.keyInfo, tagSequence)
	if err != nil {
		return false
	}
	parts, err := members(info.content, 2)
	if err != nil || len(parts) < 2 || len(parts[1].content) < 2 {
		return false
	}
	sum := sha1.Sum(parts[1].content[1:])
	return bytes.Equal(sum[:], id)
}
