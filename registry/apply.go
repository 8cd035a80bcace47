package registry

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kancelaria/registry/ledger"
)

// Apply is the law of the book: it folds drafts, in order, into what is to be
// written, one outcome a draft. It is pure: no clock, no disk, no chance. A
// later draft sees what the earlier ones did. If nothing is written, Writes
// holds no leaf and the store rolls back.
//
// Each draft is first decided (what becomes of it, given the book) and then
// entered (how the book looks after). Entering depends on the decided line
// alone, so that Replay gives the same book from the same lines though the law
// may have changed in between.
//
// The error means that the store has not loaded what Missing asked for.
func Apply(st *State, drafts []Draft) (Writes, []Outcome, error) {
	t := st.try(drafts)
	f, outcomes := t.fold, t.outcomes
	if w := f.wants(); !w.Empty() {
		return Writes{}, nil, fmt.Errorf("applying %d drafts: not all was loaded: %+v", len(drafts), w)
	}
	for i := range drafts {
		if st.Head.Size < drafts[i].Beyond {
			return Writes{}, nil, fmt.Errorf("%w: it has %d leaves, and had %d", ErrBehind, st.Head.Size, drafts[i].Beyond)
		}
	}
	if err := f.seal(); err != nil {
		return Writes{}, nil, err
	}
	contents := make(map[string][]byte, len(f.leaves))
	for _, l := range f.leaves {
		contents[l.Key] = l.Content
	}
	for i := range outcomes {
		if o := &outcomes[i]; o.Content == nil && o.Err() == nil {
			o.Content = contents[o.Key]
		}
	}
	return f.writes(), outcomes, nil
}

// Replay enters lines that are already decided, at exactly the leaves they
// name, which follow the head without a gap. Their outbox rows are marked as
// replayed. What it cannot enter is ErrCorrupt.
func Replay(st *State, lines []Line) (Writes, error) {
	if w := st.MissingForReplay(lines); !w.Empty() {
		return Writes{}, fmt.Errorf("replaying %d lines: not all was loaded: %+v", len(lines), w)
	}
	f := newFold(st, len(lines))
	for _, l := range lines {
		if err := f.mayReplay(l); err != nil {
			return Writes{}, fmt.Errorf("%w: replaying leaf %d: %w", ErrCorrupt, l.Outcome.Leaf, err)
		}
		f.enter(l)
	}
	if err := f.seal(); err != nil {
		return Writes{}, err
	}
	for i := range f.outbox {
		f.outbox[i].State = OutboxReplayed
	}
	return f.writes(), nil
}

// A fold is the book while drafts are folded into it.
type fold struct {
	head     Head
	known    shelf[string, Line]
	fresh    map[string]int // by draft key: its place in entered
	series   shelf[Series, SeriesRow]
	arrivals shelf[ItemID, ArrivalRow]
	traces   shelf[TraceKey, []TraceRow]
	entries  shelf[Number, Work]
	folders  shelf[string, Folder]
	cases    shelf[string, string]
	counters shelf[CaseSeries, int64]
	balances shelf[string, Balance]
	subjects shelf[string, int64]
	openOf   shelf[string, []Number]
	inside   shelf[string, []Number]

	began     time.Time       // of the last leaf before this fold
	born      map[Number]bool // entries that came with this fold
	entered   []entered       // waiting for seal
	outbox    []OutboxRow
	newTraces []TraceRow
	leaves    []LeafRow
	nodes     []NodeRow
}

// An entered line, and what its leaf says beside it.
type entered struct {
	line     Line
	kind     string
	subject  string
	previous int64
}

// newFold begins a fold of about so many drafts.
func newFold(st *State, drafts int) *fold {
	head := st.Head
	head.Edge = slices.Clone(head.Edge)
	return &fold{
		head:     head,
		known:    newShelf(st.Known, drafts),
		fresh:    make(map[string]int, drafts),
		series:   newShelf(st.Series, 1),
		arrivals: newShelf(st.Arrivals, drafts),
		traces:   newShelf(st.Traces, 2*drafts),
		entries:  newShelf(st.Entries, drafts),
		folders:  newShelf(st.Folders, drafts),
		cases:    newShelf(st.Cases, 1),
		counters: newShelf(st.Counters, 1),
		balances: newShelf(st.Balances, 1),
		subjects: newShelf(st.Subjects, 1),
		openOf:   newShelf(st.Open, 1),
		inside:   newShelf(st.Within, 1),
		began:    head.LastAt,
		born:     map[Number]bool{},
	}
}

// A refusal is why a draft is not written.
type refusal struct {
	state     OutcomeState
	immutable bool
	text      string
}

func (r *refusal) Error() string { return r.text }

func refuse(format string, args ...any) error {
	return &refusal{state: Refused, text: fmt.Sprintf(format, args...)}
}

// forbid refuses what would change what must never change.
func forbid(format string, args ...any) error {
	return &refusal{state: Refused, immutable: true, text: fmt.Sprintf(format, args...)}
}

// conflict says that something happened to a subject since the actor looked.
func conflict(subject string, seen, last int64) error {
	return &refusal{state: Conflict, text: fmt.Sprintf("%s has changed: leaf %d came after leaf %d", subject, last, seen)}
}

// A standing says that what is asked for is so already, since the leaf it
// names; nothing is written.
type standing struct{ leaf int64 }

func (s *standing) Error() string { return fmt.Sprintf("it is so already since leaf %d", s.leaf) }

// offer decides a draft and enters it if it may be.
func (f *fold) offer(d Draft) Outcome {
	if line := f.lineOf(d.Key); line != nil {
		again := line.Outcome
		again.State, again.Content = Repeated, line.Content
		return again
	}
	line := Line{Draft: d, Outcome: Outcome{Key: d.Key, State: Written}}
	err := f.decide(&line)
	var (
		no     *refusal
		stands *standing
	)
	switch {
	case err == nil:
		f.enter(line)
	case errors.As(err, &stands):
		line.Outcome.State, line.Outcome.Leaf = Repeated, stands.leaf
	case errors.As(err, &no):
		return Outcome{Key: d.Key, State: no.state, Error: no.text, Immutable: no.immutable}
	default:
		return Outcome{Key: d.Key, State: Refused, Error: err.Error()}
	}
	return line.Outcome
}

// lineOf gives the line that was written for a key; nil if none was.
func (f *fold) lineOf(key string) *Line {
	if i, ok := f.fresh[key]; ok {
		return &f.entered[i].line
	}
	if line := f.known.get(key); line.Draft.Key != "" {
		return &line
	}
	return nil
}

// decide settles what becomes of a draft, in the line's outcome and, where the
// draft left a choice, in the line's copy of the draft.
func (f *fold) decide(l *Line) error {
	if err := l.Draft.check(); err != nil {
		return err
	}
	l.Outcome.Leaf = f.next()
	l.Outcome.At = f.notBefore(l.Draft.At)
	if l.Draft.Arrival != nil {
		arrival := *l.Draft.Arrival
		l.Draft.Arrival = &arrival
		return f.decideArrival(l)
	}
	act := *l.Draft.Act
	l.Draft.Act = &act
	return f.decideAct(l)
}

// enter makes a decided line part of the book.
func (f *fold) enter(l Line) {
	e := entered{line: l}
	if l.Draft.Arrival != nil {
		e.kind, e.subject, e.previous = f.enterArrival(l)
	} else {
		e.kind = string(l.Draft.Act.Kind)
		e.subject, e.previous = f.enterAct(l)
	}
	f.fresh[l.Draft.Key] = len(f.entered)
	f.entered = append(f.entered, e)
	f.head.LastAt = l.Outcome.At
}

// mayReplay refuses a line that does not stand where it says.
func (f *fold) mayReplay(l Line) error {
	if known := f.lineOf(l.Draft.Key); known != nil {
		return fmt.Errorf("key %q is in the book at leaf %d", l.Draft.Key, known.Outcome.Leaf)
	}
	if err := l.checkReplayed(); err != nil {
		return err
	}
	switch {
	case l.Outcome.State != Written:
		return fmt.Errorf("it was %s, not written", l.Outcome.State)
	case l.Outcome.Leaf != f.next():
		return fmt.Errorf("the next leaf is %d", f.next())
	case l.Outcome.At.Before(f.head.LastAt):
		return fmt.Errorf("it is of %s, before the leaf before it", l.Outcome.At.Format(time.RFC3339Nano))
	}
	if l.Draft.Arrival != nil {
		return f.mayReplayArrival(l)
	}
	return f.mayReplayAct(l)
}

// checkReplayed is check for lines of an earlier life; of an erased one not
// all that a draft says is left.
func (l Line) checkReplayed() error {
	if l.Bare != nil {
		return l.bareFits()
	}
	return l.Draft.check()
}

// check refuses what no book could hold.
func (d Draft) check() error {
	switch {
	case d.Key == "" || len(d.Key) > 200 || clean(d.Key) != d.Key:
		return refuse("a draft needs a key of 1 to 200 characters")
	case d.At.IsZero() || d.At.Year() < 1990 || d.At.Year() > 9999:
		return refuse("draft %s has no time", d.Key)
	case d.On.IsZero():
		return refuse("draft %s does not say which day it is", d.Key)
	case d.Salt == Salt{}:
		return refuse("draft %s has no salt", d.Key)
	case d.Actor == "" || len(d.Actor) > 200 || len(d.OnBehalfOf) > 200:
		return refuse("draft %s does not say whose it is", d.Key)
	case clean(d.Actor) != d.Actor || clean(d.OnBehalfOf) != d.OnBehalfOf:
		return refuse("draft %s: a login is not text", d.Key)
	case len(d.Reason) > 10_000:
		return refuse("a reason has at most 10,000 bytes")
	case (d.Arrival == nil) == (d.Act == nil):
		return refuse("draft %s is neither an arrival nor an act, or both", d.Key)
	}
	return nil
}

// next is the leaf that the next line gets.
func (f *fold) next() int64 { return f.head.Size + int64(len(f.entered)) }

// notBefore gives an instant in the book's precision that is not earlier than
// the last leaf: the ledger never goes back in time.
func (f *fold) notBefore(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Before(f.head.LastAt) {
		return f.head.LastAt
	}
	return t
}

// seal turns the entered lines into leaves and nodes of the tree.
func (f *fold) seal() error {
	edge := f.head.tree()
	if !edge.Valid() {
		return fmt.Errorf("%w: a tree of %d leaves does not have %d roots at its edge", ErrCorrupt, edge.Size, len(edge.Roots))
	}
	nodes := make([]ledger.Node, 0, 2*len(f.entered))
	f.leaves = make([]LeafRow, 0, len(f.entered))
	for _, e := range f.entered {
		row, err := e.leaf()
		if err != nil {
			return err
		}
		f.leaves = append(f.leaves, row)
		nodes = edge.Append(nodes, ledger.Hash(row.Hash))
	}
	f.nodes = make([]NodeRow, len(nodes))
	for i, n := range nodes {
		f.nodes[i] = NodeRow{Pos: n.Pos, Hash: Digest(n.Hash)}
	}
	f.head.Size = edge.Size
	f.head.Edge = make([]Digest, len(edge.Roots))
	for i, root := range edge.Roots {
		f.head.Edge[i] = Digest(root)
	}
	return nil
}

// leaf makes the row of an entered line.
func (e entered) leaf() (LeafRow, error) {
	if e.line.Bare != nil {
		return *e.line.Bare, nil
	}
	content, err := e.line.Encode()
	if err != nil {
		return LeafRow{}, fmt.Errorf("%w: draft %s cannot be written down: %w", ErrData, e.line.Draft.Key, err)
	}
	d, o := e.line.Draft, e.line.Outcome
	body := LeafBody{
		Kind: e.kind, Subject: e.subject, Key: d.Key, At: o.At, Actor: d.Actor, OnBehalfOf: d.OnBehalfOf,
		Previous: e.previous, Content: ContentDigest(d.Salt, content),
	}
	if a := d.Arrival; a != nil {
		body.Item = a.Item.ID
		body.Number = o.Number
		body.AcceptedAt = a.Item.AcceptedAt.UTC().Truncate(time.Microsecond)
		body.ReceivedAt = a.ReceivedAt.UTC().Truncate(time.Microsecond)
		body.ReceivedOn = a.ReceivedOn
		body.Original, body.Size = a.Item.Original.Digest, a.Item.Original.Size
		body.Attachments, body.AttachmentList = AttachmentListDigest(a.Document.Attachments)
		body.Rules = a.Decision.RulesDigest
	}
	raw := body.Encode()
	return LeafRow{
		Index: o.Leaf, Type: e.kind, Subject: e.subject, Key: d.Key, At: o.At, Actor: d.Actor, OnBehalfOf: d.OnBehalfOf,
		Salt: d.Salt, Body: raw, Hash: LeafHash(e.kind, d.Salt, raw), Content: content,
	}, nil
}

// tell writes outbox rows for logins, each once, in order of their leaf.
func (f *fold) tell(row OutboxRow, recipients ...string) {
	for i, r := range recipients {
		if r == "" || slices.Contains(recipients[:i], r) {
			continue
		}
		row.ID = strconv.FormatInt(row.Leaf, 10) + "." + strconv.Itoa(f.rowsOf(row.Leaf))
		row.Recipient = r
		row.State = OutboxReady
		f.outbox = append(f.outbox, row)
	}
}

// rowsOf counts the outbox rows of a leaf so far.
func (f *fold) rowsOf(leaf int64) int {
	n := 0
	for i := len(f.outbox) - 1; i >= 0 && f.outbox[i].Leaf == leaf; i-- {
		n++
	}
	return n
}
