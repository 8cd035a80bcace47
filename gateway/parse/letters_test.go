package parse

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kancelaria/registry"
)

// What stands in each of the Central European letters, however it is written.
const (
	letterText   = "proszę o przyjęcie zgłoszenia źródła ciepła dla działki przy ulicy Ćwiklińskiej."
	letterAuthor = "Mieszkaniec gminy Źródła"
	letterFile   = "%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)

func TestLettersOfCentralEuropeAreReadRightly(t *testing.T) {
	r := New(Options{})
	table, err := os.ReadFile("testdata/letters/expected.tsv")
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(table)), "\n")[1:]
	for _, row := range rows {
		want := strings.Split(row, "\t")
		t.Run(want[0]+" "+want[5], func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("testdata/letters", want[0]))
			if err != nil {
				t.Fatal(err)
			}
			doc := r.Read(t.Context(), registry.Item{Door: registry.DoorSMTP}, bytes.NewReader(raw))
			equal(t, "subject", doc.Subject, want[1])
			equal(t, "author", doc.Sender(), registry.Address{Name: letterAuthor, Email: "mieszkaniec@poczta.example"})
			if !strings.Contains(doc.Text, letterText) {
				t.Errorf("text = %q, want %q in it", doc.Text, letterText)
			}
			if len(doc.Attachments) != 2 {
				t.Fatalf("%d parts, want 2", len(doc.Attachments))
			}
			file := doc.Attachments[1]
			equal(t, "name", file.Name, want[2])
			equal(t, "raw name", file.RawName, want[3])
			equal(t, "role", file.Role, registry.RoleAttachment)
			equal(t, "charset guessed", slices.Contains(doc.Flags, registry.FlagCharsetGuessed), want[4] != "")
			equal(t, "language", doc.Language, "pl")
			equal(t, "content", contentOf(t, r, raw, file), letterFile)
			equal(t, "flaws", len(doc.Flaws), map[bool]int{true: 1}[strings.HasPrefix(want[0], "k15")])
		})
	}
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// contentOf opens a part and checks it against its digest.
func contentOf(t testing.TB, r *Reader, raw []byte, a registry.Attachment) string {
	t.Helper()
	in, err := r.Open(context.Background(), registry.Item{Door: registry.DoorSMTP}, bytes.NewReader(raw), a.Path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if got := digestOf(b); got != a.Digest.String() || int64(len(b)) != a.Size {
		t.Errorf("part %s: opened %d bytes with digest %s, listed %d with %s", a.Path, len(b), got, a.Size, hex.EncodeToString(a.Digest[:]))
	}
	return string(b)
}
