package parse

import (
	"io"
	"strings"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tree"
	"kancelaria/registry"
)

// letter reads the original as a letter.
func (run *reading) letter() {
	run.mail = true
	digest := newRedelivery(run.src)
	var tee io.Writer
	if run.seek == nil {
		tee = digest
	}
	t := run.split(run.src, run.src.Size(), tee)
	run.doc.Redelivery = digest.sum()
	if t.Limited {
		run.limit("", "the letter is larger, deeper or of more parts than is read")
	}
	run.defects(t.Root)
	if len(t.Root.Fields) == 0 {
		run.flaw(flawNoLetter, "", "")
	}
	run.set.Hint = textCharset(t.Root)
	run.headers(t.Root)
	w := walker{run: run, src: run.src, set: run.set}
	w.entity(t.Root, place{whole: true, author: t.Root})
	if run.set.Guessed {
		run.flag(registry.FlagCharsetGuessed)
	}
	if run.doc.Subject == "" {
		run.flag(registry.FlagEmptySubject)
	}
}

// textCharset gives the character set that the letter's first text declares:
// the best hint for raw bytes in its headers.
func textCharset(root *tree.Node) (label string) {
	root.Walk(func(n *tree.Node) bool {
		if strings.HasPrefix(n.Type, "text/") && label == "" {
			label = string(n.Param("charset"))
		}
		return label == ""
	})
	if name, _ := charset.Lookup(label); name == "utf-8" || name == "us-ascii" {
		return ""
	}
	return label
}

// A walker lists the parts of one letter: the original itself, or one found
// inside it.
type walker struct {
	run    *reading
	src    io.ReaderAt
	prefix string // path of the container that holds this letter, with "!"
	level  int    // archives around it
	deep   int    // containers of any kind around it
	set    *charset.Decoder
}

// A place is where in a letter a node lies.
type place struct {
	parent *tree.Node
	index  int        // among the parent's children
	nested bool       // inside a forwarded letter
	letter int        // number of the forwarded letter in run.inner, from 1
	report bool       // inside multipart/report
	whole  bool       // all of the letter, or of what a signature around it covers
	layer  int        // signatures around it
	author *tree.Node // the letter whose author it speaks for
}

// entity lists n and all below it.
func (w *walker) entity(n *tree.Node, p place) {
	if w.run.ctx.Err() != nil {
		w.run.limit("", "no time left")
	}
	if w.run.ctx.Err() != nil || w.run.done() || w.run.full(w.prefix+n.Path) {
		return
	}
	switch {
	case n.IsMultipart() && len(n.Children) > 0:
		w.multipart(n, p)
	case n.IsMessage() && len(n.Children) == 1:
		w.message(n, p)
	default:
		w.leaf(n, p)
	}
}

func (w *walker) multipart(n *tree.Node, p place) {
	p.report = p.report || n.Type == "multipart/report"
	if n.Type == "multipart/encrypted" {
		w.run.flag(registry.FlagEncryptedBody)
	}
	from := len(w.run.texts)
	around := p
	for i, child := range n.Children {
		p.parent, p.index = n, i
		p.whole = around.whole && len(n.Children) == 1
		if p.layer = around.layer; n.Type == "multipart/signed" && i == 0 {
			p.whole, p.layer = around.whole, around.layer+1
		}
		w.entity(child, p)
	}
	switch n.Type {
	case "multipart/alternative":
		w.run.chooseText(from)
	case "multipart/signed":
		w.run.signedPart(w, n, around)
	}
}

// message lists a letter inside the letter and then its parts.
func (w *walker) message(n *tree.Node, p place) {
	inner := n.Children[0]
	set := &charset.Decoder{Order: w.set.Order, Hint: textCharset(inner)}
	subject := set.Header(inner.Get("subject"))
	name := w.run.rawFileName(n, w.set)
	if name == "" && subject != "" {
		name = subject + ".eml"
	}
	f := w.file(n, name, w.messageRole(p))
	index, _, _ := w.run.note(f)
	if p.report {
		w.run.returned(inner)
	} else {
		w.run.flag(registry.FlagInnerMessage)
	}
	p.letter = w.run.noteInner(inner, index, p, set)
	p.nested, p.whole = true, false
	if p.layer == 0 { // what is wrapped to sign its header speaks for the author outside
		p.author = inner
	}
	deeper := *w
	deeper.set = set
	deeper.entity(inner, p)
}

func (w *walker) messageRole(p place) registry.Role {
	if p.report || p.nested {
		return registry.RoleEmbedded
	}
	return registry.RoleAttachment
}

// leaf lists a part that holds no other, and opens it if it is a container.
func (w *walker) leaf(n *tree.Node, p place) {
	name := w.run.rawFileName(n, w.set)
	f := w.file(n, name, w.role(n, name, p))
	w.run.unknownEncoding(n, f.path)
	switch n.Type {
	case "message/partial":
		w.run.flaw(flawPartial, f.path, "")
	case "message/external-body":
		w.run.flaw(flawExternal, f.path, "")
	}
	index, k, held := w.run.note(f)
	if clearSigned(held) {
		w.run.pgpText[index], w.run.places[index] = true, p
	}
	if k.text && wantsText(n) && w.run.seek == nil {
		w.run.hold(passage{raw: held, charset: f.charset, html: k.html, role: f.role, index: index, nested: p.nested, letter: p.letter, flowed: isFlowed(n)})
	}
	if p.report && n.Type == "text/rfc822-headers" && n.Identity() {
		head := w.run.split(f.at, min(f.size, maxReturned), nil)
		w.run.returned(head.Root)
	}
	f.role = w.run.settleRole(index, f.role, k)
	w.run.inside(f, k, index, p)
}

// maxReturned bounds what is read of the header that a report returns.
const maxReturned = 256 << 10

// settleRole corrects a role by what the bytes are: winmail.dat is known by
// them and not by what it is called.
func (run *reading) settleRole(index int, role registry.Role, k kind) registry.Role {
	tnef := k.media == "application/ms-tnef"
	switch {
	case tnef && role == registry.RoleAttachment:
		role = registry.RoleContainer
	case !tnef && role == registry.RoleContainer && run.seek == nil:
		role = registry.RoleAttachment
	}
	if run.seek == nil {
		run.doc.Attachments[index].Role = role
	}
	return role
}

// file describes a node.
func (w *walker) file(n *tree.Node, name string, role registry.Role) file {
	f := file{
		path: w.prefix + n.Path, raw: name, declared: declaredType(n), role: role, level: w.level, deep: w.deep,
		encoding: n.Encoding, cid: contentID(n), charset: string(n.Param("charset")),
	}
	if name == "" {
		f.assumed = n.Type
	}
	if w.prefix == "" {
		f.start, f.end = n.BodyStart, n.BodyEnd
	}
	var last *partReader
	f.open = func() (io.ReadCloser, error) {
		last = w.run.open(w.src, n)
		return last, nil
	}
	f.damaged = func() bool { return last != nil && last.damaged() }
	if n.Identity() {
		f.at, f.size = io.NewSectionReader(w.src, n.BodyStart, n.BodyEnd-n.BodyStart), n.BodyEnd-n.BodyStart
	}
	return f
}

func (run *reading) unknownEncoding(n *tree.Node, path string) {
	switch n.Encoding {
	case "7bit", "8bit", "binary", "base64", "quoted-printable", "x-uuencode":
	default:
		run.flaw(flawEncoding, path, "")
	}
}

// declaredType is what the part says it is; empty if it says nothing.
func declaredType(n *tree.Node) string {
	if n.Get("content-type") == nil {
		return ""
	}
	return charset.Clean(n.Type)
}

func contentID(n *tree.Node) string {
	v := strings.Trim(strings.TrimSpace(string(n.Get("content-id"))), "<> \t\r\n")
	return cut(charset.Clean(v), 200)
}

func isFlowed(n *tree.Node) bool {
	return strings.EqualFold(string(n.Param("format")), "flowed")
}

// role says what a part is for, as its sender would see it.
func (w *walker) role(n *tree.Node, name string, p place) registry.Role {
	disposition, _ := tree.ParseValue(n.Get("content-disposition"))
	attached := strings.HasPrefix(disposition, "attachment")
	r := registry.RoleAttachment
	switch {
	case n.Type == "application/ms-tnef":
		r = registry.RoleContainer
	case p.parent != nil && p.parent.Type == "multipart/signed" && p.index > 0:
		return registry.RoleEmbedded // the signature: nobody attached it by hand
	case p.parent != nil && p.parent.Type == "multipart/encrypted":
		if p.index == 0 {
			return registry.RoleEmbedded
		}
		r = registry.RoleBody
	case p.parent != nil && p.parent.Type == "multipart/appledouble" && p.index == 0, n.Type == "application/applefile":
		return registry.RoleEmbedded
	case p.report && !strings.HasPrefix(n.Type, "text/plain") && n.Type != "text/html", n.Type == "text/rfc822-headers":
		return registry.RoleEmbedded
	case n.Type == "message/external-body", n.Type == "message/partial":
	case strings.HasPrefix(n.Type, "text/") && !attached && isBodyText(n, name):
		r = registry.RoleBody
	case (n.Type == "application/pkcs7-mime" || n.Type == "application/x-pkcs7-mime") && p.parent == nil:
		r = registry.RoleBody
	}
	if p.nested {
		return registry.RoleEmbedded
	}
	return r
}

// isBodyText reports whether a text that was not attached is one to be read as
// the letter itself.
func isBodyText(n *tree.Node, name string) bool {
	switch n.Type {
	case "text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html", "text/watch-html":
		return name == ""
	case "text/calendar", "text/vcard", "text/x-vcard", "text/csv", "text/xml", "text/rtf", "text/directory":
		return false
	}
	return name == ""
}
