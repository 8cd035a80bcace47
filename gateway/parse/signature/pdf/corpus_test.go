package pdf

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What this reader alone, without any cryptography, makes of the corpus. The
// counts may rise and never fall; "bad" rows that are left over are for the CMS
// verifier and for trust.
func TestTheCorpusIsJudged(t *testing.T) {
	const validReadable, invalidRefused = 32, 18
	root := os.Getenv("KANCELARIA_CORPORA")
	if root == "" {
		t.Log("KANCELARIA_CORPORA is not set: the corpus is not read")
		return
	}
	table, err := os.ReadFile(filepath.Join(root, "signatures", "expected.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string][2]int{}
	for line := range strings.Lines(string(table)) {
		row := strings.Split(line, "\t")
		if row[1] != "PAdES" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, "signatures", row[0]))
		if err != nil {
			t.Fatal(err)
		}
		whole := false
		if doc, err := Read(t.Context(), bytes.NewReader(b), int64(len(b)), Limits{}); err == nil {
			whole = len(doc.Signatures) > 0
			for _, s := range doc.Signatures {
				// A time stamp may be older than the signature it precedes.
				whole = whole && s.Problem == nil && (s.Covers == CoversWhole || s.Kind == KindTimestamp)
			}
		}
		n := counts[row[2]]
		if n[0]++; whole {
			n[1]++
		}
		counts[row[2]] = n
	}
	for _, label := range []string{"valid", "invalid", "indeterminate", "unsigned", "unknown"} {
		t.Logf("%-14s %3d files, %3d with signatures that cover the whole document", label, counts[label][0], counts[label][1])
	}
	if got := counts["valid"][1]; got < validReadable {
		t.Errorf("%d good signatures are readable, were %d", got, validReadable)
	}
	if got := counts["invalid"][0] - counts["invalid"][1]; got < invalidRefused {
		t.Errorf("%d bad files are refused, were %d", got, invalidRefused)
	}
	if got := counts["unsigned"][1]; got != 0 {
		t.Errorf("%d files without signatures have some", got)
	}
}
