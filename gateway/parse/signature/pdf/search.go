package pdf

import (
	"bytes"
	"fmt"
	"slices"
)

// search finds the objects of a damaged file by looking for "7 0 obj". The
// last definition of a number wins, as in every viewer.
func (f *file) search() (*view, error) {
	v := f.view(len(f.data))
	v.found = map[int]entry{}
	var packs []ref
	for at := 0; ; {
		i := bytes.Index(f.data[at:], []byte(" obj"))
		if i < 0 {
			break
		}
		at += i + len(" obj")
		num, gen, begin, ok := numbersBefore(f.data, at-len(" obj"))
		if !ok {
			continue
		}
		if f.count--; f.count < 0 || f.stop() != nil {
			return nil, errTooMany
		}
		v.found[num] = entry{at: begin, gen: gen, kind: entryPlaced}
		head := f.data[at:min(at+300, len(f.data))]
		if bytes.Contains(head, []byte("/ObjStm")) {
			packs = append(packs, ref{num, gen})
		}
	}
	v.trailer = f.searchTrailer(v)
	if v.trailer == nil {
		return nil, fmt.Errorf("neither a cross-reference table nor a catalogue was found: %w", errUnreadable)
	}
	v.unlock()
	v.findPacked(packs)
	if v.catalog() == nil {
		return nil, fmt.Errorf("the document has no catalogue: %w", errUnreadable)
	}
	return v, nil
}

// numbersBefore reads "7 0" backwards from where " obj" begins.
func numbersBefore(b []byte, at int) (num, gen, begin int, ok bool) {
	start := at
	for start > 0 && at-start < 20 && (b[start-1] >= '0' && b[start-1] <= '9' || b[start-1] == ' ') {
		start--
	}
	fields := bytes.Fields(b[start:at])
	if len(fields) < 2 {
		return 0, 0, 0, false
	}
	budget := 2
	l := &lexer{b: fields[len(fields)-2], count: &budget}
	num, ok1 := l.digits()
	l = &lexer{b: fields[len(fields)-1], count: &budget}
	gen, ok2 := l.digits()
	begin = start + bytes.LastIndex(b[start:at], fields[len(fields)-2])
	if i := bytes.LastIndex(b[start:at], append(bytes.Clone(fields[len(fields)-2]), ' ')); i >= 0 {
		begin = start + i
	}
	return num, gen, begin, ok1 && ok2 && num > 0 && num <= maxObject && gen <= 65535
}

// searchTrailer takes the last trailer that names a root, or makes one for the
// catalogue that was found.
func (f *file) searchTrailer(v *view) *dict {
	for end := len(f.data); ; {
		i := bytes.LastIndex(f.data[:end], []byte("trailer"))
		if i < 0 {
			break
		}
		end = i
		l := f.lexerAt(i + len("trailer"))
		if o, err := l.object(); err == nil {
			if d := dictOf(o); d != nil && d.get("Root") != nil {
				return d
			}
		}
	}
	numbers := make([]int, 0, len(v.found))
	for num := range v.found {
		numbers = append(numbers, num)
	}
	slices.SortFunc(numbers, func(a, b int) int { return v.found[b].at - v.found[a].at })
	for _, num := range numbers {
		d := dictOf(v.load(ref{num, v.found[num].gen}))
		switch d.get("Type") {
		case name("XRef"):
			if d.get("Root") != nil {
				return d
			}
		case name("Catalog"):
			return &dict{keys: map[name]object{"Root": ref{num, v.found[num].gen}}}
		}
	}
	return nil
}

// findPacked lists what lies in object streams, unless it lies outside too.
func (v *view) findPacked(packs []ref) {
	for _, r := range packs {
		p := v.pack(r.num)
		if p == nil {
			continue
		}
		for i, o := range p.index {
			if e, known := v.found[o.num]; !known || e.kind == entryPacked {
				v.found[o.num] = entry{at: r.num, gen: i, kind: entryPacked}
				delete(v.objects, o.num)
			}
		}
	}
}
