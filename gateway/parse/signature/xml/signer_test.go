package xml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
)

// A signer makes signatures for tests, with the canonicalisation under test;
// xmlsec1 is asked elsewhere whether that is the right one.
type signer struct {
	key       crypto.Signer
	cert      []byte
	algorithm string
	hash      crypto.Hash
	resolve   Resolver
}

var keys = sync.OnceValue(func() map[string]crypto.Signer {
	all := map[string]crypto.Signer{}
	for name, bits := range map[string]int{"rsa": 2048, "rsa-small": 1024} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		all[name] = key
	}
	for name, curve := range map[string]elliptic.Curve{"p256": elliptic.P256(), "p384": elliptic.P384(), "p521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			panic(err)
		}
		all[name] = key
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	all["ed25519"] = key
	return all
})

func newSigner(t testing.TB, key, algorithm string, hash crypto.Hash) *signer {
	t.Helper()
	s := &signer{key: keys()[key], algorithm: algorithm, hash: hash}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "referent ds. zieleni"},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	var err error
	if s.cert, err = x509.CreateCertificate(rand.Reader, template, template, s.key.Public(), s.key); err != nil {
		t.Fatal(err)
	}
	return s
}

func rsaSigner(t testing.TB) *signer {
	return newSigner(t, "rsa", spaceMore+"rsa-sha256", crypto.SHA256)
}

// signature is a ds:Signature without digests and value. References stand
// before the one to the signed properties.
func (s *signer) signature(references, role, objects string) string {
	sum := sha256.Sum256(s.cert)
	return `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="s1"><ds:SignedInfo>` +
		`<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="` + s.algorithm + `"/>` + references +
		refTo("#p1", `Type="http://uri.etsi.org/01903#SignedProperties"`, c14nExcl) +
		`</ds:SignedInfo><ds:SignatureValue Id="v1">@value</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>` + base64.StdEncoding.EncodeToString(s.cert) +
		`</ds:X509Certificate></ds:X509Data></ds:KeyInfo><ds:Object>` +
		`<xades:QualifyingProperties xmlns:xades="http://uri.etsi.org/01903/v1.3.2#" Target="#s1"><xades:SignedProperties Id="p1"><xades:SignedSignatureProperties>` +
		`<xades:SigningTime>2026-11-24T10:15:00Z</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest>` +
		`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>` + base64.StdEncoding.EncodeToString(sum[:]) +
		`</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2>` + role +
		`</xades:SignedSignatureProperties></xades:SignedProperties></xades:QualifyingProperties></ds:Object>` + objects + `</ds:Signature>`
}

// refTo is a ds:Reference without a digest.
func refTo(uri, more string, transforms ...string) string {
	var b strings.Builder
	b.WriteString(`<ds:Reference URI="` + uri + `" ` + more + `>`)
	if len(transforms) > 0 {
		b.WriteString("<ds:Transforms>")
		for _, t := range transforms {
			algorithm, body, _ := strings.Cut(t, "|")
			b.WriteString(`<ds:Transform Algorithm="` + algorithm + `">` + body + `</ds:Transform>`)
		}
		b.WriteString("</ds:Transforms>")
	}
	b.WriteString(`<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>@digest</ds:DigestValue></ds:Reference>`)
	return b.String()
}

const letter = `<pismo xmlns="urn:pismo" xmlns:a="urn:a" a:nr="1"><tytul>Wniosek</tytul><tresc Id="t1">kwota 100 zł</tresc>@signature</pismo>`

// enveloped is a letter with its signature inside.
func (s *signer) enveloped(t testing.TB, role string) string {
	return s.sign(t, strings.Replace(letter, "@signature", s.signature(refTo("", "", transformEnveloped, c14nExcl), role, ""), 1))
}

// enveloping is a signature around a file.
func (s *signer) enveloping(t testing.TB, role string) string {
	return s.sign(t, s.signature(refTo("#o1", "", transformBase64), role, `<ds:Object Id="o1" Encoding="`+transformBase64+`" MimeType="text/plain">`+base64.StdEncoding.EncodeToString([]byte("treść pisma"))+`</ds:Object>`))
}

// sign fills in digests and value of the last signature that lacks them.
func (s *signer) sign(t testing.TB, doc string) string {
	t.Helper()
	for strings.Contains(doc, "@digest") {
		d, el := s.open(t, doc)
		for _, r := range el.child(spaceDS, "SignedInfo").children(spaceDS, "Reference") {
			if r.child(spaceDS, "DigestValue").content() != "@digest" {
				continue
			}
			c, p := d.target(r, el)
			if p != nil {
				t.Fatal(p)
			}
			octets, p := d.transformed(r, el, c)
			if p != nil {
				t.Fatal(p)
			}
			sum := sha256.Sum256(octets)
			doc = strings.Replace(doc, "@digest", base64.StdEncoding.EncodeToString(sum[:]), 1)
			break
		}
	}
	_, el := s.open(t, doc)
	info := el.child(spaceDS, "SignedInfo")
	canon := info.child(spaceDS, "CanonicalizationMethod")
	m, _ := methodOf(canon.attr("Algorithm"), canon)
	octets, err := canonical(set{tops: []*node{info}, comments: true}, m, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(doc, "@value", base64.StdEncoding.EncodeToString(s.value(t, octets)), 1)
}

func (s *signer) open(t testing.TB, doc string) (*document, *node) {
	t.Helper()
	limits := Limits{}.orDefault()
	tree, err := parse([]byte(doc), limits)
	if err != nil {
		t.Fatal(err)
	}
	d := &document{tree: tree, limits: limits, left: limits.Digested, stop: t.Context().Err, resolve: s.resolve, parsed: map[string]*node{}}
	d.index()
	var last *node
	tree.walk(func(n *node) bool {
		if n.is(spaceDS, "Signature") && strings.Contains(n.content(), "@value") {
			last = n
		}
		return true
	})
	return d, last
}

func (s *signer) value(t testing.TB, octets []byte) []byte {
	t.Helper()
	var opts crypto.SignerOpts = s.hash
	sum := octets
	if _, ed := s.key.(ed25519.PrivateKey); ed {
		opts = crypto.Hash(0)
	} else {
		h := s.hash.New()
		h.Write(octets)
		sum = h.Sum(nil)
	}
	if strings.HasSuffix(s.algorithm, "MGF1") {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: s.hash}
	}
	value, err := s.key.Sign(rand.Reader, sum, opts)
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := s.key.Public().(*ecdsa.PublicKey); ok {
		var rs struct{ R, S *big.Int }
		if _, err := asn1.Unmarshal(value, &rs); err != nil {
			t.Fatal(err)
		}
		size := (key.Curve.Params().BitSize + 7) / 8
		value = append(rs.R.FillBytes(make([]byte, size)), rs.S.FillBytes(make([]byte, size))...)
	}
	return value
}

func check1(t testing.TB, doc string, resolve Resolver) *Document {
	t.Helper()
	d, err := Read(t.Context(), strings.NewReader(doc), resolve, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// verdict tells the last signature in one line.
func verdict(d *Document) string {
	if d.Problem != nil {
		return d.Problem.Sub + " " + d.Problem.Code
	}
	if len(d.Signatures) == 0 {
		return "none"
	}
	s := d.Signatures[len(d.Signatures)-1]
	if s.Problem != nil {
		return s.Problem.Sub + " " + s.Problem.Code
	}
	if !s.Intact {
		return "not intact and no reason"
	}
	return "intact " + string(s.Covers)
}
