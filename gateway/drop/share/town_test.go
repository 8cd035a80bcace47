package share

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kancelaria/gateway/drop"
	"kancelaria/registry"
	"kancelaria/testenv"
)

// both runs a test with each driver.
func both(t *testing.T, test func(t *testing.T, driver string)) {
	for _, driver := range []string{"cloudsoda", "hirochachacha"} {
		t.Run(driver, func(t *testing.T) { test(t, driver) })
	}
}

// options fit a server of the test's own. Where it does not ask for signing
// the original driver cannot be asked to.
func options(s *testenv.SMB, driver string) Options {
	return Options{Username: s.User, Password: func() (string, error) { return s.Password, nil }, Driver: driver, Signing: signing(driver)}
}

func signing(driver string) string {
	if driver == "hirochachacha" {
		return "auto"
	}
	return "required"
}

func connect(t *testing.T, address, folder string, o Options) *Share {
	t.Helper()
	s, err := Open("//"+address+"/"+folder, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// inbox makes a folder on the share that no other test uses.
func inbox(t *testing.T, s *testenv.SMB) (dir, name string) {
	t.Helper()
	dir, err := os.MkdirTemp(s.Path("skany"), "inbox")
	if err == nil {
		err = os.Chmod(dir, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, "skany/" + filepath.Base(dir)
}

func write(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func pdf(text string) []byte { return []byte("%PDF-1.4\n" + text + "\n%%EOF\n") }

// files lists what lies under a folder.
func files(dir string) string {
	var all []string
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(p, dir+"/"))
		}
		return nil
	})
	return strings.Join(all, "\n")
}

// An office takes what watchers hand in; several may share one.
type office struct {
	mu     sync.Mutex
	bytes  map[registry.ItemID][sha256.Size]byte
	names  map[registry.ItemID]registry.File
	refuse error // Put fails before it took effect
	lose   error // Put fails after it took effect
	closed bool  // the book gives no numbers
	seq    map[registry.ItemID]int64
}

func newOffice() *office {
	return &office{bytes: map[registry.ItemID][sha256.Size]byte{}, names: map[registry.ItemID]registry.File{}, seq: map[registry.ItemID]int64{}}
}

func (o *office) Put(_ context.Context, items []registry.Item, r io.Reader) ([]registry.Item, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refuse != nil {
		return nil, o.refuse
	}
	o.bytes[items[0].ID], o.names[items[0].ID] = [sha256.Size]byte(h.Sum(nil)), *items[0].File
	return items, o.lose
}

func (o *office) Wait(ctx context.Context, id registry.ItemID) (registry.Outcome, error) {
	_, out, _ := o.Look(ctx, id)
	if out == nil {
		return registry.Outcome{}, errors.New("no number yet")
	}
	return *out, nil
}

func (o *office) Look(_ context.Context, id registry.ItemID) (bool, *registry.Outcome, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.bytes[id]; !ok || o.closed {
		return ok, nil, nil
	}
	if o.seq[id] == 0 {
		o.seq[id] = int64(len(o.seq) + 1)
	}
	return true, &registry.Outcome{Disposition: registry.Registered, Number: registry.Number{Register: "RPW", Year: 2026, Seq: o.seq[id]}}, nil
}

// took compares what was registered with what was dropped, as multisets.
func (o *office) took(want ...[]byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var got, wanted []string
	for _, sum := range o.bytes {
		got = append(got, fmt.Sprintf("%x", sum))
	}
	for _, b := range want {
		wanted = append(wanted, fmt.Sprintf("%x", sha256.Sum256(b)))
	}
	slices.Sort(got)
	slices.Sort(wanted)
	if !slices.Equal(got, wanted) {
		return fmt.Errorf("%d items taken, want the %d dropped, each once", len(got), len(wanted))
	}
	return nil
}

type texts struct{}

func (texts) Reason(code, name string, _ time.Time) string { return code + " " + name + "\n" }
func (texts) Errors() string                               { return "_bledy" }
func (texts) List(day string) string                       { return "lista-" + day + ".txt" }
func (texts) Registered(out registry.Outcome, name string) string {
	return out.Number.String() + " " + name
}

// A clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) move(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

func watch(s drop.FS, o *office, c *clock, node string, change func(*drop.Options)) *drop.Watcher {
	opt := drop.Options{
		Name: "skany", Node: node, Door: registry.DoorShare, Register: "RPW", Settle: 3 * time.Second, GiveUp: 10 * time.Minute,
		Every: 10 * time.Second, MaxSize: 64 << 20, Move: "_zarejestrowane", Zone: time.UTC, Now: c.Now, Texts: texts{},
	}
	if change != nil {
		change(&opt)
	}
	return drop.New(s, o, nil, opt)
}

// scans looks at the source until done gives nil; the clock goes on by the
// time that a file settles in. Errors of single scans are expected where the
// test breaks the source.
func scans(t *testing.T, c *clock, done func() error, ws ...*drop.Watcher) {
	t.Helper()
	var last error
	testenv.Eventually(t, "the source is drained", func() error {
		var group sync.WaitGroup
		for _, w := range ws {
			group.Go(func() {
				if err := w.Scan(t.Context()); err != nil {
					last = err
				}
			})
			if len(ws) == 1 {
				group.Wait()
			}
		}
		group.Wait()
		c.move(3 * time.Second)
		err := done()
		if err != nil {
			return errors.Join(err, last)
		}
		return nil
	})
}

// nothingLeft reports what still lies in the inbox or among the claims.
func nothingLeft(dir string) error {
	for name := range strings.SplitSeq(files(dir), "\n") {
		if name != "" && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, ".kancelaria/lease/") {
			return fmt.Errorf("still there: %s", path.Base(name))
		}
	}
	return nil
}
