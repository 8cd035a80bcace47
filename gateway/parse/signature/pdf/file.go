package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// errTooMany is a limit hit: the document cannot be judged, not even as bad.
var errTooMany = errors.New("a limit was reached")

// A file is the bytes with what all revisions share.
type file struct {
	stop     func() error // says that the caller wants no more
	data     []byte
	limits   Limits
	count    int   // values that may still be read; an object holds some
	decoded  int64 // bytes that may still be decoded
	shift    int   // added to every offset: bytes before the header
	sections map[int]*section
	hit      []string
}

// A view is the document as it was when it ended at end.
type view struct {
	f        *file
	end      int
	sections []*section // newest first
	trailer  *dict
	found    map[int]entry // by searching, when the sections are of no use
	objects  map[int]object
	busy     map[int]bool
	packs    map[int]*pack
	crypt    *crypt
	locked   bool // encrypted and not opened
}

func open(ctx context.Context, data []byte, limits Limits) (*file, error) {
	header := bytes.Index(data[:min(len(data), 1024)], []byte("%PDF-"))
	if header < 0 {
		return nil, fmt.Errorf("no PDF header in the first 1024 bytes: %w", errUnreadable)
	}
	return &file{
		stop: ctx.Err, data: data, limits: limits, count: 8 * limits.Objects, decoded: limits.Decoded,
		shift: header, sections: map[int]*section{},
	}, nil
}

func (f *file) lexerAt(at int) *lexer {
	return &lexer{b: f.data, pos: at, placed: true, depth: f.limits.Depth, count: &f.count}
}

// viewAt opens the revision that ends at end, by its own cross-reference
// sections only.
func (f *file) viewAt(end int) (*view, error) {
	at, _, ok := startOf(f.data[:end])
	if !ok {
		return nil, fmt.Errorf("no startxref before byte %d: %w", end, errUnreadable)
	}
	sections, err := f.chain(at+f.shift, end)
	if err != nil && f.shift > 0 && !errors.Is(err, errTooMany) {
		// QUIRK: some files count from their first byte, not from the header.
		shift := f.shift
		f.shift, f.sections = 0, map[int]*section{}
		if sections, err = f.chain(at, end); err != nil {
			f.shift, f.sections = shift, map[int]*section{}
		}
	}
	if err != nil {
		return nil, err
	}
	v := f.view(end)
	v.sections, v.trailer = sections, sections[0].trailer
	v.unlock()
	if v.catalog() == nil {
		return nil, fmt.Errorf("the document has no catalogue: %w", errUnreadable)
	}
	return v, nil
}

func (f *file) view(end int) *view {
	return &view{f: f, end: end, objects: map[int]object{}, busy: map[int]bool{}, packs: map[int]*pack{}}
}

func (v *view) catalog() *dict { return dictOf(v.get(v.trailer.get("Root"))) }

// entry finds where an object lies in this revision.
func (v *view) entry(num int) (entry, bool) {
	if v.found != nil {
		e, ok := v.found[num]
		return e, ok
	}
	for _, s := range v.sections {
		// What the table of a hybrid file hides, its stream shows.
		e, ok := s.entries[num]
		if s.hybrid != nil && (!ok || e.kind == entryFree) {
			if h, known := s.hybrid.entries[num]; known {
				return h, true
			}
		}
		if ok {
			return e, true
		}
	}
	return entry{}, false
}

// get follows references to the object itself; what is missing is null
// (ISO 32000-1 § 7.3.10).
func (v *view) get(o object) object {
	for range 16 {
		r, ok := o.(ref)
		if !ok {
			return o
		}
		o = v.load(r)
	}
	return nil
}

func (v *view) load(r ref) object {
	if o, known := v.objects[r.num]; known {
		if e, ok := v.entry(r.num); ok && e.kind == entryPlaced && e.gen != r.gen {
			return nil
		}
		return o
	}
	if v.busy[r.num] {
		return nil
	}
	v.busy[r.num] = true
	o := v.read(r)
	delete(v.busy, r.num)
	v.objects[r.num] = o
	return o
}

func (v *view) read(r ref) object {
	e, ok := v.entry(r.num)
	if !ok || v.f.stop() != nil {
		return nil
	}
	switch e.kind {
	case entryPlaced:
		if e.gen != r.gen || e.at >= v.end {
			return nil
		}
		own, o, _, err := v.f.indirectAt(e.at, v.end, v)
		if err != nil || own != r {
			return nil
		}
		return o
	case entryPacked:
		return v.unpack(e, r.num)
	}
	return nil
}

// indirectAt reads "7 0 obj … endobj". A length that is a reference is looked
// up in the view, as far as there is one.
func (f *file) indirectAt(at, end int, v *view) (own ref, o object, after int, err error) {
	l := f.lexerAt(at)
	l.b = f.data[:end]
	if at < 0 || at >= end {
		return ref{}, nil, 0, fmt.Errorf("no object at byte %d: %w", at, errUnreadable)
	}
	l.space()
	num, ok1 := l.digits()
	l.space()
	gen, ok2 := l.digits()
	if !ok1 || !ok2 || !l.acceptLoose("obj") {
		return ref{}, nil, 0, l.fail("no object begins here")
	}
	own = ref{num, gen}
	if l.accept("endobj") {
		return own, nil, l.pos, nil
	}
	if o, err = l.object(); err != nil {
		return own, nil, 0, err
	}
	d, isDict := o.(*dict)
	if !isDict || !l.accept("stream") {
		return own, o, l.pos, nil
	}
	raw, err := f.streamBytes(l, d, v)
	if err != nil {
		return own, nil, 0, err
	}
	return own, &stream{dict: d, raw: raw, own: own}, l.pos, nil
}

// acceptLoose takes a keyword although something may follow it at once, as in
// "1 0 obj<<" or "1 0 obj[".
func (l *lexer) acceptLoose(keyword string) bool {
	l.space()
	if !bytes.HasPrefix(l.b[l.pos:], []byte(keyword)) {
		return false
	}
	l.pos += len(keyword)
	return true
}

// streamBytes takes the bytes between stream and endstream. A wrong Length
// makes it search, in the same way in all revisions.
func (f *file) streamBytes(l *lexer, d *dict, v *view) ([]byte, error) {
	if l.pos < len(l.b) && l.b[l.pos] == '\r' {
		l.pos++
	}
	if l.pos < len(l.b) && l.b[l.pos] == '\n' {
		l.pos++
	}
	length := d.get("Length")
	if _, isRef := length.(ref); isRef && v != nil {
		length = v.get(length)
	}
	n, ok := length.(int64)
	start := l.pos
	if ok && n >= 0 && n <= int64(len(l.b)-start) {
		l.pos = start + int(n)
		if l.accept("endstream") {
			return l.b[start : start+int(n)], nil
		}
	}
	end := bytes.Index(l.b[start:], []byte("endstream"))
	if end < 0 {
		l.pos = start
		return nil, l.fail("a stream does not end")
	}
	l.pos = start + end + len("endstream")
	return bytes.TrimSuffix(bytes.TrimSuffix(l.b[start:start+end], []byte("\n")), []byte("\r")), nil
}
