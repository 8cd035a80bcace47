package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// A tally counts what one sender, or all of them, saw.
type tally struct {
	times      []time.Duration // from the final dot (or the due moment) to 250
	bytes      int64
	registered int            // answers that bore a number
	failures   map[string]int // by reply code, or "connection"
}

func newTally() *tally { return &tally{failures: map[string]int{}} }

func (t *tally) taken(took time.Duration, size int, numbered bool) {
	t.times = append(t.times, took)
	t.bytes += int64(size)
	if numbered {
		t.registered++
	}
}

func (t *tally) failed(err error) {
	if answered, ok := errors.AsType[*smtp.SMTPError](err); ok {
		t.failures[fmt.Sprint(answered.Code)]++
		return
	}
	t.failures["connection"]++
}

func (t *tally) add(other *tally) {
	t.times = append(t.times, other.times...)
	t.bytes += other.bytes
	t.registered += other.registered
	for kind, n := range other.failures {
		t.failures[kind] += n
	}
}

// A report is what a load found out; the names are stable.
type report struct {
	Senders    int            `json:"senders"`
	Letters    int            `json:"letters"` // answered with 250
	Registered int            `json:"registered"`
	Failures   map[string]int `json:"failures"`
	Bytes      int64          `json:"bytes"`
	Seconds    float64        `json:"seconds"`
	PerSecond  float64        `json:"per_second"`
	P50        float64        `json:"p50_ms"`
	P90        float64        `json:"p90_ms"`
	P99        float64        `json:"p99_ms"`
	Max        float64        `json:"max_ms"`
}

func (t *tally) report(senders int, took time.Duration) report {
	slices.Sort(t.times)
	return report{
		Senders: senders, Letters: len(t.times), Registered: t.registered, Failures: t.failures, Bytes: t.bytes,
		Seconds: took.Seconds(), PerSecond: float64(len(t.times)) / took.Seconds(),
		P50: t.quantile(0.50), P90: t.quantile(0.90), P99: t.quantile(0.99), Max: t.quantile(1),
	}
}

// quantile gives the least time that the share q of all stayed within, in
// milliseconds. The times must be sorted.
func (t *tally) quantile(q float64) float64 {
	if len(t.times) == 0 {
		return 0
	}
	i := int(math.Ceil(q*float64(len(t.times)))) - 1
	return float64(t.times[max(i, 0)].Microseconds()) / 1000
}

// String gives the report for people.
func (r report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d letters to 250 in %.1f s over %d connections: %.0f a second, %.1f MB a second\n",
		r.Letters, r.Seconds, r.Senders, r.PerSecond, float64(r.Bytes)/r.Seconds/1e6)
	fmt.Fprintf(&b, "time to 250: half within %.2f ms, 99 of 100 within %.2f ms, longest %.2f ms\n", r.P50, r.P99, r.Max)
	fmt.Fprintf(&b, "answers with a number: %d\n", r.Registered)
	for _, kind := range slices.Sorted(maps.Keys(r.Failures)) {
		fmt.Fprintf(&b, "not taken (%s): %d\n", kind, r.Failures[kind])
	}
	return b.String()
}
