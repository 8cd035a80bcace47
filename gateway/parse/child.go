package parse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
)

// A child is another people's program run on a resident's file: bounded in
// time, memory, output and what it may write, and out of everybody's way.
type child struct {
	program string
	limits  string        // prlimit, "" if the machine has none
	nice    string        // likewise
	time    time.Duration // of one run
	memory  int64         // bytes of address space
}

// newChild finds a program; ok is false where it is not installed.
func newChild(name string, time time.Duration, memory int64) (c child, ok bool) {
	program, err := exec.LookPath(name)
	if err != nil {
		return child{}, false
	}
	c = child{program: program, time: time, memory: memory}
	for _, guard := range []struct {
		name string
		to   *string
	}{{"prlimit", &c.limits}, {"nice", &c.nice}} {
		if path, err := exec.LookPath(guard.name); err == nil {
			*guard.to = path
		}
	}
	return c, true
}

// run gives what the program writes for its input, at most so many bytes of
// it: then it is stopped, and that is no error.
func (c child) run(ctx context.Context, in io.Reader, most int64, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.time)
	defer cancel()
	line := c.line(args)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env = []string{"LC_ALL=C.UTF-8", "PATH=/usr/bin:/bin", "OMP_THREAD_LIMIT=1"}
	cmd.Stdin = in
	cmd.WaitDelay = time.Second
	out := &cappedBuffer{most: most, stop: cancel}
	cmd.Stdout = out
	err := cmd.Run()
	switch {
	case out.full:
		return out.kept.Bytes(), nil
	case ctx.Err() != nil:
		return out.kept.Bytes(), fmt.Errorf("%s: %w", c.program, ctx.Err())
	case err != nil:
		return out.kept.Bytes(), fmt.Errorf("%s: %w", c.program, err)
	}
	return out.kept.Bytes(), nil
}

// line is the command with its guards before it.
func (c child) line(args []string) []string {
	line := append([]string{c.program}, args...)
	if c.limits != "" {
		line = append([]string{
			c.limits, fmt.Sprintf("--as=%d", c.memory), fmt.Sprintf("--cpu=%d", int(c.time/time.Second)+1),
			"--core=0", "--nofile=64", fmt.Sprintf("--fsize=%d", int64(1<<30)), "--",
		}, line...)
	}
	if c.nice != "" {
		line = append([]string{c.nice, "-n", "10"}, line...)
	}
	return line
}

// A cappedBuffer keeps the first bytes and then stops the writer. It must not
// show the buffer's own ReadFrom, which knows no bound.
type cappedBuffer struct {
	kept bytes.Buffer
	most int64
	full bool
	stop func()
}

var errFull = errors.New("enough")

// Write implements io.Writer.
func (b *cappedBuffer) Write(p []byte) (int, error) {
	if room := b.most - int64(b.kept.Len()); int64(len(p)) > room {
		b.full = true
		b.stop()
		n, _ := b.kept.Write(p[:max(room, 0)]) // memory: never fails
		return n, errFull
	}
	return b.kept.Write(p)
}
