package archive

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kancelaria/registry"
)

// The same promises on the real file system.
func TestOnARealDisk(t *testing.T) {
	dir := t.TempDir()
	opt := Options{SegmentSize: 1 << 20, MinFree: 1, MinInodes: 1, UnsafeFilesystem: true, Node: "gw1"}
	a, err := Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(6, 1))
	var letters []letter
	for i := range 40 {
		letters = append(letters, mustDeliver(t, a, newItem(r), random(r, 1000+i*8000)))
	}
	secret := deliverSecret(t, a, r, 1, 100)
	large := deliverSecret(t, a, r, 2, 400_000)
	if _, err := Open(dir, opt); !errors.Is(err, ErrLocked) {
		t.Errorf("second writer: error %v, want ErrLocked", err)
	}
	if err := a.Erase(t.Context(), []Erasure{erasure(secret), erasure(large)}); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if a, err = Open(dir, opt); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, l := range letters {
		wantLetter(t, a, l)
	}
	for _, l := range []letter{secret, large} {
		if _, err := a.Original(t.Context(), l.place, l.item); !errors.Is(err, registry.ErrErased) {
			t.Errorf("erased: error %v, want ErrErased", err)
		}
	}
	if got := codes(t, a, true); len(got) > 0 {
		t.Errorf("fsck found %v", got)
	}
	wantModes(t, dir)
}

// wantModes checks that what is finished is read-only, that nobody else reads
// anything, and that no secret is left.
func wantModes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		final := strings.HasSuffix(path, ".seg") || strings.Contains(path, "/large/")
		if mode := info.Mode().Perm(); final && mode != 0o440 || mode&0o007 != 0 {
			t.Errorf("%s has mode %o", path, mode)
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("the secret of letter")) {
			t.Errorf("%s still holds a secret", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRenameNeverReplaces(t *testing.T) {
	d := disk{t.TempDir()}
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(d.path(name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Rename("a", "b"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v, want ErrExist", err)
	}
	if b, err := os.ReadFile(d.path("b")); err != nil || string(b) != "b" {
		t.Errorf("b holds %q, %v", b, err)
	}
	if err := d.Rename("a", "c"); err != nil {
		t.Error(err)
	}
}
