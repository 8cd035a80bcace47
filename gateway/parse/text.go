package parse

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tree"
	"kancelaria/registry"
)

// A passage is one text of the letter.
type passage struct {
	raw     []byte // until it is decoded
	charset string
	html    bool
	flowed  bool
	role    registry.Role
	index   int  // of its attachment
	nested  bool // of a letter inside
	letter  int  // which one, from 1

	text string
	skip bool // another form of the same text was chosen
}

// wantsText reports whether a part's text is to be searched. The control parts
// of encryption and signatures are not.
func wantsText(n *tree.Node) bool {
	return !strings.HasPrefix(n.Type, "application/pgp")
}

// hold decodes a passage and keeps it.
func (run *reading) hold(p passage) {
	if len(p.raw) == 0 {
		return
	}
	set := &charset.Decoder{Order: run.r.DefaultCharsets}
	label := p.charset
	if p.html && label == "" {
		label = metaCharset(p.raw)
	}
	if int64(len(p.raw)) >= run.r.Limits.Text {
		p.raw = trimPartial(p.raw)
	}
	p.text = set.Text(label, p.raw)
	p.raw = nil
	if set.Guessed {
		run.flag(registry.FlagCharsetGuessed)
	}
	switch {
	case p.html:
		page := htmlText(p.text)
		p.text = page.text
		run.page(page, p.nested)
	case p.flowed:
		p.text = unflow(p.text)
	}
	p.text = lines(p.text)
	run.texts = append(run.texts, p)
}

// trimPartial removes the beginning of a character that was cut.
func trimPartial(b []byte) []byte {
	for range utf8.UTFMax {
		if r, n := utf8.DecodeLastRune(b); r != utf8.RuneError || n != 1 || len(b) == 0 {
			return b
		}
		b = b[:len(b)-1]
	}
	return b
}

// chooseText keeps one of the forms that an alternative gives of one text: the
// plain one, and the other too if that says much more.
func (run *reading) chooseText(from int) {
	plain, html := 0, 0
	for _, p := range run.texts[from:] {
		if p.role != registry.RoleBody && !p.nested || p.skip {
			continue
		}
		n := len(strings.Fields(p.text))
		if p.html {
			html += n
		} else {
			plain += n
		}
	}
	if plain == 0 || html == 0 || html > 20 && plain*3 < html {
		return
	}
	for i := range run.texts[from:] {
		p := &run.texts[from+i]
		if p.role == registry.RoleBody || p.nested {
			p.skip = p.skip || p.html
		}
	}
}

// assemble writes Text and Own of the document.
func (run *reading) assemble(wrapping int) {
	var all, own []string
	for _, p := range run.texts {
		if p.skip || p.text == "" {
			continue
		}
		all = append(all, p.text)
		if !p.nested && p.role == registry.RoleBody || wrapping > 0 && p.letter == wrapping {
			own = append(own, p.text)
		}
	}
	run.doc.Text = run.bound(strings.Join(all, "\n\n"))
	run.doc.Own = run.r.words.own(run.bound(strings.Join(own, "\n\n")))
}

func (run *reading) bound(s string) string {
	if int64(len(s)) <= run.r.Limits.Text {
		return s
	}
	run.flaw(flawText, "", "")
	return cut(s, int(run.r.Limits.Text))
}

// lines makes line ends plain and removes blanks before them.
func lines(s string) string {
	if strings.IndexByte(s, '\r') >= 0 {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	}
	return strings.Trim(s, "\n\t ")
}

// unflow joins the lines of format=flowed (RFC 3676).
func unflow(s string) string {
	var out strings.Builder
	out.Grow(len(s))
	depth, joined := 0, false
	for line := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		quotes := 0
		for quotes < len(line) && line[quotes] == '>' {
			quotes++
		}
		text := strings.TrimPrefix(line[quotes:], " ")
		if !joined || quotes != depth {
			if out.Len() > 0 {
				out.WriteByte('\n')
			}
			out.WriteString(line[:quotes])
			if quotes > 0 {
				out.WriteByte(' ')
			}
		}
		out.WriteString(text)
		depth = quotes
		joined = strings.HasSuffix(text, " ") && text != "-- "
	}
	return out.String()
}

// metaCharset finds what a page says of its own character set.
func metaCharset(b []byte) string {
	head := bytes.ToLower(b[:min(len(b), 2048)])
	i := bytes.Index(head, []byte("charset="))
	if i < 0 {
		return ""
	}
	rest := bytes.TrimLeft(head[i+len("charset="):], "\"' ")
	if end := bytes.IndexAny(rest, "\"'> ;/"); end >= 0 {
		return string(rest[:end])
	}
	return ""
}
