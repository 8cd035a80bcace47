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
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"kancelaria/testenv"
)

// A subject is somebody who takes letters.
type subject struct {
	name string
	open func(t *testing.T) stand
}

// A stand is a subject ready for one measurement.
type stand struct {
	addr, mailbox string
	pids          func() []int // of the processes whose work counts
	// settle waits until what was taken is dealt with and gives how many
	// letters are in a book, 0 where there is none.
	settle func(t *testing.T, taken int) (registered int)
	close  func(t *testing.T)
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

// subjects gives all that can be had here; the rest is named in the report.
func subjects(t *testing.T, r *run) []subject {
	t.Helper()
	pg := testenv.OwnPostgres(t, "fsync=on", "full_page_writes=on", "shared_buffers=256MB")
	all := []subject{
		{acceptSQLite, office(nil, "0s")},
		{numberSQLite, office(nil, "2s")},
		{acceptPostgres, office(pg, "0s")},
		{numberPostgres, office(pg, "2s")},
		{postfix, frontMTA(t, r)},
		{discard, discarder(t)},
	}
	if pit, err := buildMailpit(); err != nil {
		r.Missing[mailpit] = err.Error()
	} else {
		r.Peers[mailpit] = pit.version
		all = append(all, subject{mailpit, pit.open})
	}
	var wanted []subject
	for _, s := range all {
		if strings.Contains(s.name, *only) {
			wanted = append(wanted, s)
		}
	}
	return wanted
}

// office opens a new office for each measurement. wait is how long an answer
// waits for the number; 0s answers as soon as the letter is safe.
func office(pg *testenv.PG, wait string) func(t *testing.T) stand {
	return func(t *testing.T) stand {
		var o testenv.Options
		if pg != nil {
			o.Store = pg.NewDatabase(t)
		}
		o.Edit = func(yaml string) string {
			yaml = regexp.MustCompile(`wait_for_number: \w+`).ReplaceAllString(yaml, "wait_for_number: "+wait)
			return regexp.MustCompile(`(?m)^receipts: .*$`).ReplaceAllString(yaml, "receipts: {enabled: false}")
		}
		h := testenv.Daemon(t, o)
		pids := func() []int {
			if pg != nil {
				return []int{h.PID(), pg.PID()}
			}
			return []int{h.PID()}
		}
		return stand{addr: h.SMTP, mailbox: h.Mailbox, pids: pids, settle: settled(h), close: func(t *testing.T) { h.Kill(t) }}
	}
}

// settled waits until the newest number has stood still above what was taken.
func settled(h *testenv.House) func(t *testing.T, taken int) int {
	return func(t *testing.T, taken int) int {
		var highest int
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
			if highest = n; n < taken {
				return fmt.Errorf("%d of %d", n, taken)
			}
			return nil
		})
		return highest
	}
}

// frontMTA is Postfix taking the same letters into its queue on the same disk
// and dropping them from there. One server serves all measurements.
func frontMTA(t *testing.T, r *run) func(t *testing.T) stand {
	t.Helper()
	m := testenv.Postfix(t, testenv.PostfixOptions{NextHop: "discard:", Settings: []string{
		"default_process_limit = 200", "smtpd_client_connection_count_limit = 0", "in_flow_delay = 0",
	}})
	if version, err := exec.Command("postconf", "-d", "-h", "mail_version").Output(); err == nil {
		r.Peers[postfix] = strings.TrimSpace(string(version))
	}
	return func(*testing.T) stand {
		return stand{
			addr: m.Addr, mailbox: mailbox, pids: func() []int { return []int{m.PID()} },
			settle: func(t *testing.T, _ int) int {
				testenv.Eventually(t, "the queue is empty", func() error {
					if n := m.Queued(t); n > 0 {
						return fmt.Errorf("%d letters are queued", n)
					}
					return nil
				})
				return 0
			},
			close: func(*testing.T) {},
		}
	}
}

// discarder is the ceiling: the same SMTP library throwing everything away, in
// a process of its own (this test binary again).
func discarder(t *testing.T) func(t *testing.T) stand {
	t.Helper()
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(testenv.FreePort(t)))
	pid := serve(t, exec.Command(os.Args[0], "-test.run", "TestDiscard"), "KANCELARIA_DISCARD="+addr, addr)
	return func(*testing.T) stand { return peer(addr, pid) }
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

// A pit is Mailpit, built from the module proxy.
type pit struct{ exe, version string }

const mailpitModule = "github.com/axllent/mailpit"

func buildMailpit() (*pit, error) {
	exe := filepath.Join(os.TempDir(), "kancelaria-bench-mailpit")
	build := exec.Command("go", "build", "-o", exe, mailpitModule)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("cannot be built: %w: %.200s", err, out)
	}
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", mailpitModule).Output()
	if err != nil {
		return nil, fmt.Errorf("has no version: %w", err)
	}
	return &pit{exe, strings.TrimSpace(string(version))}, nil
}

func (p *pit) open(t *testing.T) stand {
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(testenv.FreePort(t)))
	web := net.JoinHostPort("127.0.0.1", strconv.Itoa(testenv.FreePort(t)))
	pid := serve(t, exec.Command(p.exe, "--smtp", addr, "--listen", web, "--max", "0", "--disable-version-check",
		"--database", filepath.Join(testenv.TempDir(t), "pit.db"), "--quiet"), "", addr)
	s := peer(addr, pid)
	s.close = func(t *testing.T) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	return s
}

func peer(addr string, pid int) stand {
	return stand{
		addr: addr, mailbox: mailbox, pids: func() []int { return []int{pid} },
		settle: func(*testing.T, int) int { return 0 }, close: func(*testing.T) {},
	}
}

// serve starts a server, waits until it greets and ends it with the test.
func serve(t *testing.T, cmd *exec.Cmd, env, addr string) (pid int) {
	t.Helper()
	cmd.Env = append(os.Environ(), env)
	pid = testenv.Background(t, cmd)
	testenv.Eventually(t, cmd.Path+" greets", func() error {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = conn.Read(make([]byte, 3))
		return err
	})
	return pid
}
