package smtpd

import (
	"errors"
	"strings"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"kancelaria/registry"
)

// A session is one dialogue as the library sees it.
type session struct {
	s    *Server
	w    *wire
	helo string
	tx   *transaction // nil between letters
}

// A transaction is one letter's envelope, from MAIL to the end of its data.
type transaction struct {
	from       string // as written into the envelope; "" is the null path
	options    smtp.MailOptions
	recipients []recipient
	recorded   bool // the log of deliveries has its line
}

// A recipient is whom the peer named and whose mailbox that is.
type recipient struct {
	named  string // as the library says it
	box    registry.Mailbox
	closed bool // the mailbox belongs to a restricted register
}

func (s *Server) newSession(c *smtp.Conn) (smtp.Session, error) {
	w, ok := c.Conn().(*wire)
	if !ok {
		return nil, s.replyError(errors.New("a connection without a wire"))
	}
	x := &session{s: s, w: w, helo: shorten(c.Hostname(), 255)}
	w.link.session = x
	return x, nil
}

// Mail implements smtp.Session.
func (x *session) Mail(from string, options *smtp.MailOptions) error {
	return x.s.reply(x.mail(from, options))
}

func (x *session) mail(from string, options *smtp.MailOptions) error {
	l := x.w.link
	sender, ok := sayable(from)
	switch {
	case x.tx != nil:
		return x.s.refuse(nested)
	case x.w.isClosing():
		return errClosing
	case l.cipher == "" && isIn(l.peer, x.s.RequireTLS):
		return x.s.refuse(needTLS)
	case !ok:
		return x.s.refuse(badSender)
	case !l.free() && !x.s.gate.letter(l.peer):
		return x.s.refuse(tooFast)
	}
	if err := x.s.Disk(); err != nil {
		return err
	}
	tx := &transaction{from: sender}
	if options != nil {
		tx.options = *options
	}
	x.tx = tx
	l.pace = x.s.newPace()
	if x.s.OnMail != nil && !l.trusted && l.door == registry.DoorSMTP {
		x.s.OnMail(x.s.working, l.peer, x.helo, sender)
	}
	return nil
}

// Rcpt implements smtp.Session.
func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	return x.s.reply(x.rcpt(to))
}

func (x *session) rcpt(to string) error {
	tx, l := x.tx, x.w.link
	if tx == nil {
		return x.s.refuse(needRecipient)
	}
	if over(len(tx.recipients)+1, x.s.Limits.Recipients) {
		return x.s.refuse(tooManyRecipients)
	}
	box, why := x.s.mailboxFor(to)
	if why == taken {
		l.commands-- // however many there are
		closed := x.s.Office().Registers[box.Register].Restricted
		tx.recipients = append(tx.recipients, recipient{to, box, closed})
		return nil
	}
	x.s.gate.mischief(l.peer)
	if l.badRcpt++; over(l.badRcpt, x.s.Limits.BadRecipients) {
		return l.hangUp(tooManyBadRecipients)
	}
	return x.s.refuse(why)
}

// Reset implements smtp.Session.
func (x *session) Reset() { x.tx = nil }

// Logout implements smtp.Session.
func (x *session) Logout() error {
	x.Reset()
	return nil
}

// recorded reports whether the letter in hand has its line in the log.
func (x *session) recorded() bool { return x.tx != nil && x.tx.recorded }

// describe adds to a line of the log what the dialogue has said so far.
func (x *session) describe(d *Delivery) {
	d.Helo = x.helo
	if tx := x.tx; tx != nil {
		d.Sender, d.Size = tx.from, tx.options.Size
		d.Recipients = tx.named()
	}
}

func (tx *transaction) named() []string {
	all := make([]string, len(tx.recipients))
	for i, r := range tx.recipients {
		all[i] = r.named
	}
	return all
}

// AuthMechanisms implements smtp.AuthSession: PLAIN, over TLS only, and only if
// somebody may log in.
func (x *session) AuthMechanisms() []string {
	if x.s.Login == nil || x.w.link.cipher == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (x *session) Auth(mechanism string) (sasl.Server, error) {
	if mechanism != sasl.Plain || len(x.AuthMechanisms()) == 0 {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	return &plainLogin{sasl.NewPlainServer(func(identity, user, password string) error {
		return x.s.reply(x.login(identity, user, password))
	}), x}, nil
}

// A plainLogin gives every failure of the mechanism the answer of a failed
// login.
type plainLogin struct {
	sasl.Server
	x *session
}

// Next implements sasl.Server.
func (p *plainLogin) Next(response []byte) (challenge []byte, done bool, err error) {
	challenge, done, err = p.Server.Next(response)
	if _, worded := errors.AsType[*smtp.SMTPError](err); err != nil && !worded {
		err = p.x.failLogin()
	}
	return challenge, done, err
}

func (x *session) login(identity, user, password string) error {
	if identity != "" && identity != user || !x.s.Login(user, password) {
		return x.failLogin()
	}
	x.w.link.user = user
	return nil
}

func (x *session) failLogin() error {
	l := x.w.link
	x.s.gate.mischief(l.peer)
	x.s.Log.Warn("smtpd.login", "peer", l.peer, "session", l.id, "err", "a login failed")
	if l.badAuth++; over(l.badAuth, x.s.Limits.BadAuth-1) {
		return l.hangUp(tooManyLogins)
	}
	return x.s.refuse(badLogin)
}

// sayable writes an address the library has read the way it may be written: it
// has taken the quotes off, so that "a@b"@c looks like a@b@c. Only the last @
// parts it. Control characters are nobody's name.
func sayable(address string) (string, bool) {
	if address == "" {
		return "", true
	}
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 || len(address) > 320 || strings.ContainsFunc(address, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }) {
		return "", false
	}
	local, domain := address[:at], address[at+1:]
	if strings.ContainsAny(local, ` ()<>[]:;@\,"`) || strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		local = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
	}
	return local + "@" + domain, true
}
