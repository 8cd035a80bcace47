// Package storetest is the one exam that every store of the book must pass,
// and a book in memory: the model the others are compared with, and the store
// of tests that need one but not its disk.
package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"kancelaria/registry"
)

// A Memory is a book in memory. It forgets all when the process ends.
type Memory struct {
	now func() time.Time

	mu          sync.Mutex
	book        *registry.State // every row there is
	leaves      []registry.LeafRow
	keys        map[string]int64  // of leaves
	born        []registry.Number // entries in order of registration
	nodes       map[int64]registry.Digest
	outbox      map[string]registry.OutboxRow
	notes       map[[2]string]registry.Note
	access      []registry.Note
	checkpoints []registry.Checkpoint
	leases      map[string]registry.Lease
	texts       map[registry.Number][]string
}

var _ registry.Store = (*Memory)(nil)

// NewMemory makes an empty book whose ledger is named origin; now is for notes
// and leases, and time.Now if it is nil.
func NewMemory(origin string, now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	return &Memory{
		now:    now,
		book:   registry.NewState(registry.Head{Origin: origin}),
		keys:   map[string]int64{},
		nodes:  map[int64]registry.Digest{},
		outbox: map[string]registry.OutboxRow{},
		notes:  map[[2]string]registry.Note{},
		leases: map[string]registry.Lease{},
		texts:  map[registry.Number][]string{},
	}
}

// Commit implements registry.Store.
func (m *Memory) Commit(ctx context.Context, drafts []registry.Draft) ([]registry.Outcome, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", registry.ErrRetry, err)
	}
	st, err := m.load(func(st *registry.State) registry.Wants { return st.Missing(drafts) })
	if err != nil {
		return nil, err
	}
	w, outcomes, err := registry.Apply(st, drafts)
	if err != nil {
		return nil, err
	}
	return outcomes, m.write(w)
}

// Replay implements registry.Store.
func (m *Memory) Replay(_ context.Context, lines []registry.Line) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(lines) > 0 && lines[0].Outcome.Leaf < int64(len(m.leaves)) {
		if err := m.leaves[max(lines[0].Outcome.Leaf, 0)].Holds(lines[0]); err != nil {
			return err
		}
		lines = lines[1:]
	}
	st, err := m.load(func(st *registry.State) registry.Wants { return st.MissingForReplay(lines) })
	if err != nil {
		return err
	}
	w, err := registry.Replay(st, lines)
	if err != nil {
		return err
	}
	return m.write(w)
}

// load looks up what is wanted, in rounds, as a store does.
func (m *Memory) load(missing func(*registry.State) registry.Wants) (*registry.State, error) {
	st := registry.NewState(m.book.Head)
	for range 20 {
		w := missing(st)
		if w.Empty() {
			return st, nil
		}
		for _, key := range w.Keys {
			leaf, ok := m.keys[key]
			if !ok {
				continue
			}
			line, err := registry.LineOf(m.leaves[leaf])
			if err != nil {
				return nil, fmt.Errorf("%w: %w", registry.ErrCorrupt, err)
			}
			st.Known[key] = line
		}
		take(st.Arrivals, m.book.Arrivals, w.Items)
		take(st.Series, m.book.Series, w.Series)
		take(st.Traces, m.book.Traces, w.Traces)
		take(st.Entries, m.book.Entries, w.Entries)
		take(st.Folders, m.book.Folders, w.Folders)
		take(st.Cases, m.book.Cases, w.Cases)
		take(st.Counters, m.book.Counters, w.Counters)
		take(st.Balances, m.book.Balances, w.Balances)
		take(st.Subjects, m.book.Subjects, w.Subjects)
		m.loadEntries(st, w)
		st.Loaded(w)
	}
	return nil, errors.New("loading does not come to an end")
}

func take[K comparable, V any](to, from map[K]V, keys []K) {
	for _, k := range keys {
		if v, ok := from[k]; ok {
			to[k] = v
		}
	}
}

func (m *Memory) loadEntries(st *registry.State, w registry.Wants) {
	if len(w.OpenOf)+len(w.Within) == 0 {
		return
	}
	for _, work := range m.works() {
		if slices.Contains(w.OpenOf, work.Clerk) && work.Status.Open() {
			st.Open[work.Clerk] = append(st.Open[work.Clerk], work.Number)
			st.Entries[work.Number] = work
		}
		if slices.Contains(w.Within, work.Folder) {
			st.Within[work.Folder] = append(st.Within[work.Folder], work.Number)
			st.Entries[work.Number] = work
		}
	}
}

// works gives all entries in order of registration.
func (m *Memory) works() []registry.Work {
	var works []registry.Work
	for _, n := range m.born {
		if w, ok := m.book.Entries[n]; ok {
			works = append(works, w)
		}
	}
	return works
}

// write takes over what a fold has changed. What a store's keys and triggers
// refuse is refused here too.
func (m *Memory) write(w registry.Writes) error {
	if len(w.Leaves) == 0 {
		return nil
	}
	for i, l := range w.Leaves {
		if _, twice := m.keys[l.Key]; twice || l.Index != int64(len(m.leaves)+i) {
			return fmt.Errorf("%w: leaf %d of draft %s", registry.ErrImmutable, l.Index, l.Key)
		}
	}
	for _, e := range w.Entries {
		if _, twice := m.book.Entries[e.Number]; twice {
			return fmt.Errorf("%w: number %s is given", registry.ErrImmutable, e.Number)
		}
	}
	entries := slices.SortedFunc(slices.Values(w.Entries), func(a, b registry.Work) int { return cmp.Compare(a.Leaf, b.Leaf) })
	for _, e := range entries {
		m.born = append(m.born, e.Number)
	}
	for _, l := range w.Leaves {
		m.leaves = append(m.leaves, l)
		m.keys[l.Key] = l.Index
		m.book.Subjects[l.Subject] = l.Index
	}
	m.erase(w)
	for _, n := range w.Nodes {
		m.nodes[n.Pos] = n.Hash
	}
	m.book.Head = w.Head
	put(m.book.Series, w.Series, func(r registry.SeriesRow) registry.Series { return r.Series })
	put(m.book.Arrivals, w.Arrivals, func(r registry.ArrivalRow) registry.ItemID { return r.Item })
	put(m.book.Entries, w.Works, func(r registry.Work) registry.Number { return r.Number })
	put(m.book.Folders, w.Folders, func(r registry.Folder) string { return r.ID })
	put(m.book.Balances, w.Balances, func(r registry.Balance) string { return r.Clerk })
	put(m.outbox, w.Outbox, func(r registry.OutboxRow) string { return r.ID })
	maps.Copy(m.book.Counters, w.Counters)
	for _, f := range w.Folders {
		if f.Case != "" {
			m.book.Cases[f.Case] = f.ID
		}
	}
	for _, t := range w.Traces {
		m.book.Traces[t.TraceKey] = append(m.book.Traces[t.TraceKey], t)
	}
	if w.ForgetTraces > 0 {
		maps.DeleteFunc(m.book.Traces, func(k registry.TraceKey, _ []registry.TraceRow) bool { return k.Week < w.ForgetTraces })
	}
	return nil
}

func put[K comparable, V any](to map[K]V, rows []V, key func(V) K) {
	for _, r := range rows {
		to[key(r)] = r
	}
}

// Keep implements registry.Store.
func (m *Memory) Keep(_ context.Context, notes []registry.Note) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	kept := maps.Clone(m.notes)
	access := slices.Clone(m.access)
	for _, n := range notes {
		if n.Kind == registry.NoteAccess {
			if n.Value == nil || n.IfVersion != nil || n.Expires.IsZero() {
				return fmt.Errorf("%w: an access event has a value and a term", registry.ErrImmutable)
			}
			if !slices.ContainsFunc(access, func(o registry.Note) bool { return o.Key == n.Key && string(o.Value) == string(n.Value) }) {
				access = append(access, n)
			}
			continue
		}
		key := [2]string{n.Kind, n.Key}
		have := kept[key]
		if !have.Expires.IsZero() && !have.Expires.After(now) {
			have.Version = 0
		}
		if n.IfVersion != nil && *n.IfVersion != have.Version {
			return fmt.Errorf("%w: note %s %s is of version %d", registry.ErrConflict, n.Kind, n.Key, have.Version)
		}
		if n.Value == nil {
			delete(kept, key)
			continue
		}
		n.Version, n.IfVersion = max(have.Version+1, now.UnixMicro()), nil
		kept[key] = n
	}
	m.notes, m.access = kept, access
	return nil
}

// Head implements registry.Store.
func (m *Memory) Head(context.Context) (registry.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.book.Head, nil
}

// Seal implements registry.Store.
func (m *Memory) Seal(_ context.Context, c registry.Checkpoint) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.Size > m.book.Head.Size {
		return fmt.Errorf("%w: a checkpoint of %d leaves, and the ledger has %d", registry.ErrRefused, c.Size, m.book.Head.Size)
	}
	if n := len(m.checkpoints); n == 0 || m.checkpoints[n-1].Size < c.Size {
		m.checkpoints = append(m.checkpoints, c)
	}
	return nil
}

// Hashes implements registry.Store.
func (m *Memory) Hashes(_ context.Context, pos []int64) ([]registry.Digest, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]registry.Digest, len(pos))
	for i, p := range pos {
		h, ok := m.nodes[p]
		if !ok {
			return nil, fmt.Errorf("%w: no tree hash at %d", registry.ErrNotFound, p)
		}
		out[i] = h
	}
	return out, nil
}

// Leaves implements registry.Store.
func (m *Memory) Leaves(_ context.Context, from, to int64) ([]registry.LeafRow, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from = max(from, 0)
	to = min(to, int64(len(m.leaves)), from+10_000)
	if from >= to {
		return nil, nil
	}
	return slices.Clone(m.leaves[from:to]), nil
}

// Claim implements registry.Store.
func (m *Memory) Claim(_ context.Context, c registry.Claim) ([]registry.OutboxRow, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []registry.OutboxRow
	busy := map[string]bool{} // recipients with an earlier row that is undone
	for _, o := range m.outboxRows() {
		if o.State != registry.OutboxReady && o.State != registry.OutboxLeased {
			continue
		}
		first := !busy[o.Recipient]
		busy[o.Recipient] = true
		alive := m.leases[registry.NodeLease(o.Node)].Until.After(c.Now)
		due := o.State == registry.OutboxReady && !o.NotBefore.After(c.Now) || o.State == registry.OutboxLeased && !o.LeaseTill.After(c.Now)
		if !first || !due || o.Leaf > c.UpTo || len(out) >= c.Limit || o.Node != c.Node && alive {
			continue
		}
		o.State, o.LeaseBy, o.LeaseTill = registry.OutboxLeased, c.Node, c.Now.Add(c.For).UTC().Truncate(time.Microsecond)
		o.Attempts++
		m.outbox[o.ID] = o
		out = append(out, o)
	}
	return out, nil
}

// outboxRows gives the outbox in order of its leaves.
func (m *Memory) outboxRows() []registry.OutboxRow {
	return slices.SortedFunc(maps.Values(m.outbox), func(a, b registry.OutboxRow) int {
		return cmp.Or(cmp.Compare(a.Leaf, b.Leaf), cmp.Compare(len(a.ID), len(b.ID)), strings.Compare(a.ID, b.ID))
	})
}

// Finish implements registry.Store.
func (m *Memory) Finish(_ context.Context, rows []registry.OutboxRow) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, o := range rows {
		have, ok := m.outbox[o.ID]
		if !ok || have.Attempts != o.Attempts || have.LeaseBy != o.LeaseBy || have.State == registry.OutboxSent {
			continue
		}
		switch o.State {
		case registry.OutboxLeased:
		case registry.OutboxReady, registry.OutboxSent, registry.OutboxDead:
			o.LeaseBy, o.LeaseTill = "", time.Time{}
		default:
			return fmt.Errorf("%w: an outbox row does not become %q", registry.ErrData, o.State)
		}
		have.State, have.NotBefore, have.LeaseBy, have.LeaseTill = o.State, o.NotBefore, o.LeaseBy, o.LeaseTill
		have.MessageID, have.Rendered, have.From, have.To, have.Variant = o.MessageID, o.Rendered, o.From, o.To, o.Variant
		have.LastError, have.DoneAt = o.LastError, o.DoneAt
		m.outbox[o.ID] = have
	}
	return nil
}

// Lease implements registry.Store.
func (m *Memory) Lease(_ context.Context, name, node string, ttl time.Duration, note string) (registry.Lease, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	l := m.leases[name]
	if l.Node == "" || l.Node == node || !l.Until.After(now) {
		l = registry.Lease{Name: name, Node: node, Until: now.Add(ttl).UTC().Truncate(time.Microsecond), Note: note}
		m.leases[name] = l
	}
	l.Held = l.Node == node && l.Until.After(now)
	return l, nil
}

// Index implements registry.Store.
func (m *Memory) Index(_ context.Context, texts []registry.Text) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range texts {
		if m.book.Entries[t.Number].Found {
			m.texts[t.Number] = words(t.Words)
		}
	}
	return nil
}

// Check implements registry.Store.
func (m *Memory) Check(context.Context) ([]registry.Finding, error) { return nil, nil }

// Close implements registry.Store.
func (m *Memory) Close() error { return nil }

// erase puts out what erasures among the new leaves order, as stores do.
func (m *Memory) erase(w registry.Writes) {
	for _, order := range w.Leaves {
		if order.Type != string(registry.ActErased) {
			continue
		}
		for i := range m.leaves[:order.Index] {
			l := &m.leaves[i]
			body, err := registry.DecodeLeaf(l.Body)
			if err == nil && !body.Item.IsZero() && body.Item.String() == order.Subject {
				l.Content = nil
			}
		}
	}
}
