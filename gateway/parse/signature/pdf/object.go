package pdf

// An object is what stands in a PDF: nil, bool, int64, float64, name, *str,
// array, *dict, *stream, ref.
type object any

type (
	name  string
	array []object
	ref   struct{ num, gen int }
)

// A str knows where it stands: the value of Contents must fill the gap between
// the signed ranges exactly.
type str struct {
	b          []byte
	start, end int // offsets in the file, -1 inside an object stream
	hex        bool
	odd        bool // an odd number of hexadecimal digits
}

// A dict notes a key that occurs twice: two readers may take two values.
type dict struct {
	keys  map[name]object
	twice name
}

func (d *dict) get(k name) object {
	if d == nil {
		return nil
	}
	return d.keys[k]
}

// A stream holds its bytes as they stand in the file.
type stream struct {
	dict *dict
	raw  []byte
	own  ref // the object it is: streams are decrypted by number
}

// dictOf gives the dictionary of a dictionary or a stream.
func dictOf(o object) *dict {
	switch o := o.(type) {
	case *dict:
		return o
	case *stream:
		return o.dict
	}
	return nil
}
