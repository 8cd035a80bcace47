package parse

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/emersion/go-message"

	"kancelaria/registry"
)

// letterOf writes a letter with a Polish text and a file of so many bytes.
func letterOf(size int) []byte {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(letterTop, "\n", "\r\n"))
	b.WriteString("Content-Type: multipart/mixed; boundary=\"=_czesc\"\r\n\r\n--=_czesc\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
	for range 20 {
		b.WriteString("Szanowni Pa=C5=84stwo, prosz=C4=99 o wydanie za=C5=9Bwiadczenia w sprawie=\r\n dzia=C5=82ki przy ulicy Lipowej.\r\n")
	}
	content := make([]byte, size)
	r := rand.NewChaCha8([32]byte{7})
	_, _ = r.Read(content) // never fails
	copy(content, "%PDF-1.7\n")
	b.WriteString("--=_czesc\r\nContent-Type: application/pdf; name=wniosek.pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=wniosek.pdf\r\n\r\n")
	flat := base64.StdEncoding.EncodeToString(content)
	for i := 0; i < len(flat); i += 76 {
		b.WriteString(flat[i:min(i+76, len(flat))])
		b.WriteString("\r\n")
	}
	b.WriteString("--=_czesc--\r\n")
	return []byte(b.String())
}

// BenchmarkRead is our reading against go-message's plain walk, which digests
// the letter and its parts and does nothing else.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int{2 << 10, 36 << 10, 750 << 10} {
		letter := letterOf(size)
		b.Run(fmt.Sprintf("kancelaria/%dKB", len(letter)>>10), func(b *testing.B) {
			r := New(Options{})
			it := registry.Item{Door: registry.DoorSMTP}
			b.SetBytes(int64(len(letter)))
			b.ReportAllocs()
			for b.Loop() {
				r.Read(context.Background(), it, bytes.NewReader(letter))
			}
		})
		b.Run(fmt.Sprintf("go-message/%dKB", len(letter)>>10), func(b *testing.B) {
			b.SetBytes(int64(len(letter)))
			b.ReportAllocs()
			for b.Loop() {
				if err := plainWalk(letter); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func plainWalk(letter []byte) error {
	whole := sha256.New()
	e, err := message.Read(io.TeeReader(bytes.NewReader(letter), whole))
	if err != nil {
		return err
	}
	return e.Walk(func(_ []int, part *message.Entity, err error) error {
		if err != nil || part.MultipartReader() != nil {
			return err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, part.Body)
		sum.Sum(nil)
		return err
	})
}

// A vast is a letter that is made while it is read: nobody holds it.
type vast struct {
	head, line, tail string
	lines            int64
}

func (v vast) Size() int64 { return int64(len(v.head)+len(v.tail)) + v.lines*int64(len(v.line)) }

func (v vast) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		at := off + int64(n)
		middle := at - int64(len(v.head))
		switch {
		case middle < 0:
			n += copy(p[n:], v.head[at:])
		case middle < v.lines*int64(len(v.line)):
			n += copy(p[n:], v.line[middle%int64(len(v.line)):])
		case at < v.Size():
			n += copy(p[n:], v.tail[at-int64(len(v.head))-v.lines*int64(len(v.line)):])
		default:
			return n, io.EOF
		}
	}
	return n, nil
}

// peak reads src and gives how much the heap had grown at its highest, looked
// at whenever the source is read.
func peak(t testing.TB, r *Reader, src Source) (doc registry.Document, grown int64) {
	t.Helper()
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	reads := 0
	doc = r.Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, watched{src, func() {
		if reads++; reads%50 == 0 {
			runtime.ReadMemStats(&now)
			grown = max(grown, int64(now.HeapAlloc)-int64(before.HeapAlloc))
		}
	}})
	return doc, grown
}

type watched struct {
	Source
	look func()
}

func (w watched) ReadAt(p []byte, off int64) (int, error) {
	w.look()
	return w.Source.ReadAt(p, off)
}

func TestVastLettersAreReadInLittleMemory(t *testing.T) {
	line := strings.Repeat("QUJD", 19) + "\r\n"
	part := "--b\r\nContent-Type: application/octet-stream; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n" + strings.Repeat(line, 5000)
	letter := vast{head: "From: a@b.example\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", line: part, lines: 200, tail: "--b--\r\n"}
	if testing.Short() {
		letter.lines = 20
	}
	doc, grown := peak(t, New(Options{}), letter)
	if n := int64(len(doc.Attachments)); n != letter.lines {
		t.Errorf("%d parts, want %d", n, letter.lines)
	}
	t.Logf("%d MB in %d parts: the heap grew by %d KB", letter.Size()>>20, letter.lines, grown>>10)
	if grown > 32<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

func TestVastTextsAreCut(t *testing.T) {
	letter := vast{head: "From: a@b.example\r\nSubject: x\r\n\r\n", line: "Zażółć gęślą jaźń i inne słowa w zdaniu.\r\n", lines: 1_000_000}
	doc, grown := peak(t, New(Options{}), letter)
	equal(t, "flaws", flawCodes(doc), "text_cut")
	if int64(len(doc.Text)) > 1_000_000 || len(doc.Text) < 900_000 {
		t.Errorf("text of %d bytes", len(doc.Text))
	}
	if grown > 32<<20 {
		t.Errorf("the heap grew by %d MB", grown>>20)
	}
}

// The readings of an original that cannot be read to its end keep what was
// read and say so.
func TestASourceThatEndsEarlyIsToldOf(t *testing.T) {
	letter := string(letterOf(100_000))
	doc := New(Options{}).Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, broken{strings.NewReader(letter), 50_000})
	if !strings.Contains(flawCodes(doc), "bytes_unreadable") {
		t.Errorf("flaws = %s", flawCodes(doc))
	}
	equal(t, "subject", doc.Subject, "Pismo")
}

type broken struct {
	*strings.Reader
	until int64
}

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off >= b.until {
		return 0, errors.New("the disk is gone")
	}
	return b.Reader.ReadAt(p[:min(int64(len(p)), b.until-off)], off)
}
