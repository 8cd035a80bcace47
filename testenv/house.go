package testenv

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Options say what kind of office is wanted. The zero value is the sample
// office with its book in SQLite.
type Options struct {
	Store string                   // DSN; empty: SQLite
	Tags  []string                 // build tags of the daemon: "failpoint"
	Env   []string                 // more of the daemon's environment
	Edit  func(yaml string) string // last hand on kancelaria.yaml; nil: as init wrote it
}

// A House is one office: its folder, and the real daemon that serves it.
type House struct {
	Dir     string // what init made: three files, data/, drop/, mail/
	Config  string // kancelaria.yaml
	SMTP    string // 127.0.0.1:port of the mail slot
	Web     string // of the counter
	Ops     string // of the operator's port
	Drop    string // folder of the scanner
	Mailbox string // an address the office takes letters for

	exe    string
	env    []string
	daemon *process
}

// Office makes a sample office that nobody serves yet.
func Office(t testing.TB, o Options) *House {
	t.Helper()
	needNeighbours(t)
	exe, err := build(strings.Join(o.Tags, ","))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(TempDir(t), "office")
	h := &House{Dir: dir, Config: filepath.Join(dir, "kancelaria.yaml"), Drop: filepath.Join(dir, "drop", "skaner"), exe: exe, env: o.Env}
	init := []string{"init", dir}
	if o.Store != "" {
		init = append(init, "--store", o.Store)
	}
	if out, err := exec.Command(exe, init...).CombinedOutput(); err != nil {
		t.Fatalf("kancelaria init: %v\n%s", err, out)
	}
	h.SMTP, h.Web, h.Ops = h.address(t), h.address(t), h.address(t)
	h.configure(t, o.Edit)
	h.Mailbox = h.firstMailbox(t)
	t.Cleanup(func() {
		h.Kill(t)
		if t.Failed() {
			t.Log(tail(h.logFile()))
		}
	})
	return h
}

// Daemon makes a sample office and serves it.
func Daemon(t testing.TB, o Options) *House {
	t.Helper()
	h := Office(t, o)
	h.Serve(t)
	return h
}

// Executables are built once a test binary and set of tags.
var (
	buildMu sync.Mutex
	builds  = map[string]func() (exe string, err error){} // by tags; guarded by buildMu
)

// build makes the daemon as it is released, without cgo.
func build(tags string) (exe string, err error) {
	buildMu.Lock()
	once := builds[tags]
	if once == nil {
		once = sync.OnceValues(func() (string, error) { return buildNow(tags) })
		builds[tags] = once
	}
	buildMu.Unlock()
	return once()
}

func buildNow(tags string) (exe string, err error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	dir, err := tempDir()
	if err != nil {
		return "", err
	}
	exe = filepath.Join(dir, "kancelaria")
	cmd := exec.Command("go", "build", "-tags", tags, "-o", exe, "./cmd/kancelaria")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the daemon: %w\n%s", err, out)
	}
	return exe, nil
}

func (h *House) address(t testing.TB) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(FreePort(t)))
}

// configure puts free ports in the place of those that init writes.
func (h *House) configure(t testing.TB, edit func(string) string) {
	t.Helper()
	h.EditFile(t, "kancelaria.yaml", func(yaml string) string {
		for usual, addr := range map[string]string{"127.0.0.1:2525": h.SMTP, "127.0.0.1:8025": h.Web, "127.0.0.1:8026": h.Ops} {
			if usual != "127.0.0.1:8025" && !strings.Contains(yaml, usual) {
				t.Fatalf("init wrote no %s into kancelaria.yaml", usual)
			}
			yaml = strings.ReplaceAll(yaml, usual, addr)
		}
		if edit != nil {
			yaml = edit(yaml)
		}
		return yaml
	})
}

// EditFile changes one of the office's files.
func (h *House) EditFile(t testing.TB, name string, edit func(string) string) {
	t.Helper()
	file := filepath.Join(h.Dir, name)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(edit(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
}

var mailboxPattern = regexp.MustCompile(`urzad@[\w.-]+\.example`)

func (h *House) firstMailbox(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.Dir, "office.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	mailbox := mailboxPattern.FindString(string(text))
	if mailbox == "" {
		t.Fatal("the sample office has no mailbox urzad@….example")
	}
	return mailbox
}

// Serve starts the daemon and waits until its mail slot greets.
func (h *House) Serve(t testing.TB) {
	t.Helper()
	cmd := h.Command("serve")
	daemon, err := start("kancelaria serve", h.logFile(), cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	h.daemon = daemon
	if err := daemon.until(func() error { return greets(h.SMTP) }); err != nil {
		t.Fatal(err)
	}
}

// ServeDoomed starts the daemon with something in its environment that will end
// it, and does not wait until it greets: it may not live that long. The channel
// is closed when it is gone.
func (h *House) ServeDoomed(t testing.TB, env ...string) (gone <-chan struct{}) {
	t.Helper()
	cmd := h.Command("serve")
	cmd.Env = append(cmd.Env, env...)
	daemon, err := start("kancelaria serve", h.logFile(), cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	h.daemon = daemon
	return daemon.ended
}

// DiedOf gives the signal that ended a doomed daemon, which is gone; 0 if none
// did.
func (h *House) DiedOf() syscall.Signal {
	state, _ := h.daemon.cmd.ProcessState.Sys().(syscall.WaitStatus)
	h.daemon = nil
	if !state.Signaled() {
		return 0
	}
	return state.Signal()
}

// Kill ends the daemon as a power cut would, at whatever it is doing.
func (h *House) Kill(t testing.TB) {
	t.Helper()
	if h.daemon != nil {
		h.daemon.kill()
		h.daemon = nil
	}
}

// Stop asks the daemon to finish and waits for it.
func (h *House) Stop(t testing.TB) {
	t.Helper()
	daemon := h.daemon
	if daemon == nil {
		return
	}
	h.daemon = nil
	if err := daemon.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if daemon.err != nil {
		t.Fatalf("kancelaria serve, asked to stop, ends with %v\n%s", daemon.err, daemon.tail())
	}
}

// Restart stops the daemon and starts it again.
func (h *House) Restart(t testing.TB) {
	t.Helper()
	h.Stop(t)
	h.Serve(t)
}

// Reload tells the daemon that office.yaml or rules.yaml changed.
func (h *House) Reload(t testing.TB) {
	t.Helper()
	if err := h.daemon.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// PID is the running daemon's.
func (h *House) PID() int { return h.daemon.cmd.Process.Pid }

// Log gives all the daemon has logged.
func (h *House) Log(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(h.logFile())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (h *House) logFile() string { return filepath.Join(h.Dir, "serve.log") }

// Command prepares the real binary with this office's configuration.
func (h *House) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(h.exe, append([]string{"-c", h.Config}, args...)...)
	cmd.Env = append(os.Environ(), h.env...)
	return cmd
}
