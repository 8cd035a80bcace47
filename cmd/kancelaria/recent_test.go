package main

import (
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

func TestRecentTextsAreTakenOnceAndBounded(t *testing.T) {
	id := func(n int) registry.ItemID {
		return registry.NewItemID(time.Unix(int64(n), 0))
	}
	first, second, third := id(1), id(2), id(3)
	r := newRecent(10)
	r.keep(first, "12345")
	r.keep(second, "12345")
	r.keep(third, "1") // the first must go for it
	if _, ok := r.take(first); ok {
		t.Error("more is kept than allowed")
	}
	if text, ok := r.take(second); !ok || text != "12345" {
		t.Errorf("the second: %q, %v", text, ok)
	}
	if _, ok := r.take(second); ok {
		t.Error("a text is taken twice")
	}
	r.keep(first, strings.Repeat("x", 11)) // one that never fits
	if r.left != 10 || len(r.texts) != 0 {
		t.Errorf("after too long a text %d bytes are left and %d texts kept", r.left, len(r.texts))
	}
}
