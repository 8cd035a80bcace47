// Package testenv is the model town: the neighbours a town office has, each a
// private copy that lives no longer than the test, and the real daemon among
// them.
//
//	pg := testenv.Postgres(t)                    // one server a test binary
//	house := testenv.Daemon(t, testenv.Options{Store: pg.NewDatabase(t)})
//	mta := testenv.Postfix(t, testenv.PostfixOptions{NextHop: "smtp:" + house.SMTP})
//
// Only tests import it. Every neighbour runs as a process of its own with its
// files in a temporary folder and its ports on the loopback, is waited for until
// it answers, and is gone when the test ends, also by a panic or a kill. A
// program that is not installed fails the test with the name of its package;
// with -short everything that needs a neighbour is skipped.
package testenv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience is how long anything may take to happen. It is no measure of speed:
// a busy machine with the race detector on stays far below it.
const patience = 90 * time.Second

// pause lies between two looks at something that sends no word when it is done.
const pause = 20 * time.Millisecond

// needNeighbours skips the test when only quick ones are wanted.
func needNeighbours(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: no neighbours")
	}
}

// program finds a neighbour's program by name, on the path or in one of the
// folders given as patterns, the highest version first.
func program(t testing.TB, name, pkg string, folders ...string) string {
	t.Helper()
	needNeighbours(t)
	path, err := findProgram(name, folders...)
	if err != nil {
		t.Fatalf("%s is not installed; the package is called %s in Debian (testenv/setup installs it)", name, pkg)
	}
	return path
}

func findProgram(name string, folders ...string) (string, error) {
	var found []string
	for _, pattern := range append(folders, "/usr/local/sbin", "/usr/sbin", "/sbin") {
		matches, err := filepath.Glob(filepath.Join(pattern, name))
		if err != nil {
			return "", fmt.Errorf("looking for %s: %w", name, err)
		}
		found = append(found, matches...)
	}
	if len(folders) > 0 && len(found) > 0 {
		return slices.MaxFunc(found, func(a, b string) int { return versionIn(a) - versionIn(b) }), nil
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	if len(found) > 0 {
		return found[0], nil
	}
	return "", errors.New("not found")
}

// versionIn gives the number that stands as a folder in a path, as in
// /usr/lib/postgresql/15/bin/initdb.
func versionIn(path string) int {
	for dir := filepath.Dir(path); dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		if n, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			return n
		}
	}
	return 0
}

// FreePort gives a loopback port nobody listens on. It lies below the range the
// kernel gives to outgoing connections, so that none takes it in between.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func freePort() (int, error) {
	var last error
	for range 100 {
		port := 20000 + rand.IntN(12000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			last = err
			continue
		}
		return port, l.Close()
	}
	return 0, fmt.Errorf("looking for a free port: %w", last)
}

// TempDir gives a folder with a name short enough for Unix sockets (108 bytes),
// which other accounts may enter, unlike that of t.TempDir.
func TempDir(t testing.TB) string {
	t.Helper()
	dir, err := tempDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("clearing away: %v", err)
		}
	})
	return dir
}

// tempRoot holds all folders of this test binary and is gone with it.
var tempRoot = sync.OnceValues(func() (string, error) {
	root, err := os.MkdirTemp("", "kt")
	if err != nil {
		return "", fmt.Errorf("making a folder: %w", err)
	}
	if err := openToOthers(root); err != nil {
		return "", err
	}
	return root, clearAfterwards(root)
})

var tempCount atomic.Int64

func tempDir() (string, error) {
	root, err := tempRoot()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(root, strconv.FormatInt(tempCount.Add(1), 10))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", fmt.Errorf("making a folder: %w", err)
	}
	return dir, openToOthers(dir)
}

// openToOthers lets other accounts enter whatever the umask says.
func openToOthers(dir string) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return fmt.Errorf("opening a folder to others: %w", err)
	}
	return nil
}

// Eventually looks until done reports nil and fails the test with its last
// complaint when that takes longer than anything should.
func Eventually(t testing.TB, what string, done func() error) {
	t.Helper()
	var last error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(pause) {
		if last = done(); last == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, last)
}

// moduleRoot is the folder of our go.mod: tests run in their package's folder,
// and the benchmarks lie in a module within ours.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("finding the sources: %w", err)
	}
	for d := dir; ; d = filepath.Dir(d) {
		mod, err := os.ReadFile(filepath.Join(d, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), "module kancelaria\n") {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("no go.mod of kancelaria above %s", dir)
		}
	}
}
