package notify

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
)

func pemKey(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func TestASignedMailIsProvenByTheOfficesRecord(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"RSA": rsaKey, "Ed25519": edKey} {
		t.Run(name, func(t *testing.T) {
			d, err := NewDKIM("aleksandrowo.example", "k2026", pemKey(t, key))
			if err != nil {
				t.Fatal(err)
			}
			m := written(t, sampleLine(4512), noticeRow("os1"), func(o *Options) { o.Signer = d })
			where, record, err := d.Record()
			if err != nil {
				t.Fatal(err)
			}
			verify := func(mail []byte) error {
				found, err := dkim.VerifyWithOptions(bytes.NewReader(mail), &dkim.VerifyOptions{
					LookupTXT: func(domain string) ([]string, error) {
						if domain != where {
							return nil, errors.New("no such record")
						}
						return []string{record}, nil
					},
				})
				if err != nil || len(found) != 1 {
					t.Fatalf("verifications = %v, %v", found, err)
				}
				return found[0].Err
			}
			if err := verify(m.bytes); err != nil {
				t.Errorf("the mail is not proven: %v", err)
			}
			for _, spoilt := range [][]byte{
				bytes.Replace(m.bytes, []byte("Subject: "), []byte("Subject: x"), 1),
				append(bytes.Clone(m.bytes), "more\r\n"...),
				append([]byte("Reply-To: <thief@x.example>\r\n"), m.bytes...),
			} {
				if verify(spoilt) == nil {
					t.Errorf("a changed mail is proven:\n%.80s", spoilt)
				}
			}
		})
	}
}

func TestKeysThatSignNoMail(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string][]byte{
		"nothing": nil, "no PEM": []byte("key"), "too short": pemKey(t, short), "of another kind": pemKey(t, curve),
		"no key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}),
	} {
		if _, err := NewDKIM("aleksandrowo.example", "k", raw); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := NewDKIM("", "k", pemKey(t, curve)); err == nil {
		t.Error("a signer without a domain was made")
	}
}
