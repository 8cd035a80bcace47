package smtpd

import (
	"crypto/sha512"
	"fmt"
	"strconv"
	"strings"
)

// sha512Crypt digests a password as crypt(3) does for "$6$", with the salt and
// rounds of a digest made before (U. Drepper, Unix crypt using SHA-256 and
// SHA-512, 2008; the numbers of the steps are those of that paper).
func sha512Crypt(password, like string) (digest string, ok bool) {
	head, salt, rounds, ok := cryptParts(like)
	if !ok {
		return "", false
	}
	key, grain := []byte(password), []byte(salt)
	alternate := sum(key, grain, key) // 4–8
	start := sha512.New()             // 1–3
	start.Write(key)
	start.Write(grain)
	start.Write(stretch(alternate, len(key))) // 9, 10
	for n := len(key); n > 0; n >>= 1 {       // 11
		if n&1 != 0 {
			start.Write(alternate)
		} else {
			start.Write(key)
		}
	}
	a := start.Sum(nil)                                                       // 12
	p := stretch(sum([]byte(strings.Repeat(password, len(key)))), len(key))   // 13–16
	s := stretch(sum([]byte(strings.Repeat(salt, 16+int(a[0])))), len(grain)) // 17–20
	for i := range rounds {                                                   // 21
		first, last := p, a
		if i%2 == 0 {
			first, last = a, p
		}
		round := [][]byte{first}
		if i%3 != 0 {
			round = append(round, s)
		}
		if i%7 != 0 {
			round = append(round, p)
		}
		a = sum(append(round, last)...)
	}
	return head + "$" + cryptText(a), true
}

// cryptParts reads "$6$salt$…" or "$6$rounds=N$salt$…".
func cryptParts(digest string) (head, salt string, rounds int, ok bool) {
	rest, ok := strings.CutPrefix(digest, "$6$")
	if !ok {
		return "", "", 0, false
	}
	rounds = 5000
	head = "$6$"
	if said, after, given := strings.Cut(rest, "$"); given && strings.HasPrefix(said, "rounds=") {
		n, err := strconv.Atoi(said[len("rounds="):])
		if err != nil || n < 1000 || n > 1_000_000 {
			return "", "", 0, false
		}
		head, rest, rounds = fmt.Sprintf("$6$rounds=%d$", n), after, n
	}
	salt, _, ok = strings.Cut(rest, "$")
	return head + salt, salt, rounds, ok && len(salt) <= 16
}

func sum(parts ...[]byte) []byte {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// stretch repeats a digest to n bytes.
func stretch(digest []byte, n int) []byte {
	var out []byte
	for len(out) < n {
		out = append(out, digest...)
	}
	return out[:n]
}

const cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// cryptText writes the 64 bytes in the order of step 22: three at a time, each
// 21 further than the one before, turning round.
func cryptText(a []byte) string {
	var out strings.Builder
	write := func(three uint, letters int) {
		for range letters {
			out.WriteByte(cryptAlphabet[three&0x3f])
			three >>= 6
		}
	}
	for i, x, y, z := 0, 0, 21, 42; i < 21; i, x, y, z = i+1, y+1, z+1, x+1 {
		write(uint(a[x])<<16|uint(a[y])<<8|uint(a[z]), 4)
	}
	write(uint(a[63]), 2)
	return out.String()
}
