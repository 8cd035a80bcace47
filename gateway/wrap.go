package gateway

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
)

// Wrap writes several files handed in together as one multipart/mixed original
// (RFC 2046): an item has one original. next gives the files one after the
// other and io.EOF at the end.
func Wrap(w io.Writer, next func() (name string, file io.Reader, err error)) error {
	mixed := multipart.NewWriter(w)
	if _, err := fmt.Fprintf(w, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n", mixed.Boundary()); err != nil {
		return err
	}
	for {
		name, from, err := next()
		if err == io.EOF {
			return mixed.Close()
		}
		if err != nil {
			return err
		}
		to, err := mixed.CreatePart(textproto.MIMEHeader{
			"Content-Type":              {"application/octet-stream"},
			"Content-Disposition":       {mime.FormatMediaType("attachment", map[string]string{"filename": name})},
			"Content-Transfer-Encoding": {"binary"},
		})
		if err != nil {
			return err
		}
		if _, err := io.Copy(to, from); err != nil {
			return err
		}
	}
}
