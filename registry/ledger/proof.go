package ledger

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// A HashReader reads stored hashes by their places (see Node).
type HashReader func(places []int64) ([]Hash, error)

// ReadHashes implements tlog.HashReader.
func (r HashReader) ReadHashes(places []int64) ([]tlog.Hash, error) {
	if len(places) == 0 {
		return nil, nil
	}
	hashes, err := r(places)
	if err != nil {
		return nil, err
	}
	if len(hashes) != len(places) {
		return nil, fmt.Errorf("%d stored hashes where %d were asked for", len(hashes), len(places))
	}
	out := make([]tlog.Hash, len(hashes))
	for i, h := range hashes {
		out[i] = tlog.Hash(h)
	}
	return out, nil
}

// Root computes the root of the tree of the first size leaves.
func Root(size int64, read HashReader) (Hash, error) {
	if size == 0 {
		return EmptyRoot(), nil
	}
	root, err := tlog.TreeHash(size, read)
	if err != nil {
		return Hash{}, fmt.Errorf("computing the root of %d leaves: %w", size, err)
	}
	return Hash(root), nil
}

// Inclusion proves that the leaf at index is in the tree of size leaves
// (RFC 6962 § 2.1.1).
func Inclusion(size, index int64, read HashReader) ([]Hash, error) {
	if index < 0 || index >= size {
		return nil, fmt.Errorf("no leaf %d in a tree of %d", index, size)
	}
	p, err := tlog.ProveRecord(size, index, read)
	if err != nil {
		return nil, fmt.Errorf("proving leaf %d in %d: %w", index, size, err)
	}
	return fromTlog(p), nil
}

// CheckInclusion checks what Inclusion proved.
func CheckInclusion(proof []Hash, size int64, root Hash, index int64, leaf Hash) error {
	if index < 0 || index >= size || tlog.CheckRecord(toTlog(proof), size, tlog.Hash(root), index, tlog.Hash(leaf)) != nil {
		return fmt.Errorf("leaf %d is not in the tree of %d leaves with that root", index, size)
	}
	return nil
}

// Consistency proves that the tree of older leaves is the beginning of the
// tree of size leaves (RFC 6962 § 2.1.2).
func Consistency(older, size int64, read HashReader) ([]Hash, error) {
	switch {
	case older < 0 || older > size:
		return nil, fmt.Errorf("a tree of %d leaves is not the beginning of one of %d", older, size)
	case older == 0 || older == size:
		return nil, nil
	}
	p, err := tlog.ProveTree(size, older, read)
	if err != nil {
		return nil, fmt.Errorf("proving that %d leaves begin %d: %w", older, size, err)
	}
	return fromTlog(p), nil
}

// CheckConsistency checks what Consistency proved.
func CheckConsistency(proof []Hash, older int64, olderRoot Hash, size int64, root Hash) error {
	bad := fmt.Errorf("the tree of %d leaves does not begin with that of %d", size, older)
	switch {
	case older < 0 || older > size:
		return bad
	case older == 0:
		if len(proof) != 0 || olderRoot != EmptyRoot() {
			return bad
		}
		return nil
	case older == size:
		if len(proof) != 0 || olderRoot != root {
			return bad
		}
		return nil
	}
	if tlog.CheckTree(toTlog(proof), size, tlog.Hash(root), older, tlog.Hash(olderRoot)) != nil {
		return bad
	}
	return nil
}

func fromTlog(p []tlog.Hash) []Hash {
	out := make([]Hash, len(p))
	for i, h := range p {
		out[i] = Hash(h)
	}
	return out
}

func toTlog(p []Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(p))
	for i, h := range p {
		out[i] = tlog.Hash(h)
	}
	return out
}

// A Proof shows offline that a leaf is in a log: C2SP tlog-proof.
type Proof struct {
	// Extra is what the leaf is made of. Nothing signs it; whoever checks
	// computes the leaf from it.
	Extra      []byte
	Index      int64
	Hashes     []Hash
	Checkpoint []byte // the signed head
}

// The first line of a proof, and what one may hold: a path in a tree of 2^63
// leaves, extra data of a leaf, a head with its witnesses.
const (
	proofHeader = "c2sp.org/tlog-proof@v1"
	maxPath     = 63
	maxProof    = 2*maxNote + 64<<10
)

// String gives the text of the proof.
func (p Proof) String() string {
	var b strings.Builder
	b.WriteString(proofHeader + "\n")
	if len(p.Extra) > 0 {
		b.WriteString("extra " + base64.StdEncoding.EncodeToString(p.Extra) + "\n")
	}
	fmt.Fprintf(&b, "index %d\n", p.Index)
	for _, h := range p.Hashes {
		b.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	b.WriteString("\n")
	b.Write(p.Checkpoint)
	return b.String()
}

// ParseProof reads a proof. It says nothing yet about its truth.
func ParseProof(text []byte) (Proof, error) {
	if len(text) > maxProof {
		return Proof{}, errors.New("too large to be a proof")
	}
	head, checkpoint, found := bytes.Cut(text, []byte("\n\n"))
	if !found {
		return Proof{}, errors.New("not a proof: no empty line before the signed head")
	}
	lines := strings.Split(string(head), "\n")
	if lines[0] != proofHeader {
		return Proof{}, fmt.Errorf("not a proof: it does not begin with %s", proofHeader)
	}
	p, lines := Proof{Checkpoint: checkpoint}, lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		extra, err := base64.StdEncoding.Strict().DecodeString(lines[0][len("extra "):])
		if err != nil || len(extra) == 0 || strings.ContainsRune(lines[0], '\r') {
			return Proof{}, errors.New("not a proof: its extra data is not base64")
		}
		p.Extra, lines = extra, lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return Proof{}, errors.New("not a proof: no index")
	}
	digits := lines[0][len("index "):]
	index, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || index < 0 || strconv.FormatInt(index, 10) != digits {
		return Proof{}, fmt.Errorf("not a proof: %.40q is no index", digits)
	}
	p.Index = index
	if len(lines)-1 > maxPath {
		return Proof{}, fmt.Errorf("not a proof: a path has at most %d hashes", maxPath)
	}
	for _, line := range lines[1:] {
		h, err := parseHash(line)
		if err != nil {
			return Proof{}, fmt.Errorf("not a proof: %w", err)
		}
		p.Hashes = append(p.Hashes, h)
	}
	return p, nil
}

// Verify checks, offline, that leaf stands at the proof's index in a log whose
// head one of the public keys has signed, and gives that head.
func (p Proof) Verify(leaf Hash, publics ...string) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, publics...)
	if err != nil {
		return Checkpoint{}, err
	}
	if err := CheckInclusion(p.Hashes, c.Size, c.Root, p.Index, leaf); err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}

// EdgeAt reads the right edge of the tree of the first size leaves.
func EdgeAt(size int64, read HashReader) (Edge, error) {
	e := Edge{Size: size}
	var places []int64
	for level, begun := 62, int64(0); level >= 0; level-- {
		if size&(1<<level) != 0 {
			places = append(places, tlog.StoredHashIndex(level, begun>>level))
			begun += 1 << level
		}
	}
	hashes, err := read.ReadHashes(places)
	if err != nil {
		return Edge{}, fmt.Errorf("reading the edge of %d leaves: %w", size, err)
	}
	e.Roots = fromTlog(hashes)
	return e, nil
}

// LeafPlace is where the hash of a leaf is stored.
func LeafPlace(index int64) int64 { return tlog.StoredHashIndex(0, index) }
