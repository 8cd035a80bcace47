package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kancelaria/registry"
	"kancelaria/registry/ledger"
)

// book is a small book with a bit of everything.
func book(t *testing.T) *Memory {
	t.Helper()
	m := NewMemory(origin, nil)
	x := &exam{Store: m, t: t}
	town(t, x)
	return m
}

func verify(t *testing.T, m *Memory, o registry.VerifyOptions) []registry.Finding {
	t.Helper()
	v, err := registry.VerifyBook(t.Context(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	return v.Findings
}

// relay makes a changed leaf consistent in itself, as an intruder would who
// knows the program.
func relay(t *testing.T, m *Memory, index int64, change func(*registry.Line)) {
	t.Helper()
	row := &m.leaves[index]
	line, err := registry.LineOf(*row)
	if err != nil {
		t.Fatal(err)
	}
	line.Content = nil
	change(&line)
	if row.Content, err = json.Marshal(line); err != nil {
		t.Fatal(err)
	}
	body, err := registry.DecodeLeaf(row.Body)
	if err != nil {
		t.Fatal(err)
	}
	body.Content = registry.ContentDigest(row.Salt, row.Content)
	row.Body = body.Encode()
	row.Hash = registry.LeafHash(row.Type, row.Salt, row.Body)
}

func TestEachAttackOnTheBookIsFoundAndNamed(t *testing.T) {
	office := newSigner(t)
	number := registry.Number{Register: "RPW", Year: 2026, Seq: 3}
	for _, tt := range []struct {
		name    string
		attack  func(t *testing.T, m *Memory)
		options func(m *Memory) registry.VerifyOptions
		want    []string
	}{
		{name: "nothing was done"},
		{
			name: "an entry is changed",
			attack: func(_ *testing.T, m *Memory) {
				w := m.book.Entries[number]
				w.Title = "x"
				m.book.Entries[number] = w
			},
			want: []string{registry.FoundEntryChanged},
		},
		{
			name:   "an entry is deleted",
			attack: func(_ *testing.T, m *Memory) { delete(m.book.Entries, number) },
			want:   []string{registry.FoundEntryMissing},
		},
		{
			name: "an entry is put in",
			attack: func(_ *testing.T, m *Memory) {
				w := m.book.Entries[number]
				w.Number.Seq = 999
				m.book.Entries[w.Number] = w
				m.born = append(m.born, w.Number)
			},
			want: []string{registry.FoundEntryWithout},
		},
		{
			name: "a counter is moved",
			attack: func(_ *testing.T, m *Memory) {
				s := m.book.Series[number.Series()]
				s.Taken += 5
				m.book.Series[number.Series()] = s
			},
			want: []string{registry.FoundCounterChanged},
		},
		{
			name: "a folder is changed",
			attack: func(_ *testing.T, m *Memory) {
				f := m.book.Folders["K-RPW-000001-2026"]
				f.Case = "OS.6131.77.2026"
				m.book.Folders[f.ID] = f
			},
			want: []string{registry.FoundFolderChanged},
		},
		{
			name: "an item's disposition is changed",
			attack: func(_ *testing.T, m *Memory) {
				a := m.book.Arrivals[Item(3)]
				a.Disposition = registry.Rejected
				m.book.Arrivals[a.Item] = a
			},
			want: []string{registry.FoundArrivalChanged},
		},
		{
			name: "a clerk's load is changed",
			attack: func(_ *testing.T, m *Memory) {
				b := m.book.Balances["os2"]
				b.Open++
				m.book.Balances["os2"] = b
			},
			want: []string{registry.FoundBalanceChanged},
		},
		{
			name:   "a leaf's content is changed",
			attack: func(_ *testing.T, m *Memory) { m.leaves[4].Content = append(slices.Clone(m.leaves[4].Content), ' ') },
			want:   []string{registry.FoundContentChanged},
		},
		{
			name:   "a leaf's content is taken away",
			attack: func(_ *testing.T, m *Memory) { m.leaves[4].Content = nil },
			want:   []string{registry.FoundContentMissing},
		},
		{
			name:   "a column of a leaf is changed",
			attack: func(_ *testing.T, m *Memory) { m.leaves[4].Actor = "os9" },
			want:   []string{registry.FoundLeafChanged},
		},
		{
			name:   "a leaf is changed",
			attack: func(_ *testing.T, m *Memory) { m.leaves[4].Body = append(slices.Clone(m.leaves[4].Body), 0) },
			want:   []string{registry.FoundLeafChanged, registry.FoundTreeChanged, registry.FoundTreeChanged},
		},
		{
			name: "two leaves are swapped",
			attack: func(_ *testing.T, m *Memory) {
				m.leaves[4], m.leaves[5] = m.leaves[5], m.leaves[4]
				m.leaves[4].Index, m.leaves[5].Index = 4, 5
			},
			want: []string{registry.FoundLineUnreadable, registry.FoundLineUnreadable, registry.FoundTreeChanged, registry.FoundTreeChanged},
		},
		{
			name: "a leaf is changed with its hashes, but not the tree",
			attack: func(t *testing.T, m *Memory) {
				relay(t, m, 4, func(l *registry.Line) { l.Draft.Reason = "inny" })
			},
			want: []string{registry.FoundTreeChanged, registry.FoundTreeChanged},
		},
		{
			name: "the tree too is made anew, but a head was signed",
			attack: func(t *testing.T, m *Memory) {
				c, err := office.head(t.Context(), m, 20)
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Seal(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				relay(t, m, 4, func(l *registry.Line) { l.Draft.Reason = "inny" })
				regrow(m)
			},
			want: []string{registry.FoundHeadChanged},
		},
		{
			name: "a signed head is exchanged",
			attack: func(t *testing.T, m *Memory) {
				c, err := newSigner(t).head(t.Context(), m, 20)
				if err != nil {
					t.Fatal(err)
				}
				if err := m.Seal(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			},
			options: func(*Memory) registry.VerifyOptions { return registry.VerifyOptions{Publics: []string{office.public}} },
			want:    []string{registry.FoundHeadForged},
		},
		{
			name: "all is made anew, but a receipt left the house",
			attack: func(t *testing.T, m *Memory) {
				relay(t, m, 4, func(l *registry.Line) { l.Draft.Reason = "inny" })
				regrow(m)
			},
			options: func(*Memory) registry.VerifyOptions {
				honest, _ := office.head(context.Background(), book(t), 10)
				return registry.VerifyOptions{Against: []ledger.Checkpoint{{Origin: origin, Size: 10, Root: ledger.Hash(honest.Root)}}}
			},
			want: []string{registry.FoundHeadChanged},
		},
		{
			name: "the book is an older one",
			options: func(m *Memory) registry.VerifyOptions {
				return registry.VerifyOptions{Against: []ledger.Checkpoint{{Origin: origin, Size: m.book.Head.Size + 1}}}
			},
			want: []string{registry.FoundHeadOlder},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := book(t)
			var o registry.VerifyOptions
			if tt.options != nil {
				o = tt.options(m)
			}
			if tt.attack != nil {
				tt.attack(t, m)
			}
			found := verify(t, m, o)
			var codes []string
			for _, f := range found {
				codes = append(codes, f.Code)
				if f.Subject == "" || f.Text == "" {
					t.Errorf("%+v does not say what", f)
				}
			}
			if !slices.Equal(codes, tt.want) {
				t.Errorf("found %+v, want %v", found, tt.want)
			}
		})
	}
}

// regrow computes tree and head anew, as an owner of the database could.
func regrow(m *Memory) {
	var edge ledger.Edge
	var nodes []ledger.Node
	for _, l := range m.leaves {
		nodes = edge.Append(nodes, ledger.Hash(l.Hash))
	}
	for _, n := range nodes {
		m.nodes[n.Pos] = registry.Digest(n.Hash)
	}
	m.book.Head.Edge = nil
	for _, r := range edge.Roots {
		m.book.Head.Edge = append(m.book.Head.Edge, registry.Digest(r))
	}
}

// lame is a book that has lost a leaf.
type lame struct {
	*Memory
	without int64
}

func (l lame) Leaves(ctx context.Context, from, to int64) ([]registry.LeafRow, error) {
	rows, err := l.Memory.Leaves(ctx, from, to)
	return slices.DeleteFunc(rows, func(r registry.LeafRow) bool { return r.Index == l.without }), err
}

func TestOneDeletedLeafIsOneFinding(t *testing.T) {
	for _, index := range []int64{0, 4, 9, 28} {
		m := book(t)
		v, err := registry.VerifyBook(t.Context(), lame{m, index}, registry.VerifyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Findings) != 1 || v.Findings[0].Code != registry.FoundLeafMissing {
			t.Errorf("without leaf %d: %+v", index, v.Findings)
		}
	}
}

func TestALawfulErasureIsNoFindingAndBlindsNothing(t *testing.T) {
	m := book(t)
	x := &exam{Store: m, t: t}
	x.written(
		Act("reject", 100, "pk1", registry.Act{Kind: registry.ActReject, Subject: Item(3).String()}),
		Act("erase", 101, "kancelaria", registry.Act{Kind: registry.ActErased, Subject: Item(3).String(), Text: registry.ErasedSpam}),
	)
	m.leaves[m.keys["item/"+Item(3).String()]].Content = nil
	if found := verify(t, m, registry.VerifyOptions{}); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
	b := m.book.Balances["os2"]
	b.Open++
	m.book.Balances["os2"] = b
	if found := verify(t, m, registry.VerifyOptions{}); len(found) != 1 || found[0].Code != registry.FoundBalanceChanged {
		t.Errorf("found %+v", found)
	}
}

func TestVerifyingGoesOnFromWhereItStopped(t *testing.T) {
	m := book(t)
	v, err := registry.VerifyBook(t.Context(), m, registry.VerifyOptions{Since: 13})
	if err != nil || len(v.Findings) != 0 || v.Leaves != m.book.Head.Size-13 {
		t.Errorf("%+v, %v", v, err)
	}
	m.leaves[20].Body[5]++
	if v, _ := registry.VerifyBook(t.Context(), m, registry.VerifyOptions{Since: 13}); len(v.Findings) == 0 {
		t.Error("a changed leaf is not found from the middle")
	}
}

// A naive store bumps its counter for what is offered and lets the database
// ignore what it knows already.
type naive struct{ *Memory }

func (n naive) Commit(ctx context.Context, drafts []registry.Draft) ([]registry.Outcome, error) {
	out, err := n.Memory.Commit(ctx, drafts)
	for _, o := range out {
		if o.State == registry.Repeated {
			s := n.book.Series[o.Number.Series()]
			s.Taken++ // taken before the insert was ignored
			n.book.Series[s.Series] = s
		}
	}
	return out, err
}

func TestTheNaiveNumberingFailsTheExam(t *testing.T) {
	n := naive{NewMemory(origin, nil)}
	for i := range 5 {
		for range 2 { // the answer was lost; asked again
			if _, err := n.Commit(t.Context(), []registry.Draft{Letter(i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	err := Sound(t.Context(), n)
	if err == nil || !strings.Contains(err.Error(), "RPW-000003-2026 follows RPW-000001-2026") {
		t.Errorf("the gap is not found: %v", err)
	}
}

func TestTheSealerSignsWhatIsCommittedAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(origin, nil)
		office := newSigner(t)
		s := registry.NewSealer(m, office.key, registry.SealerOptions{Node: "n1"})
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		for n := range 30 {
			if _, err := m.Commit(ctx, []registry.Draft{Letter(n)}); err != nil {
				t.Fatal(err)
			}
			s.Ring()
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := s.Latest().Size; got != 30 {
			t.Errorf("signed up to %d, want 30", got)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n := len(m.checkpoints); n < 2 || n > 5 {
			t.Errorf("%d heads in four seconds", n)
		}
		if found := verify(t, m, registry.VerifyOptions{Publics: []string{office.public}}); len(found) != 0 {
			t.Errorf("found %+v", found)
		}
	})
}

func TestTheSealerDoesNotSignAForkedLedger(t *testing.T) {
	m := NewMemory(origin, nil)
	s := registry.NewSealer(m, newSigner(t).key, registry.SealerOptions{Node: "n1"})
	x := &exam{Store: m, t: t}
	x.written(Letter(0), Letter(1))
	if err := s.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	relay(t, m, 0, func(l *registry.Line) { l.Draft.Reason = "inny" })
	regrow(m)
	x.written(Letter(2))
	if err := s.Seal(t.Context()); !errors.Is(err, registry.ErrForked) {
		t.Errorf("a forked ledger is signed: %v", err)
	}
}

func TestAProofOfALeafTravels(t *testing.T) {
	m := book(t)
	office := newSigner(t)
	head, err := office.head(t.Context(), m, 25)
	if err != nil {
		t.Fatal(err)
	}
	p, err := registry.Prove(t.Context(), m, m.leaves[7], head)
	if err != nil {
		t.Fatal(err)
	}
	q, err := ledger.ParseProof([]byte(p.String()))
	if err != nil {
		t.Fatal(err)
	}
	body, signed, err := registry.CheckProof(q, office.public)
	if err != nil || body.Key != m.leaves[7].Key || signed.Size != 25 {
		t.Errorf("%+v, %+v, %v", body, signed, err)
	}
	q.Extra[40] ^= 1
	if _, _, err := registry.CheckProof(q, office.public); err == nil {
		t.Error("a changed leaf passes")
	}
	if _, err := registry.Prove(t.Context(), m, m.leaves[27], head); err == nil {
		t.Error("a leaf is proven under a head that does not cover it")
	}
}
