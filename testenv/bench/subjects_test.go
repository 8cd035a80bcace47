package bench_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"kancelaria/testenv"
)

// A subject is somebody who takes letters, from before the first measurement
// until after the last.
type subject struct {
	name, addr, mailbox string
	pids                []int // of the processes whose work counts
	// settle waits until what was taken is dealt with and gives how many
	// letters came into a book by it, 0 where there is none.
	settle func(t *testing.T, taken int) (registered int)
}

const mailbox = "urzad@aleksandrowo.example"

// The names in the tables.
const (
	acceptSQLite   = "kancelaria, SQLite, accepted"
	numberSQLite   = "kancelaria, SQLite, numbered"
	acceptPostgres = "kancelaria, PostgreSQL, accepted"
	numberPostgres = "kancelaria, PostgreSQL, numbered"
	postfix        = "Postfix"
	mailpit        = "Mailpit (250 is not durable)"
	discard        = "go-smtp, discarding"
)

// subjects starts all that can be had here; the rest is named in the report.
func subjects(t *testing.T, r *run) (all []subject) {
	t.Helper()
	pg := testenv.OwnPostgres(t, "fsync=on", "full_page_writes=on", "shared_buffers=256MB")
	for name, start := range map[string]func() (subject, error){
		acceptSQLite:   func() (subject, error) { return office(t, nil, "0s"), nil },
		numberSQLite:   func() (subject, error) { return office(t, nil, "2s"), nil },
		acceptPostgres: func() (subject, error) { return office(t, pg, "0s"), nil },
		numberPostgres: func() (subject, error) { return office(t, pg, "2s"), nil },
		postfix:        func() (subject, error) { return frontMTA(t, r), nil },
		mailpit:        func() (subject, error) { return mailPit(t, r) },
		discard:        func() (subject, error) { return discarder(t), nil },
	} {
		if !strings.Contains(name, *only) {
			continue
		}
		s, err := start()
		if err != nil {
			r.Missing[name] = err.Error()
			continue
		}
		s.name = name
		all = append(all, s)
	}
	return all
}

// office is a kancelaria. wait is how long an answer waits for the number; 0s
// answers as soon as the letter is safe.
func office(t *testing.T, pg *testenv.PG, wait string) subject {
	t.Helper()
	var o testenv.Options
	if pg != nil {
		o.Store = pg.NewDatabase(t)
	}
	o.Edit = func(yaml string) string {
		yaml = regexp.MustCompile(`wait_for_number: \w+`).ReplaceAllString(yaml, "wait_for_number: "+wait)
		return regexp.MustCompile(`(?m)^receipts: .*$`).ReplaceAllString(yaml, "receipts: {enabled: false}")
	}
	h := testenv.Daemon(t, o)
	s := subject{addr: h.SMTP, mailbox: h.Mailbox, pids: []int{h.PID()}}
	if pg != nil {
		s.pids = append(s.pids, pg.PID())
	}
	registered := 0
	s.settle = func(t *testing.T, taken int) int {
		before := registered
		registered = settled(t, h, before+taken)
		return registered - before
	}
	return s
}

// settled waits until the book holds as many entries as wanted and gives how
// many it holds: a series without holes is as long as its newest number says.
func settled(t *testing.T, h *testenv.House, want int) (holds int) {
	t.Helper()
	testenv.Eventually(t, "all are registered", func() error {
		newest := h.List(t, "--limit", "1")
		if len(newest) == 0 {
			return errors.New("the book is empty")
		}
		parts := strings.Split(newest[0].Number, "-")
		n, err := strconv.Atoi(parts[len(parts)-2])
		if err != nil {
			return err
		}
		if holds = n; n < want {
			return fmt.Errorf("%d of %d", n, want)
		}
		return nil
	})
	return holds
}

// frontMTA is Postfix taking the same letters into its queue on the same disk
// and dropping them from there.
func frontMTA(t *testing.T, r *run) subject {
	t.Helper()
	m := testenv.Postfix(t, testenv.PostfixOptions{NextHop: "discard:", Settings: []string{
		"default_process_limit = 200", "smtpd_client_connection_count_limit = 0", "in_flow_delay = 0",
	}})
	if version, err := exec.Command("postconf", "-d", "-h", "mail_version").Output(); err == nil {
		r.Peers[postfix] = strings.TrimSpace(string(version))
	}
	return subject{addr: m.Addr, mailbox: mailbox, pids: []int{m.PID()}, settle: func(t *testing.T, _ int) int {
		testenv.Eventually(t, "the queue is empty", func() error {
			if n := m.Queued(t); n > 0 {
				return fmt.Errorf("%d letters are queued", n)
			}
			return nil
		})
		return 0
	}}
}

// discarder is the ceiling: the same SMTP library throwing everything away, in
// a process of its own (this test binary again).
func discarder(t *testing.T) subject {
	t.Helper()
	addr := loopback(t)
	return peer(t, addr, exec.Command(os.Args[0], "-test.run", "TestDiscard"), "KANCELARIA_DISCARD="+addr)
}

// TestDiscard is the discarding server, when called as such.
func TestDiscard(t *testing.T) {
	addr := os.Getenv("KANCELARIA_DISCARD")
	if addr == "" {
		return // an ordinary run
	}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return bin{}, nil }))
	s.Addr, s.Domain, s.MaxMessageBytes, s.MaxRecipients = addr, "discard.example", 200<<20, 100
	t.Fatal(s.ListenAndServe())
}

// bin is a session that keeps nothing.
type bin struct{}

func (bin) Mail(string, *smtp.MailOptions) error { return nil }
func (bin) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (bin) Reset()                               {}
func (bin) Logout() error                        { return nil }

func (bin) Data(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

const mailpitModule = "github.com/axllent/mailpit"

// mailPit is Mailpit, built from the module proxy.
func mailPit(t *testing.T, r *run) (subject, error) {
	t.Helper()
	exe := filepath.Join(testenv.TempDir(t), "mailpit")
	build := exec.Command("go", "build", "-o", exe, mailpitModule)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return subject{}, fmt.Errorf("cannot be built: %w: %.200s", err, out)
	}
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", mailpitModule).Output()
	if err != nil {
		return subject{}, fmt.Errorf("has no version: %w", err)
	}
	r.Peers[mailpit] = strings.TrimSpace(string(version))
	addr := loopback(t)
	return peer(t, addr, exec.Command(exe, "--smtp", addr, "--listen", loopback(t), "--max", "0", "--quiet",
		"--disable-version-check", "--database", filepath.Join(testenv.TempDir(t), "pit.db")), ""), nil
}

func loopback(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(testenv.FreePort(t)))
}

// peer starts a server that is nobody's book and waits until it greets.
func peer(t *testing.T, addr string, cmd *exec.Cmd, env string) subject {
	t.Helper()
	cmd.Env = append(os.Environ(), env)
	pid := testenv.Background(t, cmd)
	testenv.Eventually(t, cmd.Path+" greets", func() error {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Read(make([]byte, 3))
		return err
	})
	return subject{addr: addr, mailbox: mailbox, pids: []int{pid}, settle: func(*testing.T, int) int { return 0 }}
}
