package main

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kancelaria/registry"
)

// backupFormat is the only one there is; a later one a program refuses.
const backupFormat = 1

// The files of a backup beside the book, the archive and the office's own.
const (
	manifestName   = "manifest.json"
	unfinishedName = "unfinished"
	checkpointsIn  = "book/checkpoints.json"
	notesIn        = "book/notes.json"
)

// A manifest says what a backup holds. It is written last: a folder without
// one is no backup.
type manifest struct {
	Format  int              `json:"format"`
	Version string           `json:"version"`
	At      time.Time        `json:"at"`
	Node    string           `json:"node"`
	Origin  string           `json:"origin"` // of the ledger
	Leaves  int64            `json:"leaves"`
	Root    registry.Digest  `json:"root"`
	Numbers map[string]int64 `json:"numbers"` // series: how many were given
	Files   []savedFile      `json:"files"`
}

// A savedFile is one file of a backup. Path is where it lies below the folder:
// a newer copy never takes the place of one that the last manifest names, so
// that the folder holds a whole backup at any moment.
type savedFile struct {
	Name    string          `json:"name"`
	Path    string          `json:"path"`
	Size    int64           `json:"size"`
	Digest  registry.Digest `json:"sha256"`
	Changed time.Time       `json:"changed,omitzero"` // of what it was copied from
	Sealed  bool            `json:"sealed,omitempty"`
}

// readManifest reads that of a backup; nil if the folder holds none.
func readManifest(dir string) (*manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, manifestName))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the backup: %w", err)
	}
	var m manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("%s is damaged, or is not of a backup: %w", filepath.Join(dir, manifestName), err)
	}
	if m.Format != backupFormat {
		return nil, fmt.Errorf("the backup in %s has format %d; this program knows %d", dir, m.Format, backupFormat)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(f.Name) || !filepath.IsLocal(f.Path) {
			return nil, fmt.Errorf("the backup in %s names a file outside of it: %.100q", dir, f.Name)
		}
	}
	return &m, nil
}

// file finds one by name.
func (m *manifest) file(name string) (savedFile, bool) {
	if m != nil {
		for _, f := range m.Files {
			if f.Name == name {
				return f, true
			}
		}
	}
	return savedFile{}, false
}

// under lists the files below a folder of the backup.
func (m *manifest) under(folder string) (files []savedFile) {
	for _, f := range m.Files {
		if strings.HasPrefix(f.Name, folder+"/") {
			files = append(files, f)
		}
	}
	return files
}

// check reads every file of a backup and compares it with the manifest.
func (m *manifest) check(ctx context.Context, dir string) (found []registry.Finding, err error) {
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return found, err
		}
		digest, size, err := digestFile(filepath.Join(dir, f.Path))
		switch {
		case errors.Is(err, os.ErrNotExist):
			found = append(found, registry.Finding{Code: "backup_file_missing", Subject: f.Name, Text: "the backup lacks it"})
		case err != nil:
			found = append(found, registry.Finding{Code: "backup_file_unreadable", Subject: f.Name, Text: err.Error()})
		case digest != f.Digest || size != f.Size:
			found = append(found, registry.Finding{Code: "backup_file_changed", Subject: f.Name, Text: fmt.Sprintf("it has %d bytes and SHA-256 %s, the manifest says %d and %s", size, digest, f.Size, f.Digest)})
		}
	}
	return found, nil
}

// pageName names the file of a page of leaves.
func pageName(page int64) string { return fmt.Sprintf("book/%08d.json.gz", page) }

// mostPage bounds what is read of one page of a backup.
const mostPage = 1 << 30

// rowsIn reads pages of leaves out of a backup.
func (m *manifest) rowsIn(dir string) func(ctx context.Context, page int64) ([]registry.LeafRow, error) {
	return func(_ context.Context, page int64) ([]registry.LeafRow, error) {
		saved, ok := m.file(pageName(page))
		if !ok {
			return nil, fmt.Errorf("the backup lacks %s", pageName(page))
		}
		f, err := os.Open(filepath.Join(dir, saved.Path))
		if err != nil {
			return nil, fmt.Errorf("reading the backup: %w", err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("reading the backup: %s: %w", pageName(page), err)
		}
		var rows []registry.LeafRow
		lines := json.NewDecoder(io.LimitReader(z, mostPage))
		for len(rows) <= rowsAtOnce {
			var row registry.LeafRow
			if err := lines.Decode(&row); errors.Is(err, io.EOF) {
				return rows, nil
			} else if err != nil {
				return nil, fmt.Errorf("reading the backup: %s: %w", pageName(page), err)
			}
			rows = append(rows, row)
		}
		return nil, fmt.Errorf("%s holds more than %d leaves: it is not of a backup", pageName(page), rowsAtOnce)
	}
}

// A saver writes files into a backup, each whole or not at all.
type saver struct {
	dir   string
	old   *manifest
	files []savedFile
	taken int // files written this time
}

// keep takes over a file of the older backup, if it is there and right in size.
func (s *saver) keep(name string) bool {
	f, ok := s.old.file(name)
	if !ok {
		return false
	}
	if st, err := os.Stat(filepath.Join(s.dir, f.Path)); err != nil || st.Size() != f.Size {
		return false
	}
	s.files = append(s.files, f)
	return true
}

// write makes one file of the backup of what fill writes.
func (s *saver) write(name string, of savedFile, fill func(w io.Writer) error) error {
	of.Path = name
	if old, ok := s.old.file(name); ok && old.Path == name {
		of.Path += "~" // back and forth between two
	}
	to := filepath.Join(s.dir, of.Path)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".new-*")
	if err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	h := sha256.New()
	counted := &sparse{f: f}
	err = fill(io.MultiWriter(counted, h))
	err = errors.Join(err, counted.finish(), f.Chmod(0o600), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), to)
	}
	if err != nil {
		return fmt.Errorf("writing %s into the backup: %w", name, errors.Join(err, removed(f.Name())))
	}
	of.Name, of.Size, of.Digest = name, counted.at, registry.Digest(h.Sum(nil))
	s.files = append(s.files, of)
	s.taken++
	return syncDir(filepath.Dir(to))
}

// copy takes the first length bytes of a file.
func (s *saver) copy(name, from string, length int64, of savedFile) error {
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copying into the backup: %w", err)
	}
	defer f.Close()
	return s.write(name, of, func(w io.Writer) error {
		n, err := io.Copy(w, io.LimitReader(f, length))
		if err == nil && n < length {
			err = fmt.Errorf("%s became shorter while it was copied", from)
		}
		return err
	})
}

// A sparse file leaves holes where there are only zeros: what was erased takes
// no room in a copy either.
type sparse struct {
	f  *os.File
	at int64
}

// Write implements io.Writer.
func (s *sparse) Write(b []byte) (int, error) {
	const block = 4096
	for done := 0; done < len(b); {
		n := min(block-int(s.at%block), len(b)-done)
		part := b[done : done+n]
		if n < block || strings.Trim(string(part), "\x00") != "" {
			if _, err := s.f.WriteAt(part, s.at); err != nil {
				return done, err
			}
		}
		done += n
		s.at += int64(n)
	}
	return len(b), nil
}

func (s *sparse) finish() error { return s.f.Truncate(s.at) }
