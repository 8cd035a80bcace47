// Package notify is the bell: it tells clerks what came for them and senders
// that it arrived.
//
// What is to be told lies in the outbox, written in the same transaction as
// the entry it tells of. The Bell leases rows, writes each mail once, stores
// its bytes and only then sends them: every retry sends the same bytes under
// the same Message-ID. Delivery is at least once, in order for each recipient,
// and side by side across recipients, so that one bad address delays nobody.
package notify

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// A Store is what the bell needs of the book. The contracts are those of
// registry.Store.
type Store interface {
	Claim(ctx context.Context, c registry.Claim) ([]registry.OutboxRow, error)
	Finish(ctx context.Context, rows []registry.OutboxRow) error
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
}

// A Prover writes the ledger's proof of a leaf. It answers ok=false while no
// signed checkpoint covers the leaf yet.
type Prover interface {
	Prove(ctx context.Context, leaf int64) (proof []byte, ok bool, err error)
}

// Options are the rest of what a Bell needs; each zero value works.
type Options struct {
	// Node claims the rows that this node's committer wrote.
	Node string
	// From is the author of all mails: "Kancelaria <kancelaria@…>".
	From string
	// Channels are the further ways beside mail, by the name that clerks choose.
	Channels map[string]Channel
	// Tokens make reply and bounce addresses; nil leaves From to take both.
	Tokens *gateway.Tokens
	// Web is the counter's address, "https://…", for links; "" writes none.
	Web string
	// EnglishAlways adds English to every receipt.
	EnglishAlways bool
	// PerSender is how many receipts one sender gets in ten minutes before the
	// rest are joined into one: 5 unless told.
	PerSender int
	// PerSenderDay is how many receipts one sender gets in a day: 20 unless told.
	// What comes after is registered like any other and not told.
	PerSenderDay int
	// PerClerk is how many notices a clerk gets in a quarter of an hour before
	// the rest are joined into one: 30 unless told.
	PerClerk int
	// Signer, if there is one, signs each mail once, as it is written (DKIM).
	Signer Signer
	Prover Prover
	// Shadow sends nothing: an office that tries kancelaria out on a copy of its
	// mail tells nobody.
	Shadow bool
	// Documents are attached to notices where a department wants them.
	Documents Documents
	// UpTo is the highest leaf that this node's archive has synced: nobody is
	// told of what a power cut could take back. Nil means all.
	UpTo func() int64
	// Undelivered is told of what could not be delivered for good, before the
	// row is given up (gateway.Unreachable); an error brings the row again.
	Undelivered func(ctx context.Context, row registry.OutboxRow, answer string) error
	// Settled is told of each row that is done for good, sent or dead. It must
	// not block for long.
	Settled func(ctx context.Context, s Settled)

	Now    func() time.Time
	Jitter func() float64 // in [0, 1)
	Log    *slog.Logger

	Poll    time.Duration // how often to look without a hint: 5 s
	Workers int           // mails on their way at once: 64
	Grace   time.Duration // for mails on their way at a stop: 15 s
}

// Settled is what became of an outbox row.
type Settled struct {
	Row    registry.OutboxRow // State is sent or dead
	Answer string             // of the relay, or why nobody was told
}

// A Signer adds a signature to a finished mail.
type Signer interface {
	Sign(mail []byte) ([]byte, error)
}

// A Bell empties the outbox. Run does the work; Ring and Channels may be called
// from anywhere.
type Bell struct {
	store    Store
	press    *press
	channels map[string]*lane
	opt      Options
	hint     chan struct{}
	finisher *finisher
}

// New makes a bell for an office. Mail is the channel of mails, named "mail".
func New(store Store, office func() *registry.Office, mail Channel, o Options) *Bell {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = rand.Float64
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.UpTo == nil {
		o.UpTo = func() int64 { return 1<<62 - 1 }
	}
	o.Poll = orDefault(o.Poll, 5*time.Second)
	o.Workers = orDefault(o.Workers, 64)
	o.Grace = orDefault(o.Grace, 15*time.Second)
	o.PerSender = orDefault(o.PerSender, 5)
	o.PerSenderDay = orDefault(o.PerSenderDay, 20)
	o.PerClerk = orDefault(o.PerClerk, 30)

	b := &Bell{
		store:    store,
		channels: map[string]*lane{ChannelMail: newLane(ChannelMail, mail, o.Now)},
		opt:      o,
		hint:     make(chan struct{}, 1),
		finisher: newFinisher(store),
	}
	for name, c := range o.Channels {
		b.channels[name] = newLane(name, c, o.Now)
	}
	b.press = newPress(store, office, b.opt)
	return b
}

func orDefault[T int | time.Duration](v, d T) T {
	if v <= 0 {
		return d
	}
	return v
}

// Ring tells the bell that something was written. It never blocks; a lost hint
// costs one poll.
func (b *Bell) Ring() {
	select {
	case b.hint <- struct{}{}:
	default:
	}
}

// Bounced tells that mail to a clerk came back for good. For a day the head of
// the clerk's department is written to as well, so that letters do not wait
// unseen.
func (b *Bell) Bounced(login string) { b.press.unreachable.mark(login, b.opt.Now()) }

// The lease is longer than the longest attempt, so that a row is not offered
// twice while its mail is on its way.
const (
	leaseFor   = 10 * time.Minute
	attemptFor = 2 * time.Minute // per destination, of which there are at most maxGoals
	maxGoals   = 4
)

// Run claims and sends until ctx ends, then lets what is on its way arrive
// within the grace. What it leaves is taken up at the next start.
func (b *Bell) Run(ctx context.Context) error {
	b.takeBack(ctx)
	sending, stop := b.outlive(ctx)
	defer stop()

	var work sync.WaitGroup
	work.Go(func() { b.finisher.run(sending) })

	done := make(chan struct{}, b.opt.Workers)
	inFlight := 0
	for ctx.Err() == nil {
		inFlight -= drain(done)
		free, hold := b.room(inFlight)
		rows, err := b.claim(ctx, free)
		if err != nil {
			hold = max(hold, b.opt.Poll)
		}
		for _, row := range rows {
			inFlight++
			work.Go(func() {
				b.handle(sending, row)
				done <- struct{}{}
			})
		}
		if len(rows) > 0 && inFlight < b.opt.Workers {
			continue // there may be more
		}
		inFlight -= b.await(ctx, done, hold)
	}
	for ; inFlight > 0; inFlight-- {
		<-done
	}
	b.finisher.close()
	work.Wait()
	return nil
}

// takeBack frees what this node had on its way when it died: nobody else has
// its name, so that the leases are its own. Otherwise a crash would cost ten
// minutes. What cannot be freed now is free when its lease runs out.
func (b *Bell) takeBack(ctx context.Context) {
	q := registry.Query{Of: registry.FindOutbox, State: registry.OutboxLeased, Limit: companyPage}
	freed := 0
	for range companyPages {
		page, err := b.store.Find(ctx, q)
		if err == nil {
			var own []registry.OutboxRow
			for _, row := range page.Outbox {
				if row.LeaseBy == b.opt.Node {
					row.State, row.NotBefore = registry.OutboxReady, b.opt.Now()
					own = append(own, row)
				}
			}
			if err = b.store.Finish(ctx, own); err == nil {
				freed += len(own)
			}
		}
		if err != nil {
			b.opt.Log.Warn("notify.not_taken_back", "err", err)
			break
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	if freed > 0 {
		b.opt.Log.Info("notify.taken_back", "rows", freed)
	}
}

// outlive gives a context that ends a grace after ctx does.
func (b *Bell) outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stopWatch := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(b.opt.Grace, cancel)
		context.AfterFunc(sending, func() { timer.Stop() })
	})
	return sending, func() { stopWatch(); cancel() }
}

// room says how many rows may be claimed now, or how long to hold. While no
// channel works only one mail at a time tries, when a rest is over: an outage
// costs the others no attempts.
func (b *Bell) room(inFlight int) (rows int, hold time.Duration) {
	var soonest time.Time
	for _, l := range b.channels {
		rest := l.restsUntil()
		if rest.IsZero() {
			return b.opt.Workers - inFlight, 0
		}
		if soonest.IsZero() || rest.Before(soonest) {
			soonest = rest
		}
	}
	if wait := soonest.Sub(b.opt.Now()); wait > 0 {
		return 0, wait
	}
	if inFlight > 0 {
		return 0, b.opt.Poll
	}
	return 1, 0
}

func (b *Bell) claim(ctx context.Context, limit int) ([]registry.OutboxRow, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := b.store.Claim(ctx, registry.Claim{
		Node: b.opt.Node, UpTo: b.opt.UpTo(), Limit: limit, Now: b.opt.Now(), For: leaseFor,
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		b.opt.Log.Warn("notify.not_claimed", "err", err)
	}
	return rows, err
}

// await sleeps until there is a reason to look again: a hint, a mail that is
// done (its recipient's next may follow), or the poll. It reports how many
// mails were done.
func (b *Bell) await(ctx context.Context, done <-chan struct{}, hold time.Duration) int {
	hint := b.hint
	if hold > 0 {
		hint = nil // a hint cannot mend a channel
	}
	timer := time.NewTimer(orDefault(hold, b.opt.Poll))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-hint:
	case <-timer.C:
	case <-done:
		return 1 + drain(done)
	}
	return 0
}

func drain(done <-chan struct{}) int {
	for n := 0; ; n++ {
		select {
		case <-done:
		default:
			return n
		}
	}
}
