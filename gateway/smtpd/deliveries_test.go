package smtpd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
)

func openLog(t *testing.T, dir string) *Deliveries {
	t.Helper()
	d, err := OpenDeliveries(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// found gives the senders a search finds, in order.
func found(t *testing.T, d *Deliveries, q Search) []string {
	t.Helper()
	var senders []string
	for one, err := range d.Find(q) {
		if err != nil {
			t.Fatal(err)
		}
		senders = append(senders, one.Sender)
	}
	return senders
}

func at(day string) time.Time {
	moment, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return moment.Add(12 * time.Hour)
}

func TestDeliveriesAreFoundBySenderAndTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deliveries")
	d := openLog(t, dir)
	id := registry.NewItemID(at("2026-11-23"))
	for _, one := range []Delivery{
		{At: at("2026-10-31"), Sender: "jan@resident.example", Code: 250},
		{At: at("2026-11-01"), Sender: "Jan@Resident.Example", Code: 550, Command: "RCPT"},
		{At: at("2026-11-23"), Sender: "ewa@other.example", Code: 250, Items: []registry.ItemID{id}, Recipients: []string{"urzad@aleksandrowo.example"}},
		{At: at("2026-12-01"), Sender: "", Code: 421, Command: "CONNECT", Peer: "203.0.113.5"},
	} {
		d.Record(one)
	}
	for _, tt := range []struct {
		name string
		q    Search
		want []string
	}{
		{"all", Search{}, []string{"jan@resident.example", "Jan@Resident.Example", "ewa@other.example", ""}},
		{"by sender in any case", Search{Sender: "JAN@resident"}, []string{"jan@resident.example", "Jan@Resident.Example"}},
		{"by domain", Search{Sender: "@other.example"}, []string{"ewa@other.example"}},
		{"since a day", Search{Since: at("2026-11-23")}, []string{"ewa@other.example", ""}},
		{"both", Search{Sender: "jan", Since: at("2026-11-01")}, []string{"Jan@Resident.Example"}},
		{"none", Search{Sender: "nobody"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := found(t, d, tt.q); !slices.Equal(got, tt.want) {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
	for one, err := range FindDeliveries(dir, Search{Sender: "ewa"}) {
		if err != nil || len(one.Items) != 1 || one.Items[0] != id || one.Recipients[0] != "urzad@aleksandrowo.example" || !one.At.Equal(at("2026-11-23")) {
			t.Errorf("read back %+v, %v", one, err)
		}
	}
	for range d.Find(Search{}) {
		break // one who has seen enough stops
	}
	info, err := os.Stat(filepath.Join(dir, "2026-11.log"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestDeliveriesAreKeptForTwoYears(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "notes.log"), []byte("not ours"))
	d := openLog(t, dir)
	for _, day := range []string{"2024-09-30", "2024-10-31", "2024-11-01", "2026-10-31", "2026-11-30"} {
		d.Record(Delivery{At: at(day), Sender: day})
	}
	if got, want := found(t, d, Search{}), []string{"2024-11-01", "2026-10-31", "2026-11-30"}; !slices.Equal(got, want) {
		t.Errorf("kept %q, want %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.log")); err != nil {
		t.Errorf("a strange file is gone: %v", err)
	}
}

func TestALineThatACrashHasCutHarmsNoOther(t *testing.T) {
	dir := t.TempDir()
	d := openLog(t, dir)
	d.Record(Delivery{At: at("2026-11-01"), Sender: "first"})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "2026-11.log")
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, name, append(whole, whole[:len(whole)/2]...))
	d.Record(Delivery{At: at("2026-11-02"), Sender: "second"})
	if got, want := found(t, d, Search{}), []string{"first", "second"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestALogThatCannotBeWrittenStopsNobody(t *testing.T) {
	dir := t.TempDir()
	d := openLog(t, dir)
	if err := os.Mkdir(filepath.Join(dir, "2026-11.log"), 0o700); err != nil {
		t.Fatal(err)
	}
	d.Record(Delivery{At: at("2026-11-01")})
	d.Record(Delivery{At: at("2026-12-01"), Sender: "later"})
	var got []string
	for one, err := range d.Find(Search{Since: at("2026-12-01")}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, one.Sender)
	}
	if !slices.Equal(got, []string{"later"}) {
		t.Errorf("found %q", got)
	}
	for _, err := range FindDeliveries(filepath.Join(dir, "nowhere"), Search{}) {
		if err == nil {
			t.Error("a missing folder is no error")
		}
	}
}

func TestDeliveriesAreWrittenSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		d := openLog(t, dir)
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := d.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		read := func() string {
			raw, err := os.ReadFile(filepath.Join(dir, "2026-11.log"))
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		d.Record(Delivery{At: at("2026-11-01"), Sender: "first"})
		time.Sleep(time.Second) // the bubble's clock
		if !strings.Contains(read(), "first") {
			t.Error("not written after a second")
		}
		d.Record(Delivery{At: at("2026-11-01"), Sender: "last"})
		cancel()
		running.Wait()
		if !strings.Contains(read(), "last") {
			t.Error("not written at the end")
		}
	})
}

func TestManyWriteTheLogAtOnce(t *testing.T) {
	d := openLog(t, t.TempDir())
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				d.Record(Delivery{At: at("2026-11-01").AddDate(0, j%3, 0), Sender: fmt.Sprint(i, j)})
			}
		})
	}
	all.Wait()
	if n := len(found(t, d, Search{})); n != 800 {
		t.Errorf("found %d lines, want 800", n)
	}
}

// Every attempt has its line: this is what is shown to whoever says that the
// office never got his letter, or refused it.
func TestEveryAttemptHasItsLine(t *testing.T) {
	d := openDoor(t, Options{MaxSize: 100})
	k := newTalk(t, d.pipe("smtp", "203.0.113.5"))
	k.begin() // jan@resident.example to urzad
	k.want("RCPT TO:<nikt@aleksandrowo.example>", "550 ")
	k.want("RCPT TO:<ewa@other.example>", "550 ")
	k.letter("taken")
	k.want("MAIL FROM:<big@resident.example> SIZE=101", "552 ")
	k.want("MAIL FROM:<big@resident.example> SURPRISE", "555 ")
	k.want("MAIL FROM:<big@resident.example>", "250 ")
	k.want("RCPT TO:<urzad>", "501 ")
	k.want("DATA", "503 ")
	k.want("RCPT TO:<urzad@aleksandrowo.example>", "250 ")
	k.letter(strings.Repeat("x", 200))
	k.want("MAIL FROM:<cut@resident.example>", "250 ")
	k.want("RCPT TO:<urzad@aleksandrowo.example>", "250 ")
	k.want("DATA", "354 ")
	k.send("half")
	_ = k.Close()
	d.settle()
	items, _ := d.spool.kept()
	want := []string{
		"RCPT jan@resident.example [nikt@aleksandrowo.example] 550 0",
		"RCPT jan@resident.example [ewa@other.example] 550 0",
		"DATA jan@resident.example [urzad@aleksandrowo.example] 250 7",
		"MAIL big@resident.example [] 552 0",
		"MAIL big@resident.example [] 555 0",
		"RCPT big@resident.example [urzad] 501 0",
		"DATA big@resident.example [] 503 0",
		"DATA big@resident.example [urzad@aleksandrowo.example] 552 101",
		"DATA cut@resident.example [urzad@aleksandrowo.example] 451 4",
	}
	lines := d.notes.all()
	for i, line := range lines {
		got := fmt.Sprint(line.Command, " ", line.Sender, " ", line.Recipients, " ", line.Code, " ", line.Size)
		if i >= len(want) || got != want[i] {
			t.Errorf("line %d says %q", i, got)
		}
		if line.Peer != "203.0.113.5" || line.Helo != "resident.example" || line.Answer == "" || line.Session != lines[0].Session || line.At.IsZero() {
			t.Errorf("line %d: %+v", i, line)
		}
	}
	if len(lines) != len(want) || lines[2].Items[0] != items[0].ID || !strings.Contains(lines[2].Answer, items[0].ID.String()) {
		t.Errorf("%d lines, want %d", len(lines), len(want))
	}
}
