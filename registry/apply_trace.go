package registry

import (
	"crypto/sha256"
	"strings"
	"time"
)

// How long the same bytes count as the same arrival (DESIGN § 4, redelivery).
const (
	redeliveredWithin        = 7 * 24 * time.Hour
	redeliveredWithinUnnamed = 24 * time.Hour // letters without Message-ID
)

// The kinds of traces.
const (
	traceMessage = 'm' // register and Message-ID
	traceDigest  = 'd' // register, envelope sender and digest, without Message-ID
	traceBody    = 'b' // register and body, or a file's bytes
)

// mostTraces bounds the rows under one key: a Message-ID is the attacker's to
// choose. What comes after them under the key is registered as new.
const mostTraces = 8

// weeksKept is how many weeks of traces are of use.
const weeksKept = 8

const week = 7 * 24 * time.Hour

func weekOf(t time.Time) int { return int(t.Unix() / int64(week/time.Second)) }

// firstOf finds the earlier arrival that an item merely repeats, as a sender
// does that never saw our 250.
func (f *fold) firstOf(a *Arrival) (ArrivalRow, bool) {
	if a.Item.Envelope == nil {
		return ArrivalRow{}, false // files are never the same arrival
	}
	kind, name, within := a.delivery()
	digest := a.redelivery()
	for _, row := range f.tracesOf(a, kind, name) {
		if row.Digest == digest && row.Item != a.Item.ID && apart(row.At, a.Item.AcceptedAt) <= within {
			if first := f.arrivals.get(row.Item); first.Found {
				return first, true
			}
		}
	}
	return ArrivalRow{}, false
}

// likeOf finds an earlier entry that may be the same letter: other bytes under
// the same Message-ID, or the same body.
func (f *fold) likeOf(a *Arrival) (Number, bool) {
	rows := f.tracesOf(a, traceBody, a.bodyName())
	if a.Item.Envelope != nil && a.Document.MessageID != "" {
		rows = append(rows, f.tracesOf(a, traceMessage, a.Document.MessageID)...)
	}
	best, found := TraceRow{}, Number{}
	for _, row := range rows {
		if row.Item == a.Item.ID {
			continue
		}
		number := f.arrivals.get(row.Item).Number
		if number.IsZero() || !found.IsZero() && !row.At.Before(best.At) {
			continue
		}
		best, found = row, number
	}
	return found, !found.IsZero()
}

// tracesOf reads what came under a name in the week of the arrival, the one
// before, and the one after, since clocks differ.
func (f *fold) tracesOf(a *Arrival, kind byte, name string) []TraceRow {
	key := a.traceKey(kind, name)
	var rows []TraceRow
	for w := key.Week - 1; w <= key.Week+1; w++ {
		rows = append(rows, f.traces.get(TraceKey{Week: w, Kind: kind, Key: key.Key})...)
	}
	return rows
}

// trace remembers an arrival for those that may follow it.
func (f *fold) trace(a *Arrival, number Number) {
	if a.Item.Envelope != nil {
		kind, name, _ := a.delivery()
		f.addTrace(a, a.traceKey(kind, name), number)
	}
	f.addTrace(a, a.traceKey(traceBody, a.bodyName()), number)
}

func (f *fold) addTrace(a *Arrival, key TraceKey, number Number) {
	rows := f.traces.get(key)
	if len(rows) >= mostTraces {
		return
	}
	row := TraceRow{
		TraceKey: key, Digest: a.redelivery(), Item: a.Item.ID, Number: number,
		At: a.Item.AcceptedAt.UTC().Truncate(time.Microsecond),
	}
	f.traces.set(key, append(rows[:len(rows):len(rows)], row))
	f.newTraces = append(f.newTraces, row)
}

// delivery says under which name a letter's repetition is looked for, and for
// how long.
func (a *Arrival) delivery() (kind byte, name string, within time.Duration) {
	if a.Document.MessageID != "" {
		return traceMessage, a.Document.MessageID, redeliveredWithin
	}
	digest := a.redelivery()
	return traceDigest, strings.ToLower(a.Item.Envelope.MailFrom) + "\x00" + string(digest[:]), redeliveredWithinUnnamed
}

// redelivery is the digest that is equal for a letter sent again; a letter of
// which nothing was read has only that of its bytes.
func (a *Arrival) redelivery() Digest {
	if a.Document.Redelivery.IsZero() {
		return a.Item.Original.Digest
	}
	return a.Document.Redelivery
}

// bodyName is what a person would call the same letter.
func (a *Arrival) bodyName() string {
	digest := a.BodyDigest
	if a.Item.Envelope == nil || digest.IsZero() {
		digest = a.Item.Original.Digest
	}
	name := string(digest[:])
	if f := a.Item.File; f != nil && f.Pages != nil { // letters of one batch are not the same letter
		name += f.Pages.String()
	}
	return name
}

func (a *Arrival) traceKey(kind byte, name string) TraceKey {
	h := sha256.New()
	h.Write([]byte{kind})
	h.Write([]byte(a.Item.Register))
	h.Write([]byte{0})
	h.Write([]byte(name))
	k := TraceKey{Week: weekOf(a.Item.AcceptedAt), Kind: kind}
	copy(k.Key[:], h.Sum(nil))
	return k
}

func apart(a, b time.Time) time.Duration { return a.Sub(b).Abs() }
