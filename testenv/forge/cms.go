package forge

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha3"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TLV writes one value of DER.
func TLV(tag byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	out := []byte{tag}
	switch n := len(body); {
	case n < 0x80:
		out = append(out, byte(n))
	case n < 0x100:
		out = append(out, 0x81, byte(n))
	case n < 0x10000:
		out = append(out, 0x82, byte(n>>8), byte(n))
	default:
		out = append(out, 0x84, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return append(out, body...)
}

// OID writes an object identifier given in dots.
func OID(dotted string) []byte {
	var id asn1.ObjectIdentifier
	for _, part := range strings.Split(dotted, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			panic("forge: object identifier " + dotted)
		}
		id = append(id, n)
	}
	out, err := asn1.Marshal(id)
	if err != nil {
		panic("forge: object identifier " + dotted)
	}
	return out
}

// An Attribute of a signer, its values as they stand.
type Attribute struct {
	ID     string
	Values [][]byte
}

// A Seal describes one SignerInfo. The zero value of all but By is usual.
type Seal struct {
	By      *Party
	Digest  crypto.Hash // default SHA-256
	PSS     bool
	Plain   bool   // r and s side by side
	Scheme  string // another identifier than the right one
	KeyID   bool   // named by key identifier
	Bare    bool   // no signed attributes
	At      time.Time
	Named   *x509.Certificate // signing-certificate-v2; default By's
	Unnamed bool              // no such attribute
	Extra   []Attribute       // more signed attributes
	Type    string            // content type that is stated
	Sum     []byte            // message digest that is stated
	// Later gives unsigned attributes over the value.
	Later func(value []byte) []Attribute
}

// A CMS describes SignedData.
type CMS struct {
	Content  []byte
	Attached bool
	Inside   []byte // stands inside instead of Content
	Type     string // default data
	Seals    []Seal
	Others   []*x509.Certificate
	Naked    bool     // no certificates
	CRLs     [][]byte // content of the revocation field
}

const data = "1.2.840.113549.1.7.1"

// Make writes the SignedData.
func (c CMS) Make(tb testing.TB) []byte {
	tb.Helper()
	kind := orElse(c.Type, data)
	encap := [][]byte{OID(kind)}
	inside := c.Inside
	if c.Attached {
		inside = c.Content
	}
	if inside != nil {
		encap = append(encap, TLV(0xa0, TLV(0x04, inside)))
	}
	var algorithms, infos, certs [][]byte
	for _, s := range c.Seals {
		algorithms = append(algorithms, TLV(0x30, OID(digestID(s.digest()))))
		infos = append(infos, s.info(tb, c.Content, kind))
		for _, cert := range s.By.Chain() {
			certs = append(certs, cert.Raw)
		}
	}
	for _, cert := range c.Others {
		certs = append(certs, cert.Raw)
	}
	parts := [][]byte{{0x02, 1, 1}, TLV(0x31, algorithms...), TLV(0x30, encap...)}
	if !c.Naked {
		parts = append(parts, TLV(0xa0, certs...))
	}
	if c.CRLs != nil {
		parts = append(parts, TLV(0xa1, c.CRLs...))
	}
	parts = append(parts, TLV(0x31, infos...))
	return TLV(0x30, OID("1.2.840.113549.1.7.2"), TLV(0xa0, TLV(0x30, parts...)))
}

// Info writes one SignerInfo over content, as countersignatures are.
func (s Seal) Info(tb testing.TB, content []byte) []byte { return s.info(tb, content, data) }

func (s Seal) digest() crypto.Hash {
	if s.Digest == 0 {
		return crypto.SHA256
	}
	return s.Digest
}

func (s Seal) info(tb testing.TB, content []byte, kind string) []byte {
	tb.Helper()
	h := s.digest()
	id := TLV(0x30, s.By.Cert.RawIssuer, must(asn1.Marshal(s.By.Cert.SerialNumber)))
	version := byte(1)
	if s.KeyID {
		id, version = TLV(0x80, s.By.Cert.SubjectKeyId), 3
	}
	parts := [][]byte{{0x02, 1, version}, id, TLV(0x30, OID(digestID(h)))}
	message := content
	if !s.Bare {
		signed := s.attributes(h, content, kind)
		message = TLV(0x31, signed...)
		parts = append(parts, TLV(0xa0, signed...))
	}
	value := s.value(tb, h, message)
	parts = append(parts, TLV(0x30, s.scheme(h)...), TLV(0x04, value))
	if s.Later != nil {
		var later [][]byte
		for _, a := range s.Later(value) {
			later = append(later, a.der())
		}
		parts = append(parts, TLV(0xa1, later...))
	}
	return TLV(0x30, parts...)
}

func (a Attribute) der() []byte { return TLV(0x30, OID(a.ID), TLV(0x31, a.Values...)) }

func (s Seal) attributes(h crypto.Hash, content []byte, kind string) [][]byte {
	sum := s.Sum
	if sum == nil {
		sum = Sum(h, content)
	}
	list := [][]byte{
		Attribute{"1.2.840.113549.1.9.3", [][]byte{OID(orElse(s.Type, kind))}}.der(),
		Attribute{"1.2.840.113549.1.9.4", [][]byte{TLV(0x04, sum)}}.der(),
	}
	at := s.At
	if at.IsZero() {
		at = Now()
	}
	list = append(list, Attribute{"1.2.840.113549.1.9.5", [][]byte{TLV(0x17, []byte(at.UTC().Format("060102150405Z")))}}.der())
	if !s.Unnamed {
		named := s.Named
		if named == nil {
			named = s.By.Cert
		}
		list = append(list, Attribute{"1.2.840.113549.1.9.16.2.47", [][]byte{TLV(0x30, TLV(0x30, TLV(0x30, TLV(0x04, Sum(crypto.SHA256, named.Raw)))))}}.der())
	}
	for _, a := range s.Extra {
		list = append(list, a.der())
	}
	slices.SortFunc(list, bytes.Compare)
	return list
}

func (s Seal) scheme(h crypto.Hash) [][]byte {
	if s.Scheme != "" {
		return [][]byte{OID(s.Scheme)}
	}
	n := map[crypto.Hash]string{crypto.SHA1: "0", crypto.SHA256: "2", crypto.SHA384: "3", crypto.SHA512: "4"}
	switch s.By.Key.(type) {
	case *ecdsa.PrivateKey:
		switch {
		case s.Plain:
			return [][]byte{OID("0.4.0.127.0.7.1.1.4.1." + map[crypto.Hash]string{crypto.SHA256: "3", crypto.SHA384: "4", crypto.SHA512: "5"}[h])}
		case h == crypto.SHA3_256:
			return [][]byte{OID("2.16.840.1.101.3.4.3.10")}
		case h == crypto.SHA1:
			return [][]byte{OID("1.2.840.10045.4.1")}
		}
		return [][]byte{OID("1.2.840.10045.4.3." + n[h])}
	case ed25519.PrivateKey:
		return [][]byte{OID("1.3.101.112")}
	}
	if s.PSS {
		hash := TLV(0x30, OID(digestID(h)))
		return [][]byte{OID("1.2.840.113549.1.1.10"), TLV(0x30, TLV(0xa0, hash), TLV(0xa1, TLV(0x30, OID("1.2.840.113549.1.1.8"), hash)), TLV(0xa2, []byte{2, 1, byte(h.Size())}))}
	}
	if h == crypto.SHA3_256 {
		return [][]byte{OID("2.16.840.1.101.3.4.3.14")}
	}
	return [][]byte{OID("1.2.840.113549.1.1.1"), {5, 0}}
}

func (s Seal) value(tb testing.TB, h crypto.Hash, message []byte) []byte {
	tb.Helper()
	var opts crypto.SignerOpts = h
	digest := Sum(h, message)
	switch k := s.By.Key.(type) {
	case ed25519.PrivateKey:
		digest, opts = message, crypto.Hash(0)
	case *rsa.PrivateKey:
		if s.PSS {
			opts = &rsa.PSSOptions{SaltLength: h.Size(), Hash: h}
		}
	case *ecdsa.PrivateKey:
		if s.Plain {
			r, sv, err := ecdsa.Sign(rand.Reader, k, digest)
			if err != nil {
				tb.Fatalf("forge: %v", err)
			}
			size := (k.Curve.Params().BitSize + 7) / 8
			return append(r.FillBytes(make([]byte, size)), sv.FillBytes(make([]byte, size))...)
		}
	}
	value, err := s.By.Key.Sign(rand.Reader, digest, opts)
	if err != nil {
		tb.Fatalf("forge: signing: %v", err)
	}
	return value
}

// Stamp makes a token of RFC 3161 over bytes.
func (p *Party) Stamp(tb testing.TB, over []byte, at time.Time) []byte {
	tb.Helper()
	info := TLV(0x30, []byte{2, 1, 1}, OID("1.2.3.4"), TLV(0x30, TLV(0x30, OID(digestID(crypto.SHA256))), TLV(0x04, Sum(crypto.SHA256, over))),
		[]byte{2, 1, 7}, TLV(0x18, []byte(at.UTC().Format("20060102150405Z"))))
	return CMS{Content: info, Attached: true, Type: "1.2.840.113549.1.9.16.1.4", Seals: []Seal{{By: p}}}.Make(tb)
}

// Sum digests bytes.
func Sum(h crypto.Hash, b []byte) []byte {
	w := h.New()
	_, _ = w.Write(b)
	return w.Sum(nil)
}

func digestID(h crypto.Hash) string {
	id, ok := map[crypto.Hash]string{
		crypto.MD5: "1.2.840.113549.2.5", crypto.SHA1: "1.3.14.3.2.26", crypto.SHA256: "2.16.840.1.101.3.4.2.1",
		crypto.SHA384: "2.16.840.1.101.3.4.2.2", crypto.SHA512: "2.16.840.1.101.3.4.2.3", crypto.SHA3_256: "2.16.840.1.101.3.4.2.8",
	}[h]
	if !ok {
		panic(fmt.Sprintf("forge: digest %v", h))
	}
	return id
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic("forge: " + err.Error())
	}
	return b
}
