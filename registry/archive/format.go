package archive

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"time"

	"kancelaria/registry"
)

// The format on disk, version 1. Numbers are little-endian.
//
// A segment is a block that says whose it is, then groups of records. A group
// begins on a block of its own, so that writing it never touches a block with
// bytes somebody was promised; inside a group records begin at multiples of 64.
//
//	segment   0 magic  8 format  16 number  24 created  32 node  64 salt  96 SHA-256 of 0–95
//	          the same once more at 2048
//	record    0 magic  8 format  10 kind  11 flags  12 sheets  16 segment
//	         24 sequence  32 last sequence known synced  40 at
//	         48 bytes of index and sheets  56 bytes of original
//	         64 SHA-256 of the index  96 SHA-256 of the original
//	        128 node  160 name of the large file
//	        176 segment and 184 offset this is a copy of  192 its own offset
//	        240 HMAC-SHA-256 of 0–239 under the segment's salt, first 16 bytes
//	index     a line for each sheet: 0 item  16 length  20 flags  24 SHA-256 of the sheet
//	sheets    16 random bytes and the sheet, for each
//	original  unless it lies in a large file
//
// The index stands between so that one sheet can be erased and the others, and
// the seal over the headers, still hold. The random bytes go with their sheet:
// its digest, which stays, betrays nothing that could be guessed.
const (
	format = 1

	block       = 4096
	recordAlign = 64

	segmentHeaderSize = 128
	segmentHeaderCopy = 2048
	headerSize        = 256
	macSize           = 16
	indexLine         = 64
	saltSize          = 32
	sheetSalt         = 16
	maxNode           = 32

	// maxSheets bounds what a damaged count can make a reader allocate.
	maxSheets = 1 << 16
)

var (
	segmentMagic = [8]byte{'K', 'A', 'N', 'C', 'S', 'E', 'G', '\n'}
	recordMagic  = [8]byte{'K', 'A', 'N', 'C', 'R', 'E', 'C', '\n'}
)

const (
	flagLarge  = 1 << 0 // the original lies in a file of its own
	flagCopied = 1 << 1 // written once more since the disk failed under the first

	sheetSettles = 1 << 0
)

// A segmentHeader says whose segment it is and how its headers are keyed.
type segmentHeader struct {
	number  uint64
	created time.Time
	node    string
	salt    [saltSize]byte
}

// appendTo writes the whole first block.
func (h segmentHeader) appendTo(b []byte) []byte {
	var p [block]byte
	copy(p[0:], segmentMagic[:])
	binary.LittleEndian.PutUint16(p[8:], format)
	binary.LittleEndian.PutUint64(p[16:], h.number)
	binary.LittleEndian.PutUint64(p[24:], uint64(h.created.UnixMicro()))
	copy(p[32:64], h.node)
	copy(p[64:96], h.salt[:])
	sum := sha256.Sum256(p[:96])
	copy(p[96:128], sum[:])
	copy(p[segmentHeaderCopy:], p[:segmentHeaderSize])
	return append(b, p[:]...)
}

// parseSegmentHeader reads either copy. A newer format is ErrNewer, anything
// else unreadable is errNoHeader.
func parseSegmentHeader(b []byte) (segmentHeader, error) {
	newer := 0
	for _, at := range []int{0, segmentHeaderCopy} {
		if len(b) < at+segmentHeaderSize {
			continue
		}
		p := b[at : at+segmentHeaderSize]
		if !bytes.Equal(p[:8], segmentMagic[:]) {
			continue
		}
		f := binary.LittleEndian.Uint16(p[8:])
		if f > format {
			newer++
		}
		if sum := sha256.Sum256(p[:96]); !bytes.Equal(sum[:], p[96:128]) {
			continue
		}
		if f != format {
			return segmentHeader{}, fmt.Errorf("%w: format %d, this program knows %d", ErrNewer, f, format)
		}
		h := segmentHeader{
			number:  binary.LittleEndian.Uint64(p[16:]),
			created: time.UnixMicro(int64(binary.LittleEndian.Uint64(p[24:]))).UTC(),
			node:    string(bytes.TrimRight(p[32:64], "\x00")),
		}
		copy(h.salt[:], p[64:96])
		return h, nil
	}
	if newer == 2 { // a layout we can't check, but both copies say so
		return segmentHeader{}, fmt.Errorf("%w: this program knows format %d", ErrNewer, format)
	}
	return segmentHeader{}, errNoHeader
}

// A header is that of a record.
type header struct {
	kind      registry.RecordKind
	flags     byte
	sheets    uint32
	segment   uint64
	sequence  uint64
	synced    uint64 // every sequence up to this was synced when this was written
	at        time.Time
	sheetsLen int64 // index and sheets
	bodyLen   int64
	index     registry.Digest
	body      registry.Digest
	node      string
	offset    int64           // a copy of a record elsewhere, in a letter say, is none
	large     registry.ItemID // names the large file, if flagLarge
	// Where the record was before the disk failed under it, if flagCopied.
	fromSegment uint64
	fromOffset  int64
}

func (h *header) isLarge() bool { return h.flags&flagLarge != 0 }

// inline is how many bytes of the original lie in the record itself.
func (h *header) inline() int64 {
	if h.isLarge() {
		return 0
	}
	return h.bodyLen
}

// size is how many bytes the record takes, without what aligns the next.
func (h *header) size() int64 { return headerSize + h.sheetsLen + h.inline() }

// put writes the header into p, which has headerSize bytes.
func (h *header) put(p []byte, mac hash.Hash) {
	clear(p[:headerSize])
	copy(p[0:], recordMagic[:])
	binary.LittleEndian.PutUint16(p[8:], format)
	p[10], p[11] = byte(h.kind), h.flags
	binary.LittleEndian.PutUint32(p[12:], h.sheets)
	binary.LittleEndian.PutUint64(p[16:], h.segment)
	binary.LittleEndian.PutUint64(p[24:], h.sequence)
	binary.LittleEndian.PutUint64(p[32:], h.synced)
	binary.LittleEndian.PutUint64(p[40:], uint64(h.at.UnixMicro()))
	binary.LittleEndian.PutUint64(p[48:], uint64(h.sheetsLen))
	binary.LittleEndian.PutUint64(p[56:], uint64(h.bodyLen))
	copy(p[64:96], h.index[:])
	copy(p[96:128], h.body[:])
	copy(p[128:160], h.node)
	copy(p[160:176], h.large[:])
	binary.LittleEndian.PutUint64(p[176:], h.fromSegment)
	binary.LittleEndian.PutUint64(p[184:], uint64(h.fromOffset))
	binary.LittleEndian.PutUint64(p[192:], uint64(h.offset))
	mac.Reset()
	mac.Write(p[:headerSize-macSize])
	var sum [sha256.Size]byte
	copy(p[headerSize-macSize:headerSize], mac.Sum(sum[:0]))
}

// parseHeader reads a header that must belong to this offset of this segment
// and fit into room bytes. It never trusts a length before the key was checked.
func parseHeader(p []byte, mac hash.Hash, segment uint64, offset, room int64) (header, error) {
	var h header
	if len(p) < headerSize || !bytes.Equal(p[:8], recordMagic[:]) {
		return h, errNoHeader
	}
	mac.Reset()
	mac.Write(p[:headerSize-macSize])
	var sum [sha256.Size]byte
	if !hmac.Equal(mac.Sum(sum[:0])[:macSize], p[headerSize-macSize:headerSize]) {
		return h, errNoHeader
	}
	if f := binary.LittleEndian.Uint16(p[8:]); f != format {
		return h, fmt.Errorf("%w: record format %d, this program knows %d", ErrNewer, f, format)
	}
	h = header{
		kind:      registry.RecordKind(p[10]),
		flags:     p[11],
		sheets:    binary.LittleEndian.Uint32(p[12:]),
		segment:   binary.LittleEndian.Uint64(p[16:]),
		sequence:  binary.LittleEndian.Uint64(p[24:]),
		synced:    binary.LittleEndian.Uint64(p[32:]),
		at:        time.UnixMicro(int64(binary.LittleEndian.Uint64(p[40:]))).UTC(),
		sheetsLen: int64(binary.LittleEndian.Uint64(p[48:])),
		bodyLen:   int64(binary.LittleEndian.Uint64(p[56:])),
		index:     registry.Digest(p[64:96]),
		body:      registry.Digest(p[96:128]),
		node:      string(bytes.TrimRight(p[128:160], "\x00")),
		large:     registry.ItemID(p[160:176]),

		fromSegment: binary.LittleEndian.Uint64(p[176:]),
		fromOffset:  int64(binary.LittleEndian.Uint64(p[184:])),
		offset:      int64(binary.LittleEndian.Uint64(p[192:])),
	}
	switch {
	case h.segment != segment, h.offset != offset, h.sequence == 0, h.synced >= h.sequence:
		return h, errNoHeader
	case h.sheets > maxSheets, h.sheetsLen < int64(h.sheets)*indexLine, h.bodyLen < 0:
		return h, errNoHeader
	case h.sheetsLen > room || h.inline() > room || h.size() > room:
		return h, errNoHeader
	}
	return h, nil
}

// A line of the index.
type line struct {
	item   registry.ItemID
	length uint32 // of the sheet, without its random bytes
	flags  byte
	digest registry.Digest
}

func (l line) put(p []byte) {
	clear(p[:indexLine])
	copy(p[0:16], l.item[:])
	binary.LittleEndian.PutUint32(p[16:], l.length)
	p[20] = l.flags
	copy(p[24:56], l.digest[:])
}

// parseIndex reads the lines of a record and checks that they are the ones the
// header names and account for all its sheets.
func parseIndex(p []byte, h *header) ([]line, error) {
	n := int64(h.sheets) * indexLine
	if int64(len(p)) < n {
		return nil, errBadSheets
	}
	p = p[:n]
	if registry.Digest(sha256.Sum256(p)) != h.index {
		return nil, errBadSheets
	}
	lines := make([]line, h.sheets)
	total := n
	for i := range lines {
		q := p[i*indexLine : (i+1)*indexLine]
		lines[i] = line{
			item:   registry.ItemID(q[0:16]),
			length: binary.LittleEndian.Uint32(q[16:]),
			flags:  q[20],
			digest: registry.Digest(q[24:56]),
		}
		total += sheetSalt + int64(lines[i].length)
	}
	if total != h.sheetsLen {
		return nil, errBadSheets
	}
	return lines, nil
}

// newMAC gives the keyed digest for a segment's headers.
func newMAC(salt [saltSize]byte) hash.Hash { return hmac.New(sha256.New, salt[:]) }

// align rounds n up to a multiple of to, a power of two.
func align(n, to int64) int64 { return (n + to - 1) &^ (to - 1) }
