package cms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	_ "crypto/md5" // told, never trusted
	"crypto/rsa"
	_ "crypto/sha1" // told, never trusted
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// digestOf gives the hash of an algorithm identifier, 0 if it is unknown.
func digestOf(id string) crypto.Hash {
	switch id {
	case "1.2.840.113549.2.5":
		return crypto.MD5
	case "1.3.14.3.2.26":
		return crypto.SHA1
	case "2.16.840.1.101.3.4.2.4":
		return crypto.SHA224
	case "2.16.840.1.101.3.4.2.1":
		return crypto.SHA256
	case "2.16.840.1.101.3.4.2.2":
		return crypto.SHA384
	case "2.16.840.1.101.3.4.2.3":
		return crypto.SHA512
	case "2.16.840.1.101.3.4.2.6":
		return crypto.SHA512_256
	case "2.16.840.1.101.3.4.2.7":
		return crypto.SHA3_224
	case "2.16.840.1.101.3.4.2.8":
		return crypto.SHA3_256
	case "2.16.840.1.101.3.4.2.9":
		return crypto.SHA3_384
	case "2.16.840.1.101.3.4.2.10":
		return crypto.SHA3_512
	}
	return 0
}

// weak reports whether others with the same digest can be made.
func weak(h crypto.Hash) bool { return h == crypto.SHA1 || h == crypto.MD5 }

// A scheme is how a signature value is checked.
type scheme struct {
	name   string
	kind   keyKind
	pss    bool
	salt   int
	plain  bool        // r and s side by side, as the BSI writes them
	digest crypto.Hash // 0: the digest algorithm of the signer
}

type keyKind int

const (
	rsaKey keyKind = iota + 1
	ecKey
	edKey
)

// errUnsupported names an algorithm that is not known here: doubt, not failure.
var errUnsupported = errors.New("unsupported algorithm")

// schemeOf reads a signature algorithm.
func schemeOf(id string, params []byte) (scheme, error) {
	const (
		pkcs1, ec, nist, bsi = "1.2.840.113549.1.1.", "1.2.840.10045.4.", "2.16.840.1.101.3.4.3.", "0.4.0.127.0.7.1.1.4.1."
	)
	s, known := map[string]scheme{
		pkcs1 + "1":          {kind: rsaKey},
		pkcs1 + "4":          {kind: rsaKey, digest: crypto.MD5},
		pkcs1 + "5":          {kind: rsaKey, digest: crypto.SHA1},
		"1.3.14.3.2.29":      {kind: rsaKey, digest: crypto.SHA1},
		pkcs1 + "14":         {kind: rsaKey, digest: crypto.SHA224},
		pkcs1 + "11":         {kind: rsaKey, digest: crypto.SHA256},
		pkcs1 + "12":         {kind: rsaKey, digest: crypto.SHA384},
		pkcs1 + "13":         {kind: rsaKey, digest: crypto.SHA512},
		nist + "13":          {kind: rsaKey, digest: crypto.SHA3_224},
		nist + "14":          {kind: rsaKey, digest: crypto.SHA3_256},
		nist + "15":          {kind: rsaKey, digest: crypto.SHA3_384},
		nist + "16":          {kind: rsaKey, digest: crypto.SHA3_512},
		"1.2.840.10045.2.1":  {kind: ecKey}, // QUIRK: the key's identifier where the signature's is due
		ec + "1":             {kind: ecKey, digest: crypto.SHA1},
		ec + "3.1":           {kind: ecKey, digest: crypto.SHA224},
		ec + "3.2":           {kind: ecKey, digest: crypto.SHA256},
		ec + "3.3":           {kind: ecKey, digest: crypto.SHA384},
		ec + "3.4":           {kind: ecKey, digest: crypto.SHA512},
		nist + "9":           {kind: ecKey, digest: crypto.SHA3_224},
		nist + "10":          {kind: ecKey, digest: crypto.SHA3_256},
		nist + "11":          {kind: ecKey, digest: crypto.SHA3_384},
		nist + "12":          {kind: ecKey, digest: crypto.SHA3_512},
		bsi + "1":            {kind: ecKey, digest: crypto.SHA1, plain: true},
		bsi + "2":            {kind: ecKey, digest: crypto.SHA224, plain: true},
		bsi + "3":            {kind: ecKey, digest: crypto.SHA256, plain: true},
		bsi + "4":            {kind: ecKey, digest: crypto.SHA384, plain: true},
		bsi + "5":            {kind: ecKey, digest: crypto.SHA512, plain: true},
		"1.3.101.112":        {kind: edKey},
		"1.2.840.113549.1.1": {},
	}[id]
	switch {
	case id == pkcs1+"10":
		return pssScheme(params)
	case !known || s.kind == 0:
		return s, fmt.Errorf("%w: signature %s", errUnsupported, id)
	}
	s.name = map[keyKind]string{rsaKey: "RSA", ecKey: "ECDSA", edKey: "Ed25519"}[s.kind]
	return s, nil
}

// pssScheme reads the parameters of RSASSA-PSS (RFC 4055 § 3.1).
func pssScheme(params []byte) (scheme, error) {
	s := scheme{name: "RSA-PSS", kind: rsaKey, pss: true, salt: 20, digest: crypto.SHA1}
	mask := crypto.SHA1
	seq, _, ok, err := optional(params, tagSequence)
	if err != nil || !ok {
		return s, err
	}
	fields, err := members(seq.content, 4)
	if err != nil {
		return s, err
	}
	for _, f := range fields {
		inner, _, err := next(f.content)
		if err != nil {
			return s, err
		}
		switch f.tag {
		case tagContext:
			s.digest, err = hashIdentifier(inner)
		case tagContext + 1:
			mask, err = maskHash(inner)
		case tagContext + 2:
			s.salt, err = small(inner)
		}
		if err != nil {
			return s, err
		}
	}
	if mask != s.digest {
		return s, fmt.Errorf("%w: RSA-PSS with two digests", errUnsupported)
	}
	return s, nil
}

func hashIdentifier(e element) (crypto.Hash, error) {
	id, _, err := algorithm(e.content)
	if err != nil {
		return 0, err
	}
	if h := digestOf(id); h != 0 {
		return h, nil
	}
	return 0, fmt.Errorf("%w: digest %s", errUnsupported, id)
}

func maskHash(e element) (crypto.Hash, error) {
	id, params, err := algorithm(e.content)
	if err != nil {
		return 0, err
	}
	if id != "1.2.840.113549.1.1.8" {
		return 0, fmt.Errorf("%w: mask generation %s", errUnsupported, id)
	}
	inner, _, err := take(params, tagSequence)
	if err != nil {
		return 0, err
	}
	return hashIdentifier(inner)
}

func small(e element) (int, error) {
	if e.tag != tagInteger || len(e.content) == 0 || len(e.content) > 3 || e.content[0]&0x80 != 0 {
		return 0, fmt.Errorf("%w: a small number is due", errBER)
	}
	n := 0
	for _, c := range e.content {
		n = n<<8 | int(c)
	}
	return n, nil
}

// Key sizes: what is below is told as weak, what is above costs too much.
const (
	leastRSA, shortRSA, mostRSA = 2048, 3072, 8192
	verifiableRSA               = 1024 // the library refuses less
)

var (
	errValue    = errors.New("the signature value does not verify")
	errWeakKey  = errors.New("the key is too short to be checked")
	errKeyLarge = fmt.Errorf("RSA key: %w", errLimit)
	errKeyKind  = errors.New("the key is of another kind than the signature")
)

// verify checks a signature value over a message, or over its digest in h.
func (s scheme) verify(key crypto.PublicKey, h crypto.Hash, message, digest, value []byte) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return s.rsa(k, h, digest, value)
	case *ecdsa.PublicKey:
		if s.kind != ecKey {
			return errKeyKind
		}
		if s.plain {
			value = fromPlain(value)
		}
		if !ecdsa.VerifyASN1(k, digest, value) {
			return errValue
		}
		return nil
	case ed25519.PublicKey:
		if s.kind != edKey {
			return errKeyKind
		}
		if message == nil {
			return fmt.Errorf("%w: Ed25519 over a content that is not held", errUnsupported)
		}
		if !ed25519.Verify(k, message, value) {
			return errValue
		}
		return nil
	}
	return fmt.Errorf("%w: key %T", errUnsupported, key)
}

func (s scheme) rsa(k *rsa.PublicKey, h crypto.Hash, digest, value []byte) error {
	switch {
	case s.kind != rsaKey:
		return errKeyKind
	case k.N.BitLen() < verifiableRSA:
		return errWeakKey
	case k.N.BitLen() > mostRSA:
		return errKeyLarge
	case s.pss:
		if rsa.VerifyPSS(k, h, digest, value, &rsa.PSSOptions{SaltLength: s.salt, Hash: h}) != nil {
			return errValue
		}
		return nil
	case rsa.VerifyPKCS1v15(k, h, digest, value) != nil:
		return errValue
	}
	return nil
}

// fromPlain writes r and s as ASN.1 has them.
func fromPlain(value []byte) []byte {
	half := len(value) / 2
	number := func(b []byte) []byte {
		n := new(big.Int).SetBytes(b).Bytes()
		if len(n) == 0 || n[0]&0x80 != 0 {
			n = append([]byte{0}, n...)
		}
		return wrap(tagInteger, n)
	}
	return wrap(tagSequence, number(value[:half]), number(value[half:]))
}

// curveOf gives a curve by its identifier.
func curveOf(id string) elliptic.Curve {
	switch id {
	case "1.2.840.10045.3.1.7":
		return elliptic.P256()
	case "1.3.132.0.34":
		return elliptic.P384()
	case "1.3.132.0.35":
		return elliptic.P521()
	case "1.3.132.0.33":
		return elliptic.P224()
	}
	return nil
}

// hashName writes a digest algorithm as people do.
func hashName(h crypto.Hash) string { return strings.ReplaceAll(h.String(), "SHA3", "SHA-3") }
