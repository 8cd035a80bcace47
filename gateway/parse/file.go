package parse

import (
	"bytes"
	"crypto/sha256"
	"io"

	"kancelaria/registry"
)

// A file is anything with a name and bytes: a part, a member of a container,
// a dropped scan. It is read by opening it, from the start and as often as
// needed.
type file struct {
	path     string
	raw      string // name as written, decoded to text
	declared string
	assumed  string // type of a part that declares none
	role     registry.Role
	open     func() (io.ReadCloser, error)
	at       io.ReaderAt // where the bytes can be had directly, with size; else nil
	size     int64
	level    int // archives around it
	deep     int // containers of any kind around it

	start, end int64
	encoding   string
	cid        string
	charset    string // label of text
	damaged    func() bool
}

// claimed is the type that a file says it has.
func (f file) claimed() string { return orElse(f.declared, f.assumed) }

// note reads a file through once, lists it and gives its place in the list.
func (run *reading) note(f file) (index int, k kind, held []byte) {
	if run.seek != nil {
		return 0, run.pursue(f), nil
	}
	a := registry.Attachment{
		Path: f.path, DeclaredType: f.declared, Role: f.role, Flags: []registry.Flag{},
		Start: f.start, End: f.end, Encoding: f.encoding, ContentID: f.cid,
	}
	pass := run.pass(f)
	a.Size, a.Digest, k = pass.size, pass.digest, pass.kind
	a.MediaType = k.media
	run.files++
	f.raw = cut(f.raw, maxRawName)
	if f.raw != "" || f.role != registry.RoleBody {
		a.Name = safeName(f.raw, k.ext, run.r.words.unnamed, run.files)
	}
	if a.Name != f.raw {
		a.RawName = f.raw
	}
	a.Flags = registry.AddFlags(a.Flags, fileFlags(f.raw, f.declared, k)...)
	run.flag(a.Flags...)
	run.doc.Attachments = append(run.doc.Attachments, a)
	if k.signed {
		run.signedInside[len(run.doc.Attachments)-1] = true
	}
	return len(run.doc.Attachments) - 1, k, pass.held
}

// pursue takes the place of note while one part is sought.
func (run *reading) pursue(f file) kind {
	run.files++
	if run.seek.found == nil && run.seek.path == f.path {
		run.seek.found = &f
	}
	if !run.seek.passes(f.path) {
		return kind{}
	}
	src, err := f.open()
	if err != nil {
		return kind{}
	}
	defer closing(src)
	head := make([]byte, block)
	n, _ := io.ReadFull(src, head)
	return kindOf(head[:n], f.raw, f.claimed())
}

// A pass is what reading a file once shows.
type pass struct {
	kind   kind
	size   int64
	digest registry.Digest
	held   []byte // text, up to what there is room for
}

// pass reads a file from start to end: digest, kind, signs of encryption and
// signatures, and its bytes if they are text to be searched.
func (run *reading) pass(f file) pass {
	src, err := f.open()
	if err != nil {
		run.flaw(flawContainer, f.path, err.Error())
		return pass{digest: registry.Digest(sha256.Sum256(nil)), kind: kindOf(nil, f.raw, f.claimed())}
	}
	defer closing(src)
	buf := run.r.blocks.Get().(*[block]byte)
	defer run.r.blocks.Put(buf)

	var p pass
	sum := sha256.New()
	n, err := io.ReadFull(src, buf[:])
	head := buf[:n]
	p.kind = kindOf(head, f.raw, f.claimed())
	marks := p.kind.marks()
	room := run.textRoom
	if !p.kind.html { // of a page, most is not text
		room = min(room, run.r.Limits.Text+1)
	}
	hold := p.kind.text && room > 0
	for n > 0 {
		b := buf[:n]
		_, _ = sum.Write(b)
		p.size += int64(n)
		marks.look(b)
		if hold {
			keep := b[:min(int64(n), room)]
			p.held = append(p.held, keep...)
			room -= int64(len(keep))
			run.textRoom -= int64(len(keep))
			hold = room > 0
		}
		if run.decoded += int64(n); run.decoded > run.r.Limits.Decoded || run.ctx.Err() != nil {
			run.limit(f.path, "not read to its end: too much, or too slow")
			break
		}
		if err != nil {
			break
		}
		n, err = io.ReadFull(src, buf[:])
	}
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		run.flaw(flawUnavailable, f.path, err.Error())
	}
	if f.damaged != nil && f.damaged() {
		run.flaw(flawDamaged, f.path, "")
	}
	sum.Sum(p.digest[:0])
	if p.kind.text && int64(len(p.held)) < p.size {
		run.flaw(flawText, f.path, "")
	}
	p.kind.found(marks)
	if p.kind.uu = p.kind.uu || bytes.HasPrefix(p.held, []byte("begin ")) && p.kind.text; p.kind.uu {
		p.held = withoutUU(p.held)
	}
	return p
}

// marks are byte strings whose presence says something of a file; they may lie
// anywhere in it.
type marks struct {
	list []mark
	tail []byte // of the block before, for what lies across
}

type mark struct {
	what  string
	sign  []byte
	found bool
}

const longestMark = 64

func (m *marks) look(b []byte) {
	if len(m.list) == 0 {
		return
	}
	seam := append(m.tail, b[:min(len(b), longestMark)]...)
	for i := range m.list {
		if k := &m.list[i]; !k.found {
			k.found = bytes.Contains(b, k.sign) || bytes.Contains(seam, k.sign)
		}
	}
	m.tail = append(m.tail[:0], b[max(0, len(b)-longestMark):]...)
}

func (m *marks) has(what string) bool {
	for _, k := range m.list {
		if k.what == what && k.found {
			return true
		}
	}
	return false
}

// closing closes what was only read: its error changes nothing.
func closing(c io.Closer) { _ = c.Close() }
