package testenv

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// eximFolder is where testenv/setup unpacks Exim: as a package it cannot stand
// beside Postfix.
const eximFolder = "/var/cache/kancelaria-testenv/exim/usr/sbin"

// An Exim is a mail server that sends its letters in chunks (BDAT, RFC 3030).
type Exim struct {
	exe, dir, conf string
}

// NewExim makes one that hands everything on to addr. Only root can.
func NewExim(t testing.TB, addr string) *Exim {
	t.Helper()
	needNeighbours(t)
	x := &Exim{exe: filepath.Join(eximFolder, "exim4"), dir: TempDir(t)}
	if _, err := os.Stat(x.exe); err != nil {
		t.Fatalf("Exim is not there; testenv/setup unpacks it: %v", err)
	}
	if os.Getuid() != 0 {
		t.Fatal("only root can start Exim; run the full tests as root, in a container perhaps")
	}
	if err := x.configure(addr); err != nil {
		t.Fatal(err)
	}
	showOnFailure(t, x.logFile())
	return x
}

func (x *Exim) configure(addr string) error {
	owner, err := accountOf("Debian-exim")
	if err != nil {
		return err
	}
	for _, sub := range []string{"spool", "log"} {
		dir := filepath.Join(x.dir, sub)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("configuring Exim: %w", err)
		}
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return fmt.Errorf("configuring Exim: %w", err)
		}
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("configuring Exim: %w", err)
	}
	x.conf = filepath.Join(x.dir, "exim.conf")
	text := strings.NewReplacer("EXE", x.exe, "DIR", x.dir, "HOST", host, "PORT", port).Replace(eximSettings)
	if err := os.WriteFile(x.conf, []byte(text), 0o644); err != nil {
		return fmt.Errorf("configuring Exim: %w", err)
	}
	return nil
}

// eximSettings lets Exim deliver as its own user, for as root it believes no
// configuration but the system's once it has changed its user.
const eximSettings = `
exim_path = EXE
deliver_drop_privilege = true
primary_hostname = exim.sasiad.example
spool_directory = DIR/spool
log_file_path = DIR/log/%slog
keep_environment =
host_lookup =
smtputf8_advertise_hosts = *
begin routers
office:
  driver = manualroute
  transport = office
  route_list = * HOST
  self = send
begin transports
office:
  driver = smtp
  port = PORT
  hosts_try_chunking = *
`

func (x *Exim) logFile() string { return filepath.Join(x.dir, "log", "mainlog") }

// Send hands one letter on and waits until that is done.
func (x *Exim) Send(t testing.TB, from, to string, letter []byte) {
	t.Helper()
	// -odf delivers before the command ends; -oi lets a lone dot be a line.
	cmd := exec.Command(x.exe, "-C", x.conf, "-odf", "-oi", "-f", from, to)
	cmd.Stdin = bytes.NewReader(bytes.ReplaceAll(letter, []byte("\r\n"), []byte("\n")))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("exim: %v\n%s", err, out)
	}
}

// Log gives what Exim wrote down about its deliveries.
func (x *Exim) Log(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(x.logFile())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
