package signature

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"

	"kancelaria/gateway/parse"
)

// sniff says what a candidate is by its bytes: .sig may be anything, and a
// name is only what its sender wrote.
func sniff(head []byte, said parse.Format) parse.Format {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(head) == 0:
		return said
	case said == parse.PDF, said == parse.ASiC, said == parse.OOXML:
		return said
	case bytes.Contains(head, []byte("-----BEGIN PGP SIGN")), said == parse.PGP:
		return parse.PGP
	case bytes.Contains(text[:min(len(text), 2000)], []byte("<SignedDoc")):
		return parse.Other // DDOC
	case len(text) > 0 && text[0] == '<', isWideXML(head):
		return parse.XML
	case head[0] == 0x30, bytes.HasPrefix(text, []byte("-----BEGIN ")), said == parse.CMS && isBase64(text):
		return parse.CMS
	case said == parse.CMS && isPGPPacket(head[0]):
		return parse.PGP
	case bytes.HasPrefix(head, []byte("%PDF-")):
		return parse.PDF
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return parse.ASiC
	case said == parse.XML:
		return "" // a text that only mentions signatures
	}
	return said
}

// isWideXML reports whether bytes begin XML in UTF-16.
func isWideXML(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xff\xfe<\x00")) || bytes.HasPrefix(head, []byte("\xfe\xff\x00<"))
}

// isPGPPacket reports whether an octet begins a signature packet (RFC 9580
// § 4.2): the old form of tag 2, or the new one.
func isPGPPacket(b byte) bool { return b >= 0x88 && b <= 0x8b || b == 0xc2 }

func isBase64(text []byte) bool {
	return bytes.HasPrefix(text, []byte("MI")) && bytes.IndexFunc(text[:min(len(text), 200)], func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '+' || r == '/' || r == '=' || r == '\r' || r == '\n')
	}) < 0
}

// unarmoured gives the bytes of a CMS that was written as text.
func unarmoured(b []byte) []byte {
	text := bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	if block, _ := pem.Decode(text); block != nil {
		return block.Bytes
	}
	if isBase64(text) {
		plain := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
		if n, err := base64.StdEncoding.Decode(plain, text); err == nil {
			return plain[:n]
		}
	}
	return b
}
