package registry

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"kancelaria/registry/ledger"
)

// Leaf encoding v1, readable for ever. A body is
//
//	0x01                         the version
//	fields, each                 tag, length, value
//
// with tags of one byte strictly ascending and lengths as unsigned varints in
// their shortest form. A field that says nothing (empty text, zero digest, no
// instant) is left out, so that each body has exactly one encoding.
//
//	tag  value
//	 1   kind: what happened                     text
//	 2   subject                                 text
//	 3   key of the draft                        text
//	 4   at: registered_at, or the event's time  instant
//	 5   actor                                   text
//	 6   on behalf of                            text
//	 7   leaf that last changed the subject      number
//	 8   salted digest of the content            32 bytes
//	 9   item id                                 16 bytes
//	10   register number                         text
//	11   accepted at                             instant
//	12   received at                             instant
//	13   received on                             text YYYY-MM-DD
//	14   digest of the original                  32 bytes
//	15   size of the original                    number
//	16   how many attachments                    number
//	17   digest of their list                    32 bytes
//	18   digest of the rules in force            32 bytes
//
// Text is UTF-8 without NUL, at most 4,096 bytes. An instant is microseconds
// since 1970 UTC; it and a number are 8 bytes, most significant first.
//
// The list of attachments is, for each that a sender would count, in order:
// ordinal from 1 (4 bytes), size (8 bytes), SHA-256 (32 bytes).
const (
	leafVersion = 1
	leafPrefix  = "kancelaria/leaf/v1\n"
	maxLeafText = 4096
	maxLeafBody = 64 << 10
)

// A LeafBody is what a leaf says: ids, times and digests only. It commits to
// the content, the JSON of a Line, which may be erased while the body stays.
type LeafBody struct {
	Kind       string
	Subject    string
	Key        string
	At         time.Time
	Actor      string
	OnBehalfOf string
	Previous   int64 // leaf that last changed the subject; -1: none
	Content    Digest

	// Of arrivals only.
	Item           ItemID
	Number         Number
	AcceptedAt     time.Time
	ReceivedAt     time.Time
	ReceivedOn     Day
	Original       Digest
	Size           int64
	Attachments    int64
	AttachmentList Digest
	Rules          Digest
}

// LeafHash gives the hash of a leaf in the ledger's tree: that of a salted
// commitment, so that the log may be shown to anybody.
func LeafHash(kind string, salt Salt, body []byte) Digest {
	inner := sha256.New()
	inner.Write(salt[:])
	inner.Write(body)
	leaf := make([]byte, 0, len(leafPrefix)+len(kind)+1+sha256.Size)
	leaf = append(leaf, leafPrefix...)
	leaf = append(leaf, kind...)
	leaf = append(leaf, 0)
	return Digest(ledger.LeafHash(inner.Sum(leaf)))
}

// ContentDigest is how a body commits to its content.
func ContentDigest(salt Salt, content []byte) Digest {
	h := sha256.New()
	h.Write(salt[:])
	h.Write(content)
	return Digest(h.Sum(nil))
}

// AttachmentListDigest digests what a receipt states about attachments: their
// ordinals, sizes and digests, never their names.
func AttachmentListDigest(attachments []Attachment) (count int64, list Digest) {
	h := sha256.New()
	var row [12]byte
	for _, a := range attachments {
		if a.Role != RoleAttachment {
			continue
		}
		count++
		binary.BigEndian.PutUint32(row[:4], uint32(count))
		binary.BigEndian.PutUint64(row[4:], uint64(a.Size))
		h.Write(row[:])
		h.Write(a.Digest[:])
	}
	return count, Digest(h.Sum(nil))
}

// Encode gives the one encoding of a body.
func (b LeafBody) Encode() []byte {
	w := leafWriter{buf: make([]byte, 1, 512)}
	w.buf[0] = leafVersion
	w.text(1, b.Kind)
	w.text(2, b.Subject)
	w.text(3, b.Key)
	w.instant(4, b.At)
	w.text(5, b.Actor)
	w.text(6, b.OnBehalfOf)
	if b.Previous >= 0 {
		w.number(7, b.Previous)
	}
	w.digest(8, b.Content)
	if !b.Item.IsZero() {
		w.field(9, b.Item[:])
	}
	w.text(10, b.Number.String())
	w.instant(11, b.AcceptedAt)
	w.instant(12, b.ReceivedAt)
	w.text(13, b.ReceivedOn.String())
	w.digest(14, b.Original)
	if !b.Original.IsZero() {
		w.number(15, b.Size)
		w.number(16, b.Attachments)
	}
	w.digest(17, b.AttachmentList)
	w.digest(18, b.Rules)
	return w.buf
}

type leafWriter struct{ buf []byte }

func (w *leafWriter) field(tag byte, value []byte) {
	w.buf = append(w.buf, tag)
	w.buf = binary.AppendUvarint(w.buf, uint64(len(value)))
	w.buf = append(w.buf, value...)
}

// text writes what fits; Apply has refused what does not.
func (w *leafWriter) text(tag byte, s string) {
	if s != "" {
		w.field(tag, []byte(s))
	}
}

func (w *leafWriter) number(tag byte, n int64) {
	w.field(tag, binary.BigEndian.AppendUint64(nil, uint64(n)))
}

func (w *leafWriter) instant(tag byte, t time.Time) {
	if !t.IsZero() {
		w.number(tag, t.UnixMicro())
	}
}

func (w *leafWriter) digest(tag byte, d Digest) {
	if !d.IsZero() {
		w.field(tag, d[:])
	}
}

var errLeaf = errors.New("not the body of a leaf")

// DecodeLeaf reads a body and refuses whatever Encode would not have written.
func DecodeLeaf(body []byte) (LeafBody, error) {
	b := LeafBody{Previous: -1}
	if len(body) == 0 || len(body) > maxLeafBody || body[0] != leafVersion {
		return LeafBody{}, fmt.Errorf("%w of version %d", errLeaf, leafVersion)
	}
	rest, last := body[1:], byte(0)
	for len(rest) > 0 {
		tag := rest[0]
		size, n := binary.Uvarint(rest[1:])
		if tag <= last || n <= 0 || size > uint64(len(rest)-1-n) {
			return LeafBody{}, fmt.Errorf("%w: field %d after field %d", errLeaf, tag, last)
		}
		value := rest[1+n : 1+n+int(size)]
		if err := b.read(tag, value); err != nil {
			return LeafBody{}, fmt.Errorf("%w: field %d: %w", errLeaf, tag, err)
		}
		rest, last = rest[1+n+int(size):], tag
	}
	if !bytes.Equal(b.Encode(), body) {
		return LeafBody{}, fmt.Errorf("%w in its one encoding", errLeaf)
	}
	return b, nil
}

// read takes one field; what is out of form is found when encoding again.
func (b *LeafBody) read(tag byte, value []byte) (err error) {
	switch tag {
	case 1:
		b.Kind, err = leafText(value)
	case 2:
		b.Subject, err = leafText(value)
	case 3:
		b.Key, err = leafText(value)
	case 4:
		b.At, err = leafInstant(value)
	case 5:
		b.Actor, err = leafText(value)
	case 6:
		b.OnBehalfOf, err = leafText(value)
	case 7:
		b.Previous, err = leafNumber(value)
	case 8:
		err = leafBytes(b.Content[:], value)
	case 9:
		err = leafBytes(b.Item[:], value)
	case 10:
		err = b.Number.UnmarshalText(value)
	case 11:
		b.AcceptedAt, err = leafInstant(value)
	case 12:
		b.ReceivedAt, err = leafInstant(value)
	case 13:
		err = b.ReceivedOn.UnmarshalText(value)
	case 14:
		err = leafBytes(b.Original[:], value)
	case 15:
		b.Size, err = leafNumber(value)
	case 16:
		b.Attachments, err = leafNumber(value)
	case 17:
		err = leafBytes(b.AttachmentList[:], value)
	case 18:
		err = leafBytes(b.Rules[:], value)
	default:
		err = errors.New("unknown")
	}
	return err
}

func leafText(value []byte) (string, error) {
	if len(value) > maxLeafText || !utf8.Valid(value) || bytes.IndexByte(value, 0) >= 0 {
		return "", errors.New("not a text")
	}
	return string(value), nil
}

func leafNumber(value []byte) (int64, error) {
	if len(value) != 8 {
		return 0, errors.New("not 8 bytes")
	}
	return int64(binary.BigEndian.Uint64(value)), nil
}

func leafInstant(value []byte) (time.Time, error) {
	n, err := leafNumber(value)
	return time.UnixMicro(n).UTC(), err
}

func leafBytes(to, value []byte) error {
	if len(value) != len(to) {
		return fmt.Errorf("not %d bytes", len(to))
	}
	copy(to, value)
	return nil
}

// Encode gives the content of the line's leaf: the bytes it was read from, or
// else its JSON.
func (l Line) Encode() ([]byte, error) {
	if len(l.Content) > 0 {
		return l.Content, nil
	}
	return json.Marshal(l)
}

// ParseLine reads the content of a leaf and keeps its bytes, which the line
// then owns.
func ParseLine(content []byte) (Line, error) {
	var l Line
	if err := json.Unmarshal(content, &l); err != nil {
		return Line{}, fmt.Errorf("reading a line of the book: %w", err)
	}
	l.Content = content
	return l, nil
}

// LineOf gives the line a leaf was written for. Of an erased one only what the
// body says comes back: enough to answer a repeated key.
func LineOf(row LeafRow) (Line, error) {
	if len(row.Content) > 0 {
		return ParseLine(row.Content)
	}
	b, err := DecodeLeaf(row.Body)
	if err != nil {
		return Line{}, fmt.Errorf("leaf %d: %w", row.Index, err)
	}
	l := Line{
		Draft:   Draft{Key: b.Key, At: b.At, Salt: row.Salt, Actor: b.Actor, OnBehalfOf: b.OnBehalfOf},
		Outcome: Outcome{Key: b.Key, State: Written, Number: b.Number, At: b.At, Leaf: row.Index},
	}
	if b.Item.IsZero() {
		l.Draft.Act = &Act{Kind: ActKind(b.Kind), Subject: b.Subject}
		return l, nil
	}
	l.Outcome.Disposition = Disposition(b.Kind)
	l.Draft.Arrival = &Arrival{
		Item:        Item{ID: b.Item, AcceptedAt: b.AcceptedAt, Original: Original{Digest: b.Original, Size: b.Size}},
		Disposition: Disposition(b.Kind),
		ReceivedAt:  b.ReceivedAt,
		ReceivedOn:  b.ReceivedOn,
	}
	return l, nil
}

// clean makes a text fit for columns and leaves: valid UTF-8 without NUL. What
// readers hand over is so already; what people type may not be. Each bad byte
// becomes one mark, as in JSON, so that a replayed line gives the same text.
func clean(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(string([]rune(s)), "\x00", "")
}

// cleanAll cleans a list; an empty one is none, as after reading it from JSON.
func cleanAll[S ~string](list []S) []S {
	if len(list) == 0 {
		return nil
	}
	for i, s := range list {
		if clean(string(s)) == string(s) {
			continue
		}
		out := append([]S(nil), list...)
		for j := i; j < len(out); j++ {
			out[j] = S(clean(string(out[j])))
		}
		return out
	}
	return list
}
