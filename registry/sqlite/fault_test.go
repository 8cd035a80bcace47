package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/storetest"
)

func TestAnotherWriterMakesUsTryAgain(t *testing.T) {
	s := open(t, Options{Wait: time.Millisecond})
	other, err := sql.Open("sqlite", dataSource(s.path, Options{}, writing))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), letters(1, 3)); !errors.Is(err, registry.ErrRetry) {
		t.Errorf("Commit = %v, want ErrRetry", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), letters(1, 3)); err != nil {
		t.Errorf("when the other is done: %v", err)
	}
	sound(t, s, 3)
}

func TestAFullDiskTakesNothingHalf(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	s, err := Open(t.Context(), path, Options{MaxPages: 400})
	if err != nil {
		t.Fatal(err)
	}
	written := 0
	for {
		out, err := s.Commit(t.Context(), letters(written+1, written+20))
		if err != nil {
			if !errors.Is(err, registry.ErrUnavailable) {
				t.Errorf("Commit on a full disk = %v, want ErrUnavailable", err)
			}
			break
		}
		written += len(out)
		if written > 10_000 {
			t.Fatal("the disk was never full")
		}
	}
	sound(t, s, written)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err = Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Commit(t.Context(), letters(written+1, written+20)); err != nil {
		t.Errorf("after room was made: %v", err)
	}
	sound(t, s, written+20)
}

func TestWhoDoesNotWantToWaitMayTryAgain(t *testing.T) {
	s := open(t, Options{})
	if err := s.pen.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Commit(ctx, letters(1, 1)); !errors.Is(err, registry.ErrRetry) || !errors.Is(err, context.Canceled) {
		t.Errorf("Commit = %v, want ErrRetry and the context's error", err)
	}
	s.pen.give()
}

// A connection that is lost is replaced by the next verb.
func TestALostConnectionIsReplaced(t *testing.T) {
	s := open(t, Options{})
	if _, err := s.Commit(t.Context(), letters(1, 2)); err != nil {
		t.Fatal(err)
	}
	if err := s.pen.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.pen.conn.Close(); err != nil { // as if it broke
		t.Fatal(err)
	}
	s.pen.give()
	if _, err := s.Commit(t.Context(), letters(3, 4)); err == nil {
		t.Error("a closed connection wrote")
	}
	if _, err := s.Commit(t.Context(), letters(3, 4)); err != nil {
		t.Errorf("the next call: %v", err)
	}
	sound(t, s, 4)
}

func TestManyStartersOpenOneBook(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	var starters sync.WaitGroup
	for n := range 4 {
		starters.Go(func() {
			s, err := Open(t.Context(), path, Options{Wait: time.Minute})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Commit(t.Context(), letters(n*10+1, n*10+10)); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	starters.Wait()
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sound(t, s, 40)
}

func TestWhatIsNoBookIsLeftAlone(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lay   func(t *testing.T, path string)
		class error
		says  string
	}{
		{"some other file", func(t *testing.T, path string) { write(t, path, strings.Repeat("no database ", 500)) }, registry.ErrCorrupt, "not a database"},
		{"some other database", func(t *testing.T, path string) { execute(t, path, "CREATE TABLE bills (id INTEGER)") }, registry.ErrSchema, "this is no book"},
		{"a newer book", func(t *testing.T, path string) {
			newBook(t, path)
			execute(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
		}, registry.ErrSchema, "use the newer program"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "book.db")
			tt.lay(t, path)
			before := read(t, path)
			_, err := Open(t.Context(), path, Options{})
			if !errors.Is(err, tt.class) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open = %v, want %v that says %q", err, tt.class, tt.says)
			}
			if read(t, path) != before {
				t.Error("the file was changed")
			}
		})
	}
	t.Run("none, to be read only", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "book.db")
		if _, err := Open(t.Context(), path, Options{ReadOnly: true}); !errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("Open = %v, want ErrUnavailable", err)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Error("a file was made")
		}
	})
}

func TestADamagedBookSaysSo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "book.db")
	newBook(t, path)
	text := []byte(read(t, path))
	for i := 4096; i < len(text); i++ { // all but the first page
		text[i] = 0xA5
	}
	write(t, path, string(text))
	s, err := Open(t.Context(), path, Options{})
	if err == nil {
		_, err = s.Commit(t.Context(), letters(1, 1))
		s.Close()
	}
	if !errors.Is(err, registry.ErrCorrupt) {
		t.Errorf("error = %v, want ErrCorrupt", err)
	}
}

func TestAnOlderBookIsCopiedAndMigrated(t *testing.T) {
	s := open(t, Options{})
	if _, err := s.Commit(t.Context(), letters(1, 5)); err != nil {
		t.Fatal(err)
	}
	next := fstest.MapFS{"0099_next.sql": {Data: []byte("-- +goose Up\nCREATE TABLE hereafter (x INTEGER) STRICT;\n")}}
	names, err := fs.Glob(migrationFiles(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(migrationFiles(), name)
		if err != nil {
			t.Fatal(err)
		}
		next[name] = &fstest.MapFile{Data: data}
	}
	if err := s.migrate(t.Context(), Options{}, next); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Head(t.Context()); err != nil {
		t.Errorf("the migrated book: %v", err)
	}
	copied, err := Open(t.Context(), s.path+".v1", Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	sound(t, copied, 5)
	if _, err := copied.Commit(t.Context(), letters(6, 6)); !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("Commit into a book to be read only = %v", err)
	}
}

func TestABackupIsABook(t *testing.T) {
	s := open(t, Options{})
	if _, err := s.Commit(t.Context(), letters(1, 5)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := s.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), path); !errors.Is(err, registry.ErrRefused) {
		t.Errorf("a backup over another = %v, want ErrRefused", err)
	}
	copied, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	sound(t, copied, 5)
}

func TestNetworkFileSystemsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name  string
		magic uint32
		fits  bool
	}{
		{"ext4", 0xEF53, true},
		{"xfs", 0x58465342, true},
		{"btrfs", 0x9123683E, true},
		{"memory", 0x01021994, true},
		{"NFS", 0x6969, false},
		{"CIFS", 0xFF534D42, false},
		{"FUSE", 0x65735546, false},
	} {
		if err := localKind("/srv", tt.magic); (err == nil) != tt.fits {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ statement, code, subject string }{
		{"DROP TRIGGER leaf_stays", "trigger_missing", "trigger leaf_stays"},
		{"DROP INDEX work_clerk", "schema_missing", "index work_clerk"},
		{"CREATE TRIGGER evil AFTER INSERT ON leaf BEGIN SELECT 1; END", "schema_foreign", "trigger evil"},
		{"ALTER TABLE note ADD COLUMN evil TEXT", "schema_changed", "table note"},
	} {
		t.Run(tt.subject, func(t *testing.T) {
			s := open(t, Options{})
			execute(t, s.path, tt.statement)
			found, err := s.Check(t.Context())
			if err != nil || len(found) != 1 || found[0].Code != tt.code || found[0].Subject != tt.subject {
				t.Errorf("Check = %+v, %v; want %s of %s", found, err, tt.code, tt.subject)
			}
		})
	}
}

// sound examines the book and counts its entries.
func sound(t *testing.T, s registry.Store, entries int) {
	t.Helper()
	if err := storetest.Sound(t.Context(), s); err != nil {
		t.Error(err)
	}
	page, err := s.Find(t.Context(), registry.Query{Of: registry.FindSeries})
	if err != nil || len(page.Series) != 1 || page.Series[0].Taken != int64(entries) {
		t.Errorf("series = %+v, %v; want %d taken", page.Series, err, entries)
	}
}

func newBook(t *testing.T, path string) {
	t.Helper()
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// execute runs a statement as somebody who has the file.
func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(t.Context(), statement)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnErasureTakesTheContentAndLeavesTheLeaf(t *testing.T) {
	s := open(t, Options{})
	ctx := t.Context()
	kept := letter(1)
	kept.Arrival.Disposition, kept.Arrival.Reason = registry.Quarantined, "spam"
	order := letter(3)
	order.Key, order.Arrival = "erase/1", nil
	order.Act = &registry.Act{Kind: registry.ActErased, Subject: kept.Arrival.Item.ID.String(), Text: registry.ErasedSpam}
	for _, d := range []registry.Draft{kept, letter(2), order} {
		if out, err := s.Commit(ctx, []registry.Draft{d}); err != nil || out[0].State != registry.Written {
			t.Fatalf("%s: %+v, %v", d.Key, out, err)
		}
	}
	leaves, err := s.Leaves(ctx, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range leaves {
		if erased := l.Content == nil; erased != (i == 0) || len(l.Body) == 0 {
			t.Errorf("leaf %d: erased = %t, %d bytes of body", i, erased, len(l.Body))
		}
	}
	out, err := s.Commit(ctx, []registry.Draft{kept})
	if err != nil || out[0].State != registry.Repeated {
		t.Errorf("the erased item again: %+v, %v", out, err)
	}
	if err := storetest.Sound(ctx, s); err != nil {
		t.Error(err)
	}
}

// anywhere reports whether a text can be found in the files of a book.
func anywhere(t *testing.T, s *Store, text string) bool {
	t.Helper()
	for _, end := range []string{"", "-wal"} {
		if b, err := os.ReadFile(s.path + end); err == nil && bytes.Contains(b, []byte(text)) {
			return true
		}
	}
	return false
}

func TestAnErasureLeavesNothingInFreePages(t *testing.T) {
	s := open(t, Options{})
	ctx := t.Context()
	const secret, word = "zupelnie tajne zdanie", "niepowtarzalneslowo"
	kept := letter(1) // what the book's entry itself says would stay
	kept.Arrival.Disposition, kept.Arrival.Reason = registry.Quarantined, "spam"
	kept.Arrival.Document.Subject = strings.Repeat(secret+" ", 2000)
	out, err := s.Commit(ctx, []registry.Draft{kept, letter(2), letter(3)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Index(ctx, []registry.Text{{Number: out[1].Number, Words: word}, {Number: out[2].Number, Words: "inne"}}); err != nil {
		t.Fatal(err)
	}
	if !anywhere(t, s, secret) || !anywhere(t, s, word) {
		t.Fatal("the test does not find what is to be erased")
	}
	order := letter(4)
	order.Key, order.Arrival = "erase/1", nil
	order.Act = &registry.Act{Kind: registry.ActErased, Subject: kept.Arrival.Item.ID.String(), Text: registry.ErasedSpam}
	if out, err := s.Commit(ctx, []registry.Draft{order}); err != nil || out[0].State != registry.Written {
		t.Fatalf("%+v, %v", out, err)
	}
	if anywhere(t, s, secret) {
		t.Error("the content of a leaf is still on the disk")
	}
	if err := s.Index(ctx, []registry.Text{{Number: out[1].Number, Words: "numer", Erased: true}}); err != nil {
		t.Fatal(err)
	}
	if anywhere(t, s, word) {
		t.Error("a word of the search is still on the disk")
	}
	found, err := s.Find(ctx, registry.Query{Of: registry.FindSearch, Words: []string{"inne"}})
	if err != nil || len(found.Works) != 1 {
		t.Errorf("other words: %+v, %v", found.Works, err)
	}
	if err := storetest.Sound(ctx, s); err != nil {
		t.Error(err)
	}
}
