package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A process is a neighbour at work.
type process struct {
	name  string
	cmd   *exec.Cmd
	log   string        // file with all it says
	ended chan struct{} // closed when it is gone
	err   error         // how it went; readable once ended is closed
}

// start runs cmd in a process group of its own, with everything it says
// appended to the file log. Should the test binary die, the kernel sends it
// the signal last.
func start(name, log string, cmd *exec.Cmd, last syscall.Signal) (*process, error) {
	out, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = last

	p := &process{name: name, cmd: cmd, log: log, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// To the kernel the parent is the thread that forked, not the
		// process. This one belongs to the child until the child is gone.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
		}
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return p, nil
}

// Background runs a program for as long as the test lasts and gives its
// process id.
func Background(t testing.TB, cmd *exec.Cmd) (pid int) {
	t.Helper()
	name := filepath.Base(cmd.Path)
	log := filepath.Join(TempDir(t), name+".log")
	p, err := start(name, log, cmd, syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	showOnFailure(t, log)
	return p.cmd.Process.Pid
}

// until looks until ready gives nil. It gives up at once when the process ends.
func (p *process) until(ready func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := ready()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s does not answer: %w\n%s", p.name, err, p.tail())
		}
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended before it answered: %v\n%s", p.name, p.err, p.tail())
		case <-time.After(pause):
		}
	}
}

// stop asks the process to end by a signal and waits for it.
func (p *process) stop(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && p.running() {
		return fmt.Errorf("stopping %s: %w", p.name, err)
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("%s goes on after %v\n%s", p.name, sig, p.tail())
	}
}

// kill ends the process and its children as a power cut would end them.
func (p *process) kill() {
	if p.running() { // else its number may be somebody else's by now
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // ESRCH: gone in this moment
	}
	<-p.ended
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// tail gives the end of what the process said.
func (p *process) tail() string { return tail(p.log) }

func tail(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(strings.TrimSpace(string(text)), "\n")
	return "… " + filepath.Base(file) + ":\n" + strings.Join(lines[max(0, len(lines)-40):], "")
}

// showOnFailure prints the end of a log once the test has failed.
func showOnFailure(t testing.TB, log string) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(tail(log))
		}
	})
}

// clearAfterwards removes dir when this test binary has ended, however it ends.
// A shell waits for the end of a pipe whose other end nobody else holds; it has
// a session of its own, so that Ctrl-C does not reach it.
func clearAfterwards(dir string) error {
	var ends [2]int
	if err := syscall.Pipe2(ends[:], syscall.O_CLOEXEC); err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	// ends[1] stays a bare number on purpose: an os.File might be collected
	// and closed. The kernel closes it with the process.
	in := os.NewFile(uintptr(ends[0]), "pipe")
	defer in.Close()
	cmd := exec.Command("/bin/sh", "-c", `cat; for i in 1 2 3 4 5; do rm -rf -- "$1" && exit; sleep 1; done`, "sh", dir)
	cmd.Stdin = in
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the one who clears away: %w", err)
	}
	return nil
}
