package pdf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// locked is a signed letter encrypted for an empty user password, as programs
// do to forbid printing. Only the string that is asked for is encrypted.
func lockedLetter(t *testing.T, v int) []byte {
	t.Helper()
	id := []byte("0123456789abcdef")
	c := &crypt{v: int64(v), streams: methodAES128, strings: methodAES128}
	var entry string
	zeros := make([]byte, 16)
	if v == 5 {
		c.r, c.streams, c.strings, c.key = 6, methodAES256, methodAES256, bytes.Repeat([]byte{7}, 32)
		user := append(c.digest256([]byte("validate")), "validatekeysalt1"...)
		block, err := aes.NewCipher(c.digest256([]byte("keysalt1")))
		if err != nil {
			t.Fatal(err)
		}
		wrapped := make([]byte, 32)
		cipher.NewCBCEncrypter(block, zeros).CryptBlocks(wrapped, c.key)
		entry = fmt.Sprintf("/Filter/Standard/V 5/R 6/Length 256/CF<</StdCF<</CFM/AESV3>>>>/StmF/StdCF/StrF/StdCF/U<%x>/UE<%x>/O<%x>/P -4", user, wrapped, make([]byte, 48))
	} else {
		c.r = 4
		owner := bytes.Repeat([]byte{9}, 32)
		h := md5.New()
		h.Write([]byte(passwordPad))
		h.Write(owner)
		h.Write(binary.LittleEndian.AppendUint32(nil, 0xfffffffc))
		h.Write(id)
		c.key = h.Sum(nil)
		for range 50 {
			sum := md5.Sum(c.key)
			c.key = sum[:]
		}
		sum := md5.Sum(append([]byte(passwordPad), id...))
		user := rc4ed(c.key, sum[:])
		for i := byte(1); i <= 19; i++ {
			k := bytes.Clone(c.key)
			for j := range k {
				k[j] ^= i
			}
			user = rc4ed(k, user)
		}
		entry = fmt.Sprintf("/Filter/Standard/V 4/R 4/Length 128/CF<</StdCF<</CFM/AESV2>>>>/StmF/StdCF/StrF/StdCF/U<%x%x>/O<%x>/P -4", user, zeros, owner)
	}
	trailer := fmt.Sprintf("/Encrypt 25 0 R/ID[<%x><%x>]", id, id)
	p := letterhead("")
	p.object(25, "<<"+entry+">>")
	p.save(trailer)
	p.object(9, "<</Type/Annot/Subtype/Widget/FT/Sig/Rect[0 0 0 0]/P 3 0 R/V 20 0 R/T<"+encrypted(t, c, "podpis", ref{9, 0})+">>>")
	p.signature(20, "/Reason<"+encrypted(t, c, "zgoda", ref{20, 0})+">")
	return p.save(trailer).sign().b.Bytes()
}

func encrypted(t *testing.T, c *crypt, text string, own ref) string {
	t.Helper()
	key := c.key
	if c.v == 4 {
		h := md5.New()
		h.Write(c.key)
		h.Write([]byte{byte(own.num), 0, 0, 0, 0})
		h.Write([]byte("sAlT"))
		key = h.Sum(nil)
	}
	pad := 16 - len(text)%16
	b := append([]byte(text), bytes.Repeat([]byte{byte(pad)}, pad)...)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(b))
	cipher.NewCBCEncrypter(block, make([]byte, 16)).CryptBlocks(out, b)
	return strings.Repeat("00", 16) + hex.EncodeToString(out)
}

func TestEncryptedDocumentsWithoutAPasswordAreRead(t *testing.T) {
	for v, want := range map[int]string{4: "AES-128", 5: "AES-256"} {
		doc := read(t, lockedLetter(t, v))
		if doc.Encrypted != want || doc.Unreadable || len(doc.Signatures) != 1 {
			t.Fatalf("V %d: %+v", v, doc)
		}
		if s := doc.Signatures[0]; s.Reason != "zgoda" || s.Field != "podpis" || s.Covers != CoversWhole || s.Problem != nil {
			t.Errorf("V %d: %+v", v, s)
		}
	}
}

// Behind a password nothing is to be read, but the signature is still found:
// its value is never encrypted.
func TestASignatureBehindAPasswordIsFound(t *testing.T) {
	b := lockedLetter(t, 4)
	i := bytes.Index(b, []byte("/O<0909"))
	copy(b[i:], "/O<0a09") // the key of another password
	doc := read(t, b)
	if doc.Encrypted != "password" || !doc.Unreadable || len(doc.Signatures) != 1 || doc.Signatures[0].Problem != nil {
		t.Errorf("%+v", doc)
	}
}
