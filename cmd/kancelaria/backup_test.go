package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newMachine is an office's folder with its three files and nothing else.
func newMachine(t *testing.T, like smallTown) smallTown {
	t.Helper()
	w := smallTown{t, filepath.Join(t.TempDir(), "new")}
	if err := os.MkdirAll(w.dir, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kancelaria.yaml", "office.yaml", "rules.yaml"} {
		b, err := os.ReadFile(like.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.path(name), b, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func TestTheWholeMachineIsLost(t *testing.T) {
	w := newSmallTown(t)
	w.letters("Wniosek", "Skarga")
	w.must("accept", "RPW-000001-2026", "--by", "os1")
	dir := filepath.Join(t.TempDir(), "backup")
	if out := w.must("backup", "-o", dir); !strings.Contains(out, "secret keys are not in it") {
		t.Errorf("backup said %q", out)
	}
	w.letters("Petycja") // brought up to date
	w.must("backup", "-o", dir)
	size, root := w.root()
	w.letters("Stracone", "Stracone też") // after the last backup: lost

	n := newMachine(t, w)
	out, errs, code := n.try("restore", dir)
	if code != exitFindings || !strings.Contains(out, "the backup ends at RPW-000003-2026") || !strings.Contains(errs, "numbers nothing yet") {
		t.Fatalf("restore without the last number: exit %d\n%s%s", code, out, errs)
	}
	if again, rootAgain := n.root("--full"); again != size || rootAgain != root {
		t.Errorf("the ledger has %d leaves and root %s, want %d and %s", again, rootAgain, size, root)
	}
	// It accepts, and does not number.
	name := filepath.Join(t.TempDir(), "nowe.txt")
	if err := os.WriteFile(name, []byte("nowe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, _ := n.try("register", name, "--title", "Nowe", "--by", "pk1"); !strings.Contains(out, "accepted as") || !strings.Contains(errs, "restored from a backup") {
		t.Errorf("a letter before the last number is said: %s%s", errs, out)
	}
	if out := n.must("restore", "--last-number", "RPW-000005-2026"); !strings.Contains(out, "1 gaps entered, the ledger is aleksandrowo.example/ksiega/2") {
		t.Errorf("restore said %q", out)
	}
	n.must("verify", "--full")
	n.letters("Dalej")
	list := n.must("list")
	for _, want := range []string{"RPW-000006-2026", "RPW-000007-2026", "Nowe", "RPW-000003-2026"} {
		if !strings.Contains(list, want) {
			t.Errorf("the list lacks %s: %s", want, list)
		}
	}
	if strings.Contains(list, "RPW-000004-2026") {
		t.Errorf("a lost number was given again: %s", list)
	}
	// The restored office has a copybook of its own: it can be recovered.
	_, root = n.root()
	n.dropBook()
	n.must("recover")
	if _, again := n.root(); again != root {
		t.Errorf("after recovering the restored office its root is %s, want %s", again, root)
	}
	// Never over a live office.
	if out, errs, code := n.try("restore", dir, "--last-number", "RPW-000009-2026"); code != exitImmutable || !strings.Contains(errs, "never put over an office") {
		t.Errorf("over a live office: exit %d, %s%s", code, out, errs)
	}
}

func TestAMoveLosesNothing(t *testing.T) {
	w := newSmallTown(t)
	w.letters("Wniosek", "Skarga")
	dir := filepath.Join(t.TempDir(), "backup")
	w.must("backup", "-o", dir)
	size, root := w.root()
	n := newMachine(t, w)
	if _, errs, code := n.try("restore", dir, "--nothing-lost", "--last-number", "2/2026"); code != exitUsage || !strings.Contains(errs, "ledger.key") {
		t.Errorf("without the key: exit %d, %s", code, errs)
	}
	copyDir(t, w.path("data", "keys"), n.path("data", "keys2"))
	for _, key := range []string{ledgerKey, tokenKey} {
		if err := os.Rename(n.path("data", "keys2", key), n.path("data", "keys", key)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(n.path("data", "keys", key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n.must("restore", dir, "--nothing-lost", "--last-number", "RPW-000002-2026")
	if again, rootAgain := n.root(); again != size || rootAgain != root {
		t.Errorf("the ledger has %d leaves and root %s, want %d and %s", again, rootAgain, size, root)
	}
}

func TestADamagedOrForeignBackupIsNotTouchedNorUsed(t *testing.T) {
	w, other := newSmallTown(t), newSmallTown(t)
	w.letters("Wniosek")
	other.letters("Skarga", "Petycja")
	dir := filepath.Join(t.TempDir(), "backup")
	w.must("backup", "-o", dir)
	for name, tt := range map[string]struct {
		run  func() (string, string, int)
		code int
		says string
	}{
		"another office's backup": {func() (string, string, int) { return other.try("backup", "-o", dir) }, exitFindings, "backup of another book"},
		"a folder of something":   {func() (string, string, int) { return w.try("backup", "-o", w.path("drop")) }, exitFailed, "neither empty nor a backup"},
		"among its own data":      {func() (string, string, int) { return w.try("backup", "-o", w.path("data", "b")) }, exitUsage, "lies among the data"},
		"no backup":               {func() (string, string, int) { return newMachine(t, w).try("restore", w.path("drop")) }, exitFailed, "holds no backup"},
		"which backup":            {func() (string, string, int) { return newMachine(t, w).try("restore") }, exitUsage, "which backup"},
	} {
		if out, errs, code := tt.run(); code != tt.code || !strings.Contains(errs, tt.says) {
			t.Errorf("%s: exit %d, %s%s; want %d and %q", name, code, out, errs, tt.code, tt.says)
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "book", "*.gz"))
	if err != nil || len(pages) != 1 {
		t.Fatalf("pages %v, %v", pages, err)
	}
	b, err := os.ReadFile(pages[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(pages[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	n := newMachine(t, w)
	if out, errs, code := n.try("restore", dir, "--last-number", "1/2026"); code != exitFindings || !strings.Contains(out, "backup_file_changed") || !strings.Contains(errs, "nothing was changed") {
		t.Errorf("a damaged backup: exit %d, %s%s", code, out, errs)
	}
	if _, err := os.Stat(n.path("data", "archive")); err == nil {
		t.Error("a damaged backup was put back")
	}
}
