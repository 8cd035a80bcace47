package s3_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"kancelaria/registry"
	"kancelaria/registry/archive"
	"kancelaria/registry/archive/s3"
	"kancelaria/registry/storetest"
	"kancelaria/testenv"
)

// server starts a real S3 server with a bucket that has object lock and one
// that has not.
func server(t *testing.T) (*testenv.S3, *s3.Bucket) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the S3 server")
	}
	srv := testenv.S3Server(t)
	client, err := minio.New(strings.TrimPrefix(srv.Endpoint, "http://"), &minio.Options{Creds: credentials.NewStaticV4(srv.Access, srv.Secret, "")})
	if err != nil {
		t.Fatal(err)
	}
	for name, lock := range map[string]bool{"pisma": true, "bez-blokady": false} {
		if err := client.MakeBucket(t.Context(), name, minio.MakeBucketOptions{ObjectLocking: lock}); err != nil {
			t.Fatal(err)
		}
	}
	return srv, bucket(t, srv, "pisma", srv.Secret)
}

func bucket(t *testing.T, srv *testenv.S3, name, secret string) *s3.Bucket {
	t.Helper()
	b, err := s3.New(s3.Options{Endpoint: srv.Endpoint, Region: "us-east-1", Bucket: name, Prefix: "urzad/", Keys: func() (string, string, error) {
		return srv.Access, secret, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// an opened original in memory.
type opened struct {
	*bytes.Reader
	digest registry.Digest
}

func (o opened) Digest() registry.Digest { return o.digest }
func (opened) Close() error              { return nil }

func original(text string) opened {
	return opened{bytes.NewReader([]byte(text)), sha256.Sum256([]byte(text))}
}

func TestABucketSaysWhatKeepsItFromBeingASecondHome(t *testing.T) {
	srv, b := server(t)
	if err := b.Check(t.Context()); err != nil {
		t.Errorf("a bucket with lock: %v", err)
	}
	for _, c := range []struct{ name, bucket, secret, wants string }{
		{"no bucket", "nie-ma", srv.Secret, "there is no bucket nie-ma"},
		{"no lock", "bez-blokady", srv.Secret, "has no object lock"},
		{"wrong key", "pisma", "other", "refuses the office's keys"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := bucket(t, srv, c.bucket, c.secret).Check(t.Context()); err == nil || !strings.Contains(err.Error(), c.wants) {
				t.Errorf("%v; it should say %q", err, c.wants)
			}
		})
	}
}

func TestWhatIsStoredIsLockedAndReadByItsVersion(t *testing.T) {
	_, b := server(t)
	ctx, now := t.Context(), time.Now()
	letter := original("From: a@b.example\r\n\r\nDzień dobry")
	where, err := b.Put(ctx, "n1/1/4096", letter, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.Put(ctx, "n1/1/4096", letter, now.Add(time.Minute))
	if err != nil || again != where {
		t.Errorf("stored again: %s, %v; a repetition makes no second version of %s", again, err, where)
	}
	if err := b.Extend(ctx, where, now.Add(time.Minute)); err != nil {
		t.Errorf("a shorter lock is no error and no change: %v", err)
	}
	// Whoever has the keys writes other bytes under the name: the version the
	// office knows still gives the letter.
	if _, err := b.Put(ctx, "n1/1/4096", original("forged"), now.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := b.Returns(ctx, where, letter.digest, letter.Size()); err != nil {
		t.Errorf("reading back: %v", err)
	}
	if err := b.Returns(ctx, where, original("other").digest, letter.Size()); !errors.Is(err, registry.ErrDamaged) {
		t.Errorf("other bytes than wanted: %v", err)
	}
	if err := b.Remove(ctx, where, now); !errors.Is(err, s3.ErrLocked) {
		t.Errorf("removed under lock: %v", err)
	}
	// The server holds the lock by itself, whatever our clock says.
	if err := b.Remove(ctx, where, now.Add(2*time.Hour)); err == nil {
		t.Error("the server let a locked version go")
	}
	if err := b.Returns(ctx, where, letter.digest, letter.Size()); err != nil {
		t.Errorf("after all attempts: %v", err)
	}
	if _, err := io.ReadAll(must(b.Open(ctx, "n1/9/9?versionId=none"))); err == nil {
		t.Error("an object that is not there was read")
	}
}

func must(rd io.ReadCloser, err error) io.Reader {
	if err != nil {
		return strings.NewReader("")
	}
	return rd
}

// A town is a book in memory and an archive on the disk with letters in both.
type town struct {
	book    *storetest.Memory
	archive *archive.Archive
	dir     string
	now     time.Time
	office  *registry.Office
}

func (w *town) clock() time.Time { return w.now }

func newTown(t *testing.T, home archive.Home) *town {
	t.Helper()
	w := &town{dir: filepath.Join(testenv.TempDir(t), "archive"), now: time.Now()}
	w.book = storetest.NewMemory("test.example/ksiega", w.clock)
	w.office = &registry.Office{Zone: time.UTC, Classes: map[string]registry.Class{"6131": {Symbol: "6131", Category: "B5"}}}
	a, err := archive.Open(w.dir, archive.Options{Node: "n1", Now: w.clock, UnsafeFilesystem: true, Home: home, SegmentSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	w.archive = a
	return w
}

func (w *town) mover(store s3.Store) *s3.Mover {
	return s3.NewMover(s3.MoverOptions{
		Book: w.book, Originals: w.archive, Store: store, Node: "n1", Office: func() *registry.Office { return w.office },
		Lock: 24 * time.Hour, KeepLocal: 30 * 24 * time.Hour, Now: w.clock,
	})
}

// register puts a letter into archive and book.
func (w *town) register(t *testing.T, n int, text string) registry.Item {
	t.Helper()
	d := storetest.Letter(n)
	it := &d.Arrival.Item
	it.Node = "n1"
	body, err := w.archive.Stage(t.Context(), it.ID, strings.NewReader(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	it.Original = registry.Original{Digest: body.Digest(), Size: body.Size()}
	places, err := w.archive.Append(t.Context(), registry.RecordItems, []registry.Sheet{{Item: it.ID, Bytes: []byte("{}")}}, body)
	if err != nil {
		t.Fatal(err)
	}
	it.Place, d.Arrival.Place = places, places
	out, err := w.book.Commit(t.Context(), []registry.Draft{d})
	if err != nil || out[0].State != registry.Written {
		t.Fatalf("%+v, %v", out, err)
	}
	return *it
}

func (w *town) reads(t *testing.T, it registry.Item) string {
	t.Helper()
	o, err := w.archive.Original(t.Context(), it.Place, it.ID)
	if err != nil {
		t.Fatalf("reading %s: %v", it.ID, err)
	}
	defer o.Close()
	b, err := io.ReadAll(o)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheSecondHomeIsFilledFromTheSegmentsAndGivesBack(t *testing.T) {
	srv, b := server(t)
	w := newTown(t, b)
	var items []registry.Item
	for n := range 5 {
		items = append(items, w.register(t, n, strings.Repeat("list ", n+1)))
	}
	m := w.mover(b)
	srv.Stop()
	if _, err := m.Fill(t.Context()); err == nil {
		t.Error("stored while the server was away")
	}
	srv.Start(t)
	for more := true; more; {
		var err error
		if more, err = m.Fill(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if p := m.Progress(); p.Stored != 5 {
		t.Errorf("%+v; five letters were registered before the home was there", p)
	}
	m = w.mover(b) // a restart goes on where it stopped
	if _, err := m.Fill(t.Context()); err != nil || m.Progress().Stored != 0 {
		t.Errorf("after a restart: %+v, %v", m.Progress(), err)
	}
	c, ok, err := s3.Find(t.Context(), w.book, items[3].ID)
	if err != nil || !ok || c.Digest != items[3].Original.Digest {
		t.Fatalf("%+v, %v, %v", c, ok, err)
	}

	w.now = w.now.Add(40 * 24 * time.Hour)
	if err := m.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, _, _ = s3.Find(t.Context(), w.book, items[3].ID)
	if !c.Moved || !c.Until.After(w.now) {
		t.Errorf("after forty days: %+v; the body is given back and the lock renewed", c)
	}
	for n, it := range items {
		if got := w.reads(t, it); got != strings.Repeat("list ", n+1) {
			t.Errorf("letter %d from the second home: %q", n, got)
		}
	}
}

// A shelf is a second home in memory that can be told to lie.
type shelf struct {
	objects map[string][]byte
	until   map[string]time.Time
	lies    bool
	lately  func() time.Time
}

func newShelf(now func() time.Time) *shelf {
	return &shelf{objects: map[string][]byte{}, until: map[string]time.Time{}, lately: now}
}

func (s *shelf) Put(_ context.Context, name string, o registry.OpenOriginal, until time.Time) (string, error) {
	b, err := io.ReadAll(o)
	s.objects[name], s.until[name] = b, until
	return name, err
}

func (s *shelf) Returns(_ context.Context, locator string, want registry.Digest, _ int64) error {
	if s.lies || registry.Digest(sha256.Sum256(s.objects[locator])) != want {
		return registry.ErrDamaged
	}
	return nil
}

func (s *shelf) Extend(_ context.Context, locator string, until time.Time) error {
	s.until[locator] = until
	return nil
}

func (s *shelf) Remove(_ context.Context, locator string, now time.Time) error {
	if s.until[locator].After(now) {
		return s3.ErrLocked
	}
	delete(s.objects, locator)
	return nil
}

func TestALocalBodyStaysUntilTheSecondHomeReturnsIt(t *testing.T) {
	w := newTown(t, nil)
	it := w.register(t, 1, "list")
	home := newShelf(w.clock)
	m := w.mover(home)
	if _, err := m.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	home.lies = true
	w.now = w.now.Add(40 * 24 * time.Hour)
	if err := m.Renew(t.Context()); !errors.Is(err, registry.ErrDamaged) {
		t.Errorf("a home that gives other bytes: %v", err)
	}
	if got := w.reads(t, it); got != "list" {
		t.Errorf("the local body: %q", got)
	}
}

func TestWhatIsErasedByLawGoesWhenItsLockIsOver(t *testing.T) {
	w := newTown(t, nil)
	it := w.register(t, 1, "list")
	home := newShelf(w.clock)
	m := w.mover(home)
	if _, err := m.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.archive.Erase(t.Context(), []archive.Erasure{{Item: it.ID, Place: it.Place, Reason: archive.CourtOrder, Event: "act/1", Leaf: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := m.Renew(t.Context()); err != nil || len(home.objects) != 1 {
		t.Errorf("under lock: %d objects, %v", len(home.objects), err)
	}
	w.now = w.now.Add(25 * time.Hour)
	if err := m.Renew(t.Context()); err != nil || len(home.objects) != 0 {
		t.Errorf("when the lock is over: %d objects, %v", len(home.objects), err)
	}
}
