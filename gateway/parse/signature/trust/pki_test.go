package trust

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"
)

// A town is a small world of authorities, with the clock at noon of 24
// November 2026.
type town struct {
	t                      *testing.T
	root, ca, signer, rsa1 *holder
	store                  *Store
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// A holder is a certificate with its key.
type holder struct {
	cert   *x509.Certificate
	key    crypto.Signer
	issuer *holder
}

var serial int64 = 100 // of the tests of this package, which run one by one

type change func(*x509.Certificate)

func issue(t *testing.T, name string, issuer *holder, changes ...change) *holder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return issueFor(t, name, issuer, key, changes...)
}

func issueFor(t *testing.T, name string, issuer *holder, key crypto.Signer, changes ...change) *holder {
	t.Helper()
	serial++
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name, Country: []string{"PL"}},
		NotBefore: noon.AddDate(-1, 0, 0), NotAfter: noon.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageContentCommitment, BasicConstraintsValid: true,
	}
	for _, change := range changes {
		change(c)
	}
	h := &holder{key: key, issuer: issuer}
	parent, signing := c, key
	if issuer != nil {
		parent, signing = issuer.cert, issuer.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signing)
	if err != nil {
		t.Fatal(err)
	}
	if h.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return h
}

func authority(c *x509.Certificate) {
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
}

func usage(u ...x509.ExtKeyUsage) change { return func(c *x509.Certificate) { c.ExtKeyUsage = u } }

func valid(from, until time.Time) change {
	return func(c *x509.Certificate) { c.NotBefore, c.NotAfter = from, until }
}

// qc adds the statements of a qualified certificate.
func qc(ids ...asn1.ObjectIdentifier) change {
	return func(c *x509.Certificate) {
		type statement struct {
			ID   asn1.ObjectIdentifier
			Info asn1.RawValue `asn1:"optional"`
		}
		all := []statement{{ID: asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 1}}}
		for _, id := range ids {
			if len(id) == 6 {
				all = append(all, statement{ID: id})
				continue
			}
			types, err := asn1.Marshal([]asn1.ObjectIdentifier{id})
			if err != nil {
				panic(err)
			}
			all = append(all, statement{ID: asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6}, Info: asn1.RawValue{FullBytes: types}})
		}
		value, err := asn1.Marshal(all)
		if err != nil {
			panic(err)
		}
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: idStatements, Value: value})
	}
}

var (
	onDevice     = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 4}
	forSignature = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6, 1}
	forSeal      = asn1.ObjectIdentifier{0, 4, 0, 1862, 1, 6, 2}
)

// crl makes a list of the holder's.
func (h *holder) crl(t *testing.T, from, until time.Time, revoked ...x509.RevocationListEntry) []byte {
	t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(from.Unix()), ThisUpdate: from, NextUpdate: until, RevokedCertificateEntries: revoked,
	}, h.cert, h.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func revoked(h *holder, at time.Time) x509.RevocationListEntry {
	return x509.RevocationListEntry{SerialNumber: h.cert.SerialNumber, RevocationTime: at}
}

// ocspOf makes an answer about h, signed by a responder.
func ocspOf(t *testing.T, h, responder *holder, status int, from time.Time) []byte {
	t.Helper()
	r := ocsp.Response{Status: status, SerialNumber: h.cert.SerialNumber, ThisUpdate: from, NextUpdate: from.Add(24 * time.Hour), RevokedAt: from}
	if responder != h.issuer {
		r.Certificate = responder.cert
	}
	der, err := ocsp.CreateResponse(h.issuer.cert, responder.cert, r, responder.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// sha1Signed signs a certificate again with SHA-1, which the library does not
// do any more.
func sha1Signed(t *testing.T, h *holder) *holder {
	t.Helper()
	var cert struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Value     asn1.BitString
	}
	if _, err := asn1.Unmarshal(h.cert.Raw, &cert); err != nil {
		t.Fatal(err)
	}
	tbs := []byte(strings.ReplaceAll(string(cert.TBS.FullBytes), "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05"))
	sum := sha1.Sum(tbs)
	value, err := h.issuer.key.Sign(rand.Reader, sum[:], crypto.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	cert.TBS = asn1.RawValue{FullBytes: tbs}
	cert.Algorithm.Algorithm = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 5}
	cert.Value = asn1.BitString{Bytes: value, BitLength: 8 * len(value)}
	der, err := asn1.Marshal(cert)
	if err != nil {
		t.Fatal(err)
	}
	out := *h
	if out.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return &out
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, store: New(t.TempDir(), Options{Now: func() time.Time { return noon }})}
	w.root = issue(t, "Root", nil, authority)
	w.ca = issue(t, "Authority", w.root, authority)
	w.signer = issue(t, "referent ds. zieleni", w.ca)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	w.rsa1 = issueFor(t, "Old authority", nil, key, authority)
	return w
}

func (w *town) bring(files ...File) []Outcome {
	w.t.Helper()
	out, err := w.store.Import(w.t.Context(), fakeCheck, files)
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// question asks about a certificate with fresh revocation lists of all.
func (w *town) question(h *holder) Question {
	q := Question{Signer: h.cert.Raw, At: noon, Received: noon}
	for at := h.issuer; at != nil; at = at.issuer {
		q.Certificates = append(q.Certificates, at.cert.Raw)
		if !at.cert.IsCA {
			continue
		}
		q.CRLs = append(q.CRLs, at.crl(w.t, noon.Add(-time.Hour), noon.Add(time.Hour)))
	}
	return q
}

// fakeCheck believes what stands at the end of a list. The true check is that
// of the room for XML, met by the tests on real lists.
func fakeCheck(_ context.Context, b []byte) ([]byte, error) {
	_, after, ok := strings.Cut(string(b), "<!--signer:")
	if !ok {
		return nil, fmt.Errorf("it is not signed")
	}
	return base64.StdEncoding.DecodeString(strings.TrimSuffix(strings.TrimSpace(after), "-->"))
}

// A tsl writes lists.
type tsl struct {
	territory string
	sequence  int
	lotl      bool
	next      time.Time
	pointers  map[string]*holder // by territory
	services  string
	signer    *holder
}

func (l tsl) file() File {
	kind := "EUgeneric"
	if l.lotl {
		kind = "EUlistofthelists"
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#"><SchemeInformation><TSLSequenceNumber>%d</TSLSequenceNumber><TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/%s</TSLType><SchemeTerritory>%s</SchemeTerritory><PointersToOtherTSL>`, l.sequence, kind, l.territory)
	for territory, h := range l.pointers {
		pointed := "EUgeneric"
		if territory == "EU" {
			pointed = "EUlistofthelists"
		}
		fmt.Fprintf(&b, `<OtherTSLPointer><ServiceDigitalIdentities><ServiceDigitalIdentity><DigitalId><X509Certificate>%s</X509Certificate></DigitalId></ServiceDigitalIdentity></ServiceDigitalIdentities><AdditionalInformation><OtherInformation><TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/%s</TSLType></OtherInformation><OtherInformation><SchemeTerritory>%s</SchemeTerritory></OtherInformation></AdditionalInformation></OtherTSLPointer>`, der64(h), pointed, territory)
	}
	next := l.next
	if next.IsZero() {
		next = noon.AddDate(0, 6, 0)
	}
	fmt.Fprintf(&b, `</PointersToOtherTSL><ListIssueDateTime>2026-11-01T00:00:00Z</ListIssueDateTime><NextUpdate><dateTime>%s</dateTime></NextUpdate></SchemeInformation><TrustServiceProviderList><TrustServiceProvider><TSPInformation><TSPName><Name xml:lang="en">Provider</Name></TSPName></TSPInformation><TSPServices>%s</TSPServices></TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList><!--signer:%s-->`, next.Format(time.RFC3339), l.services, der64(l.signer))
	return File{Name: l.territory + ".xml", Content: []byte(b.String())}
}

func der64(h *holder) string { return base64.StdEncoding.EncodeToString(h.cert.Raw) }

// listed writes a service; states are "status@date", latest first.
func listed(kind string, h *holder, extensions string, states ...string) string {
	var b strings.Builder
	one := func(s string) string {
		status, since, _ := strings.Cut(s, "@")
		return fmt.Sprintf(`<ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/%s</ServiceTypeIdentifier><ServiceName><Name xml:lang="en">Service</Name></ServiceName><ServiceDigitalIdentity><DigitalId><X509Certificate>%s</X509Certificate></DigitalId></ServiceDigitalIdentity><ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/%s</ServiceStatus><StatusStartingTime>%sT00:00:00Z</StatusStartingTime><ServiceInformationExtensions>%s</ServiceInformationExtensions>`, kind, der64(h), status, since, extensions)
	}
	fmt.Fprintf(&b, `<TSPService><ServiceInformation>%s</ServiceInformation><ServiceHistory>`, one(states[0]))
	for _, s := range states[1:] {
		fmt.Fprintf(&b, `<ServiceHistoryInstance>%s</ServiceHistoryInstance>`, one(s))
	}
	return b.String() + `</ServiceHistory></TSPService>`
}
