package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// A Stub is what stays of a line when its content is erased: the leaf's body
// and salt, and of the line what says nothing of the letter. The leaf that
// orders an erasure carries the stubs of what it erases, so that a book built
// again from its copies has the same tree.
type Stub struct {
	Index   int64  `json:"index"`
	Type    string `json:"type"`
	Subject string `json:"subject"`
	Body    []byte `json:"body"`
	Line    Line   `json:"line"`
}

// StubOf makes the stub of a leaf that still has its content.
func StubOf(row LeafRow) (Stub, error) {
	line, err := LineOf(row)
	if err != nil {
		return Stub{}, err
	}
	line.Content, line.Bare = nil, nil
	if a := line.Draft.Arrival; a != nil {
		line.Draft.Arrival = a.stripped()
	}
	line.Draft.Reason = ""
	return Stub{Index: row.Index, Type: row.Type, Subject: row.Subject, Body: row.Body, Line: line}, nil
}

// stripped keeps ids, times, digests, and how the office filed it.
func (a *Arrival) stripped() *Arrival {
	it, d := a.Item, a.Decision
	kept := Item{
		ID: it.ID, Delivery: it.Delivery, Door: it.Door, Register: it.Register, AcceptedAt: it.AcceptedAt, Node: it.Node,
		Original: Original{Digest: it.Original.Digest, Size: it.Original.Size},
	}
	if it.Envelope != nil {
		kept.Envelope = &Envelope{}
	}
	return &Arrival{
		Item: kept, Place: a.Place, Disposition: a.Disposition, Reason: a.Reason, Late: a.Late, ToComplete: a.ToComplete,
		ReceivedAt: a.ReceivedAt, ReceivedOn: a.ReceivedOn, Receipt: ReceiptPlan{Reason: a.Receipt.Reason}, Answers: a.Answers,
		Decision: Decision{
			RulesDigest: d.RulesDigest, Class: d.Class, CasePolicy: d.CasePolicy, Department: d.Department, Queue: d.Queue,
			Deadline: d.Deadline, Restricted: d.Restricted, Readers: d.Readers, HideFrom: d.HideFrom,
		},
	}
}

// Stubs reads what a leaf that orders an erasure keeps; nothing of others.
func (l Line) Stubs() []Stub {
	if l.Draft.Act == nil || l.Draft.Act.Kind != ActErased || len(l.Draft.Act.Content) == 0 {
		return nil
	}
	var stubs []Stub
	if json.Unmarshal(l.Draft.Act.Content, &stubs) != nil {
		return nil // of another form: nothing to build again from
	}
	return stubs
}

// Restored gives the line of an erased leaf, to be replayed.
func (s Stub) Restored() (Line, error) {
	b, err := DecodeLeaf(s.Body)
	if err != nil {
		return Line{}, fmt.Errorf("the stub of leaf %d: %w", s.Index, err)
	}
	l := s.Line
	salt := l.Draft.Salt
	l.Content = nil
	l.Bare = &LeafRow{
		Index: s.Index, Type: s.Type, Subject: s.Subject, Key: b.Key, At: b.At, Actor: b.Actor, OnBehalfOf: b.OnBehalfOf,
		Salt: salt, Body: s.Body, Hash: LeafHash(s.Type, salt, s.Body),
	}
	return l, nil
}

// RestoredLine gives the line a leaf is replayed with. Of an erased one its
// stub says more than its body, if there is one.
func RestoredLine(row LeafRow, stub *Stub) (Line, error) {
	l, err := LineOf(row)
	if err != nil || len(row.Content) > 0 {
		return l, err
	}
	if stub != nil && stub.Index == row.Index && bytes.Equal(stub.Body, row.Body) && stub.Line.Draft.Salt == row.Salt {
		if s, err := stub.Restored(); err == nil {
			l = s
		}
	}
	if o := &l.Outcome; o.Folder == "" && !o.Number.IsZero() && row.Type == string(Registered) {
		o.Folder, o.CaseState = o.Number.Folder(), FolderWorking // all that is known of it
	}
	row.Content = nil
	l.Bare = &row
	return l, nil
}

// bareFits refuses a line without content that is not the leaf it says.
func (l Line) bareFits() error {
	b, err := DecodeLeaf(l.Bare.Body)
	switch {
	case err != nil:
		return err
	case b.Kind != l.Bare.Type || b.Subject != l.Bare.Subject || b.Key != l.Bare.Key || b.Key != l.Draft.Key || !b.At.Equal(l.Outcome.At):
		return refuse("what stays of leaf %d is not of it", l.Bare.Index)
	case l.Bare.Index != l.Outcome.Leaf || l.Bare.Hash != LeafHash(l.Bare.Type, l.Bare.Salt, l.Bare.Body):
		return refuse("what stays of leaf %d does not give its hash", l.Bare.Index)
	}
	return nil
}

// keepStubs puts into drafts that order an erasure what stays of what they
// erase.
func (r *Registrar) keepStubs(ctx context.Context, drafts []Draft) error {
	for i := range drafts {
		act := drafts[i].Act
		if act == nil || act.Kind != ActErased || len(act.Content) > 0 {
			continue
		}
		id, err := ParseItemID(act.Subject)
		if err != nil {
			continue // the law refuses it
		}
		stubs, err := stubsOf(ctx, r.store, id)
		if err != nil {
			return fmt.Errorf("erasing item %s: %w", id, err)
		}
		content, err := json.Marshal(stubs)
		if err != nil {
			return fmt.Errorf("erasing item %s: %w", id, err)
		}
		kept := *act
		kept.Content = content
		drafts[i].Act = &kept
	}
	return nil
}

// stubsOf makes the stubs of all leaves that tell of an item's arrival.
func stubsOf(ctx context.Context, s Store, id ItemID) ([]Stub, error) {
	queries := []Query{
		{Of: FindLine, Key: "item/" + id.String(), Limit: 1},
		{Of: FindEvents, Subject: id.String(), Limit: 100},
	}
	page, err := s.Find(ctx, Query{Of: FindArrivals, Items: []ItemID{id}, Limit: 1})
	if err != nil {
		return nil, err
	}
	for _, a := range page.Arrivals {
		queries = append(queries, Query{Of: FindLine, Leaf: &a.Leaf, Limit: 1})
	}
	var stubs []Stub
	for _, q := range queries {
		page, err := s.Find(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, row := range page.Leaves {
			known := slices.ContainsFunc(stubs, func(s Stub) bool { return s.Index == row.Index })
			if known || len(row.Content) == 0 || !isArrival(row.Type) {
				continue
			}
			stub, err := StubOf(row)
			if err != nil {
				return nil, err
			}
			stubs = append(stubs, stub)
		}
	}
	return stubs, nil
}

// isArrival reports whether a leaf of this type tells of an arrival.
func isArrival(kind string) bool {
	switch Disposition(kind) {
	case Registered, Redelivered, Quarantined, Beside:
		return true
	default:
		return false
	}
}
