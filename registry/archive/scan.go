package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"

	"kancelaria/registry"
)

// A segmentFile is one as listed.
type segmentFile struct {
	number uint64
	name   string
	size   int64
	sealed bool // read-only: it was cut to its length
}

// list gives a node's segments in order.
func (a *Archive) list(node string) ([]segmentFile, error) {
	infos, err := a.fs.ReadDir(node)
	if err != nil {
		return nil, err
	}
	var out []segmentFile
	for _, info := range infos {
		if n, ok := segmentNumber(info.Name()); ok && info.Mode().IsRegular() {
			out = append(out, segmentFile{
				number: n, name: node + "/" + info.Name(), size: info.Size(),
				sealed: info.Mode().Perm()&0o222 == 0,
			})
		}
	}
	slices.SortFunc(out, func(x, y segmentFile) int {
		if x.number < y.number {
			return -1
		}
		return 1
	})
	return out, nil
}

// A segment is open for reading.
type segment struct {
	file   File
	name   string
	node   string
	number uint64
	header segmentHeader
	mac    hash.Hash
	end    int64 // nothing beyond belongs to the archive
	// Both copies of the header are lost; the next segment had the salt.
	headless bool
	ahead    *scanner // has read some of it already
}

func (s *segment) Close() error { return s.file.Close() }

// openSegment opens a segment and finds out how far it goes.
func (a *Archive) openSegment(node string, number uint64) (*segment, error) {
	name := a.segmentName(node, number)
	f, err := a.fs.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	s := &segment{file: f, name: name, node: node, number: number}
	if err := a.readFirst(s); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

// readFirst reads the header of a segment, or learns its salt from the next
// one, and its length.
func (a *Archive) readFirst(s *segment) error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.end = info.Size()
	if h := a.live.Load(); h != nil && s.node == a.node && h.segment == s.number {
		s.end = h.end
		return s.readHeader()
	}
	err = s.readHeader()
	sealed := info.Mode().Perm()&0o222 == 0
	if err == nil && sealed || err != nil && !errors.Is(err, errNoHeader) {
		return err
	}
	next, err2 := a.opening(s.node, s.number+1)
	if err2 == nil && next.Segment == s.number {
		s.end = min(s.end, next.Length)
		if err != nil && next.Salt != (registry.Salt{}) {
			s.header = segmentHeader{number: s.number, node: s.node, salt: next.Salt}
			s.mac, s.headless, err = newMAC(next.Salt), true, nil
		}
	}
	return err
}

func (s *segment) readHeader() error {
	var first [block]byte
	n, err := readFull(s.file, first[:], 0)
	if err != nil {
		return err
	}
	h, err := parseSegmentHeader(first[:n])
	if err != nil {
		return err
	}
	if h.number != s.number || h.node != s.node {
		return fmt.Errorf("%w: it is that of %.40q, segment %d", errNoHeader, h.node, h.number)
	}
	s.header, s.mac = h, newMAC(h.salt)
	return nil
}

// opening reads what the first record of a segment says of the one before.
func (a *Archive) opening(node string, number uint64) (opening, error) {
	f, err := a.fs.OpenFile(a.segmentName(node, number), os.O_RDONLY, 0)
	if err != nil {
		return opening{}, err
	}
	s := &segment{file: f, node: node, number: number}
	defer s.Close()
	if err := s.readHeader(); err != nil {
		return opening{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return opening{}, err
	}
	s.end = info.Size()
	h, err := s.headerAt(block)
	if err != nil {
		return opening{}, err
	}
	return s.readOpening(block, &h)
}

func (s *segment) readOpening(off int64, h *header) (opening, error) {
	var o opening
	if h.kind != registry.RecordOpened || h.sheets != 1 || h.sheetsLen > block {
		return o, errNoHeader
	}
	lines, err := s.lines(off, h)
	if err != nil {
		return o, err
	}
	sheet, err := s.sheet(off, h, lines, 0)
	if err != nil {
		return o, err
	}
	err = json.Unmarshal(sheet, &o)
	return o, err
}

// headerAt reads the header of the record at off.
func (s *segment) headerAt(off int64) (header, error) {
	var p [headerSize]byte
	n, err := readFull(s.file, p[:], off)
	if err != nil {
		return header{}, err
	}
	return parseHeader(p[:n], s.mac, s.number, off, s.end-off)
}

// lines reads and checks the index of a record.
func (s *segment) lines(off int64, h *header) ([]line, error) {
	size := int(h.sheets) * indexLine
	if p := s.ahead.has(off+headerSize, size); p != nil {
		return parseIndex(p, h)
	}
	p := make([]byte, size)
	n, err := readFull(s.file, p, off+headerSize)
	if err != nil {
		return nil, err
	}
	return parseIndex(p[:n], h)
}

// sheetSpan is where sheet i lies, with its random bytes.
func sheetSpan(off int64, lines []line, i int) (at, n int64) {
	at = off + headerSize + int64(len(lines))*indexLine
	for _, l := range lines[:i] {
		at += sheetSalt + int64(l.length)
	}
	return at, sheetSalt + int64(lines[i].length)
}

// bodyOffset is where the original begins, if it is in the record.
func (h *header) bodyOffset(off int64) int64 { return off + headerSize + h.sheetsLen }

// sheet reads and checks one sheet.
func (s *segment) sheet(off int64, h *header, lines []line, i int) ([]byte, error) {
	at, n := sheetSpan(off, lines, i)
	p := make([]byte, n)
	k, err := readFull(s.file, p, at)
	if err != nil {
		return nil, err
	}
	if registry.Digest(sha256.Sum256(p[:k])) != lines[i].digest {
		if isZero(p[:k]) {
			return nil, errZeros
		}
		return nil, errBadSheets
	}
	return p[sheetSalt:], nil
}

// errZeros: only zeros where bytes should be; lawful if a tombstone names them.
var errZeros = errors.New("nothing but zeros")

// A scanner walks the valid headers of a segment. What is not valid is passed
// over: a hole shows as sequences that are lacking.
type scanner struct {
	s     *segment
	pos   int64
	buf   []byte
	at    int64 // of buf
	dirty bool  // bytes other than zeros were passed over since the last header
}

func newScanner(s *segment, from int64) *scanner {
	sc := &scanner{s: s, pos: max(align(from, recordAlign), block)}
	s.ahead = sc
	return sc
}

// has gives size bytes from off on if they were read already.
func (sc *scanner) has(off int64, size int) []byte {
	if sc == nil || off < sc.at || off+int64(size) > sc.at+int64(len(sc.buf)) {
		return nil
	}
	return sc.buf[off-sc.at:][:size]
}

// next gives the next valid header, or io.EOF. ErrNewer is not passed over.
func (sc *scanner) next() (int64, header, error) {
	sc.dirty = false
	for sc.pos+headerSize <= sc.s.end {
		p, err := sc.peek(sc.pos)
		if err != nil {
			return 0, header{}, err
		}
		if len(p) < headerSize {
			break
		}
		h, err := parseHeader(p, sc.s.mac, sc.s.number, sc.pos, sc.s.end-sc.pos)
		if err == nil {
			off := sc.pos
			sc.pos += align(h.size(), recordAlign)
			return off, h, nil
		}
		if !errors.Is(err, errNoHeader) {
			return 0, header{}, err
		}
		sc.skip(p)
	}
	return 0, header{}, io.EOF
}

// skip goes on to where the magic could begin next.
func (sc *scanner) skip(p []byte) {
	if !isZero(p[:recordAlign]) {
		sc.dirty = true
	}
	sc.pos += recordAlign
	for q := p[recordAlign:]; len(q) >= headerSize && !bytes.Equal(q[:8], recordMagic[:]); q = q[recordAlign:] {
		if !sc.dirty && !isZero(q[:recordAlign]) {
			sc.dirty = true
		}
		sc.pos += recordAlign
	}
}

// One read of a window is cheaper than several of a block, as long as it does
// not bring in much that is passed over.
const (
	scanWindow = 64 << 10
	scanNear   = 16 << 10
)

// peek gives what is buffered from off on, at least a header unless the file
// ends.
func (sc *scanner) peek(off int64) ([]byte, error) {
	size := int64(block)
	if end := sc.at + int64(len(sc.buf)); off >= sc.at && off+headerSize <= end {
		return sc.buf[off-sc.at:], nil
	} else if off < end+scanNear {
		size = scanWindow
	}
	size = min(size, sc.s.end-off)
	if int64(cap(sc.buf)) < size {
		sc.buf = make([]byte, size, scanWindow)
	}
	sc.buf = sc.buf[:size]
	n, err := readFull(sc.s.file, sc.buf, off)
	sc.buf, sc.at = sc.buf[:n], off
	return sc.buf, err
}

// readFull reads up to len(p) bytes; the end of the file is no error.
func readFull(r io.ReaderAt, p []byte, off int64) (int, error) {
	n, err := r.ReadAt(p, off)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func isZero(p []byte) bool {
	for len(p) > len(zeros) {
		if !bytes.Equal(p[:len(zeros)], zeros[:]) {
			return false
		}
		p = p[len(zeros):]
	}
	return bytes.Equal(p, zeros[:len(p)])
}

var zeros [256 << 10]byte // never written to
