package parse

import (
	"embed"
	"slices"
	"strings"
	"unicode"
)

//go:embed words/*.txt
var wordFiles embed.FS

// words are what people's languages bring into letters: marks of quoting and
// of replies, frequent words, names of services. They are data, one a line.
type words struct {
	unnamed  string          // what a file without a name is called
	replies  []string        // "re:", "odp:" …, folded
	bars     []string        // what stands between dashes before a quoted letter, folded
	quotes   []quote         // other lines before one
	authors  map[string]bool // what stands before the author of a quoted letter
	fields   map[string]bool // and before what follows
	english  map[string]bool
	polish   map[string]bool
	services []string // hosts that hold files for download
}

// A quote is a line like "On Monday, somebody wrote:": its beginning and end,
// folded.
type quote struct{ head, tail string }

func loadWords() words {
	list := func(name string) []string {
		b, err := wordFiles.ReadFile("words/" + name + ".txt")
		if err != nil {
			panic("parse: " + err.Error()) // embedded: cannot be missing
		}
		var out []string
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				out = append(out, line)
			}
		}
		return out
	}
	set := func(name string) map[string]bool {
		m := map[string]bool{}
		for _, line := range list(name) {
			for word := range strings.FieldsSeq(line) {
				m[word] = true
			}
		}
		return m
	}
	var quotes []quote
	for _, line := range list("quotes") {
		head, tail, _ := strings.Cut(line, "*")
		quotes = append(quotes, quote{head, tail})
	}
	return words{
		unnamed: list("unnamed")[0], replies: list("replies"), bars: list("bars"), quotes: quotes,
		authors: set("authors"), fields: set("fields"),
		english: set("english"), polish: set("polish"), services: list("services"),
	}
}

// own gives a text without the letters it quotes and without its signature.
func (w words) own(text string) string {
	all := strings.Split(text, "\n")
	out := all[:0:0]
	for i, line := range all {
		if line == "-- " || line == "--" || w.beginsQuote(all[i:]) {
			break
		}
		if !strings.HasPrefix(strings.TrimSpace(line), ">") {
			out = append(out, line)
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}

// beginsQuote reports whether lines begin with what announces the letter
// answered to; from there on nothing is the writer's own.
func (w words) beginsQuote(lines []string) bool {
	line := strings.TrimSpace(lines[0])
	if len(line) < 3 || len(line) > 300 {
		return false
	}
	if w.announces(line) || w.fieldBlock(line, lines[1:]) {
		return true
	}
	if len(line) < 10 || len(lines) < 2 || len(lines[1]) > 200 {
		return false
	}
	second := strings.TrimSpace(lines[1]) // a program broke the line in two
	return strings.HasSuffix(second, ":") && !strings.HasSuffix(line, ":") && w.announces(line+" "+second)
}

// announces reports whether a line is one of those that begin a quotation.
func (w words) announces(line string) bool {
	if line[0] == '-' || line[0] == '_' {
		bare := strings.ToLower(strings.Trim(line, "-_ "))
		return slices.Contains(w.bars, bare)
	}
	for _, q := range w.quotes {
		if len(line) < len(q.head)+len(q.tail) || !strings.EqualFold(line[len(line)-len(q.tail):], q.tail) || !strings.EqualFold(line[:len(q.head)], q.head) {
			continue
		}
		if q.head != "" || strings.ContainsAny(line, "@0123456789") {
			return true
		}
	}
	return false
}

// fieldBlock reports whether a line and those behind it repeat the header of
// a letter, as Outlook does: author, date, addressee, subject.
func (w words) fieldBlock(line string, rest []string) bool {
	if !w.authors[fieldName(line)] {
		return false
	}
	found := 0
	for _, next := range rest[:min(len(rest), 6)] {
		if w.fields[fieldName(next)] {
			found++
		}
	}
	return found >= 2
}

// fieldName gives the short word before a colon at the beginning of a line.
func fieldName(line string) string {
	line = strings.TrimLeft(line, "* \t")
	i := strings.IndexByte(line[:min(len(line), 24)], ':')
	if i < 0 {
		return ""
	}
	return strings.ToLower(strings.Trim(line[:i], "* "))
}

// language tells Polish from English by frequent words; "" when unsure.
func (w words) language(text string) string {
	pl, en, all := 0, 0, 0
	for word := range strings.FieldsFuncSeq(cut(text, 4_000), func(r rune) bool { return !unicode.IsLetter(r) }) {
		word = strings.ToLower(word)
		all++
		switch {
		case w.polish[word]:
			pl++
		case w.english[word]:
			en++
		case strings.ContainsAny(word, "\u0105\u0119\u0142\u015b\u017c\u017a\u0144\u0107"):
			pl++
		}
	}
	switch {
	case pl > 2*en && pl > 0:
		return "pl"
	case en > 2*pl && en >= 3 && en*8 >= all:
		return "en"
	}
	return ""
}

// cloud reports whether a text sends its reader to a service that holds files.
func (w words) cloud(text string, links []string) bool {
	for _, s := range links {
		if w.holdsFiles(s) {
			return true
		}
	}
	for s := text; ; {
		i := strings.Index(s, "http")
		if i < 0 {
			return false
		}
		s = s[i:]
		if w.holdsFiles(s[:min(len(s), 300)]) {
			return true
		}
		s = s[4:]
	}
}

func (w words) holdsFiles(link string) bool {
	_, rest, ok := strings.Cut(strings.ToLower(link), "://")
	if !ok {
		return false
	}
	for _, service := range w.services {
		host, path, _ := strings.Cut(service, "/")
		i := strings.IndexFunc(rest, func(r rune) bool { return r == '/' || r == '?' || unicode.IsSpace(r) || r == '"' || r == '>' })
		if i < 0 {
			i = len(rest)
		}
		if h := rest[:i]; (h == host || strings.HasSuffix(h, "."+host)) && strings.HasPrefix(strings.TrimPrefix(rest[i:], "/"), path) {
			return true
		}
	}
	return false
}

// hasPESEL reports whether a text holds the number of a Polish resident: eleven
// digits, a date in front, the check digit right.
func hasPESEL(text string) bool {
	run := 0
	for i := 0; i <= len(text); i++ {
		if i < len(text) && text[i] >= '0' && text[i] <= '9' {
			run++
			continue
		}
		if run == 11 && isPESEL(text[i-11:i]) {
			return true
		}
		run = 0
	}
	return false
}

func isPESEL(s string) bool {
	sum := 0
	for i, weight := range [...]int{1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1} {
		sum += weight * int(s[i]-'0')
	}
	month := (int(s[2]-'0')*10 + int(s[3]-'0')) % 20
	day := int(s[4]-'0')*10 + int(s[5]-'0')
	return sum%10 == 0 && month >= 1 && month <= 12 && day >= 1 && day <= 31
}
