package paper

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A bag is a folder in the form of BagIt 1.0 (RFC 8493): payload under data/,
// a digest of every file, and tag files that say what it is. While it is being
// filled it lies under another name beside where it will be, and lacks what
// makes a folder a bag: half of it never looks whole.
type bag struct {
	dir      string // where it will be
	part     string // where it is
	root     *os.Root
	manifest *bufio.Writer
	list     *os.File
	tags     bytes.Buffer // the tag manifest so far
	files    int64
	bytes    int64 // of the payload
	done     bool
}

// ErrThere: a folder of the name is there, and nothing is written over.
var ErrThere = errors.New("it is there already; nothing was written over")

const manifestName = "manifest-sha256.txt"

// newBag begins a bag that will lie at dir.
func newBag(dir string) (*bag, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", dir, err)
	}
	if _, err := os.Lstat(dir); err == nil {
		return nil, fmt.Errorf("%s: %w", dir, ErrThere)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking at %s: %w", dir, err)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+".part-*")
	if err != nil {
		return nil, fmt.Errorf("beginning %s: %w", dir, err)
	}
	b := &bag{dir: dir, part: part}
	if err := b.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("beginning %s: %w", dir, err), b.discard())
	}
	return b, nil
}

func (b *bag) open() (err error) {
	if b.root, err = os.OpenRoot(b.part); err != nil {
		return err
	}
	if err := b.root.Mkdir("data", 0o700); err != nil {
		return err
	}
	b.list, err = b.root.OpenFile(manifestName, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	b.manifest = bufio.NewWriter(b.list)
	return err
}

// file begins a file of the payload; it counts once it is closed without error.
// Names are ours: letters, digits, hyphens, dots.
func (b *bag) file(name string) (*bagFile, error) {
	name = "data/" + name
	if err := b.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("writing %s: %w", name, err)
	}
	f, err := b.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", name, err)
	}
	digest := sha256.New()
	out := bufio.NewWriterSize(f, 64<<10)
	return &bagFile{bag: b, name: name, f: f, digest: digest, out: out}, nil
}

// put writes a small file of the payload.
func (b *bag) put(name string, content []byte) error {
	f, err := b.file(name)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// A bagFile is a file of the payload being written.
type bagFile struct {
	bag    *bag
	name   string
	f      *os.File
	out    *bufio.Writer
	digest hash.Hash
	size   int64
	err    error
}

// Write implements io.Writer.
func (f *bagFile) Write(p []byte) (int, error) {
	n, err := f.out.Write(p)
	f.digest.Write(p[:n])
	f.size += int64(n)
	f.err = errors.Join(f.err, err)
	return n, err
}

// Close ends the file and lists it.
func (f *bagFile) Close() error {
	if err := errors.Join(f.err, f.out.Flush(), f.f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", f.name, err)
	}
	f.bag.files++
	f.bag.bytes += f.size
	_, err := fmt.Fprintf(f.bag.manifest, "%x  %s\n", f.digest.Sum(nil), f.name)
	return err
}

// drop takes a file that cannot be finished out again.
func (f *bagFile) drop() error {
	return errors.Join(f.f.Close(), f.bag.root.Remove(f.name))
}

// A field is a line of bag-info.txt.
type field struct{ key, value string }

// close makes the folder a bag and gives it its name.
func (b *bag) close(info []field) error {
	if err := b.seal(info); err != nil {
		return fmt.Errorf("closing %s: %w", b.dir, err)
	}
	err := unix.Renameat2(unix.AT_FDCWD, b.part, unix.AT_FDCWD, b.dir, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) { // not every file system can be asked so
		err = os.Rename(b.part, b.dir)
	}
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", b.dir, ErrThere)
	}
	if err != nil {
		return fmt.Errorf("naming %s: %w", b.dir, err)
	}
	b.done = true
	return syncDir(filepath.Dir(b.dir))
}

func (b *bag) seal(info []field) error {
	if err := b.manifest.Flush(); err != nil {
		return err
	}
	if err := b.tagManifest(); err != nil {
		return err
	}
	info = append(info, field{"Payload-Oxum", fmt.Sprintf("%d.%d", b.bytes, b.files)})
	var text bytes.Buffer
	for _, f := range info {
		fmt.Fprintf(&text, "%s: %s\n", f.key, plain(f.value, 500))
	}
	if err := b.tag("bag-info.txt", text.Bytes()); err != nil {
		return err
	}
	// Without this one no reader takes the folder for a bag: it comes last.
	if err := b.tag("bagit.txt", []byte("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")); err != nil {
		return err
	}
	if err := b.root.WriteFile("tagmanifest-sha256.txt", b.tags.Bytes(), 0o600); err != nil {
		return err
	}
	return b.sync()
}

// tagManifest lists the manifest, whose digest is known once it is written.
func (b *bag) tagManifest() error {
	if _, err := b.list.Seek(0, io.SeekStart); err != nil {
		return err
	}
	digest := sha256.New()
	if _, err := io.Copy(digest, b.list); err != nil {
		return err
	}
	_, err := fmt.Fprintf(&b.tags, "%x  %s\n", digest.Sum(nil), manifestName)
	return err
}

// tag writes a tag file and lists it.
func (b *bag) tag(name string, content []byte) error {
	sum := sha256.Sum256(content)
	fmt.Fprintf(&b.tags, "%s  %s\n", hex.EncodeToString(sum[:]), name)
	return b.root.WriteFile(name, content, 0o600)
}

// sync brings all to the disk at once: a sync for each of 100,000 files would
// take longer than writing them.
func (b *bag) sync() error {
	d, err := os.Open(b.part)
	if err != nil {
		return err
	}
	return errors.Join(unix.Syncfs(int(d.Fd())), d.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// discard takes away what was not closed.
func (b *bag) discard() error {
	var errs []error
	if b.list != nil {
		errs = append(errs, b.list.Close())
		b.list = nil
	}
	if b.root != nil {
		errs = append(errs, b.root.Close())
		b.root = nil
	}
	if !b.done {
		errs = append(errs, os.RemoveAll(b.part))
	}
	return errors.Join(errs...)
}
