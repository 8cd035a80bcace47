package ledger

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// rotationHeader begins the statement that one key follows another.
const rotationHeader = "kancelaria/key-rotation/v1"

// A Rotation says that a log's heads are signed by another key from now on.
// Both keys sign it: who knows only the old one learns the new one by it.
type Rotation struct {
	Origin   string
	Old, New string // public keys
	Day      string // YYYY-MM-DD
}

// String gives the text that is signed.
func (r Rotation) String() string {
	return strings.Join([]string{rotationHeader, r.Origin, r.Old, r.New, r.Day, ""}, "\n")
}

// SignRotation signs a rotation with the secrets of both its keys.
func SignRotation(r Rotation, oldSecret, newSecret string) ([]byte, error) {
	var keys []note.Signer
	for _, secret := range []string{oldSecret, newSecret} {
		key, err := note.NewSigner(strings.TrimSpace(secret))
		if err != nil {
			return nil, errors.New("a key is damaged: it is not the secret key of a signed note")
		}
		keys = append(keys, key)
	}
	signed, err := note.Sign(&note.Note{Text: r.String()}, keys...)
	if err != nil {
		return nil, fmt.Errorf("signing that a key follows another: %w", err)
	}
	if _, err := OpenRotation(signed, r.Old); err != nil {
		return nil, fmt.Errorf("the secret keys are not those of the public ones: %w", err)
	}
	return signed, nil
}

// OpenRotation checks a rotation with the old public key and gives what it
// says. Both keys must have signed.
func OpenRotation(signed []byte, old string) (Rotation, error) {
	text, _, found := strings.Cut(string(signed), "\n\n")
	lines := strings.Split(text, "\n")
	if len(signed) > maxNote || !found || len(lines) != 5 || lines[0] != rotationHeader {
		return Rotation{}, errors.New("not a statement that a key follows another")
	}
	r := Rotation{Origin: lines[1], Old: lines[2], New: lines[3], Day: lines[4]}
	if strings.TrimSpace(old) != r.Old {
		return Rotation{}, ErrUnknownKey
	}
	for _, public := range []string{r.Old, r.New} {
		v, err := note.NewVerifier(public)
		if err != nil {
			return Rotation{}, fmt.Errorf("%.80q is not a public key", public)
		}
		opened, err := note.Open(signed, note.VerifierList(v))
		if err != nil || len(opened.Sigs) != 1 {
			return Rotation{}, ErrForged
		}
	}
	return r, nil
}

// PublicOf gives the public key of a secret one.
func PublicOf(secret string) (string, error) {
	bad := errors.New("the ledger's key is damaged: it is not the secret key of a signed note")
	signer, err := note.NewSigner(strings.TrimSpace(secret))
	if err != nil {
		return "", bad
	}
	fields := strings.SplitN(strings.TrimSpace(secret), "+", 5) // PRIVATE+KEY+name+hash+base64 of 1 and the seed
	seed, err := base64.StdEncoding.DecodeString(fields[len(fields)-1])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return "", bad
	}
	public, ok := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", bad
	}
	return note.NewEd25519VerifierKey(signer.Name(), public)
}
