package registry

import (
	"encoding/json"
	"time"
)

// Facts is everything a decision depends on besides the letter and the rules.
// It is read once before deciding, stored with the decision and used again by
// explain and replay.
type Facts struct {
	Now time.Time `json:"now"`
	// Thread is what the letter surely or probably answers.
	Thread *Thread `json:"thread,omitempty"`
	// Cases are the case numbers and register numbers quoted in the letter.
	Cases []CaseRef `json:"cases,omitempty"`
	// StickyClerk had the last entry of this sender.
	StickyClerk string `json:"sticky_clerk,omitempty"`
	// Loads are the open entries of clerks, for explain; the choice itself is
	// made under the lock.
	Loads map[string]int64 `json:"loads,omitempty"`
	// Away are clerks set absent at the counter beside office.yaml.
	Away []string `json:"away,omitempty"`
}

// A Thread is an entry of ours that a letter answers.
type Thread struct {
	Entry      string `json:"entry"`
	Folder     string `json:"folder"`
	Case       string `json:"case,omitempty"`
	Open       bool   `json:"open"`
	Clerk      string `json:"clerk,omitempty"`
	Department string `json:"department,omitempty"`
	Class      string `json:"class,omitempty"`
	// Certain: our token or Message-ID and the very sender we wrote to.
	Certain bool   `json:"certain"`
	How     string `json:"how"` // token, message_id, number
}

// A CaseRef is a mark quoted in a letter.
type CaseRef struct {
	Mark        string `json:"mark"` // as we write it
	Raw         string `json:"raw"`  // as it stands there
	Foreign     bool   `json:"foreign"`
	Exists      bool   `json:"exists"`
	Open        bool   `json:"open"`
	Folder      string `json:"folder,omitempty"`
	Clerk       string `json:"clerk,omitempty"`
	Department  string `json:"department,omitempty"`
	Class       string `json:"class,omitempty"`
	SenderKnown bool   `json:"sender_known"`
	// Class and department as the mark itself spells them are in Mark.
}

// A Decision is what the rules propose and why. The machine proposes; a person
// decides whatever has legal effect.
type Decision struct {
	// RulesDigest and OfficeDigest name the files that made it.
	RulesDigest  Digest `json:"rules_digest"`
	OfficeDigest Digest `json:"office_digest,omitzero"`
	// Screen: "" admits; quarantine or beside with its reason keep it out of
	// the book.
	Screen       string `json:"screen,omitempty"`
	ScreenReason string `json:"screen_reason,omitempty"`

	Class string `json:"class"`
	// CasePolicy: at_once, on_accept, none.
	CasePolicy string `json:"case_policy,omitempty"`
	// JoinFolder is the folder a certain reply belongs to.
	JoinFolder     string `json:"join_folder,omitempty"`
	CaseSuggestion string `json:"case_suggestion,omitempty"`

	Department string `json:"department"`
	Queue      string `json:"queue,omitempty"` // when no clerk is named
	// Candidates are clerks who are present, in order; Balance chooses among
	// them under the lock: "" takes the first, else least_open or round_robin.
	Candidates []string `json:"candidates,omitempty"`
	Balance    string   `json:"balance,omitempty"`
	// Clerk is who was chosen; set by Apply.
	Clerk string `json:"clerk"`
	// For says for whom a candidate stands in.
	For        map[string]string `json:"for,omitempty"`
	OnBehalfOf string            `json:"on_behalf_of,omitempty"` // set by Apply

	Deadline Deadline `json:"deadline"`
	Flags    []Flag   `json:"flags,omitempty"`
	Labels   []string `json:"labels,omitempty"`
	Priority string   `json:"priority,omitempty"` // "", high
	// Restricted hides the entry from all but Readers, the clerk and heads.
	Restricted bool     `json:"restricted,omitempty"`
	Readers    []string `json:"readers,omitempty"`
	HideFrom   []string `json:"hide_from,omitempty"` // whom the letter is about
	Notify     []string `json:"notify,omitempty"`    // further logins to tell
	Approval   []string `json:"approval,omitempty"`
	// Receipt: "" as the law of receipts says, "none", or a variant's name.
	Receipt string `json:"receipt,omitempty"`

	Rules   []string `json:"rules"`   // ids of the rules that took effect, in order
	Because []string `json:"because"` // sentences for people, in the office's language
	// Explanation is the result of each rule as the rules package writes it;
	// opaque to everybody else.
	Explanation json.RawMessage `json:"explanation,omitempty"`
}

// How a candidate is chosen; "" takes the first.
const (
	BalanceLeastOpen  = "least_open"
	BalanceRoundRobin = "round_robin"
)

// When a folder becomes a case.
const (
	CaseAtOnce   = "at_once"
	CaseOnAccept = "on_accept"
	CaseNone     = "none"
)

// What the screen may say beside nothing.
const (
	ScreenQuarantine = "quarantine"
	ScreenBeside     = "beside"
)

// A ReceiptPlan is the decision to send a receipt or not, with its reason.
type ReceiptPlan struct {
	Send    bool   `json:"send"`
	To      string `json:"to,omitempty"`
	Variant string `json:"variant,omitempty"` // standard, assembly, whistle
	English bool   `json:"english,omitempty"`
	Reason  string `json:"reason_not_sent,omitempty"` // code: auto_submitted, null_path, list, …
}
