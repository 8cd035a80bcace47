//go:build failpoint

package registry

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
)

// hits counts how often the chosen point was hit. It changes, as no other
// variable of a package does: the tag is for tests only.
var hits atomic.Int64

// chosen is where to die: KANCELARIA_FAILPOINT=name:n, at the n-th hit.
var chosen = sync.OnceValues(func() (FailPoint, int64) {
	name, times, _ := strings.Cut(os.Getenv("KANCELARIA_FAILPOINT"), ":")
	n, err := strconv.ParseInt(times, 10, 64)
	if err != nil {
		n = 1
	}
	return FailPoint(name), n
})

// Hit ends the process as a power cut would, if this is the point and the hit
// that the environment names.
func (p FailPoint) Hit() {
	name, n := chosen()
	if p != name || hits.Add(1) != n {
		return
	}
	fmt.Fprintf(os.Stderr, "failpoint %s:%d\n", p, n)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until the signal is there
}
