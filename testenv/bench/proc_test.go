package bench_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// A tick is the unit of processor time in /proc on Linux.
const tick = 10 * time.Millisecond

// A proc is a line of /proc/PID/stat, as far as it is needed.
type proc struct {
	parent int
	own    int64 // ticks of the process itself
	gone   int64 // ticks of its children that ended
}

func processes() map[int]proc {
	all := map[int]proc{}
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return all
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it ended while we looked
		}
		// The second field is the name in parentheses and may hold anything.
		f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && len(f) > 15 {
			all[pid] = proc{parent: int(number(f[1])), own: number(f[11]) + number(f[12]), gone: number(f[13]) + number(f[14])}
		}
	}
	return all
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // the kernel writes numbers
	return n
}

// cpuOf gives the processor time of processes and all that came from them.
func cpuOf(pids []int) time.Duration {
	all := processes()
	var ticks int64
	for pid, p := range all {
		if descends(all, pid, pids) {
			ticks += p.own + p.gone
		}
	}
	return time.Duration(ticks) * tick
}

func descends(all map[int]proc, pid int, from []int) bool {
	for ; pid > 1; pid = all[pid].parent {
		for _, root := range from {
			if pid == root {
				return true
			}
		}
	}
	return false
}

// forgetPeaks makes the kernel measure the peak of memory anew.
func forgetPeaks(pids []int) {
	for _, pid := range pids {
		// Without the right to it the peak is that since the start.
		_ = os.WriteFile(filepath.Join("/proc", strconv.Itoa(pid), "clear_refs"), []byte("5"), 0)
	}
}

// memoryOf gives the sum of the peaks of resident memory, in megabytes.
func memoryOf(pids []int) float64 {
	var kilobytes int64
	for _, pid := range pids {
		status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(status)) {
			if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
				kilobytes += number(strings.Fields(rest)[0])
			}
		}
	}
	return float64(kilobytes) / 1024
}
