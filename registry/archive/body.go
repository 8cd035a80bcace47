package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"kancelaria/registry"
)

const (
	smallBody = 16 << 10 // what most letters fit into
	roomEvery = 8 << 20  // look at the disk's room once in so many bytes
)

// A body is an original on its way: in memory while small, else in a file under
// incomingDir.
type body struct {
	a      *Archive
	digest registry.Digest
	size   int64
	mem    *[]byte // from the pool; nil when in a file
	file   File
	name   registry.ItemID // of the large file
	path   string          // where it lies now, relative to the archive
	kept   bool            // a durable record names it
}

func (b *body) Digest() registry.Digest { return b.digest }
func (b *body) Size() int64             { return b.size }

// Close gives memory back and removes what no record names.
func (b *body) Close() error {
	b.release()
	if b.file == nil {
		return nil
	}
	err := b.file.Close()
	b.file = nil
	if !b.kept {
		err = errors.Join(err, b.a.fs.Remove(b.path))
	}
	return err
}

// Stage reads an original to its end and digests it; nothing is durable yet.
// Name is the id of its item and names its file if it gets one. More than limit
// bytes are registry.ErrTooLarge, a full disk registry.ErrFull; limit 0 is none.
func (a *Archive) Stage(ctx context.Context, name registry.ItemID, r io.Reader, limit int64) (registry.Body, error) {
	b := &body{a: a, name: name}
	if err := b.read(ctx, r, limit); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *body) read(ctx context.Context, r io.Reader, limit int64) error {
	b.mem = b.a.pool.Get().(*[]byte)
	digest := sha256.New()
	empty := 0
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := b.fill(r)
		if empty++; n > 0 {
			empty = 0
		} else if err == nil && empty > 100 {
			return io.ErrNoProgress
		}
		b.size += int64(n)
		if limit > 0 && b.size > limit {
			return fmt.Errorf("more than %d bytes: %w", limit, registry.ErrTooLarge)
		}
		if err == io.EOF {
			return b.finish(digest)
		}
		if err != nil {
			return err
		}
		if len(*b.mem) < b.a.opt.LargeFrom {
			continue
		}
		if err := b.spill(digest); err != nil {
			return err
		}
	}
}

// fill reads once into the memory, which grows up to LargeFrom.
func (b *body) fill(r io.Reader) (int, error) {
	m := *b.mem
	if len(m) == cap(m) {
		grown := make([]byte, len(m), min(max(4*cap(m), smallBody), b.a.opt.LargeFrom))
		copy(grown, m)
		m = grown
	}
	end := min(cap(m), b.a.opt.LargeFrom)
	n, err := r.Read(m[len(m):end])
	*b.mem = m[:len(m)+n]
	return n, err
}

// spill moves what is in memory to the file.
func (b *body) spill(digest hash.Hash) error {
	written := b.size - int64(len(*b.mem))
	if b.file == nil {
		if err := b.create(); err != nil {
			return err
		}
	}
	if written/roomEvery != b.size/roomEvery {
		if err := b.a.room(int64(len(*b.mem))); err != nil {
			return err
		}
	}
	digest.Write(*b.mem)
	if _, err := b.file.WriteAt(*b.mem, written); err != nil {
		return b.a.writeError("writing a large original", err)
	}
	*b.mem = (*b.mem)[:0]
	return nil
}

// create makes the file. A name that is taken is that of an earlier attempt
// with the same item id, which may have been promised: it gets another.
func (b *body) create() error {
	if err := b.a.room(int64(b.a.opt.LargeFrom)); err != nil {
		return err
	}
	if b.name.IsZero() {
		b.name = registry.NewItemID(b.a.now())
	}
	for {
		path := b.a.node + "/" + incomingDir + "/" + b.name.String()
		f, err := b.a.fs.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if errors.Is(err, fs.ErrExist) {
			b.name = registry.NewItemID(b.a.now())
			continue
		}
		if err != nil {
			return b.a.writeError("making a large original", err)
		}
		b.file, b.path = f, path
		return nil
	}
}

func (b *body) finish(digest hash.Hash) error {
	if b.file == nil {
		b.digest = sha256.Sum256(*b.mem)
		return nil
	}
	if len(*b.mem) > 0 {
		if err := b.spill(digest); err != nil {
			return err
		}
	}
	b.release()
	digest.Sum(b.digest[:0])
	return nil
}

// release gives the memory back.
func (b *body) release() {
	if b.mem == nil {
		return
	}
	*b.mem = (*b.mem)[:0]
	b.a.pool.Put(b.mem)
	b.mem = nil
}

// settle makes a large file durable under its final name, before any record
// speaks of it. It gets its name first: one commit of the file system's own
// journal then serves both.
func (b *body) settle() error {
	if err := b.file.Chmod(0o440); err != nil {
		return b.a.writeError("closing a large original", err)
	}
	if err := b.rename(); err != nil {
		return err
	}
	registry.FailLargeNamed.Hit()
	err := b.file.Sync()
	if isNoSpace(err) { // allocated late; the file is dropped, nothing else is in doubt
		return b.a.writeError("syncing a large original", err)
	}
	if err != nil {
		return b.a.syncError("syncing a large original", err)
	}
	if err := b.a.fs.SyncDir(path.Dir(b.path)); err != nil {
		return b.a.syncError("syncing the folder of a large original", err)
	}
	registry.FailLargeSynced.Hit()
	return nil
}

// rename gives the file its final name, or another if an earlier attempt with
// the same item id left one there.
func (b *body) rename() error {
	for {
		dir, err := b.a.monthDir(b.name)
		if err != nil {
			return err
		}
		to := dir + "/" + b.name.String()
		err = b.a.fs.Rename(b.path, to)
		if errors.Is(err, fs.ErrExist) {
			b.name = registry.NewItemID(b.a.now())
			continue
		}
		if err != nil {
			return b.a.writeError("naming a large original", err)
		}
		b.path = to
		return nil
	}
}

// monthDir makes the folder a large file belongs to.
func (a *Archive) monthDir(name registry.ItemID) (string, error) {
	dir := a.node + "/" + largeDir + "/" + monthOf(name)
	if _, ok := a.months.Load(dir); ok {
		return dir, nil
	}
	if err := a.fs.Mkdir(dir); err != nil {
		return "", a.writeError("making a folder", err)
	}
	if err := a.fs.SyncDir(a.node + "/" + largeDir); err != nil {
		return "", a.syncError("syncing a folder", err)
	}
	a.months.Store(dir, true)
	return dir, nil
}

// largePath is where the large file of a record lies. The month is the one the
// name carries, so that a header says all of it.
func largePath(node string, name registry.ItemID) string {
	return node + "/" + largeDir + "/" + monthOf(name) + "/" + name.String()
}

func monthOf(id registry.ItemID) string { return timeOf(id).Format("2006-01") }

// timeOf is when an id was made, as it says itself.
func timeOf(id registry.ItemID) time.Time {
	var ms int64
	for _, c := range id[:6] {
		ms = ms<<8 | int64(c)
	}
	return time.UnixMilli(ms).UTC()
}

var _ registry.Body = (*body)(nil)

// writeZeros overwrites a range, for file systems that make no holes.
func writeZeros(w io.WriterAt, off, n int64) error {
	for n > 0 {
		k := min(n, int64(len(zeros)))
		if _, err := w.WriteAt(zeros[:k], off); err != nil {
			return err
		}
		off, n = off+k, n-k
	}
	return nil
}
