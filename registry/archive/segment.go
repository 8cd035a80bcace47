package archive

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"

	"kancelaria/registry"
)

// A Seal closes a segment: SHA-256 over its header and the headers of its
// records in order. It still holds when sheets or originals are lawfully
// erased. It becomes a leaf of the ledger under the key node/segment, and the
// first record of the next segment repeats it.
type Seal struct {
	Node    string          `json:"node"`
	Segment uint64          `json:"segment"`
	Records int64           `json:"records"`
	Last    uint64          `json:"last"`   // sequence of the last record; that of an earlier segment if Records is 0
	Length  int64           `json:"length"` // bytes; what lies beyond is not of the archive
	Digest  registry.Digest `json:"seal"`
}

// An opening is what the first record of a segment says of the one before.
type opening struct {
	Seal
	// Salt keys the headers of that segment: kept twice, for without it not one
	// of its records could be told from noise.
	Salt registry.Salt `json:"salt"`
}

// A writer is the segment being written.
type writer struct {
	file    File
	name    string
	node    string
	number  uint64
	salt    [saltSize]byte
	mac     hash.Hash
	end     int64 // where the next group begins
	records int64
	sealing hash.Hash // over the headers that are durable
	headers []byte    // of the group being written
}

// seal counts a group that is durable.
func (w *writer) seal(group []*pending) {
	w.sealing.Write(w.headers)
	w.headers = w.headers[:0]
	w.records += int64(len(group))
}

func (a *Archive) segmentName(node string, number uint64) string {
	return fmt.Sprintf("%s/%08d.seg", node, number)
}

// segmentNumber reads 00000017.seg.
func segmentNumber(name string) (uint64, bool) {
	digits, ok := strings.CutSuffix(name, ".seg")
	if !ok || len(digits) < 8 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n > 0 && fmt.Sprintf("%08d", n) == digits
}

func (a *Archive) isOpen() bool { return a.live.Load() != nil }

// segmentFor gives the segment a group of size bytes goes to: the current one,
// or the next after sealing it.
func (a *Archive) segmentFor(size int64) (*writer, error) {
	if a.cur != nil && a.cur.end+align(size, block) <= a.opt.SegmentSize {
		return a.cur, nil
	}
	next, err := a.takeNext()
	if err != nil {
		return nil, err
	}
	if err := a.turnTo(next); err != nil {
		a.putBack(next)
		return nil, err
	}
	return a.cur, nil
}

// turnTo seals the current segment and writes the first record of the next one.
// The old one is sealed before anything is promised in the new one.
func (a *Archive) turnTo(next *writer) error {
	if old := a.cur; old != nil {
		seal := a.openingOf(old)
		registry.FailSegmentBeforeSeal.Hit()
		if err := sealFile(old.file, old.end); err != nil {
			return a.syncError("sealing "+old.name, err)
		}
		if err := old.file.Close(); err != nil {
			return a.syncError("closing "+old.name, err)
		}
		registry.FailSegmentSealed.Hit()
		a.sealed(seal)
	}
	if err := a.begin(next); err != nil {
		return err
	}
	registry.FailSegmentBegun.Hit()
	return nil
}

// begin writes the first record of a segment, which names the seal before it.
func (a *Archive) begin(next *writer) error {
	first, err := json.Marshal(a.before)
	if err != nil {
		return err
	}
	a.cur = next
	return a.write(next, []*pending{{
		kind:   registry.RecordOpened,
		sheets: []registry.Sheet{{Bytes: first}},
	}})
}

// sealed remembers a seal and tells whoever makes a leaf of it.
func (a *Archive) sealed(o opening) {
	a.before = o
	a.log.Info("archive.sealed", "segment", o.Segment, "records", o.Records, "bytes", o.Length)
	if a.opt.Sealed != nil {
		a.opt.Sealed(o.Seal)
	}
}

func (a *Archive) openingOf(w *writer) opening {
	return opening{Seal: Seal{
		Node: w.node, Segment: w.number, Records: w.records, Last: a.synced, Length: w.end,
		Digest: registry.Digest(w.sealing.Sum(nil)),
	}, Salt: w.salt}
}

// sealFile cuts a segment to its length and makes it read-only. The mode comes
// last, so that a read-only segment is always one that was cut.
func sealFile(f File, length int64) error {
	if err := f.Truncate(length); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	registry.FailSegmentCut.Hit()
	if err := f.Chmod(0o440); err != nil {
		return err
	}
	return f.Sync()
}

// takeNext gives the prepared segment, or prepares one here and now.
func (a *Archive) takeNext() (*writer, error) {
	a.prep.Lock()
	defer a.prep.Unlock()
	if err := a.prepareLocked(); err != nil {
		return nil, err
	}
	next := a.next
	a.next = nil
	select {
	case a.wake <- struct{}{}:
	default:
	}
	return next, nil
}

// putBack keeps a prepared segment that was not begun for the next attempt.
func (a *Archive) putBack(next *writer) {
	a.prep.Lock()
	defer a.prep.Unlock()
	if a.cur != next {
		a.next = next
	}
}

// prepareLocked makes the next segment unless it is there. Callers hold prep.
func (a *Archive) prepareLocked() error {
	if a.over {
		return ErrClosed
	}
	if a.next != nil {
		return nil
	}
	before := a.prepErr
	a.next, a.prepErr = a.prepare(a.highest + 1)
	if a.prepErr == nil {
		a.highest++
		return nil
	}
	if before == nil { // once, not at every attempt
		a.log.Error("archive.no_next_segment", "segment", a.highest+1, "err", a.prepErr)
		a.note(a.prepErr)
	}
	return a.prepErr
}

// prepare makes a segment full of zeros: writing into it later changes no
// length and no extent, which is what makes one sync of it cheap. A file that
// can't be finished is removed; its next attempt gets a fresh inode.
func (a *Archive) prepare(number uint64) (*writer, error) {
	usage, err := a.fs.Usage()
	if err != nil {
		return nil, err
	}
	if usage.Free < a.opt.SegmentSize {
		return nil, fmt.Errorf("preparing segment %d: %w", number, registry.ErrFull)
	}
	name := a.segmentName(a.node, number)
	f, err := a.fs.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) { // an attempt before this one, whose file could not be removed
		if err := a.fs.Remove(name); err != nil {
			return nil, err
		}
		f, err = a.fs.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	}
	if err != nil {
		return nil, a.writeError("preparing "+name, err)
	}
	h := segmentHeader{number: number, created: a.now(), node: a.node}
	_, _ = rand.Read(h.salt[:]) // never fails: it aborts the program
	registry.FailSegmentMade.Hit()
	if err := a.fill(f, h); err != nil {
		return nil, errors.Join(a.writeError("preparing "+name, err), f.Close(), a.fs.Remove(name))
	}
	registry.FailSegmentFilled.Hit()
	w := &writer{file: f, name: name, node: a.node, number: number, salt: h.salt, mac: newMAC(h.salt), end: block}
	w.sealing = startSeal(h)
	return w, nil
}

// startSeal begins the digest of a segment with its own header.
func startSeal(h segmentHeader) hash.Hash {
	d := sha256.New()
	d.Write(h.appendTo(nil)[:segmentHeaderSize])
	return d
}

// fill writes header and zeros, a few megabytes a sync so that the syncs of
// others do not wait behind all of it, and makes the name durable.
func (a *Archive) fill(f File, h segmentHeader) error {
	const piece = 4 << 20
	if _, err := f.WriteAt(h.appendTo(nil), 0); err != nil {
		return err
	}
	for off := int64(block); off < a.opt.SegmentSize; off += piece {
		if err := writeZeros(f, off, min(piece, a.opt.SegmentSize-off)); err != nil {
			return err
		}
		if err := f.Datasync(); err != nil {
			return err
		}
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return a.fs.SyncDir(a.node)
}

// reserve is what the last segment keeps for records already on their way, for
// outcomes and for tombstones, when no next one can be prepared.
func (a *Archive) reserve() int64 { return min(16<<20, a.opt.SegmentSize/4) }

// admit refuses a new item when there would be no room for what must follow.
func (a *Archive) admit(size int64) error {
	h := a.live.Load()
	if h != nil && a.opt.SegmentSize-h.end-size >= a.reserve() {
		return nil
	}
	a.prep.Lock()
	defer a.prep.Unlock()
	if err := a.prepareLocked(); err != nil {
		return fmt.Errorf("no further segment: %w: %w", registry.ErrFull, err)
	}
	return nil
}

// Room says whether an item of size bytes (0 if not known) would be taken now;
// doors ask before they let anybody begin. It is registry.ErrFull or
// registry.ErrSyncFailed, wrapped.
func (a *Archive) Room(size int64) error {
	a.mu.Lock()
	err := a.refusal()
	a.mu.Unlock()
	if err != nil {
		return err
	}
	if err := a.room(size); err != nil {
		return err
	}
	return a.admit(min(size, int64(a.opt.LargeFrom)))
}

func (a *Archive) room(size int64) error {
	u, err := a.fs.Usage()
	if err != nil {
		return err
	}
	if u.Free-size < a.opt.MinFree {
		return fmt.Errorf("%d bytes free: %w", u.Free, registry.ErrFull)
	}
	if u.Inodes >= 0 && u.Inodes < a.opt.MinInodes {
		return fmt.Errorf("%d inodes free: %w", u.Inodes, registry.ErrFull)
	}
	return nil
}

// writeError names what failed. No space is the disk's ordinary answer.
func (a *Archive) writeError(what string, err error) error {
	if isNoSpace(err) {
		return fmt.Errorf("%s: %w: %w", what, registry.ErrFull, err)
	}
	err = fmt.Errorf("%s: %w", what, err)
	a.note(err)
	return err
}

// syncError stops the archive: after a failed write or sync the cache may show
// bytes that are not on the disk. Nothing is tried again on the same file.
func (a *Archive) syncError(what string, err error) error {
	err = fmt.Errorf("%s: %w", what, err)
	a.mu.Lock()
	a.failed, a.trouble = err, err
	a.failures++
	a.mu.Unlock()
	a.log.Error("archive.sync_failed", "err", err)
	select {
	case a.wake <- struct{}{}:
	default:
	}
	return fmt.Errorf("%w: %w", registry.ErrSyncFailed, err)
}

// note remembers what went wrong last, for Status.
func (a *Archive) note(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.trouble = err
}

func isNoSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
