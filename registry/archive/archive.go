// Package archive keeps originals: each letter is written down once, and what
// became of it beside it.
//
// The archive is a journal of append-only segments. A record holds the
// manifests of a delivery and its original, or lines of the book (the
// copybook), and is durable when Append returns: one appender writes whole
// records in order and one fdatasync confirms all who wait. Originals above
// Options.LargeFrom lie in files of their own.
//
// Nothing is ever rewritten. A start cuts off what nobody was promised, keeps
// it beside, seals the segment and opens a new one; an erasure leaves zeros and
// a tombstone that says why. Whatever is read is checked against its digest.
package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"kancelaria/registry"
)

// Errors a caller acts on; those of a refusal to store are in the hall
// (registry.ErrFull, ErrTooLarge, ErrSyncFailed, ErrErased, ErrDamaged).
var (
	ErrUnsafeFilesystem = errors.New("this file system can't be trusted with originals")
	ErrLocked           = errors.New("another process writes to the archive")
	ErrNewer            = errors.New("written by a newer kancelaria")
	ErrClosed           = errors.New("the archive is closed")
	ErrReadOnly         = errors.New("the archive is open for reading only")
	ErrNotFound         = errors.New("not in the archive")
)

var (
	errNoHeader  = errors.New("no valid header")
	errBadSheets = errors.New("sheets differ from their digest")
)

// Options of an Archive; the zero value is the safe choice.
type Options struct {
	// Node names this machine; its segments lie in a folder of that name.
	// Default "main".
	Node string
	Now  func() time.Time
	Log  *slog.Logger
	// SegmentSize is 64 MB unless set; a multiple of 4096.
	SegmentSize int64
	// LargeFrom is the size from which an original lies in a file of its own;
	// 256 KB unless set, at most an eighth of a segment.
	LargeFrom int
	// MinFree and MinInodes are what must stay free on the disk; below, new
	// items are refused with registry.ErrFull. 1 GB and 5,000 unless set.
	MinFree, MinInodes int64
	// UnsafeFilesystem accepts NFS, CIFS, tmpfs, overlay and FUSE.
	UnsafeFilesystem bool
	// ReadOnly takes no lock, repairs nothing and refuses to append: for tools
	// beside a running daemon.
	ReadOnly bool
	// Sealed is told of each seal, in order, also of those a start makes. It
	// must not block nor call the archive.
	Sealed func(Seal)
	// Home is where moved originals are, if there is a second home.
	Home Home
	// ScrubEvery is how long a full round of reading everything takes; 30 days
	// unless set, negative for never.
	ScrubEvery time.Duration
	// FS is the file system under dir; tests replace it.
	FS FS
}

// An Archive is safe for use by many goroutines.
type Archive struct {
	dir  string
	node string
	fs   FS
	opt  Options
	hole sync.Mutex // one erasure at a time; their images share a file
	log  *slog.Logger
	now  func() time.Time
	lock io.Closer

	mu        sync.Mutex
	queue     []*pending                 // guarded by mu; first come, first written
	notes     []*pending                 // guarded by mu; written with the next group, nobody waits
	leading   bool                       // guarded by mu; somebody writes
	failed    error                      // guarded by mu; set by a failed sync until healed
	trouble   error                      // guarded by mu; last thing that went wrong
	failures  int                        // guarded by mu; failed syncs since the start
	closed    bool                       // guarded by mu
	unsettled func(registry.ItemID) bool // guarded by mu; nil: all are
	idle      *sync.Cond                 // on mu: nobody leads

	// Owned by whoever leads (or heals, with leading set); no lock.
	cur    *writer
	seq    uint64  // last sequence given out
	synced uint64  // last sequence known synced
	before opening // what the first record of the next segment says
	lastAt time.Time
	found  registry.Record  // last of an earlier life; set by Open
	orders []registry.Place // tombstones and moves of the last segment; set by Open
	buf    []byte
	ailing *ailing // until what was promised in it is written once more

	live atomic.Pointer[horizon] // what readers may see of cur

	prep    sync.Mutex // guards what follows, up to over
	next    *writer
	highest uint64 // number of the last segment that was made
	prepErr error
	over    bool          // closed: nothing is prepared any more
	wake    chan struct{} // Run: look whether next is wanted

	marks  marks
	damage damages
	pool   sync.Pool // *[]byte, up to Options.LargeFrom
	months sync.Map  // folders of large originals known to be durable
}

// A horizon says how far the live segment may be read.
type horizon struct {
	segment uint64
	end     int64
	last    registry.Record // without its sheets
}

// Open opens the archive under dir, which is made if it isn't there, and does
// what a start must: everything that was promised is found or named as damage.
func Open(dir string, opt Options) (*Archive, error) {
	if err := opt.complete(dir); err != nil {
		return nil, err
	}
	a := &Archive{
		dir: dir, node: opt.Node, fs: opt.FS, opt: opt, log: opt.Log, now: opt.Now,
		wake: make(chan struct{}, 1),
	}
	a.pool.New = func() any { b := make([]byte, 0, smallBody); return &b }
	a.marks.a, a.damage.a = a, a
	a.idle = sync.NewCond(&a.mu)
	if err := a.open(); err != nil {
		if a.lock != nil {
			_ = a.lock.Close()
		}
		return nil, fmt.Errorf("opening the archive in %s: %w", dir, err)
	}
	return a, nil
}

func (o *Options) complete(dir string) error {
	if o.Node == "" {
		o.Node = "main"
	}
	if !validNode(o.Node) {
		return fmt.Errorf("%.40q can't name a node: letters, digits, dots and dashes, at most %d", o.Node, maxNode)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SegmentSize == 0 {
		o.SegmentSize = 64 << 20
	}
	if o.SegmentSize < 16*block || o.SegmentSize%block != 0 || o.SegmentSize > 1<<40 {
		return fmt.Errorf("a segment of %d bytes: must be a multiple of %d, at least %d", o.SegmentSize, block, 16*block)
	}
	if o.LargeFrom == 0 {
		o.LargeFrom = 256 << 10
	}
	o.LargeFrom = min(o.LargeFrom, int(o.SegmentSize/8))
	if o.MinFree == 0 {
		o.MinFree = 1 << 30
	}
	if o.MinInodes == 0 {
		o.MinInodes = 5000
	}
	if o.ScrubEvery == 0 {
		o.ScrubEvery = 30 * 24 * time.Hour
	}
	if o.FS == nil {
		o.FS = disk{dir: filepath.Clean(dir)}
	}
	return nil
}

func (a *Archive) open() error {
	if a.opt.ReadOnly {
		return a.damage.load()
	}
	if err := a.makeDirs(); err != nil {
		return err
	}
	usage, err := a.fs.Usage()
	if err != nil {
		return err
	}
	if usage.Untrustworthy != "" && !a.opt.UnsafeFilesystem {
		return fmt.Errorf("%w: %s; put it on a local disk, or set archive.unsafe_filesystem if losing mail is acceptable",
			ErrUnsafeFilesystem, usage.Untrustworthy)
	}
	if a.lock, err = a.fs.Lock(a.node + "/lock"); err != nil {
		return err
	}
	if err := a.damage.load(); err != nil {
		return err
	}
	if err := a.finishHoles(); err != nil {
		return err
	}
	if err := a.recover(); err != nil {
		return err
	}
	return a.finishErasures(context.Background(), a.orders)
}

// makeDirs makes the folders and their names durable, from the top down.
func (a *Archive) makeDirs() error {
	for _, d := range []struct{ parent, name string }{
		{"", "."},
		{".", a.node},
		{a.node, a.node + "/" + largeDir},
		{a.node + "/" + largeDir, a.node + "/" + incomingDir},
		{a.node, a.node + "/" + damagedDir},
		{a.node, a.node + "/" + tailsDir},
		{a.node, a.node + "/" + keptDir},
	} {
		if err := a.fs.Mkdir(d.name); err != nil {
			return err
		}
		if d.parent == "" {
			continue
		}
		if err := a.fs.SyncDir(d.parent); err != nil {
			return err
		}
	}
	return nil
}

// Folders below that of the node.
const (
	largeDir    = "large"
	incomingDir = "large/incoming" // being written; a start empties it
	damagedDir  = "damaged"        // one note for each thing that is damaged
	tailsDir    = "tails"          // what starts cut off: nobody was promised it
)

// Node is the name records carry.
func (a *Archive) Node() string { return a.node }

// Last is the last durable record: its place, sequence and time.
func (a *Archive) Last() registry.Record {
	if h := a.live.Load(); h != nil {
		return h.last
	}
	return a.found
}

// Close waits for whoever appends and gives the lock back. What was written
// last is named as synced by a closing record.
func (a *Archive) Close() error {
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil
	}
	a.mu.Unlock()
	var err error
	if !a.opt.ReadOnly && a.isOpen() {
		_, err = a.append(context.Background(), registry.RecordClosed, nil, nil, 0)
	}
	a.mu.Lock()
	a.closed = true
	for a.leading { // who was in line before gets an answer
		a.idle.Wait()
	}
	a.mu.Unlock()
	a.prep.Lock()
	defer a.prep.Unlock()
	a.over = true
	if a.next != nil {
		err = errors.Join(err, a.next.file.Close())
		a.next = nil
	}
	if a.cur != nil {
		err = errors.Join(err, a.cur.file.Close())
	}
	if a.lock != nil {
		err = errors.Join(err, a.lock.Close())
	}
	return err
}
