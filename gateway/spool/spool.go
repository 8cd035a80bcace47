// Package spool keeps what the office has accepted until it is settled.
//
// Once Put returns, the item survives a power cut. Put asks no database, so
// mail is accepted while the book is closed. The spool itself is only a cursor
// over the archive: what waits is what has a manifest there and no outcome.
package spool

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"sync"
	"time"

	"kancelaria/registry"
)

// An Archive is where the spool writes, and all it remembers.
type Archive interface {
	Node() string
	// Stage reads an original to its end; Append makes it durable together
	// with its manifests. The body is the caller's to close.
	Stage(ctx context.Context, name registry.ItemID, r io.Reader, limit int64) (registry.Body, error)
	Append(ctx context.Context, kind registry.RecordKind, sheets []registry.Sheet, body registry.Body) (registry.Place, error)
	// Note appends a record some time later; it may be lost.
	Note(kind registry.RecordKind, sheets []registry.Sheet) error
	Records(ctx context.Context, from registry.Place) iter.Seq2[registry.Record, error]
	Sheet(ctx context.Context, p registry.Place, item registry.ItemID) ([]byte, error)
	// Room says whether an item of size bytes would be taken now.
	Room(size int64) error
	MaxRecord() int64
	// Last is the last durable record: place, sequence and time.
	Last() registry.Record
	// Keep stores a small file that saves walking all records at a start.
	Keep(name string, b []byte) error
	Kept(name string) ([]byte, error)
	// Unsettled is told how to ask whether an item still waits.
	Unsettled(ask func(registry.ItemID) bool)
}

// Options of a Spool; the zero value works.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
	// MaxItems and MaxBytes bound what waits; beyond, Put is
	// registry.ErrBacklog. 1,000,000 items and no bound on bytes unless set.
	MaxItems int
	MaxBytes int64
	// MaxSize bounds one original; 0 is no bound. Doors have their own.
	MaxSize int64
}

// ErrClosed: the spool takes and gives nothing any more.
var ErrClosed = errors.New("the spool is closed")

// A Spool is safe for use by many goroutines.
type Spool struct {
	archive Archive
	opt     Options
	log     *slog.Logger
	now     func() time.Time

	more chan struct{} // one token: something may be ready
	over chan struct{} // closed by Close
	full chan struct{} // Run: the cursor should be kept

	mu       sync.Mutex
	waiting  map[registry.ItemID]*entry // all that is not settled
	coming   map[registry.ItemID]bool   // being appended
	ready    queue                      // of waiting, in order of arrival
	later    timers                     // of waiting, by when they are due
	out      map[registry.ItemID]*entry // of waiting, with a worker
	bytes    int64                      // originals of waiting
	parked   int
	order    uint64    // of the next arrival
	accepted time.Time // of the last arrival
	cached   int       // entries that still have their item
	flights  []*flight // appends that have begun, oldest first
	since    int       // appends since the cursor was kept
	closed   bool
}

// An entry is one item that waits. Most of a long backlog is only this.
type entry struct {
	id    registry.ItemID
	place registry.Place
	size  int64
	order uint64
	at    time.Time      // when its record was written
	item  *registry.Item // kept for the newest few, so that they need not be read back
	state state
	due   time.Time // of a retry
	index int       // in ready or later
	why   string    // parked, or tried again
	tries int
}

type state uint8

const (
	isReady state = iota
	isOut         // with a worker
	isLater       // to be tried again
	isParked
)

// maxCached is how many waiting items are kept in memory as such.
const maxCached = 1024

// New finds out what waits in a.
func New(ctx context.Context, a Archive, opt Options) (*Spool, error) {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.MaxItems == 0 {
		opt.MaxItems = 1_000_000
	}
	s := &Spool{
		archive: a, opt: opt, log: opt.Log, now: opt.Now,
		waiting: make(map[registry.ItemID]*entry), coming: make(map[registry.ItemID]bool),
		out: make(map[registry.ItemID]*entry), more: make(chan struct{}, 1),
		over: make(chan struct{}), full: make(chan struct{}, 1), accepted: a.Last().At,
	}
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("finding out what waits: %w", err)
	}
	a.Unsettled(s.unsettled)
	return s, nil
}

// Room says whether an item of size bytes, 0 if not known, would be taken now:
// registry.ErrFull, registry.ErrBacklog, registry.ErrSyncFailed, or nil. Doors
// ask before they let anybody begin.
func (s *Spool) Room(size int64) error {
	s.mu.Lock()
	err := s.backlog(size)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.archive.Room(size)
}

// backlog says whether too much waits. Callers hold mu.
func (s *Spool) backlog(size int64) error {
	switch {
	case s.closed:
		return ErrClosed
	case len(s.waiting) >= s.opt.MaxItems:
		return fmt.Errorf("%d items: %w", len(s.waiting), registry.ErrBacklog)
	case s.opt.MaxBytes > 0 && s.bytes+size > s.opt.MaxBytes:
		return fmt.Errorf("%d bytes: %w", s.bytes, registry.ErrBacklog)
	}
	return nil
}

// Waits reports whether an item is accepted and not settled.
func (s *Spool) Waits(id registry.ItemID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting[id] != nil
}

// unsettled is for the archive, which may have made an item durable whose Put
// has not returned yet.
func (s *Spool) unsettled(id registry.ItemID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiting[id] != nil || s.coming[id]
}

// Run keeps the cursor now and then, so that a start after a crash is quick. It
// returns when ctx ends.
func (s *Spool) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.full:
			if err := s.keep(); err != nil {
				s.log.Warn("spool.cursor_not_kept", "err", err)
			}
		}
	}
}

// Close keeps the cursor for the next start; nothing is lost without it. The
// archive is not the spool's to close.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.over)
	s.mu.Unlock()
	return s.keep()
}
