package notify

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"kancelaria/registry"
)

// separator stands between the languages of our texts.
const separator = "\n* * *\n\n"

// What stands in a page for something that may be anything.
const (
	wildText = "\x01any\x01"
	wildInt  = 987654321
)

// wildAt is an instant that no letter arrives at.
var wildAt = time.Date(1111, time.November, 11, 11, 11, 11, 0, time.UTC)

// A reference is every form a text of ours may have: as it is to be, and with
// one of the things it states left open.
type reference struct {
	whole []*regexp.Regexp // the whole text, in each form
	lines []*regexp.Regexp // any line of it
	// signed: its last line is the office's name, which is whatever it is.
	signed bool
	open   []openLines // in the order in which they are tried
}

// openLines are the lines of a text with one thing left open: a line that is
// only among these says that thing wrongly.
type openLines struct {
	code  string
	lines []*regexp.Regexp
}

// lettersOf gives the forms of a receipt's text: alone or with English below,
// and with whatever the office says of itself, which may lack.
func lettersOf(id string, page receiptPage) reference {
	forms := func(p receiptPage) []string {
		var all []string
		for says := range 1 << 6 {
			if text, err := registry.Catalogue("pl").Render(id, p.of(says)); err == nil {
				all = append(all, text)
				if more, err := registry.Catalogue("en").Render(id, p.of(says)); err == nil {
					all = append(all, text+separator+more)
				}
			}
		}
		return all
	}
	number, at, count, none := page, page, page, page
	number.Number, number.Register = wildText, wildText
	at.At = wildAt
	count.Attachments, none.Attachments = wildInt, 0
	return refer(forms(page), []openText{
		{FoundNumber, forms(number)}, {FoundTime, forms(at)}, {FoundCount, append(forms(count), forms(none)...)},
	})
}

// of fills in what an office says of itself, as far as the bits of says tell.
func (p receiptPage) of(says int) receiptPage {
	p.Office = wildText
	for i, field := range []*string{&p.Genitive, &p.English, &p.ADE, &p.BIP, &p.Privacy, &p.Phone} {
		if says&(1<<i) != 0 {
			*field = wildText
		}
	}
	return p
}

// figuresOf gives the forms of the attached file, up to its proof.
func figuresOf(page proofPage) reference {
	forms := func(p proofPage) []string {
		var all []string
		for _, id := range registry.Catalogue("pl").Templates() {
			if !strings.HasPrefix(id, "receipt/proof/") {
				continue
			}
			// The proof itself is cut off; it shows that the last words stand.
			pl, plain := p, p
			pl.Proof = proofMark
			for _, first := range []proofPage{pl, plain} {
				text, err := registry.Catalogue("pl").Render(id, first)
				if err != nil {
					continue
				}
				if before, _, cut := strings.Cut(text, proofMark); cut {
					all = append(all, before)
					continue
				}
				if more, err := registry.Catalogue("en").Render(id, pl); err == nil {
					before, _, _ := strings.Cut(more, proofMark)
					all = append(all, text+separator+before)
				}
			}
		}
		return all
	}
	number, at, size, digest, files, none := page, page, page, page, page, page
	number.Number, at.At, size.Size, digest.Digest = wildText, wildAt, wildInt, wildText
	files.Files = []proofFile{{Ordinal: wildInt, Size: wildInt, Digest: wildText}}
	none.Files = nil
	return refer(forms(page), []openText{
		{FoundNumber, forms(number)},
		{FoundTime, forms(at)},
		{FoundMessageSize, forms(size)},
		{FoundMessageDigest, forms(digest)},
		{FoundFiles, append(forms(files), forms(none)...)},
	})
}

// An openText is a text with one thing left open, in each of its forms.
type openText struct {
	code  string
	forms []string
}

func refer(forms []string, open []openText) reference {
	var r reference
	for _, f := range distinct(forms) {
		r.whole = append(r.whole, pattern(tidy(f)))
	}
	r.lines = linePatterns(forms)
	r.signed = slices.ContainsFunc(forms, func(f string) bool { return strings.HasSuffix(tidy(f), "\n"+wildText) })
	for _, o := range open {
		r.open = append(r.open, openLines{o.code, linePatterns(o.forms)})
	}
	return r
}

func linePatterns(forms []string) []*regexp.Regexp {
	var lines []string
	for _, f := range forms {
		lines = append(lines, strings.Split(tidy(f), "\n")...)
	}
	var all []*regexp.Regexp
	for _, l := range distinct(lines) {
		if l != wildText { // it would be any line
			all = append(all, pattern(l))
		}
	}
	return all
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// pattern makes an expression of a text in which some things are left open.
func pattern(text string) *regexp.Regexp {
	p := regexp.QuoteMeta(text)
	for _, lang := range []string{"pl", "en"} {
		t := registry.Catalogue(lang)
		p = strings.ReplaceAll(p, regexp.QuoteMeta(t.Moment(wildAt)), ".+")
		p = strings.ReplaceAll(p, regexp.QuoteMeta(t.Minute(wildAt)), ".+")
	}
	p = strings.ReplaceAll(p, strconv.Itoa(wildInt), `\S+`)
	p = strings.ReplaceAll(p, wildText, ".+")
	return regexp.MustCompile("^(?:" + p + ")$") // quoted, so it compiles
}

// tidy takes away what mail programs change on the way: ends of lines, and
// empty lines at the end.
func tidy(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " \t\r")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// A comparison says which lines of a text are not as they must be.
type comparison struct {
	odd   []oddLine
	shape bool // the text as a whole has none of its forms
}

type oddLine struct {
	number int
	line   string
	code   string
}

// worse weighs what differs, to find the text that was meant: a line that says
// one thing wrongly is nearer than one that is not ours at all.
func (c comparison) worse() int {
	n := 0
	for _, o := range c.odd {
		if n += 2; o.code == FoundText {
			n++
		}
	}
	if c.shape {
		n++
	}
	return n
}

func compareText(text string, r reference) comparison {
	text = tidy(text)
	c := comparison{shape: !matches(r.whole, text)}
	if !c.shape {
		return c
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		last := i == len(lines)-1 || i+2 < len(lines) && lines[i+1] == "" && lines[i+2] == strings.TrimSpace(separator)
		if matches(r.lines, line) || r.signed && last {
			continue
		}
		odd := oddLine{i + 1, line, FoundText}
		for _, open := range r.open {
			if matches(open.lines, line) {
				odd.code = open.code
				break
			}
		}
		c.odd = append(c.odd, odd)
	}
	return c
}

func matches(patterns []*regexp.Regexp, text string) bool {
	return slices.ContainsFunc(patterns, func(p *regexp.Regexp) bool { return p.MatchString(text) })
}

var fileLine = regexp.MustCompile(`^[^\d:]+ (\d{1,6}): (\d{1,18}) B, SHA-256 ([0-9a-f]{64})$`)

// listedFiles reads the attachments that a file lists, in whatever language.
func listedFiles(text string) []CheckedFile {
	var files []CheckedFile
	for line := range strings.Lines(tidy(text)) {
		m := fileLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		ordinal, err1 := strconv.Atoi(m[1])
		size, err2 := strconv.ParseInt(m[2], 10, 64)
		f := CheckedFile{Ordinal: ordinal, Size: size}
		if cmp.Or(err1, err2, f.Digest.UnmarshalText([]byte(m[3]))) == nil {
			files = append(files, f)
		}
	}
	return files
}
