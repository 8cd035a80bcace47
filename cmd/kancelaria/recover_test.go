package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A smallTown is an office in a folder of the test, and the command line to it.
type smallTown struct {
	t   *testing.T
	dir string
}

func newSmallTown(t *testing.T) smallTown {
	t.Helper()
	w := smallTown{t, filepath.Join(t.TempDir(), "town")}
	var out bytes.Buffer
	if code := run([]string{"init", w.dir}, nil, &out, &out); code != 0 {
		t.Fatalf("init: %s", out.String())
	}
	file := w.path("kancelaria.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	quiet := regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(string(text), "127.0.0.1:0")
	quiet = strings.Replace(quiet, "archive: {segments: data/archive}", "archive: {segments: data/archive, segment_size: 1MiB, min_free: 1MB, unsafe_filesystem: true}", 1)
	if err := os.WriteFile(file, []byte(quiet), 0o640); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w smallTown) path(names ...string) string {
	return filepath.Join(append([]string{w.dir}, names...)...)
}

// try runs a command and gives what it printed and its exit code.
func (w smallTown) try(args ...string) (out, errs string, code int) {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(append([]string{"-c", w.path("kancelaria.yaml")}, args...), nil, &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

// must runs a command that must do what it is told.
func (w smallTown) must(args ...string) string {
	w.t.Helper()
	out, errs, code := w.try(args...)
	if code != 0 {
		w.t.Fatalf("%s: exit %d\n%s%s", strings.Join(args, " "), code, errs, out)
	}
	return out
}

// letters registers some, and lets a clerk work on the first.
func (w smallTown) letters(titles ...string) {
	w.t.Helper()
	for _, title := range titles {
		name := filepath.Join(w.t.TempDir(), "pismo.txt")
		if err := os.WriteFile(name, []byte("Pismo: "+title+"\n"), 0o600); err != nil {
			w.t.Fatal(err)
		}
		w.must("register", name, "--title", title, "--by", "pk1")
	}
}

// root verifies the book and gives its ledger's size and root.
func (w smallTown) root(args ...string) (size int64, root string) {
	w.t.Helper()
	out := w.must(append([]string{"--json", "verify"}, args...)...)
	var sum struct {
		Size int64
		Root string
	}
	if err := json.Unmarshal([]byte(out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:]), &sum); err != nil {
		w.t.Fatalf("verify printed %q: %v", out, err)
	}
	return sum.Size, sum.Root
}

// copyDir copies a folder as it lies.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// dropBook takes the database away.
func (w smallTown) dropBook() {
	w.t.Helper()
	files, err := filepath.Glob(w.path("data", "book.db*"))
	if err != nil || len(files) == 0 {
		w.t.Fatalf("no book: %v", err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestABookThatIsLostIsBuiltAgainFromTheArchive(t *testing.T) {
	w := newSmallTown(t)
	w.letters("Wniosek", "Skarga")
	w.must("accept", "RPW-000001-2026", "--by", "os1")
	w.must("note", "RPW-000001-2026", "zadzwonić", "--by", "os1")
	w.must("annul", "RPW-000002-2026", "--by", "pk1", "--reason", "pomyłka")
	w.letters("Petycja")
	size, root := w.root()

	w.dropBook()
	if out := w.must("recover"); !strings.Contains(out, "from leaf 0 on") {
		t.Errorf("recover said %q", out)
	}
	if again, rootAgain := w.root("--full"); again != size || rootAgain != root {
		t.Errorf("the ledger has %d leaves and root %s, want %d and %s", again, rootAgain, size, root)
	}
	if out := w.must("recover"); !strings.Contains(out, "nothing was changed") {
		t.Errorf("a second time: %q", out)
	}
	if out := w.must("--json", "show", "RPW-000002-2026"); !strings.Contains(out, `"status":"annulled"`) {
		t.Errorf("the annulled entry is %s", out)
	}
	w.letters("Pismo") // and it goes on
	if out := w.must("list"); !strings.Contains(out, "RPW-000004-2026") {
		t.Errorf("the numbers do not go on: %s", out)
	}
}

func TestAnOlderBookIsNotNumberedInUntilItIsRecovered(t *testing.T) {
	w := newSmallTown(t)
	w.letters("Wniosek")
	old := filepath.Join(t.TempDir(), "old")
	copyDir(t, w.path("data"), old)
	w.letters("Skarga", "Petycja")
	w.must("accept", "RPW-000002-2026", "--by", "os1")
	size, root := w.root()

	w.dropBook()
	for _, f := range []string{"book.db"} {
		b, err := os.ReadFile(filepath.Join(old, f))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.path("data", f), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, _, code := w.try("status"); code != exitFindings || !strings.Contains(out, "older than what this node remembers") {
		t.Errorf("status: exit %d, %s", code, out)
	}
	name := filepath.Join(t.TempDir(), "nowe.txt")
	if err := os.WriteFile(name, []byte("nowe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, _ := w.try("register", name, "--title", "Nowe", "--by", "pk1"); !strings.Contains(out, "accepted as") || !strings.Contains(errs, "older than") {
		t.Errorf("a letter for the older book: %s%s", errs, out)
	}
	w.must("recover")
	if again, rootAgain := w.root(); again != size || rootAgain != root {
		t.Errorf("the ledger has %d leaves and root %s, want %d and %s", again, rootAgain, size, root)
	}
	w.letters("Inne") // and the letter that waited is registered with it
	if out := w.must("list"); !strings.Contains(out, "RPW-000005-2026") || !strings.Contains(out, "Nowe") {
		t.Errorf("the waiting letter is not registered: %s", out)
	}
}

func TestAForeignBookIsLeftAlone(t *testing.T) {
	w, other := newSmallTown(t), newSmallTown(t)
	w.letters("Wniosek")
	other.letters("Skarga", "Petycja")
	w.dropBook()
	b, err := os.ReadFile(other.path("data", "book.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.path("data", "book.db"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := w.try("recover"); code != exitFindings || !strings.Contains(errs, "this is another book") {
		t.Errorf("recover over another book: exit %d, %s%s", code, out, errs)
	}
	if after, err := os.ReadFile(w.path("data", "book.db")); err != nil || !bytes.Equal(after, b) {
		t.Error("the other book was changed")
	}
}

func TestLackingLeavesAreSaidAndTheLedgerGoesOnUnderANewName(t *testing.T) {
	w := newSmallTown(t)
	w.letters("Wniosek", "Skarga")
	// What another gateway wrote is in the book and not in this archive.
	data := filepath.Join(t.TempDir(), "data")
	copyDir(t, w.path("data", "archive"), data)
	w.letters("Petycja")
	if err := os.RemoveAll(w.path("data", "archive")); err != nil {
		t.Fatal(err)
	}
	copyDir(t, data, w.path("data", "archive"))
	w.letters("Pismo", "Inne")

	w.dropBook()
	out, errs, code := w.try("recover")
	if code != exitFindings || !strings.Contains(out, "leaf_lacking") || !strings.Contains(out, "numbers 3 to 3 of RPW-2026 are lost") || !strings.Contains(errs, "nothing was changed") {
		t.Fatalf("recover with leaves lacking: exit %d\n%s%s", code, out, errs)
	}
	if _, _, code := w.try("recover", "--new-log"); code != exitUsage {
		t.Errorf("without a reason: exit %d", code)
	}
	if out := w.must("recover", "--new-log", "--reason", "dysk bramki spłonął"); !strings.Contains(out, "ksiega/2") {
		t.Errorf("recover --new-log said %s", out)
	}
	w.must("verify")
	if keys := strings.Fields(w.must("key", "show")); len(keys) != 2 || !strings.HasPrefix(keys[0], "aleksandrowo.example/ksiega/2+") {
		t.Errorf("the keys are %v", keys)
	}
	w.letters("Dalej")
	if out := w.must("list"); !strings.Contains(out, "RPW-000006-2026") || strings.Contains(out, "RPW-000003-2026") {
		t.Errorf("the numbers are %s", out)
	}
}
