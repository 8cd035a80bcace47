package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"kancelaria/registry"
)

// Tokens make the addresses by which our own mail comes back to where it
// belongs, and know them again. Such an address carries its proof in its local
// part: nobody else can make one, and it survives systems that fold case.
//
//	r+rpw-004512-2026.<token>@…       a clerk answers a notice
//	urzad+s.rpw-004512-2026.<tag>@…   a sender answers a receipt
//	b+4711.1.<tag>@…                  a relay could not deliver (VERP)
type Tokens struct {
	domain string
	keys   [][]byte
}

// NewTokens makes addresses of a domain. The first key signs; the others, of
// earlier years, are still believed.
func NewTokens(domain string, keys ...[]byte) *Tokens {
	return &Tokens{domain: strings.ToLower(domain), keys: keys}
}

// A TokenKind says what an address of ours is for.
type TokenKind byte

// The kinds of tokens.
const (
	TokenReply  TokenKind = 'r'
	TokenSender TokenKind = 's'
	TokenBounce TokenKind = 'b'
)

// Rights are the commands that a reply address allows.
type Rights uint8

// The rights, one for each command of a clerk.
const (
	MayAccept Rights = 1 << iota
	MayReturn
	MayForward
	MayClose
	MayNote
	MayDue
	MayCase
	MayApprove
	// MayHandle is what the clerk of an entry may.
	MayHandle = MayAccept | MayReturn | MayForward | MayClose | MayNote | MayDue | MayCase
)

// A Token is what an address of ours says. Its tag was checked; whether it has
// expired is for the caller to look at, who knows the day.
type Token struct {
	Kind    TokenKind
	Number  registry.Number // of reply and sender tokens
	Rights  Rights          // of reply tokens
	Expires registry.Day    // of reply tokens: the last day
	Outbox  string          // of bounce tokens: the outbox row
	clerk   [4]byte
	key     []byte
}

// TokenLife is for how many days a clerk may answer a notice.
const TokenLife = 60

// Made is the day on which a reply token was made.
func (t Token) Made() registry.Day { return t.Expires.AddDays(-TokenLife) }

// IsFor reports whether a reply token was made for this clerk.
func (t Token) IsFor(login string) bool {
	return t.Kind == TokenReply && hmac.Equal(t.clerk[:], clerkMark(t.key, login))
}

const maxLocalPart = 64 // RFC 5321 § 4.5.3.1.1

// ErrAddressTooLong: the register's name leaves no room for a token.
var ErrAddressTooLong = errors.New("the address would be longer than mail allows")

// Reply makes the address to which a clerk answers a notice.
func (t *Tokens) Reply(entry registry.Number, clerk string, rights Rights, expires registry.Day) (string, error) {
	number := strings.ToLower(entry.String())
	payload := binary.BigEndian.AppendUint16(nil, dayNumber(expires))
	payload = append(payload, byte(rights))
	payload = append(payload, clerkMark(t.keys[0], clerk)...)
	payload = append(payload, tokenTag(t.keys[0], TokenReply, number, payload)...)
	return t.address("r+" + number + "." + encodeToken(payload))
}

// Sender makes the address to which a sender answers a receipt: the mailbox it
// was written to, with a detail that names the entry.
func (t *Tokens) Sender(mailbox string, entry registry.Number) (string, error) {
	at := strings.LastIndexByte(mailbox, '@')
	if at < 1 {
		return "", fmt.Errorf("%.60q is not an address", mailbox)
	}
	number := strings.ToLower(entry.String())
	local := mailbox[:at] + "+s." + number + "." + encodeToken(tokenTag(t.keys[0], TokenSender, number, nil))
	if len(local) > maxLocalPart {
		return "", ErrAddressTooLong
	}
	return local + mailbox[at:], nil
}

// Bounce makes the reverse path of one outgoing mail.
func (t *Tokens) Bounce(outboxID string) (string, error) {
	return t.address("b+" + outboxID + "." + encodeToken(tokenTag(t.keys[0], TokenBounce, outboxID, nil)))
}

func (t *Tokens) address(local string) (string, error) {
	if len(local) > maxLocalPart {
		return "", ErrAddressTooLong
	}
	return local + "@" + t.domain, nil
}

// Parse reads an address; ok is false for whatever we did not make.
func (t *Tokens) Parse(address string) (tok Token, ok bool) {
	address = strings.ToLower(strings.TrimSpace(address))
	at := strings.LastIndexByte(address, '@')
	if at < 0 || at > maxLocalPart || address[at+1:] != t.domain {
		return Token{}, false
	}
	box, detail, _ := strings.Cut(address[:at], "+")
	kind := TokenSender
	switch {
	case box == "r":
		kind = TokenReply
	case box == "b":
		kind = TokenBounce
	default:
		if detail, ok = strings.CutPrefix(detail, "s."); !ok {
			return Token{}, false
		}
	}
	dot := strings.LastIndexByte(detail, '.')
	if dot < 1 {
		return Token{}, false
	}
	raw, err := tokenText.DecodeString(strings.ToUpper(detail[dot+1:]))
	if err != nil || encodeToken(raw) != detail[dot+1:] {
		return Token{}, false
	}
	for _, key := range t.keys {
		if tok, ok := readToken(key, kind, detail[:dot], raw); ok {
			return tok, true
		}
	}
	return Token{}, false
}

const (
	tagSize     = 8 // 64 bits: guesses are made one mail at a time
	payloadSize = 2 + 1 + 4
)

// readToken checks a token of a kind that names a subject.
func readToken(key []byte, kind TokenKind, subject string, raw []byte) (Token, bool) {
	want := tagSize
	if kind == TokenReply {
		want += payloadSize
	}
	if len(raw) != want {
		return Token{}, false
	}
	payload := raw[:len(raw)-tagSize]
	if !hmac.Equal(raw[len(payload):], tokenTag(key, kind, subject, payload)) {
		return Token{}, false
	}
	tok := Token{Kind: kind, key: key}
	if kind == TokenBounce {
		tok.Outbox = subject
		return tok, true
	}
	number, err := registry.ParseNumber(subject)
	if err != nil {
		return Token{}, false
	}
	tok.Number = number
	if kind == TokenReply {
		tok.Expires = dayOfNumber(binary.BigEndian.Uint16(payload))
		tok.Rights = Rights(payload[2])
		copy(tok.clerk[:], payload[3:])
	}
	return tok, true
}

// tokenTag is the proof: over the kind, so that no token passes for another's.
func tokenTag(key []byte, kind TokenKind, subject string, payload []byte) []byte {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "kancelaria/token/v1\n%c\n%s\n", kind, subject)
	mac.Write(payload)
	return mac.Sum(nil)[:tagSize]
}

func clerkMark(key []byte, login string) []byte {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "kancelaria/clerk/v1\n%s", login)
	return mac.Sum(nil)[:4]
}

var tokenText = base32.StdEncoding.WithPadding(base32.NoPadding)

func encodeToken(b []byte) string { return strings.ToLower(tokenText.EncodeToString(b)) }

// Days are counted from this one; sixteen bits reach to 2199.
var tokenEpoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func dayNumber(d registry.Day) uint16 {
	n := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Sub(tokenEpoch) / (24 * time.Hour)
	return uint16(min(max(n, 0), 1<<16-1))
}

func dayOfNumber(n uint16) registry.Day {
	return registry.DayOf(tokenEpoch, time.UTC).AddDays(int(n))
}
