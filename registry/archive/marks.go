package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"kancelaria/registry"
)

// A Tombstone says what was lawfully erased. It stays for ever, and its leaf in
// the ledger says the same.
type Tombstone struct {
	Item   registry.ItemID  `json:"item"`
	Reason Reason           `json:"reason"`
	Event  string           `json:"event"` // key of the draft that ordered it
	Leaf   int64            `json:"leaf"`
	Places []registry.Place `json:"places"`           // records that lost the item's sheets
	Bodies []registry.Place `json:"bodies,omitempty"` // those of them that lost their original
}

// A Move says that an original lies in the second home now.
type Move struct {
	Place   registry.Place `json:"place"`
	Locator string         `json:"locator"`
}

// marks is what later records say of earlier ones: an index, made when first
// asked for by walking the journal, and kept between starts as far as it came.
type marks struct {
	a *Archive

	mu      sync.Mutex
	loaded  bool
	upTo    registry.Place // the walk goes on here
	saved   int            // marks in the file
	savedTo uint64         // segment the file goes up to
	m       map[markKey]string
}

// A markKey names what is gone: the sheet of an item in a record, or with no
// item the original of the record. The value is empty if it was erased, else
// "moved:" and the locator.
type markKey struct {
	Place registry.Place  `json:"p"`
	Item  registry.ItemID `json:"i"`
	Copy  bool            `json:"c,omitempty"` // value is the place of a copy
}

const movedTo = "moved:"

// gone reports whether a tombstone names the item's sheet at p or, for no item,
// the original there.
func (m *marks) gone(ctx context.Context, p place, item registry.ItemID) (bool, error) {
	v, ok, err := m.lookup(ctx, markKey{Place: p.public(), Item: item})
	return ok && v == "", err
}

// moved gives the locator of an original that is in the second home.
func (m *marks) moved(ctx context.Context, p place) (locator string, ok bool, err error) {
	v, _, err := m.lookup(ctx, markKey{Place: p.public()})
	locator, ok = strings.CutPrefix(v, movedTo)
	return locator, ok, err
}

// copyOf gives where a record was written once more after a failed sync.
func (m *marks) copyOf(ctx context.Context, p registry.Place) (registry.Place, bool, error) {
	v, ok, err := m.lookup(ctx, markKey{Place: p, Copy: true})
	return registry.Place(v), ok, err
}

func (m *marks) lookup(ctx context.Context, k markKey) (string, bool, error) {
	if err := m.update(ctx); err != nil {
		return "", false, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.m[k]
	return v, ok, nil
}

// update walks what was appended since the last time.
func (m *marks) update(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.loaded {
		if err := m.load(); err != nil {
			return err
		}
		if err := m.walkOthers(ctx); err != nil {
			return err
		}
		m.loaded = true
	}
	if err := m.walk(ctx, m.a.node, m.upTo); err != nil {
		return err
	}
	if !m.a.opt.ReadOnly && (len(m.m) > m.saved+1000 || m.farFromSaved()) {
		return m.save()
	}
	return nil
}

// farFromSaved reports whether a start would have to walk many segments again.
func (m *marks) farFromSaved() bool {
	now, err := parsePlace(m.upTo)
	return err == nil && now.segment > m.savedTo+16
}

// walkOthers reads the journals of nodes whose folders were adopted.
func (m *marks) walkOthers(ctx context.Context) error {
	nodes, err := m.a.Nodes()
	if err != nil {
		return err
	}
	for _, node := range nodes {
		if node == m.a.node {
			continue
		}
		if err := m.walk(ctx, node, ""); err != nil {
			return err
		}
	}
	return nil
}

func (m *marks) walk(ctx context.Context, node string, from registry.Place) error {
	start := place{node: node, segment: 1, offset: block}
	if from != "" {
		var err error
		if start, err = parsePlace(from); err != nil {
			return err
		}
	}
	segs, err := m.a.list(node)
	if err != nil {
		return err
	}
	for _, sf := range segs {
		if sf.number < start.segment {
			continue
		}
		off := int64(block)
		if sf.number == start.segment {
			off = start.offset
		}
		var bad error
		err := m.a.eachRecord(ctx, node, sf.number, off, func(s *segment, off int64, h *header) bool {
			bad = m.learn(s, off, h)
			if node == m.a.node {
				m.upTo = place{node, sf.number, off}.public()
			}
			return bad == nil
		})
		if err != nil || bad != nil {
			return fmt.Errorf("reading tombstones: %w", firstOf(err, bad))
		}
	}
	return nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// learn takes in one record. One that can't be read was noted as damage by
// whoever reads records; what it named then shows as damage too.
func (m *marks) learn(s *segment, off int64, h *header) error {
	if h.flags&flagCopied != 0 {
		from := place{node: s.node, segment: h.fromSegment, offset: h.fromOffset}
		m.m[markKey{Place: from.public(), Copy: true}] = place{s.node, s.number, off}.String()
	}
	if h.kind != registry.RecordTombstone && h.kind != registry.RecordMoved {
		return nil
	}
	lines, err := s.lines(off, h)
	for i := range lines {
		var b []byte
		if b, err = s.sheet(off, h, lines, i); err != nil {
			break
		}
		if h.kind == registry.RecordMoved {
			err = m.learnMove(b)
		} else {
			err = m.learnTombstone(b)
		}
	}
	if isBadContent(err) {
		return nil
	}
	return err
}

func (m *marks) learnTombstone(b []byte) error {
	var t Tombstone
	if err := json.Unmarshal(b, &t); err != nil {
		return fmt.Errorf("a tombstone: %w", err)
	}
	for _, p := range t.Places {
		m.m[markKey{Place: p, Item: t.Item}] = ""
	}
	for _, p := range t.Bodies {
		m.m[markKey{Place: p}] = ""
	}
	return nil
}

func (m *marks) learnMove(b []byte) error {
	var mv Move
	if err := json.Unmarshal(b, &mv); err != nil {
		return fmt.Errorf("a moved record: %w", err)
	}
	k := markKey{Place: mv.Place}
	if v, ok := m.m[k]; !ok || v != "" { // erased stays erased
		m.m[k] = movedTo + mv.Locator
	}
	return nil
}

// A savedMarks is the index as kept between starts.
type savedMarks struct {
	UpTo  registry.Place `json:"up_to"`
	Marks []savedMark    `json:"marks"`
}

type savedMark struct {
	markKey
	Value string `json:"v,omitempty"`
}

const marksName = "marks"

func (m *marks) load() error {
	m.m = make(map[markKey]string)
	b, err := m.a.Kept(marksName)
	if err != nil {
		return err
	}
	var s savedMarks
	if b == nil || json.Unmarshal(b, &s) != nil {
		return nil // walk from the beginning
	}
	for _, k := range s.Marks {
		m.m[k.markKey] = k.Value
	}
	m.upTo, m.saved = s.UpTo, len(s.Marks)
	if p, err := parsePlace(s.UpTo); err == nil {
		m.savedTo = p.segment
	}
	return nil
}

func (m *marks) save() error {
	s := savedMarks{UpTo: m.upTo, Marks: make([]savedMark, 0, len(m.m))}
	for k, v := range m.m {
		s.Marks = append(s.Marks, savedMark{k, v})
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	m.saved = len(s.Marks)
	if p, err := parsePlace(m.upTo); err == nil {
		m.savedTo = p.segment
	}
	return m.a.Keep(marksName, b)
}
