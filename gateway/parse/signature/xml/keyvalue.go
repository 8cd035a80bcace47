package xml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"math/big"
)

// rsaKey reads a bare RSA key.
func rsaKey(k *node) (crypto.PublicKey, *Problem) {
	n, err1 := base64Text(k.child(spaceDS, "Modulus"))
	e, err2 := base64Text(k.child(spaceDS, "Exponent"))
	if err1 != nil || err2 != nil || len(n) > 1024 || len(e) == 0 || len(e) > 4 {
		return nil, problem(subFormat, CodeStructure, "the key is malformed")
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
}

// ecKey reads a bare key of a curve that is named.
func ecKey(k *node) (crypto.PublicKey, *Problem) {
	point, err := base64Text(k.child(spaceDS11, "PublicKey"))
	if err != nil {
		return nil, problem(subFormat, CodeStructure, "the key is malformed")
	}
	var curve elliptic.Curve
	switch k.child(spaceDS11, "NamedCurve").attrOf("URI") {
	case "urn:oid:1.2.840.10045.3.1.7":
		curve = elliptic.P256()
	case "urn:oid:1.3.132.0.34":
		curve = elliptic.P384()
	case "urn:oid:1.3.132.0.35":
		curve = elliptic.P521()
	default:
		return nil, problem(subGeneric, CodeUnsupported, "the curve is not supported")
	}
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, problem(subFormat, CodeStructure, "the key is malformed")
	}
	return key, nil
}
