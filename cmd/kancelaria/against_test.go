package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestABookIsVerifiedAgainstWhatLeftTheHouse(t *testing.T) {
	w := newSmallTown(t)
	w.letters("Wniosek", "Skarga")
	size, root := w.root()
	groups := ""
	for i := 0; i < len(root); i += 8 {
		groups += " " + root[i:i+8]
	}
	daily := func(size int64) string {
		name := filepath.Join(t.TempDir(), "daily.eml")
		text := fmt.Sprintf("Subject: zamkniecie dnia\n\nOstatni numer: RPW-000002-2026\nLedger: %d leaves, head:%s\n", size, groups)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	w.must("verify", "--against", daily(size))
	w.letters("Petycja")
	w.must("verify", "--against", daily(size))
	if out, _, code := w.try("verify", "--against", daily(size-1)); code != exitFindings || !strings.Contains(out, "head_changed") {
		t.Errorf("another head: exit %d, %s", code, out)
	}
	if out, _, code := w.try("--json", "verify", "--against", daily(size+100)); code != exitFindings || !strings.Contains(out, `"code":"book_older"`) {
		t.Errorf("a book older than the daily mail of %s leaves: exit %d, %s", strconv.FormatInt(size+100, 10), code, out)
	}
	name := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(name, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := w.try("verify", "--against", name); code != exitFailed || !strings.Contains(errs, "neither a signed head, a receipt nor a daily mail") {
		t.Errorf("against something else: exit %d, %s", code, errs)
	}
}

func TestAReplacedKeyIsSignedByBoth(t *testing.T) {
	w := newSmallTown(t)
	w.letters("Wniosek")
	old := strings.Fields(w.must("key", "show"))
	out := w.must("key", "rotate", "--reason", "zmiana administratora")
	keys := strings.Fields(w.must("key", "show"))
	if len(old) != 1 || len(keys) != 2 || keys[1] != old[0] || keys[0] == old[0] || !strings.Contains(out, keys[0]) {
		t.Errorf("the keys were %v and are %v", old, keys)
	}
	if kept, err := filepath.Glob(w.path("data", "keys", "ledger-until-*.key")); err != nil || len(kept) != 1 {
		t.Errorf("the old key is not kept: %v, %v", kept, err)
	}
	w.must("verify")
	if _, _, code := w.try("key", "rotate"); code != exitUsage {
		t.Errorf("without a reason: exit %d", code)
	}
}
