package smtpd

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// FuzzSession holds the whole dialogue against an observer who sees only what
// goes over the wire: the letters that were answered with 250 are, byte for
// byte and in order, those in the spool.
func FuzzSession(f *testing.F) {
	names, err := filepath.Glob("testdata/dialogues/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		d := readDialogue(f, name)
		var all strings.Builder
		for _, turn := range d.turns {
			all.WriteString(turn.say)
		}
		if all.Len() < 10_000 {
			f.Add(all.String(), uint64(all.Len()), d.options["kind"] == "lmtp")
		}
	}
	d := openDoor(f, Options{MaxSize: 1000, Limits: Limits{NewPerMinute: -1, LettersPerMinute: -1, BadPerMinute: -1, Received: 3, Recipients: 5, CommandLineLength: 600}})
	f.Fuzz(func(t *testing.T, said string, seed uint64, lmtp bool) {
		before, _ := d.spool.kept()
		kind := map[bool]string{true: "lmtp", false: "smtp"}[lmtp]
		heard := converse(t, d, kind, said, rand.New(rand.NewPCG(seed, 1)))
		items, letters := d.spool.kept()
		items, letters = items[len(before):], letters[len(before):]
		var kept []string // one a delivery
		for i, it := range items {
			if i == 0 || items[i-1].Delivery != it.Delivery {
				kept = append(kept, letters[i])
			}
		}
		if acknowledged := observe(said, heard, lmtp); !slices.Equal(acknowledged, kept) {
			t.Fatalf("said %q\nheard %q\nacknowledged %q\nkept %q", said, heard, acknowledged, kept)
		}
		for _, line := range heard {
			if strings.Contains(line, "Accepted as ") && !slices.ContainsFunc(items, itemIn(line)) {
				t.Fatalf("%q names no item", line)
			}
		}
		d.spool.forget()
	})
}

// converse says everything, in pieces, then nothing more; and gives what it
// heard.
func converse(t *testing.T, d *door, kind, said string, r *rand.Rand) (heard []string) {
	t.Helper()
	conn := d.pipe(kind, "203.0.113.5")
	k := newTalk(t, conn)
	go func() {
		for said != "" {
			n := 1 + r.IntN(min(len(said), 300))
			if _, err := conn.Write([]byte(said[:n])); err != nil {
				break // sent away
			}
			said = said[n:]
		}
		_ = conn.CloseWrite()
	}()
	for line := k.hear(); line != ""; line = k.hear() {
		heard = append(heard, line)
	}
	_ = conn.Close()
	d.settle()
	return heard
}

// An observer reads along on the wire.
type observer struct {
	said    string   // not read yet
	heard   []string // answers not read yet, last lines only
	lmtp    bool
	to      int    // recipients taken
	chunks  string // of a letter on its way
	letters []string
}

// observe gives the letters that the peer must believe to be ours now.
func observe(said string, heard []string, lmtp bool) []string {
	o := &observer{said: said, lmtp: lmtp}
	for _, line := range heard {
		if len(line) < 4 || line[3] != '-' {
			o.heard = append(o.heard, line)
		}
	}
	o.answer() // the greeting
	for o.command() {
	}
	return o.letters
}

func (o *observer) answer() int {
	if len(o.heard) == 0 {
		return 0
	}
	code, _ := strconv.Atoi(o.heard[0][:3])
	o.heard = o.heard[1:]
	return code
}

// command reads one and what was answered; false when the talk is over.
func (o *observer) command() bool {
	line, rest, whole := strings.Cut(o.said, "\n")
	if !whole || len(o.heard) == 0 {
		return false
	}
	o.said = rest
	verb, argument, _ := strings.Cut(strings.TrimRight(line, "\r"), " ")
	verb = strings.ToUpper(verb)
	if verb == "BDAT" {
		return o.chunk(argument)
	}
	code := o.answer()
	switch {
	case code == 354:
		return o.data()
	case code == 421 || code == 221 || code == 0:
		return false
	case code >= 300:
	case verb == "MAIL":
		o.to = 0
	case verb == "RCPT":
		o.to++
	case verb == "RSET", verb == "EHLO", verb == "HELO", verb == "LHLO":
		o.chunks, o.to = "", 0
	}
	return true
}

func (o *observer) data() bool {
	letter, rest, whole := undot(o.said)
	if !whole {
		return false
	}
	o.said = rest
	return o.verdict(letter)
}

func (o *observer) chunk(argument string) bool {
	args := strings.Fields(argument)
	if len(args) == 0 {
		return false
	}
	size, err := strconv.ParseUint(args[0], 10, 32)
	if err != nil || len(args) > 1 && !strings.EqualFold(args[1], "LAST") || size > uint64(len(o.said)) {
		return false // closed, or cut off
	}
	o.chunks, o.said = o.chunks+o.said[:size], o.said[size:]
	if len(args) == 1 {
		code := o.answer()
		if code != 250 {
			o.more(code)
			o.chunks = ""
		}
		return code != 421 && code != 0
	}
	letter := o.chunks
	o.chunks = ""
	return o.verdict(letter)
}

// verdict reads the answer to a whole letter: one, or with LMTP one for each
// recipient.
func (o *observer) verdict(letter string) bool {
	code := o.answer()
	o.more(code)
	if code == 250 {
		o.letters = append(o.letters, letter)
	}
	return code != 421 && code != 0
}

func (o *observer) more(code int) {
	if o.lmtp && code != 503 {
		for range o.to - 1 {
			o.answer()
		}
	}
	o.to = 0
}
