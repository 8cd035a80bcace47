package testenv_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kancelaria/registry"
	"kancelaria/testenv"
)

// order lets somebody order that a letter of an earlier round be erased, if the
// point is one of erasures. It gives the letter's number, and a function that
// waits until whoever orders has gone home.
func (m *matrix) order(t *testing.T, point registry.FailPoint, gone <-chan struct{}) (victim string, home func()) {
	t.Helper()
	if !strings.HasPrefix(string(point), "erase.") {
		return "", func() {}
	}
	for _, l := range m.all {
		if e := m.entryOf(l); e.Number != "" && !m.erased[e.Number] {
			victim = e.Number
			break
		}
	}
	m.erased[victim] = true
	ordered := make(chan struct{})
	go func() {
		defer close(ordered)
		for !isClosed(gone) {
			if greets(m.SMTP) { // else the command would do it without the daemon
				m.Try(t, eraseCommand(victim)...)
			}
		}
	}()
	return victim, func() { <-ordered }
}

func eraseCommand(number string) []string {
	return []string{"archive", "erase", number, "--why", "court_order", "--reason", "postanowienie sądu", "--i-know-it-is-for-ever"}
}

func (m *matrix) entryOf(l *townLetter) testenv.Entry {
	for _, e := range m.book {
		if e.Subject == l.subject {
			return e
		}
	}
	return testenv.Entry{}
}

// checkErased makes sure that an erasure went on by itself, and that it may be
// ordered again.
func (m *matrix) checkErased(t *testing.T, victim string) {
	t.Helper()
	if victim == "" {
		return
	}
	var letter *townLetter
	for _, l := range m.all {
		if m.entryOf(l).Number == victim {
			letter = l
		}
	}
	testenv.Eventually(t, "the erasure goes on", func() error {
		if r := m.Try(t, "original", victim); r.Code == 0 || !strings.Contains(r.Stderr, "erased") {
			return fmt.Errorf("the original of %s can be had: %d, %s", victim, r.Code, r.Stderr)
		}
		return nil
	})
	m.Run(t, eraseCommand(victim)...)
	text := letter.bytes[bytes.Index(letter.bytes, []byte("Pismo.\r\n"))+10:][:70]
	err := filepath.WalkDir(filepath.Join(m.Dir, "data", "archive"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		if bytes.Contains(b, text) {
			t.Errorf("%s still holds the text of %s", name, victim)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
