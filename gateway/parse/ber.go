package parse

import "io"

// A cms is what the outside of a CMS (RFC 5652) shows without any key.
type cms struct {
	enveloped bool
	pieces    []span // of the content that was signed
}

// readCMS walks the first layers of a CMS. It reads BER as programs write it:
// lengths not told beforehand, octets in pieces.
func readCMS(src io.ReaderAt, size int64) (c cms) {
	r := berReader{src: src, size: size}
	info, ok := r.at(0)
	if !ok || info.tag != 0x30 {
		return c
	}
	oid, ok := r.at(info.start)
	if !ok || oid.tag != 0x06 {
		return c
	}
	switch string(r.bytes(oid)) {
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06", "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17":
		c.enveloped = true
	case "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02":
		c.pieces = r.signed(oid.next)
	}
	return c
}

// signed finds the content inside SignedData, which an explicit tag holds.
func (r *berReader) signed(at int64) []span {
	explicit, ok := r.at(at)
	if !ok || explicit.tag != 0xa0 {
		return nil
	}
	data, ok := r.at(explicit.start)
	if !ok || data.tag != 0x30 {
		return nil
	}
	version, ok := r.at(data.start)
	if !ok {
		return nil
	}
	algorithms, ok := r.at(version.next)
	if !ok {
		return nil
	}
	encap, ok := r.at(algorithms.next)
	if !ok || encap.tag != 0x30 {
		return nil
	}
	kind, ok := r.at(encap.start)
	if !ok || kind.next >= encap.next {
		return nil
	}
	holder, ok := r.at(kind.next)
	if !ok || holder.tag != 0xa0 {
		return nil
	}
	var pieces []span
	r.octets(holder.start, &pieces, 0)
	return pieces
}

const (
	maxBER    = 100_000 // elements looked at
	berNested = 20
)

// A berReader finds elements in a source. It is bounded in count and depth.
type berReader struct {
	src   io.ReaderAt
	size  int64
	count int
	depth int
}

// An element is one value of BER: where its content starts and what follows.
type element struct {
	tag         byte
	start, next int64
	open        bool // length not told; ended by two zeros
}

func (r *berReader) at(pos int64) (e element, ok bool) {
	if r.count++; r.count > maxBER || pos < 0 || pos >= r.size {
		return e, false
	}
	var head [10]byte
	n, _ := r.src.ReadAt(head[:min(int64(len(head)), r.size-pos)], pos)
	if n < 2 || head[0]&0x1f == 0x1f {
		return e, false
	}
	e.tag = head[0]
	length := int64(head[1])
	e.start = pos + 2
	switch {
	case head[1] == 0x80:
		e.open = true
		e.next, ok = r.end(e.start)
		return e, ok
	case head[1] > 0x80:
		k := int(head[1] & 0x7f)
		if k > 7 || n < 2+k {
			return e, false
		}
		length = 0
		for _, b := range head[2 : 2+k] {
			length = length<<8 | int64(b)
		}
		e.start += int64(k)
	}
	if length > r.size-e.start {
		length = r.size - e.start // cut short
	}
	e.next = e.start + length
	return e, true
}

// end finds what ends an element of open length.
func (r *berReader) end(pos int64) (int64, bool) {
	if r.depth++; r.depth > berNested {
		return 0, false
	}
	defer func() { r.depth-- }()
	for {
		e, ok := r.at(pos)
		if !ok {
			return r.size, r.count <= maxBER && pos >= r.size
		}
		if e.tag == 0 && e.next == e.start {
			return e.next, true
		}
		pos = e.next
	}
}

// octets gathers the pieces of an octet string.
func (r *berReader) octets(pos int64, pieces *[]span, depth int) {
	e, ok := r.at(pos)
	if !ok || depth > berNested {
		return
	}
	switch e.tag {
	case 0x04:
		*pieces = append(*pieces, span{e.start, e.next - e.start})
	case 0x24:
		end := e.next
		if e.open {
			end -= 2
		}
		for p := e.start; p < end; {
			piece, ok := r.at(p)
			if !ok || piece.next <= p {
				return
			}
			r.octets(p, pieces, depth+1)
			p = piece.next
		}
	}
}

func (r *berReader) bytes(e element) []byte {
	b := make([]byte, min(e.next-e.start, 64))
	n, _ := r.src.ReadAt(b, e.start)
	return b[:n]
}
