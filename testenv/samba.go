package testenv

import (
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A Share is one folder that Samba offers.
type Share struct {
	Name     string
	Settings []string // lines of its section: "read only = yes"
}

// SambaOptions say what kind of server is wanted. The zero value offers one
// writable share, skany, over SMB 2 and 3.
type SambaOptions struct {
	Shares []Share
	Global []string // more lines of [global]: "server signing = mandatory"
}

// An SMB is a running Samba server with one account.
type SMB struct {
	Addr           string // 127.0.0.1:port
	User, Password string

	smbd, client, dir, conf string
	server                  *process
}

// Samba starts a file server of the test's own.
func Samba(t testing.TB, o SambaOptions) *SMB {
	t.Helper()
	if len(o.Shares) == 0 {
		o.Shares = []Share{{Name: "skany"}}
	}
	port := FreePort(t)
	s := &SMB{
		Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), User: "skaner", Password: rand.Text(),
		smbd: program(t, "smbd", "samba"), client: program(t, "smbclient", "smbclient"), dir: TempDir(t),
	}
	s.conf = filepath.Join(s.dir, "smb.conf")
	if err := s.configure(port, o); err != nil {
		t.Fatal(err)
	}
	if err := s.setPassword(program(t, "smbpasswd", "samba-common-bin")); err != nil {
		t.Fatal(err)
	}
	showOnFailure(t, s.logFile())
	t.Cleanup(func() { s.Stop(t) })
	s.Start(t)
	return s
}

// Path is where a share lies on this machine.
func (s *SMB) Path(share string) string { return filepath.Join(s.dir, "shares", share) }

// Stop ends the server and every session, as when a file server is switched off.
func (s *SMB) Stop(t testing.TB) {
	t.Helper()
	if s.server != nil {
		s.server.kill()
		s.server = nil
	}
}

// Start starts the server, again with the same port, account and files, and
// waits until a share can be listed.
func (s *SMB) Start(t testing.TB) {
	t.Helper()
	cmd := exec.Command(s.smbd, "--foreground", "--no-process-group", "--configfile="+s.conf)
	server, err := start("smbd", s.logFile(), cmd, syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	if err := server.until(func() error { return s.list("IPC$") }); err != nil {
		t.Fatal(err)
	}
}

// Freeze stops the server in the middle of whatever it does: connections stay,
// answers do not come.
func (s *SMB) Freeze(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *SMB) Thaw(t testing.TB) { t.Helper(); s.signal(t, syscall.SIGCONT) }

func (s *SMB) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-s.server.cmd.Process.Pid, sig); err != nil {
		t.Fatalf("sending %v to smbd: %v", sig, err)
	}
}

// list logs in as a client does.
func (s *SMB) list(share string) error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	cmd := exec.Command(s.client, "--configfile="+s.conf, "-p", port, "-U", s.User+"%"+s.Password, "-c", "exit", "//127.0.0.1/"+share)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("smbclient: %w: %s", err, out)
	}
	return nil
}

func (s *SMB) logFile() string { return filepath.Join(s.dir, "log.smbd") }

// configure writes smb.conf. The account skaner is the test's own account, so
// that what it writes can be read and cleared away.
func (s *SMB) configure(port int, o SambaOptions) error {
	me, err := user.Current()
	if err != nil {
		return fmt.Errorf("configuring Samba: %w", err)
	}
	for _, sub := range []string{"private", "lock", "state", "cache", "pid", "rpc"} {
		if err := os.MkdirAll(filepath.Join(s.dir, sub), 0o755); err != nil {
			return fmt.Errorf("configuring Samba: %w", err)
		}
	}
	lines := []string{
		"[global]",
		"server role = standalone server",
		"disable netbios = yes",
		"smb ports = " + strconv.Itoa(port),
		"interfaces = 127.0.0.1/8",
		"bind interfaces only = yes",
		"passdb backend = tdbsam:" + s.dir + "/private/passdb.tdb",
		"username map = " + s.dir + "/users",
		"private dir = " + s.dir + "/private",
		"lock directory = " + s.dir + "/lock",
		"state directory = " + s.dir + "/state",
		"cache directory = " + s.dir + "/cache",
		"pid directory = " + s.dir + "/pid",
		"ncalrpc dir = " + s.dir + "/rpc",
		"log file = " + s.logFile(),
		"load printers = no",
		"disable spoolss = yes",
		"map to guest = never",
		"usershare max shares = 0",
		"server min protocol = SMB2_02",
		"kernel oplocks = no",
	}
	lines = append(lines, o.Global...)
	for _, share := range o.Shares {
		if err := os.MkdirAll(s.Path(share.Name), 0o777); err != nil {
			return fmt.Errorf("making a share: %w", err)
		}
		lines = append(lines, "["+share.Name+"]", "path = "+s.Path(share.Name), "read only = no")
		lines = append(lines, share.Settings...)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "users"), []byte(me.Username+" = "+s.User+"\n"), 0o644); err != nil {
		return fmt.Errorf("configuring Samba: %w", err)
	}
	if err := os.WriteFile(s.conf, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("configuring Samba: %w", err)
	}
	return nil
}

func (s *SMB) setPassword(smbpasswd string) error {
	me, err := user.Current()
	if err != nil {
		return fmt.Errorf("making Samba's account: %w", err)
	}
	cmd := exec.Command(smbpasswd, "-c", s.conf, "-s", "-a", me.Username)
	cmd.Stdin = strings.NewReader(s.Password + "\n" + s.Password + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making Samba's account: %w\n%s", err, out)
	}
	return nil
}
