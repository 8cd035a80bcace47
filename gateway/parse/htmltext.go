package parse

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// A page is what a reader sees of HTML.
type page struct {
	text  string
	cids  []string // of pictures shown
	links []string
}

const (
	maxLinks = 500
	maxDepth = 500 // hidden elements inside each other
)

// htmlText gives the text that a person would see: without what is hidden,
// with lines where blocks begin.
func htmlText(source string) page {
	p := pageReader{hide: true}
	p.read(source)
	if p.hidden != "" {
		// An element that hides and never closes would hide all the rest.
		p = pageReader{}
		p.read(source)
	}
	return page{text: tidyText(p.out.String()), cids: p.cids, links: p.links}
}

// A pageReader walks the tokens of a page. It builds no tree, so that depth
// costs nothing.
type pageReader struct {
	out    strings.Builder
	hide   bool
	hidden string // the element that hides, "" if none
	depth  int    // elements of that name inside it
	pre    int
	cids   []string
	links  []string
}

func (p *pageReader) read(source string) {
	z := html.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(0)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.TextToken:
			if p.hidden == "" {
				p.text(string(z.Text()))
			}
		case html.StartTagToken:
			p.open(z, false)
		case html.SelfClosingTagToken:
			p.open(z, true)
		case html.EndTagToken:
			name, _ := z.TagName()
			p.close(string(name))
		}
	}
}

func (p *pageReader) text(s string) {
	if p.pre > 0 {
		p.out.WriteString(s)
		return
	}
	for i, word := range strings.Fields(s) {
		if i > 0 || strings.IndexByte(" \t\r\n", s[0]) >= 0 {
			p.blank()
		}
		p.out.WriteString(word)
	}
	if strings.IndexByte(" \t\r\n", s[len(s)-1]) >= 0 {
		p.blank()
	}
}

func (p *pageReader) blank() { p.out.WriteByte(' ') }
func (p *pageReader) line()  { p.out.WriteByte('\n') }

// open takes a start tag.
func (p *pageReader) open(z *html.Tokenizer, closed bool) {
	raw, more := z.TagName()
	name := string(raw)
	var hides bool
	var href, src string
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "hidden":
			hides = true
		case "style":
			hides = hides || hidesStyle(string(value))
		case "href":
			href = string(value)
		case "src", "background":
			src = string(value)
		}
	}
	p.reference(href, src)
	if p.hidden != "" {
		switch {
		case name == p.hidden && impliesEnd(name):
			p.hidden = ""
		case name == p.hidden && !closed && !void(name):
			p.depth = min(p.depth+1, maxDepth)
			return
		default:
			return
		}
	}
	switch a := atom.Lookup(raw); {
	case a == atom.Style || a == atom.Script || a == atom.Title || a == atom.Template || a == atom.Noframes || a == atom.Object || a == atom.Datalist,
		hides && p.hide && !void(name):
		if !closed {
			p.hidden, p.depth = name, 0
		}
	case a == atom.Pre && !closed:
		p.pre++
		p.line()
	default:
		p.layout(a)
		if isParagraph(a) {
			p.line() // together with the end of the one before: an empty line
		}
	}
}

func (p *pageReader) close(name string) {
	if p.hidden != "" {
		if name == p.hidden {
			if p.depth == 0 {
				p.hidden = ""
			} else {
				p.depth--
			}
		}
		return
	}
	a := atom.Lookup([]byte(name))
	if a == atom.Pre && p.pre > 0 {
		p.pre--
	}
	if a != atom.Br && a != atom.Li {
		p.layout(a)
	}
}

// layout writes what an element does to the flow of text.
func (p *pageReader) layout(a atom.Atom) {
	switch a {
	case atom.Br, atom.Div, atom.Tr, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.Dd, atom.Section, atom.Article, atom.Header, atom.Footer,
		atom.Address, atom.Form, atom.Fieldset, atom.Figure, atom.Center, atom.Option, atom.Hr, atom.Pre:
		p.line()
	case atom.Li:
		p.out.WriteString("\n- ")
	case atom.Td, atom.Th:
		p.out.WriteByte('\t')
	default:
		if isParagraph(a) {
			p.line()
		}
	}
}

func isParagraph(a atom.Atom) bool {
	switch a {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Blockquote:
		return true
	}
	return false
}

func (p *pageReader) reference(href, src string) {
	for _, s := range [...]string{src, href} {
		if cid, ok := cutPrefixFold(strings.TrimSpace(s), "cid:"); ok && len(p.cids) < maxLinks {
			p.cids = append(p.cids, unescapePercent(cid))
		}
	}
	if href != "" && len(p.links) < maxLinks {
		p.links = append(p.links, cut(href, 2000))
	}
}

// hidesStyle reports whether a style makes an element invisible.
func hidesStyle(style string) bool {
	s := strings.ToLower(strings.Join(strings.Fields(style), ""))
	for _, sign := range [...]string{"display:none", "visibility:hidden", "mso-hide:all", "font-size:0;", "font-size:0px", "max-height:0;overflow:hidden", "max-height:0px;overflow:hidden"} {
		if strings.Contains(s, sign) {
			return !strings.Contains(s, "font-size:0px.") // 0.5px is small, not hidden
		}
	}
	return strings.HasSuffix(s, "font-size:0")
}

// impliesEnd names elements whose next start tag ends the one before.
func impliesEnd(name string) bool {
	switch name {
	case "p", "li", "td", "th", "tr", "option", "dt", "dd":
		return true
	}
	return false
}

func void(name string) bool {
	switch name {
	case "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr":
		return true
	}
	return false
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// tidyText removes blanks at the ends of lines and empty lines in a row.
func tidyText(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	empty := 0
	for line := range strings.SplitSeq(s, "\n") {
		line = squeeze(line)
		if line == "" || line == "-" {
			empty++
			continue
		}
		if out.Len() > 0 {
			out.WriteByte('\n')
			if empty > 1 {
				out.WriteByte('\n')
			}
		}
		out.WriteString(line)
		empty = 0
	}
	return out.String()
}

// squeeze makes one blank of many. No-break spaces count as blanks.
func squeeze(line string) string {
	if !strings.Contains(line, "  ") && !strings.ContainsAny(line, "\t\u00a0\r") {
		return strings.Trim(line, " ")
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(line, "\u00a0", " ")), " ")
}
