package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"kancelaria/gateway/spool"
	"kancelaria/registry"
	"kancelaria/registry/archive"
)

type archiveExportCmd struct {
	Out   string `short:"o" required:"" placeholder:"DIR" help:"A folder that is not there yet, or is empty."`
	Since string `placeholder:"WHEN" help:"Only what was accepted since: a day, or a span back (30d)."`
	Until string `placeholder:"WHEN" help:"Only what was accepted before."`
}

// Run writes out every original of this gateway's archive, each checked against
// its digest, with its manifest beside it and its number as far as the copybook
// has it. It asks the archive alone: this is also the way out when there is no
// book any more. What cannot be read is named, and the rest goes on.
func (c *archiveExportCmd) Run(e *env) error {
	cfg, err := e.config()
	if err != nil {
		return err
	}
	x := &export{e: e, dir: c.Out}
	for _, bound := range []struct {
		text string
		at   *time.Time
	}{{c.Since, &x.since}, {c.Until, &x.until}} {
		if bound.text == "" {
			continue
		}
		if *bound.at, err = back(bound.text, e.now(), cfg.Zone); err != nil {
			return withCode(exitUsage, err)
		}
	}
	if x.archive, err = readArchive(e, cfg); err != nil {
		return err
	}
	defer x.archive.Close()
	if err := x.open(); err != nil {
		return err
	}
	defer x.root.Close()
	if err := errors.Join(x.run(e.ctx), x.close()); err != nil {
		return fmt.Errorf("exporting to %s: %w", c.Out, err)
	}
	if !e.JSON {
		fmt.Fprintf(e.stdout, "%d originals written to %s, %d erased, %d not readable. Check: cd %s && sha256sum -c SHA256SUMS\n", x.written, c.Out, x.erased, x.bad, c.Out)
	}
	if x.bad > 0 {
		return silent{exitFindings}
	}
	return nil
}

// An export is one folder being filled.
type export struct {
	e            *env
	archive      *archive.Archive
	dir          string
	since, until time.Time
	root         *os.Root
	sums, list   *exportFile
	numbers      map[registry.ItemID]registry.Number

	written, erased, bad int
}

// An exportFile is one of the two lists.
type exportFile struct {
	*bufio.Writer
	file *os.File
}

func (x *export) open() error {
	if err := os.MkdirAll(x.dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(x.dir)
	if err != nil {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty; nothing was written: name a new folder", x.dir)
	}
	if x.root, err = os.OpenRoot(x.dir); err != nil {
		return err
	}
	for _, l := range []struct {
		name string
		to   **exportFile
	}{{"SHA256SUMS", &x.sums}, {"items.tsv", &x.list}} {
		f, err := x.root.OpenFile(l.name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		*l.to = &exportFile{bufio.NewWriter(f), f}
	}
	_, err = x.list.WriteString("item\tnumber\taccepted_at\tregister\tsha256\tsize\tfile\n")
	return err
}

func (x *export) close() error {
	return errors.Join(x.sums.Flush(), x.list.Flush(), x.sums.file.Sync(), x.list.file.Sync(), x.sums.file.Close(), x.list.file.Close())
}

func (x *export) run(ctx context.Context) error {
	if err := x.readNumbers(ctx); err != nil {
		return err
	}
	for r, err := range x.archive.Records(ctx, "") {
		if err != nil {
			return err
		}
		if r.Kind != registry.RecordItems {
			continue
		}
		for _, s := range r.Sheets {
			if err := x.item(ctx, r.Place, s.Item); err != nil {
				return err
			}
		}
	}
	return nil
}

// readNumbers learns from the copybook which number each item got.
func (x *export) readNumbers(ctx context.Context) error {
	x.numbers = map[registry.ItemID]registry.Number{}
	for r, err := range x.archive.Records(ctx, "") {
		if err != nil {
			return err
		}
		if r.Kind != registry.RecordOutcomes {
			continue
		}
		for _, s := range r.Sheets {
			if !s.Settles {
				continue
			}
			b, err := x.archive.Sheet(ctx, r.Place, s.Item)
			if err != nil {
				continue // erased or damaged: the item says so itself
			}
			if l, err := registry.ParseLine(b); err == nil && l.Draft.Arrival != nil {
				x.numbers[l.Draft.Arrival.Item.ID] = l.Outcome.Number
			}
		}
	}
	return nil
}

// item writes one original. What is erased is counted; what is damaged is a
// finding; only a disk that fails ends it all.
func (x *export) item(ctx context.Context, p registry.Place, id registry.ItemID) error {
	sheet, err := x.archive.Sheet(ctx, p, id)
	if err == nil {
		var it registry.Item
		if it, err = spool.ParseManifest(sheet); err == nil {
			if !x.since.IsZero() && it.AcceptedAt.Before(x.since) || !x.until.IsZero() && !it.AcceptedAt.Before(x.until) {
				return nil
			}
			return x.original(ctx, p, it, sheet)
		}
	}
	return x.lacking(id, err)
}

func (x *export) lacking(id registry.ItemID, err error) error {
	switch {
	case errors.Is(err, registry.ErrErased):
		x.erased++
		return nil
	case errors.Is(err, context.Canceled):
		return err
	default:
		x.bad++
		return x.e.finding(registry.Finding{Code: "not_exported", Subject: "item " + id.String(), Text: err.Error()})
	}
}

func (x *export) original(ctx context.Context, p registry.Place, it registry.Item, manifest []byte) error {
	src, err := x.archive.Original(ctx, p, it.ID)
	if err != nil {
		return x.lacking(it.ID, err)
	}
	defer src.Close()
	dir := it.AcceptedAt.UTC().Format("2006-01")
	if err := x.root.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	name := path.Join(dir, it.ID.String())
	file := name + endingOf(it)
	if err := x.write(file, src); err != nil {
		return err
	}
	if err := x.write(name+".json", bytes.NewReader(indented(manifest))); err != nil {
		return err
	}
	x.written++
	if x.e.JSON {
		err = json.NewEncoder(x.e.stdout).Encode(map[string]any{"item_id": it.ID, "number": x.numbers[it.ID].String(), "file": file, "sha256": it.Original.Digest, "size": it.Original.Size})
		if err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(x.list, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", it.ID, x.numbers[it.ID], it.AcceptedAt.Format(time.RFC3339Nano), it.Register, it.Original.Digest, it.Original.Size, file)
	return err
}

// write writes one file and its line of SHA256SUMS, of the bytes as written.
func (x *export) write(name string, r io.Reader) error {
	f, err := x.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o400)
	if err != nil {
		return err
	}
	digest := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, digest), r)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(x.sums, "%s  %s\n", hex.EncodeToString(digest.Sum(nil)), name)
	return err
}

// endingOf is how a file's name ends so that programs know what it is. It comes
// from a stranger: only plain letters and digits are taken.
func endingOf(it registry.Item) string {
	if readAs(it).Door.IsMail() { // several files came wrapped as a letter
		return ".eml"
	}
	ext := strings.ToLower(filepath.Ext(it.Original.Name))
	plain := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') }
	if len(ext) < 2 || len(ext) > 10 || ext == ".json" || strings.ContainsFunc(ext[1:], plain) {
		return ".bin"
	}
	return ext
}

// indented is JSON for people.
func indented(b []byte) []byte {
	var out bytes.Buffer
	if json.Indent(&out, b, "", "  ") != nil {
		return b
	}
	return append(out.Bytes(), '\n')
}
