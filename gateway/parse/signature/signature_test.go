package signature

import (
	"crypto/sha256"

	"kancelaria/registry"
)

func digestOf(b []byte) registry.Digest { return registry.Digest(sha256.Sum256(b)) }
