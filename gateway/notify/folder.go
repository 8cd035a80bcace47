package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/mail"
	"os"
	"strings"

	"kancelaria/registry"
)

// Documents opens what may be copied of an entry: the letter and its
// attachments. What may not leave the archive, say an attachment that was not
// scanned, it leaves out.
type Documents interface {
	Documents(ctx context.Context, number registry.Number) ([]Document, error)
}

// A Document is one file to copy. The caller of Open closes what it gives.
type Document struct {
	Name      string // as in the letter; made safe before use
	MediaType string // by content; "" is any
	Open      func(ctx context.Context) (io.ReadCloser, error)
}

// A Shelf is where copies go: a folder for each clerk, in it one for each
// entry. Put may repeat; it replaces nothing and reports success for what is
// there already.
type Shelf interface {
	Put(ctx context.Context, clerk, entry, name string, content io.Reader) error
}

// A Folder is the channel that lays read-only copies of an entry's documents
// into the clerk's own folder, so that they are on the clerk's own computer.
type Folder struct {
	shelf     Shelf
	documents Documents
}

// NewFolder makes the channel.
func NewFolder(shelf Shelf, documents Documents) *Folder { return &Folder{shelf, documents} }

// maxDocuments bounds the copies of one entry.
const maxDocuments = 500

// Send copies. Restricted entries are not copied: a folder has no readers' list.
func (f *Folder) Send(ctx context.Context, p Parcel) (string, error) {
	if isRestricted(p.Row.Rendered) {
		return "restricted, not copied", nil
	}
	entry := p.Row.Number.String()
	documents, err := f.documents.Documents(ctx, p.Row.Number)
	if err != nil {
		return "", &Failure{Err: fmt.Errorf("opening the documents of %s: %w", entry, err)}
	}
	for i, d := range documents[:min(len(documents), maxDocuments)] {
		if err := f.copy(ctx, p.To, entry, fmt.Sprintf("%s-%02d-%s", entry, i, fileName(d.Name)), d); err != nil {
			return "", &Failure{Err: fmt.Errorf("copying document %d of %s: %w", i, entry, err)}
		}
	}
	return fmt.Sprintf("%d documents copied", len(documents)), nil
}

// isRestricted reports whether a notice was written as one of a restricted
// entry. What cannot be read is taken for one.
func isRestricted(rendered []byte) bool {
	m, err := mail.ReadMessage(bytes.NewReader(rendered))
	return err != nil || strings.HasPrefix(m.Header.Get(versionField), "notice/restricted/")
}

func (f *Folder) copy(ctx context.Context, clerk, entry, name string, d Document) error {
	content, err := d.Open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f.shelf.Put(ctx, safeName(clerk), entry, name, content), content.Close())
}

// fileName keeps what a person needs of a name and no more than Windows takes:
// no separators, no reserved signs, no leading or trailing dots, 80 characters,
// the extension kept.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`<>:"/\|?*`, r) {
			return '_'
		}
		return r
	}, oneLine(name, 300))
	name = strings.Trim(name, " .")
	if name == "" {
		return "document"
	}
	runes := []rune(name)
	if len(runes) <= maxFileName {
		return name
	}
	ext := ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && len(name)-dot <= 12 {
		ext = name[dot:]
	}
	return strings.TrimRight(string(runes[:maxFileName-len([]rune(ext))]), " .") + ext
}

const maxFileName = 80

// A LocalShelf keeps the clerks' folders under a directory of this machine.
type LocalShelf struct{ root string }

// NewLocalShelf makes a shelf of a directory, which must be there.
func NewLocalShelf(root string) *LocalShelf { return &LocalShelf{root} }

// Put writes beside and renames, so that nobody opens half a document.
func (s *LocalShelf) Put(ctx context.Context, clerk, entry, name string, content io.Reader) error {
	root, err := os.OpenRoot(s.root)
	if err != nil {
		return err
	}
	defer root.Close()
	dir := clerk + "/" + entry
	target := dir + "/" + name
	switch _, err := root.Lstat(target); {
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := root.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	tmp := dir + "/.~" + name
	if err := copySynced(ctx, root, tmp, content); err != nil {
		return errors.Join(err, ignoreMissing(root.Remove(tmp)))
	}
	if err := root.Rename(tmp, target); err != nil {
		return errors.Join(err, ignoreMissing(root.Remove(tmp)))
	}
	return syncDir(root, dir)
}

func copySynced(ctx context.Context, root *os.Root, name string, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, readerFunc(func(p []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return content.Read(p)
	}))
	if err == nil {
		err = f.Chmod(0o440)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
