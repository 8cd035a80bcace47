package smtpd

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

// A dialogue is a file of testdata/dialogues:
//
//	# what it shows
//	! option value
//	S: 250 *         what we say; * stands for anything
//	C: EHLO x        what the peer says, with CR LF
//	R: "a\rb"        what he says, byte by byte as quoted
//	F:               he says no more (FIN)
//	= "letter"       what lies in the spool in the end, in order
//	E:               we close the connection
//
// Everything the peer says without waiting in between is one write, and so is
// tested for pipelining.
type dialogue struct {
	name    string
	options map[string]string
	turns   []turn
	letters []string
}

type turn struct {
	line   int
	say    string // what the peer sends,
	fin    bool   // says no more,
	expect string // or hears,
	like   *regexp.Regexp
	end    bool
}

func readDialogue(t testing.TB, name string) dialogue {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d := dialogue{name: strings.TrimSuffix(filepath.Base(name), ".txt"), options: map[string]string{}}
	for i, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		kind, rest, _ := strings.Cut(line, " ")
		said := ""
		switch kind {
		case "#", "":
			continue
		case "!":
			key, value, _ := strings.Cut(rest, " ")
			d.options[key] = value
			continue
		case "=":
			d.letters = append(d.letters, unquote(t, name, i, rest))
			continue
		case "S:":
			d.turns = append(d.turns, turn{line: i + 1, expect: rest, like: pattern(rest)})
			continue
		case "E:":
			d.turns = append(d.turns, turn{line: i + 1, end: true})
			continue
		case "F:":
			d.turns = append(d.turns, turn{line: i + 1, fin: true})
			continue
		case "C:":
			said = rest + "\r\n"
		case "R:":
			said = unquote(t, name, i, rest)
		default:
			t.Fatalf("%s:%d: what is %q?", name, i+1, kind)
		}
		if n := len(d.turns); n > 0 && d.turns[n-1].say != "" {
			d.turns[n-1].say += said
		} else {
			d.turns = append(d.turns, turn{line: i + 1, say: said})
		}
	}
	return d
}

func unquote(t testing.TB, name string, line int, quoted string) string {
	t.Helper()
	s, err := strconv.Unquote(quoted)
	if err != nil {
		t.Fatalf("%s:%d: %s: %v", name, line+1, quoted, err)
	}
	return strings.ReplaceAll(s, "«long»", strings.Repeat("długi wiersz ", 100_000))
}

func (d dialogue) open(t *testing.T) *door {
	t.Helper()
	spool := &memory{}
	o := Options{Spool: spool, Limits: Limits{PerPeer: -1, PerNetwork: -1, NewPerMinute: -1, LettersPerMinute: -1, BadPerMinute: -1}}
	for key, value := range d.options {
		n, _ := strconv.Atoi(value)
		switch key {
		case "max_size":
			o.MaxSize = int64(n)
		case "recipients":
			o.Limits.Recipients = n
		case "bad_recipients":
			o.Limits.BadRecipients = n
		case "commands":
			o.Limits.Commands = n
		case "received":
			o.Limits.Received = n
		case "numbers":
			o.Outcomes, o.WaitForNumber = &numbers{}, time.Minute
		case "texts":
			o.Texts = registry.Catalogue(value)
		case "spool":
			spool.fail = errorNamed(t, value)
		case "spool_at_end":
			spool.fail, spool.read = errorNamed(t, value), true
		case "disk":
			err := errorNamed(t, value)
			o.Disk = func() error { return err }
		case "kind", "peer":
		default:
			t.Fatalf("%s: unknown option %q", d.name, key)
		}
	}
	opened := openDoor(t, o)
	opened.spool = spool
	return opened
}

func errorNamed(t *testing.T, name string) error {
	t.Helper()
	err, ok := map[string]error{
		"full": registry.ErrFull, "backlog": registry.ErrBacklog, "sync": registry.ErrSyncFailed, "too_large": registry.ErrTooLarge,
		"other": errors.New("pq: connection refused to host 10.0.0.7"),
	}[name]
	if !ok {
		t.Fatalf("unknown error %q", name)
	}
	return err
}

// play goes through the dialogue; cut parts what the peer says into writes.
func (d dialogue) play(t *testing.T, door *door, cut func(said string) []string) {
	t.Helper()
	before, _ := door.spool.kept()
	kind, peer := cmpOr(d.options["kind"], "smtp"), cmpOr(d.options["peer"], "203.0.113.5")
	conn := door.pipe(kind, peer)
	k := newTalk(t, conn)
	defer conn.Close()
	for _, turn := range d.turns {
		switch {
		case turn.say != "":
			for _, part := range cut(turn.say) {
				if _, err := conn.Write([]byte(part)); err != nil {
					break // we have closed; what we said before comes next
				}
			}
		case turn.fin:
			_ = conn.CloseWrite()
		case turn.end:
			if got := k.hear(); got != "" {
				t.Fatalf("%s:%d: heard %q, want the end", d.name, turn.line, got)
			}
		default:
			got := k.hear()
			if strings.Contains(got, "pq:") {
				t.Fatalf("%s:%d: %q tells a stranger of our insides", d.name, turn.line, got)
			}
			if got != "" && !enhanced.MatchString(got) {
				t.Fatalf("%s:%d: %q has no enhanced status code", d.name, turn.line, got)
			}
			if !turn.like.MatchString(got) {
				t.Fatalf("%s:%d: heard %q, want %q", d.name, turn.line, got, turn.expect)
			}
		}
	}
	_ = conn.Close()
	door.settle()
	_, letters := door.spool.kept()
	if got := letters[len(before):]; !slices.Equal(got, d.letters) {
		t.Fatalf("%s: letters = %q, want %q", d.name, got, d.letters)
	}
}

// enhanced is an answer as RFC 2034 wants it, or one that needs none: the
// greeting, the answer to EHLO, an intermediate one.
var enhanced = regexp.MustCompile(`^([245])\d\d \d\.\d+\.\d+ |^220 poczta\.|^250[- ](Hello|[A-Z0-9]+( |$))|^3`)

// settle waits until all connections have gone.
func (d *door) settle() {
	d.knocking.Wait()
	for _, h := range d.lobbies() {
		h.sessions.Wait()
	}
}

func pattern(expect string) *regexp.Regexp {
	parts := strings.Split(expect, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^(?s:" + strings.Join(parts, ".*") + ")$")
}

func cmpOr(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func dialogues(t *testing.T) []dialogue {
	t.Helper()
	names, err := filepath.Glob("testdata/dialogues/*.txt")
	if err != nil || len(names) == 0 {
		t.Fatalf("no dialogues: %v", err)
	}
	all := make([]dialogue, len(names))
	for i, name := range names {
		all[i] = readDialogue(t, name)
	}
	return all
}

func TestDialogues(t *testing.T) {
	for _, d := range dialogues(t) {
		t.Run(d.name, func(t *testing.T) {
			d.play(t, d.open(t), func(said string) []string { return []string{said} })
		})
	}
}

func TestDialoguesByteByByte(t *testing.T) {
	for _, d := range dialogues(t) {
		t.Run(d.name, func(t *testing.T) {
			d.play(t, d.open(t), func(said string) []string {
				if len(said) > 20_000 {
					return []string{said}
				}
				return strings.Split(said, "")
			})
		})
	}
}

func TestDialoguesSplitAtEveryOffset(t *testing.T) {
	split := map[string]bool{} // texts that another dialogue has split already
	for _, d := range dialogues(t) {
		t.Run(d.name, func(t *testing.T) {
			door := d.open(t)
			for i, turn := range d.turns {
				if split[turn.say] {
					continue
				}
				split[turn.say] = true
				step := 1
				if len(turn.say) > 1000 || testing.Short() {
					step = 1 + len(turn.say)/10
				}
				for at := 1; at < len(turn.say); at += step {
					now := -1
					d.play(t, door, func(said string) []string {
						if now = nextSaying(d.turns, now); now != i {
							return []string{said}
						}
						return []string{said[:at], said[at:]}
					})
				}
			}
		})
	}
}

// nextSaying finds the next turn after i in which the peer says something.
func nextSaying(turns []turn, i int) int {
	for i++; turns[i].say == ""; i++ {
	}
	return i
}
