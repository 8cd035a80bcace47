package registry

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"time"
)

// A Salt makes a leaf's commitment unguessable; 32 random bytes.
type Salt [32]byte

// NewSalt makes a salt of the system's randomness, which never fails: it ends
// the program.
func NewSalt() (s Salt) {
	_, _ = rand.Read(s[:])
	return s
}

// MarshalText implements encoding.TextMarshaler.
func (s Salt) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Salt) UnmarshalText(text []byte) error {
	if len(text) != 2*len(s) {
		return fmt.Errorf("a salt is %d hexadecimal digits, not %d", 2*len(s), len(text))
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// A Draft is one thing to be written into the book: exactly one of Arrival and
// Act is set. Whatever has a leaf in the ledger passes through a draft.
type Draft struct {
	// Key names the draft for ever. Offering a key again changes nothing and
	// gives the first outcome. An arrival's key is "item/" and the item id; a
	// release from quarantine has a key of its own.
	Key string `json:"key"`
	// At is the committer's clock when the draft was made.
	At time.Time `json:"at"`
	// On is the civil day of At in the office's zone: it decides the year of a
	// late registration and of a case. The Registrar sets At, On and Salt.
	On   Day  `json:"on"`
	Salt Salt `json:"salt"`
	// Node commits the draft, and its bell sends what follows from it.
	Node string `json:"node,omitempty"`
	// After, if set, is the last leaf of the subject that the actor had seen;
	// if another was written since, the draft is a conflict.
	After *int64 `json:"after,omitempty"`
	// Beyond is the least size the ledger must have: a smaller one is an older
	// book, in which numbers would be given twice. Nothing is written then.
	Beyond int64 `json:"-"`

	Actor      string `json:"actor"` // login, or "kancelaria" for the daemon
	OnBehalfOf string `json:"on_behalf_of,omitempty"`
	Reason     string `json:"reason,omitempty"`

	Arrival *Arrival `json:"arrival,omitempty"`
	Act     *Act     `json:"act,omitempty"`
}

// A Disposition is what became of an item.
type Disposition string

// The dispositions. An item registered after quarantine is registered.
const (
	Registered  Disposition = "registered"
	Redelivered Disposition = "redelivered" // the same arrival as an earlier item
	Quarantined Disposition = "quarantined"
	Beside      Disposition = "beside"   // filed beside the book: ads, bounces, automatic replies
	Rejected    Disposition = "rejected" // a person looked at a quarantined item and kept it out
	Attached    Disposition = "attached" // a scan of paper that has its number: it joins that entry
)

// An Arrival offers an item to the book.
type Arrival struct {
	Item        Item        `json:"item"`
	Place       Place       `json:"place"` // Item.Place, which manifests cannot carry
	Document    Document    `json:"document"`
	Decision    Decision    `json:"decision"`
	Facts       Facts       `json:"facts,omitzero"`
	Disposition Disposition `json:"disposition"`      // registered, quarantined, beside or attached
	Reason      string      `json:"reason,omitempty"` // of quarantine or beside, a code
	Receipt     ReceiptPlan `json:"receipt"`
	// Bare: the full draft was refused; only what cannot fail is offered.
	Bare bool `json:"bare,omitempty"`
	// Late: registered by a person later (release, paper, hand); the year is
	// that of registration and ReceivedOn keeps the arrival.
	Late bool `json:"late,omitempty"`
	// To is the entry that an attached scan joins.
	To string `json:"to,omitempty"`
	// Answers names the entry a bounce or automatic reply belongs to.
	Answers string `json:"answers,omitempty"`
	// Title for the register, never just the raw subject.
	Title string `json:"title"`
	// Sender as the register shows it; empty fields mean "brak danych".
	Sender     Sender `json:"sender"`
	LetterDate string `json:"letter_date,omitempty"` // YYYY, YYYY-MM or YYYY-MM-DD
	SenderRef  string `json:"sender_ref,omitempty"`
	PostedOn   string `json:"posted_on,omitempty"`
	Remarks    string `json:"remarks,omitempty"`
	// ToComplete: a scan whose sender and title a person must add.
	ToComplete bool `json:"to_complete,omitempty"`
	// BodyDigest is over what a person would call the same letter: sender,
	// text and attachments, without headers. Equal means possible duplicate.
	BodyDigest Digest    `json:"body_digest"`
	ReceivedOn Day       `json:"received_on"` // civil day of the arrival that counts
	ReceivedAt time.Time `json:"received_at"`
	// Extract is what the rules looked at of the letter itself.
	Extract Extract `json:"extract,omitzero"`
}

// An Extract is what rules look at of a letter beside its Document, whose texts
// and other headers the book does not keep. With it the same decision can be
// made again, also by other rules.
type Extract struct {
	// Text is the beginning of Document.Own, at most Window bytes of it.
	Text   string `json:"text,omitempty"`
	Window int    `json:"window"`
	// Headers are those of Document.Headers.All that rules ask for, those that
	// were not there with no value.
	Headers map[string][]string `json:"headers,omitempty"`
}

// An ActKind is what a person, or the daemon, does to something in the book.
type ActKind string

// The acts. The comment names the subject and what Act must carry.
const (
	ActAccept   ActKind = "accepted"   // entry: a clerk takes it; opens the case if its class says so
	ActReturn   ActKind = "returned"   // entry: back to the desk; second time to the secretary
	ActForward  ActKind = "forwarded"  // entry: To is a clerk, department or an outside body (Outside)
	ActNote     ActKind = "noted"      // entry, folder: Text
	ActDue      ActKind = "due_set"    // entry: Deadline
	ActCorrect  ActKind = "corrected"  // entry: Fields, old values kept
	ActComplete ActKind = "completed"  // entry to complete: Fields
	ActClose    ActKind = "closed"     // entry
	ActAnnul    ActKind = "annulled"   // entry: the number stays; Text names a dictionary reason
	ActClassify ActKind = "classified" // entry: Class, Department, Clerk by a person
	ActFinding  ActKind = "finding"    // entry: what became known late; Content
	ActProposal ActKind = "proposed"   // entry: rules ran again on findings; Content
	ActSent     ActKind = "sent"       // entry: receipt or notice outcome; Content

	ActOpenCase   ActKind = "case_opened" // folder: Class, Department
	ActJoinCase   ActKind = "case_joined" // folder: To is the folder or case it joins
	ActMoveCase   ActKind = "case_moved"  // folder: new Class and Department, cross-references both ways
	ActCloseCase  ActKind = "case_closed" // folder
	ActReopenCase ActKind = "case_reopened"
	ActSplit      ActKind = "split" // entry: leaves the folder, its own is reopened

	ActReject ActKind = "rejected" // item in quarantine or beside: stays out
	ActErased ActKind = "erased"   // item: lawful erasure of its bytes, Text names the reason
	ActOpened ActKind = "series_opened"
	ActClosed ActKind = "series_closed"  // series: Content holds count and last number
	ActSealed ActKind = "segment_sealed" // archive segment: Text is node/segment, Content the seal
	ActRules  ActKind = "rules_set"      // rule set: Content is the file
	ActKey    ActKind = "key_rotated"
	ActGap    ActKind = "gap" // series: numbers lost in a restore, with the reason
	// ActLost stands where a leaf was that is lost: written by recovering only.
	ActLost ActKind = "leaf_lost"
	// ActLog: office: the ledger goes on under the name in Fields["origin"],
	// since leaves are lost that were signed under the old one.
	ActLog      ActKind = "log_continued"
	ActAbsence  ActKind = "absence_set"
	ActHandover ActKind = "handed_over" // clerk: To another, open entries follow
	ActApproval ActKind = "approval"    // entry: request, answer, withdrawal; Content
	ActAccess   ActKind = "access_granted"
	ActUnlock   ActKind = "unlocked" // entry: somebody opens, once and with a reason, what malware keeps locked (Locked); To names the part
	ActGeneric  ActKind = "recorded" // any subject: Content; changes no state
)

// An Act is something done to a subject of the book. Which fields count
// depends on Kind.
type Act struct {
	Kind ActKind `json:"kind"`
	// Subject: a register number "RPW-000001-2026", a folder "K-RPW-…", an item
	// id, a series "RPW-2026", a login, or "office".
	Subject    string            `json:"subject"`
	To         string            `json:"to,omitempty"`
	Outside    bool              `json:"outside,omitempty"` // forwarded to another body (KPA art. 65)
	Text       string            `json:"text,omitempty"`
	Class      string            `json:"class,omitempty"`
	Department string            `json:"department,omitempty"`
	Clerk      string            `json:"clerk,omitempty"`
	CasePolicy string            `json:"case_policy,omitempty"`
	Deadline   *Deadline         `json:"deadline,omitempty"`
	Fields     map[string]string `json:"fields,omitempty"` // corrected: title, sender.name, received_at, …
	Old        map[string]string `json:"old,omitempty"`    // filled by Apply
	Content    []byte            `json:"content,omitempty"`
	// Tell are logins that get a notice of this act; Apply adds a new clerk.
	Tell []string `json:"tell,omitempty"`
}

// An OutcomeState says what Commit did with a draft.
type OutcomeState string

// The states of an outcome.
const (
	Written  OutcomeState = "written"
	Repeated OutcomeState = "repeated" // the key was known: the first outcome again
	Conflict OutcomeState = "conflict" // something happened after Draft.After
	Refused  OutcomeState = "refused"  // against the law of the book; Error says why
)

// An Outcome is what became of a draft.
type Outcome struct {
	Key         string       `json:"key"`
	State       OutcomeState `json:"state"`
	Error       string       `json:"error,omitempty"`
	Immutable   bool         `json:"immutable,omitempty"` // refused since it would break immutability: exit 9
	Disposition Disposition  `json:"disposition,omitempty"`
	// Number of the entry concerned: new for an arrival, the first one's for a
	// redelivery, the subject's for an act.
	Number      Number           `json:"number,omitzero"`
	At          time.Time        `json:"at"` // registered_at, the time of the event
	Leaf        int64            `json:"leaf"`
	Folder      string           `json:"folder,omitempty"`
	Case        string           `json:"case,omitempty"`
	CaseState   string           `json:"case_state,omitempty"`
	Clerk       string           `json:"clerk,omitempty"`
	OnBehalfOf  string           `json:"on_behalf_of,omitempty"`
	DuplicateOf string           `json:"duplicate_of,omitempty"`
	Flags       []Flag           `json:"flags,omitempty"` // all flags of the entry as written
	Loads       map[string]int64 `json:"loads,omitempty"` // seen when balancing
	// Moved counts the entries that a handover has moved.
	Moved int `json:"moved,omitempty"`
	// First is, for a redelivery, the item that this one repeats. Disposition
	// is redelivered if that one is in the book, else what became of it.
	First ItemID `json:"first,omitzero"`
	// Item that the entry concerned came with, if any.
	Item ItemID `json:"item,omitzero"`
	// Content of the leaf, for the copybook; of a repeated draft too.
	Content []byte `json:"-"`
}

// Err turns a conflict or refusal into an error.
func (o Outcome) Err() error {
	switch o.State {
	case Conflict:
		return fmt.Errorf("%w: %s", ErrConflict, o.Error)
	case Refused:
		if o.Immutable {
			return fmt.Errorf("%w: %s", ErrImmutable, o.Error)
		}
		return fmt.Errorf("%w: %s", ErrRefused, o.Error)
	default:
		return nil
	}
}

// A Line is one written line of the book: the draft as decided and what became
// of it. Its JSON is the content of the leaf, the copybook's record and what
// Replay takes: one form everywhere.
type Line struct {
	Draft   Draft   `json:"draft"`
	Outcome Outcome `json:"outcome"`
	// Content holds the very bytes a line was read from, so that it is written
	// again as it was, whatever fields this program has learnt since.
	Content []byte `json:"-"`
	// Bare is the leaf of a line whose content is lawfully erased, to be
	// replayed as it is.
	Bare *LeafRow `json:"-"`
}
