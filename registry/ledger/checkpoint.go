package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// maxNote bounds what is read as a signed note: a head and a few dozen
// signatures of witnesses fit many times.
const maxNote = 64 << 10

// GenerateKey makes the Ed25519 key that signs the heads of one log, in the
// text forms of signed notes: the secret one and the one to publish. The name
// is the log's origin.
func GenerateKey(rand io.Reader, origin string) (secret, public string, err error) {
	if !validOrigin(origin) {
		return "", "", fmt.Errorf("%.60q cannot be the origin of a log", origin)
	}
	secret, public, err = note.GenerateKey(rand, origin)
	if err != nil {
		return "", "", fmt.Errorf("generating a key for %s: %w", origin, err)
	}
	return secret, public, nil
}

func validOrigin(s string) bool {
	return s != "" && len(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '+' || r > '~' })
}

// A Checkpoint is the head of a log: C2SP tlog-checkpoint.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

// String gives the text that is signed.
func (c Checkpoint) String() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// A Signer signs heads with the office's key; with the old and the new one
// while a key is replaced.
type Signer struct {
	origin string
	keys   []note.Signer
}

// NewSigner reads secret keys as GenerateKey gave them. The first is the
// office's; all sign for its origin.
func NewSigner(secrets ...string) (*Signer, error) {
	if len(secrets) == 0 {
		return nil, errors.New("no key to sign with")
	}
	s := &Signer{}
	for _, secret := range secrets {
		key, err := note.NewSigner(strings.TrimSpace(secret))
		if err != nil {
			return nil, errors.New("the ledger's key is damaged: it is not the secret key of a signed note")
		}
		s.keys = append(s.keys, key)
	}
	s.origin = s.keys[0].Name()
	return s, nil
}

// Origin names the log that the key signs for.
func (s *Signer) Origin() string { return s.origin }

// Sign gives the signed note of a head.
func (s *Signer) Sign(c Checkpoint) ([]byte, error) {
	if c.Origin != s.origin {
		return nil, fmt.Errorf("the key of %s does not sign for %s", s.origin, c.Origin)
	}
	if c.Size < 0 {
		return nil, fmt.Errorf("a log of %d leaves cannot be signed", c.Size)
	}
	signed, err := note.Sign(&note.Note{Text: c.String()}, s.keys...)
	if err != nil {
		return nil, fmt.Errorf("signing the head of %s: %w", c.Origin, err)
	}
	return signed, nil
}

// What a reader of heads may act on.
var (
	// ErrUnknownKey: no signature is of a key we were given; nothing is known.
	ErrUnknownKey = errors.New("signed by nobody we know")
	// ErrForged: a signature of a key we know is wrong.
	ErrForged = errors.New("the signature is wrong")
)

// OpenCheckpoint checks a signed head against public keys, at least one of
// which must have signed, and reads it.
func OpenCheckpoint(signed []byte, publics ...string) (Checkpoint, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, errors.New("too large to be a signed head")
	}
	var known []note.Verifier
	for _, p := range publics {
		v, err := note.NewVerifier(strings.TrimSpace(p))
		if err != nil {
			return Checkpoint{}, fmt.Errorf("%.80q is not a public key", p)
		}
		known = append(known, v)
	}
	opened, err := note.Open(signed, note.VerifierList(known...))
	if err != nil {
		if _, ok := errors.AsType[*note.UnverifiedNoteError](err); ok {
			return Checkpoint{}, ErrUnknownKey
		}
		if _, ok := errors.AsType[*note.InvalidSignatureError](err); ok {
			return Checkpoint{}, ErrForged
		}
		return Checkpoint{}, fmt.Errorf("not a signed head: %w", err)
	}
	c, err := parseCheckpoint(opened.Text)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, sig := range opened.Sigs {
		if sig.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, ErrUnknownKey // witnesses alone do not speak for the log
}

// ReadCheckpoint reads a head without looking at its signatures.
func ReadCheckpoint(signed []byte) (Checkpoint, error) {
	if len(signed) > maxNote {
		return Checkpoint{}, errors.New("too large to be a signed head")
	}
	text, _, found := strings.Cut(string(signed), "\n\n")
	if !found {
		return Checkpoint{}, errors.New("not a signed head: no empty line before the signatures")
	}
	return parseCheckpoint(text + "\n")
}

func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 {
		return Checkpoint{}, errors.New("not a head: it has less than three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("not a head: %.40q is no size", lines[1])
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("not a head: %w", err)
	}
	if !validOrigin(lines[0]) {
		return Checkpoint{}, fmt.Errorf("not a head: %.60q is no origin", lines[0])
	}
	return Checkpoint{Origin: lines[0], Size: size, Root: root}, nil
}

func parseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != base64.StdEncoding.EncodedLen(len(h)) {
		return h, fmt.Errorf("%.60q is no hash", s)
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || len(raw) != len(h) {
		return h, fmt.Errorf("%.60q is no hash", s)
	}
	return Hash(raw), nil
}
