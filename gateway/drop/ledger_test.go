package drop_test

import (
	"os"
	"testing"

	"kancelaria/gateway/drop"
)

func TestATornLedgerIsReadAsFarAsItGoes(t *testing.T) {
	name := t.TempDir() + "/taken"
	for range 3 { // a life that is cut off leaves half a line
		l, err := drop.OpenLedger(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		appendTo(t, name, `{"item":"018f`)
	}
}

func appendTo(t *testing.T, name, text string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
