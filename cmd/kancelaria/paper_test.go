package main

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"mime"
	"path"
	"strings"
)

// letter writes the letter of a row: what the mail programs of townsfolk make.
func (r row) letter() []byte {
	if r.raw != nil {
		return []byte(r.head("") + r.raw())
	}
	subject := ""
	if r.subject != "" {
		subject = "Subject: " + mime.BEncoding.Encode("utf-8", r.subject) + "\r\n"
	}
	text := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + r.text + "\r\n"
	if len(r.files) == 0 {
		return []byte(r.head(subject) + text)
	}
	var b strings.Builder
	b.WriteString(r.head(subject) + "Content-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\n" + text)
	for _, name := range r.files {
		b.WriteString(attached(name, r.id))
	}
	b.WriteString("--b--\r\n")
	return []byte(b.String())
}

// head is what every letter begins with.
func (r row) head(more string) string {
	to := strings.Join(strings.Fields(r.to), ", ")
	return fmt.Sprintf("From: %s\r\nTo: %s\r\nMessage-ID: <%s>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\n%s%s",
		r.sender(), to, r.messageID(), r.header, more)
}

func (r row) sender() string {
	if r.from != "" {
		return r.from
	}
	return strings.ToLower(r.id) + "@resident.example"
}

func (r row) messageID() string {
	if r.same != "" {
		return strings.ToLower(r.same) + "@poczta.example"
	}
	return strings.ToLower(r.id) + "@poczta.example"
}

// attached is one part: a file of the kind its name says.
func attached(name, id string) string {
	return fmt.Sprintf("--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"%s\"\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n",
		mime.BEncoding.Encode("utf-8", name), lines76(fileOf(name, id)))
}

func lines76(b []byte) string {
	text := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(text) > 76 {
		out.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	return out.String() + text
}

// fileOf gives bytes of the kind a name says, different for each row.
func fileOf(name, id string) []byte {
	switch path.Ext(name) {
	case ".pdf":
		return []byte("%PDF-1.4\n% " + id + " " + name + "\n%%EOF\n")
	case ".jpg":
		return append([]byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01"), id+" "+name...)
	case ".docx", ".docm", ".xlsx":
		return zipped(0, [2]string{"[Content_Types].xml", "<Types/>"}, [2]string{"word/document.xml", "<w:document><w:p>" + id + "</w:p></w:document>"})
	case ".zip":
		if id == "F59" {
			b := zipped(0, [2]string{"a.txt", id})
			for range 11 {
				b = zipped(0, [2]string{"a.zip", string(b)})
			}
			return b
		}
		return zipped(1, [2]string{"cv.pdf", "locked " + id})
	case ".exe":
		return []byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00 " + id)
	case ".dat":
		return winmail([2]string{"zestawienie.xlsx", "first"}, [2]string{"pismo.pdf", "%PDF-1.4\nsecond\n%%EOF\n"})
	case ".xades":
		return []byte("<?xml version=\"1.0\"?><ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:SignedInfo/></ds:Signature>")
	default:
		return []byte(id + " " + name)
	}
}

// zipped packs files; with flags 1 they say that they need a password.
func zipped(flags uint16, files ...[2]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f[0], Method: zip.Store, Flags: flags, CompressedSize64: uint64(len(f[1])), UncompressedSize64: uint64(len(f[1]))}
		w, err := z.CreateRaw(h)
		if err == nil && flags == 0 {
			w, err = z.Create(f[0])
		}
		if err == nil {
			_, err = w.Write([]byte(f[1]))
		}
		if err != nil {
			panic(err) // memory: never fails
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// winmail is what Outlook wraps files into (MS-OXTNEF § 2).
func winmail(files ...[2]string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x223e9f78)
	b = append(b, 1, 0)
	attribute := func(level byte, id uint32, data string) {
		b = binary.LittleEndian.AppendUint32(append(b, level), id)
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(data))), data...)
		sum := uint16(0)
		for _, c := range []byte(data) {
			sum += uint16(c)
		}
		b = binary.LittleEndian.AppendUint16(b, sum)
	}
	for _, f := range files {
		attribute(2, 0x00069002, strings.Repeat("\x00", 14)) // begins an attachment
		attribute(2, 0x00018010, f[0]+"\x00")
		attribute(2, 0x0006800f, f[1])
	}
	return b
}
