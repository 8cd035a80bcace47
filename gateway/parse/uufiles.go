package parse

import (
	"bytes"
	"io"

	"kancelaria/gateway/parse/charset"
	"kancelaria/registry"
)

const maxUUFiles = 100

// uuencoded lists the files that stand, encoded, in the middle of a text.
func (b *box) uuencoded() {
	buf := b.run.r.blocks.Get().(*[block]byte)
	var names [][]byte
	var scan uuScan
	l := newLines(io.NewSectionReader(b.src, 0, b.size), buf[:])
	for len(names) < maxUUFiles {
		line, err := l.next()
		if err != nil {
			break
		}
		if what, name := scan.take(line); what == uuStart {
			names = append(names, name)
		}
	}
	b.run.r.blocks.Put(buf)
	set := &charset.Decoder{Order: b.run.r.DefaultCharsets}
	for i, raw := range names {
		if b.run.full(b.file.path) {
			return
		}
		name := set.Header(raw)
		m := file{path: b.key(name), raw: name, role: b.uuRole(), level: b.file.level, encoding: "x-uuencode"}
		var last *uuReader
		m.open = func() (io.ReadCloser, error) {
			last = &uuReader{skip: i, lines: newLines(io.NewSectionReader(b.src, 0, b.size), make([]byte, 8<<10))}
			return io.NopCloser(last), nil
		}
		m.damaged = func() bool { return last != nil && last.damaged }
		b.member(m)
		if b.run.done() {
			return
		}
	}
}

// withoutUU gives a text without the files encoded in it.
func withoutUU(text []byte) []byte {
	out := make([]byte, 0, len(text)/4)
	var scan uuScan
	for line := range bytes.Lines(text) {
		before, pending := scan.header, scan.name != nil
		what, _ := scan.take(bytes.TrimRight(line, "\r\n"))
		if pending && what != uuStart {
			out = append(append(out, before...), '\n') // it was prose
		}
		if what == uuText {
			out = append(out, line...)
		}
	}
	if scan.name != nil {
		out = append(out, scan.header...)
	}
	return out
}

// uuRole: what stands encoded in the letter's text was attached to it.
func (b *box) uuRole() registry.Role {
	if b.file.role == registry.RoleBody && !b.place.nested {
		return registry.RoleAttachment
	}
	return registry.RoleEmbedded
}
