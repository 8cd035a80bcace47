package pdf

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// pdfDoc are the letters of PDFDocEncoding that are not those of Latin-1
// (ISO 32000-1 Annex D.2).
var pdfDoc = map[byte]rune{
	0x18: 0x02d8, 0x19: 0x02c7, 0x1a: 0x02c6, 0x1b: 0x02d9, 0x1c: 0x02dd, 0x1d: 0x02db, 0x1e: 0x02da, 0x1f: 0x02dc,
	0x80: 0x2022, 0x81: 0x2020, 0x82: 0x2021, 0x83: 0x2026, 0x84: 0x2014, 0x85: 0x2013, 0x86: 0x0192, 0x87: 0x2044,
	0x88: 0x2039, 0x89: 0x203a, 0x8a: 0x2212, 0x8b: 0x2030, 0x8c: 0x201e, 0x8d: 0x201c, 0x8e: 0x201d, 0x8f: 0x2018,
	0x90: 0x2019, 0x91: 0x201a, 0x92: 0x2122, 0x93: 0xfb01, 0x94: 0xfb02, 0x95: 0x0141, 0x96: 0x0152, 0x97: 0x0160,
	0x98: 0x0178, 0x99: 0x017d, 0x9a: 0x0131, 0x9b: 0x0142, 0x9c: 0x0153, 0x9d: 0x0161, 0x9e: 0x017e, 0xa0: 0x20ac,
}

const longestText = 4096

// text decodes a text string: UTF-16 with its mark, UTF-8 with its mark, or
// PDFDocEncoding.
func (v *view) text(o object, own ref) string {
	s, ok := v.get(o).(*str)
	if !ok {
		return ""
	}
	b := v.plain(s, own)
	switch {
	case len(b) > 4*longestText:
		b = b[:4*longestText]
	}
	var out strings.Builder
	switch {
	case bytes.HasPrefix(b, []byte{0xfe, 0xff}), bytes.HasPrefix(b, []byte{0xff, 0xfe}):
		little := b[0] == 0xff
		units := make([]uint16, 0, len(b)/2)
		for b = b[2:]; len(b) > 1; b = b[2:] {
			if little {
				units = append(units, uint16(b[1])<<8|uint16(b[0]))
			} else {
				units = append(units, uint16(b[0])<<8|uint16(b[1]))
			}
		}
		for _, r := range utf16.Decode(units) {
			out.WriteRune(r)
		}
	case bytes.HasPrefix(b, []byte{0xef, 0xbb, 0xbf}):
		out.WriteString(strings.ToValidUTF8(string(b[3:]), "\ufffd"))
	default:
		for _, c := range b {
			if r, ok := pdfDoc[c]; ok {
				out.WriteRune(r)
			} else {
				out.WriteRune(rune(c))
			}
		}
	}
	text := strings.Map(printable, out.String())
	for len(text) > longestText {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return strings.TrimSpace(text)
}

func printable(r rune) rune {
	switch {
	case r == '\n' || r == '\r' || r == '\t':
		return ' '
	case r < ' ' || r == 0x7f:
		return -1
	}
	return r
}

// date reads D:YYYYMMDDHHmmSSOHH'mm' (ISO 32000-1 § 7.9.4), zero if it is none.
func date(s string) time.Time {
	s = strings.TrimPrefix(s, "D:")
	digits := 0
	for digits < len(s) && digits < 14 && s[digits] >= '0' && s[digits] <= '9' {
		digits++
	}
	const full = "20060102150405"
	if digits != 4 && digits != 6 && digits != 8 && digits != 10 && digits != 12 && digits != 14 {
		return time.Time{}
	}
	t, err := time.Parse(full[:digits], s[:digits])
	if err != nil {
		return time.Time{}
	}
	zone := strings.NewReplacer("'", "", ":", "").Replace(s[digits:])
	if zone == "" || zone[0] == 'Z' {
		return t
	}
	if len(zone) < 3 || zone[0] != '+' && zone[0] != '-' {
		return t
	}
	hours, err1 := strconv.Atoi(zone[1:3])
	minutes, err2 := 0, error(nil)
	if len(zone) >= 5 {
		minutes, err2 = strconv.Atoi(zone[3:5])
	}
	if err1 != nil || err2 != nil || hours > 23 || minutes > 59 {
		return t
	}
	offset := hours*3600 + minutes*60
	if zone[0] == '-' {
		offset = -offset
	}
	local := time.FixedZone("", offset)
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, local)
}
