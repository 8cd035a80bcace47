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

// The whole corpus is read, nothing breaks the reader, and each part opens as
// the bytes that were listed.
func TestTheCorpusIsReadWhole(t *testing.T) {
	r := New(Options{TempDir: t.TempDir()})
	it := registry.Item{Door: registry.DoorSMTP}
	var all time.Duration
	for _, name := range corpusFiles(t) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		doc := r.Read(t.Context(), it, bytes.NewReader(b))
		took := time.Since(began)
		if all += took; took > 200*time.Millisecond {
			t.Logf("%s: %v", name, took)
		}
		checkDocument(t, doc, int64(len(b)))
		for _, a := range doc.Attachments {
			if !a.Digest.IsZero() {
				contentOf(t, r, b, a)
			}
		}
		if t.Failed() {
			t.Fatalf("in %s", name)
		}
	}
	t.Logf("read in %v", all)
}
