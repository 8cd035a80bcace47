package parse

import (
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"kancelaria/gateway/parse/charset"
	"kancelaria/gateway/parse/tree"
	"kancelaria/registry"
)

// maxDeep bounds what lies in what, of every kind together.
const maxDeep = 8

// inside opens a file that holds others and lists them behind it.
func (run *reading) inside(f file, k kind, index int, p place) {
	if run.seek != nil && (run.done() || !run.seek.passes(f.path)) || run.ctx.Err() != nil {
		return
	}
	open := run.opener(f, k)
	if open == nil {
		return
	}
	if f.deep >= maxDeep {
		run.overArchive(index, f.path, "too deep")
		return
	}
	f.deep++
	src, size, release, err := run.spread(f)
	if err != nil {
		run.flaw(flawContainer, f.path, err.Error())
		return
	}
	defer run.release(release)
	open(&box{run: run, file: f, index: index, place: p, src: src, size: size})
}

// opener chooses how a file is opened, nil if it holds nothing.
func (run *reading) opener(f file, k kind) func(*box) {
	switch {
	case k.media == "application/ms-tnef":
		return (*box).winmail
	case k.media == "message/rfc822":
		return (*box).letter
	case k.media == "application/zip", strings.HasPrefix(k.media, "application/vnd.etsi.asic"):
		return (*box).zip
	case k.media == "application/vnd.rar":
		return (*box).rar
	case k.media == "application/x-7z-compressed":
		return (*box).sevenZip
	case isCMS(k.media):
		return (*box).opaque
	case k.uu || run.seek != nil && k.text && !k.html:
		return (*box).uuencoded
	case k.office() && run.seek == nil:
		return (*box).officeText
	case k.media == "text/rtf" && run.seek == nil:
		return (*box).rtfText
	}
	return nil
}

// A box is an opened container: its bytes, and where it is listed.
type box struct {
	run   *reading
	file  file
	index int
	place place
	src   io.ReaderAt
	size  int64
	names map[string]int // how often each element of a path was used
}

// key makes the element of a path for a member: unique, without "!".
func (b *box) key(name string) string {
	if b.names == nil {
		b.names = map[string]int{}
	}
	key := strings.Map(func(r rune) rune {
		switch {
		case r == '!' || r == '#':
			return '_'
		case r < ' ' || isBidi(r) || isInvisible(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(name, `\`, "/"))
	key = strings.TrimPrefix(path.Clean("/"+key), "/")
	if key = cut(key, 500); key == "" {
		key = b.run.r.words.unnamed
	}
	b.names[key]++
	if n := b.names[key]; n > 1 {
		key = fmt.Sprintf("%s#%d", key, n)
	}
	return b.file.path + "!" + key
}

// member lists a member and opens it in turn.
func (b *box) member(m file) {
	run := b.run
	m.deep = b.file.deep
	index, k, held := run.note(m)
	if run.seek == nil && k.text {
		run.hold(passage{raw: held, charset: m.charset, html: k.html, role: m.role, index: index, nested: b.place.nested || m.role == registry.RoleEmbedded, letter: b.place.letter})
	}
	run.inside(m, k, index, b.place)
}

// memberRole says what a member of a container counts as.
func (b *box) memberRole() registry.Role {
	if b.file.role == registry.RoleContainer && !b.place.nested {
		return registry.RoleAttachment // winmail.dat is not what people attached
	}
	return registry.RoleEmbedded
}

// piece opens a part of the box's bytes.
func (b *box) piece(start, size int64) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(b.src, start, size)), nil }
}

// letter opens a letter that does not stand in the original as it is: one in
// base64, in a zip, a file of a mail program.
func (b *box) letter() {
	run := b.run
	t := run.split(b.src, b.size, nil)
	if t.Limited {
		run.limit(b.file.path, "a letter inside is larger, deeper or of more parts than is read")
	}
	b.entity(t.Root)
}

// entity lists what is below a root whose paths begin anew inside the box.
func (b *box) entity(root *tree.Node) {
	run := b.run
	set := &charset.Decoder{Order: run.r.DefaultCharsets, Hint: textCharset(root)}
	p := b.place
	if root.Get("from") != nil || root.Get("subject") != nil {
		if !p.report {
			run.flag(registry.FlagInnerMessage)
		}
		p.letter = run.noteInner(root, b.index, p, set)
	}
	p.nested, p.parent = p.nested || b.file.role != registry.RoleBody, nil
	if p.author == nil || p.nested && p.layer == 0 {
		p.author = root
	}
	w := walker{run: run, src: b.src, prefix: b.file.path + "!", level: b.file.level, deep: b.file.deep, set: set}
	w.entity(root, p)
}

// inMemory is the size up to which unpacked bytes are kept in memory.
const inMemory = 1 << 20

// spread gives the decoded bytes of a file where they can be read anywhere: in
// the original itself, in memory, or in a file without a name.
func (run *reading) spread(f file) (src io.ReaderAt, size int64, release io.Closer, err error) {
	if f.at != nil {
		return f.at, f.size, nothing{}, nil
	}
	in, err := f.open()
	if err != nil {
		return nil, 0, nil, err
	}
	defer closing(in)
	small := make([]byte, 0, 64<<10)
	for len(small) < inMemory {
		if len(small) == cap(small) {
			small = append(small, 0)[:len(small)]
		}
		n, err := in.Read(small[len(small):cap(small)])
		small = small[:len(small)+n]
		if err == io.EOF {
			return strings.NewReader(string(small)), int64(len(small)), nothing{}, nil
		}
		if err != nil {
			return nil, 0, nil, err
		}
	}
	return run.toDisk(small, in)
}

// toDisk writes to a file that has no name any more, so that nothing is left
// behind whatever happens.
func (run *reading) toDisk(head []byte, rest io.Reader) (src io.ReaderAt, size int64, release io.Closer, err error) {
	t, err := os.CreateTemp(run.r.TempDir, "kancelaria-unpacked-")
	if err != nil {
		return nil, 0, nil, fmt.Errorf("making room to unpack: %w", err)
	}
	err = os.Remove(t.Name())
	if err == nil {
		_, err = t.Write(head)
	}
	var n int64
	if err == nil {
		most := run.r.Limits.Unpacked - int64(len(head))
		if n, err = io.Copy(t, io.LimitReader(&contextReader{run, rest}, most+1)); err == nil && n > most {
			err = fmt.Errorf("larger than %d bytes", run.r.Limits.Unpacked)
		}
	}
	if err != nil {
		closing(t)
		return nil, 0, nil, fmt.Errorf("unpacking: %w", err)
	}
	return t, int64(len(head)) + n, t, nil
}

// A contextReader stops when the reading's time is over.
type contextReader struct {
	run *reading
	io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.run.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}

// release gives back what a container took, unless the part sought lies in it.
func (run *reading) release(c io.Closer) {
	if run.done() {
		run.seek.holding = append(run.seek.holding, c)
		return
	}
	closing(c)
}

type nothing struct{}

func (nothing) Close() error { return nil }

// overArchive tells that a container was not opened, or not wholly.
func (run *reading) overArchive(index int, path, why string) {
	run.flaw(flawLimit, path, why)
	run.flag(registry.FlagArchiveLimit)
	if run.seek == nil {
		a := &run.doc.Attachments[index]
		a.Flags = registry.AddFlags(a.Flags, registry.FlagArchiveLimit)
	}
}

// section is a range of a source, kept within the source's own.
func section(src io.ReaderAt, start, size int64) io.ReaderAt {
	return io.NewSectionReader(src, start, size)
}
