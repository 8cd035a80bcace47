package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"kancelaria/registry"
)

// A Damage is something promised that can't be read any more. It is noted in a
// file of its own under damaged/, for people to see; nothing is deleted. When
// they have dealt with it they move the note away.
type Damage struct {
	Segment uint64         `json:"segment"`
	To      uint64         `json:"to,omitempty"` // last of several missing segments
	Offset  int64          `json:"offset,omitempty"`
	Length  int64          `json:"length,omitempty"`
	First   uint64         `json:"first,omitempty"` // sequences that are lacking
	Last    uint64         `json:"last,omitempty"`
	Place   registry.Place `json:"place,omitempty"` // of the record, if its header is whole
	What    string         `json:"what"`            // missing, header, hole, record, sheet, original
	Text    string         `json:"text"`
	Found   time.Time      `json:"found"`
}

// file is the note's name: the same damage has the same note.
func (d Damage) file() string {
	return fmt.Sprintf("%08d-%012d-%s.json", d.Segment, d.Offset, d.What)
}

func hole(segment uint64, from, to int64, first, last uint64) Damage {
	return Damage{
		Segment: segment, Offset: from, Length: to - from, First: first, Last: last, What: "hole",
		Text: fmt.Sprintf("segment %d: records %d to %d, which were promised, can't be read (bytes %d to %d)",
			segment, first, last, from, to),
	}
}

func damagedRecord(node string, off int64, h *header) Damage {
	p := place{node: node, segment: h.segment, offset: off}
	return Damage{
		Segment: h.segment, Offset: off, Length: h.size(), First: h.sequence, Last: h.sequence,
		Place: p.public(), What: "record",
		Text: fmt.Sprintf("record %d at %s differs from its digest", h.sequence, p),
	}
}

// damages are the notes under damaged/.
type damages struct {
	a    *Archive
	mu   sync.Mutex
	list []Damage
}

const maxDamageNote = 64 << 10

func (d *damages) load() error {
	dir := d.a.node + "/" + damagedDir
	infos, err := d.a.fs.ReadDir(dir)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = nil
	for _, info := range infos {
		if !strings.HasSuffix(info.Name(), ".json") {
			continue
		}
		note := Damage{What: "note", Text: "a note on damage that can't be read: " + info.Name()}
		if b, err := readSmall(d.a.fs, dir+"/"+info.Name(), maxDamageNote); err == nil {
			_ = json.Unmarshal(b, &note) // else the text above stands
		}
		d.list = append(d.list, note)
	}
	return nil
}

// add notes a damage, once.
func (d *damages) add(n Damage) error {
	if d.a.opt.ReadOnly {
		return nil
	}
	n.Found = d.a.now().UTC()
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.ContainsFunc(d.list, func(o Damage) bool { return o.file() == n.file() }) {
		return nil
	}
	d.list = append(d.list, n)
	d.a.log.Error("archive.damaged", "segment", n.Segment, "offset", n.Offset, "what", n.What)
	b, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return err
	}
	return d.a.writeSmall(d.a.node+"/"+damagedDir, n.file(), append(b, '\n'))
}

// Damage lists what is noted as damaged.
func (a *Archive) Damage() []Damage {
	a.damage.mu.Lock()
	defer a.damage.mu.Unlock()
	return slices.Clone(a.damage.list)
}

// keepTail copies what lies behind a cut to tails/, unless it is only zeros.
func (a *Archive) keepTail(s *segment, cut int64) error {
	end, err := lastByte(s.file, cut, s.end)
	if err != nil || end <= cut {
		return err
	}
	name := fmt.Sprintf("%08d-%012d.tail", s.number, cut)
	dir := a.node + "/" + tailsDir
	a.log.Warn("archive.tail_kept", "segment", s.number, "offset", cut, "bytes", end-cut, "file", name)
	f, err := a.fs.OpenFile(dir+"/"+name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) { // of a start that was cut short, or of an earlier segment of that number
		name = fmt.Sprintf("%08d-%012d-%d.tail", s.number, cut, a.now().UnixNano())
		f, err = a.fs.OpenFile(dir+"/"+name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := copyAt(f, s.file, cut, end-cut); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return a.fs.SyncDir(dir)
}

// copyAt copies n bytes of src from off on to the beginning of dst.
func copyAt(dst io.WriterAt, src io.ReaderAt, off, n int64) error {
	buf := make([]byte, min(n, 1<<20))
	for at := int64(0); at < n; {
		k, err := readFull(src, buf[:min(n-at, int64(len(buf)))], off+at)
		if err != nil {
			return err
		}
		if k == 0 {
			return nil
		}
		if _, err := dst.WriteAt(buf[:k], at); err != nil {
			return err
		}
		at += int64(k)
	}
	return nil
}

// lastByte finds where the last byte that is not zero ends, in from ≤ x < to.
func lastByte(r io.ReaderAt, from, to int64) (int64, error) {
	buf := make([]byte, min(max(to-from, 0), 1<<20))
	for to > from {
		n := min(int64(len(buf)), to-from)
		k, err := readFull(r, buf[:n], to-n)
		if err != nil {
			return 0, err
		}
		for i := k - 1; i >= 0; i-- {
			if buf[i] != 0 {
				return to - n + int64(i) + 1, nil
			}
		}
		to -= n
	}
	return from, nil
}

// writeSmall writes a small file under a name that is not taken, durably.
func (a *Archive) writeSmall(dir, name string, b []byte) error {
	f, err := a.fs.OpenFile(dir+"/"+name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt(b, 0); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return a.fs.SyncDir(dir)
}

// readSmall reads a whole file of at most limit bytes.
func readSmall(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s: more than %d bytes", name, limit)
	}
	return b, err
}
