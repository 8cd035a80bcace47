package parse

import (
	"embed"
	"strings"
	"unicode"
)

//go:embed words/*.txt
var wordFiles embed.FS

// words are what people's languages bring into letters: marks of quoting and
// of replies, frequent words, names of services. They are data, one a line.
type words struct {
	unnamed  string   // what a file without a name is called
	replies  []string // "re:", "odp:" …, folded
	quotes   []string // lines that begin a quoted letter, folded; "*" stands for anything
	english  map[string]bool
	polish   map[string]bool
	services []string // hosts that hold files for download
}

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
	return words{
		unnamed: list("unnamed")[0], replies: list("replies"), quotes: list("quotes"),
		english: set("english"), polish: set("polish"), services: list("services"),
	}
}

// own gives a text without the letters it quotes and without its signature.
func (w words) own(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if line == "-- " || line == "--" {
			break
		}
		t := strings.TrimSpace(line)
		if strings.HasPrefix(t, ">") {
			continue
		}
		if w.beginsQuote(t) {
			break
		}
		out = append(out, line)
	}
	s := strings.TrimSpace(strings.Join(out, "\n"))
	return s
}

// beginsQuote reports whether a line announces the letter answered to; from
// there on nothing is the writer's own.
func (w words) beginsQuote(line string) bool {
	if len(line) < 5 || len(line) > 300 {
		return false
	}
	folded := strings.ToLower(line)
	for _, q := range w.quotes {
		head, tail, wild := strings.Cut(q, "*")
		if wild && strings.HasPrefix(folded, head) && strings.HasSuffix(folded, tail) || !wild && strings.Trim(folded, "-_ ") == q && folded != q {
			return true
		}
	}
	return false
}

// language tells Polish from English by frequent words; "" when unsure.
func (w words) language(text string) string {
	pl, en, all := 0, 0, 0
	for word := range strings.FieldsFuncSeq(cut(text, 20_000), func(r rune) bool { return !unicode.IsLetter(r) }) {
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
