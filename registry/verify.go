package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"kancelaria/registry/ledger"
)

// The codes of what VerifyBook finds.
const (
	FoundLeafMissing     = "leaf_missing"
	FoundLeafChanged     = "leaf_changed"
	FoundContentChanged  = "content_changed"
	FoundContentMissing  = "content_missing"
	FoundTreeChanged     = "tree_changed"
	FoundHeadChanged     = "head_changed"
	FoundHeadForged      = "checkpoint_forged"
	FoundHeadOlder       = "book_older" // than a head that left the house
	FoundTimeBack        = "time_goes_back"
	FoundGap             = "number_gap"
	FoundNumberTwice     = "number_twice"
	FoundEntryMissing    = "entry_missing"
	FoundEntryChanged    = "entry_changed"
	FoundEntryWithout    = "entry_without_leaf"
	FoundFolderChanged   = "folder_changed"
	FoundCounterChanged  = "counter_changed"
	FoundBalanceChanged  = "balance_changed"
	FoundArrivalChanged  = "arrival_changed"
	FoundLineUnreadable  = "line_unreadable"
	FoundEventImpossible = "event_impossible"
)

// VerifyOptions say how much of the book is verified.
type VerifyOptions struct {
	// Since is the first leaf to look at; what comes before is taken from the
	// stored tree, to be compared with a head known from outside.
	Since int64
	// Publics are the office's public keys. Without any, signatures of stored
	// heads are not checked.
	Publics []string
	// Against are heads that left the house: in receipts, daily mails, backups.
	Against []ledger.Checkpoint
	// Progress, if set, is told now and then how far it is.
	Progress func(done, of int64)
	// Most bounds the findings (default 1,000): a burnt book need not be
	// listed leaf by leaf.
	Most int
}

// A Verified is what VerifyBook has seen.
type Verified struct {
	Leaves   int64 // looked at
	Size     int64 // of the ledger
	Root     Digest
	Findings []Finding
	More     bool // there are more findings than are listed
	// Erasures are the leaves that order one, to be compared with the archive.
	Erasures []ErasureLeaf
}

// An ErasureLeaf orders that an item be erased.
type ErasureLeaf struct {
	Leaf int64
	Key  string
	Item ItemID
}

// VerifyBook recomputes the book from its leaves: leaf hashes, tree, heads,
// numbering and, beginning at leaf 0, everything that is only their fold. It
// reads up to the size the ledger has now, in pages, and trusts nothing that
// it can compute. It changes nothing; the error means that it could not read.
func VerifyBook(ctx context.Context, s Store, o VerifyOptions) (Verified, error) {
	if o.Most == 0 {
		o.Most = 1000
	}
	head, err := s.Head(ctx)
	if err != nil {
		return Verified{}, fmt.Errorf("verifying the book: %w", err)
	}
	v := &verifier{store: s, o: o, head: head, roots: map[int64][]knownRoot{}, fold: newFold(NewState(Head{}), 0)}
	v.out.Size = head.Size
	for _, step := range []func(context.Context) error{v.begin, v.gatherRoots, v.readLeaves, v.end, v.compareRows} {
		if err := step(ctx); err != nil && !errors.Is(err, errEnough) {
			return v.out, fmt.Errorf("verifying the book: %w", err)
		} else if err != nil {
			break
		}
	}
	return v.out, nil
}

// errEnough ends a verification that has found as much as it may list.
var errEnough = errors.New("enough was found")

type verifier struct {
	store Store
	o     VerifyOptions
	head  Head
	out   Verified

	edge   ledger.Edge
	roots  map[int64][]knownRoot // roots to be met on the way, by size
	last   time.Time
	fold   *fold
	erased map[ItemID]bool
	bare   []bareLeaf     // leaves whose content is gone
	lost   map[int64]bool // leaves that were not folded
	blind  bool           // one of them touched more than an item outside the book
	nodes  []ledger.Node
}

// A knownRoot is what somebody has signed or seen.
type knownRoot struct {
	root ledger.Hash
	what string
	code string
}

// A bareLeaf lacks its content, lawfully or not.
type bareLeaf struct {
	index   int64
	item    ItemID
	subject string
}

// find notes a finding.
func (v *verifier) find(code, subject, format string, args ...any) error {
	if len(v.out.Findings) >= v.o.Most {
		v.out.More = true
		return errEnough
	}
	v.out.Findings = append(v.out.Findings, Finding{Code: code, Subject: subject, Text: fmt.Sprintf(format, args...)})
	return nil
}

// begin takes the tree before the first leaf from what is stored.
func (v *verifier) begin(ctx context.Context) (err error) {
	v.erased, v.lost = map[ItemID]bool{}, map[int64]bool{}
	if v.o.Since <= 0 {
		v.o.Since = 0
		return nil
	}
	v.o.Since = min(v.o.Since, v.head.Size)
	v.edge, err = ledger.EdgeAt(v.o.Since, StoredHashes(ctx, v.store))
	return err
}

// gatherRoots collects the heads to be met: those stored, and those that left
// the house. A book that is smaller than one of the latter is older.
func (v *verifier) gatherRoots(ctx context.Context) error {
	reach, err := v.reach(ctx)
	if err != nil {
		return err
	}
	for _, c := range v.o.Against {
		upTo, ours := reach[cmp.Or(c.Origin, v.head.Origin)]
		if !ours || c.Size > upTo {
			continue // of another office, or of what an earlier log lost
		}
		if c.Size > v.head.Size {
			if err := v.find(FoundHeadOlder, "ledger", "a head of %d leaves left the house, and the ledger has %d: the book is older than that", c.Size, v.head.Size); err != nil {
				return err
			}
			continue
		}
		v.roots[c.Size] = append(v.roots[c.Size], knownRoot{c.Root, "the head that left the house", FoundHeadChanged})
	}
	q := Query{Of: FindCheckpoints, Limit: 1000}
	for {
		page, err := v.store.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, c := range page.Checkpoints {
			if err := v.gatherStored(c); err != nil {
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}

// reach says up to which size the heads of each log bind this one: those of an
// earlier name, to where it broke off.
func (v *verifier) reach(ctx context.Context) (map[string]int64, error) {
	reach := map[string]int64{v.head.Origin: math.MaxInt64}
	err := v.pages(ctx, Query{Of: FindEvents, Subject: officeSubject}, func(p Page) error {
		for _, row := range p.Leaves {
			if ActKind(row.Type) != ActLog {
				continue
			}
			l, err := LineOf(row)
			if err != nil || l.Draft.Act == nil {
				continue // found as unreadable with the leaves
			}
			if from, err := digits(l.Draft.Act.Fields["from"], 1, 18); err == nil {
				reach[l.Draft.Act.Fields["names"]] = from
			}
		}
		return nil
	})
	return reach, err
}

// gatherStored takes a stored head, if it is what it says.
func (v *verifier) gatherStored(c Checkpoint) error {
	if c.Size < v.o.Since {
		return nil
	}
	subject := fmt.Sprintf("checkpoint %d", c.Size)
	signed, err := ledger.ReadCheckpoint(c.Note)
	if err == nil && len(v.o.Publics) > 0 {
		signed, err = ledger.OpenCheckpoint(c.Note, v.o.Publics...)
	}
	switch {
	case err != nil:
		return v.find(FoundHeadForged, subject, "the stored head of %d leaves is not signed by the office: %v", c.Size, err)
	case signed.Size != c.Size || signed.Root != ledger.Hash(c.Root):
		return v.find(FoundHeadForged, subject, "the stored head of %d leaves does not say what its signature says", c.Size)
	case c.Size > v.head.Size:
		return v.find(FoundHeadOlder, subject, "a head of %d leaves was signed, and the ledger has %d", c.Size, v.head.Size)
	}
	v.roots[c.Size] = append(v.roots[c.Size], knownRoot{signed.Root, "the signed head", FoundHeadChanged})
	return nil
}

// meet compares the tree as computed so far with the heads known of its size.
func (v *verifier) meet() error {
	for _, k := range v.roots[v.edge.Size] {
		if v.edge.Root() != k.root {
			if err := v.find(k.code, fmt.Sprintf("checkpoint %d", v.edge.Size), "the first %d leaves do not give %s: a leaf among them was changed", v.edge.Size, k.what); err != nil {
				return err
			}
		}
	}
	return nil
}

// end compares the computed tree with the stored head and finds contents that
// are gone without an erasure.
func (v *verifier) end(context.Context) error {
	v.out.Root = Digest(v.edge.Root())
	stored := v.head.tree()
	if !stored.Valid() || stored.Root() != v.edge.Root() {
		if err := v.find(FoundTreeChanged, "ledger", "the leaves do not give the stored edge of the tree of %d leaves", v.head.Size); err != nil {
			return err
		}
	}
	for _, b := range v.bare {
		of, err := ParseItemID(b.subject)
		if v.erased[b.item] && !b.item.IsZero() || err == nil && v.erased[of] {
			continue
		}
		if err := v.find(FoundContentMissing, fmt.Sprintf("leaf %d", b.index), "the content of leaf %d is gone, and no erasure says why", b.index); err != nil {
			return err
		}
	}
	return nil
}
