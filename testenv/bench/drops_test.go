package bench_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/testenv"
)

// A job is a heap of files that somebody brings.
type job struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
	Size  int    `json:"size"`
}

var jobs = []job{{"1,000 × 100 KB", 1000, 100 << 10}, {"10 × 100 MB", 10, 100 << 20}}

// What the drops wait for before they take a file. It is taken off the time,
// being a setting and no work.
const benchSettle = 200 * time.Millisecond

// A dropGoal is a ratio of times in the same round: the peer's by ours.
type dropGoal struct {
	door, peer string
	job        string
	least      float64
}

var dropGoals = []dropGoal{
	{"folder", "cp + fsync", jobs[0].Name, 1},
	{"folder", "cp + fsync", jobs[1].Name, 0.6},
	{"share", "smbclient", jobs[0].Name, 0.45},
	{"share", "smbclient", jobs[1].Name, 0.9},
}

// A dropFigure is how long something took with a job.
type dropFigure struct {
	Who     string  `json:"who"`
	Job     string  `json:"job"`
	Round   int     `json:"round"`
	Seconds float64 `json:"seconds"`
}

// TestBenchDrops measures files against what copies them without registering
// anything: cp with an fsync for a folder, smbclient for a share.
func TestBenchDrops(t *testing.T) {
	if *only != "" && !strings.Contains("drops", *only) {
		t.Skip("not asked for")
	}
	server := testenv.Samba(t, testenv.SambaOptions{})
	secret := filepath.Join(testenv.TempDir(t), "password")
	if err := os.WriteFile(secret, []byte(server.Password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := testenv.Daemon(t, testenv.Options{Edit: func(yaml string) string {
		i := strings.Index(yaml, "drops:\n")
		end := i + strings.Index(yaml[i:], "\n\n")
		return yaml[:i] + fmt.Sprintf("drops:\n  - {name: skaner, folder: drop/skaner, settle: %s, every: 1s, max_size: 200MB}\n"+
			"  - {name: pietro, smb: //%s/skany, username: %s, password_file: %s, settle: %s, every: 1s, max_size: 200MB}\n",
			benchSettle, server.Addr, server.User, secret, benchSettle) + yaml[end:]
	}})
	b := &dropBench{house: h, server: server}
	for round := 1; round <= *rounds; round++ {
		for _, j := range jobs {
			b.round(t, round, j)
		}
	}
	b.write(t, *out)
}

type dropBench struct {
	house   *testenv.House
	server  *testenv.SMB
	held    int // entries in the book
	figures []dropFigure
}

// round lets everybody do a job, in random order.
func (b *dropBench) round(t *testing.T, round int, j job) {
	t.Helper()
	for _, i := range rand.Perm(4) {
		who := []string{"folder", "cp + fsync", "share", "smbclient"}[i]
		var took time.Duration
		switch who {
		case "folder":
			took = b.dropped(t, b.house.Drop, j)
		case "share":
			took = b.dropped(t, b.server.Path("skany"), j)
		case "cp + fsync":
			took = copied(t, files(t, testenv.TempDir(t), j), testenv.TempDir(t))
		default:
			took = b.fetched(t, j)
		}
		b.figures = append(b.figures, dropFigure{who, j.Name, round, took.Seconds()})
		t.Logf("round %d, %-15s %-11s %7.2f s", round, j.Name, who, took.Seconds())
	}
}

// files writes a job's files, each with other bytes.
func files(t *testing.T, dir string, j job) (paths []string) {
	t.Helper()
	page := make([]byte, j.Size)
	for n := range j.Count {
		for i := 0; i < len(page); i += 8 {
			v := rand.Uint64()
			for k := 0; k < 8 && i+k < len(page); k++ {
				page[i+k] = byte(v >> (8 * k))
			}
			if i > 4096 && n > 0 {
				break // other bytes at the beginning are enough
			}
		}
		copy(page, "%PDF-1.4\n")
		copy(page[len(page)-7:], "\n%%EOF\n")
		p := filepath.Join(dir, fmt.Sprintf("SCAN%04d.pdf", n))
		if err := os.WriteFile(p, page, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(p, 0o666); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, p)
	}
	return paths
}

// dropped moves files into a source and waits until all are registered.
func (b *dropBench) dropped(t *testing.T, into string, j job) time.Duration {
	t.Helper()
	staging, err := os.MkdirTemp(filepath.Dir(into), "staging")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(staging)
	paths := files(t, staging, j)
	began := time.Now()
	for _, p := range paths {
		if err := os.Rename(p, filepath.Join(into, filepath.Base(p))); err != nil {
			t.Fatal(err)
		}
	}
	b.held = settled(t, b.house, b.held+j.Count)
	return time.Since(began) - benchSettle
}

// copied copies files one after the other, each synced.
func copied(t *testing.T, paths []string, into string) time.Duration {
	t.Helper()
	began := time.Now()
	for _, p := range paths {
		if err := copySynced(p, filepath.Join(into, filepath.Base(p))); err != nil {
			t.Fatal(err)
		}
	}
	return time.Since(began)
}

func copySynced(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Sync()
}

// fetched lets smbclient copy the files from the share.
func (b *dropBench) fetched(t *testing.T, j job) time.Duration {
	t.Helper()
	dir := filepath.Join(b.server.Path("skany"), ".kancelaria-bench") // the daemon looks into no hidden folder
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	files(t, dir, j)
	host, port, err := net.SplitHostPort(b.server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("smbclient", "-p", port, "-U", b.server.User+"%"+b.server.Password, "//"+host+"/skany",
		"-D", filepath.Base(dir), "-c", "prompt off; mget *.pdf")
	cmd.Dir = testenv.TempDir(t)
	began := time.Now()
	if printed, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("smbclient: %v\n%s", err, printed)
	}
	took := time.Since(began)
	got, err := filepath.Glob(filepath.Join(cmd.Dir, "*.pdf"))
	if err != nil || len(got) != j.Count {
		t.Fatalf("smbclient fetched %d of %d files, %v", len(got), j.Count, err)
	}
	return took
}

// write leaves drops.json and drops.md in dir.
func (b *dropBench) write(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	raw, err := json.MarshalIndent(b.figures, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"drops.json": string(raw), "drops.md": b.table()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("the table is in %s\n\n%s", dir, b.table())
}

func (b *dropBench) table() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s; commit %s; registered included, settling (%s) taken off\n\n| door | files | against | times as fast, median (min–max) | wanted | |\n|---|---|---|---|---|---|\n",
		machine(), commit(), benchSettle)
	for _, g := range dropGoals {
		var ratios []float64
		for _, ours := range b.figures {
			for _, peer := range b.figures {
				if ours.Who == g.door && peer.Who == g.peer && ours.Job == g.job && peer.Job == g.job && ours.Round == peer.Round {
					ratios = append(ratios, peer.Seconds/ours.Seconds)
				}
			}
		}
		r, verdict := spreadOf(ratios), "reached"
		if r.Median < g.least {
			verdict = "SHORT"
		}
		fmt.Fprintf(&s, "| %s | %s | %s | %.2f (%.2f–%.2f) | ≥ %.2f | %s |\n", g.door, g.job, g.peer, r.Median, r.Min, r.Max, g.least, verdict)
	}
	return s.String()
}
