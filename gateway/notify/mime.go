package notify

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/emersion/go-message"
)

// A sheet is a mail before it is encoded.
type sheet struct {
	id      string // Message-ID without brackets; boundaries derive from it
	from    string
	to      string
	replyTo string
	date    time.Time
	subject string
	inReply string   // Message-ID without brackets
	refs    []string // without brackets
	fields  [][2]string
	text    string
	html    string
	files   []attached
}

type attached struct {
	name, mediaType string
	content         []byte
}

// maxField holds the longest field we make ourselves, the rows that a
// collective mail tells; all that comes from outside is cut shorter before.
const maxField = 30 * maxJoined

// encode writes the mail. Every value of the header is made one line first:
// whatever stands in a letter, it never begins a field of ours.
func (s sheet) encode() ([]byte, error) {
	var h message.Header
	add := func(name, value string) {
		// What looks like an encoded word would be decoded by a reader, line
		// breaks and all.
		value = strings.ReplaceAll(oneLine(value, maxField), "=?", "= ?")
		if value != "" {
			h.SetText(name, value)
		}
	}
	// go-message writes fields last set first.
	fields := [][2]string{
		{"Date", s.date.Format(time.RFC1123Z)},
		{"From", s.from},
		{"To", s.to},
		{"Reply-To", s.replyTo},
		{"Message-ID", bracket(s.id)},
		{"In-Reply-To", bracket(s.inReply)},
		{"References", bracket(s.refs...)},
		{"Subject", s.subject},
	}
	fields = append(fields, s.fields...)
	fields = append(fields, [2]string{"MIME-Version", "1.0"})
	for i := len(fields) - 1; i >= 0; i-- {
		add(fields[i][0], fields[i][1])
	}
	var b bytes.Buffer
	if err := s.write(&b, h); err != nil {
		return nil, fmt.Errorf("composing mail %s: %w", s.id, err)
	}
	return b.Bytes(), nil
}

// write chooses the least structure that holds the parts.
func (s sheet) write(b *bytes.Buffer, h message.Header) error {
	switch {
	case len(s.files) > 0:
		h.SetContentType("multipart/mixed", map[string]string{"boundary": s.boundary("mixed")})
		w, err := message.CreateWriter(b, h)
		if err != nil {
			return err
		}
		if err := s.writeBody(w); err != nil {
			return err
		}
		for _, f := range s.files {
			if err := writeFile(w, f); err != nil {
				return err
			}
		}
		return w.Close()
	case s.html != "":
		h.SetContentType("multipart/alternative", map[string]string{"boundary": s.boundary("alt")})
		w, err := message.CreateWriter(b, h)
		if err != nil {
			return err
		}
		if err := s.writeAlternatives(w); err != nil {
			return err
		}
		return w.Close()
	default:
		h.SetContentType("text/plain", map[string]string{"charset": "utf-8"})
		h.Set("Content-Transfer-Encoding", "quoted-printable")
		w, err := message.CreateWriter(b, h)
		if err != nil {
			return err
		}
		if _, err := w.Write(crlf(s.text)); err != nil {
			return err
		}
		return w.Close()
	}
}

// writeBody writes text, and HTML if there is any, as one part of w.
func (s sheet) writeBody(w *message.Writer) error {
	if s.html == "" {
		return writeText(w, "text/plain", s.text)
	}
	var h message.Header
	h.SetContentType("multipart/alternative", map[string]string{"boundary": s.boundary("alt")})
	part, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	if err := s.writeAlternatives(part); err != nil {
		return err
	}
	return part.Close()
}

func (s sheet) writeAlternatives(w *message.Writer) error {
	if err := writeText(w, "text/plain", s.text); err != nil {
		return err
	}
	return writeText(w, "text/html", s.html)
}

func writeText(w *message.Writer, mediaType, text string) error {
	var h message.Header
	h.SetContentType(mediaType, map[string]string{"charset": "utf-8"})
	h.Set("Content-Transfer-Encoding", "quoted-printable")
	return writePart(w, h, crlf(text))
}

func writeFile(w *message.Writer, f attached) error {
	var h message.Header
	params := map[string]string{}
	if strings.HasPrefix(f.mediaType, "text/") {
		params["charset"] = "utf-8"
	}
	h.SetContentType(f.mediaType, params)
	h.SetContentDisposition("attachment", map[string]string{"filename": oneLine(f.name, 120)})
	h.Set("Content-Transfer-Encoding", "base64")
	return writePart(w, h, f.content)
}

func writePart(w *message.Writer, h message.Header, content []byte) error {
	part, err := w.CreatePart(h)
	if err != nil {
		return err
	}
	if _, err := part.Write(content); err != nil {
		return err
	}
	return part.Close()
}

// boundary derives from the Message-ID: the same mail is the same bytes.
func (s sheet) boundary(part string) string {
	sum := sha256.Sum256([]byte(part + "\n" + s.id))
	return "kancelaria-" + hex.EncodeToString(sum[:12])
}

func crlf(text string) []byte {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return []byte(strings.ReplaceAll(text, "\n", "\r\n"))
}

func bracket(ids ...string) string {
	var b strings.Builder
	for _, id := range ids {
		if id == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("<" + id + ">")
	}
	return b.String()
}

// mailbox writes a name and an address for a header; go-message's encoder
// leaves what is ASCII alone, so that a name with Polish letters is encoded
// here and the address never is.
func mailbox(name, address string) string {
	return (&mail.Address{Name: oneLine(name, 100), Address: address}).String()
}

// oneLine makes a text from outside fit for one line: control characters and
// line separators become spaces, signs that turn the direction of writing go,
// and it is cut to a number of characters.
func oneLine(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), r == 0x2028, r == 0x2029, unicode.IsControl(r):
			return ' '
		case turnsDirection(r), r == 0xfeff:
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(s, "\ufffd"))
	return clip(strings.Join(strings.Fields(s), " "), most)
}

func turnsDirection(r rune) bool {
	return r == 0x200e || r == 0x200f || r == 0x061c || (r >= 0x202a && r <= 0x202e) || (r >= 0x2066 && r <= 0x2069)
}

// clip cuts to a number of characters and shows that it did.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	runes := []rune(s)
	if len(runes) <= most {
		return s
	}
	return string(runes[:most-1]) + "…"
}

// quotableID reports whether a Message-ID of a letter can stand in a header of
// ours.
func quotableID(id string) bool {
	if len(id) < 3 || len(id) > 250 || !strings.Contains(id, "@") {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' })
}
