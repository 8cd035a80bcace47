package notify

import (
	"os"
	"strings"
	"testing"

	"kancelaria/registry"
)

func TestTheDailyMailTellsTheLedgersHead(t *testing.T) {
	head := strings.TrimSpace(strings.Repeat("0123abcd ", 8))
	for _, tt := range []struct{ name, text string }{
		{"the Polish text", "Ostatni numer: RPW-000007-2026\n" + registry.Catalogue("pl").Say("remark.daily", "size", "4711", "head", head)},
		{"the English text", registry.Catalogue("en").Say("remark.daily", "size", "4711", "head", head)},
	} {
		size, root, err := DailyHead(strings.NewReader("Subject: x\r\n\r\n" + strings.ReplaceAll(tt.text, "¶", "\r\n")))
		if err != nil || size != 4711 || root.String() != strings.ReplaceAll(head, " ", "") {
			t.Errorf("%s: %d, %s, %v", tt.name, size, root, err)
		}
	}
	mail, err := os.Open("testdata/receipt.eml")
	if err != nil {
		t.Fatal(err)
	}
	defer mail.Close()
	if size, _, err := DailyHead(mail); err == nil {
		t.Errorf("a receipt is a daily mail of %d leaves", size)
	}
}
