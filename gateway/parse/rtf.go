package parse

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf16"

	"kancelaria/gateway/parse/charset"
)

// rtfText searches a file of rich text.
func (b *box) rtfText() {
	run := b.run
	most := min(b.size, 4<<20)
	if run.textRoom <= 0 {
		return
	}
	raw := make([]byte, most)
	n, _ := io.ReadFull(io.NewSectionReader(b.src, 0, most), raw)
	text := rtfText(raw[:n])
	run.textRoom -= int64(len(text))
	run.addText(text, b)
}

const maxGroups = 1000

// rtfText gives the text of RTF. HTML wrapped in RTF (MS-OXRTFEX) gives the
// text of the HTML, since its tags stand in groups that are skipped.
func rtfText(b []byte) string {
	p := rtfReader{b: b, set: &charset.Decoder{}, codepage: "windows-1250", group: rtfGroup{unicodeSkip: 1}}
	p.read()
	p.flush()
	return tidyText(charset.Clean(p.out.String()))
}

// An rtfGroup is what braces limit.
type rtfGroup struct {
	skip        bool // a destination that is no text
	unicodeSkip int  // signs that stand for a \u for old programs
	hidden      bool // \htmlrtf: for programs that know no HTML
}

type rtfReader struct {
	b        []byte
	out      strings.Builder
	bytes    []byte // of the code page, not yet decoded
	high     rune   // first half of a surrogate pair
	set      *charset.Decoder
	codepage string
	group    rtfGroup
	stack    []rtfGroup
	lost     int // signs to skip after \u
	fresh    bool
}

func (p *rtfReader) read() {
	for len(p.b) > 0 {
		c := p.b[0]
		p.b = p.b[1:]
		switch c {
		case '{':
			if len(p.stack) < maxGroups {
				p.stack = append(p.stack, p.group)
			}
			p.fresh = true
			continue
		case '}':
			if n := len(p.stack); n > 0 {
				p.group, p.stack = p.stack[n-1], p.stack[:n-1]
			}
		case '\\':
			p.control()
			continue
		case '\r', '\n', 0:
			continue
		default:
			p.put(c)
		}
		p.fresh = false
	}
}

// control reads what follows a backslash.
func (p *rtfReader) control() {
	if len(p.b) == 0 {
		return
	}
	c := p.b[0]
	if c|0x20 < 'a' || c|0x20 > 'z' {
		p.b = p.b[1:]
		p.symbol(c)
		return
	}
	end := 1
	for end < len(p.b) && end < 40 && p.b[end]|0x20 >= 'a' && p.b[end]|0x20 <= 'z' {
		end++
	}
	word := string(p.b[:end])
	p.b = p.b[end:]
	end = 0
	if end < len(p.b) && p.b[end] == '-' {
		end++
	}
	for end < len(p.b) && end < 12 && p.b[end] >= '0' && p.b[end] <= '9' {
		end++
	}
	number, err := strconv.Atoi(string(p.b[:end]))
	p.b = p.b[end:]
	if len(p.b) > 0 && p.b[0] == ' ' {
		p.b = p.b[1:]
	}
	p.word(word, number, err == nil)
	p.fresh = false
}

func (p *rtfReader) symbol(c byte) {
	switch c {
	case '*':
		if p.fresh {
			p.group.skip = true
		}
	case '\'':
		if len(p.b) >= 2 {
			if v, ok := unhex(p.b[0], p.b[1]); ok {
				p.put(v)
			}
			p.b = p.b[2:]
		}
	case '~':
		p.put(' ')
	case '_', '\\', '{', '}':
		p.put(c)
	case '\r', '\n':
		p.write("\n")
	}
	if c != '*' {
		p.fresh = false
	}
}

func (p *rtfReader) word(word string, number int, has bool) {
	switch word {
	case "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "themedata", "listtable", "listoverridetable", "rsidtbl", "generator", "datastore", "htmltag", "mhtmltag":
		p.group.skip = true
	case "ansicpg":
		if name, _ := charset.Lookup("cp" + strconv.Itoa(number)); name != "" {
			p.codepage = name
		}
	case "uc":
		p.group.unicodeSkip = min(max(number, 0), 16)
	case "u":
		p.unicode(number)
	case "bin":
		p.b = p.b[min(max(number, 0), len(p.b)):]
	case "htmlrtf":
		p.group.hidden = !has || number != 0
	case "par", "line", "sect", "page", "row":
		p.write("\n")
	case "tab", "cell":
		p.write("\t")
	case "emdash":
		p.write("\u2014")
	case "endash":
		p.write("\u2013")
	case "lquote":
		p.write("\u2018")
	case "rquote":
		p.write("\u2019")
	case "ldblquote":
		p.write("\u201c")
	case "rdblquote":
		p.write("\u201d")
	case "bullet":
		p.write("\u2022")
	}
}

func (p *rtfReader) unicode(number int) {
	r := rune(uint16(number))
	switch {
	case utf16.IsSurrogate(r) && p.high == 0:
		p.high = r
	case p.high != 0:
		p.write(string(utf16.DecodeRune(p.high, r)))
		p.high = 0
	default:
		p.write(string(r))
	}
	p.lost = p.group.unicodeSkip
}

func (p *rtfReader) put(c byte) {
	if p.lost > 0 {
		p.lost--
		return
	}
	if !p.group.skip && !p.group.hidden {
		p.bytes = append(p.bytes, c)
	}
}

func (p *rtfReader) write(s string) {
	if !p.group.skip && !p.group.hidden {
		p.flush()
		p.out.WriteString(s)
	}
}

func (p *rtfReader) flush() {
	if len(p.bytes) > 0 {
		p.out.WriteString(p.set.Text(p.codepage, p.bytes))
		p.bytes = p.bytes[:0]
	}
}
