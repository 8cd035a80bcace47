package signature

import (
	"crypto"
	_ "crypto/md5"  // told, never trusted
	_ "crypto/sha1" // told, never trusted
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
)

// hashOfURI gives the hash of an algorithm as XML names it, 0 if it is unknown.
func hashOfURI(uri string) crypto.Hash {
	switch uri {
	case "http://www.w3.org/2000/09/xmldsig#sha1":
		return crypto.SHA1
	case "http://www.w3.org/2001/04/xmldsig-more#sha224":
		return crypto.SHA224
	case "http://www.w3.org/2001/04/xmlenc#sha256":
		return crypto.SHA256
	case "http://www.w3.org/2001/04/xmldsig-more#sha384":
		return crypto.SHA384
	case "http://www.w3.org/2001/04/xmlenc#sha512":
		return crypto.SHA512
	case "http://www.w3.org/2007/05/xmldsig-more#sha3-256":
		return crypto.SHA3_256
	case "http://www.w3.org/2007/05/xmldsig-more#sha3-384":
		return crypto.SHA3_384
	case "http://www.w3.org/2007/05/xmldsig-more#sha3-512":
		return crypto.SHA3_512
	}
	return 0
}
