package notify

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// handle brings one leased row forward: writes its mail if it has none, sends
// it, and stores how that went. When the store does not take the result, the
// lease runs out and the row comes again, with the same bytes.
func (b *Bell) handle(ctx context.Context, row registry.OutboxRow) {
	registry.FailBellClaimed.Hit()
	if b.opt.Shadow {
		row.State = registry.OutboxSent
		b.finish(ctx, row, "nothing is sent: the office tries the register out")
		return
	}
	if len(row.Rendered) == 0 {
		var err error
		if row, err = b.write(ctx, row); err != nil {
			b.later(ctx, row, err)
			return
		}
		if row.State != registry.OutboxLeased {
			b.finish(ctx, row, "")
			return
		}
	}
	b.send(ctx, row)
}

// write gives the row its mail and stores it before the first attempt.
func (b *Bell) write(ctx context.Context, row registry.OutboxRow) (registry.OutboxRow, error) {
	m, err := b.press.compose(ctx, row)
	if err != nil {
		return row, err
	}
	if m.wait > 0 {
		row.State, row.NotBefore, row.LastError = registry.OutboxReady, b.opt.Now().Add(m.wait), m.why
		return row, nil
	}
	if m.told != "" { // another mail told it
		row.State, row.LastError, row.DoneAt = registry.OutboxSent, m.told, b.opt.Now()
		return row, nil
	}
	row.Rendered, row.MessageID, row.From, row.To = m.bytes, m.messageID, m.from, m.to
	row.Variant, row.LastError = m.variant, ""
	row.State = registry.OutboxLeased
	registry.FailBellWritten.Hit()
	if err := b.finisher.finish(ctx, row); err != nil {
		return row, fmt.Errorf("storing the written mail: %w", err)
	}
	return row, nil
}

// send tries each destination that is left. Those reached are crossed off, so
// that a second attempt reaches only the others.
func (b *Bell) send(ctx context.Context, row registry.OutboxRow) {
	var left, answers []string
	var worst error
	refused := 0
	for _, to := range row.To {
		answer, err := b.sendOne(ctx, row, to)
		f, _ := errors.AsType[*Failure](err)
		switch {
		case err == nil:
			answers = append(answers, answer)
		case f != nil && f.Permanent:
			refused++
			answers = append(answers, f.Error())
			b.opt.Log.Warn("notify.refused", "row", row.ID, "number", row.Number.String(), "err", err)
		default:
			left, worst = append(left, to), err
		}
	}
	total := len(row.To)
	row.To = left
	answer := strings.Join(answers, "; ")
	switch {
	case len(left) > 0:
		b.later(ctx, row, worst)
	case total == 0 || refused == total:
		row.State = registry.OutboxDead
		b.finish(ctx, row, orText(answer, "there is no address to write to"))
	default:
		row.State = registry.OutboxSent
		b.finish(ctx, row, answer)
	}
}

func (b *Bell) sendOne(ctx context.Context, row registry.OutboxRow, to string) (string, error) {
	name, goal := splitGoal(to)
	l, ok := b.channels[name]
	if !ok {
		return "", &Failure{Permanent: true, Answer: fmt.Sprintf("there is no channel %q", name)}
	}
	ctx, cancel := context.WithTimeout(ctx, attemptFor)
	defer cancel()
	registry.FailBellBeforeSend.Hit()
	answer, err := l.send(ctx, Parcel{Row: row, From: row.From, To: goal})
	registry.FailBellAfterSend.Hit()
	return answer, err
}

// splitGoal reads a destination: "folder:os1" names its channel, an address
// goes by mail.
func splitGoal(to string) (channel, goal string) {
	if name, rest, ok := strings.Cut(to, ":"); ok && !strings.Contains(name, "@") {
		return name, rest
	}
	return ChannelMail, to
}

// later puts a row back for another attempt. After giveUpAfter it is dead,
// unless the channel is to blame: what an office's own relay does not take for
// a week is not the recipient's fault.
func (b *Bell) later(ctx context.Context, row registry.OutboxRow, cause error) {
	now := b.opt.Now()
	f, _ := errors.AsType[*Failure](cause)
	down := f != nil && f.Down
	if len(row.Rendered) > 0 && !down && now.Sub(row.CreatedAt) > giveUpAfter {
		row.State = registry.OutboxDead
		b.finish(ctx, row, cause.Error())
		return
	}
	attempts := row.Attempts
	if down {
		attempts = min(attempts, attemptsWhileDown)
	}
	wait := backOff(attempts, b.opt.Jitter())
	row.State, row.NotBefore, row.LastError = registry.OutboxReady, now.Add(wait), clip(cause.Error(), 500)
	b.opt.Log.Info("notify.delayed", "row", row.ID, "number", row.Number.String(), "attempt", row.Attempts,
		"wait", wait.Round(time.Second), "err", cause)
	b.put(ctx, row)
}

// finish closes a row for good, if its state says so, and tells whoever asked.
func (b *Bell) finish(ctx context.Context, row registry.OutboxRow, answer string) {
	if row.State == registry.OutboxSent || row.State == registry.OutboxDead {
		row.DoneAt = b.opt.Now()
		row.LastError = clip(orText(answer, row.LastError), 500)
	}
	if row.State == registry.OutboxDead && b.opt.Undelivered != nil {
		if err := b.opt.Undelivered(ctx, row, row.LastError); err != nil {
			// The lease runs out and the row is given up again, when the book
			// takes what is to be said of it.
			b.opt.Log.Warn("notify.not_reported", "row", row.ID, "number", row.Number.String(), "err", err)
			return
		}
	}
	if !b.put(ctx, row) {
		return
	}
	b.press.storms.note(row, b.opt.Now())
	switch row.State {
	case registry.OutboxSent:
		b.opt.Log.Debug("notify.sent", "row", row.ID, "number", row.Number.String(), "attempt", row.Attempts)
	case registry.OutboxDead:
		b.opt.Log.Error("notify.undeliverable", "row", row.ID, "number", row.Number.String(), "attempt", row.Attempts)
	default:
		return
	}
	if b.opt.Settled != nil {
		b.opt.Settled(ctx, Settled{Row: row, Answer: row.LastError})
	}
}

func (b *Bell) put(ctx context.Context, row registry.OutboxRow) bool {
	registry.FailBellBeforeFinish.Hit()
	err := b.finisher.finish(ctx, row)
	registry.FailBellAfterFinish.Hit()
	if err != nil {
		b.opt.Log.Warn("notify.not_finished", "row", row.ID, "number", row.Number.String(), "err", err)
		return false
	}
	return true
}

const (
	giveUpAfter = 5 * 24 * time.Hour
	// attemptsWhileDown bounds the back-off in an outage to five minutes: when
	// it is over, all hear soon.
	attemptsWhileDown = 2
)

// backOff gives the time before attempt n+1: 1 m, 5 m, 15 m, 1 h, then every
// 4 h, each up to a fifth longer or shorter so that what failed together does
// not come back together.
func backOff(attempts int, jitter float64) time.Duration {
	steps := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour}
	step := steps[min(max(attempts, 1), len(steps))-1]
	return step + time.Duration((jitter*0.4-0.2)*float64(step))
}

func orText(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
