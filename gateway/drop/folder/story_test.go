package folder_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kancelaria/gateway/drop"
	"kancelaria/gateway/drop/folder"
	"kancelaria/registry"
)

// An office takes what the watcher hands in, and can be told to fail.
type office struct {
	mu       sync.Mutex
	items    map[registry.ItemID]registry.Item
	bytes    map[registry.ItemID][]byte
	outcomes map[registry.ItemID]registry.Outcome
	closed   bool  // the book
	refuse   error // Put fails before it took effect
	lose     error // Put fails after it took effect
	taken    int64
}

func newOffice() *office {
	return &office{items: map[registry.ItemID]registry.Item{}, bytes: map[registry.ItemID][]byte{}, outcomes: map[registry.ItemID]registry.Outcome{}}
}

func (o *office) Put(_ context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse != nil {
		return nil, o.refuse
	}
	for _, it := range items {
		o.items[it.ID], o.bytes[it.ID] = it, data
	}
	if o.lose != nil {
		return nil, o.lose
	}
	return items, nil
}

func (o *office) Wait(ctx context.Context, id registry.ItemID) (registry.Outcome, error) {
	out, ok := o.outcome(id)
	if !ok {
		return out, errors.New("no number yet")
	}
	return out, ctx.Err()
}

func (o *office) Look(_ context.Context, id registry.ItemID) (bool, *registry.Outcome, error) {
	out, ok := o.outcome(id)
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, accepted := o.items[id]; !accepted {
		return false, nil, nil
	}
	if !ok {
		return true, nil, nil
	}
	return true, &out, nil
}

func (o *office) outcome(id registry.ItemID) (registry.Outcome, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return registry.Outcome{}, false
	}
	if _, ok := o.items[id]; !ok {
		return registry.Outcome{}, false
	}
	out, ok := o.outcomes[id]
	if !ok {
		o.taken++
		out = registry.Outcome{Disposition: registry.Registered, Number: registry.Number{Register: "RPW", Year: 2026, Seq: o.taken}}
		o.outcomes[id] = out
	}
	return out, true
}

// digests are those of all that was taken, sorted.
func (o *office) digests() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for _, b := range o.bytes {
		all = append(all, fmt.Sprintf("%x", sha256.Sum256(b)))
	}
	slices.Sort(all)
	return all
}

type texts struct{}

func (texts) Reason(code, name string, _ time.Time) string { return code + " " + name + "\n" }
func (texts) Errors() string                               { return "_bledy" }
func (texts) List(day string) string                       { return "lista-" + day + ".txt" }
func (texts) Registered(out registry.Outcome, name string) string {
	return out.Number.String() + " " + name
}

// A scanner is a folder with a watcher whose clock the test moves.
type scanner struct {
	t      *testing.T
	dir    string
	office *office
	w      *drop.Watcher
	now    time.Time
}

func newScanner(t *testing.T, change func(*drop.Options)) *scanner {
	s := &scanner{t: t, dir: t.TempDir(), office: newOffice(), now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)}
	s.open(change)
	return s
}

// open begins a life of the daemon on the folder.
func (s *scanner) open(change func(*drop.Options)) {
	s.wrap(change, func(fs drop.FS) drop.FS { return fs })
}

// wrap does so with something between watcher and folder.
func (s *scanner) wrap(change func(*drop.Options), between func(drop.FS) drop.FS) {
	f, err := folder.Open(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = f.Close() })
	o := drop.Options{
		Name: "skaner", Node: "n1", Door: registry.DoorFolder, Register: "RPW", Settle: 3 * time.Second, GiveUp: 10 * time.Minute,
		Every: 10 * time.Second, MaxSize: 1 << 20, Move: "_zarejestrowane", Keep: 7 * 24 * time.Hour, Zone: time.UTC,
		Now: func() time.Time { return s.now }, Texts: texts{},
	}
	if change != nil {
		change(&o)
	}
	s.w = drop.New(between(f), s.office, nil, o)
}

func (s *scanner) write(name string, data []byte) {
	s.t.Helper()
	if err := writeFile(s.dir, name, data); err != nil {
		s.t.Fatal(err)
	}
}

func writeFile(dir, name string, data []byte) error {
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o770); err != nil {
		return err
	}
	return os.WriteFile(p, data, 0o660)
}

// cpu is the processor time this process has used.
func cpu(t testing.TB) time.Duration {
	t.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// scan looks once after the clock has moved.
func (s *scanner) scan(after time.Duration) error {
	s.now = s.now.Add(after)
	return s.w.Scan(context.Background())
}

func (s *scanner) scans(after ...time.Duration) {
	s.t.Helper()
	for _, d := range after {
		if err := s.scan(d); err != nil {
			s.t.Fatal(err)
		}
	}
}

// files lists what lies in the folder, without folders.
func (s *scanner) files() []string {
	var all []string
	_ = filepath.WalkDir(s.dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(s.dir, p)
			all = append(all, rel)
		}
		return nil
	})
	return all
}

func pdf(text string) []byte { return []byte("%PDF-1.4\n" + text + "\n%%EOF\n") }

func digest(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

func (s *scanner) wantTaken(want ...[]byte) {
	s.t.Helper()
	var digests []string
	for _, b := range want {
		digests = append(digests, digest(b))
	}
	slices.Sort(digests)
	if got := s.office.digests(); !slices.Equal(got, digests) {
		s.t.Errorf("taken %d files, want %d, or other bytes; the folder holds %q", len(got), len(digests), s.files())
	}
}

func TestASettledFileIsTakenOnceAndNamedAfterItsNumber(t *testing.T) {
	s := newScanner(t, nil)
	a, b := pdf("one"), pdf("two")
	s.write("zażółć gęślą.pdf", a)
	s.write("USC/SCAN0001.pdf", b)
	s.scans(0, 3*time.Second, 10*time.Second)
	s.wantTaken(a, b)
	for _, it := range s.office.items {
		if it.Original.Name == "SCAN0001.pdf" && it.File.Path != "USC/SCAN0001.pdf" {
			t.Errorf("path = %q, want the folder it lay in", it.File.Path)
		}
	}
	left := strings.Join(s.files(), "\n")
	for _, want := range []string{"_zarejestrowane/2026-11/RPW-00000", "zażółć gęślą.pdf", "lista-2026-11-23.txt"} {
		if !strings.Contains(left, want) {
			t.Errorf("the folder holds\n%s\nwant %q", left, want)
		}
	}
}

func TestAFileIsNotTakenBeforeItIsWhole(t *testing.T) {
	s := newScanner(t, nil)
	whole := pdf("a slow scanner")
	s.write("slow.pdf", whole[:12])
	s.scans(0, 3*time.Second, time.Minute)
	s.wantTaken()
	if got := s.w.Health().Waiting["incomplete"]; got != 1 {
		t.Errorf("incomplete = %d, want it to be said", got)
	}
	s.write("slow.pdf", whole)
	s.scans(time.Second, time.Second)
	s.wantTaken() // it has just changed
	s.scans(3 * time.Second)
	s.wantTaken(whole)
}

func TestAFileThatSomebodyWritesIsLeftAlone(t *testing.T) {
	s := newScanner(t, nil)
	whole := pdf("held open")
	h, err := os.Create(filepath.Join(s.dir, "open.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Write(whole); err != nil {
		t.Fatal(err)
	}
	s.scans(0, 5*time.Second, 5*time.Second)
	s.wantTaken()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	s.scans(5 * time.Second)
	s.wantTaken(whole)
}

func TestWhatNeverBecomesWholeIsRegisteredAsIncomplete(t *testing.T) {
	s := newScanner(t, nil)
	half := []byte("%PDF-1.4 torn")
	s.write("torn.pdf", half)
	s.scans(0, 10*time.Minute, time.Second)
	s.wantTaken(half)
	for _, it := range s.office.items {
		if !it.File.Incomplete {
			t.Error("the item does not say that it is incomplete")
		}
	}
}

func TestANameUsedAgainIsAnotherItem(t *testing.T) {
	s := newScanner(t, nil)
	a, b := pdf("yesterday"), pdf("today")
	s.write("SCAN0001.pdf", a)
	s.scans(0, 3*time.Second)
	s.write("SCAN0001.pdf", b)
	s.scans(0, 3*time.Second)
	s.wantTaken(a, b)
}

func TestNothingThatIsNotAFileIsFollowed(t *testing.T) {
	s := newScanner(t, nil)
	secret := filepath.Join(t.TempDir(), "secret.pdf")
	if err := os.WriteFile(secret, pdf("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(s.dir, "link.pdf")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(secret), filepath.Join(s.dir, "links")); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(s.dir, "pipe.pdf"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(s.dir, "folder.pdf"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.tmp", "b.filepart", ".hidden.pdf", "~$doc.docx", "Thumbs.db"} {
		s.write(name, pdf(name))
	}
	s.scans(0, 3*time.Second, time.Hour)
	s.wantTaken()
}

func TestAFileBeyondTheLimitIsLaidAmongTheErrorsUnread(t *testing.T) {
	s := newScanner(t, nil)
	s.write("plan.pdf", bytes.Repeat([]byte("x"), 2<<20))
	s.scans(0, 3*time.Second, time.Second)
	s.wantTaken()
	left := strings.Join(s.files(), "\n")
	if !strings.Contains(left, "_bledy/2026-11-23/") || !strings.Contains(left, "plan.pdf.txt") {
		t.Errorf("the folder holds %q, want the file and a text among the errors", left)
	}
}

func TestAQuarantinedFileIsLaidAmongTheErrors(t *testing.T) {
	s := newScanner(t, nil)
	s.office.closed = true
	s.write("empty.pdf", nil)
	s.scans(0, 10*time.Minute)
	s.office.closed = false
	for id := range s.office.items {
		s.office.outcomes[id] = registry.Outcome{Disposition: registry.Quarantined}
	}
	s.scans(time.Second)
	if left := strings.Join(s.files(), "\n"); !strings.Contains(left, "_bledy/2026-11-23/") {
		t.Errorf("the folder holds %q, want the file among the errors", left)
	}
}

// Each way the daemon can stop, with the file in every state, and each way
// putting it into the archive can fail: afterwards it is taken exactly once.
func TestADropSurvivesEveryKindOfStop(t *testing.T) {
	failed := errors.New("no")
	for _, tt := range []struct {
		name   string
		before func(*office)
		after  func(*office)
	}{
		{"the archive refused it", func(o *office) { o.refuse = failed }, func(o *office) { o.refuse = nil }},
		{"the archive's answer was lost", func(o *office) { o.lose = failed }, func(o *office) { o.lose = nil }},
		{"the book was closed", func(o *office) { o.closed = true }, func(o *office) { o.closed = false }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScanner(t, nil)
			data := pdf(tt.name)
			s.write("Wydział/pismo.pdf", data)
			tt.before(s.office)
			_ = s.scan(0)
			_ = s.scan(3 * time.Second)
			tt.after(s.office)
			s.open(nil) // a new life
			s.scans(time.Second, time.Second, time.Second)
			s.wantTaken(data)
			if left := strings.Join(s.files(), "\n"); !strings.Contains(left, "_zarejestrowane/2026-11/RPW-000001-2026 pismo.pdf") {
				t.Errorf("the folder holds %q, want the file named after its number", left)
			}
			for _, it := range s.office.items {
				if it.File.Path != "Wydział/pismo.pdf" {
					t.Errorf("path = %q, want the one it had before the stop", it.File.Path)
				}
			}
		})
	}
}

func TestMovedFilesArePurgedAfterTheirTimeAndTheListStays(t *testing.T) {
	s := newScanner(t, nil)
	s.write("a.pdf", pdf("a"))
	s.scans(0, 3*time.Second)
	s.scans(6 * 24 * time.Hour)
	if left := strings.Join(s.files(), "\n"); !strings.Contains(left, "a.pdf") {
		t.Fatalf("the folder holds %q, want the file for seven days", left)
	}
	s.scans(2 * 24 * time.Hour)
	left := strings.Join(s.files(), "\n")
	if strings.Contains(left, "a.pdf") || !strings.Contains(left, "lista-2026-11-23.txt") {
		t.Errorf("the folder holds %q, want only the list", left)
	}
}

func TestAHundredFilesAtOnce(t *testing.T) {
	s := newScanner(t, nil)
	var want [][]byte
	for i := range 100 {
		data := pdf(fmt.Sprint("page ", i))
		want = append(want, data)
		s.write(fmt.Sprintf("SKM_C250i2611230815%d.pdf", i), data)
	}
	s.scans(0, 3*time.Second)
	s.wantTaken(want...)
}
