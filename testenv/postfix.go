package testenv

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// PostfixOptions say what the mail server does with what it takes.
type PostfixOptions struct {
	// NextHop is where every letter goes on, in Postfix's own words:
	// "smtp:[127.0.0.1]:2525", "lmtp:inet:127.0.0.1:24", "lmtp:unix:/path".
	// Empty: letters stay here, one file each, and Letters reads them.
	NextHop  string
	Settings []string // more lines of main.cf
}

// An MTA is a running Postfix.
type MTA struct {
	Addr string // 127.0.0.1:port, takes mail for everybody from this machine

	postfix, master, dir string
	server               *process
}

// Postfix starts a mail server of the test's own: one that stands in front of
// the office, or one that is the office's relay to the world. Only root can.
func Postfix(t testing.TB, o PostfixOptions) *MTA {
	t.Helper()
	postfix := program(t, "postfix", "postfix")
	if os.Getuid() != 0 {
		t.Fatal("only root can start Postfix; run the full tests as root, in a container perhaps")
	}
	m := &MTA{
		Addr:    net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(t))),
		postfix: postfix, master: program(t, "master", "postfix", "/usr/lib/postfix/sbin", "/usr/libexec/postfix"), dir: TempDir(t),
	}
	if err := m.configure(o); err != nil {
		t.Fatal(err)
	}
	// This makes the folders of the queue.
	if out, err := exec.Command(m.postfix, "-c", m.conf(), "check").CombinedOutput(); err != nil {
		t.Fatalf("postfix check: %v\n%s", err, out)
	}
	showOnFailure(t, m.logFile())
	t.Cleanup(func() { m.Stop(t) })
	m.Start(t)
	return m
}

// Start starts a stopped server: what it had taken it tries again.
func (m *MTA) Start(t testing.TB) {
	t.Helper()
	// "postfix start" would detach from us.
	cmd := exec.Command(m.master, "-c", m.conf(), "-d")
	server, err := start("postfix", filepath.Join(m.dir, "postfix.out"), cmd, syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	m.server = server
	err = server.until(func() error { return greets(m.Addr) })
	if err != nil {
		t.Fatal(err)
	}
}

// Stop ends the server; its queue stays.
func (m *MTA) Stop(t testing.TB) {
	t.Helper()
	if m.server == nil {
		return
	}
	server := m.server
	m.server = nil
	if err := server.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// PID is that of the master process.
func (m *MTA) PID() int { return m.server.cmd.Process.Pid }

// Flush makes the server try everything in its queue now.
func (m *MTA) Flush(t testing.TB) {
	t.Helper()
	if out, err := exec.Command(m.postfix, "-c", m.conf(), "flush").CombinedOutput(); err != nil {
		t.Fatalf("postfix flush: %v\n%s", err, out)
	}
}

// Queued counts the letters the server has taken and not yet handed on.
func (m *MTA) Queued(t testing.TB) int {
	t.Helper()
	n := 0
	for _, queue := range []string{"maildrop", "incoming", "active", "deferred"} {
		err := filepath.WalkDir(filepath.Join(m.dir, "spool", queue), func(_ string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				n++
			}
			return nil // a file that moves on while we look is counted where it comes to
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

// Letters reads what a server without a next hop has received.
func (m *MTA) Letters(t testing.TB) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(m.dir, "mail", "inbox", "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var letters [][]byte
	for _, file := range files {
		letter, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, letter)
	}
	return letters
}

// Log gives what the server wrote down about its deliveries.
func (m *MTA) Log(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(m.logFile())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (m *MTA) conf() string    { return filepath.Join(m.dir, "conf") }
func (m *MTA) logFile() string { return filepath.Join(m.dir, "log", "maillog") }

// configure lays out a whole instance: own queue, no chroot, no table files,
// and a queue manager that tries again within seconds.
func (m *MTA) configure(o PostfixOptions) error {
	owner, err := accountOf("postfix")
	if err != nil {
		return err
	}
	for _, sub := range []string{"conf", "log", "spool", "data", "mail"} {
		if err := os.MkdirAll(filepath.Join(m.dir, sub), 0o755); err != nil {
			return fmt.Errorf("configuring Postfix: %w", err)
		}
	}
	for _, sub := range []string{"data", "mail"} {
		if err := os.Chown(filepath.Join(m.dir, sub), int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("configuring Postfix: %w", err)
		}
	}
	lines := []string{
		"compatibility_level = 3.6",
		"queue_directory = " + m.dir + "/spool",
		"data_directory = " + m.dir + "/data",
		"maillog_file = " + m.logFile(),
		"maillog_file_prefixes = " + m.dir,
		"myhostname = poczta.sasiad.example",
		"mydestination =",
		"inet_interfaces = 127.0.0.1",
		"inet_protocols = ipv4",
		"mynetworks = 127.0.0.0/8",
		"alias_maps =",
		"alias_database =",
		"smtpd_relay_restrictions = permit_mynetworks, reject",
		"smtputf8_enable = yes",
		"message_size_limit = 209715200",
		"mailbox_size_limit = 0",
		"virtual_mailbox_limit = 0",
		"queue_run_delay = 1s",
		"minimal_backoff_time = 1s",
		"maximal_backoff_time = 2s",
		"disable_dns_lookups = yes",
	}
	if o.NextHop != "" {
		lines = append(lines, "default_transport = "+o.NextHop)
	} else {
		lines = append(lines,
			"virtual_mailbox_domains = static:all",
			"virtual_mailbox_maps = static:inbox/",
			"virtual_mailbox_base = "+m.dir+"/mail",
			"virtual_uid_maps = static:"+strconv.Itoa(int(owner.Uid)),
			"virtual_gid_maps = static:"+strconv.Itoa(int(owner.Gid)),
		)
	}
	lines = append(lines, o.Settings...)
	if err := os.WriteFile(filepath.Join(m.conf(), "main.cf"), []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("configuring Postfix: %w", err)
	}
	services := strings.ReplaceAll(postfixServices, "ADDRESS", m.Addr)
	if err := os.WriteFile(filepath.Join(m.conf(), "master.cf"), []byte(services), 0o644); err != nil {
		return fmt.Errorf("configuring Postfix: %w", err)
	}
	return nil
}

// postfixServices is master.cf: the usual services, none in a chroot.
const postfixServices = `
ADDRESS    inet  n  -  n  -     -  smtpd
pickup     unix  n  -  n  60    1  pickup
cleanup    unix  n  -  n  -     0  cleanup
qmgr       unix  n  -  n  1     1  qmgr
tlsmgr     unix  -  -  n  1000? 1  tlsmgr
rewrite    unix  -  -  n  -     -  trivial-rewrite
bounce     unix  -  -  n  -     0  bounce
defer      unix  -  -  n  -     0  bounce
trace      unix  -  -  n  -     0  bounce
verify     unix  -  -  n  -     1  verify
flush      unix  n  -  n  1000? 0  flush
proxymap   unix  -  -  n  -     -  proxymap
proxywrite unix  -  -  n  -     1  proxymap
smtp       unix  -  -  n  -     -  smtp
relay      unix  -  -  n  -     -  smtp
lmtp       unix  -  -  n  -     -  lmtp
showq      unix  n  -  n  -     -  showq
error      unix  -  -  n  -     -  error
retry      unix  -  -  n  -     -  error
discard    unix  -  -  n  -     -  discard
local      unix  -  n  n  -     -  local
virtual    unix  -  n  n  -     -  virtual
anvil      unix  -  -  n  -     1  anvil
scache     unix  -  -  n  -     1  scache
postlog    unix-dgram n - n  -  1  postlogd
`

// greets reports whether somebody at addr says hello as a mail server does.
func greets(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	greeting := make([]byte, 4)
	if _, err := conn.Read(greeting); err != nil {
		return err
	}
	if !strings.HasPrefix(string(greeting), "220") {
		return fmt.Errorf("greeted with %q", greeting)
	}
	return nil
}
