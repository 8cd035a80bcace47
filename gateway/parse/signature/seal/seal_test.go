package seal

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/parse"
	"kancelaria/gateway/parse/signature"
	"kancelaria/registry"
	"kancelaria/testenv/forge"
)

const office = "kancelaria@aleksandrowo.example"

// receipt is a mail as notify writes them.
const receipt = "Content-Type: multipart/mixed;\n boundary=kancelaria-1\nDate: Mon, 23 Nov 2026 10:02:15 +0100\nFrom: Kancelaria <" + office + ">\nTo: <resident@poczta.example>\nSubject: RPW-004512-2026\nMime-Version: 1.0\n\n" +
	"--kancelaria-1\nContent-Transfer-Encoding: quoted-printable\nContent-Type: text/plain; charset=utf-8\n\nWiadomo=C5=9B=C4=87 dotar=C5=82a.\n\n--kancelaria-1\nContent-Type: text/plain; name=dowod.txt\n\nc2sp.org/tlog-proof@v1\n--kancelaria-1--\n"

func newSeal(t *testing.T, p *forge.Party, o Options) (*Seal, error) {
	t.Helper()
	if o.Now == nil {
		o.Now = forge.Now
	}
	return New(forge.PEM(p.Chain()...), forge.KeyPEM(t, p.Key), office, o)
}

func TestASealedMailIsTheOffices(t *testing.T) {
	town := forge.NewTown(t)
	for name, key := range map[string]crypto.Signer{"RSA": forge.RSA(t, 3072), "P-256": forge.EC(t, elliptic.P256()), "P-384": forge.EC(t, elliptic.P384()), "Ed25519": forge.Ed(t)} {
		t.Run(name, func(t *testing.T) {
			s, err := newSeal(t, town.Authority.Issue("Kancelaria", key, forge.Mail(office)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			sealed, err := s.Sign([]byte(receipt))
			if err != nil {
				t.Fatal(err)
			}
			checker := signature.New(signature.Options{Now: forge.Now, Limits: signature.Limits{Time: time.Minute}})
			doc := parse.New(parse.Options{Checker: checker}).Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, bytes.NewReader(sealed))
			if len(doc.Signatures) != 1 {
				t.Fatalf("%d signatures in\n%s", len(doc.Signatures), sealed)
			}
			r := doc.Signatures[0]
			if r.Intact != registry.SignatureIntact || r.Covers != registry.CoversWhole || r.Level != "B-B" || len(r.Reasons) != 1 || r.Reasons[0].Code != "chain_unknown" {
				t.Errorf("%+v", r)
			}
			if !strings.Contains(doc.Text, "Wiadomość dotarła.") || doc.Subject != "RPW-004512-2026" {
				t.Errorf("subject %q, text %q", doc.Subject, doc.Text)
			}
			if name != "Ed25519" { // which OpenSSL 3.0 does not read in CMS
				opensslAccepts(t, town, sealed)
			}
		})
	}
}

// opensslAccepts asks openssl, with the town's root as the only one trusted.
func opensslAccepts(t *testing.T, town *forge.Town, sealed []byte) {
	t.Helper()
	if testing.Short() {
		return
	}
	dir := t.TempDir()
	ca, mail := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "mail.eml")
	if err := errors.Join(os.WriteFile(ca, forge.PEM(town.Root.Cert), 0o600), os.WriteFile(mail, sealed, 0o600)); err != nil {
		t.Fatal(err)
	}
	run := func(file string) (string, error) {
		out, err := exec.CommandContext(t.Context(), "openssl", "cms", "-verify", "-in", file, "-CAfile", ca, "-attime", fmt.Sprint(forge.Now().Unix()), "-out", "/dev/null").CombinedOutput()
		return string(out), err
	}
	if out, err := run(mail); err != nil {
		t.Errorf("openssl: %v\n%s", err, out)
	}
	changed := filepath.Join(dir, "changed.eml")
	if err := os.WriteFile(changed, bytes.Replace(sealed, []byte("dotar=C5=82a"), []byte("przepad=C5=82a"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(changed); err == nil {
		t.Errorf("openssl takes another text for the sealed one: %s", out)
	}
}

func TestAForeignCertificateIsRefused(t *testing.T) {
	town := forge.NewTown(t)
	key := forge.EC(t, elliptic.P256())
	own := town.Authority.Issue("Kancelaria", key, forge.Mail(office))
	for _, tt := range []struct {
		name string
		cert *forge.Party
		key  crypto.Signer
		want string
	}{
		{"of another address", town.Authority.Issue("Starostwo", key, forge.Mail("kancelaria@powiat.example")), key, "is not for " + office},
		{"of another key", own, forge.EC(t, elliptic.P256()), "is not for its key"},
		{"expired", town.Authority.Issue("Kancelaria", key, forge.Mail(office), forge.Valid(forge.Now().AddDate(-2, 0, 0), forge.Now().AddDate(0, 0, -1))), key, "has expired on 2026-11-22"},
		{"not yet valid", town.Authority.Issue("Kancelaria", key, forge.Mail(office), forge.Valid(forge.Now().AddDate(0, 0, 1), forge.Now().AddDate(1, 0, 0))), key, "is valid from"},
		{"not for signing", town.Authority.Issue("Kancelaria", key, forge.Mail(office), forge.Usage(4)), key, "not meant for signing"},
		{"of an authority", town.Root.Issue("Kancelaria", key, forge.Mail(office), forge.CA(0), forge.Usage(1)), key, "of an authority"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(forge.PEM(tt.cert.Chain()...), forge.KeyPEM(t, tt.key), office, Options{Now: forge.Now})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if _, err := New(forge.PEM(own.Cert), forge.KeyPEM(t, forge.RSA(t, 1024)), office, Options{Now: forge.Now}); err == nil || !strings.Contains(err.Error(), "too short") {
		t.Errorf("a short key: %v", err)
	}
}

func TestTheEndOfACertificateIsSaidAMonthBefore(t *testing.T) {
	town := forge.NewTown(t)
	end := forge.Now().AddDate(0, 2, 0)
	now := forge.Now()
	s, err := newSeal(t, town.Authority.Issue("Kancelaria", forge.EC(t, elliptic.P256()), forge.Mail(office), forge.Valid(forge.Now().AddDate(-1, 0, 0), end)), Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at   time.Time
		want string
	}{{end.AddDate(0, 0, -31), "green"}, {end.AddDate(0, 0, -29), "amber"}, {end.Add(time.Hour), "red"}} {
		now = tt.at
		if colour, text := s.State(); colour != tt.want {
			t.Errorf("%s: %s, %s", tt.at, colour, text)
		}
	}
	mail, err := s.Sign([]byte(receipt)) // expired by now
	if err != nil || string(mail) != receipt {
		t.Errorf("sealed with an expired certificate: %v\n%s", err, mail)
	}
}

func TestNothingOfASenderIsSealed(t *testing.T) {
	town := forge.NewTown(t)
	s, err := newSeal(t, town.Authority.Issue("Kancelaria", forge.EC(t, elliptic.P256()), forge.Mail(office)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, media := range []string{"application/pdf; name=wniosek.pdf", "message/rfc822", "image/png", "multipart/signed; boundary=x"} {
		mail := strings.Replace(receipt, "text/plain; name=dowod.txt", media, 1)
		if got, err := s.Sign([]byte(mail)); err != nil || string(got) != mail {
			t.Errorf("%s: sealed, %v", media, err)
		}
	}
}

func TestAMailThatDoesNotVerifyGoesOutUnsealed(t *testing.T) {
	town := forge.NewTown(t)
	s, err := newSeal(t, town.Authority.Issue("Kancelaria", forge.EC(t, elliptic.P256()), forge.Mail(office)), Options{Verify: func([]byte) error { return errors.New("not intact") }})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Sign([]byte(receipt)); err != nil || string(got) != receipt {
		t.Errorf("%v\n%s", err, got)
	}
}
