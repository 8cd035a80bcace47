package cms

import (
	"errors"
	"fmt"
	"slices"
)

// Bounds of BER.
const (
	maxDepth      = 64
	maxIndefinite = 12      // nested elements whose length is not told
	maxElements   = 4 << 20 // a list of revoked certificates has four an entry
)

var errBER = errors.New("not readable as BER")

// An element is one value of BER. Raw is all of it, content what its length
// counts.
type element struct {
	tag          byte // class, constructed bit and number, as the first octet has them
	raw, content []byte
}

// Tags as they stand in the first octet.
const (
	tagInteger     = 0x02
	tagBits        = 0x03
	tagOctets      = 0x04
	tagOID         = 0x06
	tagUTCTime     = 0x17
	tagGeneralized = 0x18
	tagSequence    = 0x30
	tagSet         = 0x31
	tagContext     = 0xa0 // [0], constructed
	tagOctetParts  = 0x24 // an OCTET STRING in pieces
)

// header reads tag and length. Length is -1 if it is not told beforehand.
func header(b []byte) (size, length int, err error) {
	if len(b) < 2 {
		return 0, 0, fmt.Errorf("%w: cut off", errBER)
	}
	size = 1
	if b[0]&0x1f == 0x1f { // number above 30: nothing we look for, but it may stand there
		for size < 6 && size < len(b) && b[size]&0x80 != 0 {
			size++
		}
		size++
	}
	if size >= len(b) {
		return 0, 0, fmt.Errorf("%w: cut off", errBER)
	}
	first := b[size]
	size++
	switch n := int(first & 0x7f); {
	case first < 0x80:
		return size, n, nil
	case n == 0:
		return size, -1, nil
	case n > 8 || size+n > len(b):
		return 0, 0, fmt.Errorf("%w: length of %d octets", errBER, n)
	default:
		for _, c := range b[size : size+n] {
			if length > len(b) { // more than there can be, before it runs over
				return 0, 0, fmt.Errorf("%w: longer than what is there", errBER)
			}
			length = length<<8 | int(c)
		}
		return size + n, length, nil
	}
}

// next takes the first element of definite length from b.
func next(b []byte) (e element, rest []byte, err error) {
	size, length, err := header(b)
	if err != nil {
		return e, nil, err
	}
	if length < 0 || length > len(b)-size {
		return e, nil, fmt.Errorf("%w: longer than what is there", errBER)
	}
	end := size + length
	return element{b[0], b[:end:end], b[size:end:end]}, b[end:], nil
}

// take takes the first element of b, which must have the tag.
func take(b []byte, tag byte) (e element, rest []byte, err error) {
	e, rest, err = next(b)
	if err == nil && e.tag != tag {
		err = fmt.Errorf("%w: tag %#x where %#x is due", errBER, e.tag, tag)
	}
	return e, rest, err
}

// optional takes the first element if it has the tag.
func optional(b []byte, tag byte) (e element, rest []byte, ok bool, err error) {
	if len(b) == 0 || b[0] != tag {
		return e, b, false, nil
	}
	e, rest, err = next(b)
	return e, rest, err == nil, err
}

// members lists what an element holds, at most so many.
func members(content []byte, most int) (list []element, err error) {
	for len(content) > 0 {
		var e element
		if e, content, err = next(content); err != nil {
			return nil, err
		}
		if len(list) == most {
			return nil, fmt.Errorf("more than %d elements: %w", most, errLimit)
		}
		list = append(list, e)
	}
	return list, nil
}

// definite gives the first value of b with every length told and every octet
// string in one piece, and how many bytes of b it took. What is so already is
// given as it stands, byte for byte.
func definite(b []byte) (out []byte, used int, err error) {
	d := definer{}
	out, used, _, err = d.value(b, 0, 0)
	return out, used, err
}

type definer struct{ count int }

func (d *definer) value(b []byte, depth, loose int) (out []byte, used int, changed bool, err error) {
	if d.count++; d.count > maxElements || depth > maxDepth || loose > maxIndefinite {
		return nil, 0, false, fmt.Errorf("too many or too deeply nested elements: %w", errLimit)
	}
	size, length, err := header(b)
	if err != nil {
		return nil, 0, false, err
	}
	if length > len(b)-size {
		return nil, 0, false, fmt.Errorf("%w: longer than what is there", errBER)
	}
	if b[0]&0x20 == 0 { // primitive
		if length < 0 {
			return nil, 0, false, fmt.Errorf("%w: primitive value without length", errBER)
		}
		return b[:size+length], size + length, false, nil
	}
	content := b[size:]
	if length >= 0 {
		content = content[:length]
	} else {
		loose++
	}
	return d.constructed(b, size, length, content, depth, loose)
}

// constructed rebuilds an element from its members if one of them changed, or
// if its own length was not told.
func (d *definer) constructed(b []byte, size, length int, content []byte, depth, loose int) (out []byte, used int, changed bool, err error) {
	changed = length < 0 || b[0] == tagOctetParts
	var parts [][]byte
	at := 0
	for at < len(content) {
		if length < 0 && content[at] == 0 {
			break
		}
		part, n, other, err := d.value(content[at:], depth+1, loose)
		if err != nil {
			return nil, 0, false, err
		}
		if b[0] == tagOctetParts {
			e, _, err := take(part, tagOctets)
			if err != nil {
				return nil, 0, false, err
			}
			part = e.content
		}
		if changed = changed || other; changed || length < 0 {
			parts = append(parts, part)
		} else {
			parts = append(parts[:0], content[:at+n]) // all so far, as it stands
		}
		at += n
	}
	used = size + at
	if length < 0 {
		if at+2 > len(content) || content[at] != 0 || content[at+1] != 0 {
			return nil, 0, false, fmt.Errorf("%w: end of contents is missing", errBER)
		}
		used += 2
	}
	if !changed {
		return b[:used], used, false, nil
	}
	tag := b[0]
	if tag == tagOctetParts {
		tag = tagOctets
	}
	return wrap(tag, parts...), used, true, nil
}

// wrap makes an element of parts.
func wrap(tag byte, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := make([]byte, 0, n+10)
	out = append(out, tag)
	switch {
	case n < 0x80:
		out = append(out, byte(n))
	default:
		var octets []byte
		for v := n; v > 0; v >>= 8 {
			octets = append(octets, byte(v))
		}
		slices.Reverse(octets)
		out = append(append(out, 0x80|byte(len(octets))), octets...)
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// oid gives an object identifier in dots, "" if it is none.
func oid(content []byte) string {
	if len(content) == 0 || len(content) > 64 || content[len(content)-1]&0x80 != 0 {
		return ""
	}
	var out []byte
	v, octets, first := uint64(0), 0, true
	for _, c := range content {
		if octets++; octets > 9 {
			return ""
		}
		v = v<<7 | uint64(c&0x7f)
		if c&0x80 != 0 {
			continue
		}
		if first {
			x := min(v/40, 2)
			out = fmt.Appendf(out, "%d.%d", x, v-40*x)
			first = false
		} else {
			out = fmt.Appendf(out, ".%d", v)
		}
		v, octets = 0, 0
	}
	return string(out)
}

// algorithm reads an AlgorithmIdentifier: its identifier and its parameters, as
// they stand.
func algorithm(content []byte) (id string, params []byte, err error) {
	e, rest, err := take(content, tagOID)
	if err != nil {
		return "", nil, err
	}
	if id = oid(e.content); id == "" {
		return "", nil, fmt.Errorf("%w: object identifier", errBER)
	}
	return id, rest, nil
}
