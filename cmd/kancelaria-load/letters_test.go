package main

import (
	"bytes"
	"net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"kancelaria/registry"
)

func TestLettersAreFitForTheWire(t *testing.T) {
	all, err := letters()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 14 {
		t.Errorf("%d letters, want at least 14", len(all))
	}
	values := map[string]string{
		"to": "urzad@aleksandrowo.example", "run": "RUN", "date": "Mon, 23 Nov 2026 09:41:07 +0100",
		"subject": "Odp: x", "receipt": "<r@aleksandrowo.example>",
	}
	address := regexp.MustCompile(`[\w.+-]+@[\w.-]+`)
	seen := map[string]bool{}
	for _, l := range all {
		t.Run(l.Name, func(t *testing.T) {
			filled := fill(l.Bytes, values)
			if bytes.Contains(filled, []byte("{{")) {
				t.Error("something in braces was left open")
			}
			if n := bytes.Count(filled, []byte("\n")); n != bytes.Count(filled, []byte("\r\n")) || n != bytes.Count(filled, []byte("\r")) {
				t.Error("a line does not end in CRLF")
			}
			m, err := mail.ReadMessage(bytes.NewReader(filled))
			if err != nil {
				t.Fatal(err)
			}
			if id := m.Header.Get("Message-ID"); id == "" || seen[id] || !strings.Contains(id, "RUN") {
				t.Errorf("Message-ID %q is missing, not new or not of this run", id)
			} else {
				seen[id] = true
			}
			for _, a := range append(address.FindAllString(string(filled), -1), l.From) {
				if a != "" && !strings.HasSuffix(a, ".example") {
					t.Errorf("%s might be somebody's address", a)
				}
			}
		})
	}
}

func TestRobotsWriteFromTheNullPath(t *testing.T) {
	all, err := letters()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if robot := l.Name == "06-autoodpowiedz"; robot != (l.From == "") {
			t.Errorf("letter %s comes from %q", l.Name, l.From)
		}
	}
}

func TestScansOfTwoRunsDiffer(t *testing.T) {
	all, err := scans()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 3 {
		t.Errorf("%d scans, want at least 3", len(all))
	}
	for _, s := range all {
		a := fill(s.Bytes, map[string]string{"run": "0123456789abcdef"})
		b := fill(s.Bytes, map[string]string{"run": "fedcba9876543210"})
		if bytes.Equal(a, b) {
			t.Errorf("%s is the same in every run", s.Name)
		}
		if !bytes.HasPrefix(a, []byte("%PDF-")) || !bytes.HasSuffix(a, []byte("%%EOF\n")) {
			t.Errorf("%s is not a whole PDF file", s.Name)
		}
	}
}

func TestIdIsFoundInTheAnswer(t *testing.T) {
	for _, tt := range []struct{ answer, want string }{
		{"2.0.0 Registered as RPW-004512-2026", "RPW-004512-2026"},
		{"2.0.0 Registered as RPW-W-000001-2027", "RPW-W-000001-2027"},
		{"2.0.0 Accepted as 018f2a3c-5b6d-7e8f-9a0b-1c2d3e4f5a6b", "018f2a3c-5b6d-7e8f-9a0b-1c2d3e4f5a6b"},
		{"2.0.0 Ok: queued", ""},
	} {
		if got := idIn(tt.answer); got != tt.want {
			t.Errorf("idIn(%q) = %q, want %q", tt.answer, got, tt.want)
		}
	}
}

func TestNewestReceiptOfThisRunIsRead(t *testing.T) {
	dir := t.TempDir()
	box := filepath.Join(dir, "a@gazeta.example", "new")
	if err := os.MkdirAll(box, 0o755); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for name, age := range map[string]time.Duration{"old": -time.Hour, "first": time.Second, "second": 2 * time.Second} {
		file := filepath.Join(box, name)
		if err := os.WriteFile(file, []byte("Message-ID: <"+name+"@urzad.example>\r\n\r\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, began.Add(age), began.Add(age)); err != nil {
			t.Fatal(err)
		}
	}
	m, err := (&town{Maildir: dir}).receipt("a@gazeta.example", began)
	if err != nil || m == nil {
		t.Fatalf("receipt = %v, %v", m, err)
	}
	if got := m.Header.Get("Message-ID"); got != "<second@urzad.example>" {
		t.Errorf("receipt = %s", got)
	}
	if m, err := (&town{Maildir: dir}).receipt("b@gazeta.example", began); m != nil || err != nil {
		t.Errorf("somebody else's receipt = %v, %v", m, err)
	}
}

func TestTableIsAligned(t *testing.T) {
	var b strings.Builder
	writeTable(&b, [][]string{{"A", "NUMBER", "WHY"}, {"żółć", "1", "because"}, {"x", "", ""}})
	want := "A     NUMBER  WHY\nżółć  1       because\nx\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestPlaysAreShownByWhatBecameOfThem(t *testing.T) {
	because := []string{"first", "second"}
	numbered := &entry{Number: "RPW-000001-2026", Flags: []string{"a", "b"}}
	numbered.Decision.Because = because
	for _, tt := range []struct {
		name  string
		entry *entry
		full  bool
		want  string
	}{
		{"one that waits", nil, false, "letter|…|||||||018f"},
		{"one in the book", numbered, false, "letter|RPW-000001-2026||||||a b|first"},
		{"one in the book with all reasons", numbered, true, "letter|RPW-000001-2026||||||a b|first; second"},
		{"one beside the book", &entry{Disposition: "beside", Because: because}, false, "letter|beside|||||||first"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(row(&play{Name: "letter", ID: "018f", Entry: tt.entry}, tt.full), "|"); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFrontDoorIsOpenToEverybody(t *testing.T) {
	office := &registry.Office{
		Domain:    "miasto.example",
		Registers: map[string]registry.Register{"RPW": {ID: "RPW"}, "ZS": {ID: "ZS", Restricted: true}},
		Mailboxes: map[string]registry.Mailbox{
			"a.sygnaly@miasto.example": {Kind: "official", Register: "ZS"},
			"b.faktury@miasto.example": {Kind: "official", Register: "RPW", Department: "FN"},
			"c.bm@miasto.example":      {Kind: "individual", Register: "RPW"},
			"urzad@miasto.example":     {Kind: "official", Register: "RPW"},
		},
	}
	if got := frontDoor(office); got != "urzad@miasto.example" {
		t.Errorf("front door = %s", got)
	}
	clear(office.Mailboxes)
	if got := frontDoor(office); got != "postmaster@miasto.example" {
		t.Errorf("front door without mailboxes = %s", got)
	}
}
