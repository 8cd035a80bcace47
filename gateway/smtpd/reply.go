package smtpd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-smtp"

	"kancelaria/registry"
)

// What ends a connection or a letter on the wire.
var (
	errClosing  = errors.New("the office closes its mail door")
	errLongLine = errors.New("a command is too long")
	errSlow     = errors.New("the letter comes too slowly")
	errChatter  = errors.New("too many commands")
	errCircles  = errors.New("the letter has passed too many servers")
	errCut      = errors.New("the letter was cut off")
)

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// A reason is why we refuse.
type reason int

// The reasons, a closed list. Only those of a 5xx code make a sender's server
// give up; whatever is our own trouble is a 4xx.
const (
	failed reason = iota
	full
	backlog
	tooLarge
	circles
	cutOff
	slow
	closing
	noMailbox
	noRelay
	badAddress
	badSender
	tooManyRecipients
	tooManyBadRecipients
	nested
	needRecipient
	needTLS
	badLogin
	tooManyLogins
	tooFast
	tooMany
	idle
	longCommand
	chatter
)

// A refusal is what a stranger is told: the code, the English sentence, and the
// key of the sentence in the office's language.
type refusal struct {
	Code     int
	Enhanced smtp.EnhancedCode
	Key      string
	English  string
}

var refusals = map[reason]refusal{
	failed:               {451, smtp.EnhancedCode{4, 3, 0}, "smtp.try_later", "We cannot take this letter just now; please try again later"},
	full:                 {452, smtp.EnhancedCode{4, 3, 1}, "smtp.full", "No room just now; please try again later"},
	backlog:              {451, smtp.EnhancedCode{4, 3, 2}, "smtp.backlog", "Too many letters are waiting; please try again later"},
	tooLarge:             {552, smtp.EnhancedCode{5, 3, 4}, "smtp.too_large", "The letter is larger than {limit}"},
	circles:              {554, smtp.EnhancedCode{5, 4, 6}, "smtp.loop", "The letter runs in circles between servers"},
	cutOff:               {451, smtp.EnhancedCode{4, 4, 2}, "smtp.incomplete", "The letter was cut off before its end"},
	slow:                 {421, smtp.EnhancedCode{4, 4, 2}, "", "The letter comes too slowly, closing connection"},
	closing:              {421, smtp.EnhancedCode{4, 3, 2}, "smtp.closing", "The server is going down; please try again later"},
	noMailbox:            {550, smtp.EnhancedCode{5, 1, 1}, "smtp.unknown_recipient", "No such address here"},
	noRelay:              {550, smtp.EnhancedCode{5, 7, 1}, "smtp.relay_denied", "Relaying denied"},
	badAddress:           {501, smtp.EnhancedCode{5, 1, 3}, "", "The recipient's address is malformed"},
	badSender:            {501, smtp.EnhancedCode{5, 1, 7}, "smtp.bad_sender", "The sender's address is malformed"},
	tooManyRecipients:    {452, smtp.EnhancedCode{4, 5, 3}, "smtp.too_many_recipients", "Too many recipients in one letter; please send the rest apart"},
	tooManyBadRecipients: {421, smtp.EnhancedCode{4, 7, 0}, "", "Too many unknown recipients, closing connection"},
	nested:               {503, smtp.EnhancedCode{5, 5, 1}, "", "A letter has been begun already"},
	needRecipient:        {503, smtp.EnhancedCode{5, 5, 1}, "", "RCPT first, please"},
	needTLS:              {530, smtp.EnhancedCode{5, 7, 0}, "smtp.tls_required", "Must issue a STARTTLS command first"},
	badLogin:             {535, smtp.EnhancedCode{5, 7, 8}, "smtp.auth_failed", "Authentication failed"},
	tooManyLogins:        {421, smtp.EnhancedCode{4, 7, 0}, "", "Too many failed logins, closing connection"},
	tooFast:              {450, smtp.EnhancedCode{4, 7, 1}, "smtp.try_later", "Too many letters from your address; please try again later"},
	tooMany:              {421, smtp.EnhancedCode{4, 7, 0}, "smtp.busy", "Too many connections; please try again later"},
	idle:                 {421, smtp.EnhancedCode{4, 4, 2}, "", "Nothing heard for too long, closing connection"},
	longCommand:          {500, smtp.EnhancedCode{5, 5, 2}, "", "The command is too long, closing connection"},
	chatter:              {421, smtp.EnhancedCode{4, 7, 0}, "", "Too many commands without a letter, closing connection"},
}

// reasonFor names the reason of an error. What nobody foresaw is our trouble,
// and the letter comes again.
func reasonFor(err error) reason {
	if errors.Is(err, errCut) && isTimeout(err) {
		return slow
	}
	for _, known := range []struct {
		err error
		why reason
	}{
		{registry.ErrTooLarge, tooLarge},
		{errCircles, circles},
		{registry.ErrFull, full},
		{registry.ErrBacklog, backlog},
		{registry.ErrSyncFailed, failed},
		{errClosing, closing},
		{context.Canceled, closing},
		{errSlow, slow},
		{errLongLine, longCommand},
		{errChatter, chatter},
		{errCut, cutOff},
		{io.ErrUnexpectedEOF, cutOff},
		{smtp.ErrDataReset, cutOff},
	} {
		if errors.Is(err, known.err) {
			return known.why
		}
	}
	return failed
}

// replyError turns any error into what the library may send: exactly an
// *smtp.SMTPError, since it calls everything else permanent and sends its text
// to strangers. Every way out of Mail, Rcpt, Data, LMTPData and Auth passes it.
func (s *Server) replyError(err error) *smtp.SMTPError {
	if known, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return known
	}
	return s.refuse(reasonFor(err))
}

// reply is replyError where there may be no error: a nil *smtp.SMTPError in an
// error would be one.
func (s *Server) reply(err error) error {
	if err == nil {
		return nil
	}
	return s.replyError(err)
}

// refuse words a refusal, in English and then in the office's language.
func (s *Server) refuse(why reason) *smtp.SMTPError {
	r := refusals[why]
	limit := sizeText(s.MaxSize)
	text := strings.ReplaceAll(r.English, "{limit}", limit)
	if s.Texts != nil && r.Key != "" && s.Texts.Has(r.Key) {
		if local := registry.ASCII(s.Texts.Say(r.Key, "limit", limit)); local != text {
			text += " / " + local
		}
	}
	return &smtp.SMTPError{Code: r.Code, EnhancedCode: r.Enhanced, Message: cutText(text)}
}

// cutText keeps a reply within its line (RFC 5321 § 4.5.3.1.5: 512 octets).
func cutText(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for i := 480; len(text) > i; i-- {
		if utf8.RuneStart(text[i]) {
			return text[:i]
		}
	}
	return text
}

// said gives an answer as the log of deliveries keeps it.
func said(e *smtp.SMTPError) string {
	c := e.EnhancedCode
	return fmt.Sprintf("%d.%d.%d %s", c[0], c[1], c[2], e.Message)
}

// sizeText says a number of bytes the way people do.
func sizeText(n int64) string {
	switch {
	case n >= 1_000_000:
		return strconv.FormatInt(n/1_000_000, 10) + " MB"
	case n >= 1000:
		return strconv.FormatInt(n/1000, 10) + " kB"
	}
	return strconv.FormatInt(n, 10) + " B"
}
