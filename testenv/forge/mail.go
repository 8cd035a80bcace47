package forge

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// Part writes a MIME part of text, as signers have it: with CR LF.
func Part(text string) string {
	return "Content-Type: text/plain; charset=utf-8\r\n\r\n" + strings.ReplaceAll(text, "\n", "\r\n")
}

// ClearSigned writes multipart/signed (RFC 8551 § 3.5.3) over a part.
func ClearSigned(part string, signature []byte) string {
	return "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=\"sig\"\r\n\r\n" +
		"--sig\r\n" + part + "\r\n--sig\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		Lines(signature) + "--sig--\r\n"
}

// Opaque writes application/pkcs7-mime.
func Opaque(signed []byte) string {
	return "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n" + Lines(signed)
}

// Letter puts a header before a body that begins with its own MIME fields.
func Letter(from, body string) string {
	return fmt.Sprintf("From: %s\r\nTo: urzad@aleksandrowo.example\r\nSubject: Wniosek\r\nDate: Mon, 23 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@poczta.example>\r\nMIME-Version: 1.0\r\n%s", from, body)
}

// Mixed writes multipart/mixed of parts.
func Mixed(parts ...string) string {
	return "Content-Type: multipart/mixed; boundary=\"mix\"\r\n\r\n--mix\r\n" + strings.Join(parts, "\r\n--mix\r\n") + "\r\n--mix--\r\n"
}

// File writes a part that is an attached file.
func File(name string, content []byte) string {
	return "Content-Type: application/octet-stream; name=\"" + name + "\"\r\nContent-Disposition: attachment; filename=\"" + name + "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + strings.TrimSuffix(Lines(content), "\r\n")
}

// Lines writes base64 in lines.
func Lines(b []byte) string {
	var out strings.Builder
	for s := base64.StdEncoding.EncodeToString(b); s != ""; {
		n := min(76, len(s))
		out.WriteString(s[:n] + "\r\n")
		s = s[n:]
	}
	return out.String()
}

// Sign signs content detached, in the usual way.
func (p *Party) Sign(tb testing.TB, content string) []byte {
	tb.Helper()
	return CMS{Content: []byte(content), Seals: []Seal{{By: p}}}.Make(tb)
}
