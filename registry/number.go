package registry

import (
	"fmt"
	"strconv"
)

// A Series is one gapless run of numbers: a register in a calendar year.
type Series struct {
	Register string `json:"register"`
	Year     int    `json:"year"`
}

// String gives RPW-2026.
func (s Series) String() string { return fmt.Sprintf("%s-%d", s.Register, s.Year) }

// A Number is a register number: a place in a series, never reused.
type Number struct {
	Register string
	Year     int
	Seq      int64
}

// IsZero reports whether there is no number.
func (n Number) IsZero() bool { return n == Number{} }

// Series gives the run n lies in.
func (n Number) Series() Series { return Series{n.Register, n.Year} }

// String gives the one written form, RPW-004512-2026: no slash, no space
// (metadata regulation, Dz.U. 2006 nr 206 poz. 1517).
func (n Number) String() string {
	if n.IsZero() {
		return ""
	}
	b := make([]byte, 0, len(n.Register)+20)
	b = append(append(b, n.Register...), '-')
	for padded := int64(100_000); padded > n.Seq && padded > 1; padded /= 10 {
		b = append(b, '0')
	}
	b = append(strconv.AppendInt(b, n.Seq, 10), '-')
	return string(strconv.AppendInt(b, int64(n.Year), 10))
}

// Folder gives the name of the folder that the entry n opened.
func (n Number) Folder() string { return "K-" + n.String() }

// MarshalText implements encoding.TextMarshaler.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// A CaseSeries is one run of case numbers: a department's list of cases of a
// class, or a sub-group of one, in a year.
type CaseSeries struct {
	Department string `json:"department"`
	Class      string `json:"class"`
	Group      int64  `json:"group,omitempty"` // base case of a sub-group, else 0
	Year       int    `json:"year"`
}

// A CaseNumber is a znak sprawy, OS.6131.12.2026 (Instruction § 5: department,
// class, number, year, in this order; OS.6131.78.2.2026 in a sub-group).
type CaseNumber struct {
	CaseSeries
	Seq int64 `json:"seq"`
}

// String gives the dotted form without the clerk's initials.
func (c CaseNumber) String() string {
	if c.Seq == 0 {
		return ""
	}
	if c.Group != 0 {
		return fmt.Sprintf("%s.%s.%d.%d.%d", c.Department, c.Class, c.Group, c.Seq, c.Year)
	}
	return fmt.Sprintf("%s.%s.%d.%d", c.Department, c.Class, c.Seq, c.Year)
}

// UnmarshalText implements encoding.TextUnmarshaler; it takes the form that
// String writes. What people type goes through ParseNumber.
func (n *Number) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*n = Number{}
		return nil
	}
	parsed, err := ParseNumber(string(text))
	*n = parsed
	return err
}
