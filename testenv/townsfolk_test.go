package testenv_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kancelaria/testenv"
)

// compose writes a letter that differs from all others by its subject.
func compose(h *testenv.House, subject string) []byte {
	return fmt.Appendf(nil, "From: Mieszkaniec <mieszkaniec@resident.example>\r\nTo: <%s>\r\nSubject: %s\r\n"+
		"Message-ID: <%s@resident.example>\r\nDate: Mon, 23 Nov 2026 09:41:07 +0100\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"+
		"Dzień dobry,\r\n.\r\n..proszę o naprawę chodnika.\r\n", h.Mailbox, subject, rand.Text())
}

// compose a file that is a PDF to whoever looks at its ends.
func composePDF() []byte {
	page := make([]byte, 20000)
	_, _ = rand.Read(page) // never fails
	return append(append([]byte("%PDF-1.4\n"), page...), "\n%%EOF\n"...)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// hand gives one letter in at addr and returns the answer to the final dot.
func hand(addr, to string, letter []byte) (code int, answer string, err error) {
	return handAs(addr, "mieszkaniec@resident.example", to, letter)
}

// handAs is hand for a sender of one's own. It says every word of the session
// itself.
func handAs(addr, from, to string, letter []byte) (code int, answer string, err error) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return 0, "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, "", err
	}
	c := textproto.NewConn(conn)
	if _, _, err := c.ReadResponse(220); err != nil {
		return 0, "", err
	}
	for _, step := range []struct {
		want int
		line string
	}{
		{250, "EHLO mieszkaniec.example"},
		{250, "MAIL FROM:<" + from + ">"},
		{250, "RCPT TO:<" + to + ">"},
		{354, "DATA"},
	} {
		if err := c.PrintfLine("%s", step.line); err != nil {
			return 0, "", err
		}
		if code, answer, err := c.ReadResponse(step.want); err != nil {
			return code, answer, fmt.Errorf("%s: %w", step.line, err)
		}
	}
	w := c.DotWriter()
	if _, err := bytes.NewReader(letter).WriteTo(w); err != nil {
		return 0, "", err
	}
	if err := w.Close(); err != nil {
		return 0, "", err
	}
	return c.ReadResponse(250)
}

// mustHand gives a letter in and expects 250.
func mustHand(t *testing.T, h *testenv.House, letter []byte) (answer string) {
	t.Helper()
	_, answer, err := hand(h.SMTP, h.Mailbox, letter)
	if err != nil {
		t.Fatalf("handing in a letter: %v", err)
	}
	return answer
}

func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// checkOnce fails the test unless each subject acknowledged stands in the book
// once, and nothing twice.
func checkOnce(t *testing.T, book []testenv.Entry, acknowledged []string) {
	t.Helper()
	times := map[string]int{}
	for _, e := range book {
		times[e.Subject]++
	}
	lost, twice := 0, 0
	for _, subject := range acknowledged {
		if times[subject] == 0 {
			lost++
		}
	}
	for _, n := range times {
		if n > 1 {
			twice++
		}
	}
	if lost+twice > 0 {
		t.Errorf("of %d acknowledged letters %d are lost; %d subjects stand in the book more than once", len(acknowledged), lost, twice)
	}
	testenv.CheckGapless(t, book)
}

// eachStore runs a promise over both books.
func eachStore(t *testing.T, promise func(t *testing.T, o testenv.Options)) {
	t.Run("SQLite", func(t *testing.T) { promise(t, testenv.Options{}) })
	t.Run("PostgreSQL", func(t *testing.T) { promise(t, testenv.Options{Store: testenv.Postgres(t).NewDatabase(t)}) })
}
