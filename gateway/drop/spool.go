package drop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"path"
	"strings"
	"time"

	"kancelaria/registry"
)

// errMoving says that a claimed file still changes under our hands: a writer
// that the source cannot see had it open.
var errMoving = errors.New("the file changed while it was read")

// hold opens the files of a claim.
func (w *Watcher) hold(ctx context.Context, c claim) ([]File, error) {
	var held []File
	for _, p := range c.parts {
		h, err := w.fs.Hold(ctx, p.at)
		if err != nil {
			closeAll(held)
			return nil, err
		}
		held = append(held, h)
	}
	return held, nil
}

// spool puts the bytes of a claim into the archive, waits a little for its
// number, and closes its files.
func (w *Watcher) spool(ctx context.Context, c claim, held []File) error {
	defer closeAll(held)
	before := make([]Entry, len(held))
	var size int64
	for i, h := range held {
		var err error
		if before[i], err = h.Stat(); err != nil {
			return fmt.Errorf("looking at the claimed file: %w", err)
		}
		size += before[i].Size
		if h.Writing() && !c.part {
			return w.later(c)
		}
	}
	if w.MaxSize > 0 && size > w.MaxSize {
		closeAll(held)
		return w.aside(ctx, c, "too_large")
	}
	if !c.begun.IsZero() && !before[0].ModTime.Equal(c.begun) {
		w.dropLeft(c) // it became another file, which is looked at anew
		return nil
	}
	put, err := w.intake.Put(ctx, w.itemsOf(ctx, c, held, before), bytesOf(c, held, before))
	if errors.Is(err, errMoving) {
		return w.later(c)
	}
	if err != nil {
		return fmt.Errorf("putting the file into the archive: %w", err)
	}
	registry.FailDropSpooled.Hit()
	if w.ledger != nil {
		return w.doneLeft(c, put)
	}
	wait, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if out, err := w.intake.Wait(wait, c.item); err == nil {
		closeAll(held) // an open handle holds the name on a share
		return w.name(ctx, c, out)
	}
	return nil
}

// later leaves a claim that still changes alone for a while.
func (w *Watcher) later(c claim) error {
	c.again = w.Now().Add(w.Settle)
	w.note(c)
	w.Log.Debug("drop.moving", "item", c.item)
	return nil
}

// itemOf is what the manifest says of a claim.
func (w *Watcher) itemOf(c claim, held []File, before []Entry) registry.Item {
	lay := c.parts[0].path
	it := registry.Item{
		ID: c.item, Door: w.Door, Source: w.Name, Register: w.Register, Node: w.Node,
		Original: registry.Original{Name: path.Base(lay)},
		File:     &registry.File{Path: lay, Modified: before[0].ModTime.UTC(), Incomplete: c.part, OnConfirm: w.OnConfirm},
	}
	for _, p := range c.parts[1:] {
		it.File.Companions = append(it.File.Companions, path.Base(p.path))
	}
	if w.Group == GroupPackage {
		w.readEvidence(&it, c, held, before)
	}
	return it
}

// readBlock is what one read of a large file asks for: over a network smaller
// ones cost four times as much.
const readBlock = 1 << 20

// bytesOf gives the original of a claim: the bytes of its one file, or several
// wrapped as multipart/mixed (RFC 2046), since an item has one original. It
// fails at the end if a file did not stay as it was; the archive then keeps
// nothing.
func bytesOf(c claim, held []File, before []Entry) io.Reader {
	steady := make([]io.Reader, len(held))
	for i, h := range held {
		var r io.Reader = io.NewSectionReader(h, 0, before[i].Size)
		if before[i].Size > 64<<10 {
			r = bufio.NewReaderSize(r, int(min(before[i].Size, readBlock)))
		}
		steady[i] = &steadyReader{h: h, r: r, before: before[i]}
	}
	if len(steady) == 1 {
		return steady[0]
	}
	// Nobody who made the files could know the item's id.
	boundary := "kancelaria-" + c.item.String()
	all := []io.Reader{strings.NewReader("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n")}
	for i, r := range steady {
		all = append(all, strings.NewReader("\r\n--"+boundary+"\r\n"+partHeader(path.Base(c.parts[i].path))), r)
	}
	return io.MultiReader(append(all, strings.NewReader("\r\n--"+boundary+"--\r\n"))...)
}

func partHeader(name string) string {
	disposition := mime.FormatMediaType("attachment", map[string]string{"filename": strings.ToValidUTF8(name, "_")})
	return "Content-Type: application/octet-stream\r\nContent-Disposition: " + disposition + "\r\nContent-Transfer-Encoding: binary\r\n\r\n"
}

// A steadyReader fails at the end if the file did not stay as it was.
type steadyReader struct {
	h      File
	r      io.Reader
	before Entry
	got    int64
}

func (s *steadyReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.got += int64(n)
	if err != io.EOF {
		return n, err
	}
	after, statErr := s.h.Stat()
	if statErr != nil {
		return n, statErr
	}
	if s.got != s.before.Size || after.Size != s.before.Size || !after.ModTime.Equal(s.before.ModTime) {
		return n, errMoving
	}
	return n, io.EOF
}
