package smtpd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"kancelaria/registry"
)

// Data implements smtp.Session: one answer for the whole letter. The library's
// reader is left alone, since it reads byte by byte; it finds the end that the
// body leaves for it.
func (x *session) Data(io.Reader) error {
	line := x.begin()
	items, err := x.accept(&line)
	if err != nil {
		return x.refuse(line, err)
	}
	// A letter to an open and a closed register is answered with the open one's
	// number; the other is nobody's business.
	best := slices.IndexFunc(items, func(it registry.Item) bool { return !x.closed(it) })
	ctx, stop := x.patience()
	defer stop()
	thanks := x.thank(ctx, items[max(best, 0)])
	x.took(line, items, thanks.Message)
	registry.FailDoorBefore250.Hit()
	return thanks
}

// LMTPData implements smtp.LMTPSession: an answer for each recipient, which is
// that of the item his mailbox belongs to (RFC 2033 § 4.2).
func (x *session) LMTPData(_ io.Reader, status smtp.StatusCollector) error {
	line := x.begin()
	items, err := x.accept(&line)
	if err != nil {
		return x.refuse(line, err)
	}
	ctx, stop := x.patience()
	defer stop()
	thanks := make(map[string]error, len(items))
	var said []string
	// A closed register waits out the bound: it comes last.
	slices.SortStableFunc(items, func(a, b registry.Item) int { return rank(x.closed(a)) - rank(x.closed(b)) })
	for _, it := range items {
		thank := x.thank(ctx, it)
		thanks[it.Register] = thank
		said = append(said, thank.Message)
	}
	recipients := x.tx.recipients
	x.took(line, items, strings.Join(said, "; "))
	for _, to := range recipients {
		status.SetStatus(to.named, thanks[to.box.Register])
	}
	return x.s.refuse(failed) // for nobody: each has his status
}

// begin opens the line of the log for a letter.
func (x *session) begin() Delivery {
	line := x.w.link.delivery(x.w.filter.verb)
	x.describe(&line)
	if x.tx != nil {
		x.tx.recorded = true
	}
	return line
}

// accept reads the letter into the spool. When it returns without an error the
// items survive a power cut.
func (x *session) accept(line *Delivery) ([]registry.Item, error) {
	if x.tx == nil || len(x.tx.recipients) == 0 {
		return nil, x.s.refuse(needRecipient)
	}
	x.w.link.commands = 0
	b := x.w.openBody()
	defer b.drain()
	in := &letter{r: b, limit: x.s.MaxSize, disk: x.s.Disk, trace: trace{most: x.s.Limits.Received}}
	registry.FailDoorBeforePut.Hit()
	items, err := x.s.Spool.Put(x.s.working, x.itemsFor(x.tx), in)
	line.Size = in.size
	switch {
	case in.err != nil && !errors.Is(in.err, io.EOF):
		return nil, in.err // whatever the spool made of it
	case err == nil && (!in.whole || len(items) == 0):
		return nil, errors.New("the spool did not read the letter to its end")
	case err != nil:
		return nil, fmt.Errorf("putting a letter into the spool: %w", err)
	}
	registry.FailDoorAccepted.Hit()
	return items, nil
}

// refuse words an error and writes its line of the log: a letter that was cut
// off has one too.
func (x *session) refuse(line Delivery, err error) error {
	told := x.s.replyError(err)
	line.Code, line.Answer = told.Code, said(told)
	x.s.record(line)
	if why := reasonFor(err); why == failed || why == full {
		x.w.link.log().Warn("smtpd.refused", "size", line.Size, "err", err)
	}
	return told
}

// took writes the line of a letter that was taken.
func (x *session) took(line Delivery, items []registry.Item, answer string) {
	line.Code, line.Answer = 250, "2.0.0 "+answer
	for _, it := range items {
		line.Items = append(line.Items, it.ID)
	}
	x.s.record(line)
}

// itemsFor makes one item for each register among the recipients, in the order
// in which the envelope names the first of each.
func (x *session) itemsFor(tx *transaction) []registry.Item {
	l, now := x.w.link, x.s.Now()
	envelope := &registry.Envelope{
		Helo: x.helo, MailFrom: tx.from, Recipients: tx.said(),
		TLS: l.cipher, Auth: l.user, BodyType: string(tx.options.Body), UTF8: tx.options.UTF8,
		TrustedRelay: l.trusted, Session: l.id,
	}
	var items []registry.Item
	delivery := registry.NewItemID(now)
	for _, to := range tx.recipients {
		i := slices.IndexFunc(items, func(it registry.Item) bool { return it.Register == to.box.Register })
		if i < 0 {
			i = len(items)
			it := registry.Item{
				ID: registry.NewItemID(now), Delivery: delivery, Door: l.door, Source: l.source, Node: x.s.Node,
				Register: to.box.Register, Envelope: envelope, Original: registry.Original{MediaType: "message/rfc822"},
			}
			if l.peer.IsValid() {
				it.Peer = l.peer.String()
			}
			items = append(items, it)
		}
		if !slices.Contains(items[i].Recipients, to.box.Address) {
			items[i].Recipients = append(items[i].Recipients, to.box.Address)
		}
	}
	return items
}

// said gives the recipients as the envelope keeps them.
func (tx *transaction) said() []string {
	all := tx.named()
	for i := range all {
		all[i], _ = sayable(all[i]) // it was when it was taken
	}
	return all
}

// patience bounds the wait for numbers of one letter. It ends when we close.
func (x *session) patience() (context.Context, func()) {
	return context.WithTimeout(x.s.closing, x.s.WaitForNumber)
}

// glance is how long a number is waited for before we look whether the peer is
// still there.
const glance = 200 * time.Millisecond

// thank says 250: with the number if it comes in time, else with the item's id.
func (x *session) thank(ctx context.Context, it registry.Item) *smtp.SMTPError {
	text := "Accepted as " + it.ID.String()
	if number := x.number(ctx, it); number != "" {
		text = "Registered as " + number
	}
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: text}
}

func (x *session) number(ctx context.Context, it registry.Item) string {
	if x.s.Outcomes == nil || x.s.WaitForNumber <= 0 || !x.s.Outcomes.WorthWaiting() {
		return ""
	}
	short, stop := context.WithTimeout(ctx, glance)
	out, err := x.wait(short, it)
	stop()
	if err != nil && errors.Is(short.Err(), context.DeadlineExceeded) && ctx.Err() == nil {
		watched, stop := x.w.watch(ctx)
		out, err = x.wait(watched, it)
		stop()
	}
	switch {
	case err != nil, out.Number.IsZero():
		return ""
	case out.Disposition != registry.Registered && out.Disposition != registry.Redelivered:
		return ""
	}
	return out.Number.String()
}

// wait asks for the outcome. A closed register looks like a slow store.
func (x *session) wait(ctx context.Context, it registry.Item) (registry.Outcome, error) {
	if x.closed(it) {
		<-ctx.Done()
		return registry.Outcome{}, ctx.Err()
	}
	return x.s.Outcomes.Wait(ctx, it.ID)
}

// closed reports whether an item's register was closed when its recipients were
// taken: the office may have been read anew since.
func (x *session) closed(it registry.Item) bool {
	return slices.ContainsFunc(x.tx.recipients, func(to recipient) bool { return to.closed && to.box.Register == it.Register })
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}
