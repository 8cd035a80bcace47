package drop

import (
	"fmt"
	"strings"
	"testing"

	"kancelaria/registry"
)

// batch reads "- S L7 -": a page without codes, a sheet, a label of entry 7.
func batch(text string) (codes []registry.PageCode, pages int) {
	for i, p := range strings.Fields(text) {
		pages++
		switch {
		case p == "S":
			codes = append(codes, registry.PageCode{Page: i + 1, Is: registry.CodeSeparator})
		case p[0] == 'L':
			codes = append(codes, registry.PageCode{Page: i + 1, Is: registry.CodeLabel, Of: p[1:]})
		case p == "?":
			codes = append(codes, registry.PageCode{Page: i + 1, Text: "else's"})
		}
	}
	return codes, pages
}

func TestABatchIsDividedAtItsSheets(t *testing.T) {
	for _, tt := range []struct{ name, pages, want string }{
		{"one letter", "- - -", "1-3"},
		{"three sheets between four letters", "- - S - S - - - S -", "1-2 4 6-8 10"},
		{"a sheet on top and below", "S - - S", "2-3"},
		{"two sheets in a row", "- S S -", "1 4"},
		{"sheets only", "S S", "1-2"},
		{"a label on top", "L7 - -", "1-3=7"},
		{"a label on each page of a letter", "L7 L7 L7", "1-3=7"},
		{"labels of two letters", "L7 - L8 -", "1-2=7 3-4=8"},
		{"an unmarked letter, and one with a label", "- - L8", "1-2 3=8"},
		{"the same label on both sides of a sheet", "L7 S L7", "1=7 3=7"},
		{"somebody else's codes", "? ? ?", "1-3"},
		{"no scan", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			codes, pages := batch(tt.pages)
			for _, l := range split(codes, pages) {
				s := l.String()
				if l.attach != "" {
					s += "=" + l.attach
				}
				got = append(got, s)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("divided into %q, want %q", s, tt.want)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte("- S L7 -"), uint8(4))
	f.Fuzz(func(t *testing.T, kinds []byte, pages uint8) {
		var codes []registry.PageCode
		sheets := map[int]bool{}
		for i, k := range kinds {
			c := registry.PageCode{Page: i % 300}
			switch k % 4 {
			case 0:
				c.Is = registry.CodeSeparator
				sheets[c.Page] = true
			case 1:
				c.Is, c.Of = registry.CodeLabel, fmt.Sprint(k/4)
			}
			codes = append(codes, c)
		}
		next, covered := 1, 0
		for _, l := range split(codes, int(pages)) {
			if l.First < next || l.Last < l.First || l.Last > int(pages) {
				t.Fatalf("letter %v after page %d of %d", l.Pages, next-1, pages)
			}
			next, covered = l.Last+1, covered+l.Last-l.First+1
		}
		lost := 0
		for p := 1; p <= int(pages); p++ {
			if sheets[p] {
				lost++
			}
		}
		if covered != int(pages)-lost && covered != int(pages) {
			t.Errorf("%d of %d pages are in letters, %d are sheets", covered, pages, lost)
		}
	})
}
