package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kancelaria/cmd/internal/config"
	"kancelaria/registry"
	"kancelaria/registry/archive"
)

type restoreCmd struct {
	Dir         string   `arg:"" optional:"" help:"The backup; not needed when it is put back and only the last numbers are to be said."`
	LastNumber  []string `placeholder:"NUMBER" help:"The last number that was told to anybody, of each register: from the daily mail, a receipt, a notice."`
	Reason      string   `default:"restored from a backup; what was registered after it is lost" placeholder:"TEXT" help:"Written into the book with each gap."`
	NothingLost bool     `help:"The office was stopped for good before this backup was made: the same ledger goes on."`
}

// restoredName marks an office that was put back and whose last numbers nobody
// has said yet. While it is there nothing is numbered.
const restoredName = "restored.json"

// A restored office, as its mark says.
type restored struct {
	From   string    `json:"from"`
	Backup time.Time `json:"backup"` // when it was made
	At     time.Time `json:"at"`
	Whole  bool      `json:"whole"` // everything is in its place; only the last numbers are to be said
}

func restoredMark(cfg *config.Config) string { return filepath.Join(string(cfg.Data), restoredName) }

// readRestored reads the mark; nil if there is none.
func readRestored(cfg *config.Config) (*restored, error) {
	b, err := os.ReadFile(restoredMark(cfg))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var r restored
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the mark of a restored office: %w", err)
	}
	return &r, nil
}

// hold says that nothing may be numbered: letters are accepted and wait.
func (h *house) hold() error {
	r, err := readRestored(h.cfg)
	if err != nil || r == nil {
		return err
	}
	return fmt.Errorf("%w: this office was restored from a backup of %s; say which numbers were the last with \"kancelaria restore --last-number NUMBER\"", registry.ErrBehind, r.Backup.In(h.cfg.Zone).Format(time.RFC3339))
}

// Run puts an office back on a new machine, in two steps that may be one: the
// bytes, and then what somebody knows of the numbers that came after them.
func (c *restoreCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	mark, err := readRestored(cfg)
	if err != nil {
		return err
	}
	if mark == nil || !mark.Whole {
		if c.Dir == "" {
			return withCode(exitUsage, errors.New("which backup? kancelaria restore DIR"))
		}
		if err := c.putBack(e, cfg, mark); err != nil {
			return err
		}
	}
	h, err := openHouse(e.ctx, cfg, e.log, forCommand)
	if err != nil {
		return err
	}
	return errors.Join(c.confirm(e, h), h.Close())
}

// putBack brings the backup to its place, if nothing is there.
func (c *restoreCmd) putBack(e *env, cfg *config.Config, mark *restored) error {
	m, err := readManifest(c.Dir)
	if err != nil {
		return err
	}
	if m == nil {
		return fmt.Errorf("%s holds no backup (no %s)", c.Dir, manifestName)
	}
	found, err := m.check(e.ctx, c.Dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		if err := e.finding(f); err != nil {
			return err
		}
	}
	if len(found) > 0 {
		return withCode(exitFindings, errors.New("the backup is damaged; nothing was changed"))
	}
	if err := os.MkdirAll(string(cfg.Data), 0o770); err != nil {
		return fmt.Errorf("making the office's data: %w", err)
	}
	h := &house{cfg: cfg}
	if err := h.takeLock(); err != nil {
		return err
	}
	err = c.bytes(e, cfg, m, mark)
	if err := errors.Join(err, h.lock.Close()); err != nil {
		return err
	}
	return c.lines(e, cfg, m)
}

// bytes copies the archive and what else lies in files. The caller holds the
// office's lock.
func (c *restoreCmd) bytes(e *env, cfg *config.Config, m *manifest, mark *restored) error {
	if mark == nil {
		if err := empty(e.ctx, cfg, e.now); err != nil {
			return err
		}
		mark = &restored{From: c.Dir, Backup: m.At, At: e.now().UTC()}
		if err := mark.write(cfg); err != nil {
			return err
		}
	}
	for _, f := range m.under("archive") {
		to := filepath.Join(string(cfg.Archive.Segments), strings.TrimPrefix(f.Name, "archive/"))
		mode := os.FileMode(0o600)
		if f.Sealed && !strings.Contains(f.Name, "/damaged/") {
			mode = 0o440
		}
		if err := putFile(filepath.Join(c.Dir, f.Path), to, mode); err != nil {
			return err
		}
	}
	for _, f := range m.under("deliveries") {
		if err := putFile(filepath.Join(c.Dir, f.Path), filepath.Join(string(cfg.Data), f.Name), 0o600); err != nil {
			return err
		}
	}
	return c.publicKeys(cfg, m)
}

// empty makes sure that no office lives here.
func empty(ctx context.Context, cfg *config.Config, now func() time.Time) error {
	segments, err := filepath.Glob(filepath.Join(string(cfg.Archive.Segments), "*", "*.seg"))
	if err != nil {
		return err
	}
	if len(segments) > 0 {
		return withCode(exitImmutable, fmt.Errorf("there is an archive in %s; a backup is never put over an office, nothing was changed", cfg.Archive.Segments))
	}
	if !hasBook(cfg) {
		return nil
	}
	store, err := readBook(ctx, cfg, now)
	if err != nil {
		return err
	}
	head, err := store.Head(ctx)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	if head.Size > 0 {
		return withCode(exitImmutable, fmt.Errorf("there is a book of %d leaves; a backup is never put over an office, nothing was changed", head.Size))
	}
	return nil
}

func (r *restored) write(cfg *config.Config) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return replaceFile(restoredMark(cfg), string(b)+"\n", 0o640)
}

// putFile copies a file of the backup; one that is there from an attempt before
// is written anew.
func putFile(from, to string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("restoring %s: %w", to, err)
	}
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("restoring %s: %w", to, err)
	}
	defer in.Close()
	out, err := os.CreateTemp(filepath.Dir(to), ".new-*")
	if err != nil {
		return fmt.Errorf("restoring %s: %w", to, err)
	}
	w := &sparse{f: out}
	_, err = io.Copy(w, in)
	err = errors.Join(err, w.finish(), out.Chmod(mode), out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), to)
	}
	if err == nil {
		err = syncDir(filepath.Dir(to))
	}
	if err != nil {
		return fmt.Errorf("restoring %s: %w", to, errors.Join(err, removed(out.Name())))
	}
	return nil
}

// publicKeys lets what was signed before be checked here too.
func (c *restoreCmd) publicKeys(cfg *config.Config, m *manifest) error {
	f, ok := m.file("office/" + ledgerPublic)
	if !ok {
		return nil
	}
	b, err := os.ReadFile(filepath.Join(c.Dir, f.Path))
	if err != nil {
		return err
	}
	dir := keyDir(string(cfg.Data))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making %s: %w", dir, err)
	}
	here, err := os.ReadFile(filepath.Join(dir, ledgerPublic))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	keys := strings.Fields(string(b))
	for _, k := range strings.Fields(string(here)) {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return replaceFile(filepath.Join(dir, ledgerPublic), strings.Join(keys, "\n")+"\n", 0o644)
}

// lines builds the book again: from the backup's, then from the copybooks in
// its archive, which may hold more.
func (c *restoreCmd) lines(e *env, cfg *config.Config, m *manifest) error {
	if c.NothingLost {
		if _, err := os.Stat(filepath.Join(keyDir(string(cfg.Data)), ledgerKey)); err != nil {
			return withCode(exitUsage, fmt.Errorf("with --nothing-lost the same ledger goes on: bring %s from where the office keeps it first", filepath.Join(keyDir(string(cfg.Data)), ledgerKey)))
		}
	}
	h, err := openHouse(e.ctx, cfg, e.log, forCommand)
	if err != nil {
		return err
	}
	return errors.Join(c.rebuild(e, h, m), h.Close())
}

func (c *restoreCmd) rebuild(e *env, h *house, m *manifest) error {
	o, err := h.rebuildOptions(e, false, c.Reason)
	if err != nil {
		return err
	}
	saved, err := readRows(e.ctx, m.Leaves, m.rowsIn(c.Dir))
	if err != nil {
		return err
	}
	if _, err := registry.Rebuild(e.ctx, h.book, saved, o); err != nil {
		return err
	}
	head, err := h.book.Head(e.ctx)
	if err != nil {
		return err
	}
	if head.Size == m.Leaves && head.Root() != m.Root {
		return withCode(exitFindings, fmt.Errorf("the book that was built has the root %s, its backup says %s", head.Root(), m.Root))
	}
	if err := c.restBeside(e.ctx, h, m); err != nil {
		return err
	}
	known, err := readCopybook(e.ctx, []*archive.Archive{h.archive}, nil)
	if err != nil {
		return err
	}
	o.Lacking = !c.NothingLost
	if done, err := registry.Rebuild(e.ctx, h.book, known, o); err != nil {
		return err
	} else if done.Origin != "" {
		if err := h.turnKey(done.Origin); err != nil {
			return err
		}
	}
	if err := h.archive.FinishErasures(e.ctx); err != nil {
		return err
	}
	mark, err := readRestored(h.cfg)
	if err != nil {
		return err
	}
	mark.Whole = true
	return mark.write(h.cfg)
}

// restBeside puts back what has no leaf.
func (c *restoreCmd) restBeside(ctx context.Context, h *house, m *manifest) error {
	var heads []registry.Checkpoint
	var notes []registry.Note
	for name, to := range map[string]any{checkpointsIn: &heads, notesIn: &notes} {
		f, ok := m.file(name)
		if !ok {
			continue
		}
		b, err := os.ReadFile(filepath.Join(c.Dir, f.Path))
		if err == nil {
			err = json.Unmarshal(b, to)
		}
		if err != nil {
			return fmt.Errorf("reading %s of the backup: %w", name, err)
		}
	}
	return putBeside(ctx, h.book, heads, notes)
}

// putBeside stores signed heads and notes in a book that has their leaves.
func putBeside(ctx context.Context, store registry.Store, heads []registry.Checkpoint, notes []registry.Note) error {
	for _, c := range heads {
		if err := store.Seal(ctx, c); err != nil {
			return fmt.Errorf("storing a signed head: %w", err)
		}
	}
	for batch := range slices.Chunk(notes, 200) {
		if err := store.Keep(ctx, batch); err != nil {
			return fmt.Errorf("storing notes: %w", err)
		}
	}
	return nil
}
