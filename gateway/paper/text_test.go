package paper

import (
	"encoding/csv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestCellsThatLookLikeFormulasAreDefused(t *testing.T) {
	for cell, want := range map[string]string{
		"":             "",
		"Wniosek":      "Wniosek",
		"=1+1":         "'=1+1",
		"+48 22 1":     "'+48 22 1",
		"-2":           "'-2",
		"@SUM(A1)":     "'@SUM(A1)",
		"\t=1":         "'\t=1",
		"\r=1":         "'\r=1",
		"  =1":         "'  =1",
		"\u00a0@x":     "'\u00a0@x",
		"＝1":           "'＝1",
		"– półpauza":   "– półpauza",
		"a=1":          "a=1",
		"'=1":          "'=1",
		"2026-11-23":   "2026-11-23",
		"\x00=cmd":     "'\x00=cmd",
		"OS.6131.1.26": "OS.6131.1.26",
	} {
		if got := defused(cell); got != want {
			t.Errorf("defused(%q) = %q, want %q", cell, got, want)
		}
	}
}

func FuzzDefused(f *testing.F) {
	for _, s := range []string{"=1", " \t@x", "a", "\"=1\"", "x\n=1", "\x00="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, cell string) {
		got := defused(cell)
		if !strings.HasSuffix(got, cell) || len(got) > len(cell)+1 {
			t.Errorf("%q became %q", cell, got)
		}
		if got != "" && strings.ContainsRune("=+-@\t\r", rune(got[0])) {
			t.Errorf("%q is still a formula", got)
		}
		var text strings.Builder
		w := csv.NewWriter(&text)
		if err := w.Write([]string{got, "x"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		back, err := csv.NewReader(strings.NewReader(text.String())).ReadAll()
		if err != nil || len(back) != 1 || len(back[0]) != 2 {
			t.Errorf("%q is no cell of a table: %v %v", got, back, err)
		}
	})
}

func FuzzWrap(f *testing.F) {
	f.Add("Zażółć gęślą jaźń", 20.0)
	f.Add("słowobezspacjiktórejestbardzodługie", 5.0)
	f.Add("\xff\u202e😀\n\n\n", 1.0)
	s := newSheet(upright, "", time.Time{})
	s.SetFont(letters, "", 8)
	f.Fuzz(func(t *testing.T, text string, width float64) {
		if width < 1 || width > 300 {
			return
		}
		lines := s.wrap(text, width, 5)
		if len(lines) > 5 {
			t.Errorf("%d lines", len(lines))
		}
		for _, l := range lines {
			if !utf8.ValidString(l) || utf8.RuneCountInString(l) > 2 && s.GetStringWidth(l) > width+0.01 {
				t.Errorf("%q is wider than %.1f", l, width)
			}
		}
	})
}
