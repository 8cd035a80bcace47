package registry

import "time"

// A Document is what the reader understood of an item. It is re-computable
// from the original; every string in it is valid UTF-8 without NUL.
type Document struct {
	From       []Address `json:"from"`
	ReplyTo    []Address `json:"reply_to,omitempty"`
	To         []Address `json:"to,omitempty"`
	Cc         []Address `json:"cc,omitempty"`
	Subject    string    `json:"subject"`
	Title      string    `json:"title,omitempty"` // the subject without Re:, Odp:, Fwd:
	Date       time.Time `json:"date,omitzero"`   // what the letter claims
	RawDate    string    `json:"raw_date,omitempty"`
	MessageID  string    `json:"message_id,omitempty"` // without angle brackets
	InReplyTo  []string  `json:"in_reply_to,omitempty"`
	References []string  `json:"references,omitempty"`
	// Text is what search and rules see: bounded (1 MB), quoted letters kept.
	Text string `json:"-"`
	// Own is Text without quoted letters and signatures: what words match.
	Own         string       `json:"-"`
	Language    string       `json:"language,omitempty"` // "pl", "en", "" when unsure
	Attachments []Attachment `json:"attachments"`
	Headers     Headers      `json:"headers,omitzero"`
	Flaws       []Flaw       `json:"flaws,omitempty"`
	Flags       []Flag       `json:"flags,omitempty"` // what structure alone shows: tnef, cloud_link, encrypted_body, …
	// Redelivery is SHA-256 over the letter without the leading trace fields
	// that trusted relays add: equal for a retry after a lost 250.
	Redelivery Digest `json:"redelivery"`
	// BodyDigest is over what a person would call the same letter: author, title,
	// text and attachments, without the rest of the header; a file's own digest.
	BodyDigest Digest            `json:"body_digest"`
	Signatures []SignatureReport `json:"signatures,omitempty"`
	Auth       Authentication    `json:"authentication,omitzero"`
	Malware    Malware           `json:"malware,omitzero"`
	// Inner is the letter inside a forwarded one, when the whole letter is
	// only its wrapping.
	Inner *Address `json:"inner,omitempty"`
	// Hints come from the file name of a scan: device, time.
	Hints map[string]string `json:"hints,omitempty"`
}

// An Address is one mailbox of a header, leniently read.
type Address struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Raw   string `json:"raw,omitempty"` // only where the reading was a guess
}

// Headers are the fields of a letter that the house acts on, decoded.
type Headers struct {
	AutoSubmitted   string   `json:"auto_submitted,omitempty"` // lower case, "" when absent
	Precedence      string   `json:"precedence,omitempty"`     // lower case
	ListID          string   `json:"list_id,omitempty"`
	ListUnsubscribe bool     `json:"list_unsubscribe,omitempty"`
	AutoSuppress    string   `json:"auto_suppress,omitempty"` // X-Auto-Response-Suppress
	ReturnPath      string   `json:"return_path,omitempty"`
	ContentType     string   `json:"content_type,omitempty"` // media type of the whole, lower case
	ReportType      string   `json:"report_type,omitempty"`  // of multipart/report, lower case
	DispositionTo   string   `json:"disposition_to,omitempty"`
	SpamFlag        bool     `json:"spam_flag,omitempty"`
	SpamScore       string   `json:"spam_score,omitempty"`
	Received        int      `json:"received,omitempty"`     // number of trace fields
	KancelariaLoop  bool     `json:"loop,omitempty"`         // carries a mark of our own making
	AuthResults     []string `json:"auth_results,omitempty"` // Authentication-Results, topmost first, unfolded
	ReceivedTop     []string `json:"received_top,omitempty"` // up to 5 topmost Received, unfolded
	Signed          bool     `json:"signed,omitempty"`       // carries a DKIM-Signature
	ARCSeals        []string `json:"arc_seals,omitempty"`    // up to 5 topmost ARC-Seal, unfolded
	// All holds every other field, lower-case name to decoded values, bounded;
	// rules match on it and nothing else does.
	All map[string][]string `json:"-"`
}

// An Attachment is a part of a document: a body, a file, a container's member.
type Attachment struct {
	Path         string `json:"path"` // "1.2"; "2!a.zip!b.pdf" inside containers
	Name         string `json:"name"` // made safe for display
	RawName      string `json:"raw_name,omitempty"`
	DeclaredType string `json:"declared_type"`
	MediaType    string `json:"media_type"` // by content
	Size         int64  `json:"size"`       // decoded bytes
	Digest       Digest `json:"sha256"`     // of the decoded bytes
	Role         Role   `json:"role"`
	Flags        []Flag `json:"flags"`
	// Header, Body: byte range of the part's body inside the original, before
	// decoding; zero for members of containers.
	Start    int64  `json:"start,omitempty"`
	End      int64  `json:"end,omitempty"`
	Encoding string `json:"encoding,omitempty"`
	// ContentID as referenced by HTML, without brackets.
	ContentID string `json:"content_id,omitempty"`
}

// A Role says what an attachment is for.
type Role string

// The roles. Only RoleAttachment counts as an attachment in the register.
const (
	RoleBody       Role = "body"
	RoleAttachment Role = "attachment"
	RoleEmbedded   Role = "embedded"  // inline picture, signature logo, member of a container
	RoleContainer  Role = "container" // winmail.dat, a forwarded letter that was opened
	RoleEvidence   Role = "evidence"  // delivery evidence of e-Doręczenia or ePUAP
)

// CountAttachments counts what the sender would call attachments.
func (d Document) CountAttachments() int {
	n := 0
	for _, a := range d.Attachments {
		if a.Role == RoleAttachment {
			n++
		}
	}
	return n
}

// Sender gives the first author, or what stands for one.
func (d Document) Sender() Address {
	if len(d.From) > 0 {
		return d.From[0]
	}
	return Address{}
}

// A Flaw is something of an original that could not be read, for a clerk's
// eyes. Code is of a closed list (Flaw… constants of parse are none: any
// lower-case word); Path names the part.
type Flaw struct {
	Code string `json:"code"`
	Path string `json:"path,omitempty"`
	Note string `json:"note,omitempty"` // English, for the operator
}

// An Authentication is what mail authentication says of the sender.
type Authentication struct {
	SPF     string      `json:"spf"`   // pass, fail, softfail, neutral, none, temperror, permerror, not_checked
	DKIM    string      `json:"dkim"`  // pass, fail, none, temperror, not_checked
	DMARC   string      `json:"dmarc"` // pass, fail, none, temperror, not_checked
	Verdict AuthVerdict `json:"verdict"`
	By      string      `json:"by,omitempty"`   // authserv-id believed, or "own"
	Note    string      `json:"note,omitempty"` // key text, policy: the evidence
	// ARC is what the last forwarder says of those before it (RFC 8617): the
	// word and whose, "" without one. It is information; nobody is believed for
	// it, and it changes no verdict.
	ARC string `json:"arc,omitempty"`
	// Late: DNS did not answer in time and is asked again.
	Late bool `json:"late,omitempty"`
}

// An AuthVerdict is one of four words for a clerk.
type AuthVerdict string

// The verdicts.
const (
	Confirmed   AuthVerdict = "confirmed"
	Unconfirmed AuthVerdict = "unconfirmed"
	Forged      AuthVerdict = "forged"
	Unchecked   AuthVerdict = "unchecked"
)

// What a scanner may have said; "" when none is configured.
const (
	ScanClean = "clean"
	ScanFound = "found"
	ScanNot   = "not_scanned"
)

// Malware is what the scanner said.
type Malware struct {
	State string   `json:"state,omitempty"` // clean, found, not_scanned, "" when no scanner is configured
	Names []string `json:"names,omitempty"`
}
