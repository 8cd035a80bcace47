package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kancelaria/registry"
)

// ChannelMail is the name of the channel that every bell has.
const ChannelMail = "mail"

// A Parcel is one mail for one destination.
type Parcel struct {
	Row  registry.OutboxRow // what it tells of; Rendered holds the mail
	From string             // reverse path, "" for receipts
	To   string             // an address, or what the channel calls its goal
}

// A Channel carries parcels. Send may be called by many at once and more than
// once for the same parcel; it gives the other side's answer, or an error that
// is a *Failure where the reason is known. It must honour ctx.
type Channel interface {
	Send(ctx context.Context, p Parcel) (answer string, err error)
}

// A Failure says why a parcel did not arrive and what may help.
type Failure struct {
	// Permanent: the other side will not take this one. Do not try again.
	Permanent bool
	// Down: the channel itself does not work; others need not try now.
	Down bool
	// Answer is what the other side said, for people.
	Answer string
	Err    error
}

func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Answer
	}
	return f.Err.Error()
}

func (f *Failure) Unwrap() error { return f.Err }

// A ChannelState is how a channel is, for status.
type ChannelState struct {
	Name      string
	Broken    bool
	Since     time.Time // of the breakage
	LastOK    time.Time
	LastError string // why it is broken; "" when it works
	// Since the start: mails taken, refused for good, put off.
	Sent, Refused, Delayed uint64
}

// A lane is a channel with its health. A channel that is down rests, a little
// longer each time, up to a minute.
type lane struct {
	name    string
	channel Channel
	now     func() time.Time

	mu    sync.Mutex
	state ChannelState // guarded by mu
	rest  time.Time    // guarded by mu; zero: it works
	pause time.Duration
}

const (
	firstRest = 2 * time.Second
	longRest  = time.Minute
)

func newLane(name string, c Channel, now func() time.Time) *lane {
	return &lane{name: name, channel: c, now: now, state: ChannelState{Name: name}}
}

// restsUntil is zero for a channel that works.
func (l *lane) restsUntil() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rest
}

func (l *lane) send(ctx context.Context, p Parcel) (string, error) {
	if rest := l.restsUntil(); l.now().Before(rest) {
		return "", &Failure{Down: true, Answer: fmt.Sprintf("channel %s is down: %s", l.name, l.lastError())}
	}
	answer, err := l.channel.Send(ctx, p)
	l.note(err)
	return answer, err
}

func (l *lane) lastError() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.LastError
}

// note keeps the health: a refusal of one parcel shows that the channel works.
func (l *lane) note(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, _ := errors.AsType[*Failure](err)
	switch {
	case err == nil:
		l.state.Sent++
		l.state.LastOK = l.now()
	case f != nil && f.Permanent:
		l.state.Refused++
	default:
		l.state.Delayed++
	}
	if err == nil || (f != nil && !f.Down) {
		l.rest, l.pause = time.Time{}, 0
		l.state.Broken, l.state.Since, l.state.LastError = false, time.Time{}, ""
		return
	}
	l.pause = min(max(firstRest, 2*l.pause), longRest)
	l.rest = l.now().Add(l.pause)
	if !l.state.Broken {
		l.state.Broken, l.state.Since = true, l.now()
	}
	l.state.LastError = err.Error()
}

// Channels tells how each channel is, mail first.
func (b *Bell) Channels() []ChannelState {
	states := []ChannelState{b.channels[ChannelMail].snapshot()}
	for _, name := range sortedKeys(b.channels) {
		if name != ChannelMail {
			states = append(states, b.channels[name].snapshot())
		}
	}
	return states
}

func (l *lane) snapshot() ChannelState {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}
