package seal

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
)

// The identifiers of what is written.
var (
	idData        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	idSigned      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	idContentType = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	idDigest      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	idTime        = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	idCertificate = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	idSHA256      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	idSHA512      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	idRSA         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	idECDSA       = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	idEd25519     = asn1.ObjectIdentifier{1, 3, 101, 112}
)

// The structures of RFC 5652 § 5, as far as they are written.
type (
	contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content signedData `asn1:"explicit,tag:0"`
	}
	signedData struct {
		Version      int
		Digests      []pkix.AlgorithmIdentifier `asn1:"set"`
		Content      encapsulated
		Certificates asn1.RawValue
		Signers      []signerInfo `asn1:"set"`
	}
	encapsulated struct{ Type asn1.ObjectIdentifier }
	signerInfo   struct {
		Version    int
		Signer     issuerAndSerial
		Digest     pkix.AlgorithmIdentifier
		Attributes asn1.RawValue
		Signature  pkix.AlgorithmIdentifier
		Value      []byte
	}
	issuerAndSerial struct {
		Issuer asn1.RawValue
		Serial *big.Int
	}
	attribute struct {
		ID     asn1.ObjectIdentifier
		Values asn1.RawValue
	}
)

// cms signs a part detached: content type, digest, time, and the certificate
// itself, as an advanced signature does (EN 319 122-1, B-B).
func (s *Seal) cms(part []byte) ([]byte, error) {
	how := s.scheme()
	attributes, err := s.attributes(how.sum(part))
	if err != nil {
		return nil, err
	}
	value, err := s.value(how, raw(asn1.TagSet, asn1.ClassUniversal, attributes).FullBytes)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	own := s.chain[0]
	var certificates []byte
	for _, c := range s.chain {
		certificates = append(certificates, c.Raw...)
	}
	return asn1.Marshal(contentInfo{idSigned, signedData{
		Version: 1, Digests: []pkix.AlgorithmIdentifier{{Algorithm: how.digest}}, Content: encapsulated{idData},
		Certificates: raw(0, asn1.ClassContextSpecific, certificates),
		Signers: []signerInfo{{
			Version: 1, Signer: issuerAndSerial{asn1.RawValue{FullBytes: own.RawIssuer}, own.SerialNumber},
			Digest: pkix.AlgorithmIdentifier{Algorithm: how.digest}, Attributes: raw(0, asn1.ClassContextSpecific, attributes),
			Signature: how.signature, Value: value,
		}},
	}})
}

// A scheme is how the key signs.
type scheme struct {
	digest    asn1.ObjectIdentifier
	signature pkix.AlgorithmIdentifier
	sum       func([]byte) []byte
}

func (s *Seal) scheme() scheme {
	how := scheme{digest: idSHA256, sum: func(b []byte) []byte { sum := sha256.Sum256(b); return sum[:] }}
	switch s.key.(type) {
	case *ecdsa.PrivateKey:
		how.signature.Algorithm = idECDSA
	case ed25519.PrivateKey: // RFC 8419 § 3.1
		how.digest, how.signature.Algorithm = idSHA512, idEd25519
		how.sum = func(b []byte) []byte { sum := sha512.Sum512(b); return sum[:] }
	default:
		how.signature = pkix.AlgorithmIdentifier{Algorithm: idRSA, Parameters: asn1.NullRawValue}
	}
	return how
}

func (s *Seal) value(how scheme, message []byte) ([]byte, error) {
	if _, ed := s.key.(ed25519.PrivateKey); ed {
		return s.key.Sign(rand.Reader, message, crypto.Hash(0))
	}
	return s.key.Sign(rand.Reader, how.sum(message), crypto.SHA256)
}

// attributes writes what is stated beside the part, in the order of DER.
func (s *Seal) attributes(digest []byte) ([]byte, error) {
	own := sha256.Sum256(s.chain[0].Raw)
	certificate := []([]struct{ Digest []byte }){{{own[:]}}}
	var all [][]byte
	for _, a := range []struct {
		id    asn1.ObjectIdentifier
		value any
	}{
		{idContentType, idData}, {idDigest, digest}, {idTime, s.o.Now().UTC()}, {idCertificate, certificate},
	} {
		value, err := asn1.Marshal(a.value)
		if err != nil {
			return nil, fmt.Errorf("writing an attribute: %w", err)
		}
		der, err := asn1.Marshal(attribute{a.id, raw(asn1.TagSet, asn1.ClassUniversal, value)})
		if err != nil {
			return nil, fmt.Errorf("writing an attribute: %w", err)
		}
		all = append(all, der)
	}
	slices.SortFunc(all, bytes.Compare)
	return bytes.Join(all, nil), nil
}

// raw makes a constructed value.
func raw(tag, class int, content []byte) asn1.RawValue {
	v := asn1.RawValue{Tag: tag, Class: class, IsCompound: true, Bytes: content}
	full, err := asn1.Marshal(v)
	if err == nil {
		v.FullBytes = full
	}
	return v
}
