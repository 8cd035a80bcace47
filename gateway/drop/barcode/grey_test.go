package barcode

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

func TestHalfADrawnPageIsAnError(t *testing.T) {
	for _, text := range []string{"P5\n2 2\n255\nabc", "P6\n1 1\n255\nabc", "P5\n0 1\n255\n", "P5\n9999 1\n255\n", "P5\n-1 1\n255\n", "P5 1 1 65535 ab", "P5\n11111111111111111111 1\n255\n"} {
		if err := greyPages(bufio.NewReader(strings.NewReader(text)), func(page) error { return nil }); err == nil {
			t.Errorf("%q is taken for a page", text)
		}
	}
}

func FuzzGreyPages(f *testing.F) {
	f.Add([]byte("P5\n2 1\n255\nabP5\n1 1\n255\nc"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		size := 0
		_ = greyPages(bufio.NewReader(bytes.NewReader(raw)), func(p page) error {
			if len(p.grey) != p.width*p.height || p.width > longSide || p.height > longSide {
				t.Errorf("a page of %d by %d has %d bytes", p.width, p.height, len(p.grey))
			}
			size += len(p.grey)
			return nil
		})
		if size > len(raw) {
			t.Errorf("%d pixels out of %d bytes", size, len(raw))
		}
	})
}
