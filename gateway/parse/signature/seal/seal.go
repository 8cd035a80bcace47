// Package seal signs the office's own mails with the office's certificate
// (S/MIME, RFC 8551), so that whoever keeps a receipt can show that the office
// wrote it.
//
// It signs what the office wrote and never a file that a sender did: a mail
// that carries one goes out as it is. A key that the certificate does not fit,
// a certificate of somebody else or one that has expired is refused.
package seal

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Options of a Seal. The zero value works.
type Options struct {
	// Verify is shown every mail before it leaves; what it does not accept goes
	// out unsealed.
	Verify func(mail []byte) error
	Now    func() time.Time
	Log    *slog.Logger
}

// A Seal signs mails. It may be used by many at once.
type Seal struct {
	chain []*x509.Certificate // the office's first
	key   crypto.Signer
	o     Options

	mu   sync.Mutex
	told string // the last reason why a mail went out unsealed, so that it is logged once; guarded by mu
}

// warnBefore is how long before its end a certificate is said to end.
const warnBefore = 30 * 24 * time.Hour

// New makes a seal of certificates in PEM, the office's own first, and its key.
// From is the address that the office writes as.
func New(certificates, key []byte, from string, o Options) (*Seal, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Seal{o: o}
	var err error
	if s.chain, err = readChain(certificates); err != nil {
		return nil, fmt.Errorf("reading the certificate of the seal: %w", err)
	}
	if s.key, err = readKey(key); err != nil {
		return nil, fmt.Errorf("reading the key of the seal: %w", err)
	}
	if err := s.fits(from); err != nil {
		return nil, err
	}
	return s, s.valid()
}

func readChain(b []byte) (list []*x509.Certificate, err error) {
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		if list = append(list, c); len(list) > 10 {
			return nil, errors.New("more than ten certificates")
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no certificate in PEM form")
	}
	return list, nil
}

func readKey(b []byte) (crypto.Signer, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("it is not in PEM form")
	}
	var parsed any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return nil, errors.New("it is no private key that can be read; write it as PKCS #8 without a password")
	}
	switch k := parsed.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < 2048 {
			return nil, fmt.Errorf("an RSA key of %d bits is too short; 2048 is the least", k.N.BitLen())
		}
		return k, nil
	case *ecdsa.PrivateKey:
		return k, nil
	case ed25519.PrivateKey:
		return k, nil
	}
	return nil, errors.New("only RSA, ECDSA and Ed25519 keys seal")
}

// fits refuses a certificate that is not for this key, or not the office's.
func (s *Seal) fits(from string) error {
	own := s.chain[0]
	public, ok := s.key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(own.PublicKey) {
		return errors.New("the certificate of the seal is not for its key; the office's own certificate comes first in the file")
	}
	if own.KeyUsage != 0 && own.KeyUsage&(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) == 0 {
		return errors.New("the certificate of the seal is not meant for signing (key usage)")
	}
	if own.IsCA {
		return errors.New("the certificate of the seal is one of an authority")
	}
	for _, m := range own.EmailAddresses {
		if strings.EqualFold(m, from) {
			return nil
		}
	}
	return fmt.Errorf("the certificate of the seal is not for %s, which the office writes as (mail.from), but for %s", from, strings.Join(own.EmailAddresses, ", "))
}

// valid refuses a certificate outside its days.
func (s *Seal) valid() error {
	own, now := s.chain[0], s.o.Now()
	switch {
	case now.After(own.NotAfter):
		return fmt.Errorf("the certificate of the seal has expired on %s; get a new one, or take seal out of kancelaria.yaml", own.NotAfter.Format(time.DateOnly))
	case now.Before(own.NotBefore):
		return fmt.Errorf("the certificate of the seal is valid from %s", own.NotBefore.Format(time.DateOnly))
	}
	return nil
}

// State says how the seal fares: usable, soon to end or no more.
func (s *Seal) State() (colour, text string) {
	own := s.chain[0]
	switch err := s.valid(); {
	case err != nil:
		return "red", err.Error()
	case s.o.Now().Add(warnBefore).After(own.NotAfter):
		return "amber", "the certificate ends on " + own.NotAfter.Format(time.DateOnly)
	}
	return "green", "until " + own.NotAfter.Format(time.DateOnly)
}

// Sign seals a finished mail. A mail that may not be sealed goes out as it is,
// and why is logged: nobody waits in vain for a notice because of a seal.
func (s *Seal) Sign(mail []byte) ([]byte, error) {
	sealed, err := s.sealed(mail)
	if err != nil {
		s.tell(err)
		return mail, nil
	}
	return sealed, nil
}

func (s *Seal) sealed(mail []byte) ([]byte, error) {
	if err := s.valid(); err != nil {
		return nil, err
	}
	m, err := take(mail)
	if err != nil || m == nil {
		return mail, err
	}
	value, err := s.cms(m.part())
	if err != nil {
		return nil, err
	}
	sealed := m.signed(value)
	if s.o.Verify != nil {
		if err := s.o.Verify(sealed); err != nil {
			return nil, fmt.Errorf("the sealed mail does not verify: %w", err)
		}
	}
	return sealed, nil
}

// tell logs a reason when it is another than the last.
func (s *Seal) tell(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err.Error() != s.told {
		s.told = err.Error()
		s.o.Log.Error("seal.refused", "err", err)
	}
}
