package archive

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"kancelaria/registry"
)

// maxGroup bounds what one group copies together; a single record may be larger.
const maxGroup = 4 << 20

// A pending record waits for its group.
type pending struct {
	kind   registry.RecordKind
	flags  byte
	sheets []registry.Sheet
	body   *body
	copied *copied
	size   int64 // on disk, aligned
	at     time.Time

	// Filled by the leader before turn is told.
	place place
	err   error
	turn  chan bool // true: lead the next group; false: it is done
}

// Append writes one record and returns when it is durable. Those who wait at
// the same time share one sync; a lone one waits for nobody. A record is
// written whole or not at all: with an error, nobody was promised anything.
//
// Errors to act on: registry.ErrFull, registry.ErrSyncFailed. Once in line the
// record is not withdrawn: ctx is looked at before.
func (a *Archive) Append(ctx context.Context, kind registry.RecordKind, sheets []registry.Sheet, original registry.Body) (registry.Place, error) {
	b, _ := original.(*body)
	if original != nil && (b == nil || b.a != a) {
		return "", fmt.Errorf("appending a record: a body that this archive did not stage")
	}
	return a.append(ctx, kind, sheets, b, 0)
}

// Note appends a record with the next group that somebody waits for. A note may
// be lost in a power cut, and what it says must be safe to find out again.
func (a *Archive) Note(kind registry.RecordKind, sheets []registry.Sheet) error {
	p, err := a.pending(kind, sheets, nil, 0)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.refusal(); err != nil {
		return err
	}
	a.notes = append(a.notes, p)
	return nil
}

func (a *Archive) append(ctx context.Context, kind registry.RecordKind, sheets []registry.Sheet, b *body, flags byte) (registry.Place, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	p, err := a.pending(kind, sheets, b, flags)
	if err != nil {
		return "", err
	}
	if kind == registry.RecordItems {
		if err := a.admit(p.size); err != nil {
			return "", err
		}
	}
	if b != nil && b.file != nil && !b.kept {
		if err := b.settle(); err != nil {
			return "", err
		}
	}
	if err := a.line(p); err != nil {
		return "", err
	}
	if b != nil {
		b.kept = true
	}
	return p.place.public(), nil
}

// pending makes the record and checks that it can be written at all.
func (a *Archive) pending(kind registry.RecordKind, sheets []registry.Sheet, b *body, flags byte) (*pending, error) {
	if len(sheets) > maxSheets {
		return nil, fmt.Errorf("appending a record: %d sheets, at most %d", len(sheets), maxSheets)
	}
	size := int64(headerSize)
	for _, s := range sheets {
		size += indexLine + sheetSalt + int64(len(s.Bytes))
	}
	if b != nil && b.file == nil {
		size += b.size
	}
	if size = align(size, recordAlign); size > a.MaxRecord() {
		return nil, fmt.Errorf("appending a record of %d bytes: at most %d", size, a.MaxRecord())
	}
	return &pending{kind: kind, flags: flags, sheets: sheets, body: b, size: size, turn: make(chan bool, 1)}, nil
}

// MaxRecord is the size from which a record must be split.
func (a *Archive) MaxRecord() int64 { return a.opt.SegmentSize / 2 }

// refusal says why nothing can be appended now. Callers hold mu.
func (a *Archive) refusal() error {
	switch {
	case a.closed:
		return ErrClosed
	case a.opt.ReadOnly:
		return ErrReadOnly
	case a.failed != nil:
		return fmt.Errorf("%w: %w", registry.ErrSyncFailed, a.failed)
	}
	return nil
}

// line gets p written: by whoever leads, or leading itself.
func (a *Archive) line(p *pending) error {
	a.mu.Lock()
	if err := a.refusal(); err != nil {
		a.mu.Unlock()
		return err
	}
	a.queue = append(a.queue, p)
	lead := !a.leading
	a.leading = true
	a.mu.Unlock()
	if lead || <-p.turn {
		a.lead(p)
	}
	return p.err
}

// lead writes the group that p heads and hands the lead to the next in line.
func (a *Archive) lead(p *pending) {
	group := a.take()
	err := a.commit(group)
	for _, q := range group {
		q.err = err
		if q != p && q.turn != nil {
			q.turn <- false
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.failed != nil { // nobody else is to find out the hard way
		for _, q := range a.queue {
			q.err = a.refusal()
			q.turn <- false
		}
		a.queue, a.notes = nil, nil
	}
	if len(a.queue) > 0 {
		a.queue[0].turn <- true
		return
	}
	a.leading = false
	a.idle.Broadcast()
}

// take takes from the line what makes one group: all notes, then as many as
// maxGroup holds, at least one.
func (a *Archive) take() []*pending {
	a.mu.Lock()
	defer a.mu.Unlock()
	group := a.notes
	a.notes = nil
	var size int64
	n := 0
	for n < len(a.queue) && (n == 0 || size+a.queue[n].size <= min(maxGroup, a.MaxRecord())) {
		size += a.queue[n].size
		n++
	}
	group = append(group, a.queue[:n]...)
	a.queue = append(a.queue[:0:0], a.queue[n:]...)
	return group
}

// commit makes a group durable: the one place where that happens, and where a
// copy on another node would be waited for. Notes are not in the way: those
// that do not fit with the rest go in a group before it.
func (a *Archive) commit(group []*pending) error {
	for len(group) > 0 {
		n, size := 0, int64(0)
		for n < len(group) && (n == 0 || size+group[n].size <= a.MaxRecord()) {
			size += group[n].size
			n++
		}
		w, err := a.segmentFor(size)
		if err != nil {
			return err
		}
		if err := a.write(w, group[:n]); err != nil {
			return err
		}
		group = group[n:]
	}
	return nil
}

// write writes and syncs one group into w.
func (a *Archive) write(w *writer, group []*pending) error {
	a.buf = a.buf[:0]
	start, synced := w.end, a.synced
	at := a.now()
	if at.Before(a.lastAt) {
		at = a.lastAt
	}
	for _, p := range group {
		p.place = place{node: a.node, segment: w.number, offset: start + int64(len(a.buf))}
		p.at = at
		a.seq++
		a.buf = w.encode(a.buf, p, a.seq, synced)
	}
	a.buf = append(a.buf, make([]byte, align(int64(len(a.buf)), block)-int64(len(a.buf)))...)
	registry.FailArchiveBeforeWrite.Hit()
	if _, err := w.file.WriteAt(a.buf, start); err != nil {
		return a.syncError("writing to "+w.name, err)
	}
	registry.FailArchiveBeforeSync.Hit()
	if err := w.file.Datasync(); err != nil {
		return a.syncError("syncing "+w.name, err)
	}
	registry.FailArchiveAfterSync.Hit()
	w.seal(group)
	w.end = start + int64(len(a.buf))
	a.synced, a.lastAt = a.seq, at
	last := group[len(group)-1]
	a.live.Store(&horizon{segment: w.number, end: w.end, last: registry.Record{
		Place: last.place.public(), Kind: last.kind, Sequence: a.seq, At: at,
	}})
	if cap(a.buf) > 2*maxGroup {
		a.buf = nil
	}
	return nil
}

// encode appends the record to b.
func (w *writer) encode(b []byte, p *pending, seq, synced uint64) []byte {
	h := header{
		kind: p.kind, flags: p.flags, sheets: uint32(len(p.sheets)),
		segment: w.number, sequence: seq, synced: synced, at: p.at, node: w.node, offset: p.place.offset,
	}
	begin := len(b)
	index := begin + headerSize
	b = append(b, make([]byte, headerSize+indexLine*len(p.sheets))...)
	for i, s := range p.sheets {
		from := len(b)
		b = append(b, make([]byte, sheetSalt)...)
		_, _ = rand.Read(b[from:]) // never fails: it aborts the program
		b = append(b, s.Bytes...)
		l := line{item: s.Item, length: uint32(len(s.Bytes)), digest: sha256.Sum256(b[from:])}
		if s.Settles {
			l.flags |= sheetSettles
		}
		l.put(b[index+i*indexLine:])
	}
	h.sheetsLen = int64(len(b) - index)
	h.index = sha256.Sum256(b[index : index+indexLine*len(p.sheets)])
	if p.body != nil {
		h.body, h.bodyLen = p.body.digest, p.body.size
		if p.body.mem != nil {
			b = append(b, *p.body.mem...)
		} else {
			h.flags |= flagLarge
			h.large = p.body.name
		}
	}
	if c := p.copied; c != nil {
		h.flags |= flagCopied | c.h.flags&flagLarge
		h.body, h.bodyLen, h.large = c.h.body, c.h.bodyLen, c.h.large
		h.fromSegment, h.fromOffset = c.h.segment, c.offset
		b = append(b, c.inline...)
	}
	b = append(b, make([]byte, int(align(int64(len(b)-begin), recordAlign))-(len(b)-begin))...)
	h.put(b[begin:], w.mac)
	w.headers = append(w.headers, b[begin:begin+headerSize]...)
	return b
}
