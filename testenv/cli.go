package testenv

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

// A Result is what one run of the command line gave.
type Result struct {
	Stdout, Stderr string
	Code           int // exit code
}

// An Entry is what list and show print as JSON, as far as tests look at it.
type Entry struct {
	Number       string    `json:"number"`
	Register     string    `json:"register"`
	ItemID       string    `json:"item_id"`
	Folder       string    `json:"folder"`
	Case         string    `json:"case"`
	CaseState    string    `json:"case_state"`
	Door         string    `json:"door"`
	AcceptedAt   time.Time `json:"accepted_at"`
	RegisteredAt time.Time `json:"registered_at"`
	Subject      string    `json:"subject"`
	MessageID    string    `json:"message_id"`
	Class        string    `json:"class"`
	Department   string    `json:"department"`
	Clerk        string    `json:"clerk"`
	Due          string    `json:"due"`
	Status       string    `json:"status"`
	Flags        []string  `json:"flags"`
	Original     struct {
		SHA256 string `json:"sha256"`
		Size   int64  `json:"size"`
	} `json:"original"`
	Events []struct {
		Kind   string `json:"kind"`
		Actor  string `json:"actor"`
		Reason string `json:"reason"`
	} `json:"events"`
}

// Try runs the command line and gives what came of it, good or bad.
func (h *House) Try(t testing.TB, args ...string) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := h.Command(args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = patience
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("kancelaria %s: %v", strings.Join(args, " "), err)
	}
	return Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: cmd.ProcessState.ExitCode()}
}

// Run runs the command line, which must succeed, and gives what it printed.
func (h *House) Run(t testing.TB, args ...string) string {
	t.Helper()
	r := h.Try(t, args...)
	if r.Code != 0 {
		t.Fatalf("kancelaria %s: exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Stderr, r.Stdout)
	}
	return r.Stdout
}

// List gives the entries of the book, newest first; args narrow it down.
func (h *House) List(t testing.TB, args ...string) []Entry {
	t.Helper()
	return readEntries(t, h.Run(t, append([]string{"--json", "list", "--limit", "1000000"}, args...)...))
}

func readEntries(t testing.TB, out string) []Entry {
	t.Helper()
	var entries []Entry
	for line := range strings.Lines(out) {
		var e Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("list printed %q: %v", line, err)
		}
		entries = append(entries, e)
	}
	return entries
}

// Ask asks the running daemon by its socket, as the command line does: what is
// asked for again and again needs no program started each time.
func (h *House) Ask(t testing.TB, path string) []byte {
	t.Helper()
	c := http.Client{Timeout: patience, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(h.Dir, "data", "control.sock"))
		},
	}}
	res, err := c.Get("http://kancelaria/api/v1/" + path)
	if err != nil {
		t.Fatalf("asking for %s: %v", path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("asking for %s: %s, %v\n%s", path, res.Status, err, body)
	}
	return body
}

// Book gives the newest entries as List does, by asking the running daemon.
func (h *House) Book(t testing.TB, limit int) []Entry {
	t.Helper()
	return readEntries(t, string(h.Ask(t, fmt.Sprintf("entries?limit=%d", limit))))
}

// Show gives one entry by number, item id, folder or case number.
func (h *House) Show(t testing.TB, number string) Entry {
	t.Helper()
	var e Entry
	if out := h.Run(t, "--json", "show", number); json.Unmarshal([]byte(out), &e) != nil {
		t.Fatalf("show %s printed %q", number, out)
	}
	return e
}

// Original gives the bytes as they arrived.
func (h *House) Original(t testing.TB, number string) []byte {
	t.Helper()
	return []byte(h.Run(t, "original", number))
}

// WaitFor waits until at least n entries are in the book and gives them.
func (h *House) WaitFor(t testing.TB, n int) []Entry {
	t.Helper()
	var entries []Entry
	Eventually(t, "waiting for the book", func() error {
		if entries = h.List(t); len(entries) < n {
			return fmt.Errorf("%d entries of %d", len(entries), n)
		}
		return nil
	})
	return entries
}

// CheckGapless fails the test unless every series of the entries runs 1, 2, 3
// without a hole or a double, in the order of registration.
func CheckGapless(t testing.TB, entries []Entry) {
	t.Helper()
	type line struct {
		registry.Number
		at time.Time
	}
	books := map[registry.Series][]line{}
	for _, e := range entries {
		n, err := registry.ParseNumber(e.Number)
		if err != nil {
			t.Errorf("an entry without a proper number: %v", err)
			continue
		}
		books[n.Series()] = append(books[n.Series()], line{n, e.RegisteredAt})
	}
	for series, book := range books {
		slices.SortFunc(book, func(a, b line) int { return cmp.Compare(a.Seq, b.Seq) })
		for i, l := range book {
			if l.Seq != int64(i+1) {
				t.Errorf("%s stands at place %d of %d in %s", l, i+1, len(book), series)
				break
			}
			if i > 0 && l.at.Before(book[i-1].at) {
				t.Errorf("%s was registered before %s", l, book[i-1])
			}
		}
	}
}
