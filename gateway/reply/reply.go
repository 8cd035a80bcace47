// Package reply takes letters that are acts: a clerk's answer to a notice, and
// a notice that came back undelivered.
//
// Such letters come to addresses of our own making (gateway.Tokens). They are
// filed beside the book, never registered, and what they bring about is written
// into the book under a key derived from the letter: the same letter again
// changes nothing. Whatever is not clearly a command is kept as a note, never
// acted upon.
package reply

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// Acts is the Registrar: it makes sure of the clerk's right.
type Acts interface {
	ActOnce(ctx context.Context, key string, who registry.Actor, act registry.Act, after *int64, reason string) (registry.Outcome, error)
	Submit(ctx context.Context, d registry.Draft) (registry.Outcome, error)
}

// A Finder reads the book.
type Finder interface {
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
}

// Originals opens what arrived; the caller closes it.
type Originals interface {
	Original(ctx context.Context, it registry.Item) (io.ReadCloser, error)
	// Attachment opens one decoded part.
	Attachment(ctx context.Context, it registry.Item, path string) (io.ReadCloser, error)
}

// A Decider is a set of rules, as the desk asks it.
type Decider interface {
	Decide(it registry.Item, doc registry.Document, facts registry.Facts) registry.Decision
}

// A Book takes drafts, as the desk offers them.
type Book interface {
	Offer(ctx context.Context, d registry.Draft) func(context.Context) (registry.Outcome, error)
	Prompt() bool
	Hurry()
}

// Options of a Room; all but Originals and Log are required.
type Options struct {
	Office    func() *registry.Office
	Tokens    *gateway.Tokens
	Acts      Acts
	Book      Finder
	Originals Originals
	// Ask asks for an approval (gateway.Approvals).
	Ask func(ctx context.Context, who registry.Actor, number registry.Number, asking gateway.Asking) (registry.ApprovalRequest, registry.Outcome, error)
	// Undelivered is told of a notice that came back for good, and why; it may
	// be told more than once (gateway.Unreachable).
	Undelivered func(ctx context.Context, row registry.OutboxRow, answer string) error
	// Left says whether a clerk handed over, and on which day: what was sent to
	// them before can be answered no longer. Nil: nobody did.
	Left func(login string) (on registry.Day, ok bool)
	Now  func() time.Time
	Log  *slog.Logger
}

// A Room stands between the desk and the book: Decider keeps letters that are
// acts out of the register, Around does what they say once they are filed.
type Room struct{ o Options }

// New makes a room.
func New(o Options) *Room {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Room{o}
}

// Why an item of ours is filed beside the book.
const (
	reasonCommand = "command"
	reasonAuto    = "auto_reply"
	reasonBounce  = "bounce"
	// reasonApproval marks what is evidence of a decision and stays for good.
	reasonApproval = "approval"
)

// Decider gives the decisions of rules, but files letters that are acts beside
// the book. What the rules put into quarantine stays there and does nothing.
func (r *Room) Decider(rules Decider) Decider { return decider{r, rules} }

type decider struct {
	room  *Room
	rules Decider
}

func (d decider) Decide(it registry.Item, doc registry.Document, facts registry.Facts) registry.Decision {
	dec := d.rules.Decide(it, doc, facts)
	tok, ok := d.room.token(it)
	if !ok || dec.Screen == "quarantine" {
		return dec
	}
	before := dec.Screen
	switch {
	case tok.Kind == gateway.TokenBounce:
		dec.Screen, dec.ScreenReason = "beside", reasonBounce
	case isAutomatic(it, doc):
		dec.Screen, dec.ScreenReason = "beside", reasonAuto
	case tok.Rights&gateway.MayApprove != 0:
		dec.Screen, dec.ScreenReason = "beside", reasonApproval
	case onlyTokens(d.room.o.Tokens, it) || d.room.writer(doc) != "":
		dec.Screen, dec.ScreenReason = "beside", reasonCommand
	}
	if before == "" && dec.Screen != "" {
		dec.Notify = nil // was meant for a letter in the book
	}
	return dec
}

// token finds the address of ours that makes an item an answer or a return.
func (r *Room) token(it registry.Item) (gateway.Token, bool) {
	if it.Envelope == nil {
		return gateway.Token{}, false
	}
	for _, rcpt := range it.Envelope.Recipients[:min(len(it.Envelope.Recipients), maxRecipients)] {
		if tok, ok := r.o.Tokens.Parse(rcpt); ok && tok.Kind != gateway.TokenSender {
			return tok, true
		}
	}
	return gateway.Token{}, false
}

const maxRecipients = 100

// onlyTokens reports whether nobody else was written to. A letter to a box of
// the office too is registered like any other, unless a clerk wrote it.
func onlyTokens(tokens *gateway.Tokens, it registry.Item) bool {
	return !slices.ContainsFunc(it.Envelope.Recipients, func(rcpt string) bool {
		tok, ok := tokens.Parse(rcpt)
		return !ok || tok.Kind == gateway.TokenSender
	})
}

// writer gives the clerk whose address the letter claims, or "".
func (r *Room) writer(doc registry.Document) string {
	from := strings.ToLower(doc.Sender().Email)
	if from == "" {
		return ""
	}
	found := ""
	for login, c := range r.o.Office().Clerks {
		// Two clerks may share a box; the first by name stands for it here.
		if strings.ToLower(c.Mail) == from && (found == "" || login < found) {
			found = login
		}
	}
	return found
}

// isAutomatic reports whether a machine wrote it (RFC 3834).
func isAutomatic(it registry.Item, doc registry.Document) bool {
	h := doc.Headers
	auto, _, _ := strings.Cut(h.AutoSubmitted, ";")
	return (auto != "" && strings.TrimSpace(auto) != "no") || it.Envelope.MailFrom == "" ||
		slices.Contains([]string{"bulk", "junk", "list", "auto_reply"}, h.Precedence) || h.ContentType == "multipart/report"
}

// Around gives the book to the desk: once a letter that is an act is filed, it
// is done before the desk forgets it. When the book cannot be reached meanwhile
// the desk offers the letter again, and the keys make that harmless.
func (r *Room) Around(book Book) Book { return around{book, r} }

type around struct {
	Book
	room *Room
}

func (a around) Offer(ctx context.Context, d registry.Draft) func(context.Context) (registry.Outcome, error) {
	written := a.Book.Offer(ctx, d)
	tok, ok := a.room.isOurs(d)
	if !ok {
		return written
	}
	return func(ctx context.Context) (registry.Outcome, error) {
		out, err := written(ctx)
		if err != nil || out.Err() != nil {
			return out, err
		}
		return out, a.room.do(ctx, tok, *d.Arrival)
	}
}

func (r *Room) isOurs(d registry.Draft) (gateway.Token, bool) {
	if d.Arrival == nil || d.Arrival.Disposition != registry.Beside ||
		!slices.Contains([]string{reasonCommand, reasonAuto, reasonBounce, reasonApproval}, d.Arrival.Reason) {
		return gateway.Token{}, false
	}
	return r.token(d.Arrival.Item)
}

// do brings about what a filed letter says.
func (r *Room) do(ctx context.Context, tok gateway.Token, a registry.Arrival) error {
	switch {
	case tok.Kind == gateway.TokenBounce:
		return r.bounce(ctx, tok, a)
	case a.Reason == reasonApproval:
		return r.approval(ctx, tok, a)
	case a.Reason == reasonAuto:
		return r.away(ctx, tok, a)
	default:
		return r.answer(ctx, tok, a)
	}
}
