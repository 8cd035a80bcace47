package trust

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"kancelaria/registry"
)

// told writes an answer in one line: what keeps it from being good, or "good".
func told(a Answer) string {
	var all []string
	for _, r := range a.Reasons {
		all = append(all, r.Verdict+" "+r.Reason+" "+r.Code)
	}
	if all == nil {
		return "good"
	}
	return strings.Join(all, "; ")
}

func TestWhoVouchesForACertificate(t *testing.T) {
	w := newTown(t)
	w.bring(File{"root.crt", w.root.cert.Raw}, File{"old.crt", w.rsa1.cert.Raw})
	oldKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	twin := issue(t, "Root", nil, authority)
	short := issue(t, "Short", w.root, authority, func(c *x509.Certificate) { c.MaxPathLenZero = true })
	constrained := issue(t, "Constrained", w.root, authority, func(c *x509.Certificate) {
		c.PermittedDNSDomainsCritical, c.PermittedEmailAddresses = true, []string{"gmina.example"}
	})
	noAuthority := issue(t, "No authority", w.root, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageDigitalSignature })
	for _, tt := range []struct {
		name   string
		signer *holder
		ask    func(*Question)
		want   string
	}{
		{"by the office's authority", w.signer, nil, "good"},
		{"by nobody known", issue(t, "obcy", issue(t, "Elsewhere", nil, authority)), nil, "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND chain_unknown"},
		{"by a self-made authority of the same name", issue(t, "burmistrz", twin), nil, "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND chain_unknown"},
		{"by itself", issue(t, "sam", nil), nil, "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND chain_unknown"},
		{"without the authority between", w.signer, func(q *Question) { q.Certificates = nil }, "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND chain_unknown"},
		{"expired", w.signer, func(q *Question) { q.At = noon.AddDate(1, 0, 5) }, "INDETERMINATE OUT_OF_BOUNDS_NO_POE expired; INDETERMINATE TRY_LATER revocation_unknown; INDETERMINATE TRY_LATER revocation_unknown"},
		{"expired now, proved to be older", issue(t, "dawny", w.ca, valid(noon.AddDate(0, -6, 0), noon.AddDate(0, -1, 0))), func(q *Question) { q.At = noon.AddDate(0, -2, 0) }, "good"},
		{"not yet valid", issue(t, "przyszły", w.ca, valid(noon.AddDate(0, 1, 0), noon.AddDate(0, 6, 0))), nil, "INDETERMINATE OUT_OF_BOUNDS_NO_POE not_yet_valid"},
		{"for servers only", issue(t, "serwer", w.ca, usage(x509.ExtKeyUsageServerAuth)), nil, "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE wrong_use"},
		{"for programs only", issue(t, "program", w.ca, usage(x509.ExtKeyUsageCodeSigning)), nil, "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE wrong_use"},
		{"for time stamps only", issue(t, "czas", w.ca, usage(x509.ExtKeyUsageTimeStamping)), nil, "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE wrong_use"},
		{"for time stamps, and stamping", issue(t, "czas", w.ca, usage(x509.ExtKeyUsageTimeStamping)), func(q *Question) { q.Stamping = true }, "good"},
		{"for letters, and stamping", w.signer, func(q *Question) { q.Stamping = true }, "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE wrong_use"},
		{"for mail", issue(t, "poczta", w.ca, usage(x509.ExtKeyUsageEmailProtection)), func(q *Question) { q.Mail = true }, "good"},
		{"key agreement only", issue(t, "szyfr", w.ca, func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }), nil, "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE wrong_use"},
		{"path too long", issue(t, "x", issue(t, "Below", short, authority)), nil, "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE chain_bad"},
		{"by one who is no authority", issue(t, "x", noAuthority), nil, "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND chain_unknown"},
		{"outside the names permitted", issue(t, "x", constrained, func(c *x509.Certificate) { c.EmailAddresses = []string{"a@obca.example"} }), nil, "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE chain_bad"},
		{"with a critical extension nobody knows", issue(t, "x", w.ca, func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
		}), nil, "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE chain_bad"},
		{"signed with SHA-1", sha1Signed(t, issueFor(t, "x", w.rsa1, oldKey)), nil, "INDETERMINATE CRYPTO_CONSTRAINTS_FAILURE weak_digest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := w.question(tt.signer)
			if tt.ask != nil {
				tt.ask(&q)
			}
			a := w.store.Answer(t.Context(), q)
			if got := told(a); got != tt.want {
				t.Errorf("answer = %q, want %q\n%+v", got, tt.want, a)
			}
			if trusted := a.Trust.State == registry.Trusted; trusted != (tt.want == "good") {
				t.Errorf("trust = %+v", a.Trust)
			}
		})
	}
	if a := w.store.Answer(t.Context(), Question{Signer: []byte("x")}); told(a) != "INDETERMINATE CERTIFICATE_CHAIN_GENERAL_FAILURE certificate_unreadable" {
		t.Errorf("no certificate: %s", told(a))
	}
}

func TestRevocationIsLookedForInWhatIsThere(t *testing.T) {
	w := newTown(t)
	w.bring(File{"root.crt", w.root.cert.Raw})
	day := 24 * time.Hour
	responder := issue(t, "responder", w.ca, usage(x509.ExtKeyUsageOCSPSigning))
	neighbour := issue(t, "sąsiad", w.ca)
	root := w.root.crl(t, noon.Add(-time.Hour), noon.Add(time.Hour))
	fresh := w.ca.crl(t, noon.Add(-time.Hour), noon.Add(time.Hour))
	for _, tt := range []struct {
		name, want, state string
		crls, ocsps       [][]byte
		at                time.Time
	}{
		{"a fresh list", "good", "good", [][]byte{fresh, root}, nil, noon},
		{"nothing", "INDETERMINATE TRY_LATER revocation_unknown; INDETERMINATE TRY_LATER revocation_unknown", "not_checked", nil, nil, noon},
		{"nothing about the authority", "INDETERMINATE TRY_LATER revocation_unknown", "not_checked", [][]byte{fresh}, nil, noon},
		{"an old list", "INDETERMINATE TRY_LATER revocation_unknown", "stale", [][]byte{w.ca.crl(t, noon.Add(-9*day), noon.Add(-2*day)), root}, nil, noon},
		{"a list issued later", "good", "good", [][]byte{w.ca.crl(t, noon.Add(day), noon.Add(2*day)), root}, nil, noon},
		{"revoked before", "INDETERMINATE REVOKED_NO_POE revoked", "revoked", [][]byte{w.ca.crl(t, noon, noon.Add(day), revoked(w.signer, noon.Add(-day))), root}, nil, noon},
		{"revoked before what a time stamp proves", "TOTAL-FAILED REVOKED revoked", "revoked", [][]byte{w.ca.crl(t, noon, noon.Add(day), revoked(w.signer, noon.Add(-3*day))), root}, nil, noon.Add(-2 * day)},
		{"revoked later", "good", "good", [][]byte{w.ca.crl(t, noon.Add(3*day), noon.Add(4*day), revoked(w.signer, noon.Add(2*day))), root}, nil, noon},
		{"revoked in the older of two lists", "INDETERMINATE REVOKED_NO_POE revoked", "revoked", [][]byte{w.ca.crl(t, noon.Add(-2*day), noon.Add(-day), revoked(w.signer, noon.Add(-3*day))), fresh, root}, nil, noon},
		{"the authority revoked", "INDETERMINATE REVOKED_CA_NO_POE revoked", "revoked", [][]byte{fresh, w.root.crl(t, noon.Add(-time.Hour), noon.Add(day), revoked(w.ca, noon.Add(-day)))}, nil, noon},
		{"a list of another authority of the same name", "INDETERMINATE TRY_LATER revocation_unknown", "not_checked", [][]byte{issue(t, "Authority", nil, authority).crl(t, noon.Add(-time.Hour), noon.Add(time.Hour)), root}, nil, noon},
		{"no list", "INDETERMINATE TRY_LATER revocation_unknown", "not_checked", [][]byte{[]byte("x"), root}, [][]byte{[]byte("x"), nil}, noon},
		{"an answer of the authority", "good", "good", [][]byte{root}, [][]byte{ocspOf(t, w.signer, w.ca, ocsp.Good, noon.Add(-time.Hour))}, noon},
		{"an answer of its responder", "good", "good", [][]byte{root}, [][]byte{ocspOf(t, w.signer, responder, ocsp.Good, noon.Add(-time.Hour))}, noon},
		{"an answer it gave itself", "INDETERMINATE TRY_LATER revocation_unknown", "not_checked", [][]byte{root}, [][]byte{ocspOf(t, w.signer, w.signer, ocsp.Good, noon.Add(-time.Hour))}, noon},
		{"an answer of another signer of the authority", "INDETERMINATE TRY_LATER revocation_unknown", "not_checked", [][]byte{root}, [][]byte{ocspOf(t, w.signer, neighbour, ocsp.Good, noon.Add(-time.Hour))}, noon},
		{"an answer about another", "INDETERMINATE TRY_LATER revocation_unknown", "not_checked", [][]byte{root}, [][]byte{ocspOf(t, neighbour, w.ca, ocsp.Good, noon.Add(-time.Hour))}, noon},
		{"an answer that knows nothing", "INDETERMINATE TRY_LATER revocation_unknown", "not_checked", [][]byte{root}, [][]byte{ocspOf(t, w.signer, w.ca, ocsp.Unknown, noon.Add(-time.Hour))}, noon},
		{"an old answer", "INDETERMINATE TRY_LATER revocation_unknown", "stale", [][]byte{root}, [][]byte{ocspOf(t, w.signer, w.ca, ocsp.Good, noon.Add(-3*day))}, noon},
		{"an answer that it is revoked, beside a good list", "INDETERMINATE REVOKED_NO_POE revoked", "revoked", [][]byte{fresh, root}, [][]byte{ocspOf(t, w.signer, w.ca, ocsp.Revoked, noon.Add(-time.Hour))}, noon},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := w.question(w.signer)
			q.CRLs, q.OCSPs, q.At = tt.crls, tt.ocsps, tt.at
			a := w.store.Answer(t.Context(), q)
			if told(a) != tt.want || a.Revocation.State != tt.state {
				t.Errorf("answer = %q, state %s; want %q, %s\n%+v", told(a), a.Revocation.State, tt.want, tt.state, a.Revocation)
			}
		})
	}
}

// What the lists say at the time of signing decides, not what they say now.
func TestQualifiedIsWhatTheListHeldThen(t *testing.T) {
	w := newTown(t)
	lotlSigner, plSigner := issue(t, "LOTL", w.root), issue(t, "PL operator", w.root)
	w.bring(File{"lotl.crt", lotlSigner.cert.Raw})
	w.bring(tsl{territory: "EU", sequence: 1, lotl: true, pointers: map[string]*holder{"PL": plSigner, "EU": lotlSigner}, signer: lotlSigner}.file())
	sequence := 0
	notFor := func(q string) string {
		return `<Extension><Qualifications xmlns="http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#"><QualificationElement><Qualifiers><Qualifier uri="http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/` + q +
			`"/></Qualifiers><CriteriaList assert="all"><KeyUsage><KeyUsageBit name="nonRepudiation">true</KeyUsageBit><KeyUsageBit name="keyAgreement">false</KeyUsageBit></KeyUsage></CriteriaList></QualificationElement></Qualifications></Extension>`
	}
	for _, tt := range []struct {
		name, extensions string
		states           []string
		signer           *holder
		qualified, want  string
	}{
		{"a qualified signature", "", []string{"granted@2020-01-01"}, issue(t, "x", w.ca, qc(onDevice, forSignature)), registry.QESig, "good"},
		{"a qualified seal", "", []string{"granted@2020-01-01"}, issue(t, "x", w.ca, qc(onDevice, forSeal)), registry.QESeal, "good"},
		{"qualified without a device", "", []string{"granted@2020-01-01"}, issue(t, "x", w.ca, qc(forSignature)), registry.AdESQC, "good"},
		{"not qualified", "", []string{"granted@2020-01-01"}, issue(t, "x", w.ca), registry.AdES, "good"},
		{"the list knows that it is on a device", notFor("QCWithQSCD"), []string{"granted@2020-01-01"}, issue(t, "x", w.ca, qc(forSignature)), registry.QESig, "good"},
		{"the list knows that it is not", notFor("QCNoQSCD"), []string{"granted@2020-01-01"}, issue(t, "x", w.ca, qc(onDevice, forSignature)), registry.AdESQC, "good"},
		{"the list knows that it is not qualified", notFor("NotQualified"), []string{"granted@2020-01-01"}, issue(t, "x", w.ca, qc(onDevice, forSignature)), registry.AdES, "good"},
		{"withdrawn before", "", []string{"withdrawn@2026-11-01", "granted@2020-01-01"}, issue(t, "x", w.ca, qc(onDevice, forSignature)), registry.QualifiedLapsed, "INDETERMINATE CHAIN_CONSTRAINTS_FAILURE chain_bad"},
		{"withdrawn later", "", []string{"withdrawn@2026-12-01", "granted@2020-01-01"}, issue(t, "x", w.ca, qc(onDevice, forSignature)), registry.QESig, "good"},
		{"issued before the service was granted", "", []string{"granted@2026-06-01"}, issue(t, "x", w.ca, qc(onDevice, forSignature)), registry.NotQualified, "good"},
		{"granted only later", "", []string{"granted@2026-12-01"}, issue(t, "x", w.ca, qc(onDevice, forSignature)), registry.NotQualified, "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND chain_unknown"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sequence++
			out := w.bring(tsl{territory: "PL", sequence: sequence, services: listed("CA/QC", w.ca, tt.extensions, tt.states...), signer: plSigner}.file())
			if out[0].State != Imported {
				t.Fatal(out[0].Says)
			}
			a := w.store.Answer(t.Context(), w.question(tt.signer))
			if a.Trust.Qualified != tt.qualified || told(a) != tt.want {
				t.Errorf("qualified %s, %s; want %s, %s\n%+v", a.Trust.Qualified, told(a), tt.qualified, tt.want, a.Trust)
			}
		})
	}
	sequence++
	w.bring(tsl{territory: "PL", sequence: sequence, next: noon.Add(-time.Hour), services: listed("CA/QC", w.ca, "", "granted@2020-01-01"), signer: plSigner}.file())
	a := w.store.Answer(t.Context(), w.question(w.signer))
	if len(a.Warnings) != 1 || a.Warnings[0] != "list_stale" {
		t.Errorf("warnings = %q", a.Warnings)
	}
	sequence++
	w.bring(tsl{territory: "PL", sequence: sequence, services: listed("TSA/QTST", w.ca, "", "granted@2020-01-01"), signer: plSigner}.file())
	if a := w.store.Answer(t.Context(), w.question(w.signer)); told(a) != "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND chain_unknown" {
		t.Errorf("an authority listed for time stamps only vouches for a letter: %s", told(a))
	}
	q := w.question(issue(t, "zegar", w.ca, usage(x509.ExtKeyUsageTimeStamping)))
	q.Stamping = true
	if a := w.store.Answer(t.Context(), q); told(a) != "good" || a.Trust.OnList == "" {
		t.Errorf("and for its clock: %s %+v", told(a), a.Trust)
	}
	sequence++
	w.bring(tsl{territory: "PL", sequence: sequence, services: listed("TSA/QTST", issue(t, "czas", nil, usage(x509.ExtKeyUsageTimeStamping)), "", "granted@2020-01-01"), signer: plSigner}.file())
	if a := w.store.Answer(t.Context(), w.question(w.signer)); told(a) != "INDETERMINATE NO_CERTIFICATE_CHAIN_FOUND chain_unknown" {
		t.Errorf("the service is no longer listed: %s", told(a))
	}
}

func TestTheDigestOfTheStoreChangesWithIt(t *testing.T) {
	w := newTown(t)
	before := w.store.Answer(t.Context(), w.question(w.signer)).Store
	w.bring(File{"root.crt", w.root.cert.Raw})
	after := w.store.Answer(t.Context(), w.question(w.signer)).Store
	if before == after || len(after) != 64 {
		t.Errorf("before %s, after %s", before, after)
	}
}

func TestNamesAreShownWithoutNumbersOfPersons(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := issueFor(t, "Imię \u202eNazwisko", nil, key, func(c *x509.Certificate) {
		c.Subject.SerialNumber = "PNOPL-00000000123"
		c.URIs = []*url.URL{{Scheme: "urn", Opaque: "x"}}
	})
	if got := nameOf(h.cert.Subject); got != "C=PL, CN=Imię \ufffdNazwisko, serialNumber=PNOPL-********123" {
		t.Error(got)
	}
}
