package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// decode undoes the filters of a stream that this reader itself needs: of
// cross-reference streams, object streams and evidence. Pictures are never
// decoded.
func (f *file) decode(st *stream, v *view) ([]byte, error) {
	b := st.raw
	if v != nil && v.crypt != nil {
		var err error
		if b, err = v.crypt.stream(st); err != nil {
			return nil, err
		}
	}
	filters, params := listOf(v.maybe(st.dict.get("Filter"))), listOf(v.maybe(st.dict.get("DecodeParms")))
	if len(filters) > 4 {
		return nil, fmt.Errorf("a stream has %d filters: %w", len(filters), errUnreadable)
	}
	for i, filter := range filters {
		var parms *dict
		if i < len(params) {
			parms = dictOf(v.maybe(params[i]))
		}
		var err error
		if b, err = f.undo(v.maybe(filter), b, parms); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// maybe resolves a reference where there is a view to do it.
func (v *view) maybe(o object) object {
	if v == nil {
		return o
	}
	return v.get(o)
}

func listOf(o object) array {
	switch o := o.(type) {
	case nil:
		return nil
	case array:
		return o
	}
	return array{o}
}

func (f *file) undo(filter object, b []byte, parms *dict) ([]byte, error) {
	switch filter {
	case name("FlateDecode"), name("Fl"):
		out, err := f.inflate(b)
		if err != nil {
			return nil, err
		}
		return unpredict(out, parms)
	case name("ASCIIHexDecode"), name("AHx"):
		b, _, _ = bytes.Cut(b, []byte(">"))
		b = bytes.Map(func(r rune) rune {
			if r < 128 && isSpace(byte(r)) {
				return -1
			}
			return r
		}, b)
		if len(b)%2 == 1 {
			b = append(bytes.Clone(b), '0')
		}
		out := make([]byte, len(b)/2)
		if _, err := hex.Decode(out, b); err != nil {
			return nil, fmt.Errorf("decoding a stream: %w: %w", err, errUnreadable)
		}
		return out, nil
	case name("ASCII85Decode"), name("A85"):
		b, _, _ = bytes.Cut(bytes.TrimPrefix(bytes.TrimSpace(b), []byte("<~")), []byte("~>"))
		out, err := io.ReadAll(io.LimitReader(ascii85.NewDecoder(bytes.NewReader(b)), f.limits.Stream))
		if err != nil {
			return nil, fmt.Errorf("decoding a stream: %w: %w", err, errUnreadable)
		}
		return out, nil
	case name("Crypt"):
		return b, nil
	}
	return nil, fmt.Errorf("a stream needs the filter %v, which is not known: %w", filter, errUnreadable)
}

func (f *file) inflate(b []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("decoding a stream: %w: %w", err, errUnreadable)
	}
	limit := min(f.limits.Stream, f.decoded)
	out, err := io.ReadAll(io.LimitReader(z, limit+1))
	f.decoded -= int64(len(out))
	if int64(len(out)) > limit {
		return nil, fmt.Errorf("a stream unpacks to more than %d bytes: %w", limit, errTooMany)
	}
	// QUIRK: many writers leave out the checksum; the data are whole.
	if err != nil && !(len(out) > 0 && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, zlib.ErrChecksum))) {
		return nil, fmt.Errorf("decoding a stream: %w: %w", err, errUnreadable)
	}
	return out, nil
}

// unpredict undoes PNG predictors (ISO 32000-1 § 7.4.4.4), which nearly all
// cross-reference streams use.
func unpredict(b []byte, parms *dict) ([]byte, error) {
	predictor, _ := parms.get("Predictor").(int64)
	if predictor < 2 {
		return b, nil
	}
	if predictor < 10 {
		return nil, fmt.Errorf("predictor %d is not known: %w", predictor, errUnreadable)
	}
	columns, colors, bits := int64(1), int64(1), int64(8)
	for k, at := range map[name]*int64{"Columns": &columns, "Colors": &colors, "BitsPerComponent": &bits} {
		if n, ok := parms.get(k).(int64); ok {
			*at = n
		}
	}
	if columns < 1 || columns > 1<<16 || colors < 1 || colors > 32 || bits < 1 || bits > 16 {
		return nil, fmt.Errorf("a predictor is malformed: %w", errUnreadable)
	}
	wide, pixel := int((columns*colors*bits+7)/8), int(max(1, colors*bits/8))
	out := make([]byte, 0, len(b))
	above := make([]byte, wide)
	for len(b) > 1 {
		row := make([]byte, wide)
		n := copy(row, b[1:])
		if !unfilter(b[0], row, above, pixel) {
			return nil, fmt.Errorf("a predictor is malformed: %w", errUnreadable)
		}
		out = append(out, row[:n]...)
		b, above = b[1+n:], row
	}
	return out, nil
}

func unfilter(kind byte, row, above []byte, pixel int) bool {
	for i := range row {
		var left, corner byte
		if i >= pixel {
			left, corner = row[i-pixel], above[i-pixel]
		}
		switch kind {
		case 0:
		case 1:
			row[i] += left
		case 2:
			row[i] += above[i]
		case 3:
			row[i] += byte((int(left) + int(above[i])) / 2)
		case 4:
			row[i] += paeth(left, above[i], corner)
		default:
			return false
		}
	}
	return true
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

func abs(n int) int { return max(n, -n) }

// A pack is an object stream, unpacked: where each object begins.
type pack struct {
	body  []byte
	index []packed
}

type packed struct{ num, at int }

// unpack reads an object out of an object stream (ISO 32000-1 § 7.5.7).
func (v *view) unpack(e entry, num int) object {
	p := v.pack(e.at)
	if p == nil || e.gen >= len(p.index) || p.index[e.gen].num != num || p.index[e.gen].at > len(p.body) {
		return nil
	}
	l := &lexer{b: p.body, pos: p.index[e.gen].at, depth: v.f.limits.Depth, count: &v.f.count}
	o, err := l.object()
	if err != nil {
		return nil
	}
	return o
}

func (v *view) pack(num int) *pack {
	if p, known := v.packs[num]; known {
		return p
	}
	v.packs[num] = nil
	e, ok := v.entry(num)
	if !ok || e.kind != entryPlaced { // a pack inside a pack would be a way to loop
		return nil
	}
	st, ok := v.load(ref{num, e.gen}).(*stream)
	if !ok || st.dict.get("Type") != name("ObjStm") {
		return nil
	}
	p, err := v.f.readPack(st, v)
	if err != nil {
		v.f.note(err)
		return nil
	}
	v.packs[num] = p
	return p
}

func (f *file) readPack(st *stream, v *view) (*pack, error) {
	b, err := f.decode(st, v)
	if err != nil {
		return nil, err
	}
	n, ok1 := v.maybe(st.dict.get("N")).(int64)
	first, ok2 := v.maybe(st.dict.get("First")).(int64)
	if !ok1 || !ok2 || n < 0 || first < 0 || first > int64(len(b)) || n > first {
		return nil, fmt.Errorf("an object stream is malformed: %w", errUnreadable)
	}
	l := &lexer{b: b[:first], depth: 1, count: &f.count}
	p := &pack{body: b[first:]}
	for range n {
		l.space()
		num, ok1 := l.digits()
		l.space()
		at, ok2 := l.digits()
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("an object stream is malformed: %w", errUnreadable)
		}
		p.index = append(p.index, packed{num, at})
	}
	return p, nil
}

// note remembers that a limit was hit, once.
func (f *file) note(err error) {
	if errors.Is(err, errTooMany) && len(f.hit) == 0 {
		f.hit = append(f.hit, err.Error())
	}
}
