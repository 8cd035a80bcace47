package folder_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"testing"
	"time"

	"kancelaria/gateway/drop"
	"kancelaria/gateway/drop/folder"
	"kancelaria/registry"
)

// errCut is what a call to a source gives that is gone.
var errCut = errors.New("the connection is gone")

// A frail source works until its n-th call. That call fails, before it took
// effect or after, and so does every later one: what is not told is as in a
// daemon that was killed, what is told as on a share that went away.
type frail struct {
	drop.FS
	left   *int // calls that work
	effect bool // whether the failing call takes effect
	fails  error
}

// step counts a call; do says whether it takes effect.
func (f frail) step() (do bool, err error) {
	*f.left--
	switch {
	case *f.left > 0:
		return true, nil
	case *f.left == 0:
		return f.effect, f.fails
	default:
		return false, f.fails
	}
}

func (f frail) List(ctx context.Context, dir string) ([]drop.Entry, error) {
	if _, err := f.step(); err != nil {
		return nil, err
	}
	return f.FS.List(ctx, dir)
}

func (f frail) Open(ctx context.Context, p string) (drop.File, error) {
	if _, err := f.step(); err != nil {
		return nil, err
	}
	h, err := f.FS.Open(ctx, p)
	return f.file(h, err)
}

func (f frail) Hold(ctx context.Context, p string) (drop.File, error) {
	if _, err := f.step(); err != nil {
		return nil, err
	}
	h, err := f.FS.Hold(ctx, p)
	return f.file(h, err)
}

func (f frail) Claim(ctx context.Context, from, to string) (drop.File, error) {
	do, err := f.step()
	if !do {
		return nil, err
	}
	h, claimErr := f.FS.Claim(ctx, from, to)
	if err != nil {
		if claimErr == nil {
			_ = h.Close()
		}
		return nil, err
	}
	return f.file(h, claimErr)
}

func (f frail) file(h drop.File, err error) (drop.File, error) {
	if err != nil {
		return nil, err
	}
	return frailFile{h, f}, nil
}

type frailFile struct {
	drop.File
	fs frail
}

func (h frailFile) ReadAt(p []byte, off int64) (int, error) {
	if _, err := h.fs.step(); err != nil {
		return 0, err
	}
	return h.File.ReadAt(p, off)
}

func (h frailFile) Stat() (drop.Entry, error) {
	if _, err := h.fs.step(); err != nil {
		return drop.Entry{}, err
	}
	return h.File.Stat()
}

// change runs a call that changes the source.
func (f frail) change(call func() error) error {
	do, err := f.step()
	if !do {
		return err
	}
	return errors.Join(err, call())
}

func (f frail) Rename(ctx context.Context, from, to string) error {
	return f.change(func() error { return f.FS.Rename(ctx, from, to) })
}

func (f frail) Remove(ctx context.Context, p string) error {
	return f.change(func() error { return f.FS.Remove(ctx, p) })
}

func (f frail) MkdirAll(ctx context.Context, dir string) error {
	return f.change(func() error { return f.FS.MkdirAll(ctx, dir) })
}

func (f frail) Write(ctx context.Context, p string, data []byte) error {
	return f.change(func() error { return f.FS.Write(ctx, p, data) })
}

func (f frail) Append(ctx context.Context, p string, data []byte) error {
	return f.change(func() error { return f.FS.Append(ctx, p, data) })
}

// A source that fails at its n-th call, for every n, before and after that call
// took effect: the file is taken exactly once all the same, and lies where it
// belongs in the end.
func TestADropSurvivesAFailureAtEveryCall(t *testing.T) {
	for _, fails := range []error{errCut, drop.ErrFull} {
		for _, effect := range []bool{false, true} {
			for n, done := 1, false; !done; n++ {
				name := fmt.Sprintf("%v, call %d, effect %v", fails, n, effect)
				s := newScanner(t, nil)
				data := pdf(name)
				s.write("USC/pismo.pdf", data)
				left := n
				s.wrap(nil, func(fs drop.FS) drop.FS { return frail{fs, &left, effect, fails} })
				for range 4 {
					_ = s.scan(3 * time.Second)
				}
				done = left > 0 // it was not reached any more
				s.open(nil)
				for range 4 {
					_ = s.scan(3 * time.Second)
				}
				s.wantTaken(data)
				if got := strings.Join(s.files(), "\n"); !strings.Contains(got, "_zarejestrowane/2026-11/RPW-000001-2026 pismo.pdf") || strings.Contains(got, ".kancelaria/claim") {
					t.Errorf("%s: the folder holds\n%s", name, got)
				}
				if t.Failed() {
					return
				}
			}
		}
	}
}

// The same for a source that is read and left as it is.
func TestALeftFileIsTakenOnceWhateverFails(t *testing.T) {
	for n, done := 1, false; !done; n++ {
		s := newScanner(t, nil)
		data := pdf("left")
		s.write("pismo.pdf", data)
		book := path.Join(t.TempDir(), "taken")
		life := func(wrap func(drop.FS) drop.FS) {
			ledger, err := drop.OpenLedger(book)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = ledger.Close() })
			s.wrap(func(o *drop.Options) { o.Move, o.Leave = "", ledger }, wrap)
		}
		left := n
		life(func(fs drop.FS) drop.FS { return frail{fs, &left, false, errCut} })
		for range 4 {
			_ = s.scan(3 * time.Second)
		}
		done = left > 0
		life(func(fs drop.FS) drop.FS { return fs })
		for range 4 {
			_ = s.scan(3 * time.Second)
		}
		s.wantTaken(data)
		if got := strings.Join(s.files(), "\n"); got != "pismo.pdf" || t.Failed() {
			t.Fatalf("call %d: the folder holds %q", n, got)
		}
	}
}

func TestADeletedFileIsGoneOnlyWhenItHasItsNumber(t *testing.T) {
	s := newScanner(t, func(o *drop.Options) { o.Move, o.Delete = "", true })
	s.office.closed = true
	data := pdf("a")
	s.write("a.pdf", data)
	s.scans(0, 3*time.Second, time.Second)
	if left := strings.Join(s.files(), "\n"); !strings.Contains(left, "_a.pdf") {
		t.Fatalf("before it has a number the folder holds %q", left)
	}
	s.office.closed = false
	s.scans(time.Second, time.Second)
	s.wantTaken(data)
	for _, left := range s.files() {
		if strings.HasSuffix(left, ".pdf") {
			t.Errorf("the folder holds %q", left)
		}
	}
}

// hostile is a server whose listing names what is not in the folder.
type hostile struct {
	drop.FS
	names []string
}

func (h hostile) List(ctx context.Context, dir string) ([]drop.Entry, error) {
	entries, err := h.FS.List(ctx, dir)
	if err != nil || dir != "" {
		return entries, err
	}
	for _, name := range h.names {
		entries = append(entries, drop.Entry{Name: name, Size: 7, ModTime: time.Unix(1, 0)}, drop.Entry{Name: name, Dir: true})
	}
	return entries, nil
}

func TestAHostileListingLeadsNowhere(t *testing.T) {
	s := newScanner(t, nil)
	good := pdf("good")
	s.write("good.pdf", good)
	s.wrap(nil, func(fs drop.FS) drop.FS {
		return hostile{fs, []string{"", ".", "..", "../x.pdf", "/etc/passwd", `..\x.pdf`, `C:\x.pdf`, "a/b.pdf", "a\x00b.pdf"}}
	})
	s.scans(0, 3*time.Second, 3*time.Second)
	s.wantTaken(good)
}

// A scanner that saves page 1, then pages 1 and 2, then all three.
func TestPagesSavedOneByOneAreOneItem(t *testing.T) {
	s := newScanner(t, nil)
	var whole []byte
	for page := range 3 {
		whole = append(whole, pdf(fmt.Sprint("page ", page))...)
		s.write("SCAN.pdf", whole)
		s.scans(2*time.Second, 900*time.Millisecond)
	}
	s.scans(3*time.Second, time.Second)
	s.wantTaken(whole)
}

func TestTenThousandFilesAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("writes ten thousand files")
	}
	const count = 10_000
	s := newScanner(t, nil)
	for i := range count {
		s.write(fmt.Sprintf("SCAN%05d.pdf", i), pdf(fmt.Sprint(i)))
	}
	s.scans(0, 3*time.Second, time.Second)
	if got := len(s.office.digests()); got != count {
		t.Errorf("taken %d of %d", got, count)
	}
	named := 0
	for _, left := range s.files() {
		if strings.HasPrefix(left, "_zarejestrowane/2026-11/RPW-") {
			named++
		}
	}
	if named != count {
		t.Errorf("%d of %d have their final names", named, count)
	}
}

// idle is an office that is never asked.
type idle struct{}

func (idle) Put(context.Context, []registry.Item, io.Reader) ([]registry.Item, error) {
	return nil, errors.New("nothing is to be taken")
}

func (idle) Wait(context.Context, registry.ItemID) (registry.Outcome, error) {
	return registry.Outcome{}, errCut
}

func (idle) Look(context.Context, registry.ItemID) (bool, *registry.Outcome, error) {
	return false, nil, nil
}

// A share full of files that wait for nothing: what one look at it costs.
func BenchmarkScanOfTenThousandFiles(b *testing.B) {
	dir := b.TempDir()
	s := &scanner{dir: dir}
	for i := range 10_000 {
		if err := writeFile(dir, fmt.Sprintf("OLD%05d.pdf", i), pdf("old")); err != nil {
			b.Fatal(err)
		}
	}
	f, err := folder.Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := drop.New(f, idle{}, nil, drop.Options{Name: "skaner", Node: "n1", Settle: time.Hour, GiveUp: 24 * time.Hour, Every: time.Minute, Now: func() time.Time { return s.now }, Texts: texts{}})
	before := cpu(b)
	for b.Loop() {
		if err := w.Scan(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpu(b)-before).Milliseconds())/float64(b.N), "cpu-ms/scan")
}
