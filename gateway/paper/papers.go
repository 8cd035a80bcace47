package paper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"kancelaria/registry"
)

// papers writes what belongs to an entry into a folder of its own: originals,
// metadata, and every event with what proves it.
func (x *exporting) papers(ctx context.Context, r Row) error {
	w := r.Past.Work
	dir := "entries/" + w.Number.Series().String() + "/" + w.Number.String() + "/"
	line := firstLine(r.Past.Events)
	it := registry.Item{ID: w.Item, Place: w.Place, Door: w.Door, Original: registry.Original{Digest: w.Digest, Size: w.Size, MediaType: w.MediaType}}
	if line != nil && line.Draft.Arrival != nil {
		it.Original.Name = line.Draft.Arrival.Item.Original.Name
		it.File = line.Draft.Arrival.Item.File
	}
	first, err := x.original(ctx, w.Number, it, dir+"original")
	if err != nil {
		return err
	}
	files := []metaFile{first}
	for _, scan := range scansOf(r.Past.Events) {
		f, err := x.original(ctx, w.Number, scan.item, fmt.Sprintf("%sscan-%d", dir, len(files)))
		if err != nil {
			return err
		}
		f.At = x.instant(scan.leaf.At)
		files = append(files, f)
	}
	meta, err := x.metadataOf(r, line, files)
	if err != nil {
		return err
	}
	if err := x.bag.put(dir+"metadata.xml", meta); err != nil {
		return err
	}
	if err := x.events(dir+"events.jsonl", r.Past.Events); err != nil {
		return err
	}
	folder, err := x.past.Events(ctx, w.Folder)
	if err != nil || len(folder) == 0 {
		return err
	}
	return x.events(dir+"folder.jsonl", folder)
}

// firstLine is the registration, if its content is there.
func firstLine(events []registry.LeafRow) *registry.Line {
	if len(events) == 0 || len(events[0].Content) == 0 {
		return nil
	}
	l, err := registry.ParseLine(events[0].Content)
	if err != nil {
		return nil
	}
	return &l
}

// A laterScan is a scan that was attached to an entry.
type laterScan struct {
	leaf registry.LeafRow
	item registry.Item
}

func scansOf(events []registry.LeafRow) []laterScan {
	var all []laterScan
	for _, leaf := range events {
		if leaf.Type != string(registry.Attached) {
			continue
		}
		if l, err := registry.ParseLine(leaf.Content); err == nil && l.Draft.Arrival != nil {
			it := l.Draft.Arrival.Item
			it.Place = l.Draft.Arrival.Place
			all = append(all, laterScan{leaf, it})
		}
	}
	return all
}

// original copies the bytes of an item beside its metadata. What was lawfully
// erased is said so; what is damaged or missing is a finding, and nothing that
// does not match is handed out.
func (x *exporting) original(ctx context.Context, n registry.Number, it registry.Item, name string) (metaFile, error) {
	m := metaFile{Media: it.Original.MediaType, Size: it.Original.Size, Digest: digestText(it.Original.Digest)}
	if it.File != nil && it.File.Pages != nil {
		m.Pages = it.File.Pages.String()
	}
	src, err := x.Originals.Original(ctx, it.Place, it.ID)
	if err == nil && src.Digest() != it.Original.Digest {
		err = fmt.Errorf("%w: the archive holds %s, the book says %s", registry.ErrDamaged, src.Digest(), it.Original.Digest)
		_ = src.Close() // it was only read
	}
	switch {
	case ctx.Err() != nil:
		return m, ctx.Err()
	case errors.Is(err, registry.ErrErased):
		m.State = "erased"
		return m, nil
	case err != nil:
		m.State = "missing"
		x.lack("original_missing", n.String(), "its original is not in the export: "+err.Error())
		return m, nil
	}
	defer src.Close()
	name += extensionOf(it)
	m.File = path.Base(name)
	f, err := x.bag.file(name)
	if err != nil {
		return m, err
	}
	copied, err := io.Copy(f, src)
	if err != nil || copied != src.Size() {
		return m, errors.Join(fmt.Errorf("copying the original: %d of %d bytes: %w", copied, src.Size(), errors.Join(err, io.ErrShortWrite)), f.drop())
	}
	return m, f.Close()
}

// extensionOf gives the ending of an original's name, if it is a harmless one.
func extensionOf(it registry.Item) string {
	if it.Door.IsMail() || it.Original.Name == "" {
		return ".eml"
	}
	ext := strings.ToLower(path.Ext(it.Original.Name))
	if len(ext) < 2 || len(ext) > 9 || strings.Trim(ext[1:], "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
		return ".bin"
	}
	return ext
}

// events writes leaves, one JSON object a line. Content stands there as the
// very bytes that the leaf commits to.
func (x *exporting) events(name string, leaves []registry.LeafRow) error {
	f, err := x.bag.file(name)
	if err != nil {
		return err
	}
	for _, l := range leaves {
		text, err := eventLine(l)
		if err != nil {
			return err
		}
		if _, err := f.Write(text); err != nil {
			return err
		}
	}
	return f.Close()
}

// An exportedLeaf is a leaf as events.jsonl has it, but for the content.
type exportedLeaf struct {
	Index      int64           `json:"index"`
	Type       string          `json:"type"`
	Subject    string          `json:"subject"`
	Key        string          `json:"key"`
	At         string          `json:"at"`
	Actor      string          `json:"actor"`
	OnBehalfOf string          `json:"on_behalf_of,omitempty"`
	Salt       registry.Salt   `json:"salt"`
	Body       []byte          `json:"body"` // base64
	Hash       registry.Digest `json:"hash"`
}

func eventLine(l registry.LeafRow) ([]byte, error) {
	head, err := json.Marshal(exportedLeaf{
		l.Index, l.Type, l.Subject, l.Key, l.At.UTC().Format("2006-01-02T15:04:05.000000Z"), l.Actor, l.OnBehalfOf, l.Salt, l.Body, l.Hash,
	})
	if err != nil {
		return nil, fmt.Errorf("writing leaf %d: %w", l.Index, err)
	}
	var out bytes.Buffer
	out.Write(head[:len(head)-1])
	switch {
	case len(l.Content) == 0:
		out.WriteString(`,"content":null}`)
	case json.Valid(l.Content) && bytes.IndexByte(l.Content, '\n') < 0:
		out.WriteString(`,"content":`)
		out.Write(l.Content)
		out.WriteByte('}')
	default: // damaged: kept as it is
		raw, err := json.Marshal(l.Content)
		if err != nil {
			return nil, fmt.Errorf("writing leaf %d: %w", l.Index, err)
		}
		out.WriteString(`,"content_base64":`)
		out.Write(raw)
		out.WriteByte('}')
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// ledgerPage is how many leaf hashes are read at a time.
const ledgerPage = 4096

// ledger writes what proves the export: the signed head, the office's public
// keys, and the hash of every leaf, from which anybody computes the root.
func (x *exporting) ledger(ctx context.Context) error {
	if x.out.head != nil {
		if err := x.bag.put("ledger/checkpoint.txt", x.out.head.Note); err != nil {
			return err
		}
	}
	if err := x.bag.put("ledger/public-keys.txt", []byte(strings.Join(x.Publics, "\n")+"\n")); err != nil {
		return err
	}
	f, err := x.bag.file("ledger/leaf-hashes.txt")
	if err != nil {
		return err
	}
	for from := int64(0); from < x.out.Size; from += ledgerPage {
		hashes, err := registry.LeafHashes(ctx, x.Book, from, min(from+ledgerPage, x.out.Size))
		if err != nil {
			return err
		}
		for _, h := range hashes {
			if _, err := f.Write([]byte(h.String() + "\n")); err != nil {
				return err
			}
		}
	}
	return f.Close()
}
