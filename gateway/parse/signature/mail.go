package signature

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"kancelaria/gateway/parse/signature/cms"
	"kancelaria/registry"
)

// cover says what of the letter, or of the file, a signature covers.
func (l *look) cover(r *registry.SignatureReport) {
	if l.Letter == nil {
		return
	}
	r.Coverage.Parts = nil
	if l.ContentPath != "" {
		r.Coverage.Parts = []string{l.ContentPath}
	}
	r.Coverage.Uncovered = l.Extra
	if !l.Letter.Whole {
		r.Covers = registry.CoversPart
	}
	if len(l.Extra) > 0 {
		r.Covers = registry.CoversPart
		r.Because(registry.SignatureReason{Verdict: registry.TotalFailed, Reason: registry.FormatFailure, Code: "extra_parts"})
	}
	r.Warnings = append(r.Warnings, "headers_unsigned")
}

// author compares the signers of a letter with its author: at least one must
// be the one address of the one From field (RFC 8551 § 3). Sender, Reply-To and
// the name beside an address count for nothing. What lies inside another
// signature is told apart and compared with nobody.
func (l *look) author(from int) {
	reports := l.reports[from:]
	if l.Letter == nil || l.Letter.Layer > 0 {
		return
	}
	match := slices.ContainsFunc(reports, func(r registry.SignatureReport) bool { return sameAddress(l.one(), r.Signer.Emails) > 0 })
	for i := range reports {
		r := &reports[i]
		if len(r.Signer.Emails) == 0 && r.Signer.Name != "" {
			r.Warnings = append(r.Warnings, "no_email")
		}
		switch {
		case l.Letter.Fields == 0 || len(l.Letter.From) == 0:
			r.Because(doubt(registry.SigConstraintsFailure, "no_sender", ""))
		case l.Letter.Fields > 1 || len(l.Letter.From) > 1:
			r.Because(doubt(registry.SigConstraintsFailure, "several_senders", ""))
		case l.Letter.Loose:
			r.Because(doubt(registry.SigConstraintsFailure, "not_sender", "the address in From can only be guessed"))
		case sameAddress(l.one(), r.Signer.Emails) == loosely:
			r.Warnings = append(r.Warnings, "email_case")
		case !match && r.Signer.Name != "":
			r.Because(doubt(registry.SigConstraintsFailure, "not_sender", ""))
		}
	}
}

// one gives the address of the author, "" unless there is exactly one.
func (l *look) one() string {
	if l.Letter.Fields != 1 || len(l.Letter.From) != 1 {
		return ""
	}
	return l.Letter.From[0]
}

// How well an address fits.
const (
	loosely = iota + 1 // but for upper and lower case before the @
	exactly
)

// sameAddress compares an address with those of a certificate: domains in any
// case, what stands before as it is written.
func sameAddress(from string, list []string) (fits int) {
	at := strings.LastIndexByte(from, '@')
	if at <= 0 || at == len(from)-1 {
		return 0
	}
	for _, m := range list {
		i := strings.LastIndexByte(m, '@')
		if i <= 0 || strings.ContainsFunc(m, hides) || strings.ContainsRune(m, '\ufffd') || !strings.EqualFold(m[i:], from[at:]) {
			continue
		}
		switch {
		case m[:i] == from[:at]:
			return exactly
		case asciiFold(m[:i]) == asciiFold(from[:at]):
			fits = loosely
		}
	}
	return fits
}

// asciiFold lowers ASCII letters and no others: ſ is not s in an address.
func asciiFold(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// canonical gives a content with every line ended by CR LF.
func canonical(c cms.Content) cms.Content {
	return func() (io.ReadCloser, error) {
		src, err := c()
		if err != nil {
			return nil, err
		}
		return &lineEnds{src: src, buf: make([]byte, 16<<10)}, nil
	}
}

// lineEnds writes CR LF for LF alone.
type lineEnds struct {
	src  io.ReadCloser
	buf  []byte
	out  bytes.Buffer
	last byte
	err  error
}

// Read implements io.Reader.
func (l *lineEnds) Read(p []byte) (int, error) {
	for l.out.Len() == 0 && l.err == nil {
		var n int
		n, l.err = l.src.Read(l.buf)
		for _, c := range l.buf[:n] {
			if c == '\n' && l.last != '\r' {
				l.out.WriteByte('\r')
			}
			l.out.WriteByte(c)
			l.last = c
		}
	}
	if l.out.Len() > 0 {
		return l.out.Read(p)
	}
	return 0, l.err
}

// Close implements io.Closer.
func (l *lineEnds) Close() error { return l.src.Close() }
