// Package forge makes certificates and signatures for tests, good ones and
// forged ones, under a clock that stands still. Keys are made anew each time;
// nothing here is worth stealing.
package forge

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"
)

// Now is the moment at which everything in the forge happens.
func Now() time.Time { return time.Date(2026, time.November, 23, 10, 0, 0, 0, time.UTC) }

// A Party is somebody with a certificate and its key.
type Party struct {
	Cert   *x509.Certificate
	Key    crypto.Signer
	Issuer *Party // nil of a root
	town   *Town
}

// A Town is a small world of certificates: a root, an authority under it, and
// whoever is issued one.
type Town struct {
	Root, Authority *Party
	tb              testing.TB
	serial          int64
}

// NewTown founds a town.
func NewTown(tb testing.TB) *Town {
	tb.Helper()
	t := &Town{tb: tb, serial: 1000}
	t.Root = t.root("Root of the forge", EC(tb, elliptic.P384()))
	t.Authority = t.Root.Issue("Authority of the forge", EC(tb, elliptic.P256()), CA(0))
	return t
}

// Root founds another root in the same town: a stranger with any name.
func (t *Town) NewRoot(name string) *Party { return t.root(name, EC(t.tb, elliptic.P256())) }

func (t *Town) root(name string, key crypto.Signer) *Party {
	p := &Party{Key: key, town: t}
	template := t.template(name)
	CA(-1)(template)
	p.Cert = t.make(template, template, key.Public(), key)
	return p
}

// An Option changes a certificate before it is signed.
type Option func(*x509.Certificate)

// CA makes a certificate one of an authority, with so many below it; -1 for
// any number.
func CA(below int) Option {
	return func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid = true, true
		c.MaxPathLen, c.MaxPathLenZero = below, below == 0
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		c.ExtKeyUsage = nil
	}
}

// Mail gives a certificate addresses.
func Mail(addresses ...string) Option {
	return func(c *x509.Certificate) { c.EmailAddresses = addresses }
}

// Usage sets what a key is for.
func Usage(usage x509.KeyUsage, extended ...x509.ExtKeyUsage) Option {
	return func(c *x509.Certificate) { c.KeyUsage, c.ExtKeyUsage = usage, extended }
}

// Valid sets the days of validity.
func Valid(from, to time.Time) Option {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, to }
}

// Named sets the subject.
func Named(subject pkix.Name) Option { return func(c *x509.Certificate) { c.Subject = subject } }

// Authority is the usage of a time-stamping authority: critical and alone.
func Stamping() Option {
	return func(c *x509.Certificate) {
		c.ExtKeyUsage = nil
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{
			Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true,
			Value: TLV(0x30, OID("1.3.6.1.5.5.7.3.8")),
		})
	}
}

// Issue certifies a key.
func (p *Party) Issue(name string, key crypto.Signer, options ...Option) *Party {
	t := p.town
	t.tb.Helper()
	template := t.template(name)
	template.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
	for _, o := range options {
		o(template)
	}
	return &Party{Cert: t.make(template, p.Cert, key.Public(), p.Key), Key: key, Issuer: p, town: t}
}

func (t *Town) template(name string) *x509.Certificate {
	t.serial++
	return &x509.Certificate{
		SerialNumber: big.NewInt(t.serial), Subject: pkix.Name{CommonName: name, Country: []string{"PL"}},
		NotBefore: Now().AddDate(-1, 0, 0), NotAfter: Now().AddDate(2, 0, 0),
	}
}

func (t *Town) make(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) *x509.Certificate {
	t.tb.Helper()
	if template.SubjectKeyId == nil {
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			t.tb.Fatalf("forge: public key: %v", err)
		}
		sum := sha1.Sum(der)
		template.SubjectKeyId = sum[:]
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		t.tb.Fatalf("forge: certificate: %v", err)
	}
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		t.tb.Fatalf("forge: certificate: %v", err)
	}
	return c
}

// Chain lists the certificates from the party's own up to, without, the root.
func (p *Party) Chain() (list []*x509.Certificate) {
	for ; p != nil && p.Issuer != nil; p = p.Issuer {
		list = append(list, p.Cert)
	}
	return list
}

// EC makes a key on a curve.
func EC(tb testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		tb.Fatalf("forge: key: %v", err)
	}
	return k
}

// Ed makes an Ed25519 key.
func Ed(tb testing.TB) ed25519.PrivateKey {
	tb.Helper()
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatalf("forge: key: %v", err)
	}
	return k
}

// A mint makes an RSA key of one size once: they are slow to make.
type mint struct {
	once sync.Once
	key  *rsa.PrivateKey
	err  error
}

var mints = map[int]*mint{1024: {}, 2048: {}, 3072: {}}

// RSA gives the key of 1024, 2048 or 3072 bits, the same for a whole run.
func RSA(tb testing.TB, bits int) *rsa.PrivateKey {
	tb.Helper()
	m := mints[bits]
	m.once.Do(func() { m.key, m.err = rsa.GenerateKey(rand.Reader, bits) })
	if m.err != nil {
		tb.Fatalf("forge: key: %v", m.err)
	}
	return m.key
}

// PEM writes certificates as files have them.
func PEM(certs ...*x509.Certificate) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// KeyPEM writes a key as PKCS #8.
func KeyPEM(tb testing.TB, key crypto.Signer) []byte {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatalf("forge: key: %v", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Flip gives bytes with one bit turned.
func Flip(b []byte, bit int) []byte {
	out := slices.Clone(b)
	out[bit/8] ^= 1 << (bit % 8)
	return out
}
