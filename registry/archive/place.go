package archive

import (
	"fmt"
	"strconv"
	"strings"

	"kancelaria/registry"
)

// A place is where a record begins.
type place struct {
	node    string
	segment uint64
	offset  int64
}

func (p place) String() string {
	return p.node + "/" + strconv.FormatUint(p.segment, 10) + ":" + strconv.FormatInt(p.offset, 10)
}

func (p place) public() registry.Place { return registry.Place(p.String()) }

func parsePlace(s registry.Place) (place, error) {
	node, rest, ok := strings.Cut(string(s), "/")
	seg, off, ok2 := strings.Cut(rest, ":")
	n, err := strconv.ParseUint(seg, 10, 64)
	o, err2 := strconv.ParseInt(off, 10, 64)
	if !ok || !ok2 || err != nil || err2 != nil || n == 0 || o < block || o%recordAlign != 0 || !validNode(node) {
		return place{}, fmt.Errorf("%.80q is not a place in the archive", string(s))
	}
	return place{node: node, segment: n, offset: o}, nil
}

// validNode holds for names that are safe as a folder and fit into a header.
func validNode(s string) bool {
	if s == "" || len(s) > maxNode || s[0] == '.' || s[0] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// Begin is where the records of a segment of this node begin, for Records.
func (a *Archive) Begin(segment uint64) registry.Place {
	return place{node: a.node, segment: max(segment, 1), offset: block}.public()
}
