package gateway

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"

	"kancelaria/registry"
)

// Labels make the codes that are printed on paper, and know them again on a
// scan. A code carries its proof: what a letter brings along printed on it, a
// payment code or a copy of somebody's label under another number, is not taken
// for ours.
//
//	K1L.RPW-004512-2026.XXXXXXXX   a label: a scan of this paper belongs to the entry
//	K1S.RPW-004512-2026.XXXXXXXX   a slip, taken home by the person at the counter
//	K1T.BATCH.XXXXXXXX             a sheet between two letters of a batch
//
// Only letters that a QR code writes in its short form are used.
type Labels struct{ key []byte }

// NewLabels makes the codes of an office, whose secret it is.
func NewLabels(secret []byte) *Labels {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("kancelaria/labels/v1"))
	return &Labels{key: mac.Sum(nil)}
}

// The first letters of our codes by kind.
var labelHeads = map[string]string{
	registry.CodeLabel:     "K1L.",
	registry.CodeSlip:      "K1S.",
	registry.CodeSeparator: "K1T.",
}

// separatorSubject is what all separators name.
const separatorSubject = "BATCH"

// Label is the code on the paper of an entry.
func (l *Labels) Label(n registry.Number) string { return l.code(registry.CodeLabel, n.String()) }

// Slip is the code on the slip of an entry.
func (l *Labels) Slip(n registry.Number) string { return l.code(registry.CodeSlip, n.String()) }

// Separator is the code on the sheet between two letters.
func (l *Labels) Separator() string { return l.code(registry.CodeSeparator, separatorSubject) }

func (l *Labels) code(kind, subject string) string {
	return labelHeads[kind] + subject + "." + l.tag(kind, subject)
}

// labelTag is how much of the proof a code carries: 40 bits, of which each
// guess costs a sheet of paper.
const labelTag = 5

func (l *Labels) tag(kind, subject string) string {
	mac := hmac.New(sha256.New, l.key)
	fmt.Fprintf(mac, "%s\n%s", kind, subject)
	return tokenText.EncodeToString(mac.Sum(nil)[:labelTag])
}

// mostCodeText bounds what is kept of a code that is not ours.
const mostCodeText = 200

// Read says what a code is. The page and the form are the caller's to add.
func (l *Labels) Read(text string) registry.PageCode {
	for kind, head := range labelHeads {
		rest, ok := strings.CutPrefix(text, head)
		if !ok {
			continue
		}
		dot := strings.LastIndexByte(rest, '.')
		if dot < 0 || len(rest) > mostCodeText || !hmac.Equal([]byte(rest[dot+1:]), []byte(l.tag(kind, rest[:dot]))) {
			return registry.PageCode{Text: printable(text), Doubtful: true}
		}
		return registry.PageCode{Is: kind, Of: rest[:dot]}
	}
	return registry.PageCode{Text: printable(text)}
}

// printable bounds what somebody else's code says and takes out what a screen
// or a log would obey.
func printable(text string) string {
	runes := []rune(strings.ToValidUTF8(text, "?"))
	if len(runes) > mostCodeText {
		runes = runes[:mostCodeText]
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, string(runes))
}
