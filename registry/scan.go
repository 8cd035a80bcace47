package registry

import "strconv"

// A PageCode is a barcode that was read on a page of a scan.
type PageCode struct {
	Page int    `json:"page"` // from 1
	Form string `json:"form"` // qr, code128
	// Is says which code of ours it is: label, slip or separator; "" for
	// everybody else's.
	Is string `json:"is,omitempty"`
	// Of is what a code of ours names, Text what another's says, bounded.
	Of   string `json:"of,omitempty"`
	Text string `json:"text,omitempty"`
	// Doubtful: it looks like ours and is not.
	Doubtful bool `json:"doubtful,omitempty"`
}

// The codes of ours.
const (
	CodeLabel     = "label"     // on paper that is in the book: a scan of it belongs to its entry
	CodeSlip      = "slip"      // on what the person at the counter took home
	CodeSeparator = "separator" // on the sheet between two letters of a batch
)

// Pages are a run of pages of a scan, the first and the last, from 1.
type Pages struct {
	First int `json:"first"`
	Last  int `json:"last"`
}

// String gives 3 or 3-5.
func (p Pages) String() string {
	if p.First == p.Last {
		return strconv.Itoa(p.First)
	}
	return strconv.Itoa(p.First) + "-" + strconv.Itoa(p.Last)
}

// IsScan reports whether paper comes by this door: it has no header.
func (d Door) IsScan() bool { return d == DoorFolder || d == DoorShare || d == DoorScan }
