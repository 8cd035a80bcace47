package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"kancelaria/registry"
)

// The kinds of notes in which the counter keeps secrets: digests of them only.
const (
	notePassword = "password"
	noteSession  = "session"
	noteToken    = "token"
	noteOnce     = "once"
)

// What argon2id costs: the second choice of RFC 9106 § 4, on one lane. A clerk
// waits about a tenth of a second; who guesses needs 64 MB for each try.
const (
	argonTime    = 3
	argonMemory  = 64 << 10 // kB
	argonThreads = 1
	argonKey     = 32
)

// Bounds of a password in characters: below the first it is guessed, above the
// second it is no password.
const (
	shortestPassword = 10
	longestPassword  = 200
)

// A Keyring keeps the passwords of clerks and the tokens of programs.
type Keyring struct {
	book  Book
	now   func() time.Time
	press chan struct{} // held while a password is digested: memory is bounded
	cost  passwordNote  // of new passwords
}

// NewKeyring makes a keyring on a book.
func NewKeyring(book Book, now func() time.Time) *Keyring {
	return &Keyring{book: book, now: now, press: make(chan struct{}, 2), cost: passwordNote{Time: argonTime, Memory: argonMemory, Lanes: argonThreads}}
}

// A passwordNote is what the book keeps of a password.
type passwordNote struct {
	Salt   []byte `json:"salt"`
	Digest []byte `json:"digest"`
	Time   uint32 `json:"time"`
	Memory uint32 `json:"memory"` // kB
	Lanes  uint8  `json:"lanes"`
	SetAt  time.Time
}

// ErrWeak says that a password is too easy, or none at all.
var ErrWeak = errors.New("choose another password")

// SetPassword gives a login a password and ends the sessions that the old one
// opened. An empty password takes it away.
func (k *Keyring) SetPassword(ctx context.Context, login, password string) error {
	note := registry.Note{Kind: notePassword, Key: login}
	if password != "" {
		if err := goodPassword(login, password); err != nil {
			return err
		}
		p := k.cost
		p.Salt, p.SetAt = make([]byte, 16), k.now().UTC()
		_, _ = rand.Read(p.Salt) // never fails
		var err error
		if p.Digest, err = k.digest(ctx, password, p); err != nil {
			return err
		}
		if note.Value, err = json.Marshal(p); err != nil {
			return err
		}
	}
	notes := []registry.Note{note}
	open, err := k.notes(ctx, noteSession)
	if err != nil {
		return err
	}
	for _, n := range open {
		var s session
		if json.Unmarshal(n.Value, &s) == nil && s.Login == login {
			notes = append(notes, registry.Note{Kind: noteSession, Key: n.Key})
		}
	}
	return k.book.Keep(ctx, notes)
}

func goodPassword(login, password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < shortestPassword:
		return fmt.Errorf("%w: it needs at least %d characters; several words are easy to keep in mind", ErrWeak, shortestPassword)
	case n > longestPassword:
		return fmt.Errorf("%w: it has more than %d characters", ErrWeak, longestPassword)
	case strings.Contains(strings.ToLower(password), strings.ToLower(login)) && n < 2*shortestPassword:
		return fmt.Errorf("%w: it contains the login", ErrWeak)
	case len(slices.Compact([]rune(password))) < 4:
		return fmt.Errorf("%w: it repeats the same character", ErrWeak)
	}
	return nil
}

// Check reports whether the password is that of the login.
func (k *Keyring) Check(ctx context.Context, login, password string) (bool, error) {
	found, err := k.book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: notePassword, Key: login, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("looking for the password of a login: %w", err)
	}
	// Logins without a password cost as much, so that their absence cannot be
	// told by the time an answer takes.
	p, known := k.cost, false
	p.Salt = []byte("nobody has this.")
	if len(found.Notes) > 0 && !strings.HasSuffix(login, "*") {
		known = json.Unmarshal(found.Notes[0].Value, &p) == nil && found.Notes[0].Key == login
	}
	if len(password) > 4*longestPassword {
		password = ""
	}
	got, err := k.digest(ctx, password, p)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, p.Digest) == 1 && known && len(p.Digest) == argonKey, nil
}

func (k *Keyring) digest(ctx context.Context, password string, p passwordNote) ([]byte, error) {
	select {
	case k.press <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-k.press }()
	return argon2.IDKey([]byte(password), p.Salt, p.Time, p.Memory, p.Lanes, argonKey), nil
}

// notes gives all notes of a kind: sessions and tokens of one office are few.
func (k *Keyring) notes(ctx context.Context, kind string) ([]registry.Note, error) {
	var all []registry.Note
	q := registry.Query{Of: registry.FindNotes, NoteKind: kind, Limit: 1000}
	for {
		found, err := k.book.Find(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("listing notes of kind %s: %w", kind, err)
		}
		all = append(all, found.Notes...)
		if q.After = found.Next; q.After == "" {
			return all, nil
		}
	}
}

// What a token may do.
const (
	ScopeRead     = "read"     // queries
	ScopeAct      = "act"      // acts
	ScopeRegister = "register" // hand in documents
)

// Scopes are all that a token may be given.
func Scopes() []string { return []string{ScopeRead, ScopeAct, ScopeRegister} }

// A Token lets a program act as a clerk. The secret is shown once and kept as
// a digest only.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Login   string    `json:"login"`
	Scopes  []string  `json:"scopes"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
}

const (
	tokenPrefix  = "kanc_"
	longestToken = 366 * 24 * time.Hour
)

// AddToken makes a token of a login and gives its secret.
func (k *Keyring) AddToken(ctx context.Context, login, name string, scopes []string, expires time.Time) (Token, string, error) {
	for _, s := range scopes {
		if !slices.Contains(Scopes(), s) {
			return Token{}, "", fmt.Errorf("%w: there is no scope %.30q; these are: %s", registry.ErrRefused, s, strings.Join(Scopes(), ", "))
		}
	}
	now := k.now().UTC()
	if len(scopes) == 0 || !now.Before(expires) || expires.Sub(now) > longestToken {
		return Token{}, "", fmt.Errorf("%w: a token needs a scope and a term of at most a year", registry.ErrRefused)
	}
	secret := tokenPrefix + secretText()
	t := Token{ID: digestKey(secret)[:12], Name: name, Login: login, Scopes: scopes, Made: now, Expires: expires.UTC().Truncate(time.Second)}
	value, err := json.Marshal(t)
	if err != nil {
		return Token{}, "", err
	}
	err = k.book.Keep(ctx, []registry.Note{{Kind: noteToken, Key: digestKey(secret), Value: value, Expires: t.Expires}})
	return t, secret, err
}

// Tokens lists the tokens that are not over.
func (k *Keyring) Tokens(ctx context.Context) ([]Token, error) {
	notes, err := k.notes(ctx, noteToken)
	var all []Token
	for _, n := range notes {
		var t Token
		if json.Unmarshal(n.Value, &t) == nil {
			all = append(all, t)
		}
	}
	return all, err
}

// RevokeToken ends a token by its id.
func (k *Keyring) RevokeToken(ctx context.Context, id string) error {
	notes, err := k.notes(ctx, noteToken)
	if err != nil {
		return err
	}
	for _, n := range notes {
		if len(id) == 12 && strings.HasPrefix(n.Key, id) {
			return k.book.Keep(ctx, []registry.Note{{Kind: noteToken, Key: n.Key}})
		}
	}
	return fmt.Errorf("%w: no token %.20q; \"kancelaria token list\" names them", registry.ErrNotFound, id)
}

// token finds the token of a secret; false if there is none, or it is over.
func (k *Keyring) token(ctx context.Context, secret string) (Token, bool, error) {
	if !strings.HasPrefix(secret, tokenPrefix) || len(secret) > 100 {
		return Token{}, false, nil
	}
	found, err := k.book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: noteToken, Key: digestKey(secret), Limit: 1})
	if err != nil || len(found.Notes) == 0 {
		return Token{}, false, err
	}
	var t Token
	if json.Unmarshal(found.Notes[0].Value, &t) != nil || !k.now().Before(t.Expires) {
		return Token{}, false, nil
	}
	return t, true, nil
}

// onceFor is how long a key of a client's is remembered.
const onceFor = 7 * 24 * time.Hour

// Once gives the item id that stands for a client's key: the same each time
// the same login offers it again.
func (k *Keyring) Once(ctx context.Context, login, key string) (registry.ItemID, error) {
	if len(key) > 200 {
		return registry.ItemID{}, fmt.Errorf("%w: an idempotency key has at most 200 characters", registry.ErrRefused)
	}
	name := digestKey(login + "\x00" + key)
	now, none := k.now(), int64(0)
	id := registry.NewItemID(now)
	err := k.book.Keep(ctx, []registry.Note{{Kind: noteOnce, Key: name, Value: []byte(id.String()), Expires: now.Add(onceFor), IfVersion: &none}})
	if err == nil || !errors.Is(err, registry.ErrConflict) {
		return id, err
	}
	found, err := k.book.Find(ctx, registry.Query{Of: registry.FindNotes, NoteKind: noteOnce, Key: name, Limit: 1})
	if err != nil {
		return registry.ItemID{}, err
	}
	if len(found.Notes) == 0 { // over just now
		return id, nil
	}
	return registry.ParseItemID(string(found.Notes[0].Value))
}

// secretText makes 256 random bits, as text for a cookie or header.
func secretText() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// digestKey is the name under which a secret is kept. Secrets of ours have 256
// random bits, so a plain digest hides them.
func digestKey(secret string) string {
	d := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(d[:])
}
