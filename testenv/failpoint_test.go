package testenv_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kancelaria/registry"
)

// Every fail point that is declared is listed, so that the crash tests come by
// it, and stands somewhere in the sources. One that is in a test only, or twice
// under one name, would be visited for nothing.
func TestEveryFailPointIsSomewhere(t *testing.T) {
	declared := map[string]string{} // value by name
	text, err := os.ReadFile("../registry/failpoint.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\t(Fail\w+)\s+FailPoint = "([\w.]+)"`).FindAllStringSubmatch(string(text), -1) {
		declared[m[1]] = m[2]
	}
	listed := map[string]bool{}
	for _, p := range registry.FailPoints() {
		if listed[string(p)] {
			t.Errorf("%s is listed twice", p)
		}
		listed[string(p)] = true
	}
	hit := map[string]bool{}
	call := regexp.MustCompile(`\b(Fail\w+)\.Hit\(\)`)
	err = filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		text, err := os.ReadFile(name)
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			hit[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range declared {
		if !listed[value] || !hit[name] {
			t.Errorf("%s (%s): listed %t, in the sources %t", name, value, listed[value], hit[name])
		}
	}
	if len(declared) != len(listed) || len(hit) != len(declared) {
		t.Errorf("%d are declared, %d listed, %d in the sources", len(declared), len(listed), len(hit))
	}
}
