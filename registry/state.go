package registry

import "time"

// A State is what a store has loaded of the book for a group of drafts, and
// so all that Apply knows; Apply itself changes nothing in it. A key that is in
// no map was not loaded; a row that is not there is loaded as the zero row.
type State struct {
	Head     Head
	Series   map[Series]SeriesRow
	Known    map[string]Line // by draft key, for those already written
	Arrivals map[ItemID]ArrivalRow
	Traces   map[TraceKey][]TraceRow
	Entries  map[Number]Work
	Folders  map[string]Folder
	Cases    map[string]string // case number → folder
	Counters map[CaseSeries]int64
	Balances map[string]Balance
	Subjects map[string]int64    // last leaf of a subject that has no row of its own; -1: none
	Open     map[string][]Number // open entries by clerk, each also in Entries
	Within   map[string][]Number // entries by folder, each also in Entries

	tried *trial // the trial that lacked nothing, for Apply
}

// Wants names what a store must load before Apply can fold some drafts. Each
// list is sorted and without repeats. A store loads and asks again (Missing)
// until nothing is wanted; what does not exist is loaded as absent: the map
// gets the zero row.
type Wants struct {
	Keys     []string
	Items    []ItemID
	Series   []Series
	Traces   []TraceKey
	Entries  []Number
	Folders  []string
	Cases    []string
	Counters []CaseSeries
	Balances []string
	// Subjects are those of leaves whose last leaf is needed.
	Subjects []string
	// OpenOf are clerks all of whose open entries are needed (handover).
	OpenOf []string
	// Within are folders all of whose entries are needed (joining, closing).
	Within []string
}

// A Head is the ledger's size and the right edge of its tree.
type Head struct {
	Size int64
	// Edge holds the roots of the complete subtrees that Size splits into,
	// largest first: enough to append and to compute the root.
	Edge []Digest
	// LastAt is the time of the last leaf; leaves never go back in time.
	LastAt time.Time
	// Origin names the log: "<office domain>/ksiega", or a later one that
	// names it after an unrecoverable loss.
	Origin string
}

// A SeriesRow is the lock row of a series.
type SeriesRow struct {
	Series
	Taken    int64 // numbers given
	LastAt   time.Time
	OpenedAt time.Time // zero: not there yet
	ClosedAt time.Time // zero: open
}

// An ArrivalRow remembers an item for ever.
type ArrivalRow struct {
	Item        ItemID
	Delivery    ItemID
	Disposition Disposition
	Leaf        int64  // of the draft that disposed of it last
	Number      Number // registered; redelivered: the first one's
	Place       Place
	AcceptedAt  time.Time
	Register    string
	Reason      string
	Redelivered int64 // how often it came again
	// First is the item that a redelivered one repeats.
	First ItemID
	Found bool
}

// A TraceKey finds letters that came before: kind 'm' by register and
// Message-ID, 'd' by register, envelope sender and digest (letters without
// Message-ID), 'b' by body. Week is that of the arrival, since rows are pruned
// by week and looked up in two.
type TraceKey struct {
	Week int
	Kind byte
	Key  [16]byte
}

// A TraceRow is one earlier letter under a key.
type TraceRow struct {
	TraceKey
	Digest Digest // Document.Redelivery
	Item   ItemID
	Number Number
	At     time.Time
}

// A Work is the present of an entry: the fold of its events. It can be rebuilt
// from the leaves. Stores keep it as JSON.
type Work struct {
	Number       Number    `json:",omitzero"`
	Item         ItemID    `json:",omitzero"`
	Leaf         int64     `json:",omitzero"` // of the registration
	LastLeaf     int64     `json:",omitzero"` // of the last event
	RegisteredAt time.Time `json:",omitzero"`
	AcceptedAt   time.Time `json:",omitzero"`
	ReceivedAt   time.Time `json:",omitzero"`
	ReceivedOn   Day       `json:",omitzero"`
	Door         Door      `json:",omitzero"`
	Source       string    `json:",omitzero"`
	Status       Status    `json:",omitzero"`
	Department   string    `json:",omitzero"`
	Clerk        string    `json:",omitzero"`
	OnBehalfOf   string    `json:",omitzero"`
	Class        string    `json:",omitzero"`
	CasePolicy   string    `json:",omitzero"`
	Deadline     Deadline  `json:",omitzero"`
	Folder       string    `json:",omitzero"`
	OwnFolder    bool      `json:",omitzero"` // the entry opened its folder and is still in it
	Suggestion   string    `json:",omitzero"`
	DuplicateOf  string    `json:",omitzero"`
	Subject      string    `json:",omitzero"`
	Title        string    `json:",omitzero"`
	Sender       Sender    `json:",omitzero"`
	LetterDate   string    `json:",omitzero"`
	SenderRef    string    `json:",omitzero"`
	PostedOn     string    `json:",omitzero"`
	Remarks      string    `json:",omitzero"`
	Access       string    `json:",omitzero"` // public, partial, closed
	MessageID    string    `json:",omitzero"`
	Digest       Digest    `json:",omitzero"`
	Size         int64     `json:",omitzero"`
	MediaType    string    `json:",omitzero"`
	Place        Place     `json:",omitzero"`
	Attachments  int       `json:",omitzero"`
	Flags        []Flag    `json:",omitzero"`
	Labels       []string  `json:",omitzero"`
	Priority     string    `json:",omitzero"`
	Restricted   bool      `json:",omitzero"`
	Readers      []string  `json:",omitzero"`
	HideFrom     []string  `json:",omitzero"`
	Returns      int       `json:",omitzero"`
	Version      int64     `json:",omitzero"` // bumped by every write, for screens
	Found        bool      `json:",omitzero"` // false: loaded and not there
}

// A Status is where an entry stands.
type Status string

// The states of an entry.
const (
	StatusRegistered Status = "registered" // in a queue, nobody named
	StatusAssigned   Status = "assigned"
	StatusAccepted   Status = "accepted"
	StatusToComplete Status = "to_complete"
	StatusForwarded  Status = "forwarded" // to another body
	StatusClosed     Status = "closed"
	StatusAnnulled   Status = "annulled"
)

// A Folder holds entries of one matter; with a case number it is a case.
type Folder struct {
	ID         string // K-RPW-000001-2026
	State      string // FolderWorking, FolderOpen, FolderClosed or FolderNone
	Case       string // case number, or ""
	Class      string
	Department string
	Clerk      string
	Title      string
	JoinedInto string // folder, when closed by joining
	MovedTo    string // case number that took its place
	MovedFrom  string
	Entries    int64
	OpenedAt   time.Time
	ClosedAt   time.Time
	CaseAt     time.Time // when it became a case
	Leaf       int64     // that opened it: the order of lists
	LastLeaf   int64
	Restricted bool
	Found      bool
}

// The states of a folder.
const (
	FolderWorking = "working" // no case yet
	FolderOpen    = "open"    // a case
	FolderClosed  = "closed"
	FolderNone    = "none" // of a class that forms no case files
)

// A Balance is how much a clerk has in hand.
type Balance struct {
	Clerk    string
	Open     int64
	Given    int64
	LastLeaf int64 // of the last assignment: who has waited longest
}

// A LeafRow is one leaf of the ledger. Hash is the RFC 6962 leaf hash of
// "kancelaria/leaf/v1\n" + Type + 0x00 + SHA-256(Salt + Body). Body is the
// canonical encoding, ids, times and digests only, and commits to Content (the
// JSON of a Line) by a salted digest; Content may be erased, Body never is.
type LeafRow struct {
	Index      int64
	Type       string // an ActKind or a Disposition
	Subject    string
	Key        string
	At         time.Time
	Actor      string
	OnBehalfOf string
	Salt       Salt
	Body       []byte
	Hash       Digest
	Content    []byte
}

// A NodeRow is a stored hash of the tree (x/mod/sumdb/tlog StoredHashIndex).
type NodeRow struct {
	Pos  int64
	Hash Digest
}

// An OutboxRow is a notice or a receipt to be sent, written in the same
// transaction as what it tells.
type OutboxRow struct {
	ID        string // "<leaf>.<n>": also the key of its Message-ID
	Leaf      int64
	Node      string
	Kind      string // notice, receipt, collective, daily, …
	Recipient string // clerk login for notices, address for receipts
	Number    Number
	Item      ItemID
	Variant   string
	State     string // ready, leased, sent, dead
	Attempts  int
	NotBefore time.Time
	LeaseBy   string
	LeaseTill time.Time
	MessageID string
	Rendered  []byte // the same bytes on each retry
	From      string // envelope, once rendered
	To        []string
	LastError string
	CreatedAt time.Time
	DoneAt    time.Time
}

// Writes is all that a group of drafts changes, each list sorted by its key.
// Rows of one key appear once, in their last form.
type Writes struct {
	Head     Head
	Leaves   []LeafRow
	Nodes    []NodeRow
	Series   []SeriesRow  // upsert
	Arrivals []ArrivalRow // upsert
	Entries  []Work       // new entries: insert into the append-only table too
	Works    []Work       // upsert, includes the new ones
	Folders  []Folder     // upsert
	Counters map[CaseSeries]int64
	Balances []Balance // upsert
	Traces   []TraceRow
	Outbox   []OutboxRow
	// ForgetTraces, if set, is the first week whose traces are still of use:
	// rows of earlier weeks may be deleted.
	ForgetTraces int
}
