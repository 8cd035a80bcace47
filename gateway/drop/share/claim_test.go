package share

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kancelaria/gateway/drop"
	"kancelaria/testenv"
)

func TestTheProtocolOnARealShare(t *testing.T) {
	t.Parallel()
	server := testenv.Samba(t, testenv.SambaOptions{})
	for _, tt := range []struct {
		name string
		test func(t *testing.T, server *testenv.SMB, driver string)
	}{
		{"exactly one of three sessions claims a file", oneClaims},
		{"a rename never overwrites", neverOverwrites},
		{"a file that is being written cannot be claimed", writersAreSeen},
		{"a claimed file stays where it is while it is held", heldStays},
		{"lists grow, small files are replaced", smallFiles},
	} {
		t.Run(tt.name, func(t *testing.T) { both(t, func(t *testing.T, d string) { tt.test(t, server, d) }) })
	}
}

func oneClaims(t *testing.T, server *testenv.SMB, driver string) {
	dir, name := inbox(t, server)
	racers := make([]*Share, 3)
	for i := range racers {
		racers[i] = connect(t, server.Addr, name, options(server, driver))
		if err := racers[i].MkdirAll(t.Context(), fmt.Sprintf("claim/%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 150 {
		from := fmt.Sprintf("%d.pdf", round)
		write(t, dir, from, pdf(from))
		var won atomic.Int32
		var group sync.WaitGroup
		for i, s := range racers {
			group.Go(func() {
				h, err := s.Claim(t.Context(), from, fmt.Sprintf("claim/%d/%s", i, from))
				switch {
				case err == nil:
					won.Add(1)
					_ = h.Close()
				case !errors.Is(err, drop.ErrGone) && !errors.Is(err, drop.ErrBusy):
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		group.Wait()
		if won.Load() > 1 {
			t.Fatalf("round %d: %d of three own the file", round, won.Load())
		}
		if found, _ := filepath.Glob(filepath.Join(dir, "claim/*", from)); len(found) != int(won.Load()) {
			// All may have been in each other's way: then it must lie where
			// the next scan finds it.
			if _, err := os.Stat(filepath.Join(dir, from)); won.Load() == 1 || err != nil && len(found) != 1 {
				t.Fatalf("round %d: %d own the file, it lies at %q", round, won.Load(), found)
			}
		}
	}
}

func neverOverwrites(t *testing.T, server *testenv.SMB, driver string) {
	dir, name := inbox(t, server)
	s := connect(t, server.Addr, name, options(server, driver))
	write(t, dir, "a.pdf", pdf("a"))
	write(t, dir, "b.pdf", pdf("b"))
	if err := s.Rename(t.Context(), "a.pdf", "b.pdf"); !errors.Is(err, drop.ErrExist) {
		t.Errorf("renaming onto a file: %v, want %v", err, drop.ErrExist)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "b.pdf")); err != nil || string(got) != string(pdf("b")) {
		t.Errorf("b.pdf became %q, %v", got, err)
	}
	if err := s.Rename(t.Context(), "a.pdf", "c.pdf"); err != nil {
		t.Error(err)
	}
	if err := s.Rename(t.Context(), "gone.pdf", "d.pdf"); !errors.Is(err, drop.ErrGone) {
		t.Errorf("renaming what is not there: %v, want %v", err, drop.ErrGone)
	}
	if err := s.Rename(t.Context(), "c.pdf", "missing/c.pdf"); err == nil || errors.Is(err, drop.ErrGone) && driver == "cloudsoda" {
		t.Errorf("renaming into a folder that is missing: %v, want an error that does not say the file is gone", err)
	}
	if got := files(dir); got != "b.pdf\nc.pdf" {
		t.Errorf("the folder holds %q", got)
	}
}

func writersAreSeen(t *testing.T, server *testenv.SMB, driver string) {
	_, name := inbox(t, server)
	scanner, s := connect(t, server.Addr, name, options(server, driver)), connect(t, server.Addr, name, options(server, driver))
	if err := scanner.Write(t.Context(), "slow.pdf", pdf("page 1")); err != nil {
		t.Fatal(err)
	}
	live, err := scanner.session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at, _ := scanner.place.within("slow.pdf")
	writing, err := live.tree.Open(at, os.O_WRONLY)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.MkdirAll(t.Context(), "claim"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Claim(t.Context(), "slow.pdf", "claim/slow.pdf"); !errors.Is(err, drop.ErrBusy) {
		t.Errorf("claiming a file that is open for writing: %v, want %v", err, drop.ErrBusy)
	}
	if err := writing.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := s.Claim(t.Context(), "slow.pdf", "claim/slow.pdf")
	if err != nil {
		t.Fatal(err)
	}
	_ = h.Close()
}

func heldStays(t *testing.T, server *testenv.SMB, driver string) {
	dir, name := inbox(t, server)
	s, other := connect(t, server.Addr, name, options(server, driver)), connect(t, server.Addr, name, options(server, driver))
	write(t, dir, "a.pdf", pdf("a"))
	if _, err := s.Claim(t.Context(), "nothing.pdf", "claim/nothing.pdf"); !errors.Is(err, drop.ErrGone) {
		t.Errorf("claiming what is not there: %v, want %v", err, drop.ErrGone)
	}
	// The folder for claims is made even if somebody cleared it away.
	h, err := s.Claim(t.Context(), "a.pdf", "claim/new/a.pdf")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Rename(t.Context(), "claim/new/a.pdf", "mine.pdf"); !errors.Is(err, drop.ErrBusy) {
		t.Errorf("moving a held file: %v, want %v", err, drop.ErrBusy)
	}
	if err := other.Remove(t.Context(), "claim/new/a.pdf"); !errors.Is(err, drop.ErrBusy) {
		t.Errorf("removing a held file: %v, want %v", err, drop.ErrBusy)
	}
	got := make([]byte, 100)
	n, _ := h.ReadAt(got, 0)
	if string(got[:n]) != string(pdf("a")) {
		t.Errorf("read %q", got[:n])
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func smallFiles(t *testing.T, server *testenv.SMB, driver string) {
	dir, name := inbox(t, server)
	s := connect(t, server.Addr, name, options(server, driver))
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			if err := s.Append(t.Context(), "list.txt", []byte("line\r\n")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got, _ := os.ReadFile(filepath.Join(dir, "list.txt")); len(got) != 60 {
		t.Errorf("the list has %d bytes, want 60", len(got))
	}
	for _, text := range []string{"a longer text", "short"} {
		if err := s.Write(t.Context(), "small.txt", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "small.txt")); string(got) != "short" {
		t.Errorf("replaced file reads %q", got)
	}
	h, err := s.Open(t.Context(), "small.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	e, err := h.Stat()
	if err != nil || e.Size != 5 || time.Since(e.ModTime).Abs() > 24*time.Hour {
		t.Errorf("stat = %+v, %v", e, err)
	}
	if _, err := s.Open(t.Context(), ""); !errors.Is(err, drop.ErrGone) {
		t.Errorf("opening a folder as a file: %v, want %v", err, drop.ErrGone)
	}
}
