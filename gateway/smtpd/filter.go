package smtpd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/emersion/go-smtp"
)

// A filter sees each command before the library does and each answer before
// the peer does. It mends what the library would do wrong.
type filter struct {
	w       *wire
	verb    string // of the command being answered
	command string // the whole of it, without its line end
	code    int    // of the last answer
	torn    bool   // the last answer was not a whole line
}

// pass gives what the library shall read for a command of the peer; nothing if
// the answer was given here.
func (f *filter) pass(line []byte) []byte {
	if f.code == 334 { // this line is no command but the rest of an AUTH
		f.code = 0
		return line
	}
	switch f.note(line) {
	case "STARTTLS":
		return f.startTLS(f.command)
	case "BDAT":
		if f.bdat() {
			return []byte("DATA\r\n")
		}
		return nil
	case "MAIL":
		return []byte(clampSize(f.command) + "\r\n")
	case "RCPT":
		return []byte(f.postmaster(f.command) + "\r\n")
	case unsayable:
		return nil
	}
	return line
}

// unsayable is the verb of a line that is answered already.
const unsayable = "!"

// note reads a command, counts it and gives its verb.
func (f *filter) note(line []byte) string {
	f.command = string(bytes.TrimRight(line, "\r\n"))
	f.verb = verbOf(f.command)
	if strings.ContainsFunc(f.command, isControl) {
		f.refuse(500, smtp.EnhancedCode{5, 5, 2}, "No control characters in commands, please")
		if f.verb == "BDAT" {
			f.hangUp()
		}
		f.verb = unsayable
	}
	if f.w.link.commands++; over(f.w.link.commands, f.w.link.s.Limits.Commands) {
		f.w.end(errChatter)
		f.verb = unsayable
	}
	return f.verb
}

func (f *filter) refuse(code int, enhanced smtp.EnhancedCode, text string) {
	f.w.say(&smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text})
}

// startTLS is handled here and not by the library, which would read encrypted
// letters past the wire.
func (f *filter) startTLS(command string) []byte {
	switch {
	case f.w.link.tls == nil || f.w.link.cipher != "":
		return []byte("STARTTLS\r\n") // the library says why not
	case !strings.EqualFold(strings.TrimSpace(command), "STARTTLS"):
		f.refuse(501, smtp.EnhancedCode{5, 5, 4}, "STARTTLS takes no parameters")
	default:
		f.w.startTLS()
	}
	return nil
}

// hangUp ends the talk after a chunk that cannot be counted: nothing that
// follows is surely a command.
func (f *filter) hangUp() {
	f.w.fail, f.w.link.rude = io.EOF, true
}

// bdat reads the command of a chunk and reports whether the chunk follows.
func (f *filter) bdat() bool {
	args := strings.Fields(f.command[len("BDAT"):])
	last := len(args) == 2 && strings.EqualFold(args[1], "LAST")
	size, err := uint64(0), errors.New("no size")
	if len(args) == 1 || last {
		size, err = strconv.ParseUint(args[0], 10, 32)
	}
	if err != nil {
		f.refuse(501, smtp.EnhancedCode{5, 5, 4}, "BDAT takes a size below 4294967296 and perhaps LAST, closing connection")
		f.hangUp()
		return false
	}
	f.w.chunk, f.w.last = int64(size), last
	return true
}

var bareRecipient = regexp.MustCompile(`(?i)^(RCPT TO:\s*<?)(postmaster)(>|\s|$)`)

// postmaster adds our domain to the one recipient that needs none (RFC 5321
// § 4.5.1).
func (f *filter) postmaster(command string) string {
	return bareRecipient.ReplaceAllString(command, "${1}${2}@"+f.w.link.s.Office().Domain+"${3}")
}

var declaredSize = regexp.MustCompile(`(?i)\sSIZE=[0-9]{10,}`)

// clampSize keeps a declared size within what the library can read, so that
// 5 GB are "too large" and not "no number".
func clampSize(command string) string {
	return declaredSize.ReplaceAllStringFunc(command, func(said string) string {
		if size, err := strconv.ParseUint(said[len(" SIZE="):], 10, 64); err == nil && size <= math.MaxUint32 {
			return said
		}
		return fmt.Sprint(" SIZE=", uint32(math.MaxUint32))
	})
}

// mended are answers of the library that RFC 5321, or this office, words
// otherwise, by how they begin.
var mended = []struct {
	is    string
	shall *smtp.SMTPError
}{
	{"502 5.5.1 Missing RCPT TO", &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "RCPT first, please"}},
	{"502 5.5.1 Missing MAIL FROM", &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "MAIL first, please"}},
	{"502 5.5.1 Please introduce", &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "EHLO first, please"}},
	{"500 5.5.4 Unknown MAIL", &smtp.SMTPError{Code: 555, EnhancedCode: smtp.EnhancedCode{5, 5, 4}, Message: "A parameter of MAIL is not known here"}},
	{"500 5.5.4 Unknown RCPT", &smtp.SMTPError{Code: 555, EnhancedCode: smtp.EnhancedCode{5, 5, 4}, Message: "A parameter of RCPT is not known here"}},
	// The library calls an error it does not know permanent and tells it to
	// strangers. None should reach it; should one, the letter comes again.
	{"554 5.0.0 Error: transaction failed", &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: refusals[failed].English}},
}

// answer sees a line the library answers, gives the line to send and takes note
// of refusals.
func (f *filter) answer(line []byte) []byte {
	whole := !f.torn
	f.torn = !bytes.HasSuffix(line, []byte("\n"))
	if !whole || len(line) < 4 {
		return line
	}
	if f.verb == "BDAT" && bytes.HasPrefix(line, []byte("354")) {
		return nil // he sends his chunk already
	}
	if bytes.HasPrefix(line, []byte("552 5.3.4 Max message size")) {
		line = replyLine(f.w.link.s.refuse(tooLarge))
	}
	for _, m := range mended {
		if bytes.HasPrefix(line, []byte(m.is)) {
			line = replyLine(m.shall)
			break
		}
	}
	if line[3] == ' ' && !f.w.quiet {
		f.code, _ = strconv.Atoi(string(line[:3])) // the library writes numbers
		if f.code >= 400 {
			f.w.link.refused(f.verb, f.command, f.code, strings.TrimSpace(string(line[4:])))
		}
	}
	return line
}

// replyLine writes an answer the way the library does.
func replyLine(e *smtp.SMTPError) []byte {
	c := e.EnhancedCode
	return fmt.Appendf(nil, "%d %d.%d.%d %s\r\n", e.Code, c[0], c[1], c[2], e.Message)
}

// verbOf reads a command's word as the library does.
func verbOf(command string) string {
	if len(command) >= 8 && strings.EqualFold(command[:8], "STARTTLS") {
		return "STARTTLS"
	}
	if len(command) < 4 || len(command) > 4 && command[4] != ' ' {
		return ""
	}
	return strings.ToUpper(command[:4])
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// shorten cuts what a stranger said to n bytes.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
