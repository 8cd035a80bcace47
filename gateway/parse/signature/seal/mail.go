package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"mime"
	"strings"
)

// A mail is one of ours, taken apart: fields that stay outside, those that
// describe the body, and the body.
type mailParts struct {
	outer, inner, body []byte
}

// take takes a finished mail apart. It gives nil for one that must not be
// sealed: it carries a file of a sender, or is signed already.
func take(mail []byte) (*mailParts, error) {
	lines := bytes.ReplaceAll(bytes.ReplaceAll(mail, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
	header, body, ok := bytes.Cut(lines, []byte("\r\n\r\n"))
	if !ok {
		return nil, errors.New("a mail without a body")
	}
	if bytes.ContainsFunc(lines, func(r rune) bool { return r > 126 }) {
		return nil, errors.New("a mail that is not in seven bits may be changed on its way")
	}
	if foreign(header, body) {
		return nil, nil
	}
	m := &mailParts{body: body}
	for _, f := range fields(header) {
		name, _, _ := bytes.Cut(f, []byte(":"))
		switch strings.ToLower(string(name)) {
		case "mime-version":
			m.outer = append(m.outer, f...)
		case "content-type", "content-transfer-encoding", "content-disposition", "content-language":
			m.inner = append(m.inner, f...)
		case "from", "to", "subject", "date":
			m.inner = append(m.inner, f...) // RFC 9788: what the signature shall prove, too
			m.outer = append(m.outer, f...)
		default:
			m.outer = append(m.outer, f...)
		}
	}
	return m, nil
}

// fields splits a header into fields with their folded lines.
func fields(header []byte) (list [][]byte) {
	for line := range bytes.SplitSeq(header, []byte("\r\n")) {
		full := append(bytes.Clone(line), "\r\n"...)
		if len(line) > 0 && (line[0] == ' ' || line[0] == '\t') && len(list) > 0 {
			list[len(list)-1] = append(list[len(list)-1], full...)
			continue
		}
		list = append(list, full)
	}
	return list
}

// foreign reports whether a mail holds more than texts: what a sender wrote is
// not the office's to sign.
func foreign(header, body []byte) bool {
	for _, f := range append(fields(header), fields(body)...) {
		name, value, ok := bytes.Cut(f, []byte(":"))
		if !ok || !bytes.EqualFold(bytes.TrimSpace(name), []byte("content-type")) {
			continue
		}
		media, _, err := mime.ParseMediaType(strings.Join(strings.Fields(string(value)), " "))
		switch {
		case err != nil, media == "multipart/signed":
			return true
		case media == "text/plain", media == "text/html", media == "multipart/alternative", media == "multipart/mixed", media == "multipart/related":
		default:
			return true
		}
	}
	return false
}

// part is what is signed.
func (m *mailParts) part() []byte {
	return append(append(bytes.Clone(m.inner), "\r\n"...), bytes.TrimSuffix(m.body, []byte("\r\n"))...)
}

const lineLength = 76

// signed puts the signature beside the part.
func (m *mailParts) signed(value []byte) []byte {
	sum := sha256.Sum256(value)
	boundary := "kancelaria-seal-" + hex.EncodeToString(sum[:12])
	var b bytes.Buffer
	b.Write(m.outer)
	b.WriteString("Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n micalg=sha-256; boundary=\"" + boundary + "\"\r\n\r\n--" + boundary + "\r\n")
	b.Write(m.part())
	b.WriteString("\r\n--" + boundary + "\r\nContent-Type: application/pkcs7-signature; name=\"smime.p7s\"\r\nContent-Disposition: attachment; filename=\"smime.p7s\"\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	for s := base64.StdEncoding.EncodeToString(value); s != ""; {
		n := min(lineLength, len(s))
		b.WriteString(s[:n] + "\r\n")
		s = s[n:]
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.Bytes()
}
