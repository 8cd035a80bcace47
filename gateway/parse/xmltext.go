package parse

import (
	"encoding/xml"
	"io"
	"strings"

	"kancelaria/gateway/parse/charset"
)

// xmlText gives the text of an office file's XML: a line a paragraph. It stops
// at damage and keeps what it has. read is how much XML was looked at.
func xmlText(r io.Reader, most int64) (text string, read int64) {
	d := xml.NewDecoder(r)
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	var out strings.Builder
	for int64(out.Len()) < most {
		token, err := d.RawToken()
		if err != nil {
			break
		}
		switch t := token.(type) {
		case xml.CharData:
			out.Write(t)
		case xml.StartElement:
			switch t.Name.Local {
			case "tab":
				out.WriteByte('\t')
			case "br", "cr", "line-break":
				out.WriteByte('\n')
			case "s":
				out.WriteByte(' ')
			}
		case xml.EndElement:
			switch t.Name.Local {
			case "p", "h", "si", "table-cell":
				out.WriteByte('\n')
			}
		}
	}
	return tidyText(charset.Clean(out.String())), d.InputOffset()
}
