package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// A mix is a set of letter sizes with their shares.
type mix []struct {
	size  int // bytes, about
	share int
}

// everyday is what an office receives: mostly short letters, some with a
// scanned page, a few with many.
var everyday = mix{{4 << 10, 70}, {60 << 10, 25}, {1 << 20, 5}}

// parseMix reads a size such as 4KB, or "everyday".
func parseMix(s string) (mix, error) {
	if s == "everyday" {
		return everyday, nil
	}
	unit := 1
	number := strings.ToUpper(s)
	for suffix, factor := range map[string]int{"KB": 1 << 10, "MB": 1 << 20} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = rest, factor
		}
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n*unit > 200<<20 {
		return nil, fmt.Errorf("%q is no size; write 4KB, 60KB, 1MB or everyday", s)
	}
	return mix{{n * unit, 100}}, nil
}

// draw gives one of the sizes, by share.
func (m mix) draw(r *rand.Rand) int {
	n := r.IntN(100)
	for _, part := range m {
		if n -= part.share; n < 0 {
			return part.size
		}
	}
	return m[len(m)-1].size
}

// mark is what makes each letter its own: fixed in length, so that it can be
// written into a finished letter.
const mark = "0000000000000000"

// A letterbox holds a finished letter of each size for one sender. Only the
// mark changes from letter to letter, so that writing costs next to nothing.
type letterbox struct {
	letters map[int][]byte
	places  map[int][]int // of the mark in each letter
}

func newLetterbox(m mix, to string) (*letterbox, error) {
	b := &letterbox{letters: map[int][]byte{}, places: map[int][]int{}}
	for _, part := range m {
		l := compose(part.size, to)
		b.letters[part.size] = l
		for at := 0; ; {
			i := bytes.Index(l[at:], []byte(mark))
			if i < 0 {
				break
			}
			b.places[part.size] = append(b.places[part.size], at+i)
			at += i + len(mark)
		}
		if len(b.places[part.size]) == 0 {
			return nil, errors.New("a letter without a mark")
		}
	}
	return b, nil
}

// take gives a letter of a size with its own mark; it is good until the next.
func (b *letterbox) take(size int, n uint64) []byte {
	l := b.letters[size]
	for _, at := range b.places[size] {
		copy(l[at:], fmt.Sprintf("%016x", n))
	}
	return l
}

// compose writes a letter of about size bytes: a page of text, and beyond that
// an attachment in base64, as mail programs send it.
func compose(size int, to string) []byte {
	var l bytes.Buffer
	fmt.Fprintf(&l, "From: Mieszkaniec <mieszkaniec@poczta.example>\r\nTo: <%s>\r\n", to)
	fmt.Fprintf(&l, "Subject: =?UTF-8?Q?Pro=C5=9Bba_nr_%s?=\r\nMessage-ID: <%s@poczta.example>\r\n", mark, mark)
	l.WriteString("Date: Mon, 23 Nov 2026 09:41:07 +0100\r\nMIME-Version: 1.0\r\n")
	l.WriteString("Content-Type: multipart/mixed; boundary=\"granica-7f\"\r\n\r\n")
	l.WriteString("--granica-7f\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	const line = "Prosz=C4=99 o napraw=C4=99 chodnika przy ulicy S=C5=82onecznej, od numeru 4 do 12.\r\n"
	text := min(size*3/5, 3000)
	for range text / len(line) {
		l.WriteString(line)
	}
	if rest := size - l.Len() - 250; rest > 0 {
		l.WriteString("--granica-7f\r\nContent-Type: application/pdf; name=\"wniosek.pdf\"\r\nContent-Transfer-Encoding: base64\r\n")
		l.WriteString("Content-Disposition: attachment; filename=\"wniosek.pdf\"\r\n\r\n")
		writeBase64(&l, filler(rest*3/4*76/78))
	}
	l.WriteString("--granica-7f--\r\n")
	return l.Bytes()
}

// filler gives n bytes that look like a PDF file and do not compress.
func filler(n int) []byte {
	r := rand.NewChaCha8([32]byte{})
	content := make([]byte, max(n, 16))
	_, _ = r.Read(content) // never fails
	copy(content, "%PDF-1.4\n")
	copy(content[len(content)-6:], "%%EOF\n")
	return content
}

func writeBase64(w *bytes.Buffer, content []byte) {
	for chunk := range slices.Chunk(content, 57) {
		w.WriteString(base64.StdEncoding.EncodeToString(chunk))
		w.WriteString("\r\n")
	}
}
