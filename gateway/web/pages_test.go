package web

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kancelaria/registry"
)

// Keys that pages put together from parts are listed by their beginning; the
// words that follow are those of the registry, which has a test of its own.
var keyPattern = regexp.MustCompile(`(?:say|Say|count|Count|has)\(? ?"([a-z_]+\.[a-z_.]+)"`)

func TestEveryTextOfTheCounterIsInTheCatalogue(t *testing.T) {
	pl := registry.Catalogue("pl")
	seen := 0
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") || !strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, ".html") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, m := range keyPattern.FindAllStringSubmatch(string(text), -1) {
			key := m[1]
			seen++
			if strings.HasSuffix(key, ".") || pl.Has(key) || pl.Has(key+"#one") {
				continue
			}
			t.Errorf("%s: the catalogue has no text %q", name, key)
		}
		return nil
	})
	if err != nil || seen < 100 {
		t.Fatalf("looked at %d texts: %v", seen, err)
	}
}

func TestEveryFaultHasItsSentence(t *testing.T) {
	pl := registry.Catalogue("pl")
	for _, f := range faults {
		for _, key := range []string{"web.error." + f.key, "web.error." + f.key + ".title"} {
			if !pl.Has(key) {
				t.Errorf("the catalogue has no text %q", key)
			}
		}
	}
	for _, field := range append(registry.Correctable(), handFields[:len(handFields)-1]...) {
		if !pl.Has("web.field." + field) {
			t.Errorf("the field %q has no name", field)
		}
	}
	for _, act := range []registry.ActKind{
		registry.ActAccept, registry.ActReturn, registry.ActForward, registry.ActNote, registry.ActDue, registry.ActCorrect, registry.ActComplete,
		registry.ActClose, registry.ActAnnul, registry.ActClassify, registry.ActOpenCase, registry.ActJoinCase, registry.ActMoveCase,
		registry.ActCloseCase, registry.ActReopenCase, registry.ActSplit, registry.ActAccess,
	} {
		done := "web.done." + string(act)
		for _, key := range []string{"web.act." + string(act), "web.act." + string(act) + ".do", done} {
			if !pl.Has(key) {
				t.Errorf("the act %s has no text %q", act, key)
			}
		}
	}
}

func TestPagesAndFilesAreSmall(t *testing.T) {
	a, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for name, f := range a.files {
		if f.media == "" {
			t.Errorf("%s has no media type", name)
		}
		total += len(f.plain)
	}
	if total > 60_000 {
		t.Errorf("style, script and picture are %d bytes, more than 60,000", total)
	}
}
