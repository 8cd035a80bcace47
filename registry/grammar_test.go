package registry

import (
	"strings"
	"testing"
)

func TestRegisterNumbersAreReadAsPeopleWriteThem(t *testing.T) {
	for in, want := range map[string]string{
		"RPW-004512-2026": "RPW-004512-2026", "4512/2026": "RPW-004512-2026", "RPW/4512/2026": "RPW-004512-2026",
		" rpw-1-2026 ": "RPW-000001-2026", "RPW-W-7-2026": "RPW-W-000007-2026", "RPW-1000000-2026": "RPW-1000000-2026",
	} {
		n, err := ParseNumber(in)
		if err != nil || n.String() != want {
			t.Errorf("%q is %s, %v; want %s", in, n, err, want)
		}
	}
	for _, bad := range []string{
		"", "RPW", "RPW-2026", "RPW-0-2026", "RPW-1-26", "RPW--1-2026", "-1-2026", "K-RPW-000001-2026", "Z-1-2026", "RPW-1-1899",
		"RPW-1234567890123-2026", "RĄW-1-2026", "OS.6131.12.2026", strings.Repeat("R", 21) + "-1-2026", "RPW-+1-2026",
	} {
		if n, err := ParseNumber(bad); err == nil {
			t.Errorf("%q is read as %s", bad, n)
		}
	}
}

func TestSeriesAreRead(t *testing.T) {
	if s, err := ParseSeries("rpw-w-2026"); err != nil || s != (Series{"RPW-W", 2026}) {
		t.Errorf("%v, %v", s, err)
	}
	for _, bad := range []string{"", "2026", "RPW", "RPW-26", "K-2026", "-2026"} {
		if s, err := ParseSeries(bad); err == nil {
			t.Errorf("%q is read as %s", bad, s)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"RPW-004512-2026", "4512/2026", "rpw/1/2026", "RPW-W-7-2026", "K-RPW-000001-2026", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ParseNumber(s)
		if err != nil {
			return
		}
		if again, err := ParseNumber(n.String()); err != nil || again != n {
			t.Errorf("%q is %s, which is %v, %v", s, n, again, err)
		}
		if series, err := ParseSeries(n.Series().String()); err != nil || series != n.Series() {
			t.Errorf("the series of %q is %v, %v", s, series, err)
		}
		if isFolder(n.String()) || !isFolder(n.Folder()) {
			t.Errorf("%q cannot be told from a folder", s)
		}
	})
}

func FuzzParseLine(f *testing.F) {
	b := newBook(f)
	w, _ := b.commit(letter(1))
	f.Add(w.Leaves[0].Content)
	f.Add([]byte(`{"draft":{"key":"k","act":{"kind":"accepted","subject":"1/2026"}},"outcome":{"state":"written"}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		l, err := ParseLine(content)
		if err != nil {
			return
		}
		// Whatever it says, replaying it does not panic, and what it enters is
		// found again under its key.
		b := newBook(t)
		st := b.state(func(st *State) Wants { return st.MissingForReplay([]Line{l}) })
		w, err := Replay(st, []Line{l})
		if err == nil && (len(w.Leaves) != 1 || w.Leaves[0].Key != l.Draft.Key) {
			t.Errorf("%s: entered as %+v", content, w.Leaves)
		}
	})
}

func TestNumbersAreWrittenWithSixDigits(t *testing.T) {
	for seq, want := range map[int64]string{
		0: "RPW-000000-2026", 1: "RPW-000001-2026", 9: "RPW-000009-2026", 10: "RPW-000010-2026", 99_999: "RPW-099999-2026",
		100_000: "RPW-100000-2026", 999_999: "RPW-999999-2026", 1_000_000: "RPW-1000000-2026",
	} {
		if got := (Number{"RPW", 2026, seq}).String(); got != want {
			t.Errorf("%d is written %s, want %s", seq, got, want)
		}
	}
	if got := (Number{}).String(); got != "" {
		t.Errorf("no number is written %q", got)
	}
}
