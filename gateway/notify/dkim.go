package notify

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/emersion/go-msgauth/dkim"
)

// A DKIM signs our mails (RFC 6376, RFC 8463), so that receivers see that they
// are the office's.
type DKIM struct {
	domain, selector string
	key              crypto.Signer
}

// signedFields are those whose change would change what the mail says or where
// answers go. From and Reply-To are named twice: none can be added.
var signedFields = []string{
	"From", "From", "Reply-To", "Reply-To", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References",
	"MIME-Version", "Content-Type", "Auto-Submitted", "List-Id",
}

// NewDKIM takes a private key in PEM: RSA of at least 2048 bits, or Ed25519.
func NewDKIM(domain, selector string, privateKey []byte) (*DKIM, error) {
	if domain == "" || selector == "" {
		return nil, errors.New("a DKIM signature needs a domain and a selector")
	}
	key, err := parseKey(privateKey)
	if err != nil {
		return nil, fmt.Errorf("reading the DKIM key: %w", err)
	}
	return &DKIM{domain, selector, key}, nil
}

func parseKey(raw []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(raw)
	if block == nil {
		return nil, errors.New("it is not in PEM form")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return longEnough(key)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("it is neither a PKCS #8 nor an RSA private key")
	}
	switch key := parsed.(type) {
	case *rsa.PrivateKey:
		return longEnough(key)
	case ed25519.PrivateKey:
		return key, nil
	default:
		return nil, errors.New("only RSA and Ed25519 keys sign mail")
	}
}

func longEnough(key *rsa.PrivateKey) (crypto.Signer, error) {
	if key.N.BitLen() < 2048 {
		return nil, fmt.Errorf("an RSA key of %d bits is too short; 2048 is the least", key.N.BitLen())
	}
	return key, nil
}

// Sign gives the mail with its signature on top.
func (d *DKIM) Sign(mail []byte) ([]byte, error) {
	var signed bytes.Buffer
	err := dkim.Sign(&signed, bytes.NewReader(mail), &dkim.SignOptions{
		Domain: d.domain, Selector: d.selector, Signer: d.key, Hash: crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: signedFields,
	})
	return signed.Bytes(), err
}

// Record is the TXT record under which receivers look for the key: its name
// and its text.
func (d *DKIM) Record() (name, text string, err error) {
	name = d.selector + "._domainkey." + d.domain
	switch public := d.key.Public().(type) {
	case ed25519.PublicKey:
		return name, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), nil
	default:
		der, err := x509.MarshalPKIXPublicKey(public)
		if err != nil {
			return "", "", fmt.Errorf("writing the DKIM record: %w", err)
		}
		return name, "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
	}
}
