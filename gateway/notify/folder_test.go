package notify

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kancelaria/registry"
)

// twoFiles are the documents of every entry.
type twoFiles struct{ opened int }

func (d *twoFiles) Documents(context.Context, registry.Number) ([]Document, error) {
	open := func(text string) func(context.Context) (io.ReadCloser, error) {
		return func(context.Context) (io.ReadCloser, error) {
			d.opened++
			return io.NopCloser(strings.NewReader(text)), nil
		}
	}
	return []Document{{Name: "list.eml", MediaType: "message/rfc822", Open: open("letter")}, {Name: `..\..\wniosek:1.pdf `, Open: open("application")}}, nil
}

func folderParcel(variant string) Parcel {
	return Parcel{
		Row: registry.OutboxRow{ID: "1.0", Number: registry.Number{Register: "RPW", Year: 2026, Seq: 7}, Rendered: []byte("X-Kancelaria-Text: " + variant + "\r\n\r\n")},
		To:  "os1",
	}
}

func TestAClerkGetsReadOnlyCopiesNamedByNumber(t *testing.T) {
	dir := t.TempDir()
	f := NewFolder(NewLocalShelf(dir), &twoFiles{})
	for range 2 { // twice changes nothing
		if _, err := f.Send(t.Context(), folderParcel("notice/standard/1")); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"RPW-000007-2026-00-list.eml":          "letter",
		"RPW-000007-2026-01-_.._wniosek_1.pdf": "application",
	}
	found, err := os.ReadDir(filepath.Join(dir, "os1", "RPW-000007-2026"))
	if err != nil || len(found) != len(want) {
		t.Fatalf("found %v, %v", found, err)
	}
	for _, e := range found {
		content, err := os.ReadFile(filepath.Join(dir, "os1", "RPW-000007-2026", e.Name()))
		if err != nil || string(content) != want[e.Name()] {
			t.Errorf("%s holds %q, %v", e.Name(), content, err)
		}
		if info, _ := e.Info(); info.Mode().Perm() != 0o440 {
			t.Errorf("%s has mode %o", e.Name(), info.Mode().Perm())
		}
	}
}

func TestRestrictedEntriesAreNotCopied(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewFolder(NewLocalShelf(dir), &twoFiles{}).Send(t.Context(), folderParcel("notice/restricted/1")); err != nil {
		t.Fatal(err)
	}
	if found, _ := os.ReadDir(dir); len(found) != 0 {
		t.Errorf("copied %v", found)
	}
}

func TestAFolderThatIsNotThereIsTriedAgain(t *testing.T) {
	_, err := NewFolder(NewLocalShelf(filepath.Join(t.TempDir(), "away")), &twoFiles{}).Send(t.Context(), folderParcel(""))
	f, ok := errors.AsType[*Failure](err)
	if !ok || f.Permanent {
		t.Errorf("err = %v", err)
	}
}

func TestFileNamesFitEveryDisk(t *testing.T) {
	for in, want := range map[string]string{
		"":                                "document",
		"...":                             "document",
		"a/b\\c:d.pdf":                    "a_b_c_d.pdf",
		"zażółć\r\n\u202egpj.exe":         "zażółć gpj.exe",
		strings.Repeat("ż", 200) + ".pdf": strings.Repeat("ż", 76) + ".pdf",
		"x." + strings.Repeat("long", 50): clip("x."+strings.Repeat("long", 50), 80)[:80],
	} {
		got := fileName(in)
		if len([]rune(got)) > maxFileName {
			t.Errorf("fileName(%.20q) has %d characters", in, len([]rune(got)))
		}
		if !strings.HasPrefix(in, "x.") && got != want {
			t.Errorf("fileName(%.20q) = %q, want %q", in, got, want)
		}
	}
}
