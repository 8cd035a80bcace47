package registry

import (
	"context"
	"errors"
	"time"
)

// What a Store's error means for its caller; wrapped with the cause. The only
// legal answer to ErrUnknownOutcome is to repeat the same call.
var (
	ErrRetry          = errors.New("the book was busy; try again")
	ErrUnavailable    = errors.New("the book cannot be reached")
	ErrUnknownOutcome = errors.New("the book did not say whether it was written")
	ErrConflict       = errors.New("somebody else was first")
	ErrImmutable      = errors.New("this would break immutability")
	ErrRefused        = errors.New("refused")
	ErrCorrupt        = errors.New("the book is damaged")
	ErrData           = errors.New("a draft cannot be written") // the batch may be halved
	ErrPoison         = errors.New("a draft cannot be written even bare")
	ErrNotFound       = errors.New("not in the book")
	ErrSchema         = errors.New("the book's schema is not of this version")
)

// A Store keeps the book. Each verb is one transaction and safe to repeat;
// errors are of the classes above. SQL decides nothing: what has a leaf goes
// through Apply.
type Store interface {
	// Commit writes drafts in order: locks the head, loads what WantsOf and
	// Missing ask, folds Apply and writes in bulk. One outcome a draft.
	Commit(ctx context.Context, drafts []Draft) ([]Outcome, error)
	// Replay writes lines at exactly the positions they name; lines already
	// there must be equal. Outbox rows come back as "replayed", never ready.
	Replay(ctx context.Context, lines []Line) error
	// Keep stores what has no leaf; a note with IfVersion set is refused with
	// ErrConflict when another version is there. A nil Value deletes.
	Keep(ctx context.Context, notes []Note) error
	Head(ctx context.Context) (Head, error)
	// Seal stores a signed checkpoint; an older or equal size is left alone.
	Seal(ctx context.Context, c Checkpoint) error
	// Hashes reads stored tree hashes (tlog indexes).
	Hashes(ctx context.Context, pos []int64) ([]Digest, error)
	// Leaves reads leaves from ≤ index < to, in order, at most 10,000 a call.
	Leaves(ctx context.Context, from, to int64) ([]LeafRow, error)
	Find(ctx context.Context, q Query) (Page, error)
	// Claim leases up to limit ready outbox rows of leaves ≤ upTo that node
	// committed (or whose node's lease is over), in order of leaf, never one
	// whose recipient has an earlier row undone.
	Claim(ctx context.Context, c Claim) ([]OutboxRow, error)
	// Finish stores how sending went: State ready (again), sent or dead,
	// Rendered bytes, only if the row is still leased by LeaseBy at Attempts.
	// State leased stores what was rendered and keeps the lease.
	Finish(ctx context.Context, rows []OutboxRow) error
	// Lease takes or renews a named lease; it reports who holds it.
	Lease(ctx context.Context, name, node string, ttl time.Duration, note string) (Lease, error)
	// Index stores search text, folded; it is a projection and may be dropped.
	Index(ctx context.Context, texts []Text) error
	// Check looks at schema, roles and triggers and names what is wrong.
	Check(ctx context.Context) ([]Finding, error)
	Close() error
}

// A Note is a mutable fact without a leaf: a session, a token, a channel's mark.
type Note struct {
	Kind, Key string
	Value     []byte
	Expires   time.Time
	Version   int64  // as read
	IfVersion *int64 // as wanted; 0 means "not there yet"
}

// A Checkpoint is a signed tree head (C2SP tlog-checkpoint) as a note.
type Checkpoint struct {
	Size     int64
	Root     Digest
	Note     []byte
	SignedAt time.Time
}

// A Claim asks for outbox rows.
type Claim struct {
	Node  string
	UpTo  int64
	Limit int
	Now   time.Time
	For   time.Duration // the lease
}

// A Lease is who holds a name and until when.
type Lease struct {
	Name, Node string
	Until      time.Time
	Held       bool // by the asker
	Note       string
}

// A Text is the search text of an entry: folded words.
type Text struct {
	Number Number
	Words  string
	// Erased: what was indexed of the entry before is to be gone from the disk.
	Erased bool
}

// A Finding is something wrong that was found, in a sentence.
type Finding struct {
	Code    string `json:"code"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// A QueryKind says what Find looks for.
type QueryKind string

// What can be looked for, and which list of the Page answers.
const (
	FindEntries     QueryKind = "entries"     // Works, newest first; all filters
	FindEntry       QueryKind = "entry"       // Works: by Number, Item or Key (leaf key)
	FindCaseEntries QueryKind = "case"        // Works: by Folder or Case, oldest first
	FindLine        QueryKind = "line"        // Leaves: by Leaf, Number (registration) or Key
	FindEvents      QueryKind = "events"      // Leaves: by Subject, oldest first
	FindArrivals    QueryKind = "arrivals"    // Arrivals: by Items, or by Disposition, newest first
	FindFolders     QueryKind = "folders"     // Folders: by Folder, Case, Class, Department, Year, State
	FindSeries      QueryKind = "series"      // Series: all
	FindOutbox      QueryKind = "outbox"      // Outbox: by State, Number, Recipient, newest first
	FindNotes       QueryKind = "notes"       // Notes: by NoteKind, Key ("" all)
	FindSearch      QueryKind = "search"      // Works: by Words (folded, prefixes with *), newest first
	FindDue         QueryKind = "due"         // Works: open, by due day ascending, DueUntil
	FindBalances    QueryKind = "balances"    // Balances: all
	FindMessage     QueryKind = "message"     // Works: by MessageID (exact, letters of residents)
	FindSender      QueryKind = "sender"      // Works: by Sender (exact, lower case e-mail), newest first
	FindCheckpoints QueryKind = "checkpoints" // Checkpoints: newest first
	FindLeases      QueryKind = "leases"      // Leases: all
	FindCounters    QueryKind = "counters"    // Counters: all
	FindNumbers     QueryKind = "numbers"     // Works in number order from Number: register book, verify
)

// A Query is a question to the book, in keyset pages.
type Query struct {
	Of          QueryKind
	Number      Number
	Item        ItemID
	Items       []ItemID
	Leaf        *int64
	Key         string
	Subject     string
	Folder      string
	Case        string
	Since       time.Time // registered at or after
	Until       time.Time // registered before
	Register    string
	Department  string
	Clerk       string
	Class       string
	Status      Status
	Flag        Flag
	Disposition Disposition
	State       string
	NoteKind    string
	Recipient   string // of outbox rows
	MessageID   string
	Sender      string
	Year        int
	DueUntil    Day
	Words       []string
	Open        bool // status registered, assigned, accepted or to_complete
	// Viewer limits what is seen; nil sees everything (owner).
	Viewer *Viewer
	After  string // Page.Next of the page before
	Limit  int    // 0: 100
}

// A Viewer is who looks: restricted entries are invisible to whoever is not
// their clerk, reader or register's reader; HideFrom hides from the login.
type Viewer struct {
	Login     string
	Registers []string // restricted registers the viewer may read
	Unlimited bool     // mayor, secretary, desk head as the office says
}

// A Page answers a Query.
type Page struct {
	Works       []Work
	Leaves      []LeafRow
	Arrivals    []ArrivalRow
	Folders     []Folder
	Series      []SeriesRow
	Outbox      []OutboxRow
	Notes       []Note
	Balances    []Balance
	Checkpoints []Checkpoint
	Leases      []Lease
	Counters    map[CaseSeries]int64
	Next        string // "" at the end
}
