package testenv

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// EICAR is the harmless file that every malware scanner agrees to find. It is
// put together here so that none finds this source.
func EICAR() []byte {
	return []byte(`X5O!P%@AP[4\PZX54(P^)7CC)7}$` + `EICAR-STANDARD-ANTIVIRUS-TEST-FILE` + `!$H+H*`)
}

// Clamd starts a malware scanner that knows nothing but EICAR, and gives its
// Unix socket.
func Clamd(t testing.TB) (socket string) {
	t.Helper()
	clamd := program(t, "clamd", "clamav-daemon")
	dir := TempDir(t)
	socket = filepath.Join(dir, "clamd.sock")
	// A signature by digest: MD5, length, name.
	write(t, filepath.Join(dir, "base", "eicar.hdb"), "44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature\n")
	write(t, filepath.Join(dir, "clamd.conf"), strings.Join([]string{
		"Foreground yes",
		"LocalSocket " + socket,
		"DatabaseDirectory " + filepath.Join(dir, "base"),
		"TemporaryDirectory " + dir,
		"LogTime yes",
		"MaxThreads 4",
		"ConcurrentDatabaseReload no",
	}, "\n")+"\n")
	log := filepath.Join(dir, "clamd.log")
	showOnFailure(t, log)
	server, err := start("clamd", log, exec.Command(clamd, "--config-file="+filepath.Join(dir, "clamd.conf")), syscall.SIGTERM)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.kill)
	if err := server.until(func() error { return ping(socket) }); err != nil {
		t.Fatal(err)
	}
	return socket
}

func write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ping asks the scanner whether it is ready.
func ping(socket string) error {
	conn, err := net.DialTimeout("unix", socket, patience)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("zPING\x00")); err != nil {
		return err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, 64))
	if err != nil {
		return err
	}
	if got := strings.TrimRight(string(answer), "\x00"); got != "PONG" {
		return fmt.Errorf("answered %q to a ping", got)
	}
	return nil
}
