package smtpd

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate makes a self-signed one with this serial number.
func writeCertificate(t testing.TB, dir string, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "poczta.aleksandrowo.example"},
		DNSNames: []string{"poczta.aleksandrowo.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeFile(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	writeFile(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))
	return cert, key
}

func writeFile(t testing.TB, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func testCertificate(t testing.TB) *Certificate {
	t.Helper()
	cert, key := writeCertificate(t, t.TempDir(), 1)
	c, err := LoadCertificate(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Any certificate will do: these tests are not about trust.
func clientConfig() *tls.Config { return &tls.Config{InsecureSkipVerify: true} } //nolint:gosec // see above

func openTLS(t *testing.T, o Options) *door {
	t.Helper()
	o.TLS = testCertificate(t)
	o.Login = testUsers(t).Check
	return openDoor(t, o)
}

func TestStartTLS(t *testing.T) {
	d := openTLS(t, Options{SMTP: []string{"127.0.0.1:0"}})
	conn := d.dial(t, 0)
	hear := func(end string) { // reads no byte too many: TLS follows
		t.Helper()
		var got []byte
		for b := make([]byte, 1); !strings.HasSuffix(string(got), "\r\n") || !strings.HasPrefix(last(string(got)), end); got = append(got, b...) {
			if _, err := conn.Read(b); err != nil {
				t.Fatalf("after %q: %v", got, err)
			}
		}
	}
	say := func(raw string) {
		t.Helper()
		if _, err := conn.Write([]byte(raw)); err != nil {
			t.Fatal(err)
		}
	}
	hear("220 ")
	say("EHLO resident.example\r\n")
	hear("250 ")
	say("MAIL FROM:<clear@resident.example>\r\n")
	hear("250 ")
	// Whatever is sent in the clear behind STARTTLS is dropped: it may have been
	// put there by somebody on the way.
	say("STARTTLS\r\nEHLO evil\r\nMAIL FROM:<evil@evil.example>\r\n")
	hear("220 2.0.0 ")
	secure := tls.Client(conn, clientConfig())
	k := newTalk(t, secure)
	k.want("MAIL FROM:<jan@resident.example>", "503 5.5.1 EHLO first")
	k.send("EHLO resident.example\r\n")
	k.hearOffer(t, "AUTH PLAIN", "STARTTLS")
	k.want("STARTTLS", "502 ")
	k.want("RCPT TO:<urzad@aleksandrowo.example>", "503 ")
	k.want("MAIL FROM:<jan@resident.example>", "250 ")
	k.want("RCPT TO:<urzad@aleksandrowo.example>", "250 ")
	if got := k.letter("tajne"); !strings.HasPrefix(got, "250 2.0.0 Accepted as ") {
		t.Fatalf("answer = %q", got)
	}
	k.want("QUIT", "221 ")
	k.end()
	items, letters := d.spool.kept()
	if len(items) != 1 || letters[0] != "tajne\r\n" || items[0].Envelope.MailFrom != "jan@resident.example" {
		t.Fatalf("kept %+v", items)
	}
	if got := items[0].Envelope.TLS; !strings.HasPrefix(got, "TLS1.3 TLS_") {
		t.Errorf("envelope says %q of the encryption", got)
	}
}

func TestStartTLSTakesNoParameters(t *testing.T) {
	d := openTLS(t, Options{})
	k := newTalk(t, d.pipe("smtp", "203.0.113.5"))
	k.expect("220 ")
	k.want("EHLO resident.example", "250 ")
	k.want("STARTTLSevil", "501 ")
	k.want("STARTTLS now", "501 ")
	k.want("NOOP", "250 ")
}

func TestAFailedHandshakeEndsTheTalk(t *testing.T) {
	d := openTLS(t, Options{})
	k := newTalk(t, d.pipe("smtp", "203.0.113.5"))
	k.expect("220 ")
	k.want("EHLO resident.example", "250 ")
	k.want("STARTTLS", "220 ")
	k.send("MAIL FROM:<jan@resident.example>\r\n")
	k.hear() // an alert, or the end
	_ = k.Close()
	d.settle()
	if n := d.Count().Connections; n != 0 {
		t.Errorf("%d connections are still counted", n)
	}
}

func TestTLSFromTheFirstByte(t *testing.T) {
	d := openTLS(t, Options{SMTPS: []string{"127.0.0.1:0"}})
	k := newTalk(t, tls.Client(d.dial(t, 0), clientConfig()))
	k.begin()
	if got := k.letter("x"); !strings.HasPrefix(got, "250 ") {
		t.Fatalf("answer = %q", got)
	}
	old := clientConfig()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if err := tls.Client(d.dial(t, 0), old).Handshake(); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	if err := New(Options{SMTPS: []string{"127.0.0.1:0"}}).Listen(t.Context()); err == nil {
		t.Error("SMTPS without a certificate listens")
	}
}

func TestAChunkCutOffUnderTLSIsNoLetter(t *testing.T) {
	d := openTLS(t, Options{})
	conn := d.pipe("smtps", "203.0.113.5")
	secure := tls.Client(conn, clientConfig())
	k := newTalk(t, secure)
	k.begin()
	k.send("BDAT 50 LAST\r\nfive!")
	if err := secure.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	k.expect("451 4.4.2 ")
	_ = k.Close()
	d.settle()
	if items, _ := d.spool.kept(); len(items) != 0 {
		t.Errorf("%d items of a cut chunk", len(items))
	}
}

func TestAuthIsPlainOverTLSOnly(t *testing.T) {
	d := openTLS(t, Options{Limits: Limits{LettersPerMinute: 1}})
	k := newTalk(t, d.pipe("smtp", "203.0.113.5"))
	k.expect("220 ")
	k.send("EHLO ksero.example\r\n")
	k.hearOffer(t, "STARTTLS", "AUTH")
	k.want("AUTH PLAIN "+plain("", "ksero", "haslo"), "523 ")

	k = newTalk(t, tls.Client(d.pipe("smtps", "203.0.113.5"), clientConfig()))
	k.expect("220 ")
	k.want("EHLO ksero.example", "250 ")
	k.want("AUTH LOGIN", "504 5.7.4 ")
	k.want("AUTH PLAIN !!!", "454 4.7.0 ")
	k.want("AUTH PLAIN", "334 ")
	k.want("*", "501 5.0.0 ")
	k.want("AUTH PLAIN", "334 ")
	k.want("BDAT 100 LAST", "454 4.7.0 ") // no command, and no chunk follows
	k.want("NOOP", "250 ")
	k.want("AUTH PLAIN "+plain("ksero", "ksero", "haslo"), "235 ")
	k.want("AUTH PLAIN "+plain("", "ksero", "haslo"), "503 ")
	for range 3 { // those who log in are free of the limits
		k.want("MAIL FROM:<ksero@aleksandrowo.example>", "250 ")
		k.want("RCPT TO:<jan@resident.example>", "550 5.7.1 ") // but it gives no right to relay
		k.want("RCPT TO:<urzad@aleksandrowo.example>", "250 ")
		if got := k.letter("x"); !strings.HasPrefix(got, "250 ") {
			t.Fatalf("answer = %q", got)
		}
	}
	items, _ := d.spool.kept()
	if got := items[0].Envelope.Auth; got != "ksero" {
		t.Errorf("envelope says %q logged in", got)
	}
}

func TestAFailedLoginSaysNothingAndTheThirdEndsTheTalk(t *testing.T) {
	d := openTLS(t, Options{})
	for _, bad := range []string{
		plain("", "ksero", "zle"), plain("", "nikt", "haslo"), plain("", "pusty", ""), plain("inny", "ksero", "haslo"),
		plain("", "", ""), base64.StdEncoding.EncodeToString([]byte("no zeros")),
	} {
		k := newTalk(t, tls.Client(d.pipe("smtps", "203.0.113.5"), clientConfig()))
		k.expect("220 ")
		k.want("EHLO ksero.example", "250 ")
		k.want("AUTH PLAIN "+bad, "535 5.7.8 Authentication failed")
		k.want("AUTH PLAIN "+bad, "535 5.7.8 Authentication failed")
		k.want("AUTH PLAIN "+bad, "421 4.7.0 ")
		k.end()
	}
	for _, line := range d.notes.all() {
		if line.Command != "AUTH" || line.Code < 400 || strings.Contains(line.Answer, "haslo") {
			t.Errorf("the log says %+v", line)
		}
	}
}

func TestPeersThatMustEncryptAreTold(t *testing.T) {
	d := openTLS(t, Options{RequireTLS: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	k := newTalk(t, d.pipe("smtp", "198.51.100.7"))
	k.expect("220 ")
	k.want("EHLO relay.example", "250 ")
	k.want("MAIL FROM:<jan@resident.example>", "530 5.7.0 ")
	k = newTalk(t, tls.Client(d.pipe("smtps", "198.51.100.7"), clientConfig()))
	k.begin()
	k = newTalk(t, d.pipe("smtp", "203.0.113.5"))
	k.begin()
}

func TestACertificateIsReadAgainWhenItChanges(t *testing.T) {
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, 1)
	var complaints bytes.Buffer
	c, err := LoadCertificate(cert, key, slog.New(slog.NewTextHandler(&complaints, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		pair, err := c.current(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	later := func(n time.Duration) { // file systems may be slow to notice
		t.Helper()
		for _, name := range []string{cert, key} {
			if err := os.Chtimes(name, time.Time{}, time.Now().Add(n*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := serial(); got != 1 {
		t.Errorf("serial = %d, want 1", got)
	}
	writeCertificate(t, dir, 2)
	later(1)
	if got := serial(); got != 2 {
		t.Errorf("serial after renewal = %d, want 2", got)
	}
	writeFile(t, cert, []byte("half a certif"))
	later(2)
	if got, again := serial(), serial(); got != 2 || again != 2 {
		t.Errorf("a broken file took the certificate away")
	}
	if n := strings.Count(complaints.String(), "smtpd.certificate"); n != 1 {
		t.Errorf("complained %d times, want once", n)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("serial = %d, want 2", got)
	}
	if _, err := LoadCertificate(cert, key, nil); err == nil {
		t.Error("a missing key was no error")
	}
}

// last gives the last line of a text that ends in CR LF.
func last(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n")
	return lines[len(lines)-1]
}

func plain(identity, user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(identity + "\x00" + user + "\x00" + password))
}
