package reply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// An answering is a clerk's answer on its way into the book.
type answering struct {
	tok   gateway.Token
	a     registry.Arrival
	login string
	entry registry.Work
	key   string // of the act; the same letter gives the same
}

// answer does what a clerk answered to a notice, and tells them how it went.
func (r *Room) answer(ctx context.Context, tok gateway.Token, a registry.Arrival) error {
	login, ok := r.clerkOf(tok, a)
	if !ok {
		// Not the clerk, or not proven to be: nothing is done, and nobody is
		// written to, since the writer may be anybody.
		r.o.Log.Warn("reply.not_the_clerk", "item", a.Item.ID.String(), "number", tok.Number.String())
		return nil
	}
	page, err := r.o.Book.Find(ctx, registry.Query{Of: registry.FindEntry, Number: tok.Number, Limit: 1})
	if err != nil {
		return fmt.Errorf("looking for the entry an answer is about: %w", err)
	}
	if len(page.Works) == 0 {
		r.o.Log.Warn("reply.no_entry", "item", a.Item.ID.String(), "number", tok.Number.String())
		return nil
	}
	w := answering{tok: tok, a: a, login: login, entry: page.Works[0], key: letterKey(tok, a)}
	today := registry.DayOf(r.o.Now(), r.o.Office().Zone)
	command, wrong := Parse(ownText(a.Document))
	switch {
	case tok.Expires.Before(today), r.left(tok, login):
		return r.help(ctx, w, "remark.reply.expired")
	case wrong != nil:
		if err := r.note(ctx, w); err != nil {
			return err
		}
		return r.help(ctx, w, "remark.reply.unclear")
	case tok.Rights&command.Right == 0:
		return r.help(ctx, w, "remark.reply.not_allowed")
	default:
		return r.act(ctx, w, command)
	}
}

// left reports whether the clerk has handed over since the notice was sent.
func (r *Room) left(tok gateway.Token, login string) bool {
	if r.o.Left == nil {
		return false
	}
	on, ok := r.o.Left(login)
	return ok && !on.Before(tok.Made())
}

// clerkOf gives the clerk who answers: the one the address was made for, by
// their own address, and proven by the mail system: authenticated mail of the
// domain, or handed over by our own relay or under a password.
func (r *Room) clerkOf(tok gateway.Token, a registry.Arrival) (string, bool) {
	from := strings.ToLower(a.Document.Sender().Email)
	for login, c := range r.o.Office().Clerks {
		if from != "" && strings.ToLower(c.Mail) == from && tok.IsFor(login) {
			return login, isProven(a)
		}
	}
	return "", false
}

func isProven(a registry.Arrival) bool {
	if a.Document.Auth.Verdict == registry.Forged || len(a.Document.From) != 1 {
		return false
	}
	return a.Document.Auth.Verdict == registry.Confirmed || a.Item.Envelope.Auth != "" || a.Item.Envelope.TrustedRelay
}

// letterKey derives the key of an act from the letter: by its Message-ID, which
// a replayed letter keeps whatever else is changed on it, else by its bytes.
func letterKey(tok gateway.Token, a registry.Arrival) string {
	id := a.Document.MessageID
	if id == "" {
		id = a.Document.Redelivery.String()
	}
	sum := sha256.Sum256([]byte(tok.Number.String() + "\n" + id))
	return "reply/" + hex.EncodeToString(sum[:])
}

// ownText is what the clerk wrote, without what is quoted.
func ownText(doc registry.Document) string {
	if doc.Own != "" {
		return doc.Own
	}
	return doc.Text
}

// act does a command and answers in the thread.
func (r *Room) act(ctx context.Context, w answering, c Command) error {
	act, reason := r.actOf(w, c)
	done, err := r.isDone(ctx, w.key)
	if err != nil {
		return err
	}
	var out registry.Outcome
	switch {
	case done:
	case c.Verb == "ask":
		asking := gateway.Asking{Role: strings.ToLower(c.To), Reason: reason, ID: strings.TrimPrefix(w.key, "reply/")}
		_, out, err = r.o.Ask(ctx, registry.Actor{Login: w.login}, w.entry.Number, asking)
		if err == nil {
			err = out.Err()
		}
		if isPassing(err) {
			return fmt.Errorf("asking for an approval: %w", err)
		}
	default:
		out, err = r.o.Acts.ActOnce(ctx, w.key, registry.Actor{Login: w.login}, act, nil, reason)
		if err == nil {
			err = out.Err()
		}
		if isPassing(err) {
			return fmt.Errorf("doing what a clerk answered: %w", err)
		}
	}
	if err != nil {
		r.o.Log.Info("reply.refused", "item", w.a.Item.ID.String(), "number", w.entry.Number.String(), "verb", c.Verb, "err", err)
		return r.tell(ctx, w, w.key+"/answer", "remark.reply.refused", "why", "@remark.why."+whyKey(err))
	}
	r.o.Log.Info("reply.done", "item", w.a.Item.ID.String(), "number", w.entry.Number.String(), "verb", c.Verb)
	what := "@event." + string(act.Kind)
	if out.Case != "" && out.Case != w.entry.Folder && c.Verb == "accept" {
		return r.tell(ctx, w, w.key+"/answer", "remark.reply.done_case", "what", what, "case", out.Case)
	}
	return r.tell(ctx, w, w.key+"/answer", "remark.reply.done", "what", what)
}

// actOf turns a command into an act of the book, which keeps the digest of the
// letter that asked for it.
func (r *Room) actOf(w answering, c Command) (registry.Act, string) {
	act := registry.Act{Subject: w.entry.Number.String(), Content: evidence(w.a)}
	switch c.Verb {
	case "accept":
		act.Kind = registry.ActAccept
	case "return":
		act.Kind = registry.ActReturn
	case "forward":
		act.Kind, act.To = registry.ActForward, r.whom(c.To)
	case "close":
		act.Kind = registry.ActClose
	case "note":
		act.Kind, act.Text = registry.ActNote, c.Reason
	case "ask":
		act.Kind = registry.ActApproval
	case "due":
		act.Kind, act.Deadline = registry.ActDue, &registry.Deadline{Raw: c.Day, Due: c.Day, Basis: c.Reason}
	case "case":
		act.Kind, act.Subject, act.To = registry.ActJoinCase, w.entry.Folder, strings.ToUpper(c.To)
	}
	return act, c.Reason
}

// whom finds the clerk or department a person names: by login, address,
// department or one of its other spellings.
func (r *Room) whom(name string) string {
	o := r.o.Office()
	folded := registry.Fold(name)
	for login, c := range o.Clerks {
		if registry.Fold(login) == folded || strings.EqualFold(c.Mail, name) {
			return login
		}
	}
	for id, d := range o.Departments {
		for _, mark := range append([]string{id}, d.Marks...) {
			if registry.Fold(mark) == folded {
				return id
			}
		}
	}
	return name
}

// evidence says which letter an act came by.
func evidence(a registry.Arrival) []byte {
	content, _ := json.Marshal(map[string]string{ // strings always have a JSON form
		"item": a.Item.ID.String(), "sha256": a.Item.Original.Digest.String(), "message_id": a.Document.MessageID,
	})
	return content
}

// note keeps an answer that is no command.
func (r *Room) note(ctx context.Context, w answering) error {
	text := strings.TrimSpace(ownText(w.a.Document))
	if text == "" {
		return nil
	}
	if runes := []rune(text); len(runes) > maxReason {
		text = string(runes[:maxReason]) + "…"
	}
	done, err := r.isDone(ctx, w.key)
	if err != nil || done {
		return err
	}
	act := registry.Act{Kind: registry.ActNote, Subject: w.entry.Number.String(), Text: text, Content: evidence(w.a)}
	out, err := r.o.Acts.ActOnce(ctx, w.key, registry.Actor{Login: w.login}, act, nil, "")
	if err == nil {
		err = out.Err()
	}
	if isPassing(err) {
		return fmt.Errorf("keeping a clerk's answer as a note: %w", err)
	}
	if err != nil {
		r.o.Log.Warn("reply.not_noted", "item", w.a.Item.ID.String(), "number", w.entry.Number.String(), "err", err)
	}
	return nil
}

// help explains the commands, to one clerk about one entry once an hour.
func (r *Room) help(ctx context.Context, w answering, text string) error {
	hour := r.o.Now().UTC().Format("2006-01-02T15")
	return r.tell(ctx, w, "reply/help/"+w.entry.Number.String()+"/"+w.login+"/"+hour, text)
}

// tell answers the clerk in the thread of the notice.
func (r *Room) tell(ctx context.Context, w answering, key, text string, pairs ...string) error {
	remark := gateway.Remark{Text: text, Pairs: pairs, InReplyTo: w.a.Document.MessageID, Letter: w.a.Item.Original.Digest}
	return r.record(ctx, key, remark, w.entry.Number.String(), w.login)
}

// record writes a remark into the book, once for its key.
func (r *Room) record(ctx context.Context, key string, remark gateway.Remark, subject string, tell ...string) error {
	act, err := remark.Act(subject, tell...)
	if err != nil {
		return fmt.Errorf("writing a remark: %w", err)
	}
	out, err := r.o.Acts.Submit(ctx, registry.Draft{Key: key, Actor: registry.Daemon, Act: &act})
	if err == nil {
		err = out.Err()
	}
	if isPassing(err) {
		return fmt.Errorf("recording a remark: %w", err)
	}
	if err != nil {
		r.o.Log.Error("reply.not_recorded", "subject", subject, "err", err)
	}
	return nil
}

// isDone reports whether an act is in the book under its key. It is asked
// before acting: what a clerk was allowed then, say to return a letter, they
// may not be allowed now that it is done.
func (r *Room) isDone(ctx context.Context, key string) (bool, error) {
	page, err := r.o.Book.Find(ctx, registry.Query{Of: registry.FindLine, Key: key, Limit: 1})
	if err != nil {
		return false, fmt.Errorf("looking whether an answer was acted upon: %w", err)
	}
	return len(page.Leaves) > 0, nil
}

// isPassing reports whether the same may succeed later.
func isPassing(err error) bool {
	return err != nil && !errors.Is(err, registry.ErrForbidden) && !errors.Is(err, registry.ErrRefused) &&
		!errors.Is(err, registry.ErrConflict) && !errors.Is(err, registry.ErrImmutable) && !errors.Is(err, registry.ErrNotFound) &&
		!errors.Is(err, registry.ErrData)
}

func whyKey(err error) string {
	switch {
	case errors.Is(err, registry.ErrForbidden):
		return "forbidden"
	case errors.Is(err, registry.ErrConflict):
		return "conflict"
	case errors.Is(err, registry.ErrNotFound):
		return "not_found"
	case errors.Is(err, registry.ErrImmutable):
		return "immutable"
	default:
		return "refused"
	}
}
