package gateway

import (
	"slices"
	"testing"
)

var quoting = []string{
	"Dotyczy: RPW-004512-2026 oraz pisma OS.6131.12.2026 z 12.11.2026 r.",
	"znak OŚ-ZŁ.6131.12.2026.AB, nr 4512/2026, RPW/4512/2026; tel. 22-123-45-67",
	"(GN.6831.2.2025)[UM.1431.7.2026.XY]<https://www.urzad.example/a-1-2/3.4.5>",
	"ab.cd-1/2/3/4/5/6/7/8 12RPW-1-2026 żółć.1.2 x.1 x.12 x.1.2.3.4.5.6.7",
	"\xff\xfeRPW-1-2026\x00OS.1.2.2026",
	"", "....", "a.1.2", "１.2.3",
}

func TestMarksAreFoundAsIfTheWholeLetterWereSearched(t *testing.T) {
	for _, text := range quoting {
		if got, want := candidates(text, 32), candidate.FindAllString(text, 32); !slices.Equal(got, want) {
			t.Errorf("%q: %q, searched at once %q", text, got, want)
		}
	}
}

func FuzzMarksAreFoundAsIfTheWholeLetterWereSearched(f *testing.F) {
	for _, text := range quoting {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := candidates(text, 32), candidate.FindAllString(text, 32); !slices.Equal(got, want) {
			t.Errorf("%q, searched at once %q", got, want)
		}
	})
}
