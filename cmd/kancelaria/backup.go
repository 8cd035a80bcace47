package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry"
	"kancelaria/registry/archive"
	"kancelaria/registry/ledger"
)

type backupCmd struct {
	Out string `short:"o" required:"" placeholder:"DIR" help:"Where to: a new or empty folder, or an older backup of this office, which is brought up to date."`
}

// Run copies the office beside whoever works in it: the book first, then the
// archive, which then holds all that the book names. Secret keys are never
// taken; they are kept elsewhere.
func (c *backupCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	s, unlock, err := openBackup(c.Out, cfg)
	if err != nil {
		return err
	}
	defer unlock()
	store, err := readBook(e.ctx, cfg, e.now)
	if err != nil {
		return err
	}
	defer store.Close()
	a, err := readArchive(e, cfg)
	if err != nil {
		return err
	}
	defer a.Close()
	m := &manifest{Format: backupFormat, Version: version(), At: e.now().UTC(), Node: cfg.Node}
	for _, step := range []func() error{
		func() error { return s.book(e.ctx, store, m) },
		func() error { return s.beside(e.ctx, store) },
		func() error { return s.archive(e.ctx, a, string(cfg.Archive.Segments)) },
		func() error { return s.office(cfg) },
		func() error { return s.finish(m) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	if e.JSON {
		return json.NewEncoder(e.stdout).Encode(map[string]any{"leaves": m.Leaves, "root": m.Root, "numbers": m.Numbers, "files": len(m.Files), "written": s.taken})
	}
	_, err = fmt.Fprintf(e.stdout, "%s holds the office up to leaf %d (root %s): %d files, %d of them written now. The secret keys are not in it: keep data/keys elsewhere.\n",
		c.Out, m.Leaves, m.Root, len(m.Files), s.taken)
	return err
}

// openBackup makes sure that the folder may be written to: nothing that is not
// a backup of this office is ever touched.
func openBackup(dir string, cfg *config.Config) (*saver, func(), error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, live := range []config.Path{cfg.Data, cfg.Archive.Segments} {
		if rel, err := filepath.Rel(string(live), abs); err == nil && filepath.IsLocal(rel) {
			return nil, nil, withCode(exitUsage, fmt.Errorf("%s lies among the data it would be a backup of; choose a folder on another disk", dir))
		}
	}
	old, err := readManifest(abs)
	if err != nil {
		return nil, nil, err
	}
	entries, err := os.ReadDir(abs)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("opening the backup: %w", err)
	}
	begun := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == unfinishedName })
	if old == nil && len(entries) > 0 && !begun {
		return nil, nil, fmt.Errorf("%s is neither empty nor a backup; nothing was changed", dir)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, nil, fmt.Errorf("opening the backup: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(abs, unfinishedName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the backup: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, nil, withCode(exitLocked, fmt.Errorf("somebody else writes to %s", dir))
	}
	return &saver{dir: abs, old: old}, func() { _ = lock.Close() }, nil
}

// book writes the leaves in pages. A page that is full and in the older backup
// stays, unless something in it was erased since.
func (s *saver) book(ctx context.Context, store registry.Store, m *manifest) error {
	head, err := store.Head(ctx)
	if err != nil {
		return err
	}
	m.Origin, m.Leaves, m.Root, m.Numbers = head.Origin, head.Size, head.Root(), map[string]int64{}
	first := int64(0)
	if s.old != nil {
		if err := s.continues(ctx, store, head); err != nil {
			return err
		}
		first = s.old.Leaves / rowsAtOnce
	}
	erased := map[int64]bool{}
	pages := (head.Size + rowsAtOnce - 1) / rowsAtOnce
	read := rowsOf(store, head.Size)
	for page := first; page < pages; page++ {
		rows, err := read(ctx, page)
		if err != nil {
			return fmt.Errorf("reading the book: %w", err)
		}
		if err := noteErased(rows, first, erased); err != nil {
			return err
		}
		if err := s.page(page, rows); err != nil {
			return err
		}
	}
	for page := range first {
		if !erased[page] && !erased[-1] && s.keep(pageName(page)) {
			continue
		}
		rows, err := read(ctx, page)
		if err != nil {
			return fmt.Errorf("reading the book: %w", err)
		}
		if err := s.page(page, rows); err != nil {
			return err
		}
	}
	series, err := store.Find(ctx, registry.Query{Of: registry.FindSeries})
	if err != nil {
		return err
	}
	for _, row := range series.Series {
		m.Numbers[row.Series.String()] = row.Taken
	}
	return nil
}

// continues refuses to bring up to date what is not an earlier state of the
// book.
func (s *saver) continues(ctx context.Context, store registry.Store, head registry.Head) error {
	if s.old.Leaves > head.Size {
		return withCode(exitFindings, fmt.Errorf("the backup has %d leaves and the book %d: the book is older than its backup; nothing was changed, see \"kancelaria help recover\"", s.old.Leaves, head.Size))
	}
	root, err := ledger.Root(s.old.Leaves, registry.StoredHashes(ctx, store))
	if err != nil {
		return err
	}
	if registry.Digest(root) != s.old.Root {
		return withCode(exitFindings, fmt.Errorf("the folder holds the backup of another book, or this one was changed: its first %d leaves have another root; nothing was changed", s.old.Leaves))
	}
	return nil
}

// noteErased finds out which older pages hold what was erased since; -1 stands
// for all of them.
func noteErased(rows []registry.LeafRow, first int64, erased map[int64]bool) error {
	for _, row := range rows {
		if row.Type != string(registry.ActErased) {
			continue
		}
		l, err := registry.LineOf(row)
		if err != nil {
			return fmt.Errorf("reading leaf %d: %w", row.Index, err)
		}
		stubs := l.Stubs()
		if len(stubs) == 0 {
			erased[-1] = true
		}
		for _, stub := range stubs {
			if page := stub.Index / rowsAtOnce; page < first {
				erased[page] = true
			}
		}
	}
	return nil
}

func (s *saver) page(page int64, rows []registry.LeafRow) error {
	return s.write(pageName(page), savedFile{}, func(w io.Writer) error {
		z := gzip.NewWriter(w)
		lines := json.NewEncoder(z)
		for _, row := range rows {
			if err := lines.Encode(row); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

// notSaved are kinds of notes that are of no use elsewhere, or nobody's
// business there: who is logged in, and with what.
var notSaved = []string{"session", "once", "token", "password", "search", "seals"}

// beside writes what of the book has no leaf: signed heads and notes.
func (s *saver) beside(ctx context.Context, store registry.Store) error {
	heads, err := signedHeads(ctx, store)
	if err != nil {
		return err
	}
	if err := s.write(checkpointsIn, savedFile{}, func(w io.Writer) error { return json.NewEncoder(w).Encode(heads) }); err != nil {
		return err
	}
	notes, err := notesBut(ctx, store, notSaved)
	if err != nil {
		return err
	}
	return s.write(notesIn, savedFile{}, func(w io.Writer) error { return json.NewEncoder(w).Encode(notes) })
}

// signedHeads are all that are stored, oldest first, as they are stored again.
func signedHeads(ctx context.Context, store registry.Store) (heads []registry.Checkpoint, err error) {
	for q := (registry.Query{Of: registry.FindCheckpoints, Limit: 1000}); ; {
		page, err := store.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		heads = append(heads, page.Checkpoints...)
		if q.After = page.Next; q.After == "" {
			slices.Reverse(heads)
			return heads, nil
		}
	}
}

// notesBut are all notes but those of some kinds.
func notesBut(ctx context.Context, store registry.Store, kinds []string) (notes []registry.Note, err error) {
	for _, kind := range []string{"", registry.NoteAccess} { // who looked at what lies apart
		q := registry.Query{Of: registry.FindNotes, NoteKind: kind, Limit: 1000}
		for more := true; more; more = q.After != "" {
			page, err := store.Find(ctx, q)
			if err != nil {
				return nil, err
			}
			for _, n := range page.Notes {
				if !slices.ContainsFunc(kinds, func(kind string) bool { return strings.Contains(n.Kind, kind) }) {
					n.IfVersion, n.Version = nil, 0
					notes = append(notes, n)
				}
			}
			q.After = page.Next
		}
	}
	return notes, nil
}

// archive copies segments and large originals. What was erased or moved since
// the older backup has changed, and is copied anew: so the copy loses it too.
func (s *saver) archive(ctx context.Context, a *archive.Archive, from string) error {
	for c, err := range a.Copies(ctx) {
		if err != nil {
			return fmt.Errorf("reading the archive: %w", err)
		}
		name := "archive/" + c.Name
		if old, ok := s.old.file(name); ok && old.Sealed && c.Sealed && old.Size == c.Length && old.Changed.Equal(c.ModTime) && s.keep(name) {
			continue
		}
		if err := s.copy(name, filepath.Join(from, c.Name), c.Length, savedFile{Changed: c.ModTime, Sealed: c.Sealed}); err != nil {
			return err
		}
	}
	return nil
}

// office copies the three files, the public keys and the deliveries.
func (s *saver) office(cfg *config.Config) error {
	files := map[string]string{
		"office/kancelaria.yaml": cfg.File, "office/" + base(string(cfg.Office)): string(cfg.Office), "office/" + base(string(cfg.Rules)): string(cfg.Rules),
		"office/" + ledgerPublic: filepath.Join(keyDir(string(cfg.Data)), ledgerPublic),
	}
	deliveries := filepath.Join(string(cfg.Data), "deliveries")
	err := filepath.WalkDir(deliveries, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files["deliveries/"+d.Name()] = p
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the deliveries: %w", err)
	}
	for name, from := range files {
		st, err := os.Stat(from)
		if err != nil {
			return fmt.Errorf("copying into the backup: %w", err)
		}
		if err := s.copy(name, from, st.Size(), savedFile{}); err != nil {
			return err
		}
	}
	return nil
}

// finish writes the manifest, and only then lets go of what it names no more.
func (s *saver) finish(m *manifest) error {
	slices.SortFunc(s.files, func(a, b savedFile) int { return strings.Compare(a.Name, b.Name) })
	m.Files = s.files
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(s.dir, manifestName), string(text)+"\n", 0o600); err != nil {
		return err
	}
	if err := s.tidy(m); err != nil {
		return fmt.Errorf("tidying the backup: %w", err)
	}
	return removed(filepath.Join(s.dir, unfinishedName))
}

// tidy removes what a backup does not name any more, of its own folders only.
func (s *saver) tidy(m *manifest) error {
	named := make(map[string]bool, len(m.Files))
	for _, f := range m.Files {
		named[f.Path] = true
	}
	for _, folder := range []string{"book", "archive", "office", "deliveries"} {
		err := filepath.WalkDir(filepath.Join(s.dir, folder), func(p string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			rel, err := filepath.Rel(s.dir, p)
			if err == nil && !named[filepath.ToSlash(rel)] {
				err = os.Remove(p)
			}
			return err
		})
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
