package pdf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
)

// A crypt opens documents that are encrypted without a user password: many
// programs do that to forbid printing or copying. It only ever reads
// (ISO 32000-2 § 7.6).
type crypt struct {
	key     []byte
	v, r    int64
	streams method
	strings method
}

type method int

const (
	methodNone method = iota
	methodRC4
	methodAES128
	methodAES256
)

// passwordPad is the padding of ISO 32000-1 § 7.6.3.3, and with that the whole
// of an empty password.
const passwordPad = "\x28\xbf\x4e\x5e\x4e\x75\x8a\x41\x64\x00\x4e\x56\xff\xfa\x01\x08\x2e\x2e\x00\xb6\xd0\x68\x3e\x80\x2f\x0c\xa9\xfe\x64\x53\x69\x7a"

func (v *view) unlock() {
	d := dictOf(v.get(v.trailer.get("Encrypt")))
	if d == nil {
		return
	}
	v.locked = true
	if v.get(d.get("Filter")) != name("Standard") {
		return // to be opened with a certificate
	}
	c := &crypt{}
	c.v, _ = v.get(d.get("V")).(int64)
	c.r, _ = v.get(d.get("R")).(int64)
	if !v.methods(c, d) {
		return
	}
	var id []byte
	if list := listOf(v.get(v.trailer.get("ID"))); len(list) > 0 {
		if s, ok := v.get(list[0]).(*str); ok {
			id = s.b
		}
	}
	if c.open(v, d, id) {
		v.crypt, v.locked = c, false
		v.objects = map[int]object{} // what was read so far was read without the key
	}
}

// encryption names the cipher for people.
func (v *view) encryption() string {
	d := dictOf(v.get(v.trailer.get("Encrypt")))
	if v.get(d.get("Filter")) != name("Standard") {
		return "certificate"
	}
	if v.crypt == nil {
		return "password"
	}
	return [...]string{"none", "RC4", "AES-128", "AES-256"}[v.crypt.streams]
}

func (v *view) methods(c *crypt, d *dict) bool {
	if c.v == 1 || c.v == 2 {
		c.streams, c.strings = methodRC4, methodRC4
		return true
	}
	if c.v != 4 && c.v != 5 {
		return false
	}
	filters := dictOf(v.get(d.get("CF")))
	of := func(key name) (method, bool) {
		n, ok := v.get(d.get(key)).(name)
		if !ok || n == "Identity" {
			return methodNone, true
		}
		switch v.get(dictOf(v.get(filters.get(n))).get("CFM")) {
		case name("None"):
			return methodNone, true
		case name("V2"):
			return methodRC4, true
		case name("AESV2"):
			return methodAES128, true
		case name("AESV3"):
			return methodAES256, true
		}
		return 0, false
	}
	var ok1, ok2 bool
	c.streams, ok1 = of("StmF")
	c.strings, ok2 = of("StrF")
	return ok1 && ok2
}

// open computes the key for the empty password and checks it.
func (c *crypt) open(v *view, d *dict, id []byte) bool {
	get := func(k name) []byte {
		s, _ := v.get(d.get(k)).(*str)
		if s == nil {
			return nil
		}
		return s.b
	}
	owner, user := get("O"), get("U")
	if c.r >= 5 {
		return c.open256(user, get("UE"))
	}
	length, ok := v.get(d.get("Length")).(int64)
	if !ok || c.v == 1 {
		length = 40
	}
	if c.v == 4 {
		length = 128
	}
	if len(owner) < 32 || len(user) < 16 || length < 40 || length > 128 {
		return false
	}
	p, _ := v.get(d.get("P")).(int64)
	h := md5.New()
	h.Write([]byte(passwordPad))
	h.Write(owner[:32])
	binary.Write(h, binary.LittleEndian, uint32(p)) //nolint:errcheck // a hash does not fail
	h.Write(id)
	if plain, ok := v.get(d.get("EncryptMetadata")).(bool); ok && !plain && c.r >= 4 {
		h.Write([]byte{0xff, 0xff, 0xff, 0xff})
	}
	key := h.Sum(nil)[:length/8]
	if c.r >= 3 {
		for range 50 {
			sum := md5.Sum(key)
			key = sum[:length/8]
		}
	}
	c.key = bytes.Clone(key)
	return c.opens(user, id)
}

// opens checks the key against the entry U.
func (c *crypt) opens(user, id []byte) bool {
	if c.r < 3 {
		return len(user) >= 32 && bytes.Equal(rc4ed(c.key, []byte(passwordPad)), user[:32])
	}
	sum := md5.Sum(append([]byte(passwordPad), id...))
	check := rc4ed(c.key, sum[:])
	for i := byte(1); i <= 19; i++ {
		k := bytes.Clone(c.key)
		for j := range k {
			k[j] ^= i
		}
		check = rc4ed(k, check)
	}
	return bytes.Equal(check, user[:16])
}

func rc4ed(key, b []byte) []byte {
	out := make([]byte, len(b))
	k, err := rc4.NewCipher(key)
	if err != nil {
		return nil
	}
	k.XORKeyStream(out, b)
	return out
}

// open256 is algorithm 2.A of ISO 32000-2 with the empty user password.
func (c *crypt) open256(user, wrapped []byte) bool {
	if len(user) < 48 || len(wrapped) < 32 {
		return false
	}
	if !bytes.Equal(c.digest256(user[32:40]), user[:32]) {
		return false
	}
	block, err := aes.NewCipher(c.digest256(user[40:48]))
	if err != nil {
		return false
	}
	c.key = make([]byte, 32)
	cipher.NewCBCDecrypter(block, make([]byte, 16)).CryptBlocks(c.key, wrapped[:32])
	return true
}

// digest256 is algorithm 2.B for an empty password.
func (c *crypt) digest256(salt []byte) []byte {
	first := sha256.Sum256(salt)
	k := first[:]
	if c.r < 6 {
		return k
	}
	for round := 0; ; round++ {
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			return nil
		}
		e := bytes.Repeat(k, 64)
		cipher.NewCBCEncrypter(block, k[16:32]).CryptBlocks(e, e)
		sum := 0
		for _, b := range e[:16] {
			sum += int(b)
		}
		switch sum % 3 {
		case 0:
			h := sha256.Sum256(e)
			k = h[:]
		case 1:
			h := sha512.Sum384(e)
			k = h[:]
		default:
			h := sha512.Sum512(e)
			k = h[:]
		}
		if round >= 63 && int(e[len(e)-1]) <= round-31 {
			return k[:32]
		}
	}
}

// plain gives a string as its writer meant it. Strings in object streams are
// encrypted with their stream only.
func (v *view) plain(s *str, own ref) []byte {
	if v.crypt == nil || s.start < 0 || own.num == 0 {
		return s.b
	}
	b, err := v.crypt.decrypt(v.crypt.strings, s.b, own)
	if err != nil {
		return nil
	}
	return b
}

func (c *crypt) stream(st *stream) ([]byte, error) {
	if st.dict.get("Type") == name("XRef") {
		return st.raw, nil
	}
	return c.decrypt(c.streams, st.raw, st.own)
}

func (c *crypt) decrypt(m method, b []byte, own ref) ([]byte, error) {
	key := c.key
	if m == methodRC4 || m == methodAES128 {
		h := md5.New()
		h.Write(c.key)
		h.Write([]byte{byte(own.num), byte(own.num >> 8), byte(own.num >> 16), byte(own.gen), byte(own.gen >> 8)})
		if m == methodAES128 {
			h.Write([]byte("sAlT"))
		}
		key = h.Sum(nil)[:min(16, len(c.key)+5)]
	}
	switch m {
	case methodNone:
		return b, nil
	case methodRC4:
		return rc4ed(key, b), nil
	}
	block, err := aes.NewCipher(key)
	if err != nil || len(b) < 32 || len(b)%16 != 0 {
		return nil, fmt.Errorf("an encrypted stream is malformed: %w", errUnreadable)
	}
	out := make([]byte, len(b)-16)
	cipher.NewCBCDecrypter(block, b[:16]).CryptBlocks(out, b[16:])
	pad := int(out[len(out)-1])
	if pad < 1 || pad > 16 {
		return nil, fmt.Errorf("an encrypted stream is malformed: %w", errUnreadable)
	}
	return out[:len(out)-pad], nil
}
