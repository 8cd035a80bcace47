package folder_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/drop"
	"kancelaria/registry"
)

// A codesReader finds what the test lays on the pages, when it looks far enough.
type codesReader struct {
	codes []registry.PageCode
	pages int
	err   error
}

func (c codesReader) Read(_ context.Context, _ io.ReaderAt, _ int64, all bool) ([]registry.PageCode, int, error) {
	if all {
		return c.codes, c.pages, c.err
	}
	var first []registry.PageCode
	for _, code := range c.codes {
		if code.Page == 1 {
			first = append(first, code)
		}
	}
	return first, min(c.pages, 1), c.err
}

func sheet(page int) registry.PageCode {
	return registry.PageCode{Page: page, Is: registry.CodeSeparator, Of: "BATCH"}
}

func labelOf(page int, number string) registry.PageCode {
	return registry.PageCode{Page: page, Is: registry.CodeLabel, Of: number}
}

// Each letter of a batch is an item of its own; the batch is kept whole, once.
func TestABatchBecomesSeveralItemsOfOneOriginal(t *testing.T) {
	for _, tt := range []struct {
		name  string
		codes codesReader
		all   bool
		want  string // pages=label of each item
	}{
		{"sheets between letters, every page looked at", codesReader{codes: []registry.PageCode{sheet(3), sheet(5)}, pages: 6}, true, "1-2 4 6"},
		{"a sheet on top is looked behind", codesReader{codes: []registry.PageCode{sheet(1), sheet(3)}, pages: 4}, false, "2 4"},
		{"a sheet further down is not looked for", codesReader{codes: []registry.PageCode{sheet(2)}, pages: 3}, false, "-"},
		{"a label on the first page", codesReader{codes: []registry.PageCode{labelOf(1, "RPW-000007-2026")}, pages: 3}, false, "-=RPW-000007-2026"},
		{"a label behind a sheet", codesReader{codes: []registry.PageCode{sheet(2), labelOf(3, "RPW-000007-2026")}, pages: 3}, true, "1 3=RPW-000007-2026"},
		{"a batch that could not be looked through", codesReader{codes: []registry.PageCode{sheet(1)}, pages: 9, err: errors.New("torn")}, true, "-"},
		{"no codes", codesReader{pages: 2}, true, "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScanner(t, func(o *drop.Options) { o.Codes, o.AllPages = tt.codes, tt.all })
			whole := pdf("a batch")
			s.write("partia.pdf", whole)
			s.scans(0, 3*time.Second, 10*time.Second)
			var got []string
			for id, it := range s.office.items {
				text := "-"
				if it.File.Pages != nil {
					text = it.File.Pages.String()
				}
				if it.File.Attach != "" {
					text += "=" + it.File.Attach
				}
				got = append(got, text)
				if string(s.office.bytes[id]) != string(whole) {
					t.Errorf("the original of %s is not the whole batch", text)
				}
			}
			slices.Sort(got)
			if strings.Join(got, " ") != tt.want {
				t.Errorf("taken as %q, want %q", got, tt.want)
			}
			if left := strings.Join(s.files(), "\n"); strings.Count(left, "partia.pdf") != 1 || !strings.Contains(left, "_zarejestrowane") {
				t.Errorf("the folder holds %q", left)
			}
		})
	}
}

// An answer that was lost after the batch was kept takes nothing a second time.
func TestABatchIsDividedOnceWhateverIsLost(t *testing.T) {
	change := func(o *drop.Options) {
		o.Codes, o.AllPages = codesReader{codes: []registry.PageCode{sheet(2)}, pages: 3}, true
	}
	s := newScanner(t, change)
	s.office.lose = errors.New("the answer was lost")
	s.write("partia.pdf", pdf("a batch"))
	s.scans(0)
	if err := s.scan(3 * time.Second); err == nil {
		t.Error("a lost answer is not told")
	}
	s.office.lose = nil
	s.open(change) // another life
	s.scans(10*time.Second, 10*time.Second)
	if len(s.office.items) != 2 {
		t.Errorf("%d items, want 2", len(s.office.items))
	}
}
