package registry

import (
	"errors"
	"io"
	"time"
)

// What a door must know of a refusal to store; wrapped with the cause.
var (
	// ErrFull: the disk is nearly full (452 4.3.1). Ask again later.
	ErrFull = errors.New("no room on the disk")
	// ErrTooLarge: the bytes go on beyond the limit (552 5.3.4).
	ErrTooLarge = errors.New("too large")
	// ErrBacklog: too much is accepted and not yet settled (451 4.3.2).
	ErrBacklog = errors.New("too much is waiting already")
	// ErrSyncFailed: the disk did not confirm a write (451 4.3.0). What was
	// offered is not accepted; the archive heals itself or stays closed.
	ErrSyncFailed = errors.New("the disk did not confirm a write")
)

// What a reader must know of an original that is not handed out.
var (
	// ErrErased: the bytes were lawfully erased; a tombstone says when and why.
	ErrErased = errors.New("erased")
	// ErrDamaged: the bytes are not those that were accepted.
	ErrDamaged = errors.New("damaged")
)

// A RecordKind says what a record of the archive holds.
type RecordKind uint8

// The kinds of records. The numbers are on disk and never change.
const (
	RecordItems     RecordKind = 1 // manifests of one delivery, and its original
	RecordOutcomes  RecordKind = 2 // the copybook: lines of the book as written
	RecordMark      RecordKind = 3 // the spool's note on an item: done, parked, taken up again
	RecordOpened    RecordKind = 4 // first of a segment: names the seal of the one before
	RecordTombstone RecordKind = 5 // what was lawfully erased, why, and which leaf says so
	RecordMoved     RecordKind = 6 // originals that lie in the second home now
	RecordClosed    RecordKind = 7 // nothing: names as synced what came before it
)

// A Sheet is one paper in a record: the manifest of an item, or a line of the
// copybook that concerns it.
type Sheet struct {
	Item ItemID // zero if it concerns none
	// Settles: with this the item is settled and no start takes it up again.
	Settles bool
	Bytes   []byte
}

// A Body is an original on its way into the archive: read to its end, digested,
// not yet durable. Whoever has it closes it, also after it was appended.
type Body interface {
	Digest() Digest
	Size() int64
	Close() error
}

// A Record is what the archive says of one record without reading its bytes.
// Bytes of the sheets are not filled in.
type Record struct {
	Place    Place
	Kind     RecordKind
	Sequence uint64 // grows with each record of a node
	At       time.Time
	Sheets   []Sheet
	Digest   Digest // of the original; zero if there is none
	Size     int64  // of the original
}

// An OpenOriginal is an original open for reading. Its bytes were checked
// against the digest before anybody saw one. Whoever has it closes it.
type OpenOriginal interface {
	io.ReadSeeker
	io.ReaderAt
	io.Closer
	Size() int64
	Digest() Digest
}
