package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"kancelaria": main,
	})
}

// Each story is a promise of the command line.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"office":  office,
			"waitfor": waitfor,
		},
	})
}

// exits runs a command and wants its exit code: exits 4 kancelaria check.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("running %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// waitfor waits until a daemon answers on a socket.
func waitfor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor SOCKET")
	}
	deadline := time.Now().Add(30 * time.Second)
	for {
		conn, err := net.Dial("unix", ts.MkAbs(args[0]))
		if err == nil {
			ts.Check(conn.Close())
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("nobody answers on %s: %v", args[0], err)
		}
		time.Sleep(20 * time.Millisecond) // of a poll: the daemon is another process
	}
}

// office makes a sample office in a folder, with doors on ports that the
// system chooses, and names it in KANCELARIA_CONFIG.
func office(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: office DIR")
	}
	ts.Check(ts.Exec("kancelaria", "init", args[0]))
	file := ts.MkAbs(args[0] + "/kancelaria.yaml")
	text, err := os.ReadFile(file)
	ts.Check(err)
	quiet := string(text)
	for _, port := range []string{"2525", "8025", "8026"} {
		quiet = strings.ReplaceAll(quiet, "127.0.0.1:"+port, "127.0.0.1:0")
	}
	// Folders of tests may lie on a file system without syncs worth the name.
	quiet = strings.Replace(quiet, "archive: {segments: data/archive}", "archive: {segments: data/archive, segment_size: 1MiB, min_free: 1MB, unsafe_filesystem: true}", 1)
	ts.Check(os.WriteFile(file, []byte(quiet), 0o640))
	ts.Setenv("KANCELARIA_CONFIG", fmt.Sprint(file))
}
