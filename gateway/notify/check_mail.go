package notify

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

// proofMark is the first line of a proof, wherever it is attached.
const proofMark = "c2sp.org/tlog-proof@v1"

// mostParts bounds the parts of a receipt; ours has two.
const mostParts = 20

// A receivedMail is a receipt as it lies with whoever keeps it. It may have
// been forwarded, stored and encoded anew; or it is the attached file alone.
type receivedMail struct {
	whole   bool // a mail, not the file alone
	subject string
	item    string
	text    string
	files   []string // texts attached, in order
}

// openReceipt reads what it can; what it cannot is missing, and found as such.
func openReceipt(raw []byte) receivedMail {
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil || msg.Header.Get("Subject") == "" && msg.Header.Get("Content-Type") == "" {
		return receivedMail{files: []string{plain(raw)}}
	}
	m := receivedMail{whole: true, item: strings.TrimSpace(msg.Header.Get("X-Kancelaria-Item"))}
	words := mime.WordDecoder{}
	if m.subject, err = words.DecodeHeader(msg.Header.Get("Subject")); err != nil {
		m.subject = msg.Header.Get("Subject")
	}
	m.read(textproto.MIMEHeader(msg.Header), msg.Body, 0)
	return m
}

func (m *receivedMail) read(h textproto.MIMEHeader, body io.Reader, depth int) {
	mediaType, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		mediaType = "text/plain"
	}
	if strings.HasPrefix(mediaType, "multipart/") && depth < 4 {
		parts := multipart.NewReader(body, params["boundary"])
		for range mostParts {
			p, err := parts.NextRawPart()
			if err != nil {
				return
			}
			m.read(p.Header, p, depth+1)
		}
		return
	}
	raw, err := io.ReadAll(io.LimitReader(decoded(h.Get("Content-Transfer-Encoding"), body), maxReceipt))
	if err != nil {
		return // what is not whole is not what we wrote
	}
	disposition, _, _ := mime.ParseMediaType(h.Get("Content-Disposition"))
	switch text := plain(raw); {
	case disposition == "attachment" || strings.Contains(text, proofMark):
		m.files = append(m.files, text)
	case m.text == "" && mediaType == "text/plain":
		m.text = text
	}
}

func decoded(encoding string, r io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	default:
		return r
	}
}

// plain takes away byte order mark and Windows' ends of lines.
func plain(raw []byte) string {
	return strings.ReplaceAll(strings.TrimPrefix(string(raw), "\ufeff"), "\r\n", "\n")
}

// proof finds the file that proves, and cuts it in two: what people read, and
// the proof to the end.
func (m receivedMail) proof() (figures, proof string, ok bool) {
	for _, f := range m.files {
		if at := strings.Index(f, proofMark+"\n"); at >= 0 {
			return f[:at], f[at:], true
		}
	}
	return "", "", false
}
