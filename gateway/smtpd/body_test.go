package smtpd

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"kancelaria/registry"
)

// A script is a connection from which a given text can be read, in given steps.
type script struct {
	net.Conn
	steps []string
}

func (s *script) Read(p []byte) (int, error) {
	for len(s.steps) > 0 && s.steps[0] == "" {
		s.steps = s.steps[1:]
	}
	if len(s.steps) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.steps[0])
	s.steps[0] = s.steps[0][n:]
	return n, nil
}

func (s *script) SetReadDeadline(time.Time) error { return nil }

func wireOf(steps ...string) *wire {
	s := New(Options{})
	w := &wire{Conn: &script{steps: steps}, link: &link{s: s, pace: s.newPace()}}
	w.filter.w = w
	return w
}

// undot is what RFC 5321 § 4.5.2 says, word by word.
func undot(raw string) (letter, rest string, whole bool) {
	var b strings.Builder
	for start := true; ; {
		if start && strings.HasPrefix(raw, ".\r\n") {
			return b.String(), raw[3:], true
		}
		if start && strings.HasPrefix(raw, ".") {
			raw = raw[1:]
		}
		line, after, ended := strings.Cut(raw, "\r\n")
		b.WriteString(line)
		if !ended {
			return b.String(), "", false
		}
		b.WriteString("\r\n")
		raw, start = after, true
	}
}

func FuzzDots(f *testing.F) {
	for _, seed := range []string{
		".\r\n", "a\r\n.\r\nQUIT\r\n", "..\r\n.\r\n", "\r\r\n.\r\n", "\r\n\r\n..x\r\n.\r\r\n.\r\n", ".\r.\n.\r\n", "\n.\r\n\r\n.\r\n", "a\r\n.\r",
	} {
		f.Add(seed, uint64(1), uint8(3))
	}
	f.Fuzz(func(t *testing.T, raw string, seed uint64, size uint8) {
		want, rest, whole := undot(raw)
		r := rand.New(rand.NewPCG(seed, 1))
		var steps []string
		for left := raw; left != ""; {
			n := 1 + r.IntN(min(len(left), 9))
			steps, left = append(steps, left[:n]), left[n:]
		}
		w := wireOf(steps...)
		b := w.openBody()
		var got bytes.Buffer
		p := make([]byte, 1+size%7)
		var err error
		for err == nil {
			var n int
			n, err = b.Read(p)
			got.Write(p[:n])
		}
		if whole != errors.Is(err, io.EOF) {
			t.Fatalf("%q ended with %v, want whole = %t", raw, err, whole)
		}
		if !whole {
			if !strings.HasPrefix(want, got.String()) {
				t.Fatalf("%q gave %q, want the beginning of %q", raw, got.String(), want)
			}
			return
		}
		if got.String() != want {
			t.Fatalf("%q gave %q, want %q", raw, got.String(), want)
		}
		end := make([]byte, 3)
		if _, err := io.ReadFull(w, end); err != nil || string(end) != ".\r\n" {
			t.Fatalf("the library hears %q, %v", end, err)
		}
		kept := string(w.buf[w.r:w.w]) + strings.Join(w.Conn.(*script).steps, "")
		if kept != rest {
			t.Fatalf("%q leaves %q for the next command, want %q", raw, kept, rest)
		}
	})
}

func TestALetterIsAWellBehavedReader(t *testing.T) {
	text := strings.Repeat("wiersz .\r\n.\r.\n\n", 5000)
	w := wireOf(strings.ReplaceAll(text, "\r\n.", "\r\n..")+"\r\n.\r\n", "QUIT\r\n")
	if err := iotest.TestReader(w.openBody(), []byte(text+"\r\n")); err != nil {
		t.Error(err)
	}
}

func TestALetterThatGoesOnForEverIsNotDrainedForEver(t *testing.T) {
	w := wireOf(strings.Repeat("x", 300))
	w.link.s.MaxSize = 100
	w.openBody().drain()
	if w.body != nil || !errors.Is(w.fail, io.EOF) {
		t.Errorf("after %d bytes the wire goes on", 300)
	}
}

func TestALetterKnowsItsLimits(t *testing.T) {
	full := errors.New("the disk is full")
	for _, tt := range []struct {
		name, text string
		limit      int64
		most       int
		disk       error
		want       error
	}{
		{"as long as it may be", "12345", 5, 50, nil, nil},
		{"one byte longer", "123456", 5, 50, nil, registry.ErrTooLarge},
		{"three trace fields", "Received: a\r\nReceived: b\r\nRECEIVED: c\n\nReceived: d\n", 999, 3, nil, nil},
		{"four", "Received: a\r\nReceived: b\r\nRECEIVED: c\nreceived:d\n\nx", 999, 3, nil, errCircles},
		{"four, but no limit", "Received: a\r\nReceived: b\r\nRECEIVED: c\nreceived:d\n\nx", 999, -1, nil, nil},
		{"a field that is only alike", "Received-SPF: a\r\nX-Received: b\r\n Received: c\r\nReceived : d\n\n", 999, 0, nil, nil},
		{"a disk that fills up", strings.Repeat("x", askDisk+1), 1 << 30, 50, full, full},
		{"a disk that fills up later", strings.Repeat("x", askDisk-1), 1 << 30, 50, full, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.text), iotest.OneByteReader(strings.NewReader(tt.text)), iotest.DataErrReader(strings.NewReader(tt.text))} {
				l := &letter{r: r, limit: tt.limit, disk: func() error { return tt.disk }, trace: trace{most: tt.most}}
				got, err := io.ReadAll(l)
				if !errors.Is(err, tt.want) {
					t.Fatalf("ended with %v, want %v", err, tt.want)
				}
				if tt.want == nil && (string(got) != tt.text || !l.whole) {
					t.Fatalf("read %d bytes, whole %t; want %d, whole", len(got), l.whole, len(tt.text))
				}
				if tt.want != nil && l.whole {
					t.Fatal("a stopped letter counts as whole")
				}
				if _, again := l.Read(make([]byte, 1)); tt.want != nil && !errors.Is(again, tt.want) {
					t.Fatalf("a stopped letter went on with %v", again)
				}
			}
		})
	}
}
