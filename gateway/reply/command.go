package reply

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"kancelaria/gateway"
	"kancelaria/registry"
)

// A Command is the one line by which a clerk answers a notice.
type Command struct {
	Verb   string         // accept, return, forward, close, note, due, case, ask
	Right  gateway.Rights // what the reply address must allow
	To     string         // forward: whom; case: which; ask: which role
	Day    registry.Day   // due
	Reason string         // return, forward, close, due; the text of a note
}

// A verb is a command: whether it wants an object before its text, and whether
// the text must be there, may be there, or must not. Its words, in every
// language of the office, stand in the catalogue.
type verb struct {
	name   string
	right  gateway.Rights
	object bool
	text   int
}

const (
	noText = iota
	mayText
	mustText
)

var verbs = []verb{
	{"accept", gateway.MayAccept, false, noText},
	{"return", gateway.MayReturn, false, mustText},
	{"forward", gateway.MayForward, true, mayText},
	{"close", gateway.MayClose, false, mayText},
	{"note", gateway.MayNote, false, mustText},
	{"due", gateway.MayDue, true, mustText},
	{"case", gateway.MayCase, true, noText},
	{"ask", gateway.MayForward, true, mayText}, // a role's approval
}

// words gives the folded words that the catalogue lists under a key, in every
// language: a clerk may answer in any.
func words(key string) []string {
	var list []string
	for _, lang := range []string{"pl", "en"} {
		for word := range strings.SplitSeq(registry.Catalogue(lang).Say(key), ",") {
			list = append(list, fold(word))
		}
	}
	return list
}

// The bounds of what is read of an answer.
const (
	maxLines  = 200
	maxReason = 2000
)

// Parse reads the command of an answer. The line must be the command and
// nothing else: "Przyjmuję do wiadomości, że…" accepts nothing. A text may go
// on over the lines that follow without a gap.
func Parse(text string) (Command, error) {
	lines := ownLines(text)
	if len(lines) > 0 && slices.Contains(words("answer.greetings"), fold(lines[0])) {
		lines = trimGap(lines[1:])
	}
	if len(lines) == 0 {
		return Command{}, fmt.Errorf("the answer is empty")
	}
	for _, v := range verbs {
		if rest, ok := v.cut(lines[0]); ok {
			return v.read(rest, lines[1:])
		}
	}
	return Command{}, fmt.Errorf("the first line is no command")
}

// ownLines gives the lines a clerk wrote: without those before the text, those
// quoted, and what follows a signature's mark or the head of a quoted letter.
func ownLines(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		if len(lines) == maxLines {
			break
		}
		line = strings.TrimRight(strings.TrimLeft(line, " \t\u00a0\ufeff"), " \t\r\n\u00a0")
		if line == "--" || beginsQuote(line) {
			break
		}
		if strings.HasPrefix(line, ">") || (line == "" && len(lines) == 0) {
			continue
		}
		lines = append(lines, strings.ToValidUTF8(line, "\ufffd"))
	}
	return lines
}

// beginsQuote knows the lines that mail programs put above what they quote.
func beginsQuote(line string) bool {
	if strings.HasPrefix(line, "-----") || strings.HasPrefix(line, "_____") {
		return true
	}
	folded := fold(line)
	begins := func(word string) bool { return strings.HasPrefix(folded, word+" ") }
	ends := func(word string) bool { return strings.HasSuffix(folded, " "+word) }
	return slices.ContainsFunc(words("answer.quote.begins"), begins) && slices.ContainsFunc(words("answer.quote.ends"), ends)
}

func trimGap(lines []string) []string {
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	return lines
}

// fold makes a line comparable: lower case, without marks, without the signs a
// person ends it with.
func fold(line string) string {
	return strings.TrimRight(registry.Fold(strings.TrimSpace(line)), " .,!:;")
}

// cut takes the verb off the beginning of a line.
func (v verb) cut(line string) (rest string, ok bool) {
	for _, word := range words("command.words." + v.name) {
		n := wordsIn(word)
		head, tail := cutWords(line, n)
		if fold(head) == word {
			return strings.TrimSpace(strings.TrimLeft(tail, " \t:")), true
		}
	}
	return "", false
}

func wordsIn(s string) int { return strings.Count(s, " ") + 1 }

// cutWords cuts after the n-th word, or after a colon that ends it.
func cutWords(line string, n int) (head, tail string) {
	at := 0
	for range n {
		rest := strings.TrimLeft(line[at:], " \t")
		at = len(line) - len(rest)
		end := strings.IndexAny(rest, " \t:")
		if end < 0 {
			return line, ""
		}
		at += end
	}
	return line[:at], line[at:]
}

func (v verb) read(rest string, more []string) (Command, error) {
	c := Command{Verb: v.name, Right: v.right}
	if v.object {
		var object string
		object, rest = cutWords(rest, 1)
		object = strings.Trim(object, " .,;")
		rest = strings.TrimSpace(strings.TrimLeft(rest, " \t:"))
		if object == "" {
			return Command{}, fmt.Errorf("%s what? Something is missing behind it", v.name)
		}
		if err := c.setObject(object); err != nil {
			return Command{}, err
		}
	}
	if v.text == noText {
		if strings.Trim(rest, " .!") != "" {
			return Command{}, fmt.Errorf("more stands behind %s than belongs to it", v.name)
		}
		return c, nil
	}
	c.Reason = joinText(rest, more)
	if v.text == mustText && c.Reason == "" {
		return Command{}, fmt.Errorf("%s needs a reason or a text", v.name)
	}
	return c, nil
}

func (c *Command) setObject(object string) (err error) {
	if c.Verb == "due" {
		c.Day, err = parseDay(object)
		return err
	}
	if len(object) > 100 {
		return fmt.Errorf("%.20q… is too long a name", object)
	}
	c.To = object
	return nil
}

// joinText adds the lines up to the first gap.
func joinText(rest string, more []string) string {
	parts := []string{rest}
	for _, line := range more {
		if line == "" {
			break
		}
		parts = append(parts, line)
	}
	text := strings.TrimSpace(strings.Join(parts, " "))
	for len(text) > maxReason {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// parseDay reads 2026-12-05 and 5.12.2026.
func parseDay(s string) (registry.Day, error) {
	if d, err := registry.ParseDay(s); err == nil {
		return d, nil
	}
	parts := strings.Split(s, ".")
	if len(parts) == 3 && len(parts[2]) == 4 {
		for i := range 2 {
			if len(parts[i]) == 1 {
				parts[i] = "0" + parts[i]
			}
		}
		if d, err := registry.ParseDay(parts[2] + "-" + parts[1] + "-" + parts[0]); err == nil {
			return d, nil
		}
	}
	return registry.Day{}, fmt.Errorf("%.20q is no date like 2026-12-05", s)
}
