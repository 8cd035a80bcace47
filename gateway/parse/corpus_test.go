package parse

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

func corpusFiles(t testing.TB) []string {
	t.Helper()
	root := os.Getenv("KANCELARIA_CORPORA")
	if root == "" {
		t.Log("KANCELARIA_CORPORA is not set: the corpus is not read")
		return nil
	}
	var files []string
	err := filepath.WalkDir(filepath.Join(root, "mime"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(name, ".tsv") {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestCorpusIsReadQuickly(t *testing.T) {
	r := New(Options{})
	var all time.Duration
	for _, name := range corpusFiles(t) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		doc := r.Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, bytes.NewReader(b))
		took := time.Since(began)
		all += took
		if took > 200*time.Millisecond {
			t.Logf("%s: %v", name, took)
		}
		for _, f := range doc.Flaws {
			if f.Code == flawBroken {
				t.Errorf("%s: broken", name)
			}
		}
	}
	t.Logf("whole corpus: %v", all)
}
