package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsDoneToOriginalsOnTheDiskIsFoundAndNamed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		attack func(t *testing.T, w smallTown)
		says   string
		hidden bool // the original is not handed out any more
	}{
		{"an original is changed", func(t *testing.T, w smallTown) {
			w.inSegments(func(b []byte) bool {
				at := bytes.Index(b, []byte("Pismo: Wniosek"))
				if at >= 0 {
					b[at+7] = 'w'
				}
				return at >= 0
			})
		}, "differs", true},
		{"an original is missing", func(t *testing.T, w smallTown) {
			if err := os.Remove(w.large()); err != nil {
				t.Fatal(err)
			}
		}, "is not there", false},
		{"an original is replaced", func(t *testing.T, w smallTown) {
			name := w.large()
			st, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(name, 0o640); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, bytes.Repeat([]byte("x"), int(st.Size())), 0o640); err != nil {
				t.Fatal(err)
			}
		}, "original differs", false},
		{"a segment is missing", func(t *testing.T, w smallTown) {
			if err := os.Remove(w.segments()[0]); err != nil {
				t.Fatal(err)
			}
		}, "archive_segment_missing", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newSmallTown(t)
			w.letters("Wniosek")
			big := filepath.Join(t.TempDir(), "skan.pdf")
			if err := os.WriteFile(big, bytes.Repeat([]byte("%PDF skan "), 60_000), 0o600); err != nil {
				t.Fatal(err)
			}
			w.must("register", big, "--title", "Skan", "--by", "pk1")
			w.must("verify", "--full")
			tt.attack(t, w)
			out, errs, code := w.try("verify", "--full")
			if code != exitFindings || !strings.Contains(out, tt.says) {
				t.Errorf("verify: exit %d\n%s%s", code, out, errs)
			}
			if _, _, code := w.try("original", "RPW-000001-2026"); tt.hidden && code == 0 {
				t.Error("an original that is not the one is handed out")
			}
		})
	}
}

func (w smallTown) segments() []string {
	w.t.Helper()
	all, err := filepath.Glob(w.path("data", "archive", "*", "*.seg"))
	if err != nil || len(all) == 0 {
		w.t.Fatalf("no segments: %v", err)
	}
	return all
}

// inSegments lets change alter bytes of the first segment it likes.
func (w smallTown) inSegments(change func([]byte) bool) {
	w.t.Helper()
	for _, name := range w.segments() {
		b, err := os.ReadFile(name)
		if err != nil {
			w.t.Fatal(err)
		}
		if !change(b) {
			continue
		}
		st, err := os.Stat(name)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := os.Chmod(name, 0o640); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(name, b, 0o640); err != nil {
			w.t.Fatal(err)
		}
		if err := os.Chmod(name, st.Mode()); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	w.t.Fatal("no segment holds it")
}

// large is the one original in a file of its own.
func (w smallTown) large() string {
	w.t.Helper()
	all, err := filepath.Glob(w.path("data", "archive", "*", "large", "2*", "*"))
	if err != nil || len(all) != 1 {
		w.t.Fatalf("large originals: %v, %v", all, err)
	}
	return all[0]
}
