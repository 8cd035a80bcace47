package testenv

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// versityGateway is the S3 server that testenv/setup builds from the module
// proxy.
const versityGateway = "versitygw-1.8.0"

// An S3 is a private S3 server on the loopback, with versions and object lock.
type S3 struct {
	Endpoint, Access, Secret string
	Root                     string // the folder its objects lie in
	addr                     string
	exe, dir                 string
	server                   *process
}

// S3Server starts an S3 server that knows no bucket yet.
func S3Server(t testing.TB) *S3 {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := TempDir(t)
	s := &S3{
		Access: "kancelaria", Secret: "not-a-secret-at-all", Root: filepath.Join(dir, "objects"), dir: dir,
		addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(t))),
		exe:  filepath.Join(cache, "kancelaria-testenv", versityGateway),
	}
	s.Endpoint = "http://" + s.addr
	if _, err := os.Stat(s.exe); err != nil {
		t.Fatalf("the S3 server is not there: %v; run testenv/setup", err)
	}
	for _, sub := range []string{"objects", "versions"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	showOnFailure(t, filepath.Join(dir, "s3.log"))
	s.Start(t)
	t.Cleanup(func() { s.server.kill() })
	return s
}

// Start starts the server again after Stop.
func (s *S3) Start(t testing.TB) {
	t.Helper()
	cmd := exec.Command(s.exe, "--port", s.addr, "--quiet", "posix", "--versioning-dir", filepath.Join(s.dir, "versions"), s.Root)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s.Access, "ROOT_SECRET_ACCESS_KEY="+s.Secret)
	var err error
	if s.server, err = start("s3", filepath.Join(s.dir, "s3.log"), cmd, 9); err != nil {
		t.Fatal(err)
	}
	err = s.server.until(func() error {
		conn, err := net.DialTimeout("tcp", s.addr, time.Second)
		if err != nil {
			return fmt.Errorf("asking the S3 server: %w", err)
		}
		return conn.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Stop kills the server; what it holds stays.
func (s *S3) Stop() { s.server.kill() }
