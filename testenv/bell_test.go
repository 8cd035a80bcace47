package testenv_test

import (
	"bytes"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/testenv"
)

// Each sender gets a receipt, however often the daemon is killed meanwhile: rows
// that were on their way are taken back at the next start.
func TestKilledDaemonTellsEverySender(t *testing.T) {
	const senders, kills = 100, 5
	eachStore(t, func(t *testing.T, o testenv.Options) {
		h := testenv.Daemon(t, o)
		for i := range senders {
			if i%(senders/kills) == senders/kills-1 {
				h.Kill(t)
				h.Serve(t)
			}
			testenv.Eventually(t, "a letter is taken", func() error { return handFrom(h, i) })
		}
		testenv.Eventually(t, "every sender has a receipt", func() error {
			for i := range senders {
				if n := len(mailsFor(t, h, senderAddress(i))); n == 0 {
					return fmt.Errorf("%s has none", senderAddress(i))
				}
			}
			return nil
		})
		for i := range senders {
			seen := map[string]bool{}
			for _, m := range mailsFor(t, h, senderAddress(i)) {
				if id := m.Header.Get("Message-Id"); seen[id] || m.Header.Get("Auto-Submitted") != "auto-replied" {
					t.Errorf("%s: receipt %s, Auto-Submitted %s", senderAddress(i), id, m.Header.Get("Auto-Submitted"))
				} else {
					seen[id] = true
				}
			}
		}
	})
}

func senderAddress(i int) string { return fmt.Sprintf("osoba%d@r%d.example", i, i) }

// handFrom hands in a letter of a sender of its own; again after a crash it is
// the same letter.
func handFrom(h *testenv.House, i int) error {
	letter := fmt.Appendf(nil, "From: <%[1]s>\r\nTo: <%[2]s>\r\nSubject: Pismo %[3]d\r\nMessage-ID: <letter-%[3]d@r%[3]d.example>\r\n\r\nTekst.\r\n",
		senderAddress(i), h.Mailbox, i)
	conn, err := net.DialTimeout("tcp", h.SMTP, 5*time.Second)
	if err != nil {
		return err
	}
	c, err := smtp.NewClient(conn, "office")
	if err != nil {
		_ = conn.Close()
		return err
	}
	defer c.Close()
	if err := c.Mail(senderAddress(i)); err != nil {
		return err
	}
	if err := c.Rcpt(h.Mailbox); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(letter); err != nil {
		return err
	}
	return w.Close()
}

// mailsFor reads the Maildir of an address.
func mailsFor(t *testing.T, h *testenv.House, address string) []*mail.Message {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(h.Dir, "mail", strings.ToLower(address), "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var mails []*mail.Message
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		mails = append(mails, m)
	}
	return mails
}
