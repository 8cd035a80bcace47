package testenv

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// Where Debian, Red Hat and the project's own packages keep the programs.
var postgresFolders = []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin"}

// A PG is a PostgreSQL server with roles postgres (all powerful), owner (owns
// every test database, may make roles) and service (may log in and owns
// nothing). No passwords; it listens on the loopback and on a socket in Socket.
type PG struct {
	Port   int
	Socket string // folder of the Unix socket

	bin, dir, data string
	account        *syscall.Credential // nil: the account of the test
	databases      atomic.Int64

	mu     sync.Mutex
	server *process // guarded by mu; nil while stopped
}

// sharedPG is the one server of this test binary, started by who asks first.
var sharedPG = sync.OnceValues(func() (*PG, error) { return newPG() })

// Postgres gives the server of this test binary. A test that stops it must not
// run in parallel with others; OwnPostgres is for those.
func Postgres(t testing.TB) *PG {
	t.Helper()
	program(t, "initdb", "postgresql", postgresFolders...)
	pg, err := sharedPG()
	if err != nil {
		t.Fatal(err)
	}
	showOnFailure(t, pg.logFile())
	return pg
}

// OwnPostgres gives a server of the test's own. Settings are as in
// postgresql.conf: "max_connections=20".
func OwnPostgres(t testing.TB, settings ...string) *PG {
	t.Helper()
	program(t, "initdb", "postgresql", postgresFolders...)
	pg, err := newPG(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.halt(syscall.SIGQUIT); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(pg.dir); err != nil {
			t.Error(err)
		}
	})
	showOnFailure(t, pg.logFile()) // cleared away after it was shown
	return pg
}

func newPG(settings ...string) (*PG, error) {
	initdb, err := findProgram("initdb", postgresFolders...)
	if err != nil {
		return nil, err
	}
	dir, err := tempDir()
	if err != nil {
		return nil, err
	}
	pg := &PG{bin: filepath.Dir(initdb), dir: dir, data: filepath.Join(dir, "data"), Socket: dir}
	if pg.Port, err = freePort(); err != nil {
		return nil, err
	}
	if err := pg.found(settings); err != nil {
		return nil, err
	}
	if err := pg.begin(); err != nil {
		return nil, err
	}
	_, err = pg.psql("postgres", "CREATE ROLE owner LOGIN CREATEROLE; CREATE ROLE service LOGIN")
	return pg, err
}

// found lays out an empty cluster. What is not synced here is lost in a power
// cut only, and none happens in a test; settings may say otherwise.
func (pg *PG) found(settings []string) error {
	if os.Getuid() == 0 { // initdb and postgres refuse root
		account, err := accountOf("postgres")
		if err != nil {
			return err
		}
		if err := os.Chown(pg.dir, int(account.Uid), int(account.Gid)); err != nil {
			return fmt.Errorf("giving PostgreSQL its folder: %w", err)
		}
		pg.account = account
	}
	initdb := pg.command("initdb", "-D", pg.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	conf := []string{
		"port=" + strconv.Itoa(pg.Port), "listen_addresses='127.0.0.1'", "unix_socket_directories='" + pg.Socket + "'",
		"max_connections=200", "shared_buffers=64MB", "fsync=off", "synchronous_commit=on", "full_page_writes=off",
		"log_min_messages=warning", "log_min_error_statement=error", "timezone='UTC'",
	}
	file, err := os.OpenFile(filepath.Join(pg.data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configuring PostgreSQL: %w", err)
	}
	defer file.Close()
	if _, err := fmt.Fprintln(file, strings.Join(append(conf, settings...), "\n")); err != nil {
		return fmt.Errorf("configuring PostgreSQL: %w", err)
	}
	return nil
}

func accountOf(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("root needs another account to run this: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", name, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", name, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// command prepares one of PostgreSQL's own programs under the right account.
func (pg *PG) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(pg.bin, name), args...)
	cmd.Dir = pg.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: pg.account}
	return cmd
}

func (pg *PG) logFile() string { return filepath.Join(pg.dir, "postgres.log") }

// begin starts the server and waits until it answers.
func (pg *PG) begin() error {
	pg.mu.Lock()
	defer pg.mu.Unlock()
	if pg.server != nil {
		return nil
	}
	// SIGQUIT makes the server end its children too.
	server, err := start("postgres", pg.logFile(), pg.command("postgres", "-D", pg.data), syscall.SIGQUIT)
	if err != nil {
		return err
	}
	err = server.until(func() error {
		_, err := pg.psql("postgres", "SELECT 1")
		return err
	})
	if err != nil {
		server.kill()
		return err
	}
	pg.server = server
	return nil
}

// halt ends the server: SIGINT as a clean shutdown would, SIGQUIT as a crash.
func (pg *PG) halt(sig syscall.Signal) error {
	pg.mu.Lock()
	defer pg.mu.Unlock()
	if pg.server == nil {
		return nil
	}
	server := pg.server
	pg.server = nil
	return server.stop(sig)
}

// psql runs statements as the all powerful role and gives bare rows.
func (pg *PG) psql(database, statements string) (string, error) {
	cmd := pg.command("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statements, pg.url("postgres", database))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w\n%s", err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

func (pg *PG) url(role, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", role, pg.Port, database)
}

// NewDatabase makes an empty database, dropped when the test ends, and gives
// its DSN for the role owner.
func (pg *PG) NewDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("town%d", pg.databases.Add(1))
	if _, err := pg.psql("postgres", "CREATE DATABASE "+name+" OWNER owner"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.begin(); err != nil { // a test may have stopped it
			t.Error(err)
			return
		}
		if _, err := pg.psql("postgres", "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return pg.url("owner", name)
}

// As gives the DSN of the same database for another role: service, postgres.
func (pg *PG) As(t testing.TB, role, dsn string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(role)
	return u.String()
}

// Exec runs statements in the database of dsn as the all powerful role and
// gives the rows, one a line, columns separated by a bar.
func (pg *PG) Exec(t testing.TB, dsn, statements string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pg.psql(strings.TrimPrefix(u.Path, "/"), statements)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// PID is that of the postmaster.
func (pg *PG) PID() int {
	pg.mu.Lock()
	defer pg.mu.Unlock()
	return pg.server.cmd.Process.Pid
}

// Stop shuts the server down as an administrator would: sessions are cut off.
// It is started again when the test ends, if the test did not.
func (pg *PG) Stop(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if err := pg.begin(); err != nil {
			t.Error(err)
		}
	})
	if err := pg.halt(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// Start starts a stopped server and waits until it answers.
func (pg *PG) Start(t testing.TB) {
	t.Helper()
	if err := pg.begin(); err != nil {
		t.Fatal(err)
	}
}

// RestartImmediate lets the server crash and recover.
func (pg *PG) RestartImmediate(t testing.TB) {
	t.Helper()
	if err := pg.halt(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	pg.Start(t)
}
