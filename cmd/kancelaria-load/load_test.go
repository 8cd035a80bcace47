package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

func TestLettersHaveTheirSizeAndAreAllDifferent(t *testing.T) {
	for _, size := range []int{4 << 10, 60 << 10, 1 << 20} {
		box, err := newLetterbox(mix{{size, 100}}, "urzad@aleksandrowo.example")
		if err != nil {
			t.Fatal(err)
		}
		first := string(box.take(size, 1))
		second := string(box.take(size, 2))
		if first == second {
			t.Errorf("%d bytes: two letters are the same", size)
		}
		if d := len(first) - size; d < -size/20 || d > size/20 {
			t.Errorf("a letter of %d bytes has %d", size, len(first))
		}
		for line := range strings.Lines(first) {
			if len(line) > 1000 || !strings.HasSuffix(line, "\r\n") {
				t.Fatalf("a line unfit for SMTP: %.60q", line)
			}
		}
	}
}

func TestMixIsReadAndDrawnByShare(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want int // first size; 0 is a refusal
	}{{"4KB", 4096}, {"1mb", 1 << 20}, {"700", 700}, {"everyday", 4096}, {"much", 0}, {"-1KB", 0}, {"300MB", 0}} {
		m, err := parseMix(tt.in)
		if (err != nil) != (tt.want == 0) || err == nil && m[0].size != tt.want {
			t.Errorf("parseMix(%q) = %v, %v", tt.in, m, err)
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	drawn := map[int]int{}
	for range 10000 {
		drawn[everyday.draw(r)]++
	}
	if n := drawn[1<<20]; n < 300 || n > 700 {
		t.Errorf("%d large letters of 10,000, want about 500", n)
	}
}

func TestQuantilesAreTimesThatHappened(t *testing.T) {
	tally := newTally()
	for i := range 100 {
		tally.taken(time.Duration(i+1)*time.Millisecond, 10, i%2 == 0)
	}
	r := tally.report(4, 2*time.Second)
	if r.P50 != 50 || r.P99 != 99 || r.Max != 100 || r.PerSecond != 50 || r.Registered != 50 || r.Bytes != 1000 {
		t.Errorf("report = %+v", r)
	}
	if empty := newTally().report(1, time.Second); empty.P99 != 0 {
		t.Errorf("of nothing the p99 is %v", empty.P99)
	}
}

func TestLoadCountsWhatTheOfficeAnswered(t *testing.T) {
	for _, tt := range []struct {
		name string
		load load
	}{
		{"a closed loop over lasting connections", load{Senders: 3, Count: 60}},
		{"a new connection for each letter", load{Senders: 2, Count: 20, Once: true}},
		{"an open loop", load{Senders: 2, Count: 20, Rate: 1000}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			office := openOffice(t)
			l := tt.load
			l.Addr, l.To, l.Seed = office.addr, "urzad@aleksandrowo.example", 7
			sum := playLoad(t, &l, "4KB")
			if got := len(sum.times); got != int(l.Count)-office.refused() {
				t.Errorf("%d letters answered with 250 of %d, %d were refused", got, l.Count, office.refused())
			}
			if got := sum.failures["451"]; got != office.refused() {
				t.Errorf("%d refusals counted, want %d", got, office.refused())
			}
			if got := len(office.marks()); got != int(l.Count) {
				t.Errorf("%d different letters came in, want %d", got, l.Count)
			}
			if sum.registered == 0 {
				t.Error("no answer with a number was counted")
			}
		})
	}
}

// playLoad runs a load and gives its tally.
func playLoad(t *testing.T, l *load, size string) *tally {
	t.Helper()
	m, err := parseMix(size)
	if err != nil {
		t.Fatal(err)
	}
	l.Time = time.Minute
	sum, _, err := l.run(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestLettersArriveAsTheyWereWritten(t *testing.T) {
	office := openOffice(t)
	v, err := slot{Addr: office.addr}.visit(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, letter := range []string{
		"Message-ID: <plain>\r\n\r\ntext\r\n",
		"Message-ID: <dots>\r\n\r\n.\r\n..text\r\n",
		".Message-ID: <first>\r\n",
		"\r\n",
	} {
		if _, _, err := v.hand("a@poczta.example", "urzad@aleksandrowo.example", []byte(letter)); err != nil {
			t.Fatal(err)
		}
		if got := office.last(); got != letter {
			t.Errorf("arrived as %q, written as %q", got, letter)
		}
	}
	if err := v.leave(); err != nil {
		t.Error(err)
	}
}

// An office is a mail slot that refuses every tenth letter for now.
type office struct {
	addr string

	mu   sync.Mutex
	seen []string // Message-IDs; guarded by mu
	no   int      // guarded by mu
	late string   // the last letter; guarded by mu
}

func (o *office) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.late
}

func openOffice(t *testing.T) *office {
	t.Helper()
	o := &office{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.addr = l.Addr().String()
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return session{o}, nil }))
	s.Domain = "poczta.example"
	done := make(chan error)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Error(err)
		}
	})
	return o
}

func (o *office) take(letter []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.late = string(letter)
	_, id, _ := bytes.Cut(letter, []byte("Message-ID: "))
	id, _, _ = bytes.Cut(id, []byte("\r"))
	o.seen = append(o.seen, string(id))
	if len(o.seen)%10 == 0 {
		o.no++
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "Not now"}
	}
	return &smtp.SMTPError{Code: 250, EnhancedCode: smtp.EnhancedCode{2, 0, 0}, Message: fmt.Sprintf("Registered as RPW-%06d-2026", len(o.seen))}
}

func (o *office) refused() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.no
}

func (o *office) marks() map[string]bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	marks := map[string]bool{}
	for _, id := range o.seen {
		marks[id] = true
	}
	return marks
}

type session struct{ office *office }

func (session) Mail(string, *smtp.MailOptions) error { return nil }
func (session) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (session) Reset()                               {}
func (session) Logout() error                        { return nil }

func (s session) Data(r io.Reader) error {
	letter, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return s.office.take(letter)
}

func TestScansAreLeftOnceAndNeverOverOthers(t *testing.T) {
	dir := t.TempDir()
	d := drop{Folder: dir, Count: 5, Size: "2KB"}
	if err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "SKM_C250i*.pdf"))
	if err != nil || len(files) != 5 {
		t.Errorf("%d files, %v; want 5", len(files), err)
	}
	if err := leaveScan(files[0], filler(100), 0); err == nil {
		t.Error("a scan was written over another")
	}
}
