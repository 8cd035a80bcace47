package gateway_test

import (
	"strings"
	"testing"

	"kancelaria/gateway"
	"kancelaria/registry"
)

func TestOnlyOurOwnCodesAreKnown(t *testing.T) {
	ours, others := gateway.NewLabels([]byte("secret")), gateway.NewLabels([]byte("another"))
	n := registry.Number{Register: "RPW", Year: 2026, Seq: 4512}
	for _, tt := range []struct {
		name, code string
		want       registry.PageCode
	}{
		{"a label", ours.Label(n), registry.PageCode{Is: registry.CodeLabel, Of: "RPW-004512-2026"}},
		{"a slip", ours.Slip(n), registry.PageCode{Is: registry.CodeSlip, Of: "RPW-004512-2026"}},
		{"a separator", ours.Separator(), registry.PageCode{Is: registry.CodeSeparator, Of: "BATCH"}},
		{"another office's label", others.Label(n), registry.PageCode{Text: others.Label(n), Doubtful: true}},
		{"a slip made into a label", "K1L" + ours.Slip(n)[3:], registry.PageCode{Text: "K1L" + ours.Slip(n)[3:], Doubtful: true}},
		{"a label without proof", "K1L.RPW-004512-2026", registry.PageCode{Text: "K1L.RPW-004512-2026", Doubtful: true}},
		{"a payment code", "|PL|123", registry.PageCode{Text: "|PL|123"}},
		{"a code that a terminal would obey", "a\x1b[2J\u202eb", registry.PageCode{Text: "a [2J b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ours.Read(tt.code); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	for _, r := range ours.Label(n) + ours.Separator() {
		if !strings.ContainsRune("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", r) {
			t.Errorf("a QR code writes %q only in its long form", r)
		}
	}
}

func FuzzLabelsRead(f *testing.F) {
	l := gateway.NewLabels([]byte("secret"))
	f.Add(l.Separator())
	f.Add("K1L.RPW-000001-2026.AAAAAAAA")
	f.Add("\xff\x00")
	f.Fuzz(func(t *testing.T, text string) {
		c := l.Read(text)
		if c.Is == registry.CodeLabel && text != l.Label(mustNumber(t, c.Of)) {
			t.Errorf("%q is taken for a label of %s", text, c.Of)
		}
		if len([]rune(c.Text)) > 200 {
			t.Errorf("%d characters of a foreign code are kept", len([]rune(c.Text)))
		}
	})
}

func mustNumber(t *testing.T, s string) registry.Number {
	t.Helper()
	n, err := registry.ParseNumber(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
