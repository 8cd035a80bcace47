package gateway

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"kancelaria/registry"
)

// Bounds of what is looked up for one letter: whoever quotes a thousand
// numbers gets the first few.
const (
	maxThreads = 8
	maxRefs    = 8
)

// A Lookup answers queries about the book.
type Lookup interface {
	Find(ctx context.Context, q registry.Query) (registry.Page, error)
}

// A Finder reads from the book what a decision needs beside the letter. It
// asks nothing for a letter that refers to nothing, so that such letters are
// decided while the book is closed.
type Finder struct {
	Book   Lookup
	Tokens *Tokens
	Office func() *registry.Office
	Now    func() time.Time
	// Sticky says whether any rule asks who handled this sender before.
	Sticky func() bool
}

// Facts implements FactFinder.
func (f Finder) Facts(ctx context.Context, it registry.Item, doc registry.Document) (registry.Facts, error) {
	facts := registry.Facts{Now: f.Now().UTC()}
	from := strings.ToLower(doc.Sender().Email)
	thread, err := f.thread(ctx, it, doc, from)
	if err != nil {
		return facts, err
	}
	facts.Thread = thread
	if facts.Cases, err = f.cases(ctx, it, doc, from); err != nil {
		return facts, err
	}
	if from != "" && f.Sticky != nil && f.Sticky() {
		found, err := f.Book.Find(ctx, registry.Query{Of: registry.FindSender, Sender: from, Limit: 1})
		if err != nil {
			return facts, fmt.Errorf("asking who handled this sender before: %w", err)
		}
		if len(found.Works) > 0 {
			facts.StickyClerk = found.Works[0].Clerk
		}
	}
	return facts, nil
}

// thread finds the entry that a letter answers: first by an address of our own
// making, then by our Message-IDs, newest reference first. Only the sender we
// wrote to, and not forged, makes it certain.
func (f Finder) thread(ctx context.Context, it registry.Item, doc registry.Document, from string) (*registry.Thread, error) {
	for _, ref := range f.references(it, doc) {
		found, err := f.Book.Find(ctx, registry.Query{Of: registry.FindEntry, Number: ref.number, Limit: 1})
		if err != nil {
			return nil, fmt.Errorf("looking for the entry a letter answers: %w", err)
		}
		if len(found.Works) == 0 {
			continue
		}
		w := found.Works[0]
		folder, err := f.folder(ctx, registry.Query{Of: registry.FindFolders, Folder: w.Folder, Limit: 1})
		if err != nil {
			return nil, err
		}
		return &registry.Thread{
			Entry: w.Number.String(), Folder: w.Folder, Case: folder.Case, Clerk: w.Clerk, Department: w.Department, Class: w.Class, How: ref.how,
			Open:    folder.State != registry.FolderClosed && w.Status != registry.StatusAnnulled,
			Certain: from != "" && from == strings.ToLower(w.Sender.Email) && doc.Auth.Verdict != registry.Forged,
		}, nil
	}
	return nil, nil
}

type reference struct {
	number registry.Number
	how    string
}

// references are the numbers a letter answers by address or Message-ID.
func (f Finder) references(it registry.Item, doc registry.Document) []reference {
	var refs []reference
	add := func(n registry.Number, how string) {
		if len(refs) < maxThreads && !slices.ContainsFunc(refs, func(r reference) bool { return r.number == n }) {
			refs = append(refs, reference{n, how})
		}
	}
	if it.Envelope != nil && f.Tokens != nil {
		for _, rcpt := range it.Envelope.Recipients {
			if tok, ok := f.Tokens.Parse(rcpt); ok && !tok.Number.IsZero() {
				add(tok.Number, "token")
			}
		}
	}
	ids := append(slices.Clone(doc.InReplyTo), reversed(doc.References)...)
	for _, id := range ids {
		if n, ok := NumberOfMessage(id, f.Office().Domain); ok {
			add(n, "message_id")
		}
	}
	return refs
}

func reversed(s []string) []string {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

// NumberOfMessage reads the register number out of a Message-ID that we made:
// its local part holds the number between dots.
func NumberOfMessage(id, domain string) (registry.Number, bool) {
	local, host, ok := strings.Cut(strings.Trim(id, "<>"), "@")
	if !ok || len(local) > 200 || !strings.EqualFold(host, domain) {
		return registry.Number{}, false
	}
	for part := range strings.SplitSeq(local, ".") {
		if n, err := registry.ParseNumber(part); err == nil && strings.Count(part, "-") >= 2 {
			return n, true
		}
	}
	return registry.Number{}, false
}

func (f Finder) folder(ctx context.Context, q registry.Query) (registry.Folder, error) {
	found, err := f.Book.Find(ctx, q)
	if err != nil || len(found.Folders) == 0 {
		return registry.Folder{}, err
	}
	return found.Folders[0], nil
}
