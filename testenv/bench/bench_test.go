// Package bench_test measures kancelaria beside its peers: "make bench".
//
// It is a module of its own, so that the peers never enter the product's
// go.mod. Every figure is a ratio within one round, because a machine's speed
// changes by the minute and a ratio hardly does; nothing here fails for being
// slow. What fails is a count that is wrong.
package bench_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kancelaria/testenv"
)

var (
	rounds = flag.Int("rounds", 5, "how often each subject is measured in each cell")
	span   = flag.Duration("span", 1500*time.Millisecond, "how long each measurement lasts")
	sizes  = flag.String("sizes", "4KB,60KB,1MB", "sizes of letters")
	conns  = flag.String("conns", "1,8,64", "connections at a time")
	only   = flag.String("only", "", "subjects whose names contain this; empty: all")
	loader = flag.String("load", "../../bin/kancelaria-load", "the program that plays the townsfolk")
	out    = flag.String("out", "out", "where the table and the picture go")
)

// A cell is one kind of work: letters of a size over so many connections.
type cell struct {
	Size  string `json:"size"`
	Conns int    `json:"conns"`
}

func (c cell) String() string { return fmt.Sprintf("%s × %d", c.Size, c.Conns) }

// A figure is one measurement.
type figure struct {
	Subject    string  `json:"subject"`
	Cell       cell    `json:"cell"`
	Round      int     `json:"round"`
	Letters    int     `json:"letters"`
	PerSecond  float64 `json:"per_second"`         // to 250
	Registered float64 `json:"registered_per_sec"` // 0 where nothing is registered
	Numbered   int     `json:"numbered"`           // answers that bore a number
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	CPU        float64 `json:"cpu_us"` // of the subject, a letter
	Memory     float64 `json:"memory_mb"`
}

// A run is all that one "make bench" found out.
type run struct {
	Machine string            `json:"machine"`
	Commit  string            `json:"commit"`
	Peers   map[string]string `json:"peers"`
	Missing map[string]string `json:"missing"`
	Syncs   []float64         `json:"sync_p50_ms"` // the disk's own, before each round
	SyncP99 float64           `json:"sync_p99_ms"`
	Noisy   int               `json:"noisy_rounds"` // measured again
	Figures []figure          `json:"figures"`
}

func TestBench(t *testing.T) {
	load, err := filepath.Abs(*loader)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Machine: machine(), Commit: commit(), Peers: map[string]string{}, Missing: map[string]string{}}
	all := subjects(t, r)
	var cells []cell
	for size := range strings.SplitSeq(*sizes, ",") {
		for n := range strings.SplitSeq(*conns, ",") {
			c, err := strconv.Atoi(n)
			if err != nil {
				t.Fatal(err)
			}
			cells = append(cells, cell{size, c})
		}
	}
	for _, s := range all { // first letters are not like the others
		measure(t, load, s, cell{"4KB", 8})
	}
	for round := 1; round <= *rounds; round++ {
		for again := 0; !r.calm(t) && again < 5; again++ {
			r.Noisy++
		}
		for _, c := range cells {
			for _, i := range rand.Perm(len(all)) {
				f := measure(t, load, all[i], c)
				f.Round = round
				r.Figures = append(r.Figures, f)
				t.Logf("round %d, %-8s %-28s %8.0f/s  p50 %8.2f ms  p99 %8.2f ms", round, c, f.Subject, f.PerSecond, f.P50, f.P99)
			}
		}
	}
	r.write(t, *out)
}

// measure lets the crowd at a subject and counts.
func measure(t *testing.T, load string, s subject, c cell) figure {
	t.Helper()
	forgetPeaks(s.pids)
	before := cpuOf(s.pids)
	began := time.Now()
	cmd := exec.Command(load, "load", "--json", "--addr", s.addr, "--to", s.mailbox,
		"--senders", strconv.Itoa(c.Conns), "--size", c.Size, "--time", span.String())
	cmd.Stderr = os.Stderr
	printed, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	var counted struct {
		Letters    int            `json:"letters"`
		Registered int            `json:"registered"`
		Failures   map[string]int `json:"failures"`
		PerSecond  float64        `json:"per_second"`
		P50        float64        `json:"p50_ms"`
		P99        float64        `json:"p99_ms"`
	}
	if err := json.Unmarshal(printed, &counted); err != nil {
		t.Fatalf("%s: %v in %s", s.name, err, printed)
	}
	// Letters on the way when the time was over may have been taken unseen.
	if counted.Letters == 0 {
		t.Errorf("%s took no letter in %v: %v", s.name, c, counted.Failures)
		return figure{Subject: s.name, Cell: c}
	}
	f := figure{
		Subject: s.name, Cell: c, Letters: counted.Letters, Numbered: counted.Registered,
		PerSecond: counted.PerSecond, P50: counted.P50, P99: counted.P99,
	}
	if registered := s.settle(t, counted.Letters); registered > 0 {
		f.Registered = float64(registered) / time.Since(began).Seconds()
	}
	f.CPU = float64((cpuOf(s.pids) - before).Microseconds()) / float64(f.Letters)
	f.Memory = memoryOf(s.pids)
	return f
}

// calm measures the disk's own sync and reports whether it is as it mostly was.
func (r *run) calm(t *testing.T) bool {
	t.Helper()
	times := syncTimes(t, testenv.TempDir(t), 200)
	p50, p99 := times[len(times)/2], times[len(times)*99/100]
	r.Syncs = append(r.Syncs, p50)
	r.SyncP99 = max(r.SyncP99, p99)
	sorted := slices.Sorted(slices.Values(r.Syncs))
	usual := sorted[len(sorted)/2]
	t.Logf("disk: sync p50 %.2f ms, p99 %.2f ms", p50, p99)
	return p50 < 2*usual && p50 > usual/2
}

// syncTimes appends a block to a file and syncs it, n times; sorted, in ms.
func syncTimes(t *testing.T, dir string, n int) []float64 {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "sync"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	var times []float64
	for range n {
		began := time.Now()
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			t.Fatal(err)
		}
		times = append(times, float64(time.Since(began).Microseconds())/1000)
	}
	slices.Sort(times)
	return times
}

func machine() string {
	name := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if model, ok := strings.CutPrefix(line, "model name\t: "); ok {
				name = strings.TrimSpace(model)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, %s", name, runtime.NumCPU(), runtime.GOOS, runtime.Version())
}

func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}
