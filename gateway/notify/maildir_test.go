package notify

import (
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

func parcelTo(to string) Parcel {
	return Parcel{
		Row: registry.OutboxRow{
			ID: "17.0", CreatedAt: today,
			Rendered: []byte("To: <" + to + ">\r\nSubject: x\r\n\r\nbody\r\n"),
		},
		From: "b+17@aleksandrowo.example", To: to,
	}
}

func TestAMaildirHoldsTheMailUnderItsAddress(t *testing.T) {
	root := filepath.Join(t.TempDir(), "mail")
	m := NewMaildir(root, "poczta.aleksandrowo.example", time.Now)
	for range 2 { // a repetition replaces the mail that nobody has read
		if _, err := m.Send(t.Context(), parcelTo("A@r1.example")); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(root, "a@r1.example", "new", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files = %v, %v", files, err)
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	read, err := mail.ReadMessage(f)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"To": "<A@r1.example>", "Delivered-To": "A@r1.example", "Return-Path": "<b+17@aleksandrowo.example>",
	} {
		if got := read.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	for _, dir := range []string{"tmp", "cur"} {
		if left, err := os.ReadDir(filepath.Join(root, "a@r1.example", dir)); err != nil || len(left) != 0 {
			t.Errorf("%s holds %v, %v", dir, left, err)
		}
	}
}

func TestNoAddressLeavesItsMaildir(t *testing.T) {
	root := filepath.Join(t.TempDir(), "mail")
	m := NewMaildir(root, "host/with:signs", time.Now)
	for _, to := range []string{"../../etc/x@r1.example", "/abs@r1.example", "a@../../r1", ".@.", "..@x", "a\x00b@r1.example"} {
		if _, err := m.Send(t.Context(), parcelTo(to)); err != nil {
			t.Errorf("%q: %v", to, err)
		}
	}
	outside, err := os.ReadDir(filepath.Dir(root))
	if err != nil || len(outside) != 1 {
		t.Errorf("beside the root lie %v, %v", outside, err)
	}
	inside, _ := os.ReadDir(root)
	for _, d := range inside {
		if strings.HasPrefix(d.Name(), ".") || !d.IsDir() {
			t.Errorf("%q is no name of a maildir", d.Name())
		}
	}
}

func TestAMaildirTakenAwayIsMadeAgain(t *testing.T) {
	root := filepath.Join(t.TempDir(), "mail")
	m := NewMaildir(root, "host", time.Now)
	if _, err := m.Send(t.Context(), parcelTo("a@r1.example")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Send(t.Context(), parcelTo("a@r1.example")); err == nil {
		return
	}
	if _, err := m.Send(t.Context(), parcelTo("a@r1.example")); err != nil {
		t.Errorf("second attempt: %v", err)
	}
}

func TestAFullDiskIsTheChannelsFaultNotTheMails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mail")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := NewMaildir(file, "host", time.Now).Send(t.Context(), parcelTo("a@r1.example"))
	f, ok := err.(*Failure)
	if !ok || !f.Down || f.Permanent {
		t.Errorf("err = %#v", err)
	}
}
