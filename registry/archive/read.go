package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"kancelaria/registry"
)

var errBadBody = errors.New("original differs from its digest")

// isBadContent holds for errors that say bytes are not what they should be, as
// opposed to a disk that does not answer.
func isBadContent(err error) bool {
	return errors.Is(err, errBadSheets) || errors.Is(err, errBadBody) || errors.Is(err, errZeros) ||
		errors.Is(err, registry.ErrDamaged)
}

// A record is one opened by its place.
type record struct {
	*segment
	at    place
	h     header
	lines []line
}

// openRecord finds the record at p.
func (a *Archive) openRecord(p registry.Place) (*record, error) {
	at, err := parsePlace(p)
	if err != nil {
		return nil, err
	}
	s, err := a.openSegment(at.node, at.segment)
	if err != nil {
		return nil, damagedIfBad(p, err)
	}
	r := &record{segment: s, at: at}
	if r.h, err = s.headerAt(at.offset); err == nil {
		r.lines, err = s.lines(at.offset, &r.h)
	}
	if err != nil {
		_ = s.Close()
		return nil, damagedIfBad(p, err)
	}
	return r, nil
}

func damagedIfBad(p registry.Place, err error) error {
	if errors.Is(err, errNoHeader) || isBadContent(err) {
		return fmt.Errorf("the record at %s: %w: %w", p, registry.ErrDamaged, err)
	}
	return err
}

// with lets do read the record at p. If that turns out to be damaged and was
// written once more after a failed sync, do reads the copy. What stays damaged
// is noted.
func (a *Archive) with(ctx context.Context, p registry.Place, item registry.ItemID, do func(r *record, i int) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := a.try(ctx, p, item, do)
	if !errors.Is(err, registry.ErrDamaged) {
		return err
	}
	again, ok, err2 := a.marks.copyOf(ctx, p)
	if err2 != nil {
		return errors.Join(err, err2)
	}
	if ok {
		return a.try(ctx, again, item, do)
	}
	at, err2 := parsePlace(p)
	if err2 != nil {
		return err
	}
	return errors.Join(err, a.damage.add(Damage{
		Segment: at.segment, Offset: at.offset, Place: p, What: "record", Text: err.Error(),
	}))
}

func (a *Archive) try(ctx context.Context, p registry.Place, item registry.ItemID, do func(r *record, i int) error) error {
	r, err := a.openRecord(p)
	if err != nil {
		return err
	}
	defer r.Close()
	i, err := r.find(item)
	if err != nil {
		return err
	}
	err = do(r, i)
	if errors.Is(err, errZeros) {
		gone, err2 := a.marks.gone(ctx, r.at, item)
		if err2 != nil {
			return errors.Join(err, err2)
		}
		if gone {
			return fmt.Errorf("item %s at %s: %w", item, p, registry.ErrErased)
		}
	}
	if isBadContent(err) && !errors.Is(err, registry.ErrDamaged) {
		return fmt.Errorf("item %s at %s: %w: %w", item, p, registry.ErrDamaged, err)
	}
	return err
}

// find gives the index of an item's sheet.
func (r *record) find(item registry.ItemID) (int, error) {
	for i, l := range r.lines {
		if l.item == item {
			return i, nil
		}
	}
	return 0, fmt.Errorf("item %s at %s: %w", item, r.at, ErrNotFound)
}

// Sheet reads the item's sheet of the record at p, checked. An error is
// registry.ErrErased or registry.ErrDamaged, wrapped, if it is no more what was
// written.
func (a *Archive) Sheet(ctx context.Context, p registry.Place, item registry.ItemID) (sheet []byte, err error) {
	err = a.with(ctx, p, item, func(r *record, i int) error {
		sheet, err = r.sheet(r.at.offset, &r.h, r.lines, i)
		return err
	})
	return sheet, err
}

// An original open for reading. Its bytes were checked against the digest
// before anybody saw one.
type original struct {
	*io.SectionReader
	io.Closer
	digest registry.Digest
}

func (o *original) Digest() registry.Digest { return o.digest }

// Original opens the original of an item. It hands out nothing that was not
// checked: the error is registry.ErrErased or registry.ErrDamaged, wrapped, if
// the bytes are no more those that were accepted.
func (a *Archive) Original(ctx context.Context, p registry.Place, item registry.ItemID) (out registry.OpenOriginal, err error) {
	err = a.with(ctx, p, item, func(r *record, i int) error {
		// Once its manifest is erased an item has no original, though another
		// item may still share it.
		if gone, err := a.isErased(ctx, r, i); err != nil || gone {
			return firstOf(err, errZeros)
		}
		out, err = a.verified(ctx, r)
		if !errors.Is(err, errZeros) {
			return err
		}
		locator, moved, err2 := a.marks.moved(ctx, r.at)
		if err2 != nil || !moved {
			return firstOf(err2, err)
		}
		out, err = a.fromHome(ctx, r.h.body, r.h.bodyLen, locator)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// isErased reports whether sheet i holds nothing and a tombstone says why.
func (a *Archive) isErased(ctx context.Context, r *record, i int) (bool, error) {
	_, err := r.sheet(r.at.offset, &r.h, r.lines, i)
	if !errors.Is(err, errZeros) {
		return false, nil // whatever else is wrong with the manifest, the original may be whole
	}
	return a.marks.gone(ctx, r.at, r.lines[i].item)
}

// verified opens and checks the original of r.
func (a *Archive) verified(ctx context.Context, r *record) (*original, error) {
	small := r.h.bodyLen <= int64(a.opt.LargeFrom)
	if small && !r.h.isLarge() { // the segment is open already
		o := &original{SectionReader: io.NewSectionReader(r.file, r.h.bodyOffset(r.at.offset), r.h.bodyLen), digest: r.h.body}
		if err := o.load(r.h.bodyLen); err != nil {
			return nil, err
		}
		return o, nil
	}
	f, from, err := a.bodyFile(r)
	if err != nil {
		return nil, err
	}
	o := &original{SectionReader: io.NewSectionReader(f, from, r.h.bodyLen), Closer: f, digest: r.h.body}
	if small {
		err = errors.Join(o.load(r.h.bodyLen), f.Close())
	} else if err = checkBody(ctx, o, r.h.body); err == nil {
		_, err = o.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return o, nil
}

// load takes a small original into memory: one read serves check and reader.
func (o *original) load(size int64) error {
	b := make([]byte, size)
	n, err := readFull(o, b, 0)
	if err != nil {
		return err
	}
	if registry.Digest(sha256.Sum256(b[:n])) != o.digest {
		return badBody(isZero(b[:n]))
	}
	o.SectionReader, o.Closer = io.NewSectionReader(bytes.NewReader(b), 0, size), io.NopCloser(nil)
	return nil
}

// bodyFile opens the file an original lies in and says where in it.
func (a *Archive) bodyFile(r *record) (File, int64, error) {
	name, from := r.name, r.h.bodyOffset(r.at.offset)
	if r.h.isLarge() {
		name, from = largePath(r.node, r.h.large), 0
	}
	f, err := a.fs.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, fmt.Errorf("%w: %s is not there", errBadBody, name)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && r.h.isLarge() && info.Size() != r.h.bodyLen {
		err = badBody(info.Size() == 0)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, from, nil
}

func badBody(zero bool) error {
	if zero {
		return errZeros
	}
	return errBadBody
}

// checkBody reads all of rd.
func checkBody(ctx context.Context, rd io.Reader, want registry.Digest) error {
	d, zero := sha256.New(), true
	buf := make([]byte, 128<<10)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := rd.Read(buf)
		d.Write(buf[:n])
		zero = zero && isZero(buf[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if registry.Digest(d.Sum(nil)) != want {
		return badBody(zero)
	}
	return nil
}

// check verifies all of the record at off. Zeros are in order where a tombstone
// or a move names them. Of a large original it reads the bytes only if asked,
// and looks at its size.
func (a *Archive) check(ctx context.Context, s *segment, off int64, h *header, large bool) error {
	r := &record{segment: s, at: place{s.node, s.number, off}, h: *h}
	var err error
	if r.lines, err = s.lines(off, h); err != nil {
		return err
	}
	for i, l := range r.lines {
		_, err := s.sheet(off, h, r.lines, i)
		if err = a.lawful(ctx, err, r.at, l.item); err != nil {
			return err
		}
	}
	return a.lawful(ctx, a.checkOriginal(ctx, r, large), r.at, registry.ItemID{})
}

func (a *Archive) checkOriginal(ctx context.Context, r *record, large bool) error {
	if r.h.bodyLen == 0 {
		return nil
	}
	if !r.h.isLarge() {
		return checkBody(ctx, io.NewSectionReader(r.file, r.h.bodyOffset(r.at.offset), r.h.bodyLen), r.h.body)
	}
	f, _, err := a.bodyFile(r)
	if err != nil {
		return err
	}
	defer f.Close()
	if !large {
		return nil
	}
	return checkBody(ctx, io.NewSectionReader(f, 0, r.h.bodyLen), r.h.body)
}

// lawful forgives zeros that a tombstone or a move names.
func (a *Archive) lawful(ctx context.Context, err error, p place, item registry.ItemID) error {
	if !errors.Is(err, errZeros) {
		return err
	}
	_, ok, err2 := a.marks.lookup(ctx, markKey{Place: p.public(), Item: item})
	if err2 != nil {
		return errors.Join(err, err2)
	}
	if ok {
		return nil
	}
	return err
}
