package registry

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// An ItemID is a UUIDv7 (RFC 9562 § 5.7) minted at the door: the key under
// which a delivery is known for ever, and what makes every later step safe to
// repeat.
type ItemID [16]byte

// NewItemID mints an id whose leading 48 bits are at in milliseconds.
func NewItemID(at time.Time) ItemID {
	var id ItemID
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails (it aborts the program)
	ms := uint64(at.UnixMilli())
	for i := range 6 {
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// String gives the usual form, 018f2a3c-….
func (id ItemID) String() string {
	b, _ := id.MarshalText()
	return string(b)
}

// IsZero reports whether no id was minted.
func (id ItemID) IsZero() bool { return id == ItemID{} }

// MarshalText implements encoding.TextMarshaler.
func (id ItemID) MarshalText() ([]byte, error) {
	out := make([]byte, 36)
	hex.Encode(out[0:8], id[0:4])
	hex.Encode(out[9:13], id[4:6])
	hex.Encode(out[14:18], id[6:8])
	hex.Encode(out[19:23], id[8:10])
	hex.Encode(out[24:36], id[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return out, nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (id *ItemID) UnmarshalText(text []byte) error {
	parsed, err := ParseItemID(string(text))
	*id = parsed
	return err
}

// ParseItemID reads the form that String writes, in either case.
func ParseItemID(s string) (ItemID, error) {
	var id ItemID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, fmt.Errorf("%.60q is not an item id", s)
	}
	plain := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(id[:], []byte(plain)); err != nil {
		return ItemID{}, fmt.Errorf("%.60q is not an item id", s)
	}
	return id, nil
}

// A Digest is a SHA-256: the name of bytes.
type Digest [sha256.Size]byte

// String gives 64 lower-case hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Groups writes the digest in eights, so that two people can compare it aloud.
func (d Digest) Groups() string {
	hex := d.String()
	var groups []string
	for i := 0; i < len(hex); i += 8 {
		groups = append(groups, hex[i:i+8])
	}
	return strings.Join(groups, " ")
}

// IsZero reports whether nothing was digested.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText implements encoding.TextMarshaler.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != 2*len(d) {
		return fmt.Errorf("%.70q is not a SHA-256 digest", text)
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// A Door is the kind of way in.
type Door string

// The doors. Scan is a device that sends its scans by mail.
const (
	DoorSMTP    Door = "smtp"
	DoorLMTP    Door = "lmtp"
	DoorFolder  Door = "folder"
	DoorShare   Door = "share"
	DoorCounter Door = "counter"
	DoorWeb     Door = "web"
	DoorScan    Door = "scan"
	DoorPackage Door = "package"
)

// IsMail reports whether letters, rather than files, come by this door.
func (d Door) IsMail() bool { return d == DoorSMTP || d == DoorLMTP }

// An Original is the bytes as they arrived; they are never rewritten.
type Original struct {
	Digest    Digest `json:"sha256"`
	Size      int64  `json:"size"` // bytes
	MediaType string `json:"media_type"`
	Name      string `json:"name,omitempty"` // file name as dropped or uploaded; empty for mail
}

// A Place says where the archive keeps a record: node/segment:offset. It is
// opaque to everybody but the archive.
type Place string

// An Item is one delivery to one register, before it is read. It is written
// once into the archive's journal as a manifest and never changes after.
type Item struct {
	ID       ItemID `json:"id"`
	Delivery ItemID `json:"delivery"`         // shared by all items of one delivery
	Door     Door   `json:"door"`             //
	Source   string `json:"source,omitempty"` // configured name: a drop's name, a listener
	Peer     string `json:"peer,omitempty"`   // who handed it over: an address, never a claim
	Register string `json:"register"`         // "RPW"
	// Recipients are our mailboxes as configured, in envelope order. One item
	// has all that lie in its register.
	Recipients []string  `json:"recipients,omitempty"`
	Envelope   *Envelope `json:"envelope,omitempty"` // mail only
	File       *File     `json:"file,omitempty"`     // drops and uploads only
	Hand       *Hand     `json:"hand,omitempty"`     // counter, upload
	Original   Original  `json:"original"`
	// AcceptedAt is the instant the last byte was in at our door, UTC, never
	// earlier than that of an item accepted before on this node.
	AcceptedAt time.Time `json:"accepted_at"`
	ClockState string    `json:"clock_state,omitempty"`
	Node       string    `json:"node"`
	Place      Place     `json:"-"` // known once the record is durable
}

// An Envelope is what SMTP said around a letter (RFC 5321).
type Envelope struct {
	Helo         string   `json:"helo,omitempty"`
	MailFrom     string   `json:"mail_from"` // "" is the null path
	Recipients   []string `json:"recipients"`
	TLS          string   `json:"tls,omitempty"`  // "TLS1.3 …", empty in clear
	Auth         string   `json:"auth,omitempty"` // identity proven by AUTH
	BodyType     string   `json:"body,omitempty"` // 7BIT, 8BITMIME
	UTF8         bool     `json:"smtputf8,omitempty"`
	TrustedRelay bool     `json:"trusted_relay,omitempty"` // peer is in smtp.trusted_relays
	Session      string   `json:"session,omitempty"`
	SPF          string   `json:"spf,omitempty"` // what SPF said at the door, if asked
}

// A File is where a dropped or uploaded document lay.
type File struct {
	Path       string    `json:"path"` // relative to the source, slash separated, as listed
	Modified   time.Time `json:"modified,omitzero"`
	Incomplete bool      `json:"incomplete,omitempty"` // given up waiting for its end
	Companions []string  `json:"companions,omitempty"`
	// OnConfirm: a person looks at it before it gets a number; until then it
	// is kept out of the book as a quarantined item is.
	OnConfirm bool `json:"on_confirm,omitempty"`
	// Evidence names those companions that prove a delivery (e-Doręczenia,
	// ePUAP), and EvidenceAt is when they say it was made.
	Evidence   []string  `json:"evidence,omitempty"`
	EvidenceAt time.Time `json:"evidence_at,omitzero"`
	// Codes are the barcodes read on its pages; Attach is the entry whose label
	// is on the first of them, and Pages are its own of a batch whose original
	// is that of several items.
	Codes  []PageCode `json:"codes,omitempty"`
	Attach string     `json:"attach,omitempty"`
	Pages  *Pages     `json:"pages,omitempty"`
}

// Hand is what a person typed with a document handed in at the counter.
type Hand struct {
	By         string    `json:"by"` // login
	Sender     Sender    `json:"sender,omitzero"`
	Title      string    `json:"title,omitempty"`
	ReceivedAt time.Time `json:"received_at,omitzero"` // arrival that counts, if not now
	LetterDate string    `json:"letter_date,omitempty"`
	SenderRef  string    `json:"sender_ref,omitempty"`
	PostedOn   string    `json:"posted_on,omitempty"`
	Remarks    string    `json:"remarks,omitempty"`
	Files      []string  `json:"files,omitempty"` // names, when several files make one item
}

// ReceivedAt is the arrival that counts in law before any correction.
func (it Item) ReceivedAt() time.Time {
	if it.Hand != nil && !it.Hand.ReceivedAt.IsZero() {
		return it.Hand.ReceivedAt
	}
	if it.File != nil && !it.File.EvidenceAt.IsZero() {
		return it.File.EvidenceAt
	}
	return it.AcceptedAt
}

// A Sender is who writes, as far as known. Empty fields mean "brak danych".
type Sender struct {
	Name   string `json:"name"`
	Email  string `json:"email"`
	Postal string `json:"postal"`
}
